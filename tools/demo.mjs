#!/usr/bin/env node
// demo.mjs STACK_JSON VIDEO - what a new user does, once, when the local stack first
// starts: connect an account of TikTok's simulator by the real OAuth flow, upload a video,
// publish it, and wait until it is out. Prints one line a step; ends with 1 and a sentence
// when something went wrong.
import { readFile } from 'node:fs/promises';
import { Client } from './lib/client.mjs';

const [stackFile, video] = process.argv.slice(2);
const say = (text) => console.log(`  demo: ${text}`);
const PUBLISHED = ['published', 'published_private'];
const OVER = ['failed', 'needs_attention', 'canceled'];

async function connectedAccount(client) {
  const accounts = await client.get('/api/v1/accounts');
  const usable = accounts.items.find((account) => account.status === 'connected');
  if (usable) {
    return usable.id;
  }
  const location = await client.connect();
  const id = /connected=(\d+)/.exec(location)?.[1];
  if (!id) {
    throw new Error(`connecting the account ended at ${location}`);
  }
  return id;
}

async function readyMedia(client) {
  const id = await client.upload(video, { filename: 'demo.mp4' });
  const media = await client.until(`/api/v1/media/${id}`, ({ status }) => status === 'ready' || status === 'rejected', 60_000);
  if (media.status !== 'ready') {
    throw new Error(`the demo video was refused: ${JSON.stringify(media)}`);
  }
  return id;
}

async function publish(client, accountId, mediaId, creator) {
  const audience = creator.privacy_level_options.includes('PUBLIC_TO_EVERYONE') ? 'PUBLIC_TO_EVERYONE' : creator.privacy_level_options[0];
  const { json: post } = await client.expect(201, 'POST', '/api/v1/posts', {
    headers: { 'idempotency-key': `demo-${mediaId}` },
    json: {
      account_id: accountId,
      kind: 'video',
      mode: 'direct',
      media_ids: [mediaId],
      caption: 'The first post of this stack #tiktokscheduler',
      privacy_level: audience,
      allow_comment: !creator.comment_disabled,
      allow_duet: false,
      allow_stitch: false,
      disclose: { your_brand: false, branded_content: false },
      is_aigc: false,
      cover_ms: 1000,
      publish_at: new Date(Date.now() + 3000).toISOString(),
      timezone: 'UTC',
      consent: { music_usage: true, branded_content: false },
    },
  });
  const done = await client.until(`/api/v1/posts/${post.id}`, ({ status }) => [...PUBLISHED, ...OVER].includes(status), 90_000);
  if (!PUBLISHED.includes(done.status)) {
    throw new Error(`the post ended as ${done.status}: ${done.status_text} ${done.next_step ?? ''}`);
  }
}

try {
  const stack = JSON.parse(await readFile(stackFile, 'utf8'));
  const client = new Client(stack.url);
  await client.signIn(stack.email, stack.password);
  say('connecting an account of the simulator by OAuth');
  const accountId = await connectedAccount(client);
  const creator = await client.get(`/api/v1/accounts/${accountId}/creator-info`);
  say('uploading a video');
  const mediaId = await readyMedia(client);
  say('publishing it');
  await publish(client, accountId, mediaId, creator);
  await client.expect([200, 204], 'DELETE', '/api/v1/session');
  say(`published, see ${stack.sandbox_url}`);
} catch (error) {
  console.error(`  demo: ${error.message}`);
  process.exit(1);
}
