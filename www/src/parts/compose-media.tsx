// 2: the file, or the photos. They are uploaded while one writes; the verdict of the check appears here.
import * as c from '../compose';
import { bytes, duration } from '../format';
import { active } from '../uploads';
import { Button, FieldError, Thumb } from './basics';
import { Photos } from './compose-photos';
import { DropZone, pickFiles } from './drop';
import { Icon } from './icon';
import { Picker, openPicker } from './picker';
import { Repair } from './repair';
import { UploadLine } from './tray';

const choose = (kind?: 'video', single = false) => pickFiles({ kind, single, use: c.addUpload, sieve: c.sieve });

function Video() {
  const file = c.chosen.value;
  const u = file?.upload ?? null;
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
      {m && !running && <Repair m={m} use={{ text: 'Use the repaired file', run: c.addMedia }} />}
      <div class="button-row">
        <Button id="media-button" class="btn-s" icon="upload" onClick={() => choose('video', true)}>Replace</Button>
        <Button class="btn-s" icon="media" onClick={() => openPicker('video')}>Library</Button>
        <Button class="btn-s" kind="quiet" onClick={c.clearMedia}>Remove</Button>
      </div>
    </div>
  );
}

function Nothing() {
  const off = c.photosOff.value;
  return (
    <div class="drop-inner">
      <span class="drop-art"><Icon name="upload" /></span>
      <p><strong>{off ? 'Drop a video here' : 'Drop a video or photos here'}</strong></p>
      <p class="hint">{off ? 'MP4 or MOV, vertical 9:16 looks best' : 'One video, or up to 35 photos; vertical 9:16 looks best'}</p>
      <div class="button-row">
        <Button id="media-button" kind="primary" onClick={() => choose(off ? 'video' : undefined)}>{off ? 'Choose file' : 'Choose files'}</Button>
        <Button icon="media" onClick={() => openPicker(off ? 'video' : null)}>From the library</Button>
      </div>
      {off && <p class="hint drop-off" id="photos-off"><Icon name="info" /> <span>{off}</span></p>}
    </div>
  );
}

function heading(): string {
  if (c.files.value.length === 0) return c.photosOff.value ? 'Video' : 'Video or photos';
  return c.content.value.kind === 'photo' ? 'Photos' : 'Video';
}

export function MediaPart({ error }: { error: string | null }) {
  const waiting = c.problemAt('media_ids')?.code === 'media_not_ready';
  const photos = c.files.value.length > 0 && c.content.value.kind === 'photo';
  return (
    <section class="card part">
      <div class="part-head">
        <h2>{heading()}</h2>
        {photos && <span class="counter">{c.files.value.length} / 35<span class="visually-hidden"> photos</span></span>}
      </div>
      <DropZone use={c.addUpload} sieve={c.sieve}>
        {c.files.value.length === 0 ? <Nothing /> : photos ? <Photos /> : <Video />}
      </DropZone>
      <FieldError id="media-error" text={waiting ? null : error} />
      <Picker />
    </section>
  );
}
