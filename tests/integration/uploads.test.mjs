// Uploads over tus 1.0.0: by tus-js-client, a client nobody here wrote, and by hand with
// every wrong header, offset, length, type and owner.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CHUNK_BYTES } from '../../tools/lib/client.mjs';
import { makeNoise, makeVideo, sha256 } from '../harness/media.mjs';
import { Stack, eventually } from '../harness/stack.mjs';

const require = createRequire(new URL('../../www/package.json', import.meta.url));
const tus = require('tus-js-client');

const TUS = { 'tus-resumable': '1.0.0' };
const CHUNK = { ...TUS, 'content-type': 'application/offset+octet-stream' };
const meta = (filename, filetype) => `filename ${Buffer.from(filename).toString('base64')},filetype ${Buffer.from(filetype).toString('base64')}`;

let stack;
let client;
let dir;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tts-files-'));
  stack = await Stack.start();
  client = await stack.signedIn();
});
after(async () => {
  await stack?.stop();
  await rm(dir, { recursive: true, force: true });
});

const create = (headers = {}, options = {}) =>
  client.request('POST', '/api/v1/uploads', { body: '', headers: { ...TUS, 'upload-length': '1000', 'upload-metadata': meta('clip.mp4', 'video/mp4'), ...headers }, ...options });
const newUpload = async (size = 1000) => (await create({ 'upload-length': String(size) })).headers.location;
const offsetOf = async (path) => Number((await client.expect(200, 'HEAD', path, { headers: TUS })).headers['upload-offset']);

async function content(id, headers = {}) {
  return client.request('GET', `/api/v1/media/${id}/content`, { headers, timeout: 120_000 });
}

describe('discovery and creation', () => {
  test('OPTIONS tells what the server speaks', async () => {
    const { headers } = await client.expect(204, 'OPTIONS', '/api/v1/uploads');
    assert.equal(headers['tus-version'], '1.0.0');
    assert.deepEqual(headers['tus-extension'].split(',').sort(), ['checksum', 'creation', 'expiration', 'termination']);
    assert.equal(Number(headers['tus-max-size']), 4_000_000_000);
  });

  test('a creation answers where to send bytes, and until when', async () => {
    const answer = await create();
    assert.equal(answer.status, 201);
    assert.match(answer.headers.location, /^\/api\/v1\/uploads\/[A-Za-z0-9_-]{16,64}$/);
    assert.ok(Date.parse(answer.headers['upload-expires']) > Date.now());
    assert.equal(await offsetOf(answer.headers.location), 0);
  });

  const wrong = [
    ['no tus version', { 'tus-resumable': null }, 412, 'tus_version'],
    ['another tus version', { 'tus-resumable': '0.2.2' }, 412, 'tus_version'],
    ['no length', { 'upload-length': null }, 400, 'bad_upload_length'],
    ['a length of zero', { 'upload-length': '0' }, 400, 'bad_upload_length'],
    ['a negative length', { 'upload-length': '-1' }, 400, 'bad_upload_length'],
    ['a length that is no number', { 'upload-length': '1e3' }, 400, 'bad_upload_length'],
    ['a length with a sign', { 'upload-length': '+1000' }, 400, 'bad_upload_length'],
    ['a length beyond 64 bits', { 'upload-length': '99999999999999999999999' }, [400, 413], undefined],
    ['a length over the limit', { 'upload-length': '4000000001' }, 413, 'too_large'],
    ['a length told later', { 'upload-length': null, 'upload-defer-length': '1' }, 400, 'bad_upload_length'],
    ['no metadata', { 'upload-metadata': null }, 400, 'bad_upload_metadata'],
    ['metadata that is not base64', { 'upload-metadata': 'filename ***,filetype ***' }, 400, 'bad_upload_metadata'],
    ['metadata without a type', { 'upload-metadata': `filename ${Buffer.from('a.mp4').toString('base64')}` }, 400, 'bad_upload_metadata'],
    ['a type that is no medium', { 'upload-metadata': meta('a.exe', 'application/x-msdownload') }, 415, 'unsupported_file_type'],
    ['a web page', { 'upload-metadata': meta('a.html', 'text/html') }, 415, 'unsupported_file_type'],
  ];
  for (const [what, headers, status, code] of wrong) {
    test(`refuses ${what}`, async () => {
      const answer = await create(headers);
      assert.ok([status].flat().includes(answer.status), `${answer.status} ${answer.text}`);
      if (code) {
        assert.equal(answer.json.error.code, code);
      }
      if (answer.status === 412) {
        assert.equal(answer.headers['tus-version'], '1.0.0');
      }
    });
  }

  test('a file name is kept as data and never becomes a path', async () => {
    const video = makeVideo(join(dir, 'name.mp4'), { seconds: 3 });
    const name = '../../etc/"pass\\wd\n<b>€.mp4';
    const { size } = await stat(video);
    const path = (await create({ 'upload-length': String(size), 'upload-metadata': meta(name, 'video/mp4') })).headers.location;
    const bytes = await import('node:fs/promises').then((fs) => fs.readFile(video));
    const done = await client.patchUpload(path, 0, bytes);
    assert.equal(done.status, 204);
    const media = await client.get(`/api/v1/media/${done.headers['media-id']}`);
    assert.ok(!media.filename.includes('/') && !media.filename.includes('\n'), media.filename);
  });
});

describe('a chunk', () => {
  const wrong = [
    ['no tus version', 0, { 'tus-resumable': null }, 412, 'tus_version'],
    ['another content type', 0, { 'content-type': 'video/mp4' }, 415, 'unsupported_media_type'],
    ['no content type', 0, { 'content-type': null }, 415, 'unsupported_media_type'],
    ['no offset', 0, { 'upload-offset': null }, 400, 'bad_upload_offset'],
    ['an offset that is no number', 0, { 'upload-offset': 'x' }, 400, 'bad_upload_offset'],
    ['a negative offset', 0, { 'upload-offset': '-1' }, 400, 'bad_upload_offset'],
    ['an offset ahead', 5, {}, 409, 'offset_mismatch'],
    ['a checksum that does not fit', 0, { 'upload-checksum': `sha256 ${Buffer.alloc(32).toString('base64')}` }, 460, 'checksum_mismatch'],
    ['a checksum of an unknown kind', 0, { 'upload-checksum': 'md5 1B2M2Y8AsgTpgAmY7PhCfg==' }, 400, 'bad_checksum_header'],
    ['a checksum that is not base64', 0, { 'upload-checksum': 'sha256 ***' }, 400, 'bad_checksum_header'],
    ['a compressed body', 0, { 'content-encoding': 'gzip' }, 415, 'unsupported_media_type'],
  ];
  for (const [what, offset, headers, status, code] of wrong) {
    test(`with ${what} is refused and changes nothing`, async () => {
      const path = await newUpload();
      const answer = await client.request('PATCH', path, { body: randomBytes(100), headers: { ...CHUNK, 'upload-offset': String(offset), ...headers } });
      assert.deepEqual([answer.status, answer.json?.error.code], [status, code]);
      assert.equal(await offsetOf(path), 0);
    });
  }

  test('that is longer than what is left is refused', async () => {
    const path = await newUpload(100);
    const answer = await client.patchUpload(path, 0, randomBytes(101));
    assert.deepEqual([answer.status, answer.json.error.code], [413, 'too_large']);
    assert.equal(await offsetOf(path), 0);
  });

  test('larger than a request may be is refused before a worker sees it', async () => {
    const path = await newUpload(40 << 20);
    const answer = await client.patchUpload(path, 0, Buffer.alloc((17 << 20) + 1));
    assert.deepEqual([answer.status, answer.json.error.code], [413, 'too_large']);
  });

  test('sent twice is taken once', async () => {
    const path = await newUpload(200);
    const part = randomBytes(100);
    assert.equal((await client.patchUpload(path, 0, part)).status, 204);
    const again = await client.patchUpload(path, 0, part);
    assert.deepEqual([again.status, again.json.error.code], [409, 'offset_mismatch']);
    assert.equal(await offsetOf(path), 100);
  });

  test('by two writers at once is taken from one of them', async () => {
    const path = await newUpload(8 << 20);
    const answers = await Promise.all([1, 2, 3, 4].map(() => client.patchUpload(path, 0, Buffer.alloc(4 << 20, 7))));
    assert.equal(answers.filter(({ status }) => status === 204).length, 1, answers.map(({ status }) => status).join());
    assert.ok(answers.every(({ status }) => [204, 409, 423].includes(status)));
    assert.equal(await offsetOf(path), 4 << 20);
  });

  test('with the right checksum is taken', async () => {
    const path = await newUpload(200);
    const part = randomBytes(100);
    const sum = createHash('sha256').update(part).digest('base64');
    assert.equal((await client.patchUpload(path, 0, part, { 'upload-checksum': `sha256 ${sum}` })).status, 204);
  });

  test('of an unknown or a terminated upload is 404 or 410', async () => {
    const unknown = await client.patchUpload(`/api/v1/uploads/${'a'.repeat(26)}`, 0, 'x');
    assert.equal(unknown.status, 404);
    const path = await newUpload();
    assert.equal((await client.request('DELETE', path, { headers: TUS })).status, 204);
    assert.ok([404, 410].includes((await client.patchUpload(path, 0, 'x')).status));
    assert.ok([404, 410].includes((await client.request('HEAD', path, { headers: TUS })).status));
  });
});

describe('an owner', () => {
  test('is asked for on every verb', async () => {
    const path = await newUpload();
    const nobody = stack.client();
    for (const method of ['HEAD', 'PATCH', 'DELETE']) {
      const answer = await nobody.request(method, path, { headers: { ...CHUNK, 'upload-offset': '0' }, body: method === 'PATCH' ? 'x' : undefined });
      assert.equal(answer.status, 401, method);
    }
    assert.equal(await offsetOf(path), 0);
  });

  test('of another workspace finds nothing', async () => {
    const path = await newUpload();
    const video = makeVideo(join(dir, 'mine.mp4'), { seconds: 3 });
    const mediaId = await client.upload(video);
    const stranger = await stack.stranger();
    for (const method of ['HEAD', 'PATCH', 'DELETE']) {
      const answer = await stranger.request(method, path, { headers: { ...CHUNK, 'upload-offset': '0' }, body: method === 'PATCH' ? 'x' : undefined });
      assert.equal(answer.status, 404, method);
    }
    for (const [method, where] of [['GET', ''], ['PATCH', ''], ['DELETE', ''], ['GET', '/content'], ['GET', '/thumbnail']]) {
      const answer = await stranger.request(method, `/api/v1/media/${mediaId}${where}`, { json: method === 'PATCH' ? { filename: 'x.mp4' } : undefined });
      assert.equal(answer.status, 404, `${method} ${where}`);
    }
    assert.equal((await stranger.get('/api/v1/media')).items.length, 0);
  });
});

describe('a finished upload', () => {
  test('by tus-js-client is byte-identical, also when it was cut and resumed', async () => {
    const video = makeVideo(join(dir, 'cut.mp4'), { seconds: 4, padTo: 0 });
    const padded = await makeVideo(join(dir, 'big.mp4'), { seconds: 4, padTo: 3 * CHUNK_BYTES + 12_345 });
    for (const file of [video, padded]) {
      const url = await tusUpload(file, { cutAfter: file === padded ? CHUNK_BYTES : undefined });
      const { headers } = await client.expect(200, 'HEAD', new URL(url).pathname, { headers: TUS });
      const whole = await content(headers['media-id']);
      assert.equal(whole.status, 200);
      assert.equal(createHash('sha256').update(whole.body).digest('hex'), await sha256(file));
    }
  });

  test('is checked, has a picture, and is served in ranges to its owner only', async () => {
    const video = makeVideo(join(dir, 'range.mp4'), { seconds: 4 });
    const id = await client.upload(video, { filename: 'range.mp4' });
    const media = await client.until(`/api/v1/media/${id}`, ({ status }) => status !== 'checking');
    assert.equal(media.status, 'ready', JSON.stringify(media));
    assert.deepEqual([media.width, media.height, Math.round(media.fps), media.codec], [360, 640, 30, 'h264']);
    assert.ok(Math.abs(media.duration_ms - 4000) < 150, media.duration_ms);
    const part = await content(id, { range: 'bytes=100-199' });
    assert.equal(part.status, 206);
    assert.equal(part.body.length, 100);
    assert.match(part.headers['content-range'], /^bytes 100-199\/\d+$/);
    assert.equal(part.headers['content-type'], 'video/mp4');
    assert.equal((await content(id, { range: 'bytes=999999999-' })).status, 416);
    const thumbnail = await client.request('GET', `/api/v1/media/${id}/thumbnail`);
    assert.deepEqual([thumbnail.status, thumbnail.headers['content-type']], [200, 'image/jpeg']);
    assert.equal(thumbnail.body.readUInt16BE(0), 0xffd8);
    assert.equal((await stack.client().request('GET', `/api/v1/media/${id}/content`)).status, 401);
  });

  test('leaves no file of a request behind', async () => {
    await eventually(async () => (await readdir(stack.path('incoming'))).length === 0, { what: 'incoming/ to be empty' });
  });

  test('cannot be terminated; its media can be deleted', async () => {
    const video = makeVideo(join(dir, 'gone.mp4'), { seconds: 3 });
    const { size } = await stat(video);
    const path = await newUpload(size);
    const done = await client.patchUpload(path, 0, await import('node:fs/promises').then((fs) => fs.readFile(video)));
    const answer = await client.request('DELETE', path, { headers: TUS });
    assert.deepEqual([answer.status, answer.json.error.code], [409, 'upload_finished']);
    const id = done.headers['media-id'];
    await client.until(`/api/v1/media/${id}`, ({ status }) => status !== 'checking');
    await client.expect(204, 'DELETE', `/api/v1/media/${id}`);
    assert.equal((await client.request('GET', `/api/v1/media/${id}`)).status, 404);
    assert.equal((await content(id)).status, 404);
  });

  test('an unfinished one is no media', async () => {
    const before = (await client.get('/api/v1/media')).items.length;
    const path = await newUpload(1000);
    await client.patchUpload(path, 0, randomBytes(999));
    assert.equal((await client.get('/api/v1/media')).items.length, before);
  });
});

describe('media outside of TikTok\'s limits', () => {
  const bad = [
    ['too few frames a second', 'slow.mp4', { rate: 12 }, 'frame_rate', /12/],
    ['too small a picture', 'small.mp4', { width: 240, height: 240 }, 'picture_size', /240/],
  ];
  for (const [what, name, options, code, said] of bad) {
    test(`${what} is refused with the measured value and the limit`, async () => {
      const id = await client.upload(makeVideo(join(dir, name), options));
      const media = await client.until(`/api/v1/media/${id}`, ({ status }) => status !== 'checking');
      assert.equal(media.status, 'rejected', JSON.stringify(media));
      const check = media.checks.find((one) => one.code === code);
      assert.equal(check?.ok, false, JSON.stringify(media.checks));
      assert.ok(check.measured && check.limit);
      assert.match(check.message, said);
    });
  }

  test('bytes that are no video at all are refused', async () => {
    const file = await makeNoise(join(dir, 'noise.mp4'), 200_000);
    const id = await client.upload(file);
    const media = await client.until(`/api/v1/media/${id}`, ({ status }) => status !== 'checking');
    assert.equal(media.status, 'rejected', JSON.stringify(media));
  });
});

/** Uploads a file by tus-js-client; cutAfter aborts it once and resumes with a new client object. */
function tusUpload(file, { cutAfter } = {}) {
  const attempt = (uploadUrl, cut) =>
    new Promise((resolve, reject) => {
      const upload = new tus.Upload(createReadStream(file), {
        endpoint: `${stack.url}/api/v1/uploads`,
        uploadUrl,
        chunkSize: CHUNK_BYTES,
        uploadSize: null,
        retryDelays: [100, 500],
        headers: { authorization: `Bearer ${stack.facts.api_token}` },
        metadata: { filename: 'by-tus.mp4', filetype: 'video/mp4' },
        onError: reject,
        onSuccess: () => resolve(upload.url),
        onChunkComplete: (_size, accepted) => {
          if (cut && accepted >= cut) {
            upload.abort().then(() => resolve(upload.url), reject);
          }
        },
      });
      stat(file).then(({ size }) => {
        upload.options.uploadSize = size;
        upload.start();
      });
    });
  return cutAfter ? attempt(null, cutAfter).then((url) => attempt(url)) : attempt(null);
}
