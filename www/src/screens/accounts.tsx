// Connected accounts: connect, reconnect, disconnect, and what became of the last attempt.
import { signal } from '@preact/signals';
import { Component } from 'preact';
import { api, asError, get, session } from '../api';
import type { ApiError } from '../api';
import { onChanges, refreshSoon } from '../changes';
import { count, day, when } from '../format';
import { setQuery } from '../nav';
import { homeZone } from '../prefs';
import { toast } from '../toasts';
import type { Account, Page } from '../types';
import { Avatar, Button, Empty, Head, LoadError, Note, Skeleton } from '../parts/basics';
import { Dialog, ask } from '../parts/dialog';
import { Icon } from '../parts/icon';
import { Menu } from '../parts/menu';
import type { MenuItem } from '../parts/menu';
import { CONNECT_ERROR, SCOPES } from '../words';
import type { Tone } from '../words';

const list = signal<Account[] | null>(null);
const error = signal<ApiError | null>(null);
/** The dialog before TikTok's own page: for a new account, or for this one again. */
const connecting = signal<{ account: Account | null } | null>(null);
const leaving = signal(false);

async function load(): Promise<void> {
  try {
    list.value = (await get<Page<Account>>('/api/v1/accounts?limit=100')).items;
    error.value = null;
  } catch (e) {
    if (!list.value) error.value = asError(e);
  }
}

async function leaveForTikTok(account: Account | null): Promise<void> {
  leaving.value = true;
  try {
    const { authorize_url } = await api<{ authorize_url: string }>('POST', '/api/auth/tiktok/start', { body: account ? { account_id: account.id } : {} });
    location.assign(authorize_url);
  } catch (e) {
    leaving.value = false;
    connecting.value = null;
    toast(asError(e).message, 'bad');
  }
}

async function disconnect(a: Account): Promise<void> {
  const waiting = a.scheduled_posts;
  const yes = await ask({
    title: `Disconnect ${a.nickname}?`,
    confirm: 'Disconnect',
    danger: true,
    body: (
      <>
        <p>We give the permission back to TikTok and can no longer post for this account.</p>
        <p>
          {waiting > 0
            ? <><strong>{count(waiting, 'scheduled post', 'scheduled posts')}</strong> will not go out. They move to <em>Needs attention</em> and can be scheduled again once you reconnect.</>
            : 'No posts are scheduled for it. What was already posted stays on TikTok.'}
        </p>
      </>
    ),
  });
  if (!yes) return;
  try {
    await api('DELETE', `/api/v1/accounts/${a.id}`);
    toast(`${a.nickname} is disconnected.`);
  } catch (e) {
    toast(asError(e).message, 'bad');
  }
  refreshSoon();
  await load();
}

const STATE: Record<Account['status'], { text: string; tone: Tone; icon: string }> = {
  connected: { text: 'Connected', tone: 'good', icon: 'check' },
  expires_soon: { text: 'Expires soon', tone: 'warn', icon: 'clock' },
  reconnect_needed: { text: 'Reconnect needed', tone: 'bad', icon: 'alert' },
  disconnected: { text: 'Disconnected', tone: 'neutral', icon: 'ban' },
};

function Feature({ on, text, off }: { on: boolean; text: string; off: string }) {
  return (
    <li class={on ? '' : 'off'}>
      <Icon name={on ? 'tick' : 'minus'} />
      <span>{on ? text : off}</span>
    </li>
  );
}

function menuOf(a: Account): MenuItem[] {
  const again: MenuItem = { text: 'Reconnect', icon: 'refresh', run: () => (connecting.value = { account: a }) };
  return a.status === 'disconnected' ? [again] : [again, { text: 'Disconnect', icon: 'trash', danger: true, run: () => void disconnect(a) }];
}

/** TikTok does not renew the connection, but the access it gave last still works. */
const postsUntil = (end: string) =>
  `Needs reconnecting: TikTok does not renew this connection. Posts due before ${when(end, homeZone())} still go out; later ones wait until you reconnect.`;

function Card({ a }: { a: Account }) {
  const s = STATE[a.status];
  const trouble = a.status === 'reconnect_needed' || a.status === 'expires_soon' || a.missing_scopes.length > 0;
  return (
    <li class={`card account ${a.status === 'disconnected' ? 'muted' : ''}`}>
      <div class="account-top">
        <Avatar url={a.avatar_url} name={a.nickname} large />
        <div class="account-name">
          <h2>{a.nickname}</h2>
          {a.username && <p class="hint">@{a.username}</p>}
        </div>
        <Menu label={`More for ${a.nickname}`} items={menuOf(a)} />
      </div>
      <p class="account-state">
        <span class={`badge tone-${s.tone}`}><Icon name={s.icon} />{s.text}</span>
        {a.scheduled_posts > 0 && <a href={`/queue?account=${a.id}`}>{count(a.scheduled_posts, 'scheduled post', 'scheduled posts')}</a>}
      </p>
      {a.status !== 'disconnected' && (
        <ul class="features">
          <Feature on={a.features.direct_post} text="Publishes directly" off="Cannot publish directly" />
          <Feature on={a.features.inbox} text="Sends drafts to the inbox" off="Cannot send drafts" />
        </ul>
      )}
      <p class="hint">
        {a.status === 'disconnected' ? a.status_text : `Connected since ${day(a.connected_at, homeZone())}`}
        {a.refresh_expires_at && (a.status === 'connected' || a.status === 'expires_soon') && `, until ${day(a.refresh_expires_at, homeZone())}`}
      </p>
      {a.limited_until && a.status !== 'disconnected' && (
        <Note tone="warn"><p>TikTok lets this account post nothing more until {when(a.limited_until, homeZone())}. Its posts go out by themselves then.</p></Note>
      )}
      {trouble && a.status !== 'disconnected' && (
        <Note tone={a.status === 'reconnect_needed' ? 'bad' : 'warn'}>
          {a.missing_scopes.length > 0 && a.status === 'connected' ? (
            <>
              <p>Not granted:</p>
              <ul class="plain-list">{a.missing_scopes.map((s) => <li key={s}>{SCOPES[s] ?? s} <code class="hint">{s}</code></li>)}</ul>
            </>
          ) : <p>{a.posts_until ? postsUntil(a.posts_until) : a.status_text}</p>}
          <Button icon="refresh" onClick={() => (connecting.value = { account: a })}>Reconnect</Button>
        </Note>
      )}
      {a.status === 'disconnected' && <Button icon="refresh" onClick={() => (connecting.value = { account: a })}>Connect again</Button>}
    </li>
  );
}

function ConnectDialog({ account }: { account: Account | null }) {
  const scopes = session.value?.app.scopes ?? [];
  return (
    <Dialog
      title={account ? `Reconnect ${account.nickname}` : 'Connect a TikTok account'}
      onClose={() => (connecting.value = null)}
      footer={
        <>
          <Button onClick={() => (connecting.value = null)}>Cancel</Button>
          <Button kind="primary" icon="external" working={leaving.value} disabled={leaving.value} onClick={() => void leaveForTikTok(account)}>Continue to TikTok</Button>
        </>
      }
    >
      <p>TikTok will ask you to sign in there and to allow this:</p>
      <ul class="scopes">
        {scopes.map((s) => (
          <li key={s}>
            <Icon name="tick" />
            <span>{SCOPES[s] ?? 'Another permission that the operator asks for'}<span class="hint">{s}</span></span>
          </li>
        ))}
      </ul>
      <p class="hint">We never see your TikTok password. You can take the permission back at any time, here or in TikTok’s settings.</p>
      {!account && <p class="hint">To connect another account than the one you are signed in to, sign out at tiktok.com first.</p>}
    </Dialog>
  );
}

function Outcome({ query }: { query: Record<string, string> }) {
  const clear = () => setQuery({ connected: null, error: null });
  if (query.connected) {
    const a = list.value?.find((x) => x.id === query.connected);
    if (!a) return null;
    return (
      <Note tone="good" title={`${a.nickname} is connected.`} onClose={clear}>
        <p><a href="/compose">Write a post</a></p>
      </Note>
    );
  }
  if (!query.error) return null;
  const t = CONNECT_ERROR[query.error] ?? CONNECT_ERROR.unknown;
  if (!t) return null;
  return (
    <Note tone="bad" title={t.title} onClose={clear}>
      <p>{t.cause}</p>
      <p><strong>What to do:</strong> {t.remedy}</p>
      <Button icon="refresh" onClick={() => (connecting.value = { account: null })}>Connect again</Button>
    </Note>
  );
}

function Body() {
  const items = list.value;
  if (error.value) return <LoadError error={error.value} retry={() => void load()} />;
  if (!items) return <Skeleton rows={2} tall />;
  if (items.length === 0) {
    return (
      <Empty icon="accounts" title="Connect your first TikTok account">
        <p>Posts need somewhere to go. It takes less than a minute, and you choose what to allow.</p>
        <Button kind="primary" icon="plus" onClick={() => (connecting.value = { account: null })}>Connect account</Button>
      </Empty>
    );
  }
  return <ul class="cards">{items.map((a) => <Card key={a.id} a={a} />)}</ul>;
}

export default class Accounts extends Component<{ query?: Record<string, string> }> {
  private stop = () => {};

  override componentDidMount() {
    connecting.value = null;
    leaving.value = false;
    void load();
    const off = onChanges((c) => (c.reset || c.changed.some((x) => x.type === 'account')) && void load());
    // Back from TikTok's page the browser may show this one from its cache, still "leaving".
    const shown = () => (leaving.value = false);
    addEventListener('pageshow', shown);
    this.stop = () => {
      off();
      removeEventListener('pageshow', shown);
    };
  }

  override componentWillUnmount() {
    this.stop();
  }

  override render() {
    return (
      <>
        <Head title="Accounts" sub="Where your posts go.">
          {(list.value?.length ?? 0) > 0 && <Button kind="primary" icon="plus" onClick={() => (connecting.value = { account: null })}>Connect account</Button>}
        </Head>
        <Outcome query={this.props.query ?? {}} />
        <Body />
        {connecting.value && <ConnectDialog account={connecting.value.account} />}
      </>
    );
  }
}
