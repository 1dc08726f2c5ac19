// The main job: a post goes out at its second, once, and says truthfully what became of it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, beforeEach, describe, test } from 'node:test';
import { onTime } from '../harness/pulse.mjs';
import { eventually } from '../harness/stack.mjs';
import { connectAccount, fateOf, inMs, openWindows, postOf, readyVideo, startWorld } from '../harness/world.mjs';
import { choosing, clearFaults, publicationsOf, setFault } from '../harness/sandbox.mjs';

let stack;
let client;
let account;
let media;
before(async () => {
  ({ stack, client, account, media } = await startWorld());
});
after(() => stack?.stop());

let number = 0;
const post = async (change = {}) => {
  const caption = change.caption ?? `post number ${++number} of this run`;
  const { json } = await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { caption, ...change }) });
  return json;
};

describe('a scheduled post', () => {
  test('is published within a second of its time, exactly once, and tells its story', async () => {
    const due = Date.now() + 5000;
    const { id, caption } = await post({ publish_at: new Date(due).toISOString() });
    const done = await fateOf(client, id);
    assert.equal(done.status, 'published_private');
    assert.match(done.published_at, /Z$/);
    const publications = await publicationsOf(stack, caption);
    assert.equal(publications.length, 1, JSON.stringify(publications));
    const late = publications[0].committed_at_ms - due;
    onTime(late, 'the last byte');
    const { items } = await client.get(`/api/v1/posts/${id}/events`);
    assert.ok(items.some(({ actor }) => actor === 'publisher'), JSON.stringify(items));
  });

  test('of several chunks arrives whole', async () => {
    const large = await readyVideo(client, stack, { name: 'large', padTo: 130 << 20 });
    const { id, caption } = await post({ media_ids: [large], publish_at: inMs(1500) });
    const done = await fateOf(client, id, 90_000);
    assert.equal(done.status, 'published_private', done.status_text);
    assert.equal((await publicationsOf(stack, caption)).length, 1);
  });

  test('that was canceled and scheduled again goes out, whatever Redis remembers of the cancel', async () => {
    const { id, caption } = await post({ publish_at: inMs(3_600_000) });
    await client.expect(200, 'POST', `/api/v1/posts/${id}/cancel`, { json: {} });
    await openWindows(stack);
    await client.expect(200, 'POST', `/api/v1/posts/${id}/schedule`, { json: { publish_at: inMs(4000), timezone: 'UTC', consent: { music_usage: true, branded_content: false } } });
    const redis = (...args) => execFileSync('redis-cli', ['-s', stack.path('run/redis.sock'), ...args], { encoding: 'utf8' }).trim();
    assert.equal(redis('GET', redis('KEYS', `*w:*:${id}`)), 'cancel:1', 'it is still there');
    assert.equal((await fateOf(client, id)).status, 'published_private');
    assert.equal((await publicationsOf(stack, caption)).length, 1);
  });

  test('that was canceled in time never goes out', async () => {
    const { id, caption, publish_at: due } = await post({ publish_at: inMs(5000) });
    await client.expect(200, 'POST', `/api/v1/posts/${id}/cancel`, { json: {} });
    const marker = await post({ publish_at: new Date(Date.parse(due) + 500).toISOString() });
    await fateOf(client, marker.id);
    assert.equal((await client.get(`/api/v1/posts/${id}`)).status, 'canceled');
    assert.equal((await publicationsOf(stack, caption)).length, 0);
  });

  test('that is canceled and set off again while a publisher waits with it goes out at its time, once', async () => {
    await openWindows(stack);
    const due = Date.now() + 9000;
    const { id, caption } = await post({ publish_at: new Date(due).toISOString() });
    await eventually(() => new RegExp(`run.step post=${id} .*next=wait`).test(stack.log('tts-publisher.log')), { ms: 60_000, what: 'the upload before its time' });
    await client.expect(200, 'POST', `/api/v1/posts/${id}/cancel`, { json: {} });
    await client.expect(200, 'POST', `/api/v1/posts/${id}/schedule`, { json: { consent: { music_usage: true, branded_content: false } } });
    const done = await fateOf(client, id);
    assert.equal(done.status, 'published_private', done.status_text);
    const [publication, ...more] = await publicationsOf(stack, caption);
    assert.equal(more.length, 0);
    const late = publication.committed_at_ms - due;
    onTime(late, caption);
  });

  test('that was moved goes out at its new time only', async () => {
    const { id, caption } = await post({ publish_at: inMs(3_600_000) });
    const due = Date.now() + 2500;
    await client.expect(200, 'PATCH', `/api/v1/posts/${id}`, { json: { publish_at: new Date(due).toISOString() } });
    await fateOf(client, id);
    const [publication, ...more] = await publicationsOf(stack, caption);
    assert.equal(more.length, 0);
    onTime(publication.committed_at_ms - due, caption);
  });

  test('published now goes out now', async () => {
    const { id, caption } = await post({ publish_at: inMs(3_600_000) });
    await client.expect(200, 'POST', `/api/v1/posts/${id}/publish-now`, { json: { consent: { music_usage: true, branded_content: false } } });
    assert.equal((await fateOf(client, id)).status, 'published_private');
    assert.equal((await publicationsOf(stack, caption)).length, 1);
  });
});

describe('many at once', () => {
  // TikTok lets an account begin six posts a minute, and the publisher keeps to that: three
  // accounts that have not posted yet, with five posts each.
  test('all go out, each once, within a second', async () => {
    const accounts = [];
    for (const creator of [1, 2, 5]) {
      accounts.push(await connectAccount(client, { choose: choosing({ creator }) }));
    }
    const due = Date.now() + 4000;
    const posts = await Promise.all(accounts.flatMap((id) => Array.from({ length: 5 }, () => post({ account_id: id, publish_at: new Date(due).toISOString() }))));
    for (const { id, caption } of posts) {
      const done = await fateOf(client, id);
      assert.equal(done.status, 'published_private', done.status_text);
      const publications = await publicationsOf(stack, caption);
      assert.equal(publications.length, 1);
      onTime(publications[0].committed_at_ms - due, caption);
    }
  });
});

describe('TikTok in trouble', () => {
  beforeEach(() => openWindows(stack));
  after(() => clearFaults(stack));

  test('that passes only delays a post', async () => {
    for (const fault of [{ endpoint: 'video_init', status: 500, count: 1 }, { endpoint: 'video_init', status: 429, count: 1 }, { endpoint: 'upload', status: 503, count: 1 }, { endpoint: 'status', status: 500, count: 2 }]) {
      await clearFaults(stack);
      await setFault(stack, fault);
      const { id, caption } = await post({ publish_at: inMs(800) });
      // A 429 is waited out for a whole window of TikTok's.
      assert.equal((await fateOf(client, id, 90_000)).status, 'published_private', JSON.stringify(fault));
      assert.equal((await publicationsOf(stack, caption)).length, 1, JSON.stringify(fault));
    }
  });

  test('that loses an answer never doubles a post', async () => {
    for (const endpoint of ['video_init', 'upload', 'status']) {
      await clearFaults(stack);
      await setFault(stack, { endpoint, lost: true, count: 1 });
      const { id, caption } = await post({ publish_at: inMs(800) });
      const done = await fateOf(client, id);
      const publications = await publicationsOf(stack, caption);
      assert.ok(publications.length <= 1, `${endpoint}: ${publications.length}`);
      if (done.status === 'published_private') {
        assert.equal(publications.length, 1, endpoint);
      }
    }
  });

  test('that is a refusal is shown in words, with what to do', async () => {
    const refusals = [
      { endpoint: 'video_init', code: 'spam_risk_too_many_posts', http: 403 },
      { endpoint: 'video_init', code: 'unaudited_client_can_only_post_to_private_accounts', http: 403 },
      { fail_reason: 'file_format_check_failed' },
    ];
    for (const fault of refusals) {
      await clearFaults(stack);
      await setFault(stack, { ...fault, count: 1 });
      const { id, caption } = await post({ publish_at: inMs(500) });
      const seen = await client.until(`/api/v1/posts/${id}`, ({ status_reason }) => status_reason !== null, 30_000);
      const code = fault.code ?? fault.fail_reason;
      assert.ok(seen.status_reason.includes(code) || seen.status_text.length > 0, JSON.stringify(seen));
      assert.ok(seen.status_text.length > 10 && !/undefined|null/.test(seen.status_text), seen.status_text);
      assert.ok(seen.next_step?.length > 10, JSON.stringify([code, seen.next_step]));
      assert.equal((await publicationsOf(stack, caption)).length, 0);
    }
  });
});
