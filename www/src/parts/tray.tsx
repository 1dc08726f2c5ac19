// Uploads at the corner of every screen: progress, pause, resume, and the verdict of the check.
import { signal } from '@preact/signals';
import { count } from '../format';
import { mediaById } from '../media-store';
import { active, pauseUpload, removeUpload, resumeUpload, uploadText, uploads } from '../uploads';
import type { Upload } from '../uploads';
import { IconButton } from './basics';
import { Icon } from './icon';

/** On a phone it would cover what one writes. */
const folded = signal(matchMedia('(max-width: 720px)').matches);

function mark(u: Upload): { icon: string; tone: string } {
  if (u.state.value === 'failed') return { icon: 'cross', tone: 'bad' };
  if (u.state.value === 'paused') return { icon: 'pause', tone: 'warn' };
  if (u.state.value !== 'finished') return { icon: 'upload', tone: 'info' };
  const status = u.mediaId.value ? mediaById.value[u.mediaId.value]?.status : undefined;
  if (status === 'ready') return { icon: 'check', tone: 'good' };
  if (status === 'rejected') return { icon: 'alert', tone: 'bad' };
  return { icon: 'spinner', tone: 'busy' };
}

export function UploadLine({ u }: { u: Upload }) {
  const m = mark(u);
  const state = u.state.value;
  return (
    <div class="upload">
      <span class={`upload-mark tone-${m.tone}`}><Icon name={m.icon} /></span>
      <div class="upload-text">
        <span class="upload-name" title={u.file.name}>{u.file.name}</span>
        {state !== 'finished' && state !== 'failed' && <progress max={u.file.size} value={u.sent.value} aria-label={`Upload of ${u.file.name}`} />}
        <span class="hint">{uploadText(u)}</span>
      </div>
      <div class="upload-actions">
        {active(u) && <IconButton icon="pause" label={`Pause ${u.file.name}`} onClick={() => pauseUpload(u)} />}
        {(state === 'paused' || state === 'failed') && <IconButton icon="play" label={`Resume ${u.file.name}`} onClick={() => resumeUpload(u)} />}
        <IconButton icon="close" label={state === 'finished' ? `Remove ${u.file.name} from this list` : `Stop and remove ${u.file.name}`} onClick={() => removeUpload(u)} />
      </div>
    </div>
  );
}

/** What a screen reader hears: every tenth percent, and the ends. */
function spoken(list: Upload[]): string {
  return list
    .map((u) => {
      if (u.state.value !== 'uploading') return `${u.file.name}: ${uploadText(u)}`;
      return `${u.file.name}: ${Math.floor((10 * u.sent.value) / u.file.size) * 10}%`;
    })
    .join('. ');
}

export function Tray() {
  const list = uploads.value;
  if (list.length === 0) return null;
  const running = list.filter(active).length;
  return (
    <section class="tray" aria-label="Uploads">
      <header>
        <h2>{running > 0 ? `Uploading ${count(running, 'file', 'files')}` : 'Uploads'}</h2>
        <button
          type="button" class={`icon-btn ${folded.value ? '' : 'turned'}`} aria-expanded={!folded.value}
          aria-label={folded.value ? 'Show uploads' : 'Hide uploads'} onClick={() => (folded.value = !folded.value)}
        >
          <Icon name="chevron" class="flip" />
        </button>
      </header>
      {!folded.value && <div class="tray-list">{list.map((u) => <UploadLine key={u.id} u={u} />)}</div>}
      <p class="visually-hidden" role="status">{spoken(list)}</p>
    </section>
  );
}
