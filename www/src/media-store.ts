// The media rows that the page knows, by id, kept fresh: a file that is being checked or repaired is asked for until
// its verdict is there, so that composer, tray and library all show the same.
import { signal } from '@preact/signals';
import { get } from './api';
import { onChanges } from './changes';
import type { Media } from './types';

export const mediaById = signal<Record<string, Media>>({});

const CHECK_EVERY_MS = 1500;
/** Of many files each is asked for less often. */
const AT_ONCE = 4;
const watching = new Set<string>();

export function keepMedia(...list: Media[]): void {
  mediaById.value = { ...mediaById.value, ...Object.fromEntries(list.map((m) => [m.id, m])) };
}

export function forgetMedia(id: string): void {
  const { [id]: _gone, ...rest } = mediaById.value;
  mediaById.value = rest;
}

const settled = (m: Media | undefined): boolean =>
  (m?.status === 'ready' || m?.status === 'rejected') && m.repair?.state !== 'waiting' && m.repair?.state !== 'running';

/** Loads a file, and again until it is ready or rejected, and what is made of it is. */
export function watchMedia(id: string): void {
  if (watching.has(id)) return;
  watching.add(id);
  const step = async () => {
    try {
      if (!document.hidden || !mediaById.value[id]) keepMedia(await get<Media>(`/api/v1/media/${id}`));
    } catch {
      // Asked again below; a file that is gone is shown as it was last seen.
    }
    if (settled(mediaById.value[id]) || !watching.has(id)) watching.delete(id);
    else setTimeout(() => void step(), CHECK_EVERY_MS * Math.max(1, watching.size / AT_ONCE));
  };
  void step();
}

onChanges((c) => {
  for (const change of c.changed) {
    if (change.type !== 'media' || !mediaById.value[change.id]) continue;
    if (change.status === 'deleted') forgetMedia(change.id);
    else get<Media>(`/api/v1/media/${change.id}`).then(keepMedia, () => undefined);
  }
});
