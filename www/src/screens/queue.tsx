// The queue: every post by what it needs, with its reason, its next step and its story.
import { signal } from '@preact/signals';
import { Component } from 'preact';
import { get } from '../api';
import { counts } from '../changes';
import { now } from '../clock';
import { relative, when } from '../format';
import { setQuery } from '../nav';
import { homeZone } from '../prefs';
import { allowed, cancel, duplicate, faceOf, nameOf, nextStep, nextTry, publishNow, remove, reschedule, resolve as resolvePost, retry } from '../posts';
import type { Act } from '../posts';
import { TABS, closeDetail, detail, drop, list, listError, listen, loadingMore, openDetail, put, show, showMore, tabOf } from '../queue-state';
import type { Tab } from '../queue-state';
import { resolve, wallFields } from '../tz';
import type { Account, Page, Post } from '../types';
import { Button, Empty, Head, LoadError, Skeleton, StatusBadge, Thumb } from '../parts/basics';
import { Dialog, ask } from '../parts/dialog';
import { Declaration } from '../parts/declaration';
import { Icon } from '../parts/icon';
import { Menu } from '../parts/menu';
import type { MenuItem } from '../parts/menu';
import { PostDrawer } from '../parts/post-drawer';
import { WhenFields } from '../parts/when-fields';
import { navigate } from '../nav';

const moving = signal<Post | null>(null);
const resolving = signal<Post | null>(null);
const accounts = signal<Account[]>([]);

const EMPTY: Record<string, { icon: string; title: string; text: string; write?: boolean }> = {
  scheduled: { icon: 'calendar', title: 'Nothing is scheduled', text: 'Write a post and choose its time; it goes out on the second.', write: true },
  attention: { icon: 'check', title: 'Nothing needs you', text: 'Posts that cannot go on by themselves appear here, with the reason and what to do.' },
  drafts: { icon: 'pencil', title: 'No drafts', text: 'What you begin to write is kept here by itself.', write: true },
  posted: { icon: 'send', title: 'Nothing posted yet', text: 'Posts appear here as soon as TikTok has confirmed them.', write: true },
  failed: { icon: 'check', title: 'Nothing failed', text: 'If TikTok refuses a post, it is here with TikTok’s reason in plain words.' },
  canceled: { icon: 'ban', title: 'Nothing canceled', text: 'Posts that you cancel are kept here until you delete them.' },
};

async function confirmCancel(p: Post): Promise<void> {
  const yes = await ask({ title: 'Cancel this post?', confirm: 'Cancel the post', danger: true, body: <p>It will not be posted. You can schedule it again later.</p> });
  const changed = yes ? await cancel(p) : null;
  if (changed) put(changed);
}

async function confirmPublish(p: Post): Promise<void> {
  const consent = { music_usage: true, branded_content: p.disclose.branded_content };
  const yes = await ask({
    title: 'Publish now?', confirm: 'Publish now',
    body: (
      <>
        <p>The post goes to TikTok at once. That cannot be undone here.</p>
        <Declaration branded={p.disclose.branded_content} />
      </>
    ),
  });
  const changed = yes ? await publishNow(p, consent) : null;
  if (changed) put(changed);
}

async function confirmDelete(p: Post): Promise<void> {
  const yes = await ask({ title: p.status === 'draft' ? 'Delete this draft?' : 'Delete this post?', confirm: 'Delete', danger: true, body: <p>Its media stays in the library.</p> });
  if (yes && (await remove(p))) {
    drop(p.id);
    setQuery({ post: null });
  }
}

function run(act: Act, p: Post): void {
  const now: Record<Act, () => void> = {
    edit: () => navigate(`/compose/${p.id}`),
    publish_now: () => void confirmPublish(p),
    reschedule: () => (moving.value = p),
    retry: () => void retry(p).then((x) => x && put(x)),
    cancel: () => void confirmCancel(p),
    duplicate: () => void duplicate(p),
    delete: () => void confirmDelete(p),
    resolve: () => (resolving.value = p),
  };
  now[act]();
}

const ACT: Record<Act, { text: string; icon: string; danger?: boolean }> = {
  edit: { text: 'Edit', icon: 'pencil' },
  reschedule: { text: 'Change time', icon: 'calendar' },
  publish_now: { text: 'Publish now', icon: 'send' },
  retry: { text: 'Try again', icon: 'refresh' },
  duplicate: { text: 'Duplicate', icon: 'copy' },
  resolve: { text: 'Say what happened', icon: 'info' },
  cancel: { text: 'Cancel post', icon: 'ban', danger: true },
  delete: { text: 'Delete', icon: 'trash', danger: true },
};

const menuOf = (p: Post): MenuItem[] => allowed(p).map((a) => ({ ...ACT[a], run: () => run(a, p) }));

function Step({ p }: { p: Post }) {
  const s = nextStep(p);
  if (!s) return null;
  if (s.act) {
    const act = s.act;
    return <Button class="btn-s" onClick={() => run(act, p)}>{s.text}</Button>;
  }
  return (
    <a class="btn btn-plain btn-s" href={s.href ?? '/queue'} {...(s.external ? { target: '_blank', rel: 'noreferrer' } : {})}>
      {s.external && <Icon name="external" />}
      <span>{s.text}</span>
    </a>
  );
}

function Time({ p }: { p: Post }) {
  const iso = p.published_at ?? p.publish_at;
  if (!iso) return <span class="faint">No time yet</span>;
  const zone = p.timezone ?? homeZone();
  return (
    <time dateTime={iso} class="row-time">
      <span>{when(iso, zone, now.value)}</span>
      <span class="hint">{p.next_try_at ? `Next try ${relative(p.next_try_at, now.value)}` : relative(iso, now.value)}</span>
    </time>
  );
}

class Row extends Component<{ p: Post }> {
  override shouldComponentUpdate(next: { p: Post }) {
    return next.p !== this.props.p;
  }

  override render() {
    const { p } = this.props;
    const m = faceOf(p);
    const showReason = (p.status !== 'scheduled' || p.status_reason !== null) && p.status !== 'draft' && p.status !== 'published';
    return (
      <li class="row">
        <Thumb url={m?.thumbnail_url ?? null} durationMs={m?.duration_ms ?? null} kind={p.kind} photos={p.kind === 'photo' ? p.media.length : 0} />
        <div class="row-main">
          <a class="row-caption" href={`/queue?tab=${tabOf(p.status).key}&post=${p.id}`}>{nameOf(p)}</a>
          <span class="hint row-account">{p.account.nickname}{p.account.username && ` · @${p.account.username}`}</span>
          {showReason && (
            <div class="row-reason">
              <span>{p.status_text}{p.next_step && ` ${p.next_step}`}{nextTry(p)}</span>
              <Step p={p} />
            </div>
          )}
        </div>
        <Time p={p} />
        <div class="row-status"><StatusBadge status={p.status} /></div>
        <Menu label={`More for ${nameOf(p).slice(0, 40)}`} items={menuOf(p)} />
      </li>
    );
  }
}

/** On a phone not all tabs fit: the one that is open is moved to where it is seen. */
class Tabs extends Component<{ tab: Tab; account: string | null }> {
  private nav: HTMLElement | null = null;
  private counted = false;

  private reveal() {
    const here = this.nav?.querySelector<HTMLElement>('[aria-current]');
    if (this.nav && here) this.nav.scrollLeft = here.offsetLeft - (this.nav.clientWidth - here.offsetWidth) / 2;
  }

  override componentDidMount() {
    this.reveal();
  }

  override componentDidUpdate(before: { tab: Tab }) {
    const counted = Object.keys(counts.value).length > 0; // the numbers make the tabs wider
    if (before.tab !== this.props.tab || counted !== this.counted) this.reveal();
    this.counted = counted;
  }

  override render() {
    const { tab, account } = this.props;
    return (
      <nav class="tabs" aria-label="Posts by status" ref={(nav) => { this.nav = nav; }}>
        {TABS.map((t) => {
          const n = t.statuses.reduce((sum, s) => sum + (counts.value[s] ?? 0), 0);
          const loud = n > 0 && (t.key === 'attention' || t.key === 'failed');
          return (
            <a key={t.key} href={`/queue?tab=${t.key}${account ? `&account=${account}` : ''}`} aria-current={t === tab ? 'page' : undefined}>
              {t.text}
              {n > 0 && <span class={`count ${loud ? (t.key === 'failed' ? 'tone-bad' : 'tone-warn') : ''}`}>{n}</span>}
            </a>
          );
        })}
      </nav>
    );
  }
}

function Body({ tab, account }: { tab: Tab; account: string | null }) {
  if (listError.value) return <LoadError error={listError.value} retry={() => void show(tab, account)} />;
  const l = list.value;
  if (!l) return <Skeleton rows={5} />;
  if (l.posts.length === 0) {
    const e = EMPTY[tab.key];
    if (!e) return null;
    return (
      <Empty icon={e.icon} title={account ? `${e.title} for this account` : e.title}>
        <p>{e.text}</p>
        {account
          ? <a class="btn btn-plain" href={`/queue?tab=${tab.key}`}>Show all accounts</a>
          : e.write && <a class="btn btn-primary" href="/compose"><Icon name="compose" /><span>New post</span></a>}
      </Empty>
    );
  }
  return (
    <>
      <ul class="rows">{l.posts.map((p) => <Row key={p.id} p={p} />)}</ul>
      {l.next && <Button class="more" working={loadingMore.value} onClick={() => void showMore()}>Show more</Button>}
    </>
  );
}

class Reschedule extends Component<{ p: Post }, { date: string; time: string; zone: string; error: string | null; working: boolean }> {
  constructor(props: { p: Post }) {
    super(props);
    const zone = props.p.timezone ?? homeZone();
    this.state = { ...wallFields(Date.parse(props.p.publish_at ?? '') || Date.now(), zone), zone, error: null, working: false };
  }

  private readonly submit = async () => {
    const { date, time, zone } = this.state;
    const r = resolve(date, time, zone);
    if (!r || r.at <= Date.now()) {
      this.setState({ error: r ? 'This time has passed. Choose a later one.' : 'Choose a date and a time.' });
      return;
    }
    this.setState({ working: true, error: null });
    const p = await reschedule(this.props.p, r.at, zone, `Moved to ${when(new Date(r.at).toISOString(), zone)}.`);
    this.setState({ working: false });
    if (p) {
      put(p);
      moving.value = null;
    }
  };

  override render() {
    const { date, time, zone, error, working } = this.state;
    return (
      <Dialog
        title="Change time" onClose={() => (moving.value = null)}
        footer={
          <>
            <Button onClick={() => (moving.value = null)}>Back</Button>
            <Button kind="primary" working={working} disabled={working} onClick={() => void this.submit()}>Move</Button>
          </>
        }
      >
        <WhenFields id="move" date={date} time={time} zone={zone} resolved={resolve(date, time, zone)} error={error} onChange={(part) => this.setState({ ...part, error: null })} />
      </Dialog>
    );
  }
}

class Resolve extends Component<{ p: Post }> {
  private readonly submit = async (e: SubmitEvent) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget as HTMLFormElement);
    const outcome = form.get('outcome') === 'published' ? 'published' : 'not_published';
    const url = outcome === 'published' ? String(form.get('url') ?? '').trim() : '';
    const p = await resolvePost(this.props.p, outcome, url);
    if (p) {
      put(p);
      resolving.value = null;
    }
  };

  override render() {
    const { p } = this.props;
    return (
      <Dialog title="Was it posted?" onClose={() => (resolving.value = null)}>
        <form class="form" onSubmit={(e) => void this.submit(e)}>
          <p>TikTok never told us how this post ended, so we do not send it again by ourselves. Look at {p.account.nickname} on TikTok.</p>
          <fieldset class="tiles">
            <legend class="visually-hidden">What you found</legend>
            <label class="tile"><input type="radio" name="outcome" value="published" required /><span>It is there<span class="hint">We note it as posted</span></span></label>
            <label class="tile"><input type="radio" name="outcome" value="not_published" required /><span>It is not there<span class="hint">Then it can be tried again</span></span></label>
          </fieldset>
          <div class="field">
            <label for="resolve-url">Its address on TikTok (if you have it)</label>
            <input id="resolve-url" name="url" class="input" type="url" aria-describedby="resolve-url-hint" placeholder="https://www.tiktok.com/@name/video/…" />
            <span class="hint" id="resolve-url-hint">With /video/ or /photo/ in it. A short link does not say which post it is: open it and copy the address it leads to.</span>
          </div>
          <Button kind="primary" type="submit">Save</Button>
        </form>
      </Dialog>
    );
  }
}

function AccountFilter({ account, tab }: { account: string | null; tab: Tab }) {
  if (accounts.value.length < 2 && !account) return null;
  return (
    <div class="filter">
      <label for="account-filter" class="visually-hidden">Account</label>
      <select id="account-filter" class="input" value={account ?? ''} onChange={(e) => navigate(`/queue?tab=${tab.key}${e.currentTarget.value ? `&account=${e.currentTarget.value}` : ''}`, true)}>
        <option value="">All accounts</option>
        {accounts.value.map((a) => <option key={a.id} value={a.id}>{a.nickname}</option>)}
      </select>
    </div>
  );
}

interface Props {
  query?: Record<string, string>;
}

export default class Queue extends Component<Props> {
  private stop = () => {};

  private sync() {
    const q = this.props.query ?? {};
    const tab = TABS.find((t) => t.key === q.tab) ?? (TABS[0] as Tab);
    return { tab, account: q.account ?? null, post: q.post ?? null };
  }

  private last = '';

  private follow() {
    const { tab, account, post } = this.sync();
    const key = `${tab.key} ${account ?? ''}`;
    if (key !== this.last) {
      this.last = key;
      listError.value = null;
      void show(tab, account);
    }
    if (post) void openDetail(post);
    else if (detail.value) closeDetail();
  }

  override componentDidMount() {
    moving.value = null;
    resolving.value = null;
    this.stop = listen();
    this.follow();
    get<Page<Account>>('/api/v1/accounts?limit=100').then((p) => (accounts.value = p.items), () => undefined);
  }

  override componentDidUpdate() {
    this.follow();
  }

  override componentWillUnmount() {
    this.stop();
    closeDetail();
  }

  override render() {
    const { tab, account, post } = this.sync();
    return (
      <>
        <Head title="Queue">
          <AccountFilter account={account} tab={tab} />
          <a class="btn btn-primary" href="/compose"><Icon name="compose" /><span>New post</span></a>
        </Head>
        <Tabs tab={tab} account={account} />
        <Body tab={tab} account={account} />
        {post && <PostDrawer actions={(p) => allowed(p).map((a) => ({ ...ACT[a], run: () => run(a, p) }))} step={(p) => <Step p={p} />} onClose={() => setQuery({ post: null })} />}
        {moving.value && <Reschedule key={moving.value.id} p={moving.value} />}
        {resolving.value && <Resolve p={resolving.value} />}
      </>
    );
  }
}
