// TikTok's limits: posts of one account go out later, by themselves, and nobody else's do.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, beforeEach, describe, test } from 'node:test';
import { change, choosing, clearFaults, ledger, publicationsOf, setFault, turn } from '../harness/sandbox.mjs';
import { Stack, eventually } from '../harness/stack.mjs';
import { connectAccount, fateOf, inMs, openWindows, postOf, readyVideo } from '../harness/world.mjs';

let stack;
let client;
let ann;
let ben;
let media;
before(async () => {
  stack = await Stack.start();
  client = await stack.signedIn();
  ann = await connectAccount(client, { choose: choosing({ creator: 'ann.example' }) });
  ben = await connectAccount(client, { choose: choosing({ creator: 'ben.private' }) });
  media = await readyVideo(client, stack);
});
after(() => stack?.stop());
beforeEach(async () => {
  await clearFaults(stack);
  await openWindows(stack);
  await change(stack, 'ann.example', { post_cap: 1_000_000 });
  stack.sql('UPDATE account SET blocked_until = 0, drafts_until = 0, pauses = 0, paused_at = 0, daily_cap = 0; DELETE FROM notification');
});

let number = 0;
const post = async (account, due, extra = {}) => {
  const body = postOf(account, media, { caption: `limited post ${++number}`, publish_at: inMs(due), ...extra });
  return (await client.expect(201, 'POST', '/api/v1/posts', { json: body })).json;
};
const now = (id) => client.get(`/api/v1/posts/${id}`);
const limited = (id) => client.until(`/api/v1/posts/${id}`, ({ status, status_text: text }) => status === 'scheduled' && text.startsWith('Moved later: '), 30_000);
/** As if the pause's end had come. */
const endPause = (account) => {
  stack.sql(`UPDATE account SET blocked_until = 1, drafts_until = 1 WHERE account_id = ${account}; UPDATE job SET next_at = UNIX_TIMESTAMP(NOW(3)) * 1000 WHERE account_id = ${account} AND state = 1 AND limited_until > 0`);
};
const notices = () => Number(stack.sql("SELECT COUNT(*) FROM notification WHERE kind = 'account.limited'").trim());
const inits = async (username) => (await ledger(stack, { username, calls: 1000 })).calls.filter(({ endpoint }) => /init$/.test(endpoint)).length;

describe('the cap of a day', () => {
  test('moves the posts that were due before, tells people once, and lets them go by themselves', async () => {
    await change(stack, 'ann.example', { post_cap: 0 });
    const second = await post(ann, 20_000);
    const far = await post(ann, 8 * 3_600_000);
    const due = new Date(Date.now() + 1500).toISOString();
    const first = await post(ann, 0, { publish_at: due });
    const other = await post(ben, 1500);
    const moved = await limited(first.id);
    assert.equal(moved.status_reason, 'daily_post_limit');
    assert.equal(moved.publish_at, due, 'what was asked for stays');
    const wait = Date.parse(moved.next_try_at) - Date.now();
    assert.ok(wait > 10 * 60_000 && wait < 16 * 60_000, `next try in ${wait} ms`);
    assert.equal(moved.next_action, 'wait');
    assert.match((await limited(second.id)).next_try_at, /Z$/);
    assert.equal((await now(far.id)).status_reason, null, 'due after the pause');
    assert.equal((await fateOf(client, other.id)).status, 'published_private', 'another account');
    assert.equal(notices(), 1);
    const paused = await client.get(`/api/v1/accounts/${ann}`);
    assert.equal(paused.limited_until, moved.next_try_at);
    assert.equal((await client.get(`/api/v1/accounts/${ben}`)).limited_until, null);
    assert.equal(stack.sql(`SELECT fails FROM job WHERE post_id = ${first.id}`).trim(), '0');

    const asked = await inits('ann.example');
    const third = await post(ann, 900);
    await limited(third.id);
    assert.equal(await inits('ann.example'), asked, 'TikTok is not asked during the pause');
    assert.equal(notices(), 1);

    await change(stack, 'ann.example', { post_cap: 1_000_000 });
    await openWindows(stack);
    endPause(ann);
    for (const { id, caption } of [first, second, third]) {
      assert.equal((await fateOf(client, id)).status, 'published_private');
      assert.equal((await publicationsOf(stack, caption)).length, 1);
    }
  });

  test('met at the last byte moves the post as well, and it goes out once', async () => {
    await setFault(stack, { fail_reason: 'spam_risk_too_many_posts', count: 1 });
    const { id, caption } = await post(ann, 1000);
    const moved = await limited(id);
    assert.equal(moved.status_reason, 'daily_post_limit');
    endPause(ann);
    assert.equal((await fateOf(client, id)).status, 'published_private');
    assert.equal((await publicationsOf(stack, caption)).length, 1);
  });

  test('never makes a post missed, however long it lasts', async () => {
    await change(stack, 'ann.example', { post_cap: 0 });
    const { id } = await post(ann, 1000);
    await limited(id);
    // Two days pass: the post, due long ago, is only now allowed to go.
    stack.sql(`UPDATE job SET due_at = due_at - 172800000 WHERE post_id = ${id}`);
    await change(stack, 'ann.example', { post_cap: 1_000_000 });
    endPause(ann);
    assert.equal((await fateOf(client, id)).status, 'published_private');
  });
});

describe('the inbox', () => {
  test('takes five drafts; the sixth waits, TikTok is not asked, and direct posts go on', async () => {
    await turn(stack, { pending_shares: 5 });
    const drafts = [];
    for (let n = 0; n < 5; n++) {
      drafts.push(await post(ben, 500, { mode: 'inbox', privacy_level: null }));
    }
    for (const { id } of drafts) {
      assert.equal((await fateOf(client, id)).status, 'in_inbox');
    }
    await openWindows(stack);
    const asked = await inits('ben.private');
    const sixth = await post(ben, 500, { mode: 'inbox', privacy_level: null });
    const direct = await post(ben, 500);
    const moved = await limited(sixth.id);
    assert.equal(moved.status_reason, 'inbox_full');
    assert.ok(Date.parse(moved.next_try_at) - Date.now() > 23 * 3_600_000);
    assert.equal((await fateOf(client, direct.id)).status, 'published_private');
    assert.equal((await inits('ben.private')) - asked, 1, 'only the direct post asked');
  });
});

describe('a ban', () => {
  test('waits for a person', async () => {
    await setFault(stack, { endpoint: 'video_init', code: 'spam_risk_user_banned_from_posting', status: 403, count: 1 });
    const { id } = await post(ann, 500);
    const blocked = await fateOf(client, id);
    assert.deepEqual([blocked.status, blocked.status_reason], ['needs_attention', 'account_banned']);
  });
});

describe('429 in spite of the window', () => {
  test('makes the window of that account smaller', async () => {
    await setFault(stack, { endpoint: 'video_init', status: 429, count: 1 });
    const { id } = await post(ann, 500);
    await client.until(`/api/v1/posts/${id}`, ({ status_reason: reason }) => reason === 'tiktok_rate_limited');
    const cut = execFileSync('redis-cli', ['-s', stack.path('run/redis.sock'), 'GET', `{${Number(ann) % 16}}:xi:${ann}`], { encoding: 'utf8' }).trim();
    assert.equal(cut, '1');
    await client.expect(200, 'POST', `/api/v1/posts/${id}/cancel`, { json: {} });
  });
});

describe('TikTok failing for everybody', () => {
  test('stops new sessions after some accounts, and lets all posts go within seconds of its return', async () => {
    const cleo = await connectAccount(client, { choose: choosing({ creator: 'cleo.quiet' }) });
    const accounts = [ann, ben, cleo];
    await setFault(stack, { endpoint: 'creator_info', status: 503 });
    const posts = [];
    for (const account of accounts) {
      posts.push(await post(account, 1000));
      posts.push(await post(account, 1500));
    }
    await eventually(() => stack.log('tts-publisher.log').includes('event=brake.closed'), { ms: 30_000, what: 'the brake' });
    await clearFaults(stack);
    for (const { id, caption } of posts) {
      const done = await fateOf(client, id, 60_000);
      assert.equal(done.status, 'published_private', done.status_text);
      assert.equal((await publicationsOf(stack, caption)).length, 1);
    }
    assert.ok(stack.log('tts-publisher.log').includes('event=brake.open'));
  });
});
