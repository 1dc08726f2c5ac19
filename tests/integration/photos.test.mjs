// Photos on their way into the library, through nginx and tts-media: every format becomes a JPEG that TikTok takes,
// the right way round and with nothing in it but the picture. And what lies beside a video: its film strip.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { makeVideo } from '../harness/media.mjs';
import { addExif, paint } from '../harness/photos.mjs';
import { Stack, eventually } from '../harness/stack.mjs';

const TYPES = { png: 'image/png', jpg: 'image/jpeg', webp: 'image/webp', gif: 'image/gif', avif: 'image/avif', mp4: 'video/mp4' };
const TRACES = ['SECRETPLACE', 'GPS', 'Exif', 'eXIf', 'tEXt', 'Lavc', 'http', 'ICC_PROFILE'];

let stack;
let client;
before(async () => {
  stack = await Stack.start();
  client = await stack.signedIn();
});
after(() => stack?.stop());

const at = (name) => stack.path('tmp', name);

/** Uploads a file and answers its media when it is checked. */
async function checked(file) {
  const id = await client.upload(file, { filetype: TYPES[file.split('.').at(-1)] });
  return client.until(`/api/v1/media/${id}`, ({ status }) => status !== 'checking', 60_000);
}

/** The same with the film strip, which comes later. */
const stripped = async (file) => client.until(`/api/v1/media/${(await checked(file)).id}`, ({ strip }) => strip !== null, 60_000);

/** Where a picture of a file lies; suffix '' is the file itself. */
function stored({ id }, suffix = '.photo.jpg') {
  const key = stack.sql(`SELECT blob_key FROM media WHERE media_id = ${Number(id)}`).trim();
  return stack.path('media', key.slice(0, 2), key + suffix);
}

/** The colours of a picture's corners: R G B W. */
function corners(file) {
  const raw = execFileSync('ffmpeg', ['-nostdin', '-loglevel', 'error', '-i', file, '-vf', 'format=rgb24,scale=2:2:flags=area', '-f', 'rawvideo', 'pipe:1']);
  assert.equal(raw.length, 12);
  return [0, 3, 6, 9].map((i) => '?BG?R??W'[((raw[i] > 128) << 2) | ((raw[i + 1] > 128) << 1) | (raw[i + 2] > 128)]).join('');
}

describe('a photo', () => {
  const rows = [
    ['a PNG', 'a.png', { quads: true }, null, 'RGBW', [640, 480], 'container'],
    ['a WebP', 'a.webp', { quads: true, flags: ['-lossless', '1'] }, null, 'RGBW', [640, 480], null],
    ['an AVIF', 'a.avif', { quads: true, flags: ['-c:v', 'libaom-av1', '-still-picture', '1', '-cpu-used', '8'] }, null, 'RGBW', [640, 480], 'container'],
    ['a GIF', 'a.gif', { quads: true }, null, 'RGBW', [640, 480], 'container'],
    ['a JPEG that lies on its side', 'side.jpg', { quads: true }, 6, 'BRWG', [480, 640], null],
    ['a JPEG on its head', 'head.jpg', { quads: true }, 3, 'WBGR', [640, 480], null],
    ['a large JPEG on its side', 'large.jpg', { quads: true, width: 4032, height: 3024 }, 8, 'GWRB', [1080, 1440], 'picture_size'],
  ];
  for (const [what, name, options, orientation, colours, size, converted] of rows) {
    test(`${what} becomes a clean JPEG, the right way round`, async () => {
      const file = paint(at(name), options);
      if (orientation) await addExif(file, orientation);
      const media = await checked(file);
      assert.equal(media.status, 'ready', JSON.stringify(media.checks));
      assert.equal(media.kind, 'photo');
      assert.deepEqual([media.rendition.width, media.rendition.height], size);
      const bytes = await readFile(stored(media));
      assert.equal(bytes.length, media.rendition.bytes);
      assert.equal(bytes.readUInt16BE(0), 0xffd8);
      for (const trace of TRACES) {
        assert.ok(!bytes.includes(trace), `${trace} is in it`);
      }
      assert.equal(corners(stored(media)), colours);
      assert.deepEqual(media.checks.filter((c) => c.converted).map((c) => c.code), converted ? [converted] : []);
      assert.ok(media.checks.every((c) => c.ok), JSON.stringify(media.checks));
      assert.deepEqual(await readFile(stored(media, '')), await readFile(file), 'the original is kept');
      assert.equal(media.strip, null);
    });
  }

  test('that is clean and within the limits is given as it is', async () => {
    const media = await checked(paint(at('clean.jpg'), { flags: ['-flags:v', '+bitexact'] }));
    assert.equal(media.status, 'ready');
    assert.equal(media.rendition, null);
    assert.ok(!existsSync(stored(media)));
  });

  test('takes its rendition along when it is deleted', async () => {
    const media = await checked(paint(at('gone.png'), { color: 'red' }));
    const files = ['', '.jpg', '.photo.jpg'].map((suffix) => stored(media, suffix));
    assert.ok(files.every(existsSync));
    await client.expect(204, 'DELETE', `/api/v1/media/${media.id}`);
    await eventually(() => !files.some(existsSync), { what: 'its files to go' });
  });

  test('of a size that could not be decoded safely is refused unread', async () => {
    const head = Buffer.from('89504e470d0a1a0a0000000d494844520000ffff0000ffff0806000000', 'hex');
    await writeFile(at('bomb.png'), Buffer.concat([head, Buffer.alloc(4), Buffer.from('0000000049454e4400000000', 'hex')]));
    const media = await checked(at('bomb.png'));
    assert.equal(media.status, 'rejected');
    assert.equal(media.checks[0].code, 'picture_size');
    assert.match(media.checks[0].message, /65535 x 65535 pixels.*100 megapixels/);
  });

  test('of an iPhone is refused before a byte is sent, with what to do', async () => {
    const answer = await client.request('POST', '/api/v1/uploads', {
      body: '',
      headers: { 'tus-resumable': '1.0.0', 'upload-length': '1000', 'upload-metadata': `filename ${btoa('IMG_1.HEIC')},filetype ${btoa('image/heic')}` },
    });
    assert.equal(answer.status, 415);
    assert.match(answer.json.error.message, /Most Compatible/);
  });
});

describe('the same file twice', () => {
  test('is told and never merged', async () => {
    const file = paint(at('twice.png'), { color: 'teal' });
    const first = await checked(file);
    const second = await checked(file);
    assert.equal(first.duplicate_of, null);
    assert.equal(second.duplicate_of, first.id);
    assert.notEqual(stored(first, ''), stored(second, ''));
    await client.expect(204, 'DELETE', `/api/v1/media/${first.id}`);
    assert.equal((await client.get(`/api/v1/media/${second.id}`)).duplicate_of, null);
    assert.equal(await client.request('GET', `/api/v1/media/${second.id}/content`).then((a) => a.status), 200);
  });
});

describe('the library', () => {
  test('finds files by a part of their name', async () => {
    const names = async (q) => (await client.get(`/api/v1/media?q=${encodeURIComponent(q)}`)).items.map((m) => m.filename);
    await checked(paint(at('Sunrise 100%.png'), { color: 'orange' }));
    assert.deepEqual(await names('sunrise'), ['Sunrise 100%.png']);
    assert.deepEqual(await names('100%'), ['Sunrise 100%.png']);
    assert.deepEqual(await names('no such file'), []);
    assert.equal((await client.request('GET', '/api/v1/media?q=a%2Fb')).status, 422);
  });

  test('is kept in order by tags', async () => {
    const media = await checked(paint(at('tagged.png'), { color: 'pink' }));
    const answer = await client.expect(200, 'PATCH', `/api/v1/media/${media.id}`, { json: { tags: ['summer', 'Beach 2026'] } });
    assert.deepEqual(answer.json.tags, ['Beach 2026', 'summer']);
    assert.equal(answer.json.filename, 'tagged.png');
    assert.deepEqual((await client.get('/api/v1/media?tag=SUMMER')).items.map((m) => m.id), [media.id]);
    assert.deepEqual(await client.get('/api/v1/tags'), { items: [{ name: 'Beach 2026', files: 1 }, { name: 'summer', files: 1 }] });
    for (const tags of [['a'.repeat(41)], [' a'], [''], [1], 'a', Array.from({ length: 21 }, (_, i) => `t${i}`)]) {
      const refused = await client.request('PATCH', `/api/v1/media/${media.id}`, { json: { tags } });
      assert.deepEqual([refused.status, refused.json.error.fields], [422, { tags: 'invalid' }], JSON.stringify(tags));
    }
    const stranger = await stack.stranger();
    assert.deepEqual((await stranger.get('/api/v1/tags')).items, []);
    await client.expect(200, 'PATCH', `/api/v1/media/${media.id}`, { json: { tags: [] } });
    assert.deepEqual((await client.get('/api/v1/tags')).items, []);
  });

  test('says how full it is', async () => {
    const before = await client.get('/api/v1/storage');
    assert.equal(before.used_bytes, Number(stack.sql('SELECT SUM(bytes) FROM media WHERE state <> 4')));
    assert.ok(before.free_bytes > 0 && before.free_bytes <= before.quota_bytes - before.used_bytes);
    await client.createUpload(1_000_000, { filename: 'later.mp4', filetype: 'video/mp4' });
    const after = await client.get('/api/v1/storage');
    assert.equal(after.uploading_bytes - before.uploading_bytes, 1_000_000);
    assert.equal(after.used_bytes, before.used_bytes);
    stack.sql(`UPDATE workspace SET media_bytes_max = ${after.used_bytes}`);
    assert.equal((await client.get('/api/v1/storage')).free_bytes, 0);
    stack.sql('UPDATE workspace SET media_bytes_max = 107374182400');
  });
});

describe('the film strip of a video', () => {
  test('shows it from beginning to end, to its owners only', async () => {
    const file = at('turning.mp4');
    execFileSync('ffmpeg', ['-nostdin', '-loglevel', 'error', '-y', '-f', 'lavfi', '-i', 'color=red:s=360x640:r=30:d=3', '-f', 'lavfi', '-i', 'color=blue:s=360x640:r=30:d=3', '-filter_complex', '[0][1]concat', '-c:v', 'libx264', '-pix_fmt', 'yuv420p', file]);
    const media = await stripped(file);
    assert.equal(media.strip.frames, 12);
    const answer = await client.request('GET', media.strip.url);
    assert.deepEqual([answer.status, answer.headers['content-type'], answer.headers['cache-control']], [200, 'image/jpeg', 'private, no-cache']);
    await writeFile(at('strip.jpg'), answer.body);
    const raw = execFileSync('ffmpeg', ['-nostdin', '-loglevel', 'error', '-i', at('strip.jpg'), '-vf', 'format=rgb24,scale=12:1:flags=area', '-f', 'rawvideo', 'pipe:1']);
    assert.equal(Array.from({ length: 12 }, (_, i) => (raw[i * 3] > 128 ? 'R' : 'B')).join(''), 'RRRRRRBBBBBB');
    const again = await client.request('GET', media.strip.url, { headers: { 'if-none-match': answer.headers.etag } });
    assert.equal(again.status, 304);
    const stranger = await stack.stranger();
    assert.equal((await stranger.request('GET', media.strip.url)).status, 404);
    assert.equal((await stack.client().request('GET', media.strip.url)).status, 401);
  });

  test('is not there for a photo', async () => {
    const media = await checked(paint(at('still.png'), { color: 'navy' }));
    const answer = await client.request('GET', `/api/v1/media/${media.id}/strip`);
    assert.deepEqual([answer.status, answer.json.error.code], [404, 'not_found']);
  });

  test('of a short video is there as well', async () => {
    const media = await stripped(makeVideo(at('short.mp4'), { seconds: 1 }));
    assert.equal(media.strip.frames, 12);
  });
});
