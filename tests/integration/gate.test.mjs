// What TikTok fetches from us: the gate in front of the files, photo posts and videos by
// PULL_FROM_URL. publish.test.mjs and crash.test.mjs have the rest of their way.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { randomBytes } from 'node:crypto';
import { exchange } from '../../tools/lib/client.mjs';
import { onTime } from '../harness/pulse.mjs';
import { Stack, eventually, sleep } from '../harness/stack.mjs';
import { clearFaults, publicationsOf, setFault } from '../harness/sandbox.mjs';
import { connectAccount, fateOf, inMs, openWindows, photoPostOf, postOf, readyPhotos, readyVideo } from '../harness/world.mjs';

let stack;
let client;
let account;
let photos;
before(async () => {
  stack = await Stack.start();
  client = await stack.signedIn();
  account = await connectAccount(client);
  photos = await readyPhotos(client, stack, 3);
});
after(() => stack?.stop());
beforeEach(async () => {
  await openWindows(stack);
  await clearFaults(stack);
});

let number = 0;
const post = async (change = {}, body = photoPostOf(account, photos)) => {
  const caption = change.caption ?? `photos number ${++number} of this run`;
  const { json } = await client.expect(201, 'POST', '/api/v1/posts', { json: { ...body, caption, ...change } });
  return json;
};

/** GET or HEAD of a file behind a token. */
const knock = (token, file = '0.jpg', { method = 'GET', headers = {} } = {}) => exchange(`${stack.url}/m/${token}/${file}`, { method, headers });

/** An attempt as a publisher would have left it, of a post that none will take. */
async function attemptIn(attempt, job = 3) {
  const { id } = await post({ publish_at: inMs(86_400_000) });
  const token = randomBytes(16).toString('hex');
  stack.sql(`UPDATE job SET state = ${job}, attempt_no = 1, granted = ${attempt > 2 && attempt < 6 ? 1 : 0}, owner = 999999, next_at = 9000000000000000 WHERE post_id = ${id};
    INSERT INTO attempt (post_id, attempt_no, workspace_id, state, method, fence, gate_token, created_at, updated_at)
    SELECT post_id, 1, workspace_id, ${attempt}, 2, fence, UNHEX('${token}'), 1, 1 FROM job WHERE post_id = ${id}`);
  return { id, token, served: () => stack.sql(`SELECT first_served_at IS NOT NULL FROM attempt WHERE post_id = ${id}`).trim() === '1', set: (sql) => stack.sql(`UPDATE attempt SET ${sql} WHERE post_id = ${id}`) };
}

describe('a gate', () => {
  test('that is open serves the bytes, whole and in parts, to anybody who knows the token', async () => {
    const { token, served } = await attemptIn(3);
    const whole = await knock(token);
    assert.equal(whole.status, 200);
    assert.equal(whole.headers['content-type'], 'image/jpeg');
    assert.equal(whole.headers['accept-ranges'], 'bytes');
    assert.equal(whole.headers['cache-control'], 'no-store');
    assert.equal(whole.headers['set-cookie'], undefined);
    assert.ok(served());
    const part = await knock(token, '0.jpg', { headers: { range: 'bytes=2-5' } });
    assert.equal(part.status, 206);
    assert.equal(part.headers['content-range'], `bytes 2-5/${whole.headers['content-length']}`);
    assert.equal(part.headers['content-length'], '4');
    assert.equal((await knock(token, '0.jpg', { headers: { range: 'bytes=99999999-' } })).status, 416);
    assert.notEqual((await knock(token, '1.jpg')).headers.etag, whole.headers.etag);
  });

  test('answers HEAD without letting anything through, open or closed', async () => {
    const { token, served, set } = await attemptIn(1, 2);
    const closed = await knock(token, '0.jpg', { method: 'HEAD' });
    assert.equal(closed.status, 200);
    assert.equal(closed.headers['content-type'], 'image/jpeg');
    assert.ok(Number(closed.headers['content-length']) > 1000);
    set('state = 3');
    assert.equal((await knock(token, '0.jpg', { method: 'HEAD' })).status, 200);
    assert.ok(!served());
    set('state = 6');
    assert.equal((await knock(token, '0.jpg', { method: 'HEAD' })).status, 404);
  });

  test('knows its files only, by their place and their kind', async () => {
    const { token } = await attemptIn(3);
    for (const file of ['3.jpg', '00.jpg', '-1.jpg', '0.png', '0.webp', '0.mp4', '0.JPG', '0', '0.jpg.jpg', '1000.jpg', 'x.jpg']) {
      assert.equal((await knock(token, file)).status, 404, file);
    }
    for (const other of [randomBytes(16).toString('hex'), token.toUpperCase(), token.slice(1), `${token}0`, 'x'.repeat(32)]) {
      assert.equal((await knock(other)).status, 404, other);
    }
    assert.equal((await knock(token, '0.jpg', { method: 'POST' })).status, 405);
  });

  test('that is gone stays shut, whatever it was', async () => {
    for (const [attempt, job] of [[6, 2], [6, 3], [1, 1], [1, 6], [1, 5], [2, 2]]) {
      const { token, served } = await attemptIn(attempt, job);
      assert.equal((await knock(token)).status, 404, `attempt ${attempt}, job ${job}`);
      assert.ok(!served());
    }
  });

  test('that is closed is waited at, and opens to who waits', async () => {
    const { token, set, served } = await attemptIn(1, 2);
    const waiting = Promise.all([knock(token), knock(token, '1.jpg')]);
    await sleep(300);
    assert.ok(!served());
    set('state = 3');
    for (const answer of await waiting) {
      assert.equal(answer.status, 200);
    }
    assert.ok(served());
  });

  test('that stays closed sends who waits away after a while, and keeps workers free', async () => {
    const { token, served } = await attemptIn(1, 2);
    const begin = Date.now();
    const times = [];
    const answers = await Promise.all(Array.from({ length: 12 }, () => knock(token).then((answer) => times.push(Date.now() - begin) && answer)));
    for (const answer of answers) {
      assert.equal(answer.status, 503);
      assert.equal(answer.headers['retry-after'], '2');
      assert.equal(answer.json.error.code, 'not_open_yet');
    }
    assert.ok(Math.min(...times) < 4000, 'half of the workers were kept free');
    assert.ok(Math.max(...times) >= 7900, 'the others waited');
    assert.ok(!served());
  });

  test('and its token are in no log', async () => {
    const { token } = await attemptIn(3);
    await knock(token);
    await knock(token, '9.jpg');
    for (const name of ['nginx-access.log', 'nginx-error.log', 'tts-api.log', 'tts-publisher.log']) {
      assert.ok(!stack.log(name).includes(token), name);
    }
    assert.match(stack.log('nginx-access.log'), /"path":"\/m\/-"/);
  });
});

describe('a photo post', () => {
  test('of one photo is published within a second of its time, exactly once', async () => {
    const due = Date.now() + 5000;
    const { id, caption } = await post({ media_ids: [photos[0]], publish_at: new Date(due).toISOString() });
    const done = await fateOf(client, id);
    assert.equal(done.status, 'published_private', done.status_text);
    assert.equal((await publicationsOf(stack, caption)).length, 1);
    const granted = Number(stack.sql(`SELECT at FROM job_event WHERE post_id = ${id} AND kind = 24`));
    onTime(granted - due, 'the gate');
    assert.ok(Number(stack.sql(`SELECT first_served_at FROM attempt WHERE post_id = ${id} AND state = 5`)) >= granted, 'nothing was fetched before');
  });

  test('of 35 photos arrives with all of them, in their order', async () => {
    const many = [...photos];
    const widths = many.map(() => 720);
    while (many.length < 35) {
      const width = 2 * (200 + many.length);
      many.push(...(await readyPhotos(client, stack, Math.min(4, 35 - many.length), { width, height: 600 })));
      widths.push(...Array(many.length - widths.length).fill(width));
    }
    const { id, caption } = await post({ media_ids: many, publish_at: inMs(1500), cover_index: 34 });
    assert.equal((await fateOf(client, id, 90_000)).status, 'published_private');
    const [publication, ...more] = await publicationsOf(stack, caption);
    assert.equal(more.length, 0);
    assert.equal(publication.photos, 35);
    assert.equal(publication.cover_index, 34);
    assert.deepEqual(publication.pulls.map(({ width }) => width), widths);
  });

  test('goes to the inbox as well', async () => {
    const { id } = await post({ mode: 'inbox', publish_at: inMs(1000) });
    assert.equal((await fateOf(client, id)).status, 'in_inbox');
  });

  test('whose INIT was not answered is begun anew, and the first session fails', async () => {
    await setFault(stack, { endpoint: 'photo_init', lost: true, count: 1 });
    const { id, caption } = await post({ publish_at: inMs(1000) });
    assert.equal((await fateOf(client, id, 90_000)).status, 'published_private');
    assert.equal((await publicationsOf(stack, caption)).length, 1);
    assert.equal(stack.sql(`SELECT GROUP_CONCAT(state ORDER BY attempt_no) FROM attempt WHERE post_id = ${id}`).trim(), '6,5');
  });

  test('that TikTok could not fetch is tried again with another token', async () => {
    await setFault(stack, { fail_reason: 'photo_pull_failed', count: 1 });
    const { id, caption } = await post({ publish_at: inMs(1000) });
    assert.equal((await fateOf(client, id, 90_000)).status, 'published_private');
    assert.equal((await publicationsOf(stack, caption)).length, 1);
    assert.equal(stack.sql(`SELECT COUNT(DISTINCT gate_token) FROM attempt WHERE post_id = ${id}`).trim(), '2');
  });

  test('and a cancel at the same time never both succeed', async () => {
    const answers = new Set();
    for (const ms of [1200, 900, 600, 300, 100, 0, -500, -2000, -8000]) { // before its time, and, if need be, after it
      if (ms < 0 && answers.has(409)) {
        break;
      }
      await openWindows(stack);
      const due = Date.now() + 2500;
      const { id, caption } = await post({ publish_at: new Date(due).toISOString() });
      await sleep(due - ms - Date.now());
      const { status } = await client.request('POST', `/api/v1/posts/${id}/cancel`, { json: {} });
      const done = await fateOf(client, id);
      const count = (await publicationsOf(stack, caption)).length;
      answers.add(status);
      assert.equal(done.status, status === 200 ? 'canceled' : 'published_private', `${ms} ms before: ${status}`);
      assert.equal(count, status === 200 ? 0 : 1, `${ms} ms before: ${status}`);
    }
    assert.deepEqual([...answers].sort(), [200, 409], 'some were in time and some too late');
  });
});

describe('a session that only the witness knows', () => {
  // The publisher died after it had written the witness and before the gate was open.
  const orphan = async () => {
    await stack.restart('tts-publisher', { env: { TTS_FAULT: 'witness.after:crash' }, once: true });
    const one = await post({ publish_at: inMs(500) });
    await eventually(() => !stack.runs('tts-publisher'), { what: 'the crash' });
    await stack.hold('tts-publisher', 'SIGKILL');
    stack.sql('UPDATE publisher SET lease_until = 1');
    await openWindows(stack);
    return one;
  };

  test('is asked about before another is granted', async () => {
    const { id, caption } = await orphan();
    await stack.start('tts-publisher');
    assert.equal((await fateOf(client, id, 90_000)).status, 'published_private');
    assert.equal((await publicationsOf(stack, caption)).length, 1);
    // Written off, made to adopt and then dead by TikTok's word, published.
    assert.equal(stack.sql(`SELECT GROUP_CONCAT(CONCAT(state, gate_token IS NULL, publish_id IS NULL) ORDER BY attempt_no) FROM attempt WHERE post_id = ${id}`).trim(), '601,610,500');
  });

  test('is asked about by a publisher that sends videos itself, too', async () => {
    const video = await readyVideo(client, stack);
    await stack.restart('tts-publisher', { env: { TIKTOK_VIDEO_TRANSFER: 'pull', TTS_FAULT: 'witness.after:crash' }, once: true });
    const { id, caption } = await post({ publish_at: inMs(500) }, postOf(account, video));
    await eventually(() => !stack.runs('tts-publisher'), { what: 'the crash' });
    await stack.hold('tts-publisher', 'SIGKILL');
    stack.sql('UPDATE publisher SET lease_until = 1');
    await openWindows(stack);
    await stack.start('tts-publisher');
    assert.equal((await fateOf(client, id, 90_000)).status, 'published_private');
    assert.equal((await publicationsOf(stack, caption)).length, 1);
    // Written off; an upload, which takes up that session, and dies by TikTok's word; an upload.
    assert.equal(stack.sql(`SELECT GROUP_CONCAT(CONCAT(state, method) ORDER BY attempt_no) FROM attempt WHERE post_id = ${id}`).trim(), '62,62,51');
  });

  test('is asked about before the post is given up for being late', async () => {
    const { id, caption } = await orphan();
    stack.sql(`UPDATE post SET expire_after_ms = 1 WHERE post_id = ${id}`);
    await stack.start('tts-publisher');
    const done = await fateOf(client, id, 90_000);
    assert.equal(done.status, 'failed', done.status_text);
    assert.equal(done.status_reason, 'missed');
    assert.equal((await publicationsOf(stack, caption)).length, 0);
    assert.equal(stack.sql(`SELECT GROUP_CONCAT(CONCAT(state, gate_token IS NULL, publish_id IS NULL) ORDER BY attempt_no) FROM attempt WHERE post_id = ${id}`).trim(), '610');
  });
});

describe('a worker that dies', () => {
  // Each of them, and each that is started in its place, until the API is started without the fault.
  for (const point of ['gate.before_update', 'gate.after_update']) {
    test(`at ${point} keeps TikTok waiting, no more`, async () => {
      await stack.restart('tts-api', { env: { TTS_FAULT: `${point}:crash` } });
      const before = stack.log('nginx-access.log').length;
      const { id, caption } = await eventually(() => post({ publish_at: inMs(1000) }), { what: 'the API' });
      await eventually(() => /"path":"\/m\/-","status":503/.test(stack.log('nginx-access.log').slice(before)), { what: 'a worker to die' });
      await stack.restart('tts-api');
      await eventually(() => client.get('/api/v1/session'), { what: 'the API' });
      assert.equal((await fateOf(client, id, 90_000)).status, 'published_private');
      assert.equal((await publicationsOf(stack, caption)).length, 1);
    });
  }
});

describe('a video that TikTok fetches', () => {
  test('is published exactly once, at its time', async () => {
    await stack.restart('tts-publisher', { env: { TIKTOK_VIDEO_TRANSFER: 'pull' } });
    const media = await readyVideo(client, stack);
    const due = Date.now() + 7000; // its work begins as early as that of one that is sent
    const { id, caption } = await post({ publish_at: new Date(due).toISOString() }, postOf(account, media));
    assert.equal((await fateOf(client, id)).status, 'published_private');
    assert.equal((await publicationsOf(stack, caption)).length, 1);
    assert.equal(stack.sql(`SELECT method, state FROM attempt WHERE post_id = ${id}`).trim(), '2\t5');
    const granted = Number(stack.sql(`SELECT at FROM job_event WHERE post_id = ${id} AND kind = 24`));
    onTime(granted - due, 'the gate');
  });

  test('by log is opened before TikTok is asked, and a lost answer is for a person once it was fetched', async () => {
    await stack.restart('tts-publisher', { env: { MEDIA_PULL_MODE: 'log' } });
    const good = await post({ publish_at: inMs(1000) });
    assert.equal((await fateOf(client, good.id)).status, 'published_private');
    await setFault(stack, { endpoint: 'photo_init', lost: true, count: 1 });
    const bad = await post({ publish_at: inMs(1000) });
    const done = await fateOf(client, bad.id, 90_000);
    const count = (await publicationsOf(stack, bad.caption)).length;
    assert.ok(count <= 1, `${count}`);
    assert.ok(done.status === 'needs_attention' || (done.status === 'published_private' && count === 1), `${done.status}, ${count}`);
  });
});

describe('without MEDIA_PULL_URL', () => {
  test('photo posts are drafts at most, and the session says so', async () => {
    assert.equal((await client.get('/api/v1/session')).app.photo_posts, true);
    await stack.restart('tts-api', { env: { MEDIA_PULL_URL: '' } });
    await eventually(async () => (await client.get('/api/v1/session')).app.photo_posts === false, { what: 'the API without an address' });
    const body = photoPostOf(account, photos);
    const { json } = await client.expect(422, 'POST', '/api/v1/posts', { json: body });
    assert.equal(json.error.fields.kind, 'photos_not_set_up');
    assert.match(json.error.message, /MEDIA_PULL_URL/);
    const draft = await client.expect(201, 'POST', '/api/v1/posts', { json: { ...body, publish_at: null } });
    const refused = await client.expect(422, 'POST', `/api/v1/posts/${draft.json.id}/publish-now`, { json: { consent: { music_usage: true, branded_content: false } } });
    assert.equal(refused.json.error.fields.kind, 'photos_not_set_up');
  });

  test('a publisher fails them with what the operator must do', async () => {
    await stack.restart('tts-api');
    await stack.restart('tts-publisher', { env: { MEDIA_PULL_URL: '' } });
    const { id } = await eventually(() => post({ publish_at: inMs(500) }), { what: 'the API' });
    const done = await fateOf(client, id);
    assert.equal(done.status, 'failed');
    assert.equal(done.status_reason, 'pull_not_set_up');
    assert.match(done.next_step, /MEDIA_PULL_URL/);
  });
});
