// The composer. The order of its parts is TikTok's, and its words about audience, disclosure and consent are theirs.
import { signal } from '@preact/signals';
import { Component } from 'preact';
import { asError } from '../api';
import * as c from '../compose';
import { clockTime, span, when } from '../format';
import { navigate } from '../nav';
import { AccountPart } from '../parts/compose-account';
import { MediaPart } from '../parts/compose-media';
import { AudiencePart, DisclosurePart, ExtrasPart, InteractionPart } from '../parts/compose-settings';
import { Preview } from '../parts/compose-preview';
import { Declaration } from '../parts/declaration';
import { Button, Empty, FieldError, Head, LoadError, Note, Skeleton } from '../parts/basics';
import { ask } from '../parts/dialog';
import { WhenFields } from '../parts/when-fields';
import { homeZone } from '../prefs';
import { toast } from '../toasts';
import { TITLE_UNITS } from '../rules';
import type { Problem } from '../rules';

/** What is only shown once somebody tried: an untouched form is not full of reproaches. */
const tried = signal(false);
const pane = signal<'form' | 'preview'>('form');

/** The element that a problem's button leads to. */
const FOCUS: Record<string, string> = {
  account_id: 'account', mode: 'mode-direct', media_ids: 'media-button', title: 'title', caption: 'caption', privacy_level: 'audience',
  allow_comment: 'allow-comment', allow_duet: 'allow-duet', allow_stitch: 'allow-stitch', disclose: 'your-brand', cover_ms: 'cover',
  cover_index: 'media-button', auto_add_music: 'music',
  publish_at: 'when-date', timezone: 'when-zone', max_late_s: 'max-late',
};

/** Shown at once when it is about what was entered; what is merely missing waits for the first try. */
const MISSING = new Set(['media_missing', 'privacy_missing', 'time_missing', 'account_missing']);

export function shownError(field: string): string | null {
  const p = c.problemAt(field);
  return p && (tried.value || !MISSING.has(p.code)) ? c.textOf(p) : null;
}

function focusOn(p: Problem): void {
  tried.value = true;
  pane.value = 'form';
  requestAnimationFrame(() => {
    const el = document.getElementById(FOCUS[p.field] ?? 'caption');
    el?.focus();
    el?.scrollIntoView({ block: 'center', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
  });
}

function TitleField() {
  const title = c.content.value.title ?? '';
  const over = title.length > TITLE_UNITS;
  return (
    <>
      <div class="part-head">
        <h2><label for="title">Title</label></h2>
        <span class={`counter ${over ? 'over' : ''}`} id="title-count">{title.length} / {TITLE_UNITS}<span class="visually-hidden"> characters</span></span>
      </div>
      <input
        id="title" class="input" value={title} aria-describedby="title-count title-error" aria-invalid={over || undefined} placeholder="A line in bold above the description"
        onInput={(e) => c.change({ title: e.currentTarget.value || null })}
      />
      <FieldError id="title-error" text={shownError('title')} />
    </>
  );
}

function CaptionPart() {
  const v = c.view.value;
  const over = v.captionUnits > v.captionLimit;
  const photo = c.content.value.kind === 'photo';
  return (
    <section class="card part">
      {photo && <TitleField />}
      <div class="part-head">
        <h2><label for="caption">{photo ? 'Description' : 'Caption'}</label></h2>
        <span class={`counter ${over ? 'over' : ''}`} id="caption-count">
          {v.captionUnits.toLocaleString()} / {v.captionLimit.toLocaleString()}
          <span class="visually-hidden"> characters</span>
        </span>
      </div>
      <textarea
        id="caption" class="input caption" rows={5} value={c.content.value.caption} aria-describedby="caption-count caption-error" aria-invalid={over || undefined}
        placeholder="What is it about? #hashtags and @names work." onInput={(e) => c.change({ caption: e.currentTarget.value })}
      />
      <FieldError id="caption-error" text={shownError('caption')} />
      {c.content.value.mode === 'inbox' && <p class="hint">{photo ? 'TikTok takes title and description over into the draft.' : 'TikTok lets you finish the caption in the app; this one is kept here for you to copy.'}</p>}
    </section>
  );
}

function ModeChoice() {
  const f = c.account.value?.features;
  const mode = c.content.value.mode;
  return (
    <fieldset class="tiles">
      <legend>How</legend>
      <label class="tile">
        <input type="radio" name="mode" id="mode-direct" checked={mode === 'direct'} disabled={f?.direct_post === false} onChange={() => c.setMode('direct')} />
        <span>Publish directly<span class="hint">It appears on the profile</span></span>
      </label>
      <label class="tile">
        <input type="radio" name="mode" checked={mode === 'inbox'} disabled={f?.inbox === false} onChange={() => c.setMode('inbox')} />
        <span>Send to TikTok inbox as draft<span class="hint">You finish it in the TikTok app</span></span>
      </label>
      <FieldError id="mode-error" text={shownError('mode')} />
    </fieldset>
  );
}

const LATE: [number, string][] = [[900, '15 minutes'], [3600, 'an hour'], [21_600, '6 hours'], [86_400, 'a day'], [604_800, 'a week']];

/** What becomes of a post when TikTok or this installation is in trouble at its time. */
function LateChoice() {
  const s = c.content.value.max_late_s;
  const other = LATE.every(([known]) => known !== s);
  return (
    <div class="field">
      <label for="max-late">If it cannot go out on time, post it up to this much later</label>
      <select id="max-late" class="input" value={String(s)} onChange={(e) => c.change({ max_late_s: Number(e.currentTarget.value) })}>
        {other && <option value={String(s)}>{span(s * 1000)}</option>}
        {LATE.map(([known, text]) => <option key={known} value={String(known)}>{text}</option>)}
      </select>
      <FieldError id="max-late-error" text={shownError('max_late_s')} />
    </div>
  );
}

function WhenPart() {
  const w = c.when.value;
  return (
    <section class="card part">
      <h2>When</h2>
      <fieldset class="tiles">
        <legend class="visually-hidden">When</legend>
        <label class="tile">
          <input type="radio" name="intent" checked={w.intent === 'schedule'} onChange={() => c.changeWhen({ intent: 'schedule' })} />
          <span>Date and time<span class="hint">Goes out on the second</span></span>
        </label>
        <label class="tile">
          <input type="radio" name="intent" checked={w.intent === 'publish_now'} onChange={() => c.changeWhen({ intent: 'publish_now' })} />
          <span>Now<span class="hint">As soon as you press the button</span></span>
        </label>
      </fieldset>
      {w.intent === 'schedule' && (
        <WhenFields
          id="when" date={w.date} time={w.time} zone={w.zone} accountZone={c.account.value?.timezone ?? null} resolved={c.resolved.value}
          error={shownError('publish_at')} zoneError={shownError('timezone')} onChange={c.changeWhen}
        />
      )}
      <LateChoice />
      <ModeChoice />
    </section>
  );
}

function label(): string {
  const inbox = c.content.value.mode === 'inbox';
  if (c.when.value.intent === 'publish_now') return inbox ? 'Send to inbox now' : 'Publish now';
  if (c.editingScheduled.value) return 'Save changes';
  return 'Schedule';
}

async function finish(): Promise<void> {
  tried.value = true;
  const problem = c.problems.value[0];
  if (problem) {
    focusOn(problem);
    return;
  }
  if (c.busy.value) return;
  if (c.when.value.intent === 'publish_now') {
    const yes = await ask({ title: 'Publish now?', confirm: label(), body: <><p>The post goes to TikTok at once. That cannot be undone here.</p><Declaration branded={c.view.value.declaration === 'branded_and_music'} /></> });
    if (!yes) return;
  }
  try {
    const p = await c.submit();
    const zone = p.timezone ?? homeZone();
    const link = { text: 'Show', href: `/queue?post=${p.id}` };
    if (c.when.value.intent === 'publish_now') toast('On its way to TikTok.', 'good', link);
    else toast(`Scheduled for ${when(p.publish_at ?? '', zone)}.`, 'good', link);
    for (const w of p.warnings ?? []) toast(w.message, 'warn');
    navigate('/queue');
  } catch (e) {
    const x = asError(e);
    const first = c.problems.value[0];
    toast(x.message, 'bad');
    if (first) focusOn(first);
  }
}

async function throwAway(): Promise<void> {
  if (c.saved.value || c.content.value.caption || c.content.value.title || c.chosen.value) {
    const yes = await ask({ title: 'Discard this draft?', confirm: 'Discard', danger: true, body: <p>What you wrote is lost. The media stays in the library.</p> });
    if (!yes) return;
  }
  try {
    await c.discard();
    navigate('/queue?tab=drafts');
  } catch (e) {
    toast(asError(e).message, 'bad');
  }
}

function SaveState() {
  const text = {
    idle: '', dirty: c.editingScheduled.value ? 'Not saved yet' : '', saving: 'Saving…',
    saved: c.savedAt.value ? `Draft saved ${clockTime(new Date(c.savedAt.value).toISOString(), homeZone())}` : '',
    offline: 'Offline: the draft is kept in this browser',
  }[c.saving.value];
  return <span class="save-state hint" role="status">{text}</span>;
}

function Finish() {
  const first = c.problems.value[0];
  const reason = first ? c.textOf(first) : null;
  return (
    <section class="card part finish" aria-label="Finish">
      <Declaration branded={c.view.value.declaration === 'branded_and_music'} />
      <p class="hint">
        {c.content.value.mode === 'direct'
          ? 'After you finish publishing, it may take a few minutes for the content to process and be visible on your profile.'
          : 'TikTok sends a notification to the inbox of the app; open it there to finish the post.'}
      </p>
      <div class="finish-buttons">
        <Button
          kind="primary" icon={c.when.value.intent === 'publish_now' ? 'send' : 'clock'} class="btn-l" working={c.busy.value} aria-disabled={reason ? true : undefined}
          title={reason ?? undefined} aria-describedby={reason ? 'finish-reason' : undefined} onClick={() => void finish()}
        >
          {label()}
        </Button>
        {!c.editingScheduled.value && <Button onClick={() => void c.saveDraft()} disabled={c.content.value.account_id === null}>Save draft</Button>}
        {!c.editingScheduled.value && <Button kind="quiet" onClick={() => void throwAway()}>Discard</Button>}
        <SaveState />
      </div>
      {reason && first && (
        <p class="finish-reason" id="finish-reason">
          <span class="hint">First: </span>
          <button type="button" class="text-btn" onClick={() => focusOn(first)}>{reason}</button>
        </p>
      )}
    </section>
  );
}

function Form() {
  const waiting = c.content.value.mode === 'direct' && c.creator.value.state === 'loading';
  return (
    <form class="compose-form" onSubmit={(e) => e.preventDefault()} aria-label="Post">
      <AccountPart error={shownError('account_id')} />
      <MediaPart error={shownError('media_ids')} />
      <CaptionPart />
      {c.content.value.mode === 'direct' && (
        <fieldset class="block" disabled={waiting}>
          <legend class="visually-hidden">Settings of the post</legend>
          {waiting && <p class="hint waiting" role="status">Asking TikTok what this account may do…</p>}
          <AudiencePart error={shownError('privacy_level')} waiting={waiting} />
          <InteractionPart />
          <DisclosurePart error={shownError('disclose')} />
        </fieldset>
      )}
      <ExtrasPart error={shownError('cover_ms')} />
      <WhenPart />
      <Finish />
    </form>
  );
}

function Body({ id, media }: { id: string | null; media: string | null }) {
  if (c.openError.value) return <LoadError error={c.openError.value} retry={() => void c.open(id, media)} />;
  if (c.opening.value || !c.accounts.value) return <Skeleton rows={3} tall />;
  if (c.accounts.value.length === 0) {
    return (
      <Empty icon="accounts" title="Connect an account first">
        <p>A post is written for an account: TikTok says what each may do.</p>
        <a class="btn btn-primary" href="/accounts">Connect account</a>
      </Empty>
    );
  }
  const status = c.saved.value?.status;
  const locked = status !== undefined && !['draft', 'scheduled', 'needs_attention', 'failed', 'canceled'].includes(status);
  if (locked) {
    return (
      <Empty icon="lock" title="This post can no longer be changed">
        <p>It is on its way to TikTok or already there.</p>
        <a class="btn btn-primary" href={`/queue?post=${id ?? ''}`}>Show it in the queue</a>
      </Empty>
    );
  }
  return (
    <>
      {(status === 'needs_attention' || status === 'failed') && c.saved.value && (
        <Note tone={status === 'failed' ? 'bad' : 'warn'} title={c.saved.value.status_text}><p>{c.saved.value.next_step}</p></Note>
      )}
      <div class="pane-switch" role="group" aria-label="View">
        <button type="button" aria-pressed={pane.value === 'form'} onClick={() => (pane.value = 'form')}>Edit</button>
        <button type="button" aria-pressed={pane.value === 'preview'} onClick={() => (pane.value = 'preview')}>Preview</button>
      </div>
      <div class={`compose show-${pane.value}`}>
        <Form />
        <Preview />
      </div>
    </>
  );
}

interface Props {
  params?: { id?: string };
  query?: Record<string, string>;
}

export default class Composer extends Component<Props> {
  private opened = '';

  private follow() {
    const id = this.props.params?.id ?? null;
    const media = this.props.query?.media ?? null;
    const key = `${id ?? 'new'} ${media ?? ''}`;
    // Autosave gives a new post its address; that is no other post.
    if (key === this.opened || (id !== null && c.saved.value?.id === id && this.opened !== '')) return;
    this.opened = key;
    tried.value = false;
    pane.value = 'form';
    void c.open(id, media);
  }

  private readonly focused = () => {
    if (!document.hidden) c.refreshCreatorIfStale();
  };

  private readonly keys = (e: KeyboardEvent) => {
    if (e.key === 'Enter' && (e.ctrlKey || e.metaKey) && !document.querySelector('dialog[open]')) {
      e.preventDefault();
      void finish();
    }
  };

  override componentDidMount() {
    document.addEventListener('visibilitychange', this.focused);
    document.addEventListener('keydown', this.keys);
    addEventListener('focus', this.focused);
    this.follow();
  }

  override componentDidUpdate() {
    this.follow();
  }

  override componentWillUnmount() {
    document.removeEventListener('visibilitychange', this.focused);
    document.removeEventListener('keydown', this.keys);
    removeEventListener('focus', this.focused);
    if (c.saving.value === 'dirty' && !c.editingScheduled.value) void c.saveDraft();
  }

  override render() {
    const editing = this.props.params?.id !== undefined || c.saved.value !== null;
    return (
      <>
        <Head title={editing ? 'Edit post' : 'New post'} />
        <Body id={this.props.params?.id ?? null} media={this.props.query?.media ?? null} />
      </>
    );
  }
}
