// A media disk that fills up, as small and real as a test can have it: a tmpfs for media and
// for the bodies that nginx writes, filled by somebody else at the worst moments. Mounting
// needs root; without, these tests are skipped and say so.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, statfsSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makePhoto, makeVideo } from '../harness/media.mjs';
import { publicationsOf } from '../harness/sandbox.mjs';
import { Stack, eventually } from '../harness/stack.mjs';
import { connectAccount, fateOf, inMs, postOf, readyVideo } from '../harness/world.mjs';

const SIZE_MIB = 640; // ready wants 256 MiB free
const TUS = { 'tus-resumable': '1.0.0' };

/** Why there is no such disk here, or false. */
function whyNot() {
  const dir = execFileSync('mktemp', ['-d'], { encoding: 'utf8' }).trim();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', dir], { stdio: 'pipe' });
    execFileSync('umount', [dir]);
    return false;
  } catch {
    return 'needs root: a small file system has to be mounted';
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
const skip = whyNot();

let varDir;
let disk;
let stack;
let client;
let account;
let media;
before(async () => {
  if (skip) {
    console.log(`  skipped: ${skip}`);
    return;
  }
  varDir = await mkdtemp(join(tmpdir(), 'tts-full-'));
  disk = join(varDir, 'disk');
  writeFileSync(join(varDir, '.tts-stack'), '');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MIB}m`, 'none', disk]);
  for (const name of ['media', 'incoming']) {
    mkdirSync(join(disk, name));
    symlinkSync(`disk/${name}`, join(varDir, name));
  }
  stack = await Stack.start({ varDir });
  client = await stack.signedIn();
  account = await connectAccount(client);
  media = await readyVideo(client, stack);
});
after(async () => {
  await stack?.stop({ keep: true });
  if (disk) {
    execFileSync('umount', ['-l', disk]);
    await rm(varDir, { recursive: true, force: true });
  }
});

const freeBytes = () => {
  const { bavail, bsize } = statfsSync(disk);
  return bavail * bsize;
};

/** Somebody else takes the disk until so many bytes are left, or gives it back. */
function fill(left = 0) {
  execFileSync('fallocate', ['-l', String(freeBytes() - left), join(disk, 'somebody-elses')]);
  assert.ok(freeBytes() <= left + 4096);
}
const empty = () => rmSync(join(disk, 'somebody-elses'), { force: true });

const create = (bytes) => client.request('POST', '/api/v1/uploads', { body: '', headers: { ...TUS, 'upload-length': String(bytes), 'upload-metadata': `filename ${btoa('a.mp4')},filetype ${btoa('video/mp4')}` } });
const offsetOf = async (path) => Number((await client.expect(200, 'HEAD', path, { headers: TUS })).headers['upload-offset']);
const blobOf = (path) => stack.path('media', path.split('/').at(-1).slice(0, 2), path.split('/').at(-1));
const refused = (answer) => assert.deepEqual([answer.status, answer.json?.error.code], [507, 'storage_full'], answer.text);
const storage = async () => (await client.request('GET', '/api/ready')).json.checks.find(({ name }) => name === 'storage');

describe('a disk that fills up', { skip }, () => {
  test('refuses a file that cannot fit before a byte is sent, and keeps a tenth free', async () => {
    const rows = () => stack.sql('SELECT COUNT(*) FROM upload').trim();
    const before = rows();
    refused(await create(SIZE_MIB * 2 ** 20 + 1));
    refused(await create(freeBytes() - 2 ** 20));
    assert.equal(rows(), before, 'no row of it');
    assert.equal((await create(freeBytes() - (SIZE_MIB / 10 + 8) * 2 ** 20)).status, 201);
    refused(await create(8 * 2 ** 20 + 2 ** 16)); // the first one's room is taken, though it has no byte yet
    stack.sql('UPDATE upload SET expires_at = 1000 WHERE state = 1');
    await stack.restart('tts-media'); // sweeps
    await eventually(() => freeBytes() > (SIZE_MIB / 2) * 2 ** 20, { what: 'the room to be given back' });
  });

  test('takes what it has promised room for, however full it gets', async () => {
    const bytes = randomBytes(6 << 20);
    const { headers } = await create(bytes.length);
    fill(5 << 20); // as much as the bodies need on their way
    try {
      assert.equal((await client.patchUpload(headers.location, 0, bytes.subarray(0, 3 << 20))).status, 204);
      const done = await client.patchUpload(headers.location, 3 << 20, bytes.subarray(3 << 20));
      assert.equal(done.status, 204, done.text);
      assert.ok(readFileSync(blobOf(headers.location)).equals(bytes));
    } finally {
      empty();
    }
  });

  for (const [what, left, size] of [['the store', 3 << 20, 2 << 20], ['what nginx writes bodies to', 0, 1 << 20]]) {
    test(`in the middle, in ${what}: 507, nothing is lost, and it goes on when there is room`, async () => {
      const bytes = randomBytes(5 << 20);
      const { headers: { location } } = await create(bytes.length);
      assert.equal((await client.patchUpload(location, 0, bytes.subarray(0, 1 << 20))).status, 204);
      // As on a file system that cannot reserve: the blocks beyond the end are given back.
      truncateSync(blobOf(location), (1 << 20) + 1);
      truncateSync(blobOf(location), 1 << 20);
      fill(left);
      try {
        for (let i = 0; i < 3; i++) {
          refused(await client.patchUpload(location, 1 << 20, bytes.subarray(1 << 20, (1 << 20) + size)));
          assert.equal(await offsetOf(location), 1 << 20);
        }
        assert.equal(statSync(blobOf(location)).size, 1 << 20, 'nothing of it is kept');
        assert.equal((await storage()).ok, false);
        assert.match((await storage()).message, /The disk is full/);
      } finally {
        empty();
      }
      const done = await client.patchUpload(location, 1 << 20, bytes.subarray(1 << 20));
      assert.equal(done.status, 204, done.text);
      const back = await client.request('GET', `/api/v1/media/${done.headers['media-id']}/content`);
      assert.ok(back.body.equals(bytes));
      assert.equal((await storage()).ok, true);
    });
  }

  test('does no harm to posts whose files are there', async () => {
    fill();
    try {
      refused(await create(1000));
      const { json: post } = await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { caption: 'on a full disk', publish_at: inMs(1500) }) });
      const done = await fateOf(client, post.id);
      assert.equal(done.status, 'published_private', done.status_text);
      assert.equal((await publicationsOf(stack, 'on a full disk')).length, 1);
    } finally {
      empty();
    }
  });

  test('lets files wait whose pictures find no room, and rejects none', async () => {
    await stack.hold('tts-media');
    const names = ['wait.mp4', 'wait.jpg'];
    const ids = [await client.upload(makeVideo(stack.path('tmp', names[0]), { seconds: 2 })), await client.upload(makePhoto(stack.path('tmp', names[1])), { filetype: 'image/jpeg' })];
    fill();
    try {
      await stack.start('tts-media');
      for (const id of ids) {
        await eventually(() => stack.log('tts-media.log').split('\n').some((line) => line.includes('media.not_done') && line.includes('disk_full') && line.includes(`media=${id}`)), { ms: 30_000, what: 'tts-media to say that it finds no room' });
        assert.equal((await client.get(`/api/v1/media/${id}`)).status, 'checking');
      }
      assert.equal(stack.sql(`SELECT MAX(fails) FROM media WHERE media_id IN (${ids})`).trim(), '0');
    } finally {
      empty();
    }
    stack.sql(`UPDATE media SET next_at = 0 WHERE media_id IN (${ids})`); // half a minute has passed
    for (const id of ids) {
      const done = await client.until(`/api/v1/media/${id}`, ({ status }) => status !== 'checking');
      assert.equal(done.status, 'ready', JSON.stringify(done));
      assert.equal((await client.request('GET', `/api/v1/media/${id}/thumbnail`)).status, 200);
    }
    await stack.hold('tts-media');
  });

  test('puts a film strip off as well', async () => {
    const id = await client.upload(makeVideo(stack.path('tmp', 'strip.mp4'), { seconds: 2 }));
    const strips = () => stack.sql(`SELECT strip_frames FROM media WHERE media_id = ${id}`).trim();
    await stack.start('tts-media', { env: { TTS_FAULT: 'media.before_strip:stop' } });
    await eventually(() => /State:\s+T/.test(readFileSync(`/proc/${stack.pid('tts-media')}/status`, 'utf8')), { ms: 30_000, what: 'tts-media to begin with the strip' });
    fill();
    try {
      stack.signal('tts-media', 'SIGCONT');
      await eventually(() => stack.sql(`SELECT owner = 0 AND next_at < 9e15 FROM media WHERE media_id = ${id}`).trim() === '1', { ms: 30_000, what: 'the strip to be put off' });
      assert.equal(strips(), '0');
    } finally {
      empty();
    }
    stack.sql(`UPDATE media SET next_at = 0 WHERE media_id = ${id}`);
    await stack.restart('tts-media');
    await eventually(() => strips() === '12', { ms: 30_000, what: 'the strip' });
  });
});
