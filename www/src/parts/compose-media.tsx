// 2: the file. It is uploaded while one writes; the verdict of the check appears here.
import { signal } from '@preact/signals';
import { asError, get } from '../api';
import * as c from '../compose';
import { bytes, duration } from '../format';
import { keepMedia } from '../media-store';
import { toast } from '../toasts';
import type { Media, Page } from '../types';
import { active } from '../uploads';
import { Button, Empty, FieldError, Skeleton, Thumb } from './basics';
import { Dialog } from './dialog';
import { DropZone, pickFiles } from './drop';
import { Icon } from './icon';
import { UploadLine } from './tray';

const picking = signal(false);
const library = signal<Media[] | null>(null);

async function openLibrary(): Promise<void> {
  picking.value = true;
  library.value = null;
  try {
    library.value = (await get<Page<Media>>('/api/v1/media?limit=100&kind=video')).items;
    keepMedia(...library.value);
  } catch (e) {
    picking.value = false;
    toast(asError(e).message, 'bad');
  }
}

function Picker() {
  const items = library.value?.filter((m) => m.status !== 'rejected');
  return (
    <Dialog title="Choose from the library" wide onClose={() => (picking.value = false)}>
      {!items && <Skeleton rows={3} tall />}
      {items?.length === 0 && <Empty icon="media" title="The library is empty"><p>Upload a video first.</p></Empty>}
      {items && items.length > 0 && (
        <ul class="pick-grid">
          {items.map((m) => (
            <li key={m.id}>
              <button
                type="button" class="pick"
                onClick={() => {
                  c.chooseMedia(m);
                  picking.value = false;
                }}
              >
                <Thumb url={m.thumbnail_url} durationMs={m.duration_ms} kind={m.kind} />
                <span>{m.filename}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}

function Chosen() {
  const file = c.chosen.value;
  const u = c.upload.value;
  if (!file) return null;
  const m = file.media;
  const bad = m?.checks.filter((x) => !x.ok) ?? [];
  const running = u !== null && (active(u) || u.state.value === 'paused' || u.state.value === 'failed');
  return (
    <div class="chosen">
      {running
        ? <UploadLine u={u} />
        : (
          <div class="chosen-file">
            <Thumb url={file.thumbnail} durationMs={file.duration_ms} />
            <div class="chosen-text">
              <strong>{file.filename}</strong>
              <span class="hint">
                {[m ? bytes(m.bytes) : null, m?.width && m.height ? `${m.width}×${m.height}` : null, file.duration_ms !== null ? duration(file.duration_ms) : null].filter(Boolean).join(' · ')}
              </span>
              {file.status === 'ready' && <span class="badge tone-good"><Icon name="check" />Ready</span>}
              {file.status === 'checking' && <span class="badge tone-busy"><Icon name="spinner" />Checking the file</span>}
              {file.status === 'rejected' && <span class="badge tone-bad"><Icon name="cross" />TikTok would refuse it</span>}
            </div>
          </div>
        )}
      {bad.map((x) => <p key={x.code} class="field-error"><Icon name="alert" /> {x.message}</p>)}
      <div class="button-row">
        <Button id="media-button" class="btn-s" icon="upload" onClick={() => pickFiles(c.chooseUpload, true)}>Replace</Button>
        <Button class="btn-s" icon="media" onClick={() => void openLibrary()}>Library</Button>
        <Button class="btn-s" kind="quiet" onClick={c.clearMedia}>Remove</Button>
      </div>
    </div>
  );
}

export function MediaPart({ error }: { error: string | null }) {
  const waiting = c.problemAt('media_ids')?.code === 'media_not_ready';
  return (
    <section class="card part">
      <h2>Video</h2>
      <DropZone use={c.chooseUpload}>
        {c.chosen.value
          ? <Chosen />
          : (
            <div class="drop-inner">
              <span class="drop-art"><Icon name="upload" /></span>
              <p><strong>Drop a video here</strong></p>
              <p class="hint">MP4 or MOV, vertical 9:16 looks best</p>
              <div class="button-row">
                <Button id="media-button" kind="primary" onClick={() => pickFiles(c.chooseUpload, true)}>Choose file</Button>
                <Button icon="media" onClick={() => void openLibrary()}>From the library</Button>
              </div>
            </div>
          )}
      </DropZone>
      <FieldError id="media-error" text={waiting ? null : error} />
      {picking.value && <Picker />}
    </section>
  );
}
