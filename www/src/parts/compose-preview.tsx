// The post as a phone would show it. The video stands at the chosen cover until it is played; photos are leafed through.
import { Component, createRef } from 'preact';
import * as c from '../compose';
import { IconButton } from './basics';
import { StripFrame } from './compose-settings';
import { Icon } from './icon';
import type { Media } from '../types';

class Film extends Component<{ url: string; poster: string | null; coverMs: number; media: Media | null }, { broken: boolean }> {
  override state = { broken: false };
  private readonly ref = createRef<HTMLVideoElement>();

  override componentDidUpdate(before: { url: string; coverMs: number }) {
    if (before.url !== this.props.url && this.state.broken) this.setState({ broken: false });
    if (before.coverMs !== this.props.coverMs) this.seek();
  }

  private readonly seek = () => {
    const v = this.ref.current;
    if (v && v.paused && Number.isFinite(v.duration)) v.currentTime = this.props.coverMs / 1000;
  };

  // Some videos give a length and no picture: the codec is one that this browser does not have.
  private readonly loaded = () => {
    if (this.ref.current?.videoWidth === 0) this.setState({ broken: true });
    else this.seek();
  };

  override render() {
    const { url, poster, media, coverMs } = this.props;
    if (this.state.broken && media?.strip) return <div class="phone-strip"><StripFrame media={media} ms={coverMs} /><p class="phone-note">This browser cannot play the file. The cover is shown.</p></div>;
    if (this.state.broken) return <p class="phone-note">No preview in this browser. The server checks the file.</p>;
    return (
      <video
        ref={this.ref} class="phone-video" src={url} {...(poster ? { poster } : {})} controls muted playsInline loop preload="metadata"
        aria-label="Preview of the video" onLoadedMetadata={this.loaded} onError={() => this.setState({ broken: true })}
      />
    );
  }
}

/** What of a photo can be shown: some browsers lack a format, the server's own picture they have. */
class Picture extends Component<{ file: c.ChosenFile }, { broken: boolean }> {
  override state = { broken: false };

  override render() {
    const { file } = this.props;
    const url = this.state.broken ? (file.media?.thumbnail_url ?? null) : file.url;
    if (!url) return <p class="phone-note"><Icon name="photo" />No preview of this photo</p>;
    return <img class="phone-photo" src={url} alt={file.filename} onError={() => !this.state.broken && this.setState({ broken: true })} />;
  }
}

function Carousel() {
  const list = c.files.value;
  const at = c.photoAt.value;
  const file = list[at];
  if (!file) return null;
  return (
    <>
      <Picture key={file.key} file={file} />
      {list.length > 1 && (
        <div class="phone-leaf" role="group" aria-label="Photos of the preview">
          <IconButton icon="left" label="Photo before" disabled={at === 0} onClick={() => (c.photoAt.value = at - 1)} />
          <span class="phone-at" role="status">{at + 1} / {list.length}</span>
          <IconButton icon="right" label="Next photo" disabled={at === list.length - 1} onClick={() => (c.photoAt.value = at + 1)} />
        </div>
      )}
    </>
  );
}

function Screen() {
  const file = c.chosen.value;
  if (!file) return <p class="phone-note"><Icon name="media" />Your {c.photosOff.value ? 'video appears' : 'video or photos appear'} here</p>;
  if (file.kind === 'photo') return <Carousel />;
  if (!file.url) return <p class="phone-note"><Icon name="media" />Your video appears here</p>;
  return <Film key={file.url} url={file.url} poster={file.thumbnail} coverMs={c.content.value.cover_ms ?? 0} media={file.media} />;
}

function Caption({ text }: { text: string }) {
  return <p class="phone-caption">{text.split(/([#@][\p{L}\p{N}_.]+)/u).map((part, i) => (i % 2 === 1 ? <b key={i}>{part}</b> : part))}</p>;
}

export function Preview() {
  const { caption, title, is_aigc } = c.content.value;
  const state = c.creator.value;
  const name = state.state === 'known' ? (state.info.username ?? state.info.nickname) : (c.account.value?.username ?? c.account.value?.nickname ?? '');
  const label = c.view.value.label;
  return (
    <aside class="preview" aria-label="Preview">
      <div class="phone">
        <Screen />
        <div class="phone-over">
          <p class="phone-name">@{name}</p>
          {title && <p class="phone-title">{title}</p>}
          {caption && <Caption text={caption} />}
          {(label !== 'none' || is_aigc) && (
            <p class="phone-labels">
              {label !== 'none' && <span>{label === 'paid' ? 'Paid partnership' : 'Promotional content'}</span>}
              {is_aigc && <span>AI-generated</span>}
            </p>
          )}
        </div>
      </div>
      <p class="hint">A preview; TikTok may crop differently.</p>
    </aside>
  );
}
