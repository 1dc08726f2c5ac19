// The shapes of docs/openapi.yaml that the dashboard uses, under the same names.

export type Kind = 'video' | 'photo';
export type Mode = 'direct' | 'inbox';
export type MediaStatus = 'uploading' | 'checking' | 'ready' | 'rejected';
export type AccountStatus = 'connected' | 'expires_soon' | 'reconnect_needed' | 'disconnected';
export type Privacy = 'PUBLIC_TO_EVERYONE' | 'MUTUAL_FOLLOW_FRIENDS' | 'FOLLOWER_OF_CREATOR' | 'SELF_ONLY';
export type NextAction =
  | 'reconnect' | 'choose_again' | 'replace_media' | 'retry' | 'edit_caption' | 'wait' | 'open_tiktok' | 'resolve' | 'none';
export type PostStatus =
  | 'draft' | 'awaiting_approval' | 'scheduled' | 'preparing' | 'publishing' | 'processing'
  | 'published' | 'published_private' | 'in_inbox' | 'needs_attention' | 'failed' | 'canceled';

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface Session {
  user: { id: string; email: string; name: string };
  workspace: { id: string; name: string };
  role: 'owner' | 'admin' | 'editor' | 'approver' | 'viewer';
  csrf_token: string | null;
  expires_at: string | null;
  limits: { media_max_bytes: number; chunk_bytes: number };
  app: { unaudited: boolean | null; sandbox: boolean; scopes: string[]; photo_posts: boolean };
}

export interface Features {
  direct_post: boolean;
  inbox: boolean;
  stats: boolean;
}

export interface Account {
  id: string;
  nickname: string;
  username: string | null;
  avatar_url: string | null;
  status: AccountStatus;
  status_text: string;
  scopes: string[];
  missing_scopes: string[];
  features: Features;
  timezone: string | null;
  scheduled_posts: number;
  connected_at: string;
  refresh_expires_at: string | null;
  posts_until: string | null;
  limited_until: string | null;
  version: number;
}

export interface CreatorInfo {
  account_id: string;
  nickname: string;
  username: string | null;
  avatar_url: string | null;
  privacy_level_options: string[];
  comment_disabled: boolean;
  duet_disabled: boolean;
  stitch_disabled: boolean;
  max_video_post_duration_sec: number | null;
  can_post: boolean;
  blocked_code: string | null;
  blocked_message: string | null;
  fetched_at: string;
}

export interface Check {
  code: string;
  message: string;
  measured: string | null;
  limit: string | null;
  ok: boolean;
  /** Beyond the limit, but what TikTok is given instead is not. */
  converted: boolean;
}

export interface PostMedia {
  id: string;
  kind: Kind;
  status: MediaStatus;
  filename: string;
  duration_ms: number | null;
  width: number | null;
  height: number | null;
  thumbnail_url: string | null;
  content_url: string | null;
}

export interface RepairOffer {
  offered: string[];
  needed: boolean;
  plan: string | null;
  obstacle: string | null;
  state: 'waiting' | 'running' | 'done' | 'failed' | 'canceled' | null;
  progress: number | null;
  result_media_id: string | null;
  reason: string | null;
  message: string | null;
}

export interface Media extends PostMedia {
  bytes: number;
  fps: number | null;
  codec: string | null;
  container: string | null;
  checks: Check[];
  rendition: { bytes: number; width: number; height: number } | null;
  strip: { url: string; frames: number } | null;
  duplicate_of: string | null;
  repaired_from: string | null;
  repair: RepairOffer | null;
  tags: string[];
  used_in: number;
  created_at: string;
  version: number;
}

export interface Storage {
  quota_bytes: number;
  used_bytes: number;
  uploading_bytes: number;
  free_bytes: number;
}

export interface Disclose {
  your_brand: boolean;
  branded_content: boolean;
}

export interface Consent {
  music_usage: boolean;
  branded_content: boolean;
}

/** What a person writes: the body of create and change. */
export interface PostInput {
  account_id: string | null;
  kind: Kind;
  mode: Mode;
  media_ids: string[];
  caption: string;
  title: string | null;
  privacy_level: string | null;
  allow_comment: boolean;
  allow_duet: boolean;
  allow_stitch: boolean;
  disclose: Disclose;
  is_aigc: boolean;
  auto_add_music: boolean;
  cover_ms: number | null;
  cover_index: number | null;
  publish_at: string | null;
  timezone: string | null;
  max_late_s: number;
  consent: Consent;
}

export interface Post extends PostInput {
  id: string;
  account_id: string;
  account: { id: string; nickname: string; username: string | null };
  media: PostMedia[];
  status: PostStatus;
  status_reason: string | null;
  status_text: string;
  next_step: string | null;
  next_action: NextAction;
  next_try_at: string | null;
  /** Of a single post, not in lists. */
  warnings?: { code: string; message: string }[];
  published_at: string | null;
  tiktok_post_id: string | null;
  tiktok_url: string | null;
  version: number;
  created_at: string;
  updated_at: string;
}

export interface PostEvent {
  id: string;
  at: string;
  kind: string;
  actor: 'person' | 'api_client' | 'publisher' | 'media' | 'tiktok' | 'system';
  by: string | null;
  text: string;
  code: string | null;
  when: string | null;
  attempt: number | null;
  publish_id: string | null;
  tiktok_log_id: string | null;
}

export interface Notification {
  id: string;
  kind: 'post.failed' | 'post.attention' | 'account.reconnect' | 'account.limited' | 'account.grant_ending' | 'watchdog.overdue';
  title: string;
  text: string;
  post_id: string | null;
  account_id: string | null;
  read: boolean;
  created_at: string;
}

/** What keeps posts from going out just now. */
export interface Alarm {
  code: 'publisher' | 'overdue' | 'tiktok' | 'redis' | 'replica';
  message: string;
}

export interface Changes {
  seq: string;
  reset: boolean;
  changed: { type: 'post' | 'media' | 'account'; id: string; status: string }[];
  counts: Record<PostStatus, number>;
  inflight: number;
  next_ms: number;
  due_in_ms: number | null;
  alarms: Alarm[];
  unread: number;
}
