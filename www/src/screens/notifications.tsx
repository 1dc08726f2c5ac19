// What happened that people should know: newest first. Whoever looks at the list has read it.
import { signal } from '@preact/signals';
import { Component } from 'preact';
import { api, asError, get } from '../api';
import type { ApiError } from '../api';
import { onChanges, refreshSoon, unread } from '../changes';
import { now } from '../clock';
import { localTimes, relative } from '../format';
import { Button, Empty, Head, LoadError, Skeleton } from '../parts/basics';
import { Icon } from '../parts/icon';
import { homeZone } from '../prefs';
import type { Notification, Page } from '../types';

const list = signal<Notification[] | null>(null);
const error = signal<ApiError | null>(null);
const cursor = signal<string | null>(null);

async function markRead(newest: Notification | undefined): Promise<void> {
  if (!newest || newest.read) return;
  try {
    await api('POST', '/api/v1/notifications/read', { body: { up_to: newest.id } });
    unread.value = 0;
    refreshSoon();
  } catch {
    // They stay unread and are offered again.
  }
}

async function load(): Promise<void> {
  try {
    const page = await get<Page<Notification>>('/api/v1/notifications?limit=30');
    list.value = page.items;
    cursor.value = page.next_cursor;
    error.value = null;
    await markRead(page.items[0]);
  } catch (e) {
    if (!list.value) error.value = asError(e);
  }
}

async function more(): Promise<void> {
  try {
    const page = await get<Page<Notification>>(`/api/v1/notifications?limit=30&cursor=${encodeURIComponent(cursor.value ?? '')}`);
    list.value = [...(list.value ?? []), ...page.items];
    cursor.value = page.next_cursor;
  } catch (e) {
    error.value = asError(e);
  }
}

function One({ n }: { n: Notification }) {
  const href = n.post_id ? `/queue?post=${n.post_id}` : n.account_id ? '/accounts' : null;
  const bad = n.kind !== 'account.limited' && n.kind !== 'account.grant_ending';
  return (
    <li class="card section">
      <h2>
        <Icon name={bad ? 'alert' : 'clock'} /> {href ? <a href={href}>{n.title}</a> : n.title}
        {!n.read && <> <span class="badge tone-info">New</span></>}
      </h2>
      <p>{localTimes(n.text, homeZone())}</p>
      <p class="hint"><time dateTime={n.created_at}>{relative(n.created_at, now.value)}</time></p>
    </li>
  );
}

export default class Notifications extends Component {
  private stop: (() => void) | null = null;

  override componentDidMount() {
    void load();
    this.stop = onChanges(() => {
      if (unread.value > 0) void load();
    });
  }

  override componentWillUnmount() {
    this.stop?.();
  }

  override render() {
    const l = list.value;
    return (
      <>
        <Head title="Notifications" />
        {error.value && !l && <LoadError error={error.value} retry={() => void load()} />}
        {!l && !error.value && <Skeleton />}
        {l?.length === 0 && <Empty icon="check" title="Nothing to tell"><p>What fails, waits for you or is about to end shows here.</p></Empty>}
        {l && l.length > 0 && <ul class="sections plain">{l.map((n) => <One key={n.id} n={n} />)}</ul>}
        {cursor.value && <Button onClick={() => void more()}>Show older ones</Button>}
      </>
    );
  }
}
