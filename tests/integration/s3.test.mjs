// Media in object storage: the way of a file from the browser to TikTok when no disk is
// shared, and what happens when the store is away, wrong or slow to be told.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { exchange } from '../../tools/lib/client.mjs';
import { makePicture, makeVideo, sha256 } from '../harness/media.mjs';
import { S3Server } from '../harness/s3.mjs';
import { clearFaults, publicationsOf } from '../harness/sandbox.mjs';
import { BUILD_DIR, Stack, eventually } from '../harness/stack.mjs';
import { connectAccount, fateOf, inMs, openWindows, photoPostOf, postOf, readyPhotos, readyVideo } from '../harness/world.mjs';

const TUS = { 'tus-resumable': '1.0.0' };
const MIB = 1 << 20;

let store;
let stack;
let client;
let account;
let dir;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tts-files-'));
  store = await S3Server.start();
  stack = await Stack.start({ env: { ...store.env(), MEDIA_SCRATCH: dir } });
  client = await stack.signedIn();
  account = await connectAccount(client);
});
after(async () => {
  await stack?.stop();
  await store?.stop();
  await rm(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  await openWindows(stack);
  await clearFaults(stack);
});

const keyOf = (path) => path.split('/').at(-1);
const newUpload = (size) => client.createUpload(size, { filename: 'clip.mp4', filetype: 'video/mp4' });
const offsetOf = async (path) => Number((await client.expect(200, 'HEAD', path, { headers: TUS })).headers['upload-offset']);
const content = async (id, headers = {}) => client.request('GET', `/api/v1/media/${id}/content`, { headers, timeout: 120_000 });

/** Restarts the workers, which then die at the point. */
async function restartWorkers(point) {
  await stack.restart('tts-api', { env: point ? { TTS_FAULT: `${point}:crash` } : {} });
  await eventually(async () => (await client.request('GET', '/api/live')).status === 200, { what: 'the workers' });
}

describe('an upload', () => {
  test('in chunks of every size arrives to the byte, and nothing of its growth stays', async () => {
    const file = randomBytes(40 * MIB + 321);
    const path = await newUpload(file.length);
    let at = 0;
    for (const size of [1, 100_000, 4 * MIB, 2 * MIB, 16 * MIB, 5 * MIB, 5 * MIB - 1, file.length]) {
      const answer = await client.patchUpload(path, at, file.subarray(at, at + size));
      assert.equal(answer.status, 204, answer.text);
      at = Math.min(at + size, file.length);
      assert.equal(answer.headers['upload-offset'], String(at));
      assert.equal(await offsetOf(path), at);
    }
    const id = Number(stack.sql(`SELECT media_id FROM upload WHERE upload_id = '${keyOf(path)}'`));
    assert.ok((await content(id)).body.equals(file));
    assert.deepEqual(await store.growing(), []);
    assert.deepEqual((await store.objects()).filter((name) => name.includes('growing')), []);
    assert.deepEqual(await readdir(stack.path('media')).catch(() => []), []);
  });

  test('by two writers at once is taken from one of them', async () => {
    const bytes = randomBytes(6 * MIB);
    const path = await newUpload(2 * bytes.length);
    const answers = await Promise.all([1, 2, 3].map(() => client.patchUpload(path, 0, bytes)));
    assert.equal(answers.filter(({ status }) => status === 204).length, 1);
    assert.ok(answers.every(({ status }) => [204, 409, 423].includes(status)), JSON.stringify(answers.map(({ status }) => status)));
    assert.equal(await offsetOf(path), bytes.length);
    const done = await client.patchUpload(path, bytes.length, bytes);
    assert.equal(done.status, 204);
    assert.ok((await content(done.headers['media-id'])).body.equals(Buffer.concat([bytes, bytes])));
  });

  for (const point of ['blob.after_part', 'blob.after_complete', 'upload.before_row', 'upload.after_row']) {
    test(`goes on at another worker after one was killed at ${point}`, async () => {
      const file = randomBytes(17 * MIB);
      const path = await newUpload(file.length);
      const ends = [3 * MIB, 9 * MIB, 15 * MIB, file.length];
      assert.equal((await client.patchUpload(path, 0, file.subarray(0, 1_000_000))).status, 204);
      await restartWorkers(point);
      let killed = 0;
      for (;;) {
        const at = await offsetOf(path);
        if (at === file.length) {
          break;
        }
        const { status } = await client.patchUpload(path, at, file.subarray(at, ends.find((end) => end > at)));
        if (status !== 204) {
          assert.equal(status, 503);
          await restartWorkers(++killed < 3 ? point : undefined);
        }
      }
      assert.ok(killed > 0, 'no worker died');
      await restartWorkers();
      const { headers } = await client.expect(200, 'HEAD', path, { headers: TUS });
      assert.ok((await content(headers['media-id'])).body.equals(file));
      assert.deepEqual(await store.growing(), []);
      assert.deepEqual((await store.objects()).filter((name) => name.includes('growing')), []);
    });
  }

  test('that is terminated leaves nothing', async () => {
    const path = await newUpload(20 * MIB);
    assert.equal((await client.patchUpload(path, 0, randomBytes(6 * MIB))).status, 204);
    assert.equal((await client.patchUpload(path, 6 * MIB, randomBytes(10))).status, 204);
    assert.ok((await store.growing()).some((name) => name.includes(keyOf(path))));
    await client.expect(204, 'DELETE', path, { headers: TUS });
    assert.deepEqual((await store.growing()).filter((name) => name.includes(keyOf(path))), []);
    assert.deepEqual((await store.objects()).filter((name) => name.includes(keyOf(path))), []);
  });

  test('whose time is over is swept from the store', async () => {
    const path = await newUpload(20 * MIB);
    assert.equal((await client.patchUpload(path, 0, randomBytes(10))).status, 204);
    stack.sql(`UPDATE upload SET expires_at = 1000 WHERE upload_id = '${keyOf(path)}'`);
    await stack.restart('tts-media'); // it sweeps when it starts, then once a minute
    await eventually(async () => ![...(await store.growing()), ...(await store.objects())].some((name) => name.includes(keyOf(path))), { what: 'the bytes to be removed' });
  });
});

describe('a file', () => {
  test('is checked, pictured, served in ranges to its owners, and deleted with all that was made of it', async () => {
    const file = await makeVideo(join(dir, 'video.mp4'), { seconds: 3 });
    const bytes = await readFile(file);
    const id = await client.upload(file);
    await client.until(`/api/v1/media/${id}`, ({ status, strip }) => status === 'ready' && strip);
    const whole = await content(id);
    assert.equal(whole.status, 200);
    assert.ok(whole.body.equals(bytes));
    assert.equal(whole.headers['content-type'], 'video/mp4');
    assert.equal(whole.headers['accept-ranges'], 'bytes');
    assert.equal(whole.headers['cache-control'], 'private, no-cache');
    assert.match(whole.headers['content-disposition'], /^inline; filename\*=UTF-8''video\.mp4$/);
    assert.match(whole.headers['content-security-policy'], /sandbox/);
    assert.deepEqual(Object.keys(whole.headers).filter((name) => /^x-(amz|trans|openstack)|^set-cookie/.test(name)), []);
    const part = await content(id, { range: 'bytes=100-299' });
    assert.deepEqual([part.status, part.headers['content-range']], [206, `bytes 100-299/${bytes.length}`]);
    assert.ok(part.body.equals(bytes.subarray(100, 300)));
    assert.equal((await content(id, { range: `bytes=${bytes.length}-` })).status, 416);
    assert.equal((await content(id, { 'if-none-match': whole.headers.etag })).status, 304);
    const head = await client.request('HEAD', `/api/v1/media/${id}/content`);
    assert.deepEqual([head.status, head.headers['content-length']], [200, String(bytes.length)]);
    for (const picture of ['thumbnail', 'strip']) {
      const answer = await client.request('GET', `/api/v1/media/${id}/${picture}`);
      assert.deepEqual([answer.status, answer.headers['content-type']], [200, 'image/jpeg']);
      assert.deepEqual([...answer.body.subarray(0, 2)], [0xff, 0xd8]);
    }
    const other = await stack.stranger();
    assert.equal((await other.request('GET', `/api/v1/media/${id}/content`)).status, 404);
    assert.equal((await exchange(`${stack.url}/_s3/media/tests/x`)).status, 404, 'the internal location is internal');

    const key = stack.sql(`SELECT blob_key FROM media WHERE media_id = ${id}`).trim();
    assert.equal((await store.objects()).filter((name) => name.includes(key)).length, 3);
    const { headers } = await client.expect(200, 'GET', `/api/v1/media/${id}`);
    await client.expect(204, 'DELETE', `/api/v1/media/${id}`, { headers: { 'if-match': headers.etag } });
    await eventually(async () => !(await store.objects()).some((name) => name.includes(key)), { what: 'the bytes to be removed' });
  });

  test('of a photo gets a rendition', async () => {
    const file = makePicture(join(dir, 'photo.png'));
    const id = await client.upload(file, { filetype: 'image/png' });
    const media = await client.until(`/api/v1/media/${id}`, ({ status }) => status !== 'checking');
    assert.equal(media.status, 'ready', JSON.stringify(media.checks));
    const key = stack.sql(`SELECT blob_key FROM media WHERE media_id = ${id}`).trim();
    assert.ok((await store.objects()).some((name) => name.endsWith(`${key}.photo.jpg`)));
    assert.equal(createHash('sha256').update((await content(id)).body).digest('hex'), await sha256(file));
  });

  test('leaves no temporary file behind', async () => {
    assert.deepEqual((await readdir(dir)).filter((name) => !/\.(mp4|png)$/.test(name)), []);
  });
});

/** What a running program was started with. */
const settingsOf = (program) => readFileSync(`/proc/${stack.pid(program)}/environ`, 'utf8').split('\0').filter(Boolean).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);

let number = 0;
async function publish(body, change = {}) {
  const caption = `from the bucket ${++number}`;
  const { json } = await client.expect(201, 'POST', '/api/v1/posts', { json: { ...body, caption, publish_at: inMs(1500), ...change } });
  return json;
}

describe('a post', () => {
  test('of a video of several chunks goes out from the store to the byte', async () => {
    const media = await readyVideo(client, stack, { name: 'large', padTo: 75 * MIB });
    const { id, caption } = await publish(postOf(account, media));
    const done = await fateOf(client, id, 90_000);
    assert.equal(done.status, 'published_private', done.status_text);
    const publications = await publicationsOf(stack, caption);
    assert.equal(publications.length, 1);
    const sent = await sha256(stack.path('tmp/large.mp4'));
    const kept = (await readdir(stack.path('sandbox'), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
    const large = kept.filter((file) => statSync(file).size === 75 * MIB);
    assert.deepEqual(await Promise.all(large.map(sha256)), [sent], 'the simulator keeps what it was sent');
  });

  test('of photos is fetched through the gate', async () => {
    const photos = await readyPhotos(client, stack, 3);
    const { id, caption } = await publish(photoPostOf(account, photos));
    const done = await fateOf(client, id);
    assert.equal(done.status, 'published_private', done.status_text);
    const [publication, ...more] = await publicationsOf(stack, caption);
    assert.equal(more.length, 0);
    assert.equal(publication.photos, 3);
    for (const name of ['nginx-error.log', 'nginx-access.log', 'tts-api.log', 'tts-publisher.log']) {
      assert.doesNotMatch(stack.log(name), /X-Amz-Signature/, name);
    }
  });

  test('whose file is gone from the store fails and says so', async () => {
    const media = await readyVideo(client, stack, { name: 'gone' });
    const key = stack.sql(`SELECT blob_key FROM media WHERE media_id = ${media}`).trim();
    stack.sql(`UPDATE media SET blob_key = '${'a'.repeat(26)}' WHERE media_id = ${media}`);
    const { id } = await publish(postOf(account, media));
    const done = await fateOf(client, id);
    assert.deepEqual([done.status, done.status_reason], ['failed', 'media_missing']);
    stack.sql(`UPDATE media SET blob_key = '${key}' WHERE media_id = ${media}`);
  });

  test('waits while the store is away, uploads say so, and all goes on when it is back', async () => {
    const media = await readyVideo(client, stack, { name: 'waits' });
    const path = await newUpload(6 * MIB);
    const bytes = randomBytes(6 * MIB);
    assert.equal((await client.patchUpload(path, 0, bytes.subarray(0, 1000))).status, 204);
    await store.down();
    let id;
    try {
      const refused = await client.patchUpload(path, 1000, bytes.subarray(1000));
      assert.equal(refused.status, 503, refused.text);
      assert.match(refused.json.error.message, /Try again in a moment/);
      assert.match(stack.log('tts-api.log'), /The media store does not answer .*Check the endpoint in MEDIA_URL/);
      assert.equal((await client.request('GET', `/api/v1/media/${media}/content`)).status, 503);
      const ready = await client.request('GET', '/api/ready');
      assert.equal(ready.status, 503);
      assert.match(ready.json.checks.find(({ name }) => name === 'storage').message, /does not answer/);
      ({ id } = await publish(postOf(account, media), { publish_at: inMs(1000) }));
      await eventually(() => stack.log('tts-publisher.log').includes('run.media_unavailable'), { what: 'the publisher to find the store away', ms: 30_000 });
    } finally {
      await store.up();
    }
    const done = await client.patchUpload(path, 1000, bytes.subarray(1000));
    assert.equal(done.status, 204, done.text);
    assert.ok((await content(done.headers['media-id'])).body.equals(bytes));
    assert.equal((await fateOf(client, id, 90_000)).status, 'published_private');
    assert.equal((await client.request('GET', '/api/ready')).json.checks.find(({ name }) => name === 'storage').ok, true);
  });
});

describe('a store that is not as it should be', () => {
  const run = promisify(execFile);
  async function check(env) {
    const all = { TTS_ENV_FILE: '', ...store.env(), ...env };
    return run(join(BUILD_DIR, 'bin/ttsctl'), ['check'], { env: all }).then(({ stdout }) => [0, stdout], ({ code, stdout }) => [code, stdout]);
  }
  const rows = [
    ['is as it should be', {}, 0, /^ok +MEDIA_URL +the bucket answers/m],
    ['refuses the key', { MEDIA_S3_SECRET_KEY: 'wrong' }, 1, /^WRONG +MEDIA_URL .*MEDIA_S3_SECRET_KEY/m],
    ['does not know who we are', { MEDIA_S3_ACCESS_KEY: 'nobody' }, 1, /^WRONG +MEDIA_URL .*MEDIA_S3_ACCESS_KEY/m],
    ['has no such bucket', { MEDIA_URL: () => `s3://other?endpoint=${store.endpoint}` }, 1, /^WRONG +MEDIA_URL .*bucket .* does not exist/m],
    ['is not there', { MEDIA_URL: 's3://media?endpoint=http://127.0.0.1:1' }, 1, /^WRONG +MEDIA_URL .*does not answer/m],
    ['has no key of ours', { MEDIA_S3_ACCESS_KEY: '' }, 1, /^WRONG +MEDIA_S3_ACCESS_KEY/m],
  ];
  for (const [what, change, code, line] of rows) {
    test(`and ${what} is told by ttsctl check`, async () => {
      const env = Object.fromEntries(Object.entries(change).map(([key, value]) => [key, typeof value === 'function' ? value() : value]));
      const [status, said] = await check(env);
      assert.match(said, line);
      assert.equal(status, code, said);
    });
  }

  for (const program of ['tts-api', 'tts-publisher', 'tts-media']) {
    test(`is refused by ${program} at its start when the keys are missing`, () => {
      const env = Object.fromEntries(
        settingsOf(program).filter(([key]) => key !== 'MEDIA_S3_SECRET_KEY'),
      );
      const { status, stderr } = spawnSync(join(BUILD_DIR, 'bin', program), { env: { ...env, LOG_FILE: '', API_LISTEN: `unix:${join(dir, 'api.sock')}` }, encoding: 'utf8', timeout: 20_000 });
      assert.equal(status, 78, stderr);
      assert.match(stderr, /MEDIA_S3_SECRET_KEY/);
      assert.doesNotMatch(stderr, /testing/);
    });
  }
});
