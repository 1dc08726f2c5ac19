// kill -9 at every fault point of the publisher, with one publisher and with three, for a
// video of one chunk, one of six and photos: whoever is killed, each post is out once. That
// takes half an hour: make test-crash-all. tests/integration/crash.test.mjs has one of each
// in every run.
//
// With three, one of them is armed, and a group of posts of six accounts falls due, of which
// it takes some; the others go on, and take over. If it has passed the point with none of
// them, it is left alone with the next group until it has.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fetchedOnly, provocations } from '../harness/crashes.mjs';
import { addPerson, change, choosing, clearFaults, publicationsOf, turn } from '../harness/sandbox.mjs';
import { Stack, eventually, faultPoints } from '../harness/stack.mjs';
import { connectAccount, fateOf, inMs, openWindows, photoPostOf, postOf, readyPhotos, readyVideo } from '../harness/world.mjs';

const ACCOUNTS = 6;
const LARGE_BYTES = 65_000_000; // six chunks
const CHANCE_MS = 6000;         // for the armed one among three to pass its point
const ARMED = 'tts-publisher';

const points = faultPoints();
const manyChunks = /^(chunk|upload)\./;
const shapes = [
  { name: 'a video of one chunk', init: 'video_init', posts: ACCOUNTS, points: points.filter((point) => !fetchedOnly.test(point) && !/^chunk\./.test(point)), body: (t, i) => postOf(t.accounts[i], t.small) },
  { name: 'a video of six chunks', init: 'video_init', posts: 2, points: points.filter((point) => !fetchedOnly.test(point)), body: (t, i) => postOf(t.accounts[i], t.large) },
  { name: 'photos', init: 'photo_init', posts: ACCOUNTS, points: points.filter((point) => !manyChunks.test(point) && !/^(persist|grant|sent|last|adopt|close|name)\./.test(point)), body: (t, i) => photoPostOf(t.accounts[i], t.photos) },
];

class Town {
  async open(publishers) {
    this.others = Array.from({ length: publishers - 1 }, (_, i) => `${ARMED}-${i + 2}`);
    // Without webhooks, which would settle a post before some of the points are passed.
    this.stack = await Stack.start({ env: { STACK_PUBLISHERS: String(publishers), SANDBOX_WEBHOOK_URL: 'http://localhost:9/' } });
    this.client = await this.stack.signedIn();
    await turn(this.stack, { discard_bodies: 1, check_media: 0, pending_shares: 100_000 });
    await this.connect();
    this.small = await readyVideo(this.client, this.stack);
    this.large = await readyVideo(this.client, this.stack, { name: 'large', padTo: LARGE_BYTES });
    this.photos = await readyPhotos(this.client, this.stack, 2);
  }

  /** Also once more, when a pair of tokens was lost between TikTok and us. */
  async connect() {
    const accounts = [];
    for (let i = 0; i < ACCOUNTS; i++) {
      const creator = `matrix.number${i}`;
      if (!this.accounts) {
        await addPerson(this.stack, creator);
        await change(this.stack, creator, { post_cap: 100_000 });
      }
      accounts.push(await connectAccount(this.client, { choose: choosing({ creator }) }));
    }
    this.accounts = accounts;
  }

  /** A group of posts that are due at once, and what is to happen beside them. */
  async group(shape, name, { prepare, beside }) {
    await openWindows(this.stack);
    this.stack.sql('UPDATE account SET creator_info_at = 0');
    await prepare(shape);
    const bodies = Array.from({ length: shape.posts }, (_, i) => ({ ...shape.body(this, i), caption: `${name}, ${i}`, publish_at: inMs(1000) }));
    const posts = await Promise.all(bodies.map(async (json) => (await this.client.expect(201, 'POST', '/api/v1/posts', { json })).json));
    return { posts, aside: Promise.resolve(beside()).catch(() => {}) };
  }

  async killAt(shape, point) {
    const { before: prepare = () => {}, beside = () => {}, mend = () => {} } = provocations({ stack: this.stack, client: this.client, account: () => this.accounts[0] }).find((one) => one.points.test(point)) ?? {};
    const name = `${shape.name} at ${point} with ${this.others.length + 1}`;
    const groups = [];
    const before = this.stack.pid(ARMED);
    await this.stack.hold(ARMED, 'SIGKILL');
    this.stack.sql(`UPDATE publisher SET lease_until = 1 WHERE pid = ${before}`);
    await this.stack.start(ARMED, { env: { TTS_FAULT: `${point}:crash` }, once: true });
    const armed = this.stack.pid(ARMED);
    groups.push(await this.group(shape, name, { prepare, beside }));
    const died = () => !this.stack.runs(ARMED);
    if (this.others.length > 0) {
      await eventually(died, { ms: CHANCE_MS, every: 50 }).catch(() => {});
      if (!died()) {
        await Promise.all(this.others.map((other) => this.stack.hold(other)));
        groups.push(await this.group(shape, `${name}, alone`, { prepare, beside }));
      }
    }
    await eventually(died, { ms: 60_000, every: 50, what: `the crash at ${point}` });
    this.stack.sql(`UPDATE publisher SET lease_until = 1 WHERE pid = ${armed}`); // else it would run out in 15 s
    await openWindows(this.stack);
    await clearFaults(this.stack);
    await mend();
    await Promise.all([ARMED, ...this.others].filter((one) => !this.stack.runs(one)).map((one) => this.stack.start(one)));
    for (const { posts, aside } of groups) {
      for (const post of posts) {
        const done = await fateOf(this.client, post.id, 90_000);
        const { length } = await publicationsOf(this.stack, post.caption);
        assert.equal(done.status, 'published_private', `${post.caption}: ${done.status_text}`);
        assert.equal(length, 1, `${post.caption} is at TikTok ${length} times`);
      }
      await aside;
    }
    if (/^(tok|connect)\./.test(point)) {
      await this.connect();
    }
    return groups.length;
  }
}

describe('killed at every point', { concurrency: true }, () => {
  for (const publishers of [1, 3]) {
    describe(`one of ${publishers}`, { concurrency: false }, () => {
      const town = new Town();
      let killed = 0;
      before(() => town.open(publishers));
      after(() => town.stack?.stop());
      for (const shape of shapes) {
        for (const point of shape.points) {
          test(`${shape.name}: ${point}`, { timeout: 240_000 }, async () => {
            await town.killAt(shape, point);
            killed++;
          });
        }
      }
      test('was killed at each', (t) => {
        t.diagnostic(`${killed} kills`);
        assert.equal(killed, shapes.reduce((sum, { points: all }) => sum + all.length, 0));
      });
    });
  }
});
