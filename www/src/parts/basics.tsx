// The small parts that every screen is made of.
import { Component } from 'preact';
import type { ButtonHTMLAttributes, ComponentChildren } from 'preact';
import type { ApiError } from '../api';
import { duration } from '../format';
import { setTitle } from '../nav';
import type { PostStatus } from '../types';
import { STATUS } from '../words';
import { Icon } from './icon';

/** The head of a screen: its one h1, which takes the focus on arrival, and its main actions. */
export class Head extends Component<{ title: string; sub?: ComponentChildren; children?: ComponentChildren }> {
  override componentDidMount() {
    setTitle(this.props.title);
  }

  override componentDidUpdate() {
    setTitle(this.props.title);
  }

  override render() {
    const { title, sub, children } = this.props;
    return (
      <header class="head">
        <div>
          <h1 tabIndex={-1}>{title}</h1>
          {sub && <p class="sub">{sub}</p>}
        </div>
        {children && <div class="head-actions">{children}</div>}
      </header>
    );
  }
}

export function StatusBadge({ status }: { status: PostStatus }) {
  const s = STATUS[status];
  return (
    <span class={`badge tone-${s.tone}`}>
      <Icon name={s.icon} />
      {s.label}
    </span>
  );
}

type ButtonProperties = Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'icon' | 'label'>;

interface ButtonProps extends ButtonProperties {
  icon?: string;
  kind?: 'primary' | 'plain' | 'quiet' | 'danger';
  working?: boolean;
}

export function Button({ icon, kind = 'plain', working = false, children, class: cls, ...rest }: ButtonProps) {
  const extra = typeof cls === 'string' ? cls : '';
  return (
    <button type="button" {...rest} class={`btn btn-${kind} ${extra}`} aria-busy={working || undefined}>
      {(icon || working) && <Icon name={working ? 'spinner' : (icon ?? '')} />}
      {children && <span>{children}</span>}
    </button>
  );
}

/** A button of one icon: its name is in aria-label and in the tooltip. */
export function IconButton({ icon, label, ...rest }: { icon: string; label: string } & ButtonProperties) {
  return (
    <button type="button" {...rest} class="icon-btn" aria-label={label} title={label}>
      <Icon name={icon} />
    </button>
  );
}

export function Empty({ icon, title, children }: { icon: string; title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <span class="empty-art"><Icon name={icon} /></span>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Note({ tone, title, children, onClose }: { tone: string; title?: ComponentChildren; children?: ComponentChildren; onClose?: () => void }) {
  const icon = { good: 'check', warn: 'alert', bad: 'cross', info: 'info' }[tone] ?? 'info';
  return (
    <div class={`note tone-${tone}`} role={tone === 'bad' || tone === 'warn' ? 'alert' : 'status'}>
      <Icon name={icon} />
      <div class="note-text">
        {title && <strong>{title}</strong>}
        {children}
      </div>
      {onClose && <IconButton icon="close" label="Dismiss" onClick={onClose} />}
    </div>
  );
}

export function LoadError({ error, retry }: { error: ApiError; retry: () => void }) {
  return (
    <Empty icon="alert" title="This could not be loaded">
      <p>{error.message}</p>
      {error.requestId && <p class="faint">Request {error.requestId}</p>}
      <Button icon="refresh" onClick={retry}>Try again</Button>
    </Empty>
  );
}

/** Grey shapes while data is on its way; they only appear after a moment, so that quick answers do not flicker. */
export function Skeleton({ rows = 4, tall = false }: { rows?: number; tall?: boolean }) {
  return (
    <div class="skeletons" role="status">
      <span class="visually-hidden">Loading</span>
      {Array.from({ length: rows }, (_, i) => <div key={i} class={`skeleton ${tall ? 'tall' : ''}`} />)}
    </div>
  );
}

export class Avatar extends Component<{ url: string | null; name: string; large?: boolean }, { broken: boolean }> {
  override state = { broken: false };

  override render() {
    const { url, name, large } = this.props;
    const cls = `avatar ${large ? 'avatar-l' : ''}`;
    if (!url || this.state.broken) {
      return <span class={`${cls} avatar-letter`} aria-hidden="true">{[...name.trim()][0]?.toUpperCase() ?? '?'}</span>;
    }
    return <img class={cls} src={url} alt="" width={large ? 48 : 32} height={large ? 48 : 32} onError={() => this.setState({ broken: true })} />;
  }
}

/** photos: how many a photo post has. */
export class Thumb extends Component<{ url: string | null; durationMs?: number | null; kind?: string; photos?: number }, { broken: boolean }> {
  override state = { broken: false };

  override componentWillReceiveProps(next: { url: string | null }) {
    if (next.url !== this.props.url) this.setState({ broken: false });
  }

  override render() {
    const { url, durationMs, kind = 'video', photos = 0 } = this.props;
    return (
      <span class="thumb">
        {url && !this.state.broken
          ? <img src={url} alt="" loading="lazy" onError={() => this.setState({ broken: true })} />
          : <Icon name={kind === 'photo' ? 'photo' : 'media'} />}
        {durationMs != null && <span class="thumb-time">{duration(durationMs)}</span>}
        {photos > 1 && <span class="thumb-time">{photos}<span class="visually-hidden"> photos</span> <Icon name="photo" /></span>}
      </span>
    );
  }
}

/** A line below a field, tied to it by aria-describedby. */
export function FieldError({ id, text }: { id: string; text: string | null }) {
  return (
    <p class="field-error" id={id} hidden={!text}>
      {text && <><Icon name="alert" /> {text}</>}
    </p>
  );
}

export function Switch({ id, checked, onChange, children, hint, disabled = false }: {
  id: string; checked: boolean; onChange: (on: boolean) => void; children: ComponentChildren; hint?: ComponentChildren; disabled?: boolean;
}) {
  return (
    <div class="switch-row">
      <label for={id}>
        <span class="switch-label">{children}</span>
        {hint && <span class="hint">{hint}</span>}
      </label>
      <input class="switch" type="checkbox" role="switch" id={id} checked={checked} disabled={disabled} onChange={(e) => onChange(e.currentTarget.checked)} />
    </div>
  );
}
