// tus, verb by verb and header by header: every verb of the protocol meets every wrong
// header, offset, length, type, owner and state, and every cell of that table has its answer.
// Then the same server from the side of tus-js-client, a client nobody here wrote.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BUILD_DIR, Stack, eventually } from '../harness/stack.mjs';

const require = createRequire(new URL('../../www/package.json', import.meta.url));
const tus = require('tus-js-client');

const VERBS = ['OPTIONS', 'POST', 'HEAD', 'PATCH', 'DELETE'];
const TUS = { 'tus-resumable': '1.0.0' };
const TYPE = 'application/offset+octet-stream';
const SIZE = 1000;
const SENT = 100; // of each upload of the table, before its cell
const BODY = Buffer.alloc(50, 7);
const GOOD = { OPTIONS: 204, POST: 201, HEAD: 200, PATCH: 204, DELETE: 204 };
const b64 = (text) => Buffer.from(text).toString('base64');
const meta = (filename, filetype) => `filename ${b64(filename)},filetype ${b64(filetype)}`;
const sumOf = (bytes, kind = 'sha256') => createHash(kind).update(bytes).digest('base64');

let stack;
let client;
let cells = 0;
const people = {};
before(async () => {
  stack = await Stack.start();
  client = await stack.signedIn();
  people.owner = client;
  people.nobody = stack.client();
  people.stranger = await stack.stranger();
  for (const role of ['editor', 'viewer']) {
    ctl(['user', 'add', `${role}@example.com`, '--workspace', 'Demo', '--role', role], 'correct horse battery\n');
    people[role] = stack.client();
    await people[role].signIn(`${role}@example.com`, 'correct horse battery');
  }
  people.writer = stack.bearer();
  people.reader = stack.client({ token: ctl(['token', 'add', stack.facts.email, '--scopes', 'read']).trim() });
  people.liar = stack.client({ token: `${stack.facts.api_token.slice(0, -4)}AAAA` });
});
after(async () => {
  console.log(`  ${cells} cells`);
  await stack?.stop();
});

const ctl = (words, input = '') =>
  execFileSync(join(BUILD_DIR, 'bin/ttsctl'), words, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'], env: { TTS_ENV_FILE: '', DATABASE_URL: `mysql://root@localhost/tts?socket=${stack.path('run/mariadb.sock')}` } });

/** Ends what the table has begun: so many may be open and no more. */
const endAll = () => stack.sql('UPDATE upload SET state = 3 WHERE state = 1');

async function begin() {
  const { headers } = await client.expect(201, 'POST', '/api/v1/uploads', { body: BODY_OF_START, headers: { ...TUS, 'content-type': TYPE, 'upload-length': String(SIZE), 'upload-metadata': meta('a.mp4', 'video/mp4') } });
  return headers.location;
}
const BODY_OF_START = Buffer.alloc(SENT, 1);

const offsetOf = async (path) => (await client.request('HEAD', path, { headers: TUS })).headers['upload-offset'];

/** A right request of that verb for the upload at path; change overrides headers. */
function right(verb, path, change = {}) {
  switch (verb) {
    case 'POST':
      return ['/api/v1/uploads', { body: '', headers: { ...TUS, 'upload-length': String(SIZE), 'upload-metadata': meta('b.mp4', 'video/mp4'), ...change } }];
    case 'PATCH':
      return [path, { body: BODY, headers: { ...TUS, 'upload-offset': String(SENT), 'content-type': TYPE, ...change } }];
    case 'OPTIONS':
      return ['/api/v1/uploads', { headers: change }];
    default:
      return [path, { headers: { ...TUS, ...change } }];
  }
}

/** What must be so after an answer: a refused request has changed nothing. */
async function aftermath(where, verb, path, answer) {
  if (verb !== 'OPTIONS' && answer.status < 400) {
    assert.equal(answer.headers['tus-resumable'], '1.0.0', where);
  }
  const now = await offsetOf(path);
  if (answer.status >= 400 || ['OPTIONS', 'POST', 'HEAD'].includes(verb)) {
    assert.equal(now, String(SENT), `${where}: the upload is at ${now}`);
  } else if (verb === 'PATCH') {
    assert.deepEqual([answer.headers['upload-offset'], now], [String(SENT + BODY.length), String(SENT + BODY.length)], where);
  } else {
    assert.equal(now, undefined, `${where}: it is still there`);
  }
}

/** One cell: wanted is a status, or [status, code], or a list of statuses. */
function hold(where, verb, answer, wanted) {
  cells++;
  const [status, code] = Array.isArray(wanted) ? wanted : [wanted];
  assert.equal(answer.status, status, `${where}: ${answer.status} ${answer.text}`);
  if (code && verb !== 'HEAD') { // errors of HEAD have no body
    assert.equal(answer.json?.error.code, code, `${where}: ${answer.text}`);
  }
  if (status === 412) {
    assert.equal(answer.headers['tus-version'], '1.0.0', where);
  }
}

/** [header, value, {verb: wanted}]: a verb that is not named does not care. null: not sent. */
const all = (wanted) => ({ POST: wanted, HEAD: wanted, PATCH: wanted, DELETE: wanted });
const BAD_LENGTH = [400, 'bad_upload_length'];
const BAD_OFFSET = [400, 'bad_upload_offset'];
const BAD_META = [400, 'bad_upload_metadata'];
const BAD_SUM = [400, 'bad_checksum_header'];
const WRONG_TYPE = [415, 'unsupported_media_type'];
const ELSEWHERE = [409, 'offset_mismatch'];
const HEADERS = [
  ...[null, '', '0.2.2', '1', '1.0', '1.0.1', '2.0.0', 'v1.0.0', '1.0.0, 1.0.0', '1.0.0\t1.0.0'].map((value) => ['tus-resumable', value, all([412, 'tus_version'])]),
  ['tus-resumable', ' 1.0.0 ', {}], // HTTP takes the spaces away
  ...[null, '', '0', '-1', '+5', '1e3', '0x10', '1.5', '1,000', '1 000', 'many', '9223372036854775808', '99999999999999999999999'].map((value) => ['upload-length', value, { POST: BAD_LENGTH }]),
  ...['4000000001', '9223372036854775807'].map((value) => ['upload-length', value, { POST: [413, 'too_large'] }]),
  ...['1', '4000000000'].map((value) => ['upload-length', value, {}]),
  ...[null, '', '-1', '+100', '1e2', '100.0', '0x64', '100,100', 'x', '9223372036854775808'].map((value) => ['upload-offset', value, { PATCH: BAD_OFFSET }]),
  ...['0', '99', '101', '150', '999', '1000', '1001', '9223372036854775807'].map((value) => ['upload-offset', value, { PATCH: ELSEWHERE }]),
  ...[null, '', ' ', ',', 'filename', 'filename ***,filetype ***', `filename ${b64('a.mp4')}`, `filetype ${b64('video/mp4')}`, `filename ${b64('a\0b')},filetype ${b64('video/mp4')}`, `filename ,filetype ${b64('video/mp4')}`, `filename ${b64('a/')},filetype ${b64('video/mp4')}`, `filename ${Buffer.from([0xff, 0xfe]).toString('base64')},filetype ${b64('video/mp4')}`, `${meta('a.mp4', 'video/mp4')},x ${b64('x'.repeat(1600))}`].map((value) => ['upload-metadata', value, { POST: BAD_META }]),
  ...['text/html', 'application/zip', 'video/x-matroska', 'image/svg+xml', 'image/heic', 'video/mp4; codecs=avc1', 'VIDEO/MP4'].map((type) => ['upload-metadata', meta('a.mp4', type), { POST: [415, 'unsupported_file_type'] }]),
  ['upload-metadata', `${meta('a.mp4', 'video/mp4')}, is_confidential`, {}],
  ['upload-metadata', meta('../../etc/passwd', 'video/mp4'), {}],
  ...[null, '', 'video/mp4', 'application/octet-stream', 'application/offset', 'application/offset+octet-stream2', 'multipart/form-data; boundary=x', 'application/json'].map((value) => ['content-type', value, { PATCH: WRONG_TYPE }]),
  ['content-type', `${TYPE}; charset=utf-8`, {}],
  ...['gzip', 'deflate', 'br', 'identity'].map((value) => ['content-encoding', value, { PATCH: WRONG_TYPE }]),
  ['upload-checksum', `sha256 ${sumOf(BODY)}`, {}],
  ['upload-checksum', `sha256 ${sumOf('other')}`, { PATCH: [460, 'checksum_mismatch'] }],
  ...[`sha1 ${sumOf(BODY, 'sha1')}`, `md5 ${sumOf(BODY, 'md5')}`, `SHA256 ${sumOf(BODY)}`, `sha256${sumOf(BODY)}`, 'sha256', 'sha256 ', 'sha256 ***', `sha256 ${sumOf(BODY).slice(4)}`, `sha256 ${sumOf(BODY, 'sha512')}`, sumOf(BODY), `sha256  ${sumOf(BODY)}`].map((value) => ['upload-checksum', value, { PATCH: BAD_SUM }]),
  ...['PATCH', 'DELETE', 'HEAD', 'POST', 'GET', 'patch'].map((value) => ['x-http-method-override', value, {}]),
  ...['x-method-override', 'x-http-method'].map((name) => [name, 'DELETE', {}]),
  ['upload-defer-length', '1', {}],
  ...['partial', 'final;/api/v1/uploads/a /api/v1/uploads/b'].map((value) => ['upload-concat', value, { POST: [400, 'bad_request'] }]),
  ['if-match', '"1"', {}],
  ['range', 'bytes=0-10', {}],
  ['expect', '100-continue', {}],
];

/** [who, change of headers, {verb: wanted}]: what is said to whom. */
const CSRF = [403, 'csrf_failed'];
const FORBIDDEN = [403, 'forbidden'];
const unsafe = (wanted) => ({ POST: wanted, PATCH: wanted, DELETE: wanted });
const CALLERS = [
  ['owner', {}, {}],
  ['editor', {}, {}], // a colleague may go on with what another began
  ['writer', {}, {}],
  ['nobody', {}, all([401, 'not_signed_in'])],
  ['liar', {}, all([401, 'not_signed_in'])],
  ['viewer', {}, all(FORBIDDEN)],
  ['reader', {}, all(FORBIDDEN)],
  ['stranger', {}, { HEAD: [404], PATCH: [404, 'not_found'], DELETE: [404, 'not_found'] }],
  ['owner', { 'x-csrf-token': null }, unsafe(CSRF)],
  ['owner', { 'x-csrf-token': '' }, unsafe(CSRF)],
  ['owner', { 'x-csrf-token': '0'.repeat(64) }, unsafe(CSRF)],
  ['owner', { origin: null }, unsafe(CSRF)],
  ['owner', { origin: 'https://evil.example' }, unsafe(CSRF)],
  ['owner', { 'sec-fetch-site': 'cross-site' }, unsafe(CSRF)],
  ['owner', { 'sec-fetch-site': 'same-site' }, unsafe(CSRF)],
  ['owner', { cookie: null }, all([401, 'not_signed_in'])],
  ['owner', { cookie: `tts_session=${'A'.repeat(43)}` }, all([401, 'not_signed_in'])],
  ['writer', { authorization: 'Bearer ' }, all([401, 'not_signed_in'])],
  ['writer', { authorization: 'Basic YTpi' }, all([401, 'not_signed_in'])],
];

describe('every verb', () => {
  for (const verb of VERBS) {
    test(`${verb} × every header`, { timeout: 120_000 }, async () => {
      endAll();
      let path = await begin();
      for (const [name, value, wanted] of HEADERS) {
        const where = `${verb} with ${name}: ${value === null ? '(not sent)' : JSON.stringify(value)}`;
        const [target, options] = right(verb, path, { [name]: value });
        const answer = await client.request(verb, target, options);
        hold(where, verb, answer, wanted[verb] ?? GOOD[verb]);
        await aftermath(where, verb, path, answer);
        if (answer.status < 400 && verb !== 'HEAD' && verb !== 'OPTIONS') {
          endAll();
          path = await begin();
        }
      }
    });

    test(`${verb} × every caller`, { timeout: 60_000 }, async () => {
      for (const [who, change, wanted] of CALLERS) {
        endAll();
        const path = await begin();
        const where = `${verb} by ${who} with ${JSON.stringify(change)}`;
        const [target, options] = right(verb, path, change);
        const answer = await people[who].request(verb, target, options);
        hold(where, verb, answer, wanted[verb] ?? GOOD[verb]);
        await aftermath(where, verb, path, answer);
      }
    });
  }

  const key = 'a'.repeat(26);
  const STATES = [
    ['nobody has begun', () => `/api/v1/uploads/${key}`, all([404, 'not_found'])],
    ['of a key that is too short', () => `/api/v1/uploads/${key.slice(1)}`, all([404, 'not_found'])],
    ['of a key that is too long', () => `/api/v1/uploads/${key}a`, all([404, 'not_found'])],
    ['of a key in capitals', () => `/api/v1/uploads/${key.toUpperCase()}`, all([404, 'not_found'])],
    ['of a key with a step up in it', () => `/api/v1/uploads/..%2f${key.slice(5)}`, all([404, 'not_found'])],
    ['of a key with a quote in it', () => `/api/v1/uploads/${key.slice(1)}'`, all([404, 'not_found'])],
    ['that was terminated', async () => {
      const path = await begin();
      await client.expect(204, 'DELETE', path, { headers: TUS });
      return path;
    }, all([410, 'upload_gone'])],
    ['that has expired', async () => {
      const path = await begin();
      stack.sql(`UPDATE upload SET expires_at = 1000 WHERE upload_id = '${path.split('/').at(-1)}'`);
      return path;
    }, all([410, 'upload_gone'])],
    ['that is finished', async () => {
      const path = await begin();
      await client.patchUpload(path, SENT, Buffer.alloc(SIZE - SENT, 3));
      return path;
    }, { HEAD: 200, PATCH: ELSEWHERE, DELETE: [409, 'upload_finished'] }],
  ];
  for (const [what, make, wanted] of STATES) {
    test(`× an upload ${what}`, async () => {
      for (const verb of ['HEAD', 'PATCH', 'DELETE']) {
        endAll();
        const [target, options] = right(verb, await make());
        hold(`${verb} of an upload ${what}`, verb, await client.request(verb, target, options), wanted[verb]);
      }
    });
  }

  test('× an address that does not take it', async () => {
    endAll();
    const path = await begin();
    for (const [method, target] of [...['GET', 'PUT', 'POST'].map((one) => [one, path]), ...['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'].map((one) => [one, '/api/v1/uploads'])]) {
      for (const override of [null, 'PATCH', 'DELETE']) {
        const answer = await client.request(method, target, { body: ['GET', 'HEAD'].includes(method) ? undefined : BODY, headers: { ...TUS, 'upload-offset': String(SENT), 'content-type': TYPE, 'x-http-method-override': override } });
        hold(`${method} ${target} as if it were ${override}`, method, answer, [405, 'method_not_allowed']);
        assert.equal(await offsetOf(path), String(SENT));
      }
    }
  });

  test('× a body of another length', { timeout: 60_000 }, async () => {
    endAll();
    const path = await begin();
    const chunk = (body, change) => client.request('PATCH', path, { body, headers: { ...right('PATCH', path)[1].headers, ...change } });
    hold('a chunk beyond the end', 'PATCH', await chunk(Buffer.alloc(SIZE - SENT + 1)), [413, 'too_large']);
    hold('a chunk beyond the end, with its checksum', 'PATCH', await chunk(Buffer.alloc(SIZE), { 'upload-checksum': `sha256 ${sumOf(Buffer.alloc(SIZE))}` }), [413, 'too_large']);
    hold('a chunk larger than chunks may be', 'PATCH', await chunk(Buffer.alloc((16 << 20) + 1)), [413, 'too_large']);
    hold('a request larger than requests may be', 'PATCH', await chunk(Buffer.alloc((17 << 20) + 1)), [413, 'too_large']);
    hold('a creation larger than requests may be', 'POST', await client.request('POST', '/api/v1/uploads', { ...right('POST')[1], body: Buffer.alloc((17 << 20) + 1) }), [413, 'too_large']);
    for (const verb of ['HEAD', 'DELETE', 'PATCH', 'POST']) {
      for (const length of ['x', '-1', '1e1', '99999999999999999999999', '10, 10']) {
        const status = await raw(verb, verb === 'POST' ? '/api/v1/uploads' : path, { 'content-length': length });
        cells++;
        assert.equal(status, 400, `${verb} with Content-Length: ${length}`);
      }
    }
    assert.equal(await offsetOf(path), String(SENT));
    hold('an empty chunk', 'PATCH', await chunk(''), 204);
    assert.equal(await offsetOf(path), String(SENT));
    hold('a chunk to the end', 'PATCH', await chunk(Buffer.alloc(SIZE - SENT)), 204);
  });

  test('× a body in pieces of unknown length is taken whole', async () => {
    endAll();
    const path = await begin();
    const status = await raw('PATCH', path, { 'transfer-encoding': 'chunked', 'upload-offset': String(SENT), 'content-type': TYPE }, `5\r\nabcde\r\n5\r\nfghij\r\n0\r\n\r\n`);
    cells++;
    assert.ok([204, 400, 411].includes(status), String(status));
    assert.equal(await offsetOf(path), String(status === 204 ? SENT + 10 : SENT));
  });

  test('a sum of cells', () => {
    assert.ok(cells > 600, `${cells}`);
  });
});

/** A request that no client would send; answers the status. */
function raw(verb, path, headers, body = '') {
  const { hostname, port, host } = new URL(stack.url);
  const lines = Object.entries({ host, connection: 'close', ...client.defaultHeaders(verb), ...TUS, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname === 'localhost' ? '127.0.0.1' : hostname);
    let text = '';
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer')));
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])));
    socket.write(`${verb} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
  });
}

describe('tus-js-client', () => {
  const CHUNK = 256 << 10;
  const noise = (bytes = 5 * CHUNK + 123) => randomBytes(bytes);
  const stored = async (url) => {
    const { headers } = await client.expect(200, 'HEAD', new URL(url).pathname, { headers: TUS });
    return (await client.expect(200, 'GET', `/api/v1/media/${headers['media-id']}/content`)).body;
  };
  const options = (change = {}) => ({ endpoint: `${stack.url}/api/v1/uploads`, chunkSize: CHUNK, retryDelays: [0, 50, 200, 500, 1000], headers: { authorization: `Bearer ${stack.facts.api_token}` }, metadata: { filename: 'x.mp4', filetype: 'video/mp4' }, ...change });

  /** Runs an upload to its end and answers it; drive(upload, accepted) is called after each chunk. */
  const run = (input, change, drive) =>
    new Promise((resolve, reject) => {
      const upload = new tus.Upload(input, options({ onError: reject, onSuccess: () => resolve(upload), onChunkComplete: (_size, accepted) => drive?.(upload, accepted, resolve), ...change }));
      upload.start();
    });
  before(endAll);

  test('sends many files at once, each of them whole', async () => {
    const files = Array.from({ length: 6 }, (_, i) => noise((i + 1) * 200_000 + i));
    const uploads = await Promise.all(files.map((bytes) => run(bytes)));
    assert.equal(new Set(uploads.map(({ url }) => url)).size, files.length);
    for (const [i, { url }] of uploads.entries()) {
      assert.ok((await stored(url)).equals(files[i]));
    }
  });

  test('goes on in another process after it was killed', async () => {
    const bytes = noise(20 * CHUNK);
    const [file, store] = [stack.path('tmp', 'killed.mp4'), stack.path('tmp', 'urls.json')];
    writeFileSync(file, bytes);
    const script = `
      const tus = require(${JSON.stringify(require.resolve('tus-js-client'))});
      const options = JSON.parse(process.argv[1]);
      new tus.Upload(require('fs').createReadStream(options.file), { ...options, urlStorage: new tus.FileUrlStorage(options.store),
        onChunkComplete: (_size, accepted) => { console.log(accepted); } , onError: (error) => { console.error(error); process.exit(1); } }).start();`;
    const child = spawn(process.execPath, ['-e', script, JSON.stringify(options({ file, store, uploadSize: bytes.length }))], { stdio: ['ignore', 'pipe', 'inherit'] });
    const gone = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
    await new Promise((resolve) => child.stdout.on('data', (text) => Number(String(text).trim().split('\n').at(-1)) > 4 * CHUNK && resolve()));
    child.kill('SIGKILL');
    assert.equal(await gone, 'SIGKILL');
    const offsets = [];
    const done = await new Promise((resolve, reject) => {
      const upload = new tus.Upload(createReadStream(file), options({ uploadSize: bytes.length, urlStorage: new tus.FileUrlStorage(store), onError: reject, onSuccess: () => resolve(upload), onChunkComplete: (_size, accepted) => offsets.push(accepted) }));
      upload.findPreviousUploads().then(([previous, ...more]) => {
        assert.ok(previous && more.length === 0);
        upload.resumeFromPreviousUpload(previous);
        upload.start();
      }).catch(reject);
    });
    assert.ok(offsets[0] > 5 * CHUNK, `it began anew, at ${offsets[0]}`);
    assert.ok((await stored(done.url)).equals(bytes));
  });

  test('survives that nginx and all workers are killed in the middle', async () => {
    const bytes = noise(24 * CHUNK);
    const kills = [() => stack.children('tts-api').forEach((pid) => process.kill(pid, 'SIGKILL')), () => stack.children('nginx').forEach((pid) => process.kill(pid, 'SIGKILL'))];
    let at = 0;
    const { url } = await run(bytes, {}, (_upload, accepted) => {
      if (accepted > at + 4 * CHUNK && kills.length > 0) {
        at = accepted;
        kills.shift()();
      }
    });
    assert.equal(kills.length, 0);
    assert.ok((await stored(url)).equals(bytes));
  });

  test('terminates what it has begun', async () => {
    const upload = await run(noise(), {}, (one, accepted, resolve) => accepted > CHUNK && one.abort(true).then(() => resolve(one)));
    const answer = await client.request('HEAD', new URL(upload.url).pathname, { headers: TUS });
    assert.equal(answer.status, 410);
    const key = upload.url.split('/').at(-1);
    assert.equal(stack.sql(`SELECT COUNT(*) FROM media WHERE blob_key = '${key}'`).trim(), '0');
    assert.throws(() => execFileSync('test', ['-e', stack.path('media', key.slice(0, 2), key)]));
  });

  test('begins anew when what it had begun has expired', async () => {
    const bytes = noise();
    const first = await run(bytes, {}, (one, accepted, resolve) => accepted > CHUNK && one.abort().then(() => resolve(one)));
    assert.ok(first.url);
    stack.sql(`UPDATE upload SET expires_at = 1000 WHERE upload_id = '${first.url.split('/').at(-1)}'`);
    const second = await run(bytes, { uploadUrl: first.url });
    assert.notEqual(second.url, first.url);
    assert.ok((await stored(second.url)).equals(bytes));
  });

  test('sends the first bytes with the creation, and the rest in chunks', async () => {
    const bytes = noise();
    const { url } = await run(bytes, { uploadDataDuringCreation: true });
    assert.ok((await stored(url)).equals(bytes));
  });

  test('pauses and goes on, several times', async () => {
    const bytes = noise(8 * CHUNK);
    const url = await new Promise((resolve, reject) => {
      let pauses = 0;
      const upload = new tus.Upload(bytes, options({
        onError: reject, onSuccess: () => (assert.equal(pauses, 3), resolve(upload.url)),
        onChunkComplete: () => pauses < 3 && ++pauses && upload.abort().then(() => upload.start(), reject),
      }));
      upload.start();
    });
    assert.ok((await stored(url)).equals(bytes));
  });

  for (const [what, change, said] of [
    ['a file in parts', { parallelUploads: 2 }, /400/],
    ['a length told later', { uploadLengthDeferred: true }, /400/],
    ['a POST that stands for a PATCH', { overridePatchMethod: true }, /405/],
  ]) {
    test(`is refused ${what}, which is not spoken here, and leaves no file`, async () => {
      const count = () => stack.sql('SELECT COUNT(*) FROM media').trim();
      const before = count();
      await assert.rejects(run(what.includes('later') ? createReadStream(new URL(import.meta.url).pathname) : noise(), { retryDelays: null, ...change }), said);
      assert.equal(count(), before);
    });
  }

  test('by several clients at once on one upload leaves one file, whole', async () => {
    const bytes = noise(10 * CHUNK);
    const first = await run(bytes, {}, (one, accepted, resolve) => accepted > CHUNK && one.abort().then(() => resolve(one)));
    const both = await Promise.allSettled([1, 2, 3].map(() => run(bytes, { uploadUrl: first.url, retryDelays: Array(20).fill(50) })));
    assert.ok(both.some(({ status }) => status === 'fulfilled'), both.map(({ reason }) => reason?.message).join());
    assert.ok((await stored(first.url)).equals(bytes));
    assert.equal(stack.sql(`SELECT COUNT(*) FROM media WHERE blob_key = '${first.url.split('/').at(-1)}'`).trim(), '1');
  });

  test('leaves nothing of its requests behind', async () => {
    await eventually(async () => execFileSync('ls', [stack.path('incoming')], { encoding: 'utf8' }) === '', { what: 'incoming/ to be empty' });
  });
});
