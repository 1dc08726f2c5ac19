// 1: which account, and what TikTok says about it right now.
import * as c from '../compose';
import { when } from '../format';
import { homeZone } from '../prefs';
import { Avatar, Button, Note } from './basics';
import { Icon } from './icon';

function CreatorState() {
  const state = c.creator.value;
  if (state.state === 'failed') {
    const connect = state.error.code === 'reconnect_needed' || state.error.code === 'missing_scope';
    return (
      <Note tone="warn" title={state.error.message}>
        {connect
          ? <p><a href="/accounts">Reconnect the account</a> to post to it. Your draft is kept.</p>
          : <Button class="btn-s" icon="refresh" onClick={() => void c.loadCreator(true)}>Ask again</Button>}
      </Note>
    );
  }
  if (state.state === 'known' && !state.info.can_post) {
    return <Note tone="warn" title={state.info.blocked_message ?? 'TikTok does not let this account post now.'}><p>Try again later. You can save the post as a draft meanwhile.</p></Note>;
  }
  return null;
}

export function AccountPart({ error }: { error: string | null }) {
  const list = c.accounts.value ?? [];
  const state = c.creator.value;
  const a = c.account.value;
  const info = state.state === 'known' && state.account === a?.id ? state.info : null;
  const name = info?.nickname ?? a?.nickname ?? '';
  const username = info?.username ?? a?.username;
  return (
    <section class="card part">
      <div class="part-head">
        <h2 id="account-label">Account</h2>
        {a && (
          <Button kind="quiet" class="btn-s" icon="refresh" working={state.state === 'loading'} onClick={() => void c.loadCreator(true)}>
            {state.state === 'loading' ? 'Asking TikTok' : 'Refresh'}
          </Button>
        )}
      </div>
      <div class="creator">
        <Avatar url={info?.avatar_url ?? a?.avatar_url ?? null} name={name || '?'} large />
        <div class="creator-name">
          <strong>{name || 'No account chosen'}</strong>
          {username && <span class="hint">@{username}</span>}
        </div>
        {(list.length > 1 || !a) && (
          <div class="creator-choice">
            <select id="account" class="input" aria-labelledby="account-label" aria-describedby="account-error" value={a?.id ?? ''} onChange={(e) => c.chooseAccount(e.currentTarget.value)}>
              {!a && <option value="">Select</option>}
              {list.map((x) => (
                <option key={x.id} value={x.id} disabled={x.status === 'disconnected'}>
                  {x.nickname}{x.username ? ` (@${x.username})` : ''}{x.status === 'reconnect_needed' ? `, reconnect needed${x.posts_until ? ` from ${when(x.posts_until, homeZone())} on` : ''}` : ''}
                </option>
              ))}
            </select>
          </div>
        )}
      </div>
      <CreatorState />
      <p class="field-error" id="account-error" hidden={!error || state.state !== 'none'}><Icon name="alert" /> {error}</p>
    </section>
  );
}
