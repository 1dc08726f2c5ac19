// The words of the product in one place: statuses, audiences, problems of the composer, errors of connecting.
import { count, span } from './format';
import type { Problem } from './rules';
import type { NextAction, PostStatus } from './types';

export type Tone = 'neutral' | 'info' | 'busy' | 'good' | 'warn' | 'bad';

export const STATUS: Record<PostStatus, { label: string; icon: string; tone: Tone }> = {
  draft: { label: 'Draft', icon: 'pencil', tone: 'neutral' },
  awaiting_approval: { label: 'Awaiting approval', icon: 'eye', tone: 'info' },
  scheduled: { label: 'Scheduled', icon: 'clock', tone: 'info' },
  preparing: { label: 'Preparing', icon: 'spinner', tone: 'busy' },
  publishing: { label: 'Sending', icon: 'spinner', tone: 'busy' },
  processing: { label: 'Processing at TikTok', icon: 'spinner', tone: 'busy' },
  published: { label: 'Posted', icon: 'check', tone: 'good' },
  published_private: { label: 'Posted privately', icon: 'lock', tone: 'good' },
  in_inbox: { label: 'In TikTok inbox', icon: 'inbox', tone: 'good' },
  needs_attention: { label: 'Needs attention', icon: 'alert', tone: 'warn' },
  failed: { label: 'Failed', icon: 'cross', tone: 'bad' },
  canceled: { label: 'Canceled', icon: 'ban', tone: 'neutral' },
};

export const NEXT_ACTION: Record<NextAction, string | null> = {
  reconnect: 'Reconnect account',
  choose_again: 'Choose again',
  replace_media: 'Replace media',
  retry: 'Try again',
  edit_caption: 'Edit caption',
  open_tiktok: 'Open TikTok',
  resolve: 'Say what happened',
  wait: null,
  none: null,
};

export const PRIVACY: Record<string, { label: string; hint: string }> = {
  PUBLIC_TO_EVERYONE: { label: 'Everyone', hint: 'Anyone on TikTok' },
  MUTUAL_FOLLOW_FRIENDS: { label: 'Friends', hint: 'Followers you follow back' },
  FOLLOWER_OF_CREATOR: { label: 'Followers', hint: 'People who follow the account' },
  SELF_ONLY: { label: 'Only me', hint: 'Nobody else can see it' },
};

export const SCOPES: Record<string, string> = {
  'user.info.basic': 'Your name and picture, so that you can see which account you post to',
  'user.info.profile': 'Your @name and profile link',
  'user.info.stats': 'Your follower and like counts',
  'video.publish': 'Publish videos and photos at the time you choose',
  'video.upload': 'Send drafts to your TikTok inbox',
  'video.list': 'See your public videos, to show how they do',
};

export const BRANDED_NOT_PRIVATE = 'Branded content visibility cannot be set to private.';
export const DISCLOSE_MISSING = 'You need to indicate if your content promotes yourself, a third party, or both.';

const PROBLEM: Record<string, string> = {
  account_missing: 'Choose the account to post to.',
  creator_blocked: 'TikTok does not let this account post now. Try again later.',
  creator_loading: 'Waiting for TikTok to say what this account may do.',
  creator_unavailable: 'TikTok has not said what this account may do. Refresh the account.',
  mode_not_granted: 'The account did not grant this way of posting. Reconnect it or choose the other way.',
  media_missing: 'Add a video or photos.',
  media_count: 'A video post takes one file, a photo post up to 35.',
  media_kind: 'A post holds one video or photos, not both. Remove what does not belong.',
  media_rejected: 'TikTok would refuse this file. Replace it.',
  media_not_ready: 'Still being uploaded or checked.',
  title_not_for_video: 'Only photo posts have a title.',
  title_too_long: 'The title is longer than 90 characters.',
  privacy_missing: 'Choose who can view this post.',
  privacy_unknown: 'This audience does not exist.',
  privacy_not_offered: 'This audience is not offered for the account. Choose again.',
  privacy_branded_self_only: BRANDED_NOT_PRIVATE,
  comment_disabled: 'Comments are switched off in the account’s TikTok settings.',
  duet_disabled: 'Duets are switched off in the account’s TikTok settings.',
  stitch_disabled: 'Stitches are switched off in the account’s TikTok settings.',
  duet_not_for_photo: 'Photos have no Duet.',
  stitch_not_for_photo: 'Photos have no Stitch.',
  aigc_not_for_photo: 'TikTok has no AI label for photos.',
  disclose_missing: DISCLOSE_MISSING,
  music_not_for_video: 'Music is added to photos only.',
  cover_outside: 'The cover lies behind the end.',
  time_missing: 'Choose a date and a time.',
  time_past: 'This time has passed. Choose a later one.',
  time_too_far: 'Posts can be scheduled up to 365 days ahead.',
  timezone_missing: 'Choose a time zone.',
  timezone_unknown: 'This time zone does not exist.',
  consent_missing: 'Agree to TikTok’s terms above the button.',
};

export interface ProblemFacts {
  durationMs: number | null;
  limitSec: number | null;
  captionOver: number;
  photo: boolean;
  blocked: string | null;
}

export function problemText(p: Problem, f: ProblemFacts): string {
  if (p.code === 'media_too_long' && f.durationMs !== null && f.limitSec !== null) {
    return `This video is ${span(f.durationMs)} long; this account can post at most ${span(f.limitSec * 1000)}.`;
  }
  if (p.code === 'caption_too_long') return `The ${f.photo ? 'description' : 'caption'} is ${count(f.captionOver, 'character', 'characters')} too long.`;
  if (p.code === 'creator_blocked' && f.blocked) return f.blocked;
  return PROBLEM[p.code] ?? `Not accepted (${p.code}).`;
}

/** What the server said about a field, for codes that the page knows too. */
export const fieldText = (code: string): string => PROBLEM[code] ?? `Not accepted (${code}).`;

export interface Trouble {
  title: string;
  cause: string;
  remedy: string;
}

/** For /accounts?error=CODE: what happened and what to do. */
export const CONNECT_ERROR: Record<string, Trouble> = {
  access_denied: {
    title: 'You did not allow the connection',
    cause: 'On TikTok’s page the request was declined or the page was closed.',
    remedy: 'Connect again and choose Continue there. You can untick what you don’t want to allow.',
  },
  state_invalid: {
    title: 'The answer did not belong to this browser',
    cause: 'The connection was begun in another browser, or you signed out meanwhile.',
    remedy: 'Connect again from here, and finish in the same browser window.',
  },
  state_expired: {
    title: 'That took longer than ten minutes',
    cause: 'For safety an unfinished connection ends after ten minutes.',
    remedy: 'Connect again; it takes less than a minute.',
  },
  state_reused: {
    title: 'This connection was already finished',
    cause: 'The page was loaded a second time, by Back or Reload for example.',
    remedy: 'If your account is listed below, all is well. Otherwise connect again.',
  },
  missing_scope: {
    title: 'A permission is missing',
    cause: 'TikTok did not grant what posting needs. It was unticked on TikTok’s page, or the app does not have it yet.',
    remedy: 'Connect again and leave the permissions ticked. If they are not offered, the operator must add the scopes to the app in the TikTok developer portal.',
  },
  redirect_mismatch: {
    title: 'TikTok does not know this address',
    cause: 'The redirect address of this installation differs from the one registered at TikTok.',
    remedy: 'The operator must register exactly the value of TIKTOK_REDIRECT_URI in the TikTok developer portal, under Login Kit.',
  },
  code_expired: {
    title: 'TikTok’s answer came too late',
    cause: 'The code that TikTok gave us had expired or was used before.',
    remedy: 'Connect again.',
  },
  client_invalid: {
    title: 'TikTok does not accept this app',
    cause: 'The client key or the client secret of this installation is wrong.',
    remedy: 'The operator must copy TIKTOK_CLIENT_KEY and TIKTOK_CLIENT_SECRET again from the TikTok developer portal and restart.',
  },
  publisher_away: {
    title: 'Our publisher is not running',
    cause: 'The part of this installation that talks to TikTok did not answer.',
    remedy: 'Tell the operator, then connect again. Nothing is lost.',
  },
  tiktok_unavailable: {
    title: 'TikTok is not available',
    cause: 'TikTok did not answer, or answered with an error of its own.',
    remedy: 'Try again in a few minutes.',
  },
  account_taken: {
    title: 'This account belongs to another workspace',
    cause: 'The TikTok account is connected in another workspace of this installation.',
    remedy: 'Disconnect it there first, or sign in to that workspace.',
  },
  non_sandbox_target: {
    title: 'This account is not a test user of the app',
    cause: 'The app is in TikTok’s sandbox mode, which only lets chosen target users in.',
    remedy: 'The operator can add the account under Sandbox, Target users in the developer portal, or take the app live.',
  },
  no_refresh_token: {
    title: 'TikTok gave a connection that cannot last',
    cause: 'Its answer held no refresh token, so the connection would have ended within a day.',
    remedy: 'Connect again. If it stays, the operator must compare the app’s products in the TikTok developer portal with the setup guide.',
  },
  unknown: {
    title: 'The account was not connected',
    cause: 'TikTok gave an answer that we don’t know.',
    remedy: 'Try again. If it stays, the operator finds the details in the publisher’s log.',
  },
};
