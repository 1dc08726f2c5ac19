// Videos that TikTok would refuse are made anew: through the API and tts-media, with its death in the middle, called
// off, two at once, and never for somebody else.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { makeVideo } from '../harness/media.mjs';
import { Stack, eventually } from '../harness/stack.mjs';

const TYPES = { mp4: 'video/mp4', mov: 'video/quicktime', webm: 'video/webm' };

let stack;
let client;
before(async () => {
  stack = await Stack.start();
  client = await stack.signedIn();
});
after(() => stack?.stop());

const at = (name) => stack.path('tmp', name);
const get = (id) => client.get(`/api/v1/media/${id}`);
const repair = async (id) => (await client.expect(202, 'POST', `/api/v1/media/${id}/repair`)).json;
const refused = async (status, code, method, id, who = client) => {
  const answer = await who.request(method, `/api/v1/media/${id}/repair`);
  assert.equal(answer.status, status, JSON.stringify(answer.json));
  assert.equal(answer.json.error.code, code);
  return answer.json.error.message;
};

/** Uploads a file and answers its media when it is checked. */
async function checked(file) {
  const id = await client.upload(file, { filetype: TYPES[file.split('.').at(-1)] });
  return client.until(`/api/v1/media/${id}`, ({ status }) => status !== 'checking', 60_000);
}

const ended = (id) => client.until(`/api/v1/media/${id}`, (m) => !['waiting', 'running'].includes(m.repair.state), 120_000);
const running = (id) => client.until(`/api/v1/media/${id}`, (m) => m.repair.state === 'running', 30_000);

/** A video that keeps ffmpeg busy for a while: large, and noise that does not compress. */
function makeSlow(name, seconds = 20) {
  execFileSync('ffmpeg', [
    '-nostdin', '-loglevel', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=1080x1920:rate=15:duration=${seconds}`,
    '-vf', 'noise=alls=20:allf=t', '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '35', '-pix_fmt', 'yuv420p', at(name),
  ]);
  return at(name);
}

/** The ffmpeg processes that tts-media has now. */
function encoders() {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && execFileSync('cat', [`/proc/${pid}/stat`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split(' ')[3] === String(stack.pid('tts-media'))
        && execFileSync('cat', [`/proc/${pid}/cmdline`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).includes('libx264');
    } catch {
      return false; // it is gone by now
    }
  });
}

const keys = () => stack.sql('SELECT blob_key FROM media WHERE state <> 4').trim().split('\n').filter(Boolean);
/** Every blob of the store belongs to a medium, and nothing else lies about. */
function nothingLeft() {
  const known = new Set(keys());
  const found = readdirSync(stack.path('media'), { recursive: true, withFileTypes: true }).filter((f) => f.isFile()).map((f) => f.name);
  return found.every((name) => known.has(name.slice(0, 26)));
}

describe('a video that TikTok would refuse', () => {
  test('is made anew, checked, and the original kept', async () => {
    const file = makeVideo(at('slow.mp4'), { rate: 15 });
    const media = await checked(file);
    assert.equal(media.status, 'rejected');
    assert.deepEqual(media.repair, {
      offered: ['frame_rate'], needed: true, plan: 'Converts it to MP4 with H.264, 30 frames per second.', obstacle: null,
      state: null, progress: null, result_media_id: null, reason: null, message: null,
    });
    const begun = await repair(media.id);
    assert.match(begun.repair.state, /^(waiting|running)$/);
    const done = await ended(media.id);
    assert.equal(done.repair.state, 'done', JSON.stringify(done.repair));
    assert.equal(done.status, 'rejected');
    assert.equal(done.version, media.version, 'a change that somebody makes meanwhile is not refused');
    const made = await client.until(`/api/v1/media/${done.repair.result_media_id}`, ({ status }) => status !== 'checking', 60_000);
    assert.equal(made.status, 'ready', JSON.stringify(made.checks));
    assert.equal(made.filename, 'slow (repaired).mp4');
    assert.equal(made.repaired_from, media.id);
    assert.equal(made.fps, 30);
    assert.equal(made.repair, null);
    assert.deepEqual(await readFile(file), await readFile(stack.path('media', stack.sql(`SELECT CONCAT(LEFT(blob_key, 2), '/', blob_key) FROM media WHERE media_id = ${media.id}`).trim())));
    assert.match(await refused(409, 'repair_done', 'POST', media.id), /in the library/);
    assert.ok(nothingLeft());
    await client.expect(204, 'DELETE', `/api/v1/media/${made.id}`);
    assert.equal((await get(media.id)).repair.state, null, 'without its result it was never repaired');
    await repair(media.id);
    assert.equal((await ended(media.id)).repair.state, 'done');
  });

  test('gets no repair where a person has to decide', async () => {
    const fine = await checked(makeVideo(at('fine.mp4')));
    assert.equal(fine.repair, null);
    await refused(409, 'no_repair', 'POST', fine.id);
    await refused(409, 'no_repair', 'DELETE', fine.id);
    const long = at('long.mp4');
    execFileSync('ffmpeg', ['-nostdin', '-loglevel', 'error', '-y', '-f', 'lavfi', '-i', 'color=red:s=360x640:r=23:d=601', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '600', long]);
    const media = await checked(long);
    assert.equal(media.status, 'rejected');
    assert.deepEqual(media.repair.offered, []);
    assert.match(media.repair.obstacle, /cut the video/);
    assert.match(await refused(409, 'no_repair', 'POST', media.id), /cut the video/);
  });

  test('that TikTok takes can be made what it recommends, without loss', async () => {
    const file = makeVideo(at('phone.mov'));
    const media = await checked(file);
    assert.equal(media.status, 'ready');
    assert.deepEqual([media.repair.needed, media.repair.offered], [false, ['container']]);
    await repair(media.id);
    const { repair: { result_media_id: id } } = await ended(media.id);
    const made = await client.until(`/api/v1/media/${id}`, ({ status }) => status !== 'checking', 60_000);
    assert.deepEqual([made.status, made.container, made.codec], ['ready', 'mp4', 'h264']);
  });
});

describe('somebody else', () => {
  test('can neither begin nor see nor end it', async () => {
    const media = await checked(makeVideo(at('mine.mp4'), { rate: 12 }));
    const stranger = await stack.stranger();
    await refused(404, 'not_found', 'POST', media.id, stranger);
    await refused(404, 'not_found', 'DELETE', media.id, stranger);
    assert.equal((await get(media.id)).repair.state, null);
  });

  test('without the right to upload begins none', async () => {
    const media = await checked(makeVideo(at('viewed.mp4'), { rate: 12 }));
    stack.sql("UPDATE membership SET role = 4 WHERE user_id = (SELECT MIN(user_id) FROM user)");
    try {
      const answer = await client.request('POST', `/api/v1/media/${media.id}/repair`);
      assert.equal(answer.status, 403);
    } finally {
      stack.sql("UPDATE membership SET role = 1 WHERE user_id = (SELECT MIN(user_id) FROM user)");
    }
  });
});

describe('room', () => {
  test('for the result is taken at once, and given back', async () => {
    const media = await checked(makeSlow('quota.mp4', 5));
    const before = await client.get('/api/v1/storage');
    await repair(media.id);
    const during = await client.get('/api/v1/storage');
    assert.ok(during.uploading_bytes > before.uploading_bytes, JSON.stringify(during));
    await client.expect(204, 'DELETE', `/api/v1/media/${media.id}/repair`);
    assert.equal((await client.get('/api/v1/storage')).uploading_bytes, before.uploading_bytes);
    const { max, used } = { max: before.quota_bytes, used: before.used_bytes };
    stack.sql(`UPDATE workspace SET media_bytes_max = ${used + 1000}`);
    try {
      await refused(507, 'storage_full', 'POST', media.id);
    } finally {
      stack.sql(`UPDATE workspace SET media_bytes_max = ${max}`);
    }
    assert.equal((await get(media.id)).repair.state, 'canceled');
  });
});

describe('a repair under way', () => {
  test('is told with its progress, delays no check, and is ended in its midst', async () => {
    const media = await checked(makeSlow('cancel.mp4', 12));
    await repair(media.id);
    await refused(409, 'repair_running', 'POST', media.id);
    const seen = await client.until(`/api/v1/media/${media.id}`, (m) => m.repair.progress > 0, 60_000);
    assert.equal(seen.repair.state, 'running');
    assert.ok(seen.repair.progress < 100);
    const quick = await checked(makeVideo(at('quick.mp4'), { seconds: 1 }));
    assert.equal(quick.status, 'ready');
    assert.equal((await get(media.id)).repair.state, 'running', 'the check did not wait for the repair');
    assert.equal(encoders().length, 1);
    await client.expect(204, 'DELETE', `/api/v1/media/${media.id}/repair`);
    await eventually(() => encoders().length === 0, { what: 'ffmpeg to be ended' }); // of the lowest priority, also in dying
    await eventually(() => stack.log('tts-media.log').includes(`event=repair.called_off repair=${media.id}`), { what: 'the word of it' });
    assert.equal((await get(media.id)).repair.state, 'canceled');
    await refused(409, 'no_repair', 'DELETE', media.id);
    assert.ok(nothingLeft());
  });

  test('ends with its original', async () => {
    const media = await checked(makeSlow('deleted.mp4', 12));
    await repair(media.id);
    await running(media.id);
    await client.expect(204, 'DELETE', `/api/v1/media/${media.id}`);
    await eventually(() => encoders().length === 0, { what: 'ffmpeg to be ended' });
    assert.equal(stack.sql(`SELECT state FROM repair WHERE media_id = ${media.id}`).trim(), '4');
  });

  test('waits for the one before it', async () => {
    const [a, b] = [await checked(makeSlow('one.mp4', 2)), await checked(makeSlow('two.mp4', 2))];
    await Promise.all([repair(a.id), repair(b.id)]);
    let most = 0;
    const over = Promise.all([ended(a.id), ended(b.id)]);
    let waiting = true;
    over.finally(() => (waiting = false));
    while (waiting) {
      most = Math.max(most, encoders().length);
      await new Promise((r) => setTimeout(r, 50));
    }
    assert.deepEqual((await over).map((m) => m.repair.state), ['done', 'done']);
    assert.equal(most, 1);
  });
});

describe('kill -9 of tts-media', () => {
  for (const point of ['before_convert', 'before_store', 'before_finish']) {
    test(`${point.replace('_', ' ')} costs nothing but time`, async () => {
      const media = await checked(makeVideo(at(`${point}.mp4`), { rate: 15, seconds: 2 }));
      await stack.restart('tts-media', { env: { TTS_FAULT: `repair.${point}@1:crash` }, once: true });
      await repair(media.id);
      await eventually(() => !stack.runs('tts-media'), { what: 'tts-media to die there' });
      await stack.start('tts-media');
      const done = await ended(media.id);
      assert.equal(done.repair.state, 'done', JSON.stringify(done.repair));
      await client.until(`/api/v1/media/${done.repair.result_media_id}`, ({ status }) => status === 'ready', 60_000);
      assert.equal(stack.sql(`SELECT COUNT(*) FROM media WHERE repaired_from = ${media.id}`).trim(), '1');
      await eventually(nothingLeft, { what: 'no bytes of the dead to be left' });
    });
  }

  test('in the middle of ffmpeg ends that too', async () => {
    const media = await checked(makeSlow('middle.mp4', 5));
    await repair(media.id);
    await client.until(`/api/v1/media/${media.id}`, (m) => m.repair.progress > 0, 60_000);
    const [pid] = encoders();
    stack.signal('tts-media', 'SIGKILL');
    await eventually(() => !existsSync(`/proc/${pid}`), { what: 'ffmpeg to die with it' });
    const done = await ended(media.id);
    assert.equal(done.repair.state, 'done', JSON.stringify(done.repair));
    assert.ok(nothingLeft());
  });

  test('three times is enough', async () => {
    const media = await checked(makeVideo(at('thrice.mp4'), { rate: 15 }));
    await stack.restart('tts-media', { env: { TTS_FAULT: 'repair.before_convert:crash' } });
    await repair(media.id);
    const done = await ended(media.id);
    assert.deepEqual([done.repair.state, done.repair.reason], ['failed', 'died']);
    assert.match(done.repair.message, /three times/);
    await stack.restart('tts-media');
    await repair(media.id);
    assert.equal((await ended(media.id)).repair.state, 'done');
  });
});
