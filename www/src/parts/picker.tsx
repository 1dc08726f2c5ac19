// Files of the library for a post: one video, or several photos at once.
import { signal } from '@preact/signals';
import { asError, get } from '../api';
import * as c from '../compose';
import { count } from '../format';
import { keepMedia } from '../media-store';
import { toast } from '../toasts';
import type { Kind, Media, Page } from '../types';
import { Button, Empty, Skeleton, Thumb } from './basics';
import { Dialog } from './dialog';
import { Icon } from './icon';

const open = signal(false);
/** The kind that is shown; it can be changed while the post holds nothing. */
const kind = signal<Kind>('video');
const free = signal(false);
const library = signal<Media[] | null>(null);
const ticked = signal<string[]>([]);

async function load(): Promise<void> {
  const wanted = kind.value;
  library.value = null;
  ticked.value = [];
  try {
    const { items } = await get<Page<Media>>(`/api/v1/media?limit=100&kind=${wanted}`);
    if (kind.value !== wanted) return;
    keepMedia(...items);
    library.value = items;
  } catch (e) {
    open.value = false;
    toast(asError(e).message, 'bad');
  }
}

/** Opens the library for one kind of file, or for both (null). */
export function openPicker(wanted: Kind | null): void {
  free.value = wanted === null;
  kind.value = wanted ?? 'video';
  open.value = true;
  void load();
}

function show(k: Kind): void {
  if (k === kind.value) return;
  kind.value = k;
  void load();
}

function toggle(m: Media): void {
  const list = ticked.value;
  if (list.includes(m.id)) ticked.value = list.filter((id) => id !== m.id);
  else if (list.length < c.roomForPhotos.value) ticked.value = [...list, m.id];
  else toast('A post holds at most 35 photos.', 'bad');
}

function addTicked(): void {
  for (const id of ticked.value) {
    const m = library.value?.find((x) => x.id === id);
    if (m) c.addMedia(m);
  }
  open.value = false;
}

function Tile({ m }: { m: Media }) {
  const photo = m.kind === 'photo';
  const n = ticked.value.indexOf(m.id);
  const there = photo && c.files.value.some((f) => f.id === m.id);
  const use = () => {
    c.addMedia(m);
    open.value = false;
  };
  return (
    <li>
      <button type="button" class="pick" aria-pressed={photo ? n >= 0 || there : undefined} disabled={there} onClick={() => (photo ? toggle(m) : use())}>
        <Thumb url={m.thumbnail_url} durationMs={m.duration_ms} kind={m.kind} />
        <span>{m.filename}</span>
        {there && <span class="hint">In the post</span>}
        {n >= 0 && <span class="pick-number" aria-hidden="true">{n + 1}</span>}
      </button>
    </li>
  );
}

export function Picker() {
  if (!open.value) return null;
  const items = library.value?.filter((m) => m.status !== 'rejected');
  const photo = kind.value === 'photo';
  return (
    <Dialog
      title="Choose from the library" wide onClose={() => (open.value = false)}
      footer={photo ? <Button kind="primary" disabled={ticked.value.length === 0} onClick={addTicked}>{ticked.value.length > 0 ? `Add ${count(ticked.value.length, 'photo', 'photos')}` : 'Add photos'}</Button> : undefined}
    >
      {free.value && (
        <div class="pane-switch always" role="group" aria-label="Kind">
          <button type="button" aria-pressed={!photo} onClick={() => show('video')}>Videos</button>
          <button type="button" aria-pressed={photo} onClick={() => show('photo')}>Photos</button>
        </div>
      )}
      {!items && <Skeleton rows={3} tall />}
      {items?.length === 0 && <Empty icon={photo ? 'photo' : 'media'} title={photo ? 'No photos in the library' : 'No videos in the library'}><p>Upload {photo ? 'some' : 'one'} first.</p></Empty>}
      {items && items.length > 0 && <ul class="pick-grid">{items.map((m) => <Tile key={m.id} m={m} />)}</ul>}
      {photo && items && items.length > 0 && <p class="hint"><Icon name="info" /> They are added in the order in which you choose them.</p>}
    </Dialog>
  );
}
