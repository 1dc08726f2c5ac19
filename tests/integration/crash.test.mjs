// kill -9 of the publisher at every fault point built into it, then a restart: exactly one
// publication in the simulator's ledger, and the post says so. For a video that is sent,
// for photos, for a video that TikTok fetches, and for photos by a gate that is opened
// first (MEDIA_PULL_MODE=log).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually, faultPoints } from '../harness/stack.mjs';
import { fetchedOnly, provocations, repeatedly } from '../harness/crashes.mjs';
import { clearFaults, publicationsOf } from '../harness/sandbox.mjs';
import { connectAccount, fateOf, inMs, openWindows, photoPostOf, postOf, readyPhotos, readyVideo, startWorld } from '../harness/world.mjs';

let stack;
let client;
let account;
let media;
let large; // of several chunks
let photos;
before(async () => {
  // Without webhooks, which would settle a post before some of the points are passed.
  ({ stack, client, account, media } = await startWorld({ env: { SANDBOX_WEBHOOK_URL: 'http://localhost:9/' } }));
  large = await readyVideo(client, stack, { name: 'large', padTo: 70 << 20 });
  photos = await readyPhotos(client, stack, 2);
});
after(() => stack?.stop());

const reached = new Set();

const versionOf = () => Number(stack.sql(`SELECT tok_ver FROM account_token WHERE account_id = ${account}`));

/**
 * What is posted, and how. points: where the publisher is killed meanwhile; after: where it was
 * killed before, for points that only who comes next passes; mayAsk: where nobody can know
 * any more what became of the post, so that a person is asked.
 */
const points = faultPoints();
const shapes = [
  {
    name: 'a video', init: 'video_init',
    points: points.filter((point) => !fetchedOnly.test(point)),
    body: (point) => postOf(account, point.startsWith('chunk.') ? large : media),
  },
  {
    name: 'photos', init: 'photo_init',
    points: points.filter((point) => /^(take|claim|intent|init|witness|open|adopt|poll|done|dead|end)\./.test(point)),
    after: (point) => point.startsWith('adopt.') && 'witness.after',
    body: () => photoPostOf(account, photos),
  },
  {
    name: 'a video that TikTok fetches', init: 'video_init', env: { TIKTOK_VIDEO_TRANSFER: 'pull' },
    points: points.filter((point) => /^(intent|init|witness|open|done)\./.test(point)),
    body: () => postOf(account, media),
  },
  {
    name: 'photos behind a gate that is opened first', init: 'photo_init', env: { MEDIA_PULL_MODE: 'log' },
    points: points.filter((point) => /^(intent|init|open|close|name|dead|done)\./.test(point)),
    after: (point) => point.startsWith('close.') && 'open.after',
    mayAsk: /^(init\.after_(send|recv)|name\.before_commit)$/,
    body: () => photoPostOf(account, photos),
  },
];

/** Waits until the publisher has died at the point, be the post over or not. */
async function death(shape, point) {
  await eventually(() => !stack.runs('tts-publisher'), { ms: 120_000, every: 50, what: `the crash at ${point}` });
  reached.add(`${shape.name}: ${point}`);
  await stack.hold('tts-publisher', 'SIGKILL');
  // Its lease would run out in 15 s; the last test waits for that, these need not.
  stack.sql('UPDATE publisher SET lease_until = 1');
}

const crashing = (shape, point) => stack.start('tts-publisher', { env: { ...shape.env, TTS_FAULT: `${point}:crash` }, once: true });

for (const shape of shapes) {
  describe(`a publisher of ${shape.name} killed`, () => {
    for (const point of shape.points) {
      const first = shape.after?.(point) || point;
      const asks = shape.mayAsk?.test(point);
      test(`at ${point} publishes ${asks ? 'at most' : 'exactly'} once after its restart`, async () => {
        const { before: prepare = () => {}, beside, mend = () => {} } = provocations({ stack, client, account: () => account }).find(({ points }) => points.test(point)) ?? {};
        await openWindows(stack);
        await stack.hold('tts-publisher', 'SIGKILL');
        stack.sql('UPDATE account SET creator_info_at = 0');
        await prepare(shape);
        await crashing(shape, first);
        const caption = `${shape.name}, killed at ${point}`;
        const { json: post } = await client.expect(201, 'POST', '/api/v1/posts', { json: { ...shape.body(point), caption, publish_at: inMs(300) } });
        let dead = false;
        const aside = repeatedly(beside, () => dead);
        await death(shape, first).finally(() => {
          dead = true;
        });
        await openWindows(stack);
        if (first !== point) {
          await crashing(shape, point);
          await death(shape, point);
        }
        await clearFaults(stack);
        await mend();
        await stack.start('tts-publisher', { env: shape.env });
        const done = await fateOf(client, post.id, 90_000);
        const publications = await publicationsOf(stack, caption);
        const asked = asks && done.status === 'needs_attention' && done.status_reason === 'outcome_unknown';
        assert.ok(asked || done.status === 'published_private', `${done.status_text} ${JSON.stringify(publications)}`);
        assert.ok(publications.length === 1 || (asked && publications.length === 0), `${publications.length} publications`);
        await aside;
        if (/^(tok|connect)\./.test(point)) {
          account = await connectAccount(client); // a pair that was lost between TikTok and us is lost
        }
      });
    }

    test('was killed at every point', () => {
      assert.deepEqual(shape.points.filter((point) => !reached.has(`${shape.name}: ${point}`)), []);
    });
  });
}

describe('a publisher killed', () => {
  test('was killed at every point there is', () => {
    assert.deepEqual(points.filter((point) => !shapes.some((shape) => shape.points.includes(point))), []);
  });

  test('after it wrote a new pair of tokens down brings it to the database', async () => {
    await openWindows(stack);
    const before = versionOf();
    await stack.hold('tts-publisher', 'SIGKILL');
    stack.sql('UPDATE account_token SET rf_next = 1, rf_until = 0');
    await stack.start('tts-publisher', { env: { TTS_FAULT: 'tok.after_journal:crash' }, once: true });
    await eventually(() => !stack.runs('tts-publisher'), { ms: 60_000, what: 'the crash' });
    assert.equal(versionOf(), before);
    await stack.start('tts-publisher');
    await eventually(() => versionOf() === before + 1, { ms: 30_000, what: 'the journal to be replayed' });
    stack.sql('UPDATE account_token SET rf_next = 1, rf_until = 0');
    await eventually(() => versionOf() === before + 2, { ms: 30_000, what: 'the replayed pair to be refreshed in turn' });
    assert.equal((await client.get(`/api/v1/accounts/${account}`)).status, 'connected');
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
