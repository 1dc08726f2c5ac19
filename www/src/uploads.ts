// Uploads live here and not in a screen, so that they go on while one writes the caption or looks elsewhere.
// tus-js-client does the protocol; it is loaded with the first file. Choosing a file again after a reload goes on
// where it stopped, because the client remembers the address of what is unfinished.
import { effect, signal } from '@preact/signals';
import type { Signal } from '@preact/signals';
import type { DetailedError, HttpResponse, Upload as TusUpload } from 'tus-js-client';
import { csrfHeaders, session, signInAgain } from './api';
import { bytes } from './format';
import { mediaById, watchMedia } from './media-store';
import { setTitlePrefix } from './nav';
import { refreshSoon } from './changes';
import type { Kind } from './types';

export type UploadState = 'waiting' | 'uploading' | 'paused' | 'retrying' | 'failed' | 'finished';

export interface Upload {
  id: number;
  file: File;
  kind: Kind;
  /** A blob: address for looking at the file before the server has it. */
  preview: string;
  state: Signal<UploadState>;
  sent: Signal<number>;
  /** Bytes a second, smoothed; 0 while unknown. */
  speed: Signal<number>;
  problem: Signal<string>;
  mediaId: Signal<string | null>;
  /** From the browser, as a courtesy until the server has measured. */
  durationMs: Signal<number | null>;
}

export const uploads = signal<Upload[]>([]);

const TYPES: Record<string, Kind> = {
  'video/mp4': 'video', 'video/quicktime': 'video', 'video/webm': 'video',
  'image/jpeg': 'photo', 'image/png': 'photo', 'image/webp': 'photo', 'image/gif': 'photo', 'image/avif': 'photo',
};
const BY_ENDING: Record<string, string> = {
  mp4: 'video/mp4', m4v: 'video/mp4', mov: 'video/quicktime', webm: 'video/webm',
  jpg: 'image/jpeg', jpeg: 'image/jpeg', png: 'image/png', webp: 'image/webp', gif: 'image/gif', avif: 'image/avif',
};
const HEIC = ['heic', 'heif'];
/** For file dialogs. HEIC is not among them, so iPhones hand over a JPEG by themselves. */
export const ACCEPT: Record<Kind, string> = {
  video: '.mp4,.m4v,.mov,.webm,video/mp4,video/quicktime,video/webm',
  photo: '.jpg,.jpeg,.png,.webp,.gif,.avif,image/jpeg,image/png,image/webp,image/gif,image/avif',
};

const RETRY_MS = [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000];
const DEFAULT_CHUNK = 16 * 1024 * 1024;
const SMOOTH = 0.3;
/** Files on their way at a time; the others wait. */
const AT_ONCE = 3;
/** What the server takes of a photo, to convert it. */
const PHOTO_MAX = 100_000_000;

const clients = new WeakMap<Upload, TusUpload>();
let lastId = 0;

const typeOf = (f: File): string => (f.type in TYPES ? f.type : (BY_ENDING[f.name.split('.').pop()?.toLowerCase() ?? ''] ?? f.type));

/** Whether it would be a video or a photo; null: neither. */
export const kindOf = (f: File): Kind | null => TYPES[typeOf(f)] ?? null;

/** Why a file cannot even be begun, or null. */
function refuse(f: File): string | null {
  const kind = kindOf(f);
  const max = kind === 'photo' ? PHOTO_MAX : (session.value?.limits.media_max_bytes ?? Infinity);
  if (HEIC.includes(f.name.split('.').pop()?.toLowerCase() ?? '')) return 'HEIC photos cannot be read here. Export the photo as JPEG.';
  if (kind === null) return 'Only MP4, MOV and WebM videos and JPEG, PNG, WebP, GIF and AVIF photos can be uploaded.';
  if (f.size === 0) return 'The file is empty.';
  if (f.size > max) return `The file has ${bytes(f.size)}; at most ${bytes(max)} are possible.`;
  return null;
}

function explain(e: Error | DetailedError): string {
  const response = 'originalResponse' in e ? e.originalResponse : null;
  if (!response) return 'The connection was lost. Resume when you are online again.';
  try {
    const body = JSON.parse(response.getBody()) as { error: { message: string } };
    return body.error.message;
  } catch {
    return `The server refused the upload (${response.getStatus()}).`;
  }
}

function measure(u: Upload): void {
  if (u.kind !== 'video') return;
  const video = document.createElement('video');
  video.preload = 'metadata';
  video.onloadedmetadata = () => {
    if (Number.isFinite(video.duration)) u.durationMs.value = Math.round(video.duration * 1000);
  };
  video.src = u.preview;
}

function progress(u: Upload): (sent: number) => void {
  let at = performance.now();
  let before = -1;
  return (sent) => {
    const t = performance.now();
    if (before >= 0 && t > at && sent > before) {
      const v = ((sent - before) * 1000) / (t - at);
      u.speed.value = u.speed.value === 0 ? v : u.speed.value * (1 - SMOOTH) + v * SMOOTH;
    }
    at = t;
    before = sent;
    u.sent.value = sent;
    if (u.state.value === 'retrying') u.state.value = 'uploading';
  };
}

function finished(u: Upload): void {
  u.sent.value = u.file.size;
  u.state.value = 'finished';
  if (u.mediaId.value) watchMedia(u.mediaId.value);
  else {
    u.state.value = 'failed';
    u.problem.value = 'The server took the file but did not say where it is. Look in the library.';
  }
  pump();
  refreshSoon();
}

function failed(u: Upload, e: Error | DetailedError): void {
  const status = 'originalResponse' in e ? (e.originalResponse?.getStatus() ?? 0) : 0;
  if (status === 401) {
    u.state.value = 'paused';
    void signInAgain().then(() => resumeUpload(u));
    return;
  }
  u.state.value = status === 0 ? 'paused' : 'failed';
  u.problem.value = explain(e);
  pump();
}

async function client(u: Upload): Promise<TusUpload> {
  const known = clients.get(u);
  if (known) return known;
  const tus = await import('tus-js-client');
  const chunk = Math.min(session.value?.limits.chunk_bytes ?? DEFAULT_CHUNK, DEFAULT_CHUNK);
  const made = new tus.Upload(u.file, {
    endpoint: `${location.origin}/api/v1/uploads`,
    chunkSize: chunk,
    // A photo goes with the request that announces it.
    uploadDataDuringCreation: u.file.size <= chunk,
    retryDelays: RETRY_MS,
    metadata: { filename: u.file.name, filetype: typeOf(u.file) },
    removeFingerprintOnSuccess: true,
    onBeforeRequest: (req) => {
      for (const [k, v] of Object.entries(csrfHeaders())) req.setHeader(k, v);
    },
    onAfterResponse: (_req, res: HttpResponse) => {
      u.mediaId.value = res.getHeader('Media-Id') ?? u.mediaId.value;
    },
    onShouldRetry: (e) => {
      const status = e.originalResponse?.getStatus() ?? 0;
      const retry = status === 0 || status === 409 || status === 423 || status === 429 || status === 460 || (status >= 500 && status !== 507);
      if (retry) u.state.value = 'retrying';
      return retry;
    },
    onProgress: progress(u),
    onSuccess: () => finished(u),
    onError: (e) => failed(u, e),
  });
  const [previous] = await made.findPreviousUploads();
  if (previous) made.resumeFromPreviousUpload(previous);
  clients.set(u, made);
  return made;
}

export function startUpload(file: File): { upload: Upload } | { refused: string } {
  const refused = refuse(file);
  if (refused) return { refused };
  const u: Upload = {
    id: ++lastId, file, kind: kindOf(file) ?? 'video', preview: URL.createObjectURL(file),
    state: signal<UploadState>('waiting'), sent: signal(0), speed: signal(0), problem: signal(''),
    mediaId: signal<string | null>(null), durationMs: signal<number | null>(null),
  };
  uploads.value = [...uploads.value, u];
  measure(u);
  pump();
  return { upload: u };
}

/** Begins what waits, as long as few are on their way. */
function pump(): void {
  let running = uploads.value.filter((u) => u.state.value === 'uploading' || u.state.value === 'retrying').length;
  for (const u of uploads.value) {
    if (u.state.value !== 'waiting' || running >= AT_ONCE) continue;
    running += 1;
    resumeUpload(u);
  }
}

export function resumeUpload(u: Upload): void {
  u.state.value = 'uploading';
  u.problem.value = '';
  u.speed.value = 0;
  client(u).then(
    (c) => u.state.value === 'uploading' && c.start(),
    () => {
      u.state.value = 'paused';
      u.problem.value = 'The connection was lost. Resume when you are online again.';
    },
  );
}

export function pauseUpload(u: Upload): void {
  u.state.value = 'paused';
  void clients.get(u)?.abort();
  pump();
}

/** Takes it out of the tray; what was unfinished is ended at the server too. */
export function removeUpload(u: Upload): void {
  if (u.state.value !== 'finished') void clients.get(u)?.abort(true).catch(() => undefined);
  u.state.value = u.state.value === 'finished' ? 'finished' : 'failed';
  uploads.value = uploads.value.filter((x) => x !== u);
  URL.revokeObjectURL(u.preview);
  pump();
}

export const active = (u: Upload): boolean => ['waiting', 'uploading', 'retrying'].includes(u.state.value);

/** One line for people: how far, how fast, how long still. */
export function uploadText(u: Upload): string {
  const percent = Math.floor((100 * u.sent.value) / u.file.size);
  switch (u.state.value) {
    case 'waiting':
      return 'Waiting';
    case 'uploading': {
      const left = u.speed.value > 0 ? (u.file.size - u.sent.value) / u.speed.value : 0;
      const rest = left > 1 ? `, ${left < 90 ? `${Math.ceil(left)} s` : `${Math.ceil(left / 60)} min`} left` : '';
      return `${percent}% of ${bytes(u.file.size)}${u.speed.value > 0 ? `, ${bytes(u.speed.value)}/s` : ''}${rest}`;
    }
    case 'paused':
      return u.problem.value || `Paused at ${percent}%`;
    case 'retrying':
      return `Connection lost at ${percent}%, trying again`;
    case 'failed':
      return u.problem.value;
    case 'finished':
      return verdict(u);
  }
}

function verdict(u: Upload): string {
  const m = u.mediaId.value ? mediaById.value[u.mediaId.value] : undefined;
  if (m?.status === 'ready') return m.duplicate_of ? 'Ready to post. The library had this file already.' : 'Ready to post';
  if (m?.status === 'rejected') return m.checks.find((c) => !c.ok)?.message ?? 'TikTok would refuse this file.';
  return 'Checking the file';
}

// The tab tells how far, and is not closed by mistake.
effect(() => {
  const running = uploads.value.filter(active);
  const total = running.reduce((n, u) => n + u.file.size, 0);
  const sent = running.reduce((n, u) => n + u.sent.value, 0);
  setTitlePrefix(total > 0 ? `${Math.floor((100 * sent) / total)}%` : '');
});
addEventListener('beforeunload', (e) => {
  if (uploads.value.some(active)) e.preventDefault();
});

