// The post as a phone would show it. The video stands at the chosen cover until it is played.
import { Component, createRef } from 'preact';
import * as c from '../compose';
import { Icon } from './icon';

class Film extends Component<{ url: string; poster: string | null; coverMs: number }, { broken: boolean }> {
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
    const { url, poster } = this.props;
    if (this.state.broken) return <p class="phone-note">No preview in this browser. The server checks the file.</p>;
    return (
      <video
        ref={this.ref} class="phone-video" src={url} {...(poster ? { poster } : {})} controls muted playsInline loop preload="metadata"
        aria-label="Preview of the video" onLoadedMetadata={this.loaded} onError={() => this.setState({ broken: true })}
      />
    );
  }
}

function Caption({ text }: { text: string }) {
  return <p class="phone-caption">{text.split(/([#@][\p{L}\p{N}_.]+)/u).map((part, i) => (i % 2 === 1 ? <b key={i}>{part}</b> : part))}</p>;
}

export function Preview() {
  const file = c.chosen.value;
  const { caption, cover_ms, is_aigc } = c.content.value;
  const state = c.creator.value;
  const name = state.state === 'known' ? (state.info.username ?? state.info.nickname) : (c.account.value?.username ?? c.account.value?.nickname ?? '');
  const label = c.view.value.label;
  return (
    <aside class="preview" aria-label="Preview">
      <div class="phone">
        {file?.url
          ? <Film key={file.url} url={file.url} poster={file.thumbnail} coverMs={cover_ms ?? 0} />
          : <p class="phone-note"><Icon name="media" />Your video appears here</p>}
        <div class="phone-over">
          <p class="phone-name">@{name}</p>
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
