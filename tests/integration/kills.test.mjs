// Everything that takes part in an upload is killed at random, over and over, while files
// are sent: nginx, a worker of it, API workers, their parent, tts-media, the publisher and
// MariaDB. Then every file that was finished must be there to the byte, once, and after the
// sweep nothing else may be.
//
// KILLS (20) says how often, SEED= repeats what is killed and sent; how it falls together is
// the machine's. `make chaos-uploads` kills 200 times.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Dice } from '../chaos/dice.mjs';
import { makePhoto, makeVideo, sha256 } from '../harness/media.mjs';
import { Stack, eventually, sleep } from '../harness/stack.mjs';

const KILLS = Number(process.env.KILLS ?? 20);
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));
const PEOPLE = 6;
const GRACE_MS = 90_000; // to start a part again on a busy machine
const OLD_S = 3 * 86_400; // beyond WORK_ORPHAN_AGE_MS and INCOMING_AGE_MS
const TUS = { 'tus-resumable': '1.0.0' };
const TYPES = { mp4: 'video/mp4', jpg: 'image/jpeg', webp: 'image/webp' };
const start = Date.now();
const say = (what) => console.log(`  ${((Date.now() - start) / 1000).toFixed(1).padStart(6)} s  ${what}`);

let stack;
let client;
const files = []; // {bytes, type}: films and photos that tts-media has work with
const finished = []; // {id, path, sum}
const ended = new Set(); // paths of uploads that were terminated
const underWay = new Set(); // paths of those that somebody sends to
const broken = new Map(); // what was answered when something was away, counted
let over = false;
let whole = false; // every upload came to its end, so that it makes sense to look at them

before(async () => {
  console.log(`  SEED=${SEED} KILLS=${KILLS}`);
  stack = await Stack.start({ env: { API_WORKERS: '4' } });
  client = await stack.bearer();
  for (const name of ['a.mp4', 'b.jpg', 'c.webp']) {
    const make = name.endsWith('mp4') ? makeVideo : makePhoto;
    files.push({ bytes: await readFile(make(join(stack.varDir, 'tmp', name), { seconds: 2 })), type: TYPES[name.split('.')[1]], name });
  }
});
after(() => stack?.stop());

const pidOf = (name) => {
  try {
    return stack.pid(name);
  } catch {
    return 0; // it is being written
  }
};

/** Kills a part and waits until the supervisor has started it again. */
async function endPart(name) {
  const before = pidOf(name);
  if (stack.runs(name)) {
    stack.signal(name, 'SIGKILL');
  }
  let again = Date.now() + 500;
  await eventually(() => {
    if (Date.now() >= again) {
      stack.process.kill('SIGUSR1'); // it waits longer each time
      again = Date.now() + 1000;
    }
    return pidOf(name) > 0 && pidOf(name) !== before && stack.runs(name);
  }, { ms: GRACE_MS, what: `${name} to be started again` });
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') {
      throw error;
    }
  }
}

function killChild(name, dice) {
  const pids = stack.children(name);
  if (pids.length > 0) {
    kill(dice.pick(pids));
  }
}

const answersSql = () => execFileSync('mariadb', [...stack.databaseArguments(), '-e', 'SELECT 1'], { stdio: ['ignore', 'pipe', 'ignore'] });
const DEEDS = [
  [1, 'API worker', (dice) => killChild('tts-api', dice)],
  // Of four at once, one is likely in the middle of a chunk.
  [4, 'all API workers', () => stack.children('tts-api').forEach((pid) => kill(pid))],
  [3, 'API workers between bytes and row', async (dice) => {
    await writeFile(stack.path('run', 'tts-api.env'), `TTS_FAULT=${dice.pick(['upload.before_row', 'upload.after_row'])}@${dice.between(1, 5)}:crash\n`);
    await endPart('tts-api');
    await sleep(dice.between(200, 1000)); // it holds for each worker that comes after
    await writeFile(stack.path('run', 'tts-api.env'), '');
    await endPart('tts-api');
  }],
  [2, 'API parent', () => endPart('tts-api')],
  [2, 'nginx', () => endPart('nginx')],
  [2, 'nginx worker', (dice) => killChild('nginx', dice)],
  [2, 'tts-media', () => endPart('tts-media')],
  [1, 'publisher', () => endPart('tts-publisher')],
  [2, 'MariaDB', async () => {
    await endPart('mariadb');
    await eventually(answersSql, { ms: GRACE_MS, every: 50, what: 'MariaDB' });
  }],
];

/**
 * Expires what was left half done, and creations whose answer was lost: only so many may be
 * open. tts-media sweeps them in the middle of it all.
 */
function expireLeft() {
  try {
    stack.sql(`UPDATE upload SET expires_at = 1000 WHERE state = 1 AND created_at < ${Date.now() - 20_000} AND upload_id NOT IN (${['', ...underWay].map((path) => `'${path.split('/').at(-1)}'`)})`);
  } catch {
    // MariaDB is being started; the next time will do
  }
}

async function breakThings(dice) {
  const count = {};
  for (let i = 0; i < KILLS; i++) {
    await sleep(dice.between(50, 700));
    const [what, act] = dice.weighed(DEEDS.map(([weight, ...deed]) => [weight, deed]));
    count[what] = (count[what] ?? 0) + 1;
    await act(dice);
    if (i % 10 === 9) {
      expireLeft();
    }
    if (i % 25 === 24) {
      say(`${i + 1} kills, ${finished.length} files finished`);
    }
  }
  return count;
}

/** One exchange; undefined when there was no answer, or one that says "not now". */
async function tried(method, path, options) {
  let answer;
  try {
    answer = await client.request(method, path, { timeout: 70_000, ...options });
  } catch (error) {
    broken.set(error.code ?? error.message, (broken.get(error.code ?? error.message) ?? 0) + 1);
    await sleep(30);
    return undefined;
  }
  if ([429, 502, 503, 504].includes(answer.status)) {
    broken.set(answer.status, (broken.get(answer.status) ?? 0) + 1);
    await sleep(30);
    return undefined;
  }
  return answer;
}

async function until(method, path, options) {
  for (const end = Date.now() + GRACE_MS; Date.now() < end;) {
    const answer = await tried(method, path, options);
    if (answer) {
      return answer;
    }
  }
  throw new Error(`${method} ${path} came to nothing: ${JSON.stringify([...broken])}`);
}

const sumOf = (bytes) => createHash('sha256').update(bytes);

/** What is sent: a film, a photo, or bytes of any size. */
function something(dice, seed) {
  if (dice.chance(0.3)) {
    return dice.pick(files);
  }
  const bytes = Buffer.alloc(dice.weighed([[2, dice.between(1, 5000)], [4, dice.between(5000, 2_000_000)], [1, dice.between(2_000_000, 9_000_000)]]));
  for (let i = 0, at = Buffer.alloc(0); i < bytes.length; i += at.length) {
    at = sumOf(`${seed} ${i}`).digest(); // enough to tell every place in the file from every other
    at = Buffer.concat(Array(32).fill(at));
    at.copy(bytes, i);
  }
  return { bytes, type: 'video/mp4', name: 'noise.mp4' };
}

/** One chunk; answers the new offset and what it became, after asking when nobody answered. */
async function sendChunk(path, offset, part, dice) {
  const sum = dice.chance(0.5) ? { 'upload-checksum': `sha256 ${sumOf(part).digest('base64')}` } : {};
  const options = { body: part, headers: { ...TUS, 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset), ...sum } };
  const answer = await tried('PATCH', path, options);
  if (answer?.status === 204) {
    return { offset: Number(answer.headers['upload-offset']), id: answer.headers['media-id'] };
  }
  // 409, 423: an earlier try of nginx's or ours is being taken, or was.
  assert.ok(!answer || [409, 423].includes(answer.status), `${answer?.status} ${answer?.text}`);
  const now = await until('HEAD', path, { headers: TUS });
  assert.equal(now.status, 200, `HEAD of an upload under way: ${now.status}`);
  return { offset: Number(now.headers['upload-offset']), id: now.headers['media-id'] };
}

async function sendFile(dice, seed) {
  const { bytes, type, name } = something(dice, seed);
  const fate = dice.weighed([[8, 'finish'], [1, 'terminate'], [1, 'leave']]);
  const metadata = `filename ${Buffer.from(name).toString('base64')},filetype ${Buffer.from(type).toString('base64')}`;
  const made = await until('POST', '/api/v1/uploads', { body: '', headers: { ...TUS, 'upload-length': String(bytes.length), 'upload-metadata': metadata } });
  assert.equal(made.status, 201, made.text);
  const path = made.headers.location;
  underWay.add(path);
  let at = { offset: 0 };
  while (at.offset < bytes.length) {
    if (fate !== 'finish' && at.offset > 0 && dice.chance(0.5)) {
      break;
    }
    const part = bytes.subarray(at.offset, at.offset + dice.between(1, dice.chance(0.2) ? 4_000_000 : 300_000));
    const next = await sendChunk(path, at.offset, part, dice);
    assert.ok(next.offset >= at.offset, `${path} was at ${at.offset} and is at ${next.offset}: what was promised is lost`);
    at = next;
    await sleep(dice.between(0, 40)); // or there would be thousands of files to check afterwards
  }
  if (at.offset === bytes.length) {
    assert.ok(at.id, 'a finished upload is a medium');
    finished.push({ id: at.id, path, bytes: bytes.length, sum: sumOf(bytes).digest('hex') });
  } else if (fate === 'terminate') {
    const answer = await until('DELETE', path, { headers: TUS });
    assert.ok([204, 410].includes(answer.status), answer.text); // 410: it was done, and not told
    ended.add(path);
  }
  underWay.delete(path);
}

async function person(dice) {
  for (let n = 0; !over; n++) {
    await sendFile(dice.fork(`file ${n}`), dice.between(0, 1e9));
  }
}

const rows = (statement) => stack.sql(statement).trim().split('\n').filter(Boolean).map((line) => line.split('\t'));

/** Every file of the media store: [[key, suffix]]. */
async function stored() {
  const all = [];
  for (const dir of await readdir(stack.path('media'))) {
    for (const name of await readdir(stack.path('media', dir))) {
      all.push([name.slice(0, 26), name.slice(26), stack.path('media', dir, name)]);
    }
  }
  return all;
}

describe('uploads while everything is killed', () => {
  test(`${KILLS} times`, { timeout: 60_000 + KILLS * 15_000 }, async () => {
    const dice = new Dice(SEED);
    const people = Array.from({ length: PEOPLE }, (_, i) => person(dice.fork(`person ${i}`)));
    const killing = breakThings(dice.fork('kills')).finally(() => {
      over = true;
    });
    const [count] = await Promise.all([killing, ...people]);
    say(`killed: ${Object.entries(count).map(([what, n]) => `${what} ${n}`).join(', ')}`);
    say(`${finished.length} files finished (${(finished.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6).toFixed(0)} MB), ${ended.size} terminated; no answer or a later: ${[...broken].map(([what, n]) => `${what} ${n}`).join(', ')}`);
    assert.ok(finished.length >= KILLS / 4, `only ${finished.length} files were finished`);
    whole = true;
  });

  test('leaves every finished one, to the byte and once', { timeout: 180_000 }, async () => {
    assert.ok(whole, 'the uploads did not come to their end');
    await eventually(async () => (await client.request('GET', '/api/live')).status === 200, { ms: GRACE_MS, what: 'the API' });
    const media = new Map(rows('SELECT media_id, blob_key, bytes FROM media').map(([id, ...row]) => [id, row]));
    assert.equal(media.size, finished.length, 'as many media as finished uploads');
    for (const { id, path, bytes, sum } of finished) {
      const [key, size] = media.get(id);
      assert.equal(`/api/v1/uploads/${key}`, path);
      assert.equal(Number(size), bytes);
      assert.equal(await sha256(stack.path('media', key.slice(0, 2), key)), sum, `the bytes of ${path}`);
    }
    for (const { id, sum } of finished.slice(0, 20)) {
      const answer = await client.expect(200, 'GET', `/api/v1/media/${id}/content`);
      assert.equal(sumOf(answer.body).digest('hex'), sum);
    }
  });

  test('and each of them is judged', { timeout: 300_000 }, async () => {
    assert.ok(whole, 'the uploads did not come to their end');
    stack.sql('UPDATE media SET next_at = 0 WHERE owner <> 0'); // leases of two minutes are over
    await eventually(() => rows('SELECT COUNT(*) FROM media WHERE state = 1')[0][0] === '0', { ms: 240_000, every: 200, what: 'every file to be checked' });
    const judged = new Map(rows('SELECT media_id, state, LOWER(HEX(sha256)), mime, reason_msg FROM media').map(([id, ...row]) => [id, row]));
    for (const { id, sum } of finished) {
      const [state, hash, mime, why] = judged.get(id);
      const known = files.find(({ bytes }) => sumOf(bytes).digest('hex') === sum);
      if (hash === 'NULL') {
        assert.match(why, /checking it failed three times/); // whoever checked it was killed as often
        continue;
      }
      assert.equal(hash, sum);
      assert.equal(state, known ? '2' : '3', `${id}: ${mime} ${why}`);
    }
  });

  test('and after the sweep there is nothing else', { timeout: 180_000 }, async () => {
    assert.ok(whole, 'the uploads did not come to their end');
    await eventually(() => rows('SELECT COUNT(*) FROM media WHERE state = 2 AND kind = 1 AND strip_frames = 0')[0][0] === '0', { ms: 120_000, every: 200, what: 'the film strips' });
    stack.sql('UPDATE upload SET expires_at = 1000 WHERE state = 1');
    const old = Date.now() / 1000 - OLD_S;
    for (const [, , file] of await stored()) {
      await utimes(file, old, old);
    }
    for (const name of await readdir(stack.path('incoming'))) {
      await utimes(stack.path('incoming', name), old, old).catch(() => {});
    }
    await stack.restart('tts-media'); // both sweep when they start
    await stack.restart('tts-api');
    const wanted = new Map(rows('SELECT blob_key, has_thumb, has_rendition, strip_frames FROM media WHERE state <> 4').map(([key, ...row]) => [key, row]));
    const orphans = async () =>
      (await stored()).filter(([key, suffix]) => {
        const row = wanted.get(key);
        return !row || ({ '.jpg': row[0], '.photo.jpg': row[1], '.strip.jpg': row[2], '': '1' }[suffix] ?? '0') === '0';
      });
    let last;
    await eventually(async () => {
      last = await orphans();
      return last.length === 0;
    }, { ms: 60_000, every: 200, what: 'the orphans to be gone' }).catch((error) => assert.fail(`${error.message}: ${last.map(([key, suffix]) => key + suffix).join(' ')}`));
    assert.equal((await stored()).filter(([, suffix]) => suffix === '').length, wanted.size, 'no file is missing');
    await eventually(() => rows('SELECT COUNT(*) FROM upload WHERE state = 1')[0][0] === '0', { what: 'no upload to be open' });
    await eventually(async () => (await readdir(stack.path('incoming'))).length === 0, { ms: 30_000, what: 'incoming/ to be empty' });
    assert.equal(rows('SELECT COUNT(*) FROM upload u LEFT JOIN media m USING (media_id) WHERE u.state = 2 AND m.media_id IS NULL')[0][0], '0');
  });
});
