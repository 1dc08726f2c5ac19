// Nobody sends the posts: within ten seconds of a post's time ready, the figures and the
// feed say so, and people have their mail, where there is somebody who can send it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { exchange } from '../../tools/lib/client.mjs';
import { freePort } from '../harness/nginx.mjs';
import { kept } from '../harness/pulse.mjs';
import { setFault, clearFaults } from '../harness/sandbox.mjs';
import { MailServer } from '../harness/smtp.mjs';
import { eventually } from '../harness/stack.mjs';
import { fateOf, inMs, openWindows, postOf, startWorld } from '../harness/world.mjs';

const PROMISE_MS = 10_000;

let stack;
let client;
let account;
let media;
let mail;
let port;
before(async () => {
  mail = await MailServer.start();
  port = await freePort();
  ({ stack, client, account, media } = await startWorld({ env: { PUBLISH_INFLIGHT: '1', METRICS_LISTEN: `127.0.0.1:${port}`, SMTP_URL: `smtp://localhost:${mail.port}`, MAIL_FROM: 'tts@example.com' } }));
});
after(async () => {
  await stack?.stop();
  await mail?.stop();
});

const CATCH_UP_MS = 10_500; // src/publisher/upkeep/reconcile.c, and some room
let started = 0; // when the last of the publishers was

let number = 0;
const post = async (due) => (await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { caption: `watched post ${++number}`, publish_at: inMs(due) }) })).json;
const ready = async () => (await client.request('GET', '/api/ready')).json.checks;
const bad = async (name) => (await ready()).find((check) => check.name === name && !check.ok);
const alarms = async () => (await client.get('/api/v1/changes')).alarms.map(({ code }) => code);
const notices = () => Number(stack.sql("SELECT COUNT(*) FROM notification WHERE kind = 'watchdog.overdue'").trim());

const within = (ms, what, probe) => eventually(probe, { ms, every: 100, what });
const figure = async (name) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec((await exchange(`http://127.0.0.1:${port}/metrics`)).text)?.[1]);

/** Each of the probes becomes true before the promise's time after begin has passed. */
async function promised(begin, probes) {
  await Promise.all(Object.entries(probes).map(async ([what, probe]) => {
    await within(PROMISE_MS + 50_000, what, probe);
    kept(Date.now() - begin, PROMISE_MS, what);
  }));
}

describe('the publisher', () => {
  for (const [how, stop, resume] of [
    ['gone', () => stack.hold('tts-publisher', 'SIGKILL'), () => stack.start('tts-publisher')],
    ['stuck', () => stack.signal('tts-publisher', 'SIGSTOP'), () => stack.signal('tts-publisher', 'SIGCONT')],
  ]) {
    test(`${how}: ready, the figures and the feed know within ten seconds`, async () => {
      assert.deepEqual(await alarms(), []);
      const died = Date.now();
      await stop();
      const { id, publish_at: at } = await post(1000);
      await Promise.all([
        promised(died, {
          'ready misses the publisher': () => bad('publisher'),
          'the feed tells': async () => (await alarms()).includes('publisher'),
          'the figures tell': async () => (await figure('tts_publishers_alive')) === 0,
        }),
        promised(Date.parse(at), { 'the post is overdue': () => bad('overdue'), 'it is counted': async () => (await figure('tts_posts_overdue')) === 1 }),
      ]);
      assert.equal(notices(), 0, 'nobody is there who could tell people');
      await resume();
      started = Date.now();
      assert.equal((await fateOf(client, id)).status, 'published_private');
      await within(15_000, 'all to be well', async () => (await alarms()).length === 0 && (await ready()).every(({ ok }) => ok));
    });
  }
});

describe('a publisher that lives and does not keep up', () => {
  test('tells everybody within ten seconds of the first post that is late, people once', async () => {
    await openWindows(stack);
    await within(CATCH_UP_MS + 1000, 'the publisher to have caught up', () => Date.now() - started > CATCH_UP_MS); // before, it tells nobody
    await setFault(stack, { endpoint: 'creator_info', delay_ms: 25_000, count: 1 });
    const posts = [await post(500), await post(600)]; // one at a time is under way
    mail.mails.length = 0;
    await promised(Date.parse(posts[1].publish_at), {
      'ready tells': () => bad('overdue'),
      'the feed tells': async () => (await alarms()).includes('overdue'),
      'the figures tell': async () => (await figure('tts_posts_overdue')) === 1,
      'the list of notifications tells': () => notices() === 1,
      'the mail is there': () => mail.mails.length === 1,
    });
    await clearFaults(stack);
    for (const { id } of posts) {
      assert.equal((await fateOf(client, id, 60_000)).status, 'published_private');
    }
    await within(10_000, 'all to be well', async () => (await alarms()).length === 0);
    assert.equal(notices(), 1);
    assert.equal(mail.mails.length, 1);
    const { items } = await client.get(`/api/v1/posts/${posts[1].id}/events`);
    assert.ok(items.some(({ kind }) => kind === 'overdue'), JSON.stringify(items));
  });
});

describe('TikTok refusing everybody', () => {
  test('is not ready, says why and nothing else of posts that wait for it, and passes', async () => {
    // As the publisher would say; how it comes to it is tests/integration/limits.test.mjs.
    await stack.hold('tts-publisher', 'SIGKILL');
    stack.sql("UPDATE publisher SET lease_until = UNIX_TIMESTAMP(NOW(3)) * 1000 + 60000, paused_until = 1, pause_reason = 'tiktok_unavailable'");
    const check = await eventually(() => bad('tiktok'), { what: 'ready to tell' });
    assert.match(check.message, /tiktok_unavailable/);
    await eventually(async () => (await alarms()).includes('tiktok'), { what: 'the feed to tell' });
    stack.sql('UPDATE attempt SET created_at = created_at - 120000'); // else it may be the account's rate window
    await openWindows(stack);
    const { id } = await post(500);
    await within(PROMISE_MS, 'the post to be overdue', () => bad('overdue'));
    await within(5000, 'the feed to have looked again', async () => (await figure('tts_posts_overdue')) === 1);
    assert.deepEqual(await alarms(), ['tiktok'], 'the publisher is not to blame');
    stack.sql('DELETE FROM publisher');
    await stack.start('tts-publisher');
    assert.equal((await fateOf(client, id)).status, 'published_private');
    await within(30_000, 'all to be well', async () => (await ready()).every(({ ok }) => ok));
  });
});
