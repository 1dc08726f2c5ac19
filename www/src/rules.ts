// What makes a post right, as one pure function: the composer shows what it says, and the C validator is held to
// the same vectors (tests/vectors/rules, whose README is the specification). Nothing here reads the clock, the
// network or the page.
import type { CreatorInfo, Features, PostInput, PostMedia } from './types';
import { isZone } from './tz';

export type Intent = 'schedule' | 'publish_now';
export type RuleCreator = Pick<
  CreatorInfo,
  'privacy_level_options' | 'comment_disabled' | 'duet_disabled' | 'stitch_disabled' | 'max_video_post_duration_sec' | 'can_post'
>;
export type RuleMedia = Pick<PostMedia, 'id' | 'kind' | 'status' | 'duration_ms'>;

export interface RuleContext {
  intent: Intent;
  /** Milliseconds since the epoch. */
  now: number;
  features: Features;
  media: RuleMedia[];
  /** The disclosure switch of the composer; the API knows only the two boxes below it. */
  discloseOn?: boolean;
}

export interface Problem {
  field: string;
  code: string;
}

export interface View {
  problems: Problem[];
  label: 'none' | 'promotional' | 'paid';
  declaration: 'music' | 'branded_and_music';
  selfOnlyDisabled: boolean;
  brandedDisabled: boolean;
  showDuetStitch: boolean;
  captionUnits: number;
  captionLimit: number;
  canPublish: boolean;
}

export const PRIVACY_LEVELS = ['PUBLIC_TO_EVERYONE', 'MUTUAL_FOLLOW_FRIENDS', 'FOLLOWER_OF_CREATOR', 'SELF_ONLY'];
export const VIDEO_CAPTION_UNITS = 2200;
export const PHOTO_CAPTION_UNITS = 4000;
export const TITLE_UNITS = 90;
export const MAX_PHOTOS = 35;
const FARTHEST_MS = 365 * 24 * 3600 * 1000;

type Code = string | false | null;

/** The first code that applies, if any. */
const first = (...codes: Code[]): Code => codes.find((c) => typeof c === 'string') ?? null;

function mediaCode(d: PostInput, c: RuleCreator | null, media: RuleMedia[]): Code {
  const limit = d.kind === 'video' && d.mode === 'direct' ? (c?.max_video_post_duration_sec ?? null) : null;
  return first(
    d.media_ids.length === 0 && 'media_missing',
    media.some((m) => m.kind !== d.kind) && 'media_kind',
    d.media_ids.length > (d.kind === 'video' ? 1 : MAX_PHOTOS) && 'media_count',
    media.some((m) => m.status === 'rejected') && 'media_rejected',
    media.some((m) => m.status !== 'ready') && 'media_not_ready',
    limit !== null && media.some((m) => (m.duration_ms ?? 0) > limit * 1000) && 'media_too_long',
  );
}

function privacyCode(d: PostInput, c: RuleCreator | null): Code {
  const level = d.privacy_level;
  if (level === null) return 'privacy_missing';
  return first(
    !PRIVACY_LEVELS.includes(level) && 'privacy_unknown',
    c !== null && !c.privacy_level_options.includes(level) && 'privacy_not_offered',
    level === 'SELF_ONLY' && d.disclose.branded_content && 'privacy_branded_self_only',
  );
}

function timeCode(publishAt: string | null, now: number): Code {
  if (publishAt === null) return 'time_missing';
  const at = Date.parse(publishAt);
  return first(!(at > now) && 'time_past', at > now + FARTHEST_MS && 'time_too_far');
}

function coverCode(d: PostInput, media: RuleMedia[]): Code {
  const duration = media[0]?.duration_ms ?? null;
  return d.kind === 'video' && d.cover_ms !== null && duration !== null && d.cover_ms >= duration && 'cover_outside';
}

export function rules(d: PostInput, creator: RuleCreator | null, ctx: RuleContext): View {
  const blocked = creator !== null && !creator.can_post;
  const c = blocked ? null : creator;
  const direct = d.mode === 'direct';
  const photo = d.kind === 'photo';
  const scheduled = ctx.intent === 'schedule';
  const captionLimit = photo ? PHOTO_CAPTION_UNITS : VIDEO_CAPTION_UNITS;
  const title = d.title ?? '';
  const branded = d.disclose.branded_content;
  const granted = direct ? ctx.features.direct_post : ctx.features.inbox;

  const found: [string, Code][] = [
    ['account_id', first(d.account_id === null && 'account_missing', blocked && 'creator_blocked')],
    ['mode', d.account_id !== null && !granted && 'mode_not_granted'],
    ['media_ids', mediaCode(d, c, ctx.media)],
    ['title', first(!photo && title !== '' && 'title_not_for_video', title.length > TITLE_UNITS && 'title_too_long')],
    ['caption', d.caption.length > captionLimit && 'caption_too_long'],
    ['privacy_level', direct && privacyCode(d, c)],
    ['allow_comment', direct && d.allow_comment && c?.comment_disabled === true && 'comment_disabled'],
    ['allow_duet', direct && d.allow_duet && first(photo && 'duet_not_for_photo', c?.duet_disabled === true && 'duet_disabled')],
    ['allow_stitch', direct && d.allow_stitch && first(photo && 'stitch_not_for_photo', c?.stitch_disabled === true && 'stitch_disabled')],
    ['disclose', ctx.discloseOn === true && !d.disclose.your_brand && !branded && 'disclose_missing'],
    ['is_aigc', direct && photo && d.is_aigc && 'aigc_not_for_photo'],
    ['auto_add_music', !photo && d.auto_add_music && 'music_not_for_video'],
    ['cover_ms', coverCode(d, ctx.media)],
    ['cover_index', photo && d.cover_index !== null && d.cover_index >= d.media_ids.length && 'cover_outside'],
    ['publish_at', scheduled && timeCode(d.publish_at, ctx.now)],
    ['timezone', scheduled && first(d.timezone === null && 'timezone_missing', d.timezone !== null && !isZone(d.timezone) && 'timezone_unknown')],
    ['consent.music_usage', !d.consent.music_usage && 'consent_missing'],
    ['consent.branded_content', branded && !d.consent.branded_content && 'consent_missing'],
  ];
  const problems = found.flatMap(([field, code]) => (code ? [{ field, code }] : []));

  return {
    problems,
    label: branded ? 'paid' : d.disclose.your_brand ? 'promotional' : 'none',
    declaration: branded ? 'branded_and_music' : 'music',
    selfOnlyDisabled: branded,
    brandedDisabled: d.privacy_level === 'SELF_ONLY',
    showDuetStitch: !photo,
    captionUnits: d.caption.length,
    captionLimit,
    canPublish: problems.length === 0,
  };
}
