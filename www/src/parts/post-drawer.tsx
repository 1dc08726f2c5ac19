// One post at the side of the queue: preview, facts, what can be done, and its whole story.
import type { ComponentChildren } from 'preact';
import { clockTime, day, span, when } from '../format';
import { faceOf, nextTry } from '../posts';
import { homeZone } from '../prefs';
import { detail, detailError, events, openDetail } from '../queue-state';
import type { Post, PostEvent } from '../types';
import { PRIVACY } from '../words';
import { Button, LoadError, Skeleton, StatusBadge, Thumb } from './basics';
import { Dialog } from './dialog';
import { Icon } from './icon';
import type { MenuItem } from './menu';

const ACTOR: Record<PostEvent['actor'], string> = {
  person: 'Your team', api_client: 'API client', publisher: 'Publisher', media: 'Media check', tiktok: 'TikTok', system: 'Scheduler',
};

/** Who did it: a person by name, what came through the API with the name of the token's owner. */
function actor(e: PostEvent): string {
  if (!e.by) return ACTOR[e.actor];
  return e.actor === 'api_client' ? `${e.by}, through the API` : e.by;
}

const WAITS = ['later', 'put_off'];

function Timeline({ zone }: { zone: string }) {
  const list = events.value;
  if (!list) return <Skeleton rows={3} />;
  if (list.length === 0) return <p class="faint">Nothing has happened yet.</p>;
  let last = '';
  return (
    <ol class="timeline">
      {list.map((e) => {
        const d = day(e.at, zone);
        const heading = d !== last;
        last = d;
        return (
          <li key={e.id} class={`event event-${e.actor}`}>
            {heading && <span class="event-day">{d}</span>}
            <time dateTime={e.at}>{clockTime(e.at, zone)}</time>
            <div>
              <p>{e.text}</p>
              {e.when && <p class="event-when">{WAITS.includes(e.kind) ? 'Next try' : 'For'} {when(e.when, zone)}</p>}
              <p class="hint">
                {actor(e)}
                {e.attempt !== null && e.attempt > 1 && ` · attempt ${e.attempt}`}
                {e.code && <> · <code>{e.code}</code></>}
                {e.publish_id && <> · session <code>{e.publish_id}</code></>}
                {e.tiktok_log_id && <> · TikTok log <code>{e.tiktok_log_id}</code></>}
              </p>
            </div>
          </li>
        );
      })}
    </ol>
  );
}

function disclosure(p: Post): string {
  if (p.disclose.branded_content) return 'Paid partnership';
  return p.disclose.your_brand ? 'Promotional content' : 'None';
}

function interactions(p: Post): string {
  const list = [p.allow_comment && 'Comment', p.kind === 'video' && p.allow_duet && 'Duet', p.kind === 'video' && p.allow_stitch && 'Stitch'].filter(Boolean);
  return list.join(', ') || 'None';
}

function Facts({ p, zone }: { p: Post; zone: string }) {
  return (
    <dl class="facts">
      <div><dt>Account</dt><dd>{p.account.nickname}{p.account.username && <span class="hint"> @{p.account.username}</span>}</dd></div>
      <div><dt>Planned for</dt><dd>{p.publish_at ? <>{when(p.publish_at, zone)} <span class="hint">{zone.replaceAll('_', ' ')}</span></> : 'No time yet'}</dd></div>
      {!p.published_at && p.publish_at && <div><dt>May be late</dt><dd>{span(p.max_late_s * 1000)} at most, if it cannot go out on time</dd></div>}
      {p.published_at && <div><dt>Posted</dt><dd>{when(p.published_at, zone)}</dd></div>}
      <div><dt>Way</dt><dd>{p.mode === 'direct' ? 'Published directly' : 'Draft to the TikTok inbox'}</dd></div>
      {p.mode === 'direct' && (
        <>
          <div><dt>Who can view</dt><dd>{p.privacy_level ? (PRIVACY[p.privacy_level]?.label ?? p.privacy_level) : 'Not chosen'}</dd></div>
          <div><dt>Allowed</dt><dd>{interactions(p)}</dd></div>
          <div><dt>Disclosure</dt><dd>{disclosure(p)}</dd></div>
          {p.is_aigc && <div><dt>Label</dt><dd>AI-generated</dd></div>}
          {p.kind === 'photo' && <div><dt>Music</dt><dd>{p.auto_add_music ? 'TikTok adds some' : 'None'}</dd></div>}
        </>
      )}
    </dl>
  );
}

/** The photos in the order in which TikTok shows them. */
function Album({ p }: { p: Post }) {
  const cover = p.cover_index ?? 0;
  return (
    <ol class="album" aria-label="Photos">
      {p.media.map((m, i) => (
        <li key={m.id}>
          <Thumb url={m.thumbnail_url} kind="photo" />
          <span class="hint">{i + 1}{i === cover && ' · cover'}</span>
        </li>
      ))}
    </ol>
  );
}

interface Props {
  actions: (p: Post) => MenuItem[];
  step: (p: Post) => ComponentChildren;
  onClose: () => void;
}

export function PostDrawer({ actions, step, onClose }: Props) {
  const p = detail.value;
  if (detailError.value) {
    const retry = () => {
      const id = new URLSearchParams(location.search).get('post');
      detail.value = null;
      if (id) void openDetail(id);
    };
    return <Dialog drawer title="Post" onClose={onClose}><LoadError error={detailError.value} retry={retry} /></Dialog>;
  }
  if (!p) return <Dialog drawer title="Post" onClose={onClose}><Skeleton rows={4} /></Dialog>;
  const zone = p.timezone ?? homeZone();
  const m = faceOf(p);
  const said = p.next_try_at !== null; // that it waits, and until when
  const trouble = p.status === 'needs_attention' || p.status === 'failed';
  return (
    <Dialog
      drawer title="Post" onClose={onClose}
      footer={
        <div class="drawer-actions">
          {actions(p).map((a) => <Button key={a.text} class="btn-s" icon={a.icon} kind={a.danger ? 'danger' : 'plain'} onClick={a.run}>{a.text}</Button>)}
        </div>
      }
    >
      <div class="drawer-top">
        <Thumb url={m?.thumbnail_url ?? null} durationMs={m?.duration_ms ?? null} kind={p.kind} />
        <div>
          <StatusBadge status={p.status} />
          {p.title && <p class="drawer-title">{p.title}</p>}
          <p class="drawer-caption">{p.caption || <span class="faint">No caption</span>}</p>
          {p.tiktok_url && <a class="link-out" href={p.tiktok_url} target="_blank" rel="noreferrer"><Icon name="external" /> Open on TikTok</a>}
        </div>
      </div>
      <div class={`state-box ${trouble ? (p.status === 'failed' ? 'tone-bad' : 'tone-warn') : ''}`}>
        <p>{p.status_text}</p>
        {p.next_step && <p>{p.next_step}{nextTry(p)}</p>}
        {(p.warnings ?? []).filter((w) => !(said && w.code === 'account_paused')).map((w) => <p key={w.code} class="warn-line"><Icon name="alert" /> {w.message}</p>)}
        {p.status_reason && trouble && <p class="hint">Reason <code>{p.status_reason}</code></p>}
        {step(p)}
      </div>
      {p.kind === 'photo' && p.media.length > 1 && <Album p={p} />}
      <Facts p={p} zone={zone} />
      <h3>What happened</h3>
      <Timeline zone={zone} />
    </Dialog>
  );
}
