// Uploads over tus 1.0.0: by tus-js-client, a client nobody here wrote, and by hand with
// every wrong header, offset, length, type and owner.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CHUNK_BYTES } from '../../tools/lib/client.mjs';
import { makeNoise, makeVideo, sha256 } from '../harness/media.mjs';
import { Stack, eventually } from '../harness/stack.mjs';
import { connectAccount, postOf } from '../harness/world.mjs';

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
    assert.deepEqual(headers['tus-extension'].split(',').sort(), ['checksum', 'creation', 'creation-with-upload', 'expiration', 'termination']);
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

describe('a creation with bytes', () => {
  const withBytes = (bytes, headers = {}) => create({ 'content-type': 'application/offset+octet-stream', ...headers }, { body: bytes });
  const sumOf = (bytes) => `sha256 ${createHash('sha256').update(bytes).digest('base64')}`;
  const openUploads = () => Number(stack.sql('SELECT COUNT(*) FROM upload WHERE state = 1'));

  test('takes the first of them, and the rest goes on from there', async () => {
    const bytes = randomBytes(1000);
    const answer = await withBytes(bytes.subarray(0, 400), { 'upload-checksum': sumOf(bytes.subarray(0, 400)) });
    assert.deepEqual([answer.status, answer.headers['upload-offset']], [201, '400']);
    assert.equal(answer.headers['media-id'], undefined);
    assert.equal(await offsetOf(answer.headers.location), 400);
    const done = await client.patchUpload(answer.headers.location, 400, bytes.subarray(400));
    assert.equal(done.status, 204);
    assert.deepEqual((await content(done.headers['media-id'])).body, bytes);
  });

  test('makes a medium of a file that is whole at once', async () => {
    const bytes = randomBytes(100_000);
    const answer = await withBytes(bytes, { 'upload-length': '100000' });
    assert.deepEqual([answer.status, answer.headers['upload-offset'], answer.headers['upload-expires']], [201, '100000', undefined]);
    assert.deepEqual((await content(answer.headers['media-id'])).body, bytes);
  });

  test('without a body is a creation', async () => {
    const answer = await withBytes('');
    assert.deepEqual([answer.status, answer.headers['upload-offset']], [201, '0']);
  });

  const wrong = [
    ['more bytes than the file has', '1', {}, 413, 'too_large'],
    ['bytes of another type', '', { 'content-type': 'video/mp4' }, 415, 'unsupported_media_type'],
    ['bytes without a type', '', { 'content-type': null }, 415, 'unsupported_media_type'],
    ['a checksum of another kind', '', { 'upload-checksum': 'md5 AAAA' }, 400, 'bad_checksum_header'],
    ['bytes that were damaged', '', { 'upload-checksum': sumOf('other') }, 460, 'checksum_mismatch'],
  ];
  for (const [what, more, headers, status, code] of wrong) {
    test(`refuses ${what} and leaves no upload`, async () => {
      const before = openUploads();
      const answer = await withBytes('x'.repeat(1000) + more, headers);
      assert.deepEqual([answer.status, answer.json.error.code], [status, code]);
      assert.equal(answer.headers.location, undefined);
      assert.equal(openUploads(), before);
    });
  }

  test('is what tus-js-client does when it is told to', async () => {
    const bytes = randomBytes(50_000);
    const methods = [];
    const id = await new Promise((resolve, reject) => {
      let media;
      new tus.Upload(bytes, {
        endpoint: `${stack.url}/api/v1/uploads`, uploadDataDuringCreation: true, chunkSize: 1 << 20, retryDelays: null, headers: { ...client.defaultHeaders('POST') },
        metadata: { filename: 'once.mp4', filetype: 'video/mp4' },
        onAfterResponse: (request, response) => {
          methods.push(request.getMethod());
          media = response.getHeader('Media-Id') ?? media;
        },
        onSuccess: () => resolve(media), onError: reject,
      }).start();
    });
    assert.deepEqual(methods, ['POST']);
    assert.deepEqual((await content(id)).body, bytes);
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

  test('larger than a chunk may be is refused', async () => {
    const path = await newUpload(40 << 20);
    const answer = await client.patchUpload(path, 0, Buffer.alloc(CHUNK_BYTES + 1));
    assert.deepEqual([answer.status, answer.json.error.code], [413, 'too_large']);
    assert.equal(await offsetOf(path), 0);
  });

  test('without a byte in it changes nothing', async () => {
    const path = await newUpload(200);
    const answer = await client.patchUpload(path, 0, '');
    assert.deepEqual([answer.status, answer.headers['upload-offset']], [204, '0'], answer.text);
    assert.equal((await client.patchUpload(path, 1, '')).status, 409);
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

describe('room', () => {
  test('a full library refuses before a byte is sent', async () => {
    stack.sql('UPDATE workspace SET media_bytes_max = 1000');
    try {
      const answer = await create({ 'upload-length': '4000' });
      assert.deepEqual([answer.status, answer.json.error.code], [507, 'storage_full']);
      assert.match(answer.json.error.message, /1000/);
    } finally {
      stack.sql('UPDATE workspace SET media_bytes_max = 107374182400');
    }
  });

  test('so many uploads may be open at a time and no more', async () => {
    const endAll = () => stack.sql('UPDATE upload SET state = 3 WHERE state = 1');
    endAll();
    for (let i = 0; i < 64; i++) {
      assert.equal((await create()).status, 201);
    }
    const answer = await create();
    assert.deepEqual([answer.status, answer.json.error.code], [429, 'too_many_uploads']);
    endAll();
    assert.equal((await create()).status, 201);
  });

  test('a photo has a limit of its own', async () => {
    const photo = { 'upload-metadata': meta('a.jpg', 'image/jpeg') };
    const answer = await create({ ...photo, 'upload-length': '100000001' });
    assert.deepEqual([answer.status, answer.json.error.code], [413, 'too_large']);
    assert.equal((await create({ ...photo, 'upload-length': '100000000' })).status, 201);
  });

  test('an upload whose time is over is gone, and so are its bytes in the end', async () => {
    const path = await newUpload();
    await client.patchUpload(path, 0, randomBytes(10));
    stack.sql(`UPDATE upload SET expires_at = 1000 WHERE upload_id = '${path.split('/').at(-1)}'`);
    for (const method of ['PATCH', 'DELETE']) {
      const answer = await client.request(method, path, { headers: { ...CHUNK, 'upload-offset': '10' }, body: method === 'PATCH' ? 'x' : undefined });
      assert.deepEqual([answer.status, answer.json.error.code], [410, 'upload_gone'], method);
    }
    assert.equal((await client.request('HEAD', path, { headers: TUS })).status, 410);
    await stack.restart('tts-media'); // it sweeps when it starts
    await eventually(() => !existsSync(blobOf(path.split('/').at(-1))), { what: 'the bytes to be removed' });
  });
});

describe('the library', () => {
  let id;
  before(async () => {
    id = await client.upload(makeVideo(join(dir, 'library.mp4'), { seconds: 3 }));
    await client.until(`/api/v1/media/${id}`, ({ status }) => status !== 'checking');
  });
  const patch = (json, headers) => client.request('PATCH', `/api/v1/media/${id}`, { json, headers });

  test('is listed newest first, in pages that leave nothing out', async () => {
    const all = (await client.get('/api/v1/media?limit=100')).items.map((one) => one.id);
    assert.deepEqual(all, [...all].sort((a, b) => Number(b) - Number(a)));
    assert.equal(all[0], id);
    const paged = [];
    for (let cursor = ''; cursor !== null; ) {
      const page = await client.get(`/api/v1/media?limit=2${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      assert.ok(page.items.length <= 2);
      paged.push(...page.items.map((one) => one.id));
      cursor = page.next_cursor;
    }
    assert.deepEqual(paged, all);
  });

  test('is narrowed by kind and status, and refuses others', async () => {
    assert.ok((await client.get('/api/v1/media?kind=video&status=ready')).items.every(({ kind, status }) => kind === 'video' && status === 'ready'));
    assert.equal((await client.get('/api/v1/media?kind=photo')).items.length, 0);
    assert.equal((await client.get('/api/v1/media?status=uploading')).items.length, 0);
    for (const [query, field] of [['kind=film', 'kind'], ['status=deleted', 'status'], ['limit=0', 'limit'], ['limit=101', 'limit'], ['cursor=00', 'cursor']]) {
      const answer = await client.request('GET', `/api/v1/media?${query}`);
      assert.deepEqual([answer.status, Object.keys(answer.json.error.fields)], [422, [field]], query);
    }
  });

  test('a name is changed by whoever saw the present one', async () => {
    const before = await client.request('GET', `/api/v1/media/${id}`);
    const changed = await patch({ filename: 'Übung „1“.mp4' }, { 'if-match': before.headers.etag });
    assert.deepEqual([changed.status, changed.json.filename, changed.json.version], [200, 'Übung „1“.mp4', before.json.version + 1]);
    assert.equal(changed.headers.etag, `"${changed.json.version}"`);
    const stale = await patch({ filename: 'x.mp4' }, { 'if-match': before.headers.etag });
    assert.deepEqual([stale.status, stale.json.error.code], [412, 'version_mismatch']);
    const whole = await content(id);
    assert.equal(whole.headers['content-disposition'], `inline; filename*=UTF-8''${encodeURIComponent('Übung „1“.mp4')}`);
  });

  for (const [what, json, code] of [
    ['an empty name', { filename: '' }, 'invalid'],
    ['a path', { filename: 'a/b.mp4' }, 'invalid'],
    ['a name with a newline', { filename: 'a\nb.mp4' }, 'invalid'],
    ['a name with a NUL', { filename: 'a\u0000b.mp4' }, 'bad_json'],
    ['a number', { filename: 7 }, 'invalid'],
    ['256 characters', { filename: 'x'.repeat(256) }, 'invalid'],
    ['another member', { name: 'x.mp4' }, 'unknown_field'],
  ]) {
    test(`does not take ${what} as a name`, async () => {
      const answer = await patch(json);
      assert.deepEqual([answer.status, answer.json.error.code], [code === 'bad_json' ? 400 : 422, code]);
    });
  }

  test('keeps a file for a post that needs it', async () => {
    const account = await connectAccount(client);
    const { json: post } = await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, id) });
    assert.equal((await client.get(`/api/v1/media/${id}`)).used_in, 1);
    const answer = await client.request('DELETE', `/api/v1/media/${id}`);
    assert.deepEqual([answer.status, answer.json.error.code], [409, 'media_in_use']);
    await client.expect(200, 'POST', `/api/v1/posts/${post.id}/cancel`, { json: {} });
    assert.equal((await client.get(`/api/v1/media/${id}`)).used_in, 1); // it still shows the file
  });

  test('a deleted file loses its bytes and its picture', async () => {
    const key = stack.sql(`SELECT blob_key FROM media WHERE media_id = ${id}`).trim();
    assert.ok(existsSync(blobOf(key)) && existsSync(`${blobOf(key)}.jpg`));
    await client.expect(204, 'DELETE', `/api/v1/media/${id}`);
    await eventually(() => !existsSync(blobOf(key)) && !existsSync(`${blobOf(key)}.jpg`), { what: 'the bytes to be removed' });
    assert.equal((await client.request('DELETE', `/api/v1/media/${id}`)).status, 404);
  });
});

describe('a crash', () => {
  /** Restarts the workers, which then die at the point, or fail there. */
  async function restartWorkers(point, how = 'crash') {
    await stack.restart('tts-api', { env: point ? { TTS_FAULT: `${point}:${how}` } : {} });
    await eventually(async () => (await client.request('GET', '/api/live')).status === 200, { what: 'the workers' });
  }
  const crashesAt = (point) => stack.log('tts-api.log').split(`point=${point} `).length - 1;
  after(() => Promise.all([restartWorkers(), stack.restart('tts-media')]));

  test('of a worker between the bytes and their row costs that chunk and nothing else', async () => {
    const file = randomBytes(300_000);
    const path = await newUpload(file.length);
    assert.equal((await client.patchUpload(path, 0, file.subarray(0, 100_000))).status, 204);
    await restartWorkers('upload.before_row');
    assert.equal((await client.patchUpload(path, 100_000, file.subarray(100_000, 250_000))).status, 503);
    assert.equal((await client.patchUpload(path, 100_000, file.subarray(100_000))).status, 503);
    assert.equal(crashesAt('upload.before_row'), 2);
    await restartWorkers();
    assert.equal(await offsetOf(path), 100_000);
    const done = await client.patchUpload(path, 100_000, file.subarray(100_000));
    assert.equal(done.status, 204);
    assert.ok((await content(done.headers['media-id'])).body.equals(file));
  });

  test('of a worker after the last row makes one file, which the client finds', async () => {
    const file = randomBytes(1000);
    const path = await newUpload(file.length);
    await restartWorkers('upload.after_row');
    assert.equal((await client.patchUpload(path, 0, file)).status, 503);
    assert.equal(crashesAt('upload.after_row'), 1);
    await restartWorkers();
    const { headers } = await client.expect(200, 'HEAD', path, { headers: TUS });
    assert.equal(headers['upload-offset'], '1000');
    assert.ok((await content(headers['media-id'])).body.equals(file));
    assert.equal(stack.sql(`SELECT COUNT(*) FROM media WHERE blob_key = '${path.split('/').at(-1)}'`).trim(), '1');
  });

  test('of the connection in COMMIT is settled by reading again', async () => {
    const file = randomBytes(1000);
    const [path, other] = [await newUpload(file.length), await newUpload(file.length)];
    await restartWorkers('db.commit_unanswered', 'error');
    const done = await client.patchUpload(path, 0, file);
    assert.deepEqual([done.status, done.headers['upload-offset']], [204, '1000'], done.text);
    assert.ok((await content(done.headers['media-id'])).body.equals(file));
    await restartWorkers('db.commit_unanswered', 'error');
    const made = await create();
    assert.equal(made.status, 201, made.text);
    assert.equal(await offsetOf(made.headers.location), 0);
    await restartWorkers('db.commit_unsent', 'error');
    const lost = await client.patchUpload(other, 0, file);
    assert.deepEqual([lost.status, lost.json.error.code], [503, 'database_unavailable']);
    await restartWorkers();
    assert.equal(await offsetOf(other), 0);
    assert.equal((await client.patchUpload(other, 0, file)).status, 204);
  });

  /** Sends a whole upload and holds its worker between bytes and row; answers how to go on. */
  async function writeHalfway(path, file) {
    await restartWorkers('upload.before_row', 'stop');
    const answer = client.patchUpload(path, 0, file);
    const stopped = () => stack.children('tts-api').find((pid) => /State:\s+T/.test(readFileSync(`/proc/${pid}/status`, 'utf8')));
    await eventually(stopped, { what: 'the worker to be held' });
    return async () => {
      process.kill(stopped(), 'SIGCONT');
      const late = await answer;
      await restartWorkers();
      return late;
    };
  }

  test('is not needed for this: who writes keeps others out until done', async () => {
    const file = randomBytes(1000);
    const path = await newUpload(file.length);
    const goOn = await writeHalfway(path, file);
    const second = await client.patchUpload(path, 0, file);
    assert.deepEqual([second.status, second.json.error.code], [423, 'upload_busy']);
    assert.equal(await offsetOf(path), 0);
    assert.equal((await goOn()).status, 204);
    assert.equal(await offsetOf(path), 1000);
  });

  test('nor for this: an upload that is terminated under its writer makes no file', async () => {
    const file = randomBytes(1000);
    const path = await newUpload(file.length);
    const goOn = await writeHalfway(path, file);
    assert.equal((await client.request('DELETE', path, { headers: TUS })).status, 204);
    const late = await goOn();
    assert.deepEqual([late.status, late.json.error.code], [409, 'offset_mismatch']);
    assert.equal((await client.request('HEAD', path, { headers: TUS })).status, 410);
    const key = path.split('/').at(-1);
    assert.equal(stack.sql(`SELECT COUNT(*) FROM media WHERE blob_key = '${key}'`).trim(), '0');
    assert.ok(!existsSync(blobOf(key)));
  });

  for (const point of ['media.before_examine', 'media.before_verdict']) {
    test(`of tts-media at ${point} leaves the file to the next one`, async () => {
      await stack.hold('tts-media');
      const id = await client.upload(makeVideo(join(dir, 'crash.mp4'), { seconds: 3 }));
      await stack.start('tts-media', { env: { TTS_FAULT: `${point}:crash` }, once: true });
      await eventually(() => !stack.runs('tts-media'), { what: 'tts-media to crash' });
      assert.equal((await client.get(`/api/v1/media/${id}`)).status, 'checking');
      stack.sql('UPDATE media SET next_at = 0 WHERE owner <> 0'); // its lease of two minutes is over
      await stack.start('tts-media');
      const media = await client.until(`/api/v1/media/${id}`, ({ status }) => status !== 'checking');
      assert.equal(media.status, 'ready', JSON.stringify(media));
      assert.equal(stack.sql(`SELECT COUNT(*) FROM job_event WHERE media_id = ${id} AND kind = 81`).trim(), '1');
    });
  }

  test('is not what an end of tts-media is: it gives back what it has begun', async () => {
    await stack.hold('tts-media');
    const id = await client.upload(makeVideo(join(dir, 'end.mp4'), { seconds: 3 }));
    await stack.start('tts-media', { env: { TTS_FAULT: 'media.before_examine:stop' }, once: true });
    await eventually(() => stack.sql(`SELECT owner FROM media WHERE media_id = ${id}`).trim() !== '0', { what: 'tts-media to take the file' });
    await eventually(() => /State:\s+T/.test(readFileSync(`/proc/${stack.pid('tts-media')}/status`, 'utf8')), { what: 'tts-media to stop' });
    stack.signal('tts-media', 'SIGTERM');
    stack.signal('tts-media', 'SIGCONT');
    await eventually(() => !stack.runs('tts-media'), { what: 'tts-media to end' });
    assert.equal(stack.sql(`SELECT owner, fails, state FROM media WHERE media_id = ${id}`).trim(), '0\t0\t1');
    await stack.start('tts-media');
    const media = await client.until(`/api/v1/media/${id}`, ({ status }) => status !== 'checking');
    assert.equal(media.status, 'ready', JSON.stringify(media));
  });
});

/** Where the bytes of a blob lie. */
const blobOf = (key) => stack.path('media', key.slice(0, 2), key);

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
