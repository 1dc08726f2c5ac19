// kill -9 of the publisher at every fault point built into it, then a restart: exactly one
// publication in the simulator's ledger, and the post says so.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Stack, eventually, faultPoints } from '../harness/stack.mjs';
import { publicationsOf } from '../harness/sandbox.mjs';
import { connectAccount, fateOf, inMs, openWindows, postOf, readyVideo } from '../harness/world.mjs';

let stack;
let client;
let account;
let media;
before(async () => {
  stack = await Stack.start();
  client = await stack.signedIn();
  account = await connectAccount(client);
  media = await readyVideo(client, stack);
});
after(() => stack?.stop());

const reached = new Set();

describe('a publisher killed', () => {
  for (const point of faultPoints()) {
    test(`at ${point} publishes exactly once after its restart`, async () => {
      await openWindows(stack);
      await stack.hold('tts-publisher', 'SIGKILL');
      await stack.start('tts-publisher', { env: { TTS_FAULT: `${point}:crash` }, once: true });
      const caption = `killed at ${point}`;
      const { json: post } = await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { caption, publish_at: inMs(300) }) });
      const over = () => client.get(`/api/v1/posts/${post.id}`).then(({ status }) => status.startsWith('published'));
      await eventually(async () => !stack.runs('tts-publisher') || (await over()), { ms: 60_000, every: 50, what: `the crash at ${point}` });
      if (!stack.runs('tts-publisher')) {
        reached.add(point);
      }
      await stack.hold('tts-publisher', 'SIGKILL');
      // Its lease would run out in 15 s; the last test waits for that, these need not.
      stack.sql('UPDATE publisher SET lease_until = 1');
      await stack.start('tts-publisher');
      const done = await fateOf(client, post.id, 90_000);
      assert.equal(done.status, 'published_private', `${done.status_text} ${JSON.stringify(await publicationsOf(stack, caption))}`);
      assert.equal((await publicationsOf(stack, caption)).length, 1);
    });
  }

  test('was really killed on the way of a post', () => {
    assert.ok(reached.size >= 6, `only reached ${[...reached].join(', ')}`);
  });
});

describe('a publisher stopped and continued after somebody took its work', () => {
  test('does not publish a second time', async () => {
    const caption = 'stopped for long';
    const { json: post } = await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { caption, publish_at: inMs(1500) }) });
    await eventually(async () => (await client.get(`/api/v1/posts/${post.id}`)).status !== 'scheduled', { ms: 10_000, every: 5, what: 'the work to begin' });
    const stopped = stack.pid('tts-publisher');
    process.kill(stopped, 'SIGSTOP');
    try {
      stack.second('tts-publisher');
      await eventually(async () => (await publicationsOf(stack, caption)).length > 0 || (await client.get(`/api/v1/posts/${post.id}`)).status.startsWith('published'), { ms: 60_000, every: 100, what: 'the other publisher' }).catch(() => {});
    } finally {
      process.kill(stopped, 'SIGCONT');
    }
    const done = await fateOf(client, post.id, 60_000);
    assert.equal(done.status, 'published_private', done.status_text);
    assert.equal((await publicationsOf(stack, caption)).length, 1);
  });
});
