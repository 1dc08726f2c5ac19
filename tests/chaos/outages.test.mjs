// Redis, MariaDB and TikTok go away for a while, and posts fall due meanwhile. Each goes
// out once, within seconds of the return (of its time, where it need not wait), and until
// then `ready` and the dashboard say what is wrong.
//
// CHAOS=long: a minute, a minute and ten; else as short as still tells something.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openPage, startBrowser } from '../harness/browser.mjs';
import { kept } from '../harness/pulse.mjs';
import { addPerson, change, choosing, clearFaults, publicationsOf, setFault } from '../harness/sandbox.mjs';
import { Stack, eventually, sleep } from '../harness/stack.mjs';
import { connectAccount, fateOf, openWindows, photoPostOf, postOf, readyPhotos, readyVideo } from '../harness/world.mjs';

const LONG = process.env.CHAOS === 'long';
const MINUTE_MS = LONG ? 60_000 : 14_000;
const TEN_MS = LONG ? 600_000 : 40_000;
const SAID_MS = 10_000;  // an overdue post is that late before anybody says so
const STORE_MS = 8000;   // to be back after MariaDB, and to be late without Redis
const TIKTOK_MS = 30_000; // whether TikTok is back is asked every 8 s, every 10 s of a granted post; measured 1 to 19 s

class House {
  async open(people) {
    this.stack = await Stack.start();
    this.client = await this.stack.signedIn();
    this.accounts = [];
    for (let i = 0; i < people; i++) {
      const creator = `outage.number${i}`;
      await addPerson(this.stack, creator);
      await change(this.stack, creator, { post_cap: 1000 });
      this.accounts.push(await connectAccount(this.client, { choose: choosing({ creator }) }));
    }
    this.video = await readyVideo(this.client, this.stack);
    this.photos = await readyPhotos(this.client, this.stack, 2);
    this.browser = await startBrowser();
    ({ page: this.page } = await openPage(this.browser));
    await this.page.goto(this.stack.url);
    await this.page.getByLabel('Email').fill(this.stack.facts.email);
    await this.page.getByLabel('Password', { exact: true }).fill(this.stack.facts.password);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await this.page.getByRole('heading', { level: 1, name: 'Queue' }).waitFor();
  }

  async close() {
    await this.browser?.close();
    await this.stack?.stop();
  }

  /** A video and photos of every account, due at parts of the time from begin on. */
  async schedule(what, begin, length, parts) {
    const posts = [];
    for (const [i, account] of this.accounts.entries()) {
      for (const [n, part] of parts.entries()) {
        const change = { caption: `${what}, ${i}/${n}`, publish_at: new Date(begin + length * part + 200 * i).toISOString() };
        const json = (i + n) % 2 ? photoPostOf(account, this.photos, change) : postOf(account, this.video, change);
        posts.push((await this.client.expect(201, 'POST', '/api/v1/posts', { json })).json);
      }
    }
    return posts;
  }

  /** What does not work, by `ready`. */
  async wrong() {
    const { json } = await this.client.request('GET', '/api/ready');
    return (json.checks ?? []).filter(({ ok }) => !ok).map(({ name }) => name);
  }

  /** The banner with these words is there (or gone); an idle page asks rarely, unless its person returns to it. */
  async banner(words, there) {
    await eventually(async () => {
      await this.page.evaluate(() => window.dispatchEvent(new Event('online')));
      await sleep(300);
      return words.test(await this.page.locator('.banners').innerText()) === there;
    }, { ms: 60_000, every: 1000, what: `the banner ${words} to be ${there ? 'there' : 'gone'}` });
  }

  /** Waits for all, and answers how late each was: after its time, and after the return if that came later. */
  async lateness(posts, back) {
    const late = [];
    for (const post of posts) {
      const done = await fateOf(this.client, post.id, 180_000);
      assert.equal(done.status, 'published_private', `${post.caption}: ${done.status_text}`);
      const publications = await publicationsOf(this.stack, post.caption);
      assert.equal(publications.length, 1, `${post.caption} is at TikTok ${publications.length} times`);
      late.push(publications[0].committed_at_ms - Math.max(Date.parse(post.publish_at), back));
    }
    return late.sort((a, b) => a - b);
  }

  /**
   * Takes a part away (cut) for a time and brings it back (mend). posts fall due meanwhile.
   * check: its name in `ready`; words: of the banner; waits: whether posts wait for it.
   */
  async outage(t, { what, length, parts, check, words, cut, mend, waits, atMost }) {
    await openWindows(this.stack);
    const begin = Date.now() + 4000;
    const posts = await this.schedule(what, begin, length, parts);
    await sleep(begin - Date.now());
    const cutAt = Date.now();
    await cut();
    const said = await eventually(async () => (await this.wrong()).includes(check) && Date.now(), { ms: length + SAID_MS, every: 200, what: `ready to speak of ${check}` });
    await this.banner(words, true);
    const shown = Date.now();
    await sleep(begin + length - Date.now());
    assert.ok((await this.wrong()).includes(check), `ready speaks of ${check} to the end`);
    await mend();
    const back = Date.now();
    // A worker finds out with its first question that its connection was lost.
    await eventually(async () => (await this.client.request('GET', '/api/v1/posts')).status === 200, { ms: 30_000, what: 'the API' });
    const late = await this.lateness(posts, waits ? back : 0);
    await eventually(async () => (await this.client.request('GET', '/api/ready')).status === 200, { ms: 30_000, every: 200, what: 'ready' });
    await this.banner(words, false);
    t.diagnostic(`${what}: away for ${Math.round((back - cutAt) / 1000)} s; ready said so after ${said - cutAt} ms, the page after ${shown - cutAt} ms; ${posts.length} posts, late by ${late.join(' ')} ms after ${waits ? 'the return' : 'their time'}`);
    kept(late.at(-1), atMost, what);
  }
}

describe('away for a while', { concurrency: true }, () => {
  describe('with five accounts', { concurrency: false }, () => {
    const house = new House();
    before(() => house.open(5));
    after(() => house.close());

    test('Redis', { timeout: 300_000 }, (t) => house.outage(t, {
      what: 'Redis', length: MINUTE_MS, parts: [0.2, 0.7], check: 'redis', words: /Redis does not answer/, waits: false, atMost: STORE_MS,
      cut: () => house.stack.hold('redis', 'SIGKILL'),
      mend: () => house.stack.start('redis'),
    }));

    test('MariaDB', { timeout: 300_000 }, (t) => house.outage(t, {
      what: 'MariaDB', length: MINUTE_MS, parts: [0.2, 0.7], check: 'database', words: /The database does not answer/, waits: true, atMost: STORE_MS,
      cut: () => house.stack.hold('mariadb', 'SIGKILL'),
      mend: async () => {
        await house.stack.start('mariadb');
        await eventually(() => house.stack.sql('SELECT 1'), { ms: 60_000, what: 'MariaDB' });
      },
    }));

    test('TikTok, which answers 503', { timeout: 1_200_000 }, (t) => house.outage(t, {
      what: 'TikTok', length: TEN_MS, parts: [0.1, 0.6], check: 'tiktok', words: /TikTok had a problem of its own/, waits: true, atMost: TIKTOK_MS,
      cut: () => Promise.all(['creator_info', 'video_init', 'photo_init', 'inbox_init', 'status', 'upload', 'token'].map((endpoint) => setFault(house.stack, { endpoint, status: 503 }))),
      mend: () => clearFaults(house.stack),
    }));
  });

  describe('with one account', { concurrency: false }, () => {
    const house = new House();
    before(() => house.open(1));
    after(() => house.close());

    test('TikTok, which does not answer', { timeout: 1_200_000 }, (t) => house.outage(t, {
      what: 'TikTok', length: TEN_MS, parts: [0.05, 0.5], check: 'tiktok', words: /TikTok had a problem of its own/, waits: true, atMost: TIKTOK_MS,
      cut: () => house.stack.hold('tts-sandbox', 'SIGKILL'),
      mend: () => house.stack.start('tts-sandbox'),
    }));
  });
});
