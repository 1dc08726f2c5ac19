// The library: what was uploaded, what the checks found, where it is used.
import { signal } from '@preact/signals';
import { Component } from 'preact';
import { api, asError, get } from '../api';
import type { ApiError } from '../api';
import { onChanges, refreshSoon } from '../changes';
import { bytes, count, duration } from '../format';
import { forgetMedia, keepMedia, mediaById, watchMedia } from '../media-store';
import { Button, Empty, Head, LoadError, Skeleton, Thumb } from '../parts/basics';
import { Dialog, ask } from '../parts/dialog';
import { DropZone, pickFiles } from '../parts/drop';
import { Icon } from '../parts/icon';
import { Menu } from '../parts/menu';
import type { MenuItem } from '../parts/menu';
import { Repair } from '../parts/repair';
import { navigate } from '../nav';
import { toast } from '../toasts';
import type { Kind, Media, Page, Storage } from '../types';
import type { Tone } from '../words';

const ids = signal<string[] | null>(null);
const next = signal<string | null>(null);
const error = signal<ApiError | null>(null);
const more = signal(false);
const looking = signal<string | null>(null);
const renaming = signal<Media | null>(null);

/** What the list is narrowed to. */
const sought = signal('');
const kind = signal<Kind | ''>('');
const tag = signal('');
const tags = signal<{ name: string; files: number }[]>([]);
const storage = signal<Storage | null>(null);

const WAIT_MS = 250;
let typing: ReturnType<typeof setTimeout> | undefined;
let asked = 0;

const narrowed = (): boolean => sought.value.trim() !== '' || kind.value !== '' || tag.value !== '';

function address(cursor: string | null): string {
  const q = new URLSearchParams({ limit: '48' });
  if (sought.value.trim()) q.set('q', sought.value.trim().replace(/[/\\]/g, ''));
  if (kind.value) q.set('kind', kind.value);
  if (tag.value) q.set('tag', tag.value);
  if (cursor) q.set('cursor', cursor);
  return `/api/v1/media?${q}`;
}

function loadTags(): void {
  get<{ items: { name: string; files: number }[] }>('/api/v1/tags').then((t) => (tags.value = t.items), () => undefined);
}

function loadStorage(): void {
  get<Storage>('/api/v1/storage').then((s) => (storage.value = s), () => undefined);
}

async function load(cursor: string | null = null): Promise<void> {
  const mine = ++asked;
  more.value = cursor !== null;
  if (!cursor) {
    loadStorage();
    loadTags();
  }
  try {
    const page = await get<Page<Media>>(address(cursor));
    if (mine !== asked) return; // somebody typed on
    keepMedia(...page.items);
    page.items.filter((m) => m.status === 'checking' || m.repair?.state === 'waiting' || m.repair?.state === 'running').forEach((m) => watchMedia(m.id));
    const before = cursor ? (ids.value ?? []) : [];
    ids.value = [...new Set([...before, ...page.items.map((m) => m.id)])];
    next.value = page.next_cursor;
    error.value = null;
  } catch (e) {
    if (!ids.value) error.value = asError(e);
    else toast(asError(e).message, 'bad');
  }
  more.value = false;
}

async function remove(m: Media): Promise<void> {
  const yes = await ask({ title: `Delete ${m.filename}?`, confirm: 'Delete', danger: true, body: <p>The file is removed for good. What was already posted stays on TikTok.</p> });
  if (!yes) return;
  try {
    await api('DELETE', `/api/v1/media/${m.id}`);
    forgetMedia(m.id);
    ids.value = (ids.value ?? []).filter((id) => id !== m.id);
    loadStorage();
    toast(`${m.filename} is deleted.`);
  } catch (e) {
    const x = asError(e);
    toast(x.code === 'media_in_use' ? 'A post that is not finished uses this file. Change or cancel the post first.' : x.message, 'bad');
  }
  refreshSoon();
}

function verdict(m: Media): { text: string; tone: Tone; icon: string } {
  if (m.status === 'ready') return { text: 'Ready', tone: 'good', icon: 'check' };
  if (m.status === 'rejected') return { text: 'TikTok would refuse it', tone: 'bad', icon: 'cross' };
  return { text: m.status === 'checking' ? 'Checking' : 'Uploading', tone: 'busy', icon: 'spinner' };
}

function facts(m: Media): string {
  const list = [bytes(m.bytes)];
  if (m.width !== null && m.height !== null) list.push(`${m.width}×${m.height}`);
  if (m.fps !== null) list.push(`${Math.round(m.fps * 100) / 100} fps`);
  if (m.codec !== null) list.push(m.codec.toUpperCase());
  return list.join(' · ');
}

function menuOf(m: Media): MenuItem[] {
  const items: MenuItem[] = [
    { text: 'Look at it', icon: 'eye', run: () => (looking.value = m.id) },
    { text: 'Rename', icon: 'pencil', run: () => (renaming.value = m) },
    { text: 'Delete', icon: 'trash', danger: true, run: () => void remove(m) },
  ];
  if (m.status === 'ready') items.unshift({ text: 'Use in a post', icon: 'compose', run: () => navigate(`/compose?media=${m.id}`) });
  return items;
}

function Card({ m }: { m: Media }) {
  const v = verdict(m);
  const bad = m.checks.filter((c) => !c.ok);
  const r = m.repair;
  const twin = m.duplicate_of ? mediaById.value[m.duplicate_of] : undefined;
  return (
    <li class="media-card">
      <button type="button" class="media-look" onClick={() => (looking.value = m.id)}>
        <span class="visually-hidden">Look at {m.filename}</span>
        <Thumb url={m.thumbnail_url} durationMs={m.duration_ms} kind={m.kind} />
      </button>
      <div class="media-text">
        <div class="media-title">
          <h2 title={m.filename}>{m.filename}</h2>
          <Menu label={`More for ${m.filename}`} items={menuOf(m)} />
        </div>
        <p class="hint">{facts(m)}</p>
        {m.tags.length > 0 && <p class="hint">{m.tags.map((t) => `#${t}`).join(' ')}</p>}
        <p class="media-state">
          <span class={`badge tone-${v.tone}`}><Icon name={v.icon} />{v.text}</span>
          {m.used_in > 0 && <span class="hint">in {count(m.used_in, 'post', 'posts')}</span>}
        </p>
        {m.duplicate_of && <p class="hint media-note"><Icon name="copy" /> <span>You have this file already{twin && `, as ${twin.filename}`}.</span></p>}
        {bad.map((c) => <p key={c.code} class="field-error"><Icon name="alert" /> {c.message}</p>)}
        {r && (r.state === 'waiting' || r.state === 'running') && <p class="hint">{r.state === 'running' ? `Repairing, ${r.progress ?? 0} %` : 'Waits to be repaired'}</p>}
        {r?.plan && r.needed && (r.state === null || r.state === 'canceled') && <p><Button class="btn-s" icon="refresh" onClick={() => (looking.value = m.id)}>Repair…</Button></p>}
      </div>
    </li>
  );
}

async function setTags(m: Media, list: string[]): Promise<boolean> {
  try {
    keepMedia(await api<Media>('PATCH', `/api/v1/media/${m.id}`, { body: { tags: list }, ifMatch: m.version }));
    loadTags();
    return true;
  } catch (e) {
    toast(asError(e).message, 'bad');
    return false;
  }
}

/** The words by which a file is found again: chosen from those there are, or new ones. */
class Tags extends Component<{ m: Media }, { text: string }> {
  override state = { text: '' };

  private readonly add = async (e: SubmitEvent) => {
    e.preventDefault();
    const { m } = this.props;
    const word = this.state.text.trim().replace(/^#/, '');
    if (word && (await setTags(m, [...m.tags, word]))) this.setState({ text: '' });
  };

  override render() {
    const { m } = this.props;
    return (
      <form class="form tags" onSubmit={(e) => void this.add(e)} aria-label="Tags">
        {m.tags.length > 0 && (
          <div class="button-row">
            {m.tags.map((t) => <Button key={t} class="btn-s" icon="close" aria-label={`Remove tag ${t}`} onClick={() => void setTags(m, m.tags.filter((x) => x !== t))}>{t}</Button>)}
          </div>
        )}
        <div class="button-row">
          <label class="visually-hidden" for="new-tag">New tag</label>
          <input
            id="new-tag" class="input" list="all-tags" maxLength={40} placeholder="Add a tag" autocomplete="off" value={this.state.text}
            onInput={(e) => this.setState({ text: e.currentTarget.value })}
          />
          <datalist id="all-tags">{tags.value.filter((t) => !m.tags.includes(t.name)).map((t) => <option key={t.name} value={t.name} />)}</datalist>
          <Button type="submit" icon="plus" disabled={this.state.text.trim() === ''}>Add</Button>
        </div>
      </form>
    );
  }
}

function Look({ m }: { m: Media }) {
  return (
    <Dialog
      title={m.filename} wide onClose={() => (looking.value = null)}
      footer={m.status === 'ready' ? <a class="btn btn-primary" href={`/compose?media=${m.id}`} onClick={() => (looking.value = null)}>Use in a post</a> : undefined}
    >
      <div class="look">
        {m.content_url
          ? m.kind === 'video'
            ? <video class="look-media" src={m.content_url} controls playsInline preload="metadata" {...(m.thumbnail_url ? { poster: m.thumbnail_url } : {})} />
            : <img class="look-media" src={m.content_url} alt="" />
          : <p>The file can be played when it has been checked.</p>}
        <div>
          <p>{facts(m)}{m.duration_ms !== null && ` · ${duration(m.duration_ms)}`}</p>
          {m.rendition && <p class="hint">TikTok gets a JPEG of {m.rendition.width}×{m.rendition.height} with {bytes(m.rendition.bytes)}, without place and camera data. Your file stays as it is.</p>}
          <Repair m={m} use={{ text: 'Look at the repaired file', run: (r) => (looking.value = r.id) }} />
          <Tags m={m} />
          <ul class="checks">
            {m.checks.map((c) => (
              <li key={c.code} class={c.converted ? 'tone-info' : c.ok ? 'tone-good' : 'tone-bad'}>
                <Icon name={c.converted ? 'refresh' : c.ok ? 'check' : 'cross'} /> <span>{c.message}{c.limit && <span class="hint">TikTok takes {c.limit}</span>}</span>
              </li>
            ))}
          </ul>
        </div>
      </div>
    </Dialog>
  );
}

class Rename extends Component<{ m: Media }, { name: string; error: string }> {
  override state = { name: this.props.m.filename, error: '' };

  private readonly submit = async (e: SubmitEvent) => {
    e.preventDefault();
    const filename = this.state.name.trim();
    if (!filename) {
      this.setState({ error: 'A name is needed.' });
      return;
    }
    try {
      keepMedia(await api<Media>('PATCH', `/api/v1/media/${this.props.m.id}`, { body: { filename }, ifMatch: this.props.m.version }));
      renaming.value = null;
    } catch (x) {
      this.setState({ error: asError(x).message });
    }
  };

  override render() {
    return (
      <Dialog title="Rename" onClose={() => (renaming.value = null)}>
        <form class="form" onSubmit={(e) => void this.submit(e)}>
          <div class="field">
            <label for="filename">Name</label>
            <input id="filename" name="filename" class="input" value={this.state.name} onInput={(e) => this.setState({ name: e.currentTarget.value })} maxLength={255} aria-describedby="rename-error" />
            {this.state.error && <p class="field-error" id="rename-error">{this.state.error}</p>}
          </div>
          <Button kind="primary" type="submit">Rename</Button>
        </form>
      </Dialog>
    );
  }
}

function Meter() {
  const s = storage.value;
  if (!s) return null;
  const used = s.used_bytes + s.uploading_bytes;
  return (
    <div class="storage">
      <meter min={0} max={s.quota_bytes || 1} high={s.quota_bytes * 0.9} value={used} aria-label="Storage used" />
      <span class="hint">{bytes(used)} of {bytes(s.quota_bytes)} used{s.free_bytes < s.quota_bytes - used && ` · room for ${bytes(s.free_bytes)}`}</span>
    </div>
  );
}

function Filter() {
  const choose = (k: Kind | '') => {
    kind.value = k;
    void load();
  };
  return (
    <div class="media-filter">
      <div class="input-with search">
        <label class="visually-hidden" for="media-search">Search by file name</label>
        <input
          id="media-search" class="input" type="search" placeholder="Search by file name" value={sought.value} maxLength={100} autocomplete="off"
          onInput={(e) => {
            sought.value = e.currentTarget.value;
            clearTimeout(typing);
            typing = setTimeout(() => void load(), WAIT_MS);
          }}
        />
        <Icon name="search" />
      </div>
      <div class="pane-switch always three" role="group" aria-label="Kind">
        {(['', 'video', 'photo'] as const).map((k) => (
          <button key={k} type="button" aria-pressed={kind.value === k} onClick={() => choose(k)}>{{ '': 'All', video: 'Videos', photo: 'Photos' }[k]}</button>
        ))}
      </div>
      {(tags.value.length > 0 || tag.value) && (
        <select
          class="input tag-choice" aria-label="Tag" value={tag.value}
          onChange={(e) => {
            tag.value = e.currentTarget.value;
            void load();
          }}
        >
          <option value="">All tags</option>
          {tags.value.map((t) => <option key={t.name} value={t.name}>#{t.name} ({t.files})</option>)}
        </select>
      )}
      <Meter />
    </div>
  );
}

function clear(): void {
  sought.value = '';
  kind.value = '';
  tag.value = '';
  void load();
}

function Body() {
  if (error.value) return <LoadError error={error.value} retry={() => void load()} />;
  if (!ids.value) return <Skeleton rows={4} tall />;
  const list = ids.value.flatMap((id) => mediaById.value[id] ?? []);
  if (list.length === 0 && narrowed()) {
    return (
      <Empty icon="search" title="No file like that">
        <p>Nothing in the library has this name, kind and tag.</p>
        <Button onClick={clear}>Show all files</Button>
      </Empty>
    );
  }
  if (list.length === 0) {
    return (
      <Empty icon="media" title="Nothing uploaded yet">
        <p>Drop videos and photos anywhere on this page, or choose some. Photos are made to fit TikTok by themselves.</p>
        <Button kind="primary" icon="upload" onClick={() => pickFiles()}>Upload files</Button>
      </Empty>
    );
  }
  return (
    <>
      <ul class="media-grid">{list.map((m) => <Card key={m.id} m={m} />)}</ul>
      {next.value && <Button class="more" working={more.value} onClick={() => void load(next.value)}>Show more</Button>}
    </>
  );
}

export default class MediaLibrary extends Component {
  private stop = () => {};

  override componentDidMount() {
    looking.value = null;
    renaming.value = null;
    sought.value = '';
    kind.value = '';
    tag.value = '';
    void load();
    this.stop = onChanges((c) => !narrowed() && (c.reset || c.changed.some((x) => x.type === 'media' && x.status !== 'deleted' && !ids.value?.includes(x.id))) && void load());
  }

  override componentWillUnmount() {
    clearTimeout(typing);
    this.stop();
  }

  override render() {
    const seen = looking.value ? mediaById.value[looking.value] : undefined;
    return (
      <DropZone whole>
        <Head title="Media" sub="Every file is checked against TikTok’s limits when it arrives.">
          <Button kind="primary" icon="upload" onClick={() => pickFiles()}>Upload files</Button>
        </Head>
        {(narrowed() || (ids.value !== null && ids.value.length > 0)) && <Filter />}
        <Body />
        {seen && <Look m={seen} />}
        {renaming.value && <Rename m={renaming.value} />}
      </DropZone>
    );
  }
}
