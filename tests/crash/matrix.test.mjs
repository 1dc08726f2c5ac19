// kill -9 at every fault point of the publisher, with one publisher and with three, for a
// video of one chunk, one of six and photos: whoever is killed, each post is out once. That
// takes ten minutes: make test-crash-all. tests/integration/crash.test.mjs has one
// of each in every run. docs/publishing.md says which point is which.
//
// One publisher is armed, and a group of posts of six accounts falls due. With three it
// takes some of them; the others go on, and take over. When it has passed the point with
// none of them it is left alone with another group, and another, until it has. So nothing
// here depends on how fast the machine is: what has a time limit has hung.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fetchedOnly, provocations, repeatedly } from '../harness/crashes.mjs';
import { addPerson, change, choosing, clearFaults, publicationsOf, turn } from '../harness/sandbox.mjs';
import { Stack, eventually, faultPoints } from '../harness/stack.mjs';
import { OVER, connectAccount, fateOf, inMs, openWindows, photoPostOf, postOf, readyPhotos, readyVideo } from '../harness/world.mjs';

const ACCOUNTS = 6;
const LARGE_BYTES = 65_000_000; // six chunks
const CHANCE_MS = 6000;         // for the armed one among three, before it is left alone
const HUNG_MS = 240_000;
const ARMED = 'tts-publisher';

const points = faultPoints();
const ofChunks = points.filter((point) => point.startsWith('chunk.'));
const sentOnly = /^(persist|grant|sent|last|adopt|close|name)\./;
const shapes = [
  { name: 'a video of one chunk', init: 'video_init', posts: ACCOUNTS, points: points.filter((point) => !fetchedOnly.test(point) && !ofChunks.includes(point)), body: (t, i) => postOf(t.accounts[i], t.small) },
  { name: 'a video of six chunks', init: 'video_init', posts: 2, points: [...points.filter((point) => !fetchedOnly.test(point)), ...ofChunks.map((point) => `${point}@4`)], body: (t, i) => postOf(t.accounts[i], t.large) },
  { name: 'photos', init: 'photo_init', posts: ACCOUNTS, points: points.filter((point) => !ofChunks.includes(point) && !sentOnly.test(point)), body: (t, i) => photoPostOf(t.accounts[i], t.photos) },
];

class Town {
  async open(publishers) {
    this.others = Array.from({ length: publishers - 1 }, (_, i) => `${ARMED}-${i + 2}`);
    // Without webhooks, which would settle a post before some of the points are passed.
    this.stack = await Stack.start({ env: { STACK_PUBLISHERS: String(publishers), SANDBOX_WEBHOOK_URL: 'http://localhost:9/' } });
    this.client = await this.stack.signedIn();
    this.provocations = provocations({ stack: this.stack, client: this.client, account: () => this.accounts[0] });
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

  died() {
    return !this.stack.runs(ARMED);
  }

  /** Starts one that dies at the point. */
  async arm(point) {
    const before = this.stack.pid(ARMED);
    await this.stack.hold(ARMED, 'SIGKILL');
    this.stack.sql(`UPDATE publisher SET lease_until = 1 WHERE pid = ${before}`);
    await this.stack.start(ARMED, { env: { TTS_FAULT: `${point}:crash` }, once: true });
    this.armed = this.stack.pid(ARMED);
  }

  /** A group of posts that are due at once. */
  async group(shape, name, prepare) {
    await openWindows(this.stack);
    this.stack.sql('UPDATE account SET creator_info_at = 0');
    await prepare?.(shape);
    const bodies = Array.from({ length: shape.posts }, (_, i) => ({ ...shape.body(this, i), caption: `${name}, ${i}`, publish_at: inMs(1000) }));
    return Promise.all(bodies.map(async (json) => (await this.client.expect(201, 'POST', '/api/v1/posts', { json })).json));
  }

  async areOver(posts) {
    for (const { id } of posts) {
      if (!OVER.includes((await this.client.get(`/api/v1/posts/${id}`)).status)) {
        return false;
      }
    }
    return true;
  }

  /** Groups of posts until the armed one has died; answers all posts. begun: when there is one. */
  async untilDeath(shape, name, { prepare, begun }) {
    const all = [];
    const end = Date.now() + HUNG_MS;
    for (let groups = 1; groups === 1 || !this.died(); groups++) {
      assert.ok(Date.now() < end, `not passed with ${groups - 1} groups of posts`);
      if (groups > 1) {
        await Promise.all(this.others.map((other) => this.stack.hold(other)));
      }
      const posts = await this.group(shape, `${name}, ${groups}`, prepare);
      all.push(...posts);
      begun();
      const chance = groups === 1 && this.others.length > 0 ? Date.now() + CHANCE_MS : Infinity;
      await eventually(async () => this.died() || Date.now() > chance || (await this.areOver(posts)), { ms: HUNG_MS, every: 50, what: 'a death, or the ends of the posts' });
    }
    return all;
  }

  /** As it was before, but for the posts. */
  async recover(mend) {
    if (!this.died()) {
      await this.stack.hold(ARMED, 'SIGKILL');
    }
    this.stack.sql(`UPDATE publisher SET lease_until = 1 WHERE pid = ${this.armed}`); // else it would run out in 15 s
    await openWindows(this.stack);
    await clearFaults(this.stack);
    await mend?.();
    await Promise.all([ARMED, ...this.others].filter((one) => !this.stack.runs(one)).map((one) => this.stack.start(one)));
  }

  async killAt(shape, point) {
    const { before: prepare, beside, mend } = this.provocations.find((one) => one.points.test(point)) ?? {};
    const name = `${shape.name} at ${point} with ${this.others.length + 1}`;
    let over = false;
    let aside;
    let posts;
    const begun = () => {
      aside ??= repeatedly(beside, () => over || this.died());
    };
    await this.arm(point);
    try {
      posts = await this.untilDeath(shape, name, { prepare, begun });
    } finally {
      over = true;
      await this.recover(mend);
    }
    for (const post of posts) {
      const done = await fateOf(this.client, post.id, HUNG_MS);
      const { length } = await publicationsOf(this.stack, post.caption);
      assert.equal(done.status, 'published_private', `${post.caption}: ${done.status_text}`);
      assert.equal(length, 1, `${post.caption} is at TikTok ${length} times`);
    }
    await aside;
    if (/^(tok|connect)\./.test(point)) {
      await this.connect();
    }
  }

  /** Where the publishers' logs are now, and what they have got since. */
  marks() {
    return [ARMED, ...this.others].map((one) => [`${one}.log`, this.stack.log(`${one}.log`).length]);
  }

  said(marks) {
    return marks.map(([log, at]) => `--- ${log}\n${this.stack.log(log).slice(at).slice(-8000)}`).join('\n');
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
          test(`${shape.name}: ${point}`, { timeout: 4 * HUNG_MS }, async () => {
            const marks = town.marks();
            try {
              await town.killAt(shape, point);
            } catch (error) {
              error.message += `\n${town.said(marks)}`;
              throw error;
            }
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
