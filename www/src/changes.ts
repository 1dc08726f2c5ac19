// Live updates by cheap polling: the server says when to ask again, nothing is asked while the page is hidden,
// offline or signed out, and failures back off. Screens listen; what they do with a change is theirs.
import { effect, signal } from '@preact/signals';
import { ApiError, expired, request, session } from './api';
import type { Alarm, Changes, PostStatus } from './types';

type Listener = (c: Changes) => void;

export const counts = signal<Partial<Record<PostStatus, number>>>({});
export const alarms = signal<Alarm[]>([]);
/** Notifications that this person has not read. */
export const unread = signal(0);
/** Why the last polls failed, as a sentence; then what is shown may be old. */
export const stale = signal('');

const listeners = new Set<Listener>();
const NORMAL_MS = 15_000;
const BUSY_MS = 3_000;
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 15_000;
const JITTER = 0.1;

let seq: string | null = null;
let interval = NORMAL_MS;
/** From then on something is due, and what becomes of it shall be seen soon, even if that is nothing. */
let busyFrom = Infinity;
let fails = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let asking = false;
let again = false;

export function onChanges(f: Listener): () => void {
  listeners.add(f);
  return () => listeners.delete(f);
}

const mayAsk = (): boolean => !document.hidden && navigator.onLine && !!session.value && !expired.value;

async function ask(): Promise<void> {
  const query = seq === null ? '' : `?since=${seq}`;
  const headers: Record<string, string> = seq === null ? {} : { 'If-None-Match': `"${seq}"` };
  const r = await request('GET', `/api/v1/changes${query}`, { headers });
  if (r.status === 304) {
    alarms.value = []; // while there is one, the answer is a whole one
    return;
  }
  const c = (await r.json()) as Changes;
  const first = seq === null;
  seq = c.seq;
  interval = c.next_ms;
  busyFrom = c.due_in_ms === null ? Infinity : Date.now() + c.due_in_ms;
  counts.value = c.counts;
  alarms.value = c.alarms;
  unread.value = c.unread;
  if (!first) for (const f of listeners) f(c);
}

async function turn(): Promise<void> {
  if (!mayAsk()) return;
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  try {
    await ask();
    fails = 0;
    stale.value = '';
  } catch (e) {
    fails += 1;
    const database = e instanceof ApiError && e.code === 'database_unavailable';
    if (fails > 1) stale.value = database ? 'The database does not answer: posts wait, and go out once it does.' : 'The server cannot be reached.';
  }
  asking = false;
  plan(again ? 0 : undefined);
  again = false;
}

function plan(ms?: number): void {
  clearTimeout(timer);
  // A failure is looked into soon, so that the page says so quickly and is quick to be back; then less and less often.
  const base = ms ?? (fails > 0 ? Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** Math.min(fails, 6)) : Math.min(interval, Math.max(BUSY_MS, busyFrom - Date.now())));
  timer = setTimeout(() => void turn(), base * (1 + JITTER * (2 * Math.random() - 1)));
}

/** Ask at once: after one's own change, or on return to the page. */
export const refreshSoon = (): void => plan(0);

export function startPolling(): void {
  document.addEventListener('visibilitychange', () => (document.hidden ? clearTimeout(timer) : refreshSoon()));
  addEventListener('online', refreshSoon);
  effect(() => {
    if (session.value && !expired.value) refreshSoon();
  });
}
