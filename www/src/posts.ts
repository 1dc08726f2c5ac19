// What can be done with a post from the queue: which actions its status allows, and doing them.
import { api, asError, newKey } from './api';
import { refreshSoon } from './changes';
import { when } from './format';
import { navigate } from './nav';
import { homeZone } from './prefs';
import { toast } from './toasts';
import type { Consent, Post, PostMedia, PostStatus } from './types';

export type Act = 'edit' | 'publish_now' | 'reschedule' | 'retry' | 'cancel' | 'duplicate' | 'delete' | 'resolve';

const unknown = (p: Post): boolean => p.status_reason === 'outcome_unknown' || p.next_action === 'resolve';

const ALLOWED: Record<PostStatus, Act[]> = {
  draft: ['edit', 'duplicate', 'delete'],
  awaiting_approval: ['duplicate', 'cancel'],
  scheduled: ['edit', 'reschedule', 'publish_now', 'duplicate', 'cancel'],
  preparing: ['duplicate', 'cancel'],
  publishing: ['duplicate'],
  processing: ['duplicate'],
  published: ['duplicate'],
  published_private: ['duplicate'],
  in_inbox: ['duplicate'],
  needs_attention: ['edit', 'retry', 'duplicate', 'cancel'],
  failed: ['retry', 'edit', 'duplicate', 'delete'],
  canceled: ['edit', 'duplicate', 'delete'],
};

export function allowed(p: Post): Act[] {
  if (p.status === 'needs_attention' && unknown(p)) return ['resolve', 'duplicate'];
  return ALLOWED[p.status];
}

/** The button beside the next step, when there is one: what it says and what it does. */
export type Step = { text: string; href?: string; act?: Act; external?: boolean };

export function nextStep(p: Post): Step | null {
  switch (p.next_action) {
    case 'reconnect':
      return { text: 'Reconnect account', href: '/accounts' };
    case 'choose_again':
      return { text: 'Choose again', href: `/compose/${p.id}` };
    case 'replace_media':
      return { text: 'Replace media', href: `/compose/${p.id}` };
    case 'edit_caption':
      return { text: 'Edit caption', href: `/compose/${p.id}` };
    case 'retry':
      return { text: 'Try again', act: 'retry' };
    case 'resolve':
      return { text: 'Say what happened', act: 'resolve' };
    case 'open_tiktok':
      return { text: 'Open TikTok', href: p.tiktok_url ?? 'https://www.tiktok.com/', external: true };
    case 'wait':
    case 'none':
      return null;
  }
}

/** A post of the server's making, or null after a message about what went wrong. */
async function tell(what: () => Promise<Post>, done: (p: Post) => string): Promise<Post | null> {
  try {
    const p = await what();
    toast(done(p));
    return p;
  } catch (e) {
    const x = asError(e);
    toast(Object.keys(x.fields).length > 0 ? `${x.message} Open the post and correct it.` : x.message, 'bad');
    return null;
  } finally {
    refreshSoon();
  }
}

const path = (p: Post, verb: string): string => `/api/v1/posts/${p.id}/${verb}`;

export const cancel = (p: Post) => tell(() => api<Post>('POST', path(p, 'cancel'), { body: {} }), () => 'Canceled. It will not be posted.');

export const retry = (p: Post) => tell(() => api<Post>('POST', path(p, 'retry'), { body: {} }), () => 'Trying again now.');

export const publishNow = (p: Post, consent: Consent) =>
  tell(() => api<Post>('POST', path(p, 'publish-now'), { body: { consent }, idempotencyKey: newKey() }), () => 'On its way to TikTok.');

export const reschedule = (p: Post, at: number, zone: string, text: string) =>
  tell(() => api<Post>('PATCH', `/api/v1/posts/${p.id}`, { body: { publish_at: new Date(at).toISOString(), timezone: zone }, ifMatch: p.version }), () => text);

export const resolve = (p: Post, outcome: 'published' | 'not_published', url: string) =>
  tell(() => api<Post>('POST', path(p, 'resolve'), { body: url ? { outcome, tiktok_url: url } : { outcome } }), () =>
    outcome === 'published' ? 'Noted as posted.' : 'Noted as not posted. You can try again now.');

export async function duplicate(p: Post): Promise<void> {
  const copy = await tell(() => api<Post>('POST', path(p, 'duplicate'), { body: {}, idempotencyKey: newKey() }), () => 'Copied. Choose the audience and the time.');
  if (copy) navigate(`/compose/${copy.id}`);
}

export async function remove(p: Post): Promise<boolean> {
  try {
    await api('DELETE', `/api/v1/posts/${p.id}`);
    toast(p.status === 'draft' ? 'Draft deleted.' : 'Deleted.');
    return true;
  } catch (e) {
    toast(asError(e).message, 'bad');
    return false;
  } finally {
    refreshSoon();
  }
}

/** What a post is shown by: its video, or the photo that is its cover. */
export const faceOf = (p: Post): PostMedia | undefined => p.media[p.kind === 'photo' ? (p.cover_index ?? 0) : 0] ?? p.media[0];

/** What a post is called in lists. */
export const nameOf = (p: Post): string => p.title || p.caption || p.media[0]?.filename || 'No caption';

/** When a post that did not go out yet is tried again, as the end of a sentence. */
export const nextTry = (p: Post): string => (p.next_try_at ? ` Next try ${when(p.next_try_at, p.timezone ?? homeZone())}.` : '');
