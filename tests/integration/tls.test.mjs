// The template of a site on the internet: protocols, names, redirects and limits, with no
// program behind it, so that nginx's own answers are seen too.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { exchange } from '../../tools/lib/client.mjs';
import { startTlsSite } from '../harness/nginx.mjs';
import { eventually } from '../harness/stack.mjs';

let dir;
let site;
before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tts-tls-'));
  site = await startTlsSite(dir);
});
after(async () => {
  await site?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const connect = (options) =>
  new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port: site.https, ca: readFileSync(site.cert), ...options }, () => {
      resolve({ protocol: socket.getProtocol(), cipher: socket.getCipher().name, alpn: socket.alpnProtocol });
      socket.destroy();
    });
    socket.once('error', reject);
  });

/** One request over HTTP/2. */
const get = (path, { method = 'GET', headers = {}, body } = {}) =>
  new Promise((resolve, reject) => {
    const session = http2.connect(`https://localhost:${site.https}`, { ca: readFileSync(site.cert), host: '127.0.0.1', lookup: (_host, options, done) => (options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)) });
    session.once('error', reject);
    const stream = session.request({ ':path': path, ':method': method, ...headers }, { endStream: body === undefined });
    let text = '';
    let answer;
    stream.on('response', (head) => {
      answer = head;
    });
    stream.on('data', (data) => {
      text += data;
    });
    stream.on('end', () => {
      session.close();
      resolve({ status: answer[':status'], headers: answer, text });
    });
    stream.once('error', reject);
    if (body !== undefined) {
      stream.end(body);
    }
  });

describe('TLS', () => {
  test('is 1.3 or 1.2 and nothing older', async () => {
    assert.equal((await connect({ servername: 'localhost' })).protocol, 'TLSv1.3');
    assert.equal((await connect({ servername: 'localhost', maxVersion: 'TLSv1.2' })).protocol, 'TLSv1.2');
    await assert.rejects(connect({ servername: 'localhost', minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
  });

  test('1.2 has forward secrecy and authenticated encryption', async () => {
    const { cipher } = await connect({ servername: 'localhost', maxVersion: 'TLSv1.2' });
    assert.match(cipher, /^ECDHE-.*(GCM|CHACHA20)/);
    await assert.rejects(connect({ servername: 'localhost', maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' }));
  });

  test('refuses names that are not ours in the handshake', async () => {
    await assert.rejects(connect({ servername: 'other.example', checkServerIdentity: () => undefined }));
    await assert.rejects(connect({}));
  });
});

describe('plain HTTP', () => {
  test('goes on to https for our name and nowhere for others', async () => {
    const answer = await exchange(`http://127.0.0.1:${site.http}/accounts?x=1`, { headers: { host: 'localhost' } });
    assert.deepEqual([answer.status, answer.headers.location], [301, 'https://localhost/accounts?x=1']);
    await assert.rejects(exchange(`http://127.0.0.1:${site.http}/`, { headers: { host: 'evil.example' } }));
  });
});

describe('every kind of answer', () => {
  const kinds = [
    ['a page', '/', {}, 200],
    ['a screen', '/posts/42', {}, 200],
    ['an asset', '/assets/app-abc123.js', {}, 200],
    ['an asset that is not there', '/assets/none.js', {}, 404],
    ['a hidden file', '/.git/config', {}, 404],
    ['a method that is not known', '/', { method: 'TRACE' }, 405],
    ['a method that pages do not take', '/', { method: 'POST', body: 'x' }, 405],
    ['the API when no worker answers', '/api/v1/posts', {}, 503],
    ['a body that is too large', '/api/v1/posts', { method: 'POST', body: Buffer.alloc(70_000) }, 413],
    ['media without the right to it', '/_media/aa/x', {}, 404],
  ];
  for (const [what, path, options, status] of kinds) {
    test(`${what} has the security headers`, async () => {
      const answer = await get(path, options);
      assert.equal(answer.status, status);
      assert.match(answer.headers['strict-transport-security'], /^max-age=63072000/);
      assert.match(answer.headers['content-security-policy'], /^default-src 'none'/);
      assert.equal(answer.headers['x-content-type-options'], 'nosniff');
      assert.equal(answer.headers['x-frame-options'], 'DENY');
      assert.equal(answer.headers['referrer-policy'], 'no-referrer');
      assert.equal(answer.headers['cross-origin-opener-policy'], 'same-origin');
      assert.equal(answer.headers.server, 'nginx');
      if (path.startsWith('/api/')) {
        assert.equal(JSON.parse(answer.text).error.request_id.length, 32);
      }
    });
  }

  test('pages trust no script but ours and are asked for again; assets are kept for ever', async () => {
    const page = await get('/');
    const policy = page.headers['content-security-policy'];
    for (const rule of ["script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "trusted-types 'none'", "require-trusted-types-for 'script'"]) {
      assert.ok(policy.includes(rule), rule);
    }
    assert.ok(!/unsafe|\*|data:/.test(policy), policy);
    assert.equal(page.headers['cache-control'], 'no-cache');
    assert.match((await get('/assets/app-abc123.js')).headers['cache-control'], /immutable/);
  });
});

describe('logs', () => {
  test('hold no code of a callback, failed or refused, and no query of a page', async () => {
    const secret = 'canary-0123456789';
    const callback = `/api/auth/tiktok/callback?code=${secret}&state=${secret}`;
    await get(callback, { headers: { referer: `https://localhost/?${secret}` } });
    await Promise.all(Array.from({ length: 60 }, () => get(callback)));
    await get(`/?next=${secret}`);
    await exchange(`http://127.0.0.1:${site.http}/api/auth/tiktok/callback?code=${secret}`, { headers: { host: 'localhost' } });
    for (const log of ['access.log', 'error.log']) {
      assert.ok(!readFileSync(join(dir, log), 'utf8').includes(secret), log);
    }
  });
});

describe('limits', () => {
  test('stop a flood with 429 in the form of the API', async () => {
    const answers = await Promise.all(Array.from({ length: 80 }, () => get('/api/v1/posts')));
    const refused = answers.filter(({ status }) => status === 429);
    assert.ok(refused.length > 20, `${refused.length} of 80`);
    assert.equal(JSON.parse(refused[0].text).error.code, 'rate_limited');
    assert.equal(refused[0].headers['retry-after'], '1');
  });

  // Its burst is 5: a person who opens ten pages is no guesser of passwords.
  test('count tries at signing in, and not who asks who is signed in', async () => {
    const statuses = (method) => Promise.all(Array.from({ length: 10 }, () => get('/api/v1/session', { method })));
    await eventually(async () => (await statuses('GET')).every(({ status }) => status !== 429), { every: 1500, what: 'ten looks at the session, once the flood is forgotten' });
    assert.ok((await statuses('POST')).filter(({ status }) => status === 429).length >= 3);
  });
});
