// What can be done about a video that TikTok refuses, or would rather have otherwise: offered, under way, done.
import { Component, createRef } from 'preact';
import { api, asError, get } from '../api';
import { keepMedia, mediaById, watchMedia } from '../media-store';
import { toast } from '../toasts';
import type { Media } from '../types';
import { Button } from './basics';
import { Icon } from './icon';

interface Props {
  m: Media;
  /** What the result can be used for here. */
  use: { text: string; run: (result: Media) => void };
}

async function begin(m: Media): Promise<void> {
  try {
    keepMedia(await api<Media>('POST', `/api/v1/media/${m.id}/repair`));
    watchMedia(m.id);
  } catch (e) {
    toast(asError(e).message, 'bad');
  }
}

async function cancel(m: Media): Promise<void> {
  try {
    await api('DELETE', `/api/v1/media/${m.id}/repair`);
  } catch (e) {
    toast(asError(e).message, 'bad'); // it has ended meanwhile
  }
  await get<Media>(`/api/v1/media/${m.id}`).then(keepMedia, () => undefined);
}

async function take(id: string, use: Props['use']): Promise<void> {
  try {
    const result = await get<Media>(`/api/v1/media/${id}`);
    keepMedia(result);
    use.run(result);
  } catch (e) {
    toast(asError(e).message, 'bad');
  }
}

/** For those who cannot see it: told once a state, not once a percent. */
function spoken(m: Media): string {
  switch (m.repair?.state) {
    case 'waiting': return `${m.filename} will be repaired soon.`;
    case 'running': return `${m.filename} is being repaired.`;
    case 'done': return `${m.filename} is repaired. The result is in the library.`;
    case 'failed': return `${m.filename} could not be repaired.`;
    case 'canceled': return 'The repair is canceled.';
    default: return '';
  }
}

function Offer({ m }: { m: Media }) {
  const r = m.repair;
  if (!r?.plan) return null;
  return (
    <>
      {!r.needed && <p class="hint"><Icon name="info" /> TikTok takes this file. It recommends MP4 with H.264.</p>}
      <p id={`plan-${m.id}`} class="hint">{r.plan} Your file stays as it is.</p>
      <div class="button-row">
        <Button class="btn-s" icon="refresh" kind={r.needed ? 'primary' : 'plain'} aria-describedby={`plan-${m.id}`} onClick={() => void begin(m)}>
          {r.state === 'failed' ? 'Try again' : r.needed ? 'Repair' : 'Convert a copy'}
        </Button>
      </div>
    </>
  );
}

function UnderWay({ m, percent }: { m: Media; percent: number | null }) {
  return (
    <div class="upload">
      <div class="upload-text">
        <progress max={100} value={percent ?? undefined} aria-label={`Repair of ${m.filename}`} />
        <span class="hint">{percent === null ? 'Waits for its turn' : `Repairing, ${percent} %`}</span>
      </div>
      <Button class="btn-s" aria-label={`Cancel the repair of ${m.filename}`} onClick={() => void cancel(m)}>Cancel</Button>
    </div>
  );
}

function Stand({ m, use }: Props) {
  const r = m.repair;
  if (!r) return null;
  switch (r.state) {
    case 'waiting': return <UnderWay m={m} percent={null} />;
    case 'running': return <UnderWay m={m} percent={r.progress ?? 0} />;
    case 'done': {
      const id = r.result_media_id;
      const name = id ? mediaById.value[id]?.filename : undefined;
      return (
        <>
          <p class="hint"><Icon name="check" /> It is repaired{name ? `: ${name}` : ''}.</p>
          {id && <div class="button-row"><Button class="btn-s" kind="primary" icon="check" onClick={() => void take(id, use)}>{use.text}</Button></div>}
        </>
      );
    }
    case 'failed': return <><p class="field-error"><Icon name="alert" /> {r.message}</p><Offer m={m} /></>;
    default: return r.obstacle ? <p class="hint"><Icon name="info" /> {r.obstacle}</p> : <Offer m={m} />;
  }
}

export class Repair extends Component<Props> {
  private readonly box = createRef<HTMLDivElement>();

  override componentDidMount() {
    const { m } = this.props;
    if (m.repair?.state === 'waiting' || m.repair?.state === 'running') watchMedia(m.id);
  }

  override getSnapshotBeforeUpdate(): boolean {
    return this.box.current?.contains(document.activeElement) ?? false;
  }

  /** The button that was used is gone: the focus stays beside it. */
  override componentDidUpdate(_before: Props, _state: unknown, held: boolean) {
    if (held && !this.box.current?.contains(document.activeElement)) this.box.current?.focus();
  }

  override render() {
    const { m } = this.props;
    if (!m.repair) return null;
    return (
      <div ref={this.box} class="form tags" tabIndex={-1} role="group" aria-label={`Repair of ${m.filename}`}>
        <Stand {...this.props} />
        <p class="visually-hidden" role="status">{spoken(m)}</p>
      </div>
    );
  }
}
