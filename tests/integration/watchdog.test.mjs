// Nobody sends the posts: within ten seconds ready, the feed and the timeline say so, and
// people are told when it lasts.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setFault, clearFaults } from '../harness/sandbox.mjs';
import { Stack, eventually } from '../harness/stack.mjs';
import { connectAccount, fateOf, inMs, openWindows, postOf, readyVideo } from '../harness/world.mjs';

let stack;
let client;
let account;
let media;
before(async () => {
  stack = await Stack.start({ env: { PUBLISH_INFLIGHT: '1' } });
  client = await stack.signedIn();
  account = await connectAccount(client);
  media = await readyVideo(client, stack);
});
after(() => stack?.stop());

let number = 0;
const post = async (due) => (await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { caption: `watched post ${++number}`, publish_at: inMs(due) }) })).json;
const ready = async () => (await client.request('GET', '/api/ready')).json.checks;
const bad = async (name) => (await ready()).find((check) => check.name === name && !check.ok);
const alarms = async () => (await client.get('/api/v1/changes')).alarms.map(({ code }) => code);
const notices = () => Number(stack.sql("SELECT COUNT(*) FROM notification WHERE kind = 'watchdog.overdue'").trim());

/** Runs what and answers how long it took until probe was true. */
async function within(ms, what, probe) {
  const begin = Date.now();
  await eventually(probe, { ms, every: 100, what });
  return Date.now() - begin;
}

describe('the publisher', () => {
  for (const [how, stop, resume] of [
    ['gone', () => stack.hold('tts-publisher', 'SIGKILL'), () => stack.start('tts-publisher')],
    ['stuck', () => stack.signal('tts-publisher', 'SIGSTOP'), () => stack.signal('tts-publisher', 'SIGCONT')],
  ]) {
    test(`${how}: ready, the feed and the page know within about ten seconds`, async () => {
      assert.deepEqual(await alarms(), []);
      await stop();
      const { id } = await post(1000);
      await within(14_000, 'ready to miss the publisher', () => bad('publisher'));
      await within(4000, 'the feed to tell', async () => (await alarms()).includes('publisher'));
      await within(14_000, 'the post to be overdue', () => bad('overdue'));
      assert.equal(notices(), 0, 'nobody is there who could tell people');
      await resume();
      assert.equal((await fateOf(client, id)).status, 'published_private');
      await within(15_000, 'all to be well', async () => (await alarms()).length === 0 && (await ready()).every(({ ok }) => ok));
    });
  }
});

describe('a publisher that lives and does not keep up', () => {
  test('tells people once, when it lasts', async () => {
    await openWindows(stack);
    await setFault(stack, { endpoint: 'creator_info', delay_ms: 29_000, count: 1 });
    const posts = [await post(500), await post(600)]; // one at a time is under way
    await within(20_000, 'overdue', () => bad('overdue'));
    assert.deepEqual(await alarms(), ['overdue']);
    assert.equal(notices(), 0, 'not at the first look');
    await within(20_000, 'people to be told', () => notices() === 1);
    await clearFaults(stack);
    for (const { id } of posts) {
      assert.equal((await fateOf(client, id, 60_000)).status, 'published_private');
    }
    await within(10_000, 'all to be well', async () => (await alarms()).length === 0);
    assert.equal(notices(), 1);
    const { items } = await client.get(`/api/v1/posts/${posts[1].id}/events`);
    assert.ok(items.some(({ kind }) => kind === 'overdue'), JSON.stringify(items));
  });
});

describe('TikTok refusing everybody', () => {
  test('is not ready, says why, and passes', async () => {
    // As the publisher would say; how it comes to it is tests/integration/limits.test.mjs.
    await stack.hold('tts-publisher', 'SIGKILL');
    stack.sql("UPDATE publisher SET lease_until = UNIX_TIMESTAMP(NOW(3)) * 1000 + 15000, paused_until = 1, pause_reason = 'tiktok_unavailable'");
    const check = await eventually(() => bad('tiktok'), { what: 'ready to tell' });
    assert.match(check.message, /tiktok_unavailable/);
    await eventually(async () => (await alarms()).includes('tiktok'), { what: 'the feed to tell' });
    await stack.start('tts-publisher');
    await within(30_000, 'all to be well', async () => (await ready()).every(({ ok }) => ok));
  });
});
