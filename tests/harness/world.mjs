// What most tests need before they begin: a signed-in person with a connected account of
// the simulator and a checked video.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { makePhoto, makeVideo } from './media.mjs';
import { turn } from './sandbox.mjs';
import { Stack } from './stack.mjs';

/** All of that, on a stack of its own; options are those of Stack.start(). The test stops the stack. */
export async function startWorld(options) {
  const stack = await Stack.start(options);
  try {
    const client = await stack.signedIn();
    const account = await connectAccount(client);
    return { stack, client, account, media: await readyVideo(client, stack) };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

/** Connects an account of the simulator and answers its id. */
export async function connectAccount(client, options) {
  const location = await client.connect(options);
  const id = /^\/accounts\?connected=(\d+)$/.exec(location)?.[1];
  if (!id) {
    throw new Error(`connecting ended at ${location}`);
  }
  return id;
}

/** Uploads a video that TikTok takes and waits until it is checked. */
export async function readyVideo(client, stack, options = {}) {
  const file = await makeVideo(join(stack.varDir, 'tmp', `${options.name ?? 'video'}.mp4`), options);
  const id = await client.upload(file);
  const media = await client.until(`/api/v1/media/${id}`, ({ status }) => status !== 'checking');
  if (media.status !== 'ready') {
    throw new Error(`the video was refused: ${JSON.stringify(media.checks)}`);
  }
  return id;
}

/** Uploads n photos that TikTok takes, waits until they are checked and answers their ids. */
export async function readyPhotos(client, stack, n = 1, { type = 'jpg', ...options } = {}) {
  const ids = [];
  for (let i = 0; i < n; i++) {
    const file = makePhoto(join(stack.varDir, 'tmp', `photo-${i}.${type}`), { hue: (i * 10) % 360, ...options });
    ids.push(await client.upload(file));
  }
  for (const id of ids) {
    const media = await client.until(`/api/v1/media/${id}`, ({ status }) => status !== 'checking', 60_000);
    if (media.status !== 'ready') {
      throw new Error(`the photo was refused: ${JSON.stringify(media.checks)}`);
    }
  }
  return ids;
}

/** The body of a right photo post; change overrides members. */
export function photoPostOf(accountId, mediaIds, change = {}) {
  const { cover_ms: _, ...post } = postOf(accountId, mediaIds[0]);
  return { ...post, kind: 'photo', media_ids: mediaIds, title: 'A title', auto_add_music: true, cover_index: 0, ...change };
}

/** The body of a right post; change overrides members. */
export function postOf(accountId, mediaId, change = {}) {
  return {
    account_id: accountId,
    kind: 'video',
    mode: 'direct',
    media_ids: [mediaId],
    caption: 'Hello #world',
    privacy_level: 'SELF_ONLY',
    allow_comment: false,
    allow_duet: false,
    allow_stitch: false,
    disclose: { your_brand: false, branded_content: false },
    is_aigc: false,
    cover_ms: null,
    publish_at: inMs(3_600_000),
    timezone: 'UTC',
    consent: { music_usage: true, branded_content: false },
    ...change,
  };
}

export const inMs = (ms) => new Date(Date.now() + ms).toISOString();

export const OVER = ['published', 'published_private', 'in_inbox', 'failed', 'needs_attention', 'canceled'];

/** Waits until a post has come to an end and answers it. */
export const fateOf = (client, id, ms = 120_000) => client.until(`/api/v1/posts/${id}`, ({ status }) => OVER.includes(status), ms);

/**
 * Forgets how often TikTok was called within the last minute, in our Redis, in the ledger
 * (of what has ended) and in the simulator: the windows have tests of their own, elsewhere they only cost minutes.
 */
export async function openWindows(stack) {
  await turn(stack, { init_per_min: 0, creator_per_min: 0, status_per_min: 0 });
  stack.sql('UPDATE attempt SET created_at = created_at - 120000, updated_at = updated_at - 120000, init_date = init_date - 120000 WHERE state IN (5, 6)');
  execFileSync('redis-cli', ['-s', stack.path('run/redis.sock'), 'EVAL', "for _, key in ipairs(redis.call('KEYS', '*:r[isc]:*')) do redis.call('DEL', key) end", '0']);
}

/** Lets so much time pass for our Redis: for its minutes of calls for sessions, and for what it holds until then. */
export function passTime(stack, ms) {
  const script = `for _, key in ipairs(redis.call('KEYS', '*:ri:*')) do
    local calls = redis.call('LRANGE', key, 0, -1)
    redis.call('DEL', key)
    for _, call in ipairs(calls) do redis.call('RPUSH', key, string.format('%.0f', call - ${ms})) end
  end
  for _, pattern in ipairs({'*:A', '*:j:*'}) do
    for _, key in ipairs(redis.call('KEYS', pattern)) do
      for _, due in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, -${ms}, due) end
    end
  end`;
  execFileSync('redis-cli', ['-s', stack.path('run/redis.sock'), 'EVAL', script, '0']);
}
