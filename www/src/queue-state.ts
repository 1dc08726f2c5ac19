// The lists behind the queue: one per tab, in pages, kept fresh by the changes that polling reports.
import { signal } from '@preact/signals';
import { ApiError, asError, get } from './api';
import { onChanges } from './changes';
import type { Changes, Page, Post, PostEvent, PostStatus } from './types';

export interface Tab {
  key: string;
  text: string;
  statuses: PostStatus[];
  order: 'newest' | 'soonest';
}

export const TABS: Tab[] = [
  { key: 'scheduled', text: 'Scheduled', statuses: ['scheduled', 'awaiting_approval', 'preparing', 'publishing', 'processing'], order: 'soonest' },
  { key: 'attention', text: 'Needs attention', statuses: ['needs_attention'], order: 'newest' },
  { key: 'drafts', text: 'Drafts', statuses: ['draft'], order: 'newest' },
  { key: 'posted', text: 'Posted', statuses: ['published', 'published_private', 'in_inbox'], order: 'newest' },
  { key: 'failed', text: 'Failed', statuses: ['failed'], order: 'newest' },
  { key: 'canceled', text: 'Canceled', statuses: ['canceled'], order: 'newest' },
];

export const tabOf = (status: PostStatus): Tab => TABS.find((t) => t.statuses.includes(status)) ?? (TABS[0] as Tab);

export interface List {
  posts: Post[];
  next: string | null;
}

export const list = signal<List | null>(null);
export const listError = signal<ApiError | null>(null);
export const loadingMore = signal(false);
/** The post of the open drawer and its story. */
export const detail = signal<Post | null>(null);
export const events = signal<PostEvent[] | null>(null);
export const detailError = signal<ApiError | null>(null);

const FEW = 10;
const OVERDUE_MS = 4_000;
let shown: { tab: Tab; account: string | null } | null = null;
let run = 0;

function query(tab: Tab, account: string | null, cursor: string | null): string {
  const q = new URLSearchParams({ status: tab.statuses.join(','), order: tab.order, limit: '50' });
  if (account) q.set('account', account);
  if (cursor) q.set('cursor', cursor);
  return `/api/v1/posts?${q.toString()}`;
}

export async function show(tab: Tab, account: string | null): Promise<void> {
  if (shown?.tab !== tab || shown.account !== account) list.value = null;
  shown = { tab, account };
  const mine = ++run;
  try {
    const page = await get<Page<Post>>(query(tab, account, null));
    if (mine !== run) return;
    list.value = { posts: page.items, next: page.next_cursor };
    listError.value = null;
  } catch (e) {
    if (mine === run && !list.value) listError.value = asError(e);
  }
}

export async function showMore(): Promise<void> {
  const before = list.value;
  if (!shown || !before?.next) return;
  const mine = run;
  loadingMore.value = true;
  try {
    const page = await get<Page<Post>>(query(shown.tab, shown.account, before.next));
    if (mine === run) list.value = { posts: [...before.posts, ...page.items], next: page.next_cursor };
  } catch {
    // The button stays and can be pressed again.
  }
  loadingMore.value = false;
}

/** Puts a post that has changed where it belongs now: into the list, within it, or out of it. */
export function put(p: Post): void {
  if (detail.value?.id === p.id) {
    detail.value = p;
    void loadEvents(p.id);
  }
  const l = list.value;
  if (!l || !shown) return;
  const fits = shown.tab.statuses.includes(p.status) && (!shown.account || shown.account === p.account_id);
  const at = l.posts.findIndex((x) => x.id === p.id);
  if (at < 0 && !fits) return;
  const posts = l.posts.filter((x) => x.id !== p.id);
  if (fits) posts.push(p);
  list.value = { ...l, posts: sort(posts, shown.tab) };
}

export function drop(id: string): void {
  if (list.value) list.value = { ...list.value, posts: list.value.posts.filter((p) => p.id !== id) };
}

function sort(posts: Post[], tab: Tab): Post[] {
  const late = '9999';
  return posts.sort((a, b) => {
    if (tab.order === 'newest') return Number(BigInt(b.id) - BigInt(a.id));
    return (a.publish_at ?? late).localeCompare(b.publish_at ?? late) || Number(BigInt(a.id) - BigInt(b.id));
  });
}

async function loadEvents(id: string): Promise<void> {
  const found: PostEvent[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<PostEvent> = await get<Page<PostEvent>>(`/api/v1/posts/${id}/events?limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  if (detail.value?.id === id) events.value = found;
}

export async function openDetail(id: string): Promise<void> {
  if (detail.value?.id === id) return;
  events.value = null;
  detailError.value = null;
  detail.value = list.value?.posts.find((p) => p.id === id) ?? null;
  try {
    const p = await get<Post>(`/api/v1/posts/${id}`);
    detail.value = p;
    await loadEvents(id);
  } catch (e) {
    detailError.value = asError(e);
  }
}

export function closeDetail(): void {
  detail.value = null;
  events.value = null;
  detailError.value = null;
}

async function apply(c: Changes): Promise<void> {
  const posts = c.changed.filter((x) => x.type === 'post');
  if (shown && (c.reset || posts.length > FEW)) {
    await show(shown.tab, shown.account);
    return;
  }
  for (const x of posts) {
    if (x.status === 'deleted') drop(x.id);
    else await get<Post>(`/api/v1/posts/${x.id}`).then(put, (e: unknown) => e instanceof ApiError && e.status === 404 && drop(x.id));
  }
}

/** Posts whose time has come and that nothing was heard of: what they wait for is asked once. */
async function askOverdue(asked: Set<string>): Promise<void> {
  const late = Date.now() - OVERDUE_MS;
  const overdue = (list.value?.posts ?? []).filter((p) => p.status === 'scheduled' && !p.status_reason && !asked.has(p.id) && Date.parse(p.publish_at ?? '') < late);
  for (const p of overdue.slice(0, FEW)) {
    asked.add(p.id);
    await get<Post>(`/api/v1/posts/${p.id}`).then(put, () => asked.delete(p.id));
  }
}

/** While the queue is on the screen. */
export function listen(): () => void {
  const asked = new Set<string>();
  const timer = setInterval(() => { if (!document.hidden) void askOverdue(asked); }, OVERDUE_MS);
  const stop = onChanges((c) => void apply(c));
  return () => {
    clearInterval(timer);
    stop();
  };
}
