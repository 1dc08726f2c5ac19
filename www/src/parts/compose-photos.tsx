// The photos of a post in their order: by dragging, by the arrow keys with Alt, or by the buttons below.
import { signal } from '@preact/signals';
import { Component, createRef } from 'preact';
import * as c from '../compose';
import { bytes } from '../format';
import { active, resumeUpload } from '../uploads';
import { Button, IconButton } from './basics';
import { pickFiles } from './drop';
import { Icon } from './icon';
import { openPicker } from './picker';

const dragged = signal<string | null>(null);
/** Where what is dragged would be put. */
const over = signal<number | null>(null);
/** What a screen reader hears after a change. */
const spoken = signal('');

const STEP: Record<string, number> = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

function progress(f: c.ChosenFile): string | null {
  const u = f.upload;
  if (u && active(u)) return u.state.value === 'waiting' ? 'Waiting' : `${Math.floor((100 * u.sent.value) / u.file.size)}%`;
  if (u?.state.value === 'paused') return 'Paused';
  return f.status === 'checking' ? 'Checking' : null;
}

const broken = (f: c.ChosenFile): boolean => f.status === 'rejected' || f.upload?.state.value === 'failed';

/** What is wrong with a photo, in words. */
function faults(f: c.ChosenFile): string[] {
  if (f.upload?.state.value === 'failed') return [f.upload.problem.value];
  return f.media?.checks.filter((x) => !x.ok).map((x) => x.message) ?? [];
}

function move(from: number, to: number): void {
  const list = c.files.value;
  const f = list[from];
  if (!f || to < 0 || to >= list.length) return;
  c.movePhoto(from, to);
  spoken.value = `${f.filename} is now photo ${to + 1} of ${list.length}.`;
}

function remove(at: number): void {
  const f = c.files.value[at];
  if (!f) return;
  c.removePhoto(at);
  spoken.value = `${f.filename} was taken out of the post.`;
}

function labelOf(f: c.ChosenFile, i: number): string {
  const parts = [`Photo ${i + 1} of ${c.files.value.length}: ${f.filename}`];
  if (i === c.coverAt.value) parts.push('cover');
  if (broken(f)) parts.push('cannot be posted');
  else parts.push(progress(f) ?? 'ready');
  return parts.join(', ');
}

/** What became of the photo on its way to TikTok. */
function outcome(f: c.ChosenFile): string {
  const m = f.media;
  if (!m) return f.upload ? bytes(f.upload.file.size) : '';
  const given = m.rendition;
  const size = m.width && m.height ? `${m.width}×${m.height}, ` : '';
  if (!given) return `${size}${bytes(m.bytes)}`;
  return `${size}${bytes(m.bytes)}. TikTok gets a JPEG of ${given.width}×${given.height} without place and camera data.`;
}

function Bar() {
  const list = c.files.value;
  const at = c.photoAt.value;
  const f = list[at];
  if (!f) return null;
  const cover = at === c.coverAt.value;
  const u = f.upload;
  const stopped = u !== null && (u.state.value === 'failed' || u.state.value === 'paused');
  return (
    <div class="photo-bar">
      <p class="photo-name"><strong>Photo {at + 1}</strong> <span title={f.filename}>{f.filename}</span></p>
      <p class="hint">{outcome(f)}</p>
      <div class="button-row" role="group" aria-label={`Photo ${at + 1}`}>
        <IconButton icon="left" label="Move earlier" aria-disabled={at === 0 || undefined} onClick={() => move(at, at - 1)} />
        <IconButton icon="right" label="Move later" aria-disabled={at === list.length - 1 || undefined} onClick={() => move(at, at + 1)} />
        <Button class="btn-s" icon={cover ? 'check' : 'photo'} aria-pressed={cover} onClick={() => c.makeCover(at)}>{cover ? 'This is the cover' : 'Make it the cover'}</Button>
        {stopped && <Button class="btn-s" icon="play" onClick={() => resumeUpload(u)}>Resume upload</Button>}
        <Button class="btn-s" kind="quiet" icon="trash" onClick={() => remove(at)}>Remove</Button>
      </div>
    </div>
  );
}

export class Photos extends Component {
  private readonly list = createRef<HTMLUListElement>();
  /** The keyboard moved it: the focus follows. */
  private follow = false;

  private go(to: number): void {
    const n = c.files.value.length;
    c.photoAt.value = Math.max(0, Math.min(to, n - 1));
    this.follow = true;
    this.forceUpdate();
  }

  private readonly key = (e: KeyboardEvent, i: number) => {
    const step = STEP[e.key];
    if (step !== undefined && e.altKey) move(i, i + step);
    else if (step !== undefined) c.photoAt.value = i;
    else if (e.key !== 'Home' && e.key !== 'End' && e.key !== 'Delete') return;
    e.preventDefault();
    if (e.key === 'Delete') {
      remove(i);
      this.go(i);
    } else if (e.key === 'Home' || e.key === 'End') this.go(e.key === 'Home' ? 0 : c.files.value.length - 1);
    else this.go(e.altKey ? c.photoAt.value : i + (step ?? 0));
  };

  private readonly drop = (e: DragEvent) => {
    const from = c.files.value.findIndex((f) => f.key === dragged.value);
    if (from < 0) return; // files from outside: the zone takes them
    e.preventDefault();
    e.stopPropagation();
    if (over.value !== null) move(from, over.value);
    dragged.value = null;
    over.value = null;
  };

  override componentDidUpdate() {
    if (!this.follow) return;
    this.follow = false;
    this.list.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
  }

  override render() {
    const list = c.files.value;
    const at = c.photoAt.value;
    const from = list.findIndex((f) => f.key === dragged.value);
    return (
      <div class="chosen">
        <ul
          ref={this.list} class="photos" role="listbox" aria-label="Photos in the order of the post" aria-orientation="horizontal" aria-describedby="photos-how"
          onDragOver={(e) => from >= 0 && e.preventDefault()} onDrop={this.drop}
        >
          {list.map((f, i) => {
            const to = over.value;
            const side = from >= 0 && to === i && to !== from ? (to > from ? 'after' : 'before') : '';
            const busy = progress(f);
            return (
              <li
                key={f.key} role="option" aria-selected={i === at} tabIndex={i === at ? 0 : -1} draggable
                class={`photo ${side} ${f.key === dragged.value ? 'dragged' : ''}`} title={f.filename}
                onClick={() => (c.photoAt.value = i)} onFocus={() => (c.photoAt.value = i)} onKeyDown={(e) => this.key(e, i)}
                onDragStart={(e) => {
                  dragged.value = f.key;
                  e.dataTransfer?.setData('text/plain', f.filename);
                  if (e.dataTransfer) e.dataTransfer.effectAllowed = 'move';
                }}
                onDragOver={() => (over.value = i)}
                onDragEnd={() => {
                  dragged.value = null;
                  over.value = null;
                }}
              >
                <span class="visually-hidden">{labelOf(f, i)}</span>
                {f.thumbnail ? <img src={f.thumbnail} alt="" draggable={false} /> : <Icon name="photo" />}
                <span class="photo-number" aria-hidden="true">{i + 1}</span>
                {i === c.coverAt.value && <span class="photo-cover" aria-hidden="true">Cover</span>}
                {busy && !broken(f) && <span class="photo-busy" aria-hidden="true">{busy}</span>}
                {broken(f) && <span class="photo-bad" aria-hidden="true"><Icon name="alert" /></span>}
              </li>
            );
          })}
        </ul>
        <Bar />
        {list.flatMap((f) => faults(f).map((text) => <p key={`${f.key} ${text}`} class="field-error"><Icon name="alert" /> <span><strong>{f.filename}</strong>: {text}</span></p>))}
        <div class="button-row">
          <Button id="media-button" class="btn-s" icon="plus" disabled={c.roomForPhotos.value === 0} onClick={() => pickFiles({ kind: 'photo', use: c.addUpload, sieve: c.sieve })}>Add photos</Button>
          <Button class="btn-s" icon="media" disabled={c.roomForPhotos.value === 0} onClick={() => openPicker('photo')}>Library</Button>
          <Button class="btn-s" kind="quiet" onClick={c.clearMedia}>Remove all</Button>
        </div>
        <p class="hint" id="photos-how">Drag a photo to move it, or use the arrow keys with Alt held down.</p>
        <p class="visually-hidden" role="status">{spoken.value}</p>
      </div>
    );
  }
}
