// The composer's state: one draft, kept as signals, saved by itself. Screens only draw it and call what is here.
import { batch, computed, effect, signal, untracked } from '@preact/signals';
import { api, asError, get, newKey, session } from './api';
import type { ApiError } from './api';
import { now } from './clock';
import { refreshSoon } from './changes';
import { count } from './format';
import { keepMedia, mediaById, watchMedia } from './media-store';
import { homeZone } from './prefs';
import { MAX_PHOTOS, TITLE_UNITS, rules } from './rules';
import type { Intent, Problem, RuleMedia } from './rules';
import { load, save } from './store';
import { resolve, wallFields } from './tz';
import type { Account, CreatorInfo, Kind, Media, Mode, Post, PostInput } from './types';
import { kindOf, uploads } from './uploads';
import type { Upload } from './uploads';
import { problemText } from './words';

export type Creator =
  | { state: 'none' }
  | { state: 'loading'; account: string }
  | { state: 'known'; account: string; info: CreatorInfo; at: number }
  | { state: 'failed'; account: string; error: ApiError };

export interface When {
  intent: Intent;
  date: string;
  time: string;
  zone: string;
}

/** A place in the post: a file of the library, or one on its way that will become one. */
interface Item {
  key: string;
  id: string | null;
  upload: Upload | null;
}

/** The file there as the rules and the preview see it: the server's facts, or what the browser knows of an upload. */
export interface ChosenFile extends RuleMedia {
  key: string;
  filename: string;
  url: string | null;
  thumbnail: string | null;
  media: Media | null;
  upload: Upload | null;
}

type Content = Omit<PostInput, 'publish_at' | 'timezone' | 'consent' | 'media_ids'>;

const AUTOSAVE_MS = 3000;
const STALE_MS = 60_000;
const KEPT = 'compose.offline';

const fresh = (): Content => ({
  account_id: null, kind: 'video', mode: 'direct', caption: '', title: null, privacy_level: null,
  allow_comment: false, allow_duet: false, allow_stitch: false, disclose: { your_brand: false, branded_content: false },
  is_aigc: false, auto_add_music: false, cover_ms: null, cover_index: null,
  max_late_s: 21_600,
});

/** The next full hour at least half an hour ahead: a proposal that is never in the past. */
function proposal(zone: string): When {
  const hour = 3_600_000;
  const at = Math.ceil((Date.now() + hour / 2) / hour) * hour;
  return { intent: 'schedule', ...wallFields(at, zone), zone };
}

export const content = signal<Content>(fresh());
export const when = signal<When>(proposal(homeZone()));
export const discloseOn = signal(false);
/** One video, or photos in their order. */
const items = signal<Item[]>([]);
/** The photo that is being looked at: what the buttons below the photos and the preview are about. */
export const photoAt = signal(0);
export const accounts = signal<Account[] | null>(null);
export const creator = signal<Creator>({ state: 'none' });
/** The post behind the form, once the server has it. */
export const saved = signal<Post | null>(null);
export const saving = signal<'idle' | 'dirty' | 'saving' | 'saved' | 'offline'>('idle');
export const savedAt = signal(0);
export const serverFields = signal<Record<string, string>>({});
export const busy = signal(false);
export const opening = signal(false);
export const openError = signal<ApiError | null>(null);

let createKey = newKey();
let timer: ReturnType<typeof setTimeout> | undefined;
let writing: Promise<void> = Promise.resolve();
let generation = 0;
/** The post is being scheduled or is: what autosave would still send belongs to nobody. */
let submitted = false;

export const account = computed(() => accounts.value?.find((a) => a.id === content.value.account_id) ?? null);
export const editingScheduled = computed(() => saved.value?.status === 'scheduled');
export const resolved = computed(() => resolve(when.value.date, when.value.time, when.value.zone));

function fileOf({ key, id: known, upload: u }: Item): ChosenFile {
  const id = u ? u.mediaId.value : known;
  const m = id ? (mediaById.value[id] ?? null) : null;
  return {
    key,
    id: id ?? '0',
    kind: m?.kind ?? u?.kind ?? content.value.kind,
    status: m?.status ?? (u && u.state.value !== 'finished' ? 'uploading' : 'checking'),
    duration_ms: m?.duration_ms ?? u?.durationMs.value ?? null,
    filename: m?.filename ?? u?.file.name ?? '',
    url: u?.preview ?? m?.content_url ?? null,
    thumbnail: m?.thumbnail_url ?? (u?.kind === 'photo' ? u.preview : null),
    media: m,
    upload: u,
  };
}

export const files = computed<ChosenFile[]>(() => items.value.map(fileOf));
/** The video of a video post; of photos the first. */
export const chosen = computed<ChosenFile | null>(() => files.value[0] ?? null);
/** The photo that the profile shows. */
export const coverAt = computed(() => Math.min(content.value.cover_index ?? 0, Math.max(0, items.value.length - 1)));
/** Why this installation cannot post photos, or null. */
export const photosOff = computed(() =>
  session.value?.app.photo_posts === false
    ? 'Photo posts are not possible on this installation yet: TikTok fetches photos from a public address, and none is set. Whoever runs it sets MEDIA_PULL_URL and verifies it in the TikTok developer portal.'
    : null,
);

/** The draft in the words of the API, as if the button were pressed now: pressing it is the consent. */
export const input = computed<PostInput>(() => {
  const c = content.value;
  const w = when.value;
  const at = resolved.value;
  return {
    ...c,
    disclose: discloseOn.value ? c.disclose : { your_brand: false, branded_content: false },
    media_ids: files.value.map((f) => f.id),
    publish_at: w.intent === 'schedule' && at ? new Date(at.at).toISOString() : null,
    timezone: w.zone,
    consent: { music_usage: true, branded_content: discloseOn.value && c.disclose.branded_content },
  };
});

const known = computed(() => {
  const c = creator.value;
  return c.state === 'known' && c.account === content.value.account_id ? c.info : null;
});

export const view = computed(() => {
  return rules(input.value, known.value, {
    intent: when.value.intent,
    now: now.value,
    features: account.value?.features ?? { direct_post: true, inbox: true, stats: false },
    media: files.value,
    discloseOn: discloseOn.value,
  });
});

/** The rules, what the server said, and what only the page knows: that TikTok has not answered yet. */
export const problems = computed<Problem[]>(() => {
  const list = [...view.value.problems];
  const c = creator.value;
  if (content.value.mode === 'direct' && content.value.account_id !== null && known.value === null) {
    list.unshift({ field: 'account_id', code: c.state === 'failed' ? 'creator_unavailable' : 'creator_loading' });
  }
  if (content.value.kind === 'photo' && photosOff.value) list.unshift({ field: 'media_ids', code: 'photos_off' });
  for (const [field, code] of Object.entries(serverFields.value)) {
    if (!list.some((p) => p.field === field)) list.push({ field, code });
  }
  return list;
});

export function textOf(p: Problem): string {
  const c = known.value;
  if (p.code === 'photos_off') return photosOff.value ?? '';
  if (p.field === 'cover_index') return 'Choose the cover again.';
  if (p.code === 'title_too_long') return `The title is ${count((content.value.title ?? '').length - TITLE_UNITS, 'character', 'characters')} too long.`;
  return problemText(p, {
    durationMs: chosen.value?.duration_ms ?? null,
    limitSec: c?.max_video_post_duration_sec ?? null,
    photo: content.value.kind === 'photo',
    captionOver: view.value.captionUnits - view.value.captionLimit,
    blocked: c?.blocked_message ?? null,
  });
}

export const problemAt = (field: string): Problem | null => problems.value.find((p) => p.field === field) ?? null;

function touch(): void {
  if (opening.value || submitted) return;
  saving.value = 'dirty';
  clearTimeout(timer);
  if (!editingScheduled.value) timer = setTimeout(() => void saveDraft(), AUTOSAVE_MS);
}

function settle(field: string): void {
  if (!(field in serverFields.value)) return;
  const { [field]: _gone, ...rest } = serverFields.value;
  serverFields.value = rest;
}

export function change(part: Partial<Content>): void {
  content.value = { ...content.value, ...part };
  Object.keys(part).forEach(settle);
  touch();
}

export function changeWhen(part: Partial<When>): void {
  when.value = { ...when.value, ...part };
  settle('publish_at');
  settle('timezone');
  touch();
}

export function setDisclose(on: boolean): void {
  discloseOn.value = on;
  change({ disclose: { your_brand: false, branded_content: false } });
}

/** What a kind of post does not have goes when it becomes one. */
const NOT_OF: Record<Kind, Partial<Content>> = {
  video: { title: null, auto_add_music: false, cover_index: null },
  photo: { allow_duet: false, allow_stitch: false, is_aigc: false, cover_ms: null },
};

/** Puts files in this order into the post; the cover stays the photo that it is. */
function arrange(list: Item[]): void {
  const cover = items.value[coverAt.value]?.key;
  const first = list[0] ? fileOf(list[0]) : null;
  const kind = first?.kind ?? content.value.kind;
  const at = list.findIndex((i) => i.key === cover);
  batch(() => {
    items.value = list;
    photoAt.value = Math.max(0, Math.min(photoAt.value, list.length - 1));
    change({
      kind,
      ...(kind === content.value.kind ? {} : NOT_OF[kind]),
      ...(kind === 'photo' ? { cover_index: at > 0 ? at : null } : {}),
    });
    settle('media_ids');
  });
}

function add(item: Item, kind: Kind): void {
  const list = items.value;
  if (list.some((i) => i.key === item.key)) return;
  const beside = kind === 'photo' && list.length > 0 && content.value.kind === 'photo';
  if (!beside) change({ cover_ms: null });
  arrange(beside ? [...list, item] : [item]);
}

export function addMedia(m: Media): void {
  keepMedia(m);
  add({ key: `m${m.id}`, id: m.id, upload: null }, m.kind);
  if (m.status === 'checking' || m.status === 'uploading') watchMedia(m.id);
}

export function addUpload(u: Upload): void {
  add({ key: `u${u.id}`, id: null, upload: u }, u.kind);
}

/** How many photos there is still room for. */
export const roomForPhotos = computed(() => MAX_PHOTOS - (content.value.kind === 'photo' ? items.value.length : 0));

/** Of files that somebody chose, those that the post can take: a video, or photos. */
export function sieve(list: File[]): { take: File[]; refused: string | null } {
  const holds = items.value.length > 0 ? content.value.kind : null;
  const kind = holds ?? list.map(kindOf).find((k) => k !== null) ?? null;
  const other = list.some((f) => (kindOf(f) ?? kind) !== kind);
  const mine = list.filter((f) => (kindOf(f) ?? kind) === kind);
  const take = mine.slice(0, kind === 'photo' ? roomForPhotos.value : 1);
  if (kind === 'photo' && photosOff.value) return { take: [], refused: photosOff.value };
  if (other) {
    const held = holds ? ` This one holds ${holds === 'video' ? 'a video' : 'photos'}; remove ${holds === 'video' ? 'it' : 'them'} first, or write another post.` : '';
    return { take, refused: `A post holds one video or up to ${MAX_PHOTOS} photos, not both.${held}` };
  }
  if (take.length === mine.length) return { take, refused: null };
  return { take, refused: kind === 'photo' ? `A post holds at most ${MAX_PHOTOS} photos; ${count(mine.length - take.length, 'was', 'were')} left out.` : 'A post holds one video; the first one was taken.' };
}

/** Moves the photo at from to the place to. */
export function movePhoto(from: number, to: number): void {
  const list = [...items.value];
  const [item] = list.splice(from, 1);
  if (!item || to < 0 || to > list.length) return;
  list.splice(to, 0, item);
  arrange(list);
  photoAt.value = to;
}

export function removePhoto(at: number): void {
  arrange(items.value.filter((_item, i) => i !== at));
}

export function makeCover(at: number): void {
  change({ cover_index: at > 0 ? at : null });
}

export function clearMedia(): void {
  change({ cover_ms: null, cover_index: null });
  arrange([]);
}

export async function loadCreator(force = false): Promise<void> {
  const id = content.value.account_id;
  if (id === null || !account.value?.features.direct_post) {
    creator.value = { state: 'none' };
    return;
  }
  const c = creator.value;
  if (!force && c.state !== 'failed' && c.state !== 'none' && c.account === id) return;
  creator.value = { state: 'loading', account: id };
  try {
    const info = await get<CreatorInfo>(`/api/v1/accounts/${id}/creator-info`);
    if (content.value.account_id === id) creator.value = { state: 'known', account: id, info, at: Date.now() };
  } catch (e) {
    if (content.value.account_id === id) creator.value = { state: 'failed', account: id, error: asError(e) };
  }
}

/** On return to the page: TikTok wants the latest answer, not one of an hour ago. */
export function refreshCreatorIfStale(): void {
  const c = creator.value;
  if (c.state === 'known' && Date.now() - c.at > STALE_MS) void loadCreator(true);
}

export function chooseAccount(id: string): void {
  if (content.value.account_id === id) return;
  const zone = accounts.value?.find((a) => a.id === id)?.timezone;
  batch(() => {
    // What may be chosen depends on the account, so nothing chosen for another one is carried over.
    change({ account_id: id, privacy_level: null, allow_comment: false, allow_duet: false, allow_stitch: false });
    if (zone && saved.value === null) changeWhen({ zone });
    saving.value = 'idle';
  });
  void loadCreator(true);
}

export function setMode(mode: Mode): void {
  change({ mode });
}

const worthKeeping = (): boolean => content.value.caption !== '' || (content.value.title ?? '') !== '' || items.value.length > 0;

function draftBody(): Partial<PostInput> {
  const { consent: _none, media_ids, cover_index, ...body } = input.value;
  const there = media_ids.filter((id) => id !== '0');
  // A photo on its way is not in the draft yet, so the cover may have another number there.
  const cover = cover_index === null ? -1 : there.indexOf(media_ids[cover_index] ?? '');
  return { ...body, media_ids: there, cover_index: cover > 0 ? cover : null };
}

async function write(mine: number): Promise<void> {
  const { publish_at, ...body } = draftBody();
  const post = saved.value;
  const at = publish_at === undefined ? null : publish_at;
  if (post) {
    const p = await api<Post>('PATCH', `/api/v1/posts/${post.id}`, { body: { ...body, publish_at: at } });
    if (mine === generation) saved.value = p;
    return;
  }
  const p = await api<Post>('POST', '/api/v1/posts', { body, idempotencyKey: createKey });
  if (mine !== generation) return;
  saved.value = p;
  history.replaceState(null, '', `/compose/${p.id}`);
  if (at !== null) saved.value = await api<Post>('PATCH', `/api/v1/posts/${p.id}`, { body: { publish_at: at } });
}

/** Stores the draft; one write at a time, in order. Offline it is kept in this browser. */
export function saveDraft(): Promise<void> {
  clearTimeout(timer);
  const mine = generation;
  writing = writing.then(async () => {
    if (mine !== generation || submitted || content.value.account_id === null || !worthKeeping()) return;
    saving.value = 'saving';
    try {
      await write(mine);
      if (mine !== generation) return;
      if (saving.value === 'saving') saving.value = 'saved';
      savedAt.value = Date.now();
      save(KEPT, null);
      refreshSoon();
    } catch (e) {
      const error = asError(e);
      if (mine !== generation) return;
      if (error.status === 0 || error.status >= 500) {
        saving.value = 'offline';
        save(KEPT, { id: saved.value?.id ?? null, content: content.value, when: when.value });
        timer = setTimeout(() => void saveDraft(), 5 * AUTOSAVE_MS);
      } else {
        saving.value = 'dirty';
        serverFields.value = error.fields;
      }
    }
  });
  return writing;
}

/** Schedules, publishes or saves a scheduled post; throws an ApiError and shows the fields that the server named. */
export async function submit(): Promise<Post> {
  busy.value = true;
  clearTimeout(timer);
  try {
    await writing;
    submitted = true;
    const body = draftBody();
    const { consent, publish_at, timezone } = input.value;
    const scheduled = editingScheduled.value;
    if (saved.value) {
      saved.value = await api<Post>('PATCH', `/api/v1/posts/${saved.value.id}`, {
        body: scheduled ? { ...body, publish_at: publish_at ?? saved.value.publish_at, consent } : body,
      });
    } else {
      const { publish_at: _later, ...first } = body;
      saved.value = await api<Post>('POST', '/api/v1/posts', { body: first, idempotencyKey: createKey });
    }
    const path = `/api/v1/posts/${saved.value.id}`;
    if (when.value.intent === 'publish_now') return await api<Post>('POST', `${path}/publish-now`, { body: { consent } });
    if (scheduled) return saved.value;
    return await api<Post>('POST', `${path}/schedule`, { body: { publish_at, timezone, consent } });
  } catch (e) {
    submitted = false;
    serverFields.value = asError(e).fields;
    throw e;
  } finally {
    busy.value = false;
    clearTimeout(timer);
    refreshSoon();
  }
}

/** Deletes the draft that autosave made. */
export async function discard(): Promise<void> {
  const post = saved.value;
  generation += 1;
  clearTimeout(timer);
  save(KEPT, null);
  if (post?.status === 'draft') await api('DELETE', `/api/v1/posts/${post.id}`);
  refreshSoon();
}

function show(p: Post): void {
  const zone = p.timezone ?? homeZone();
  content.value = {
    account_id: p.account_id, kind: p.kind, mode: p.mode, caption: p.caption, title: p.title, privacy_level: p.privacy_level,
    allow_comment: p.allow_comment, allow_duet: p.allow_duet, allow_stitch: p.allow_stitch, disclose: p.disclose,
    is_aigc: p.is_aigc, auto_add_music: p.auto_add_music, cover_ms: p.cover_ms, cover_index: p.cover_index,
    max_late_s: p.max_late_s,
  };
  discloseOn.value = p.disclose.your_brand || p.disclose.branded_content;
  items.value = p.media_ids.map((id) => ({ key: `m${id}`, id, upload: null }));
  when.value = p.publish_at ? { intent: 'schedule', ...wallFields(Date.parse(p.publish_at), zone), zone } : proposal(zone);
  saved.value = p;
  p.media_ids.forEach(watchMedia);
}

interface Kept {
  id: string | null;
  content: Content;
  when: When;
}
const isKept = (v: unknown): v is Kept => typeof v === 'object' && v !== null && 'content' in v && 'when' in v;

function takeKept(id: string | null): void {
  const kept = load<Kept | null>(KEPT, null, (v): v is Kept | null => isKept(v));
  if (!kept || kept.id !== id) return;
  content.value = { ...fresh(), ...kept.content };
  when.value = { ...when.value, ...kept.when };
  saving.value = 'offline';
}

function reset(): void {
  generation += 1;
  submitted = false;
  clearTimeout(timer);
  createKey = newKey();
  batch(() => {
    content.value = fresh();
    when.value = proposal(homeZone());
    discloseOn.value = false;
    items.value = [];
    photoAt.value = 0;
    creator.value = { state: 'none' };
    saved.value = null;
    saving.value = 'idle';
    serverFields.value = {};
    openError.value = null;
  });
}

const usable = (a: Account): boolean => a.status === 'connected' || a.status === 'expires_soon';

/** Opens the composer: a new post, perhaps with a file, or the post with this id. */
export async function open(id: string | null, mediaId: string | null): Promise<void> {
  reset();
  const mine = generation;
  opening.value = true;
  try {
    const [list, post, media] = await Promise.all([
      get<{ items: Account[] }>('/api/v1/accounts?limit=100'),
      id ? get<Post>(`/api/v1/posts/${id}`) : null,
      mediaId ? get<Media>(`/api/v1/media/${mediaId}`) : null,
    ]);
    if (mine !== generation) return;
    batch(() => {
      accounts.value = list.items.filter((a) => a.status !== 'disconnected' || a.id === post?.account_id);
      if (post) show(post);
      const only = accounts.value.find(usable);
      if (!post && only) {
        content.value = { ...content.value, account_id: only.id };
        if (only.timezone) when.value = proposal(only.timezone);
      }
      takeKept(id);
      if (media) addMedia(media);
    });
  } catch (e) {
    openError.value = asError(e);
  } finally {
    opening.value = false;
  }
  if (!openError.value) void loadCreator(true);
}

// An upload that was taken out of the tray is no longer the post's media, unless it has become a file of the library.
effect(() => {
  const listed = uploads.value;
  const gone = items.peek().filter((i) => i.upload && !listed.includes(i.upload));
  if (gone.length === 0) return;
  const kept = items.peek().flatMap((i) => {
    if (!gone.includes(i)) return [i];
    const id = i.upload?.mediaId.peek() ?? null;
    return id ? [{ key: i.key, id, upload: null }] : [];
  });
  untracked(() => arrange(kept));
});

// A finished upload is worth storing in the draft without waiting for the next keystroke.
effect(() => {
  if (items.value.some((i) => i.upload?.mediaId.value)) untracked(touch);
});
