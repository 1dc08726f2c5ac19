// 4 to 7: audience, interactions, disclosure, label and cover.
import * as c from '../compose';
import { duration } from '../format';
import { BRANDED_NOT_PRIVATE, DISCLOSE_MISSING, PRIVACY } from '../words';
import { FieldError, IconButton, Switch } from './basics';
import { Combobox } from './combobox';
import type { Choice } from './combobox';
import { Icon } from './icon';
import type { Media } from '../types';

const info = () => (c.creator.value.state === 'known' ? c.creator.value.info : null);

export function AudiencePart({ error, waiting }: { error: string | null; waiting: boolean }) {
  const v = c.view.value;
  const options = info()?.privacy_level_options ?? [];
  const choices: Choice[] = options.map((value) => ({
    value,
    label: PRIVACY[value]?.label ?? value,
    hint: PRIVACY[value]?.hint ?? '',
    disabled: value === 'SELF_ONLY' && v.selfOnlyDisabled ? BRANDED_NOT_PRIVATE : undefined,
  }));
  return (
    <section class="card part">
      <h2 id="audience-label">Who can view this post</h2>
      <Combobox
        id="audience" labelId="audience-label" describedBy="audience-error audience-note" placeholder="Select" value={c.content.value.privacy_level}
        choices={choices} invalid={!!error} disabled={waiting || choices.length === 0} onChange={(privacy_level) => c.change({ privacy_level })}
      />
      <p class="hint" id="audience-note" hidden={!v.selfOnlyDisabled}>{BRANDED_NOT_PRIVATE}</p>
      <FieldError id="audience-error" text={error} />
    </section>
  );
}

function Allow({ id, text, field, off, offText }: { id: string; text: string; field: 'allow_comment' | 'allow_duet' | 'allow_stitch'; off: boolean; offText: string }) {
  const p = c.problemAt(field);
  return (
    <div class="check-row">
      <input
        type="checkbox" id={id} checked={c.content.value[field]} disabled={off && !c.content.value[field]} aria-describedby={off ? `${id}-why` : undefined}
        onChange={(e) => c.change({ [field]: e.currentTarget.checked })}
      />
      <label for={id}>{text}</label>
      {off && <span class="hint" id={`${id}-why`}>{p ? c.textOf(p) : offText}</span>}
    </div>
  );
}

export function InteractionPart() {
  const i = info();
  const why = 'Switched off in the account’s TikTok settings';
  return (
    <fieldset class="card part">
      <legend>Allow users to</legend>
      <div class="checks-line">
        <Allow id="allow-comment" text="Comment" field="allow_comment" off={i?.comment_disabled === true} offText={why} />
        {c.view.value.showDuetStitch && (
          <>
            <Allow id="allow-duet" text="Duet" field="allow_duet" off={i?.duet_disabled === true} offText={why} />
            <Allow id="allow-stitch" text="Stitch" field="allow_stitch" off={i?.stitch_disabled === true} offText={why} />
          </>
        )}
      </div>
    </fieldset>
  );
}

function Boxes() {
  const d = c.content.value.disclose;
  const v = c.view.value;
  const set = (part: Partial<typeof d>) => c.change({ disclose: { ...d, ...part } });
  const kind = c.content.value.kind;
  return (
    <div class="disclose-boxes">
      <div class="check-row tall">
        <input type="checkbox" id="your-brand" checked={d.your_brand} aria-describedby="your-brand-text" onChange={(e) => set({ your_brand: e.currentTarget.checked })} />
        <label for="your-brand">Your brand</label>
        <span class="hint" id="your-brand-text">You are promoting yourself or your own business. This content will be classified as Brand Organic.</span>
      </div>
      <div class="check-row tall" title={v.brandedDisabled ? BRANDED_NOT_PRIVATE : undefined}>
        <input
          type="checkbox" id="branded" checked={d.branded_content} disabled={v.brandedDisabled && !d.branded_content} aria-describedby="branded-text branded-why"
          onChange={(e) => set({ branded_content: e.currentTarget.checked })}
        />
        <label for="branded">Branded content</label>
        <span class="hint" id="branded-text">You are promoting another brand or a third party. This content will be classified as Branded Content.</span>
        <span class="hint warn" id="branded-why" hidden={!v.brandedDisabled}>{BRANDED_NOT_PRIVATE}</span>
      </div>
      {v.label !== 'none' && (
        <p class="label-note" role="status">
          <Icon name="info" /> Your {kind === 'photo' ? 'photo' : 'video'} will be labeled as '{v.label === 'paid' ? 'Paid partnership' : 'Promotional content'}'
        </p>
      )}
    </div>
  );
}

export function DisclosurePart({ error }: { error: string | null }) {
  const on = c.discloseOn.value;
  return (
    <section class="card part" title={error ? DISCLOSE_MISSING : undefined}>
      <Switch id="disclose" checked={on} onChange={c.setDisclose} hint="Turn on to say that this post promotes goods or services in exchange for something of value. It can promote yourself, a third party, or both.">
        Disclose {c.content.value.kind} content
      </Switch>
      {on && <Boxes />}
      <FieldError id="disclose-error" text={on ? error : null} />
    </section>
  );
}

const STEP_MS = 100;

function Cover({ error }: { error: string | null }) {
  const length = c.chosen.value?.duration_ms ?? null;
  if (length === null || length < 2) return <p class="hint">The cover can be chosen as soon as the length of the video is known.</p>;
  const at = c.content.value.cover_ms ?? 0;
  const set = (ms: number) => c.change({ cover_ms: Math.max(0, Math.min(length - 1, ms)) });
  const media = c.chosen.value?.media ?? null;
  return (
    <div class="field">
      <label for="cover">Cover frame <span class="hint">{(at / 1000).toFixed(1)} s of {duration(length)}</span></label>
      <div class="cover">
        {media && <StripFrame media={media} ms={at} />}
        <div class="cover-choice">
          {media && <Strip media={media} at={at} length={length} set={set} />}
          <div class="cover-row">
            <IconButton icon="minus" label="Earlier frame" onClick={() => set(at - STEP_MS)} />
            <input id="cover" type="range" min={0} max={length - 1} step={STEP_MS} value={at} aria-valuetext={`${(at / 1000).toFixed(1)} seconds`} aria-describedby="cover-error" onInput={(e) => set(Number(e.currentTarget.value))} />
            <IconButton icon="plus" label="Later frame" onClick={() => set(at + STEP_MS)} />
          </div>
        </div>
      </div>
      <FieldError id="cover-error" text={error} />
    </div>
  );
}

/** Where in the film the frame lies that shows it best at that time. */
const frameAt = (ms: number, length: number, frames: number): number => Math.min(frames - 1, Math.floor((ms * frames) / length));

/** One frame of the film strip, by moving the strip below a window. */
export function StripFrame({ media, ms }: { media: Media; ms: number }) {
  if (!media.strip || !media.duration_ms || !media.width || !media.height) return null;
  const { url, frames } = media.strip;
  const at = frameAt(ms, media.duration_ms, frames);
  return (
    <span class="strip-frame" style={{ aspectRatio: `${media.width} / ${media.height}` }}>
      <img src={url} alt="" style={{ inlineSize: `${frames * 100}%`, transform: `translateX(${(-100 * at) / frames}%)` }} />
    </span>
  );
}

/** The film from beginning to end; a click chooses, and so does the slider below for everybody else. */
function Strip({ media, at, length, set }: { media: Media; at: number; length: number; set: (ms: number) => void }) {
  if (!media.strip) return null;
  const pick = (e: MouseEvent & { currentTarget: HTMLElement }) => {
    const box = e.currentTarget.getBoundingClientRect();
    set(Math.round(((e.clientX - box.left) / box.width) * length));
  };
  return (
    <div class="strip" aria-hidden="true" onClick={pick}>
      <img src={media.strip.url} alt="" draggable={false} />
      <span class="strip-mark" style={{ insetInlineStart: `${(100 * at) / length}%` }} />
    </div>
  );
}

function PhotoExtras() {
  return (
    <section class="card part">
      <Switch id="music" checked={c.content.value.auto_add_music} onChange={(auto_add_music) => c.change({ auto_add_music })} hint="TikTok chooses a piece; you can change it in the app afterwards.">
        Add music automatically
      </Switch>
    </section>
  );
}

export function ExtrasPart({ error }: { error: string | null }) {
  if (c.content.value.mode !== 'direct') return null;
  if (c.content.value.kind === 'photo') return <PhotoExtras />;
  return (
    <section class="card part">
      <Switch id="aigc" checked={c.content.value.is_aigc} onChange={(is_aigc) => c.change({ is_aigc })} hint="TikTok labels the post as made with AI.">
        AI-generated content
      </Switch>
      <hr />
      <Cover error={error} />
    </section>
  );
}
