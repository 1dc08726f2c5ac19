// Signing in and out, sessions, the defence against requests from other sites, and what
// an API token may do.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BUILD_DIR, SANITIZED, Stack } from '../harness/stack.mjs';

let stack;
before(async () => {
  // nginx's own limit for sign-ins is out of the way: what counts here is the program's.
  stack = await Stack.start({ env: { NGINX_AUTH_RATE: '10000r/s', NGINX_AUTH_BURST: '10000', API_WORKERS: '12' } });
});
after(() => stack?.stop());

const PASSWORD = 'correct horse battery staple';

/** Runs ttsctl as the database's administrator and answers what it wrote. */
const ctl = (words, input = '') =>
  execFileSync(join(BUILD_DIR, 'bin/ttsctl'), words, {
    input,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { TTS_ENV_FILE: '', DATABASE_URL: `mysql://root@localhost/tts?socket=${stack.path('run/mariadb.sock')}` },
  });

/** A person of the demo workspace with a role, and a client of theirs. */
async function person(name, role = 'editor') {
  const email = `${name}@example.com`;
  ctl(['user', 'add', email, '--workspace', 'Demo', '--role', role], `${PASSWORD}\n`);
  const client = stack.client();
  await client.signIn(email, PASSWORD);
  return { email, client };
}

const stateOf = async (client) => (await client.request('GET', '/api/v1/session')).status;

const signInBody = (change = {}) => ({ email: stack.facts.email, password: stack.facts.password, ...change });

describe('signing in', () => {
  test('gives a session that is not readable by scripts and says who is signed in', async () => {
    const client = stack.client();
    const answer = await client.expect(201, 'POST', '/api/v1/session', { json: signInBody() });
    assert.equal(answer.json.user.email, stack.facts.email);
    assert.equal(answer.json.role, 'owner');
    assert.equal(answer.json.app.sandbox, true);
    const cookies = answer.headers['set-cookie'];
    assert.equal(cookies.length, 1);
    assert.match(cookies[0], /^tts_session=[A-Za-z0-9_-]{32,};/);
    for (const attribute of ['HttpOnly', 'SameSite=Lax', 'Path=/']) {
      assert.ok(cookies[0].split(/;\s*/).includes(attribute), `${attribute} in ${cookies[0]}`);
    }
    assert.equal((await client.get('/api/v1/session')).user.email, stack.facts.email);
  });

  const refused = [
    ['a wrong password', { password: 'wrong password of some length' }, 401, 'bad_credentials'],
    ['an unknown person', { email: 'nobody@example.com' }, 401, 'bad_credentials'],
    ['an empty password', { password: '' }, 422, undefined],
    ['a password that is not text', { password: 12 }, 422, undefined],
    ['an unknown member', { admin: true }, 422, 'unknown_field'],
  ];
  for (const [what, change, status, code] of refused) {
    test(`refuses ${what}`, async () => {
      const client = stack.client();
      const answer = await client.request('POST', '/api/v1/session', { json: signInBody(change) });
      assert.equal(answer.status, status);
      if (code) {
        assert.equal(answer.json.error.code, code);
      }
      assert.equal(client.cookies.size, 0);
    });
  }

  test('says the same of a wrong password and of an unknown person', async () => {
    const [wrong, unknown] = await Promise.all(
      [{ password: 'wrong password of some length' }, { email: 'nobody@example.com' }].map((change) => stack.client().request('POST', '/api/v1/session', { json: signInBody(change) })),
    );
    assert.deepEqual({ ...wrong.json.error, request_id: '' }, { ...unknown.json.error, request_id: '' });
  });

  test('does not take malformed JSON or another content type', async () => {
    const client = stack.client();
    const broken = await client.request('POST', '/api/v1/session', { body: '{"email":', headers: { 'content-type': 'application/json' } });
    assert.deepEqual([broken.status, broken.json.error.code], [400, 'bad_json']);
    const form = await client.request('POST', '/api/v1/session', { body: 'email=a', headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    assert.deepEqual([form.status, form.json.error.code], [415, 'unsupported_media_type']);
  });

  test('does not keep a session that was there before', async () => {
    const client = stack.client();
    client.cookies.set('tts_session', 'a'.repeat(43));
    await client.signIn(stack.facts.email, stack.facts.password);
    assert.notEqual(client.cookies.get('tts_session'), 'a'.repeat(43));
  });

  test('from another site is refused even with the right password', async () => {
    for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, { origin: null }, { 'sec-fetch-site': 'cross-site' }]) {
      const answer = await stack.client().request('POST', '/api/v1/session', { json: signInBody(), headers });
      assert.deepEqual([answer.status, answer.json.error.code], [403, 'csrf_failed'], JSON.stringify(headers));
    }
  });
});

describe('a session', () => {
  test('ends with signing out, also for a copy of its cookie', async () => {
    const client = await stack.signedIn();
    const copy = stack.client();
    copy.cookies = new Map(client.cookies);
    const answer = await client.expect(204, 'DELETE', '/api/v1/session');
    assert.match(answer.headers['clear-site-data'] ?? '', /"storage"/);
    for (const who of [client, copy]) {
      const after = await who.request('GET', '/api/v1/session');
      assert.deepEqual([after.status, after.json.error.code], [401, 'not_signed_in']);
    }
  });

  test('is needed for everything that is somebody\'s', async () => {
    const paths = ['/api/v1/session', '/api/v1/accounts', '/api/v1/media', '/api/v1/posts', '/api/v1/changes', '/api/v1/accounts/1/creator-info', '/api/v1/media/1/content', '/api/v1/posts/1/events', '/api/v1/calendar?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z'];
    for (const path of paths) {
      for (const cookie of [null, 'tts_session=', `tts_session=${'b'.repeat(43)}`, 'tts_session=%00', 'tts_session=a; tts_session=b']) {
        const answer = await stack.client().request('GET', path, { headers: { cookie } });
        assert.equal(answer.status, 401, `${path} with ${cookie}`);
      }
    }
  });

  test('of two people in one browser: two cookies of the name are refused', async () => {
    const client = await stack.signedIn();
    const value = client.cookies.get('tts_session');
    const answer = await client.request('GET', '/api/v1/session', { headers: { cookie: `tts_session=${value}; tts_session=${'c'.repeat(43)}` } });
    assert.equal(answer.status, 401);
  });
});

describe('a session and its person', () => {
  test('end after a time without a request, on every worker', async () => {
    const { client } = await person('idle');
    stack.sql("UPDATE session s JOIN user u ON u.user_id = s.user_id SET s.idle_expires_at = s.seen_at WHERE u.email = 'idle@example.com'");
    for (let i = 0; i < 24; i++) {
      assert.equal(await stateOf(client), 401);
    }
  });

  test('are kept out at once, with the token, and let in again', async () => {
    const { email, client } = await person('leaver');
    const token = stack.client({ token: ctl(['token', 'add', email]).trim() });
    assert.deepEqual([await stateOf(client), await stateOf(token)], [200, 200]);
    ctl(['user', 'disable', email]);
    assert.deepEqual([await stateOf(client), await stateOf(token)], [401, 401]);
    const again = await stack.client().request('POST', '/api/v1/session', { json: { email, password: PASSWORD } });
    assert.deepEqual([again.status, again.json.error.code], [401, 'bad_credentials']);
    ctl(['user', 'enable', email]);
    await stack.client().signIn(email, PASSWORD);
    assert.equal(await stateOf(token), 200);
  });

  test('end with a new password', async () => {
    const { email, client } = await person('changer');
    ctl(['user', 'password', email], 'another long password\n');
    assert.equal(await stateOf(client), 401);
    await stack.client().signIn(email, 'another long password');
  });

  test('do what the role allows and no more', async () => {
    // Method, path, body, and the answers to admin, editor, viewer; 404 and 422 are past the role.
    const probes = [
      ['GET', '/api/v1/posts', undefined, [200, 200, 200]],
      ['GET', '/api/v1/accounts', undefined, [200, 200, 200]],
      ['POST', '/api/v1/posts', {}, [422, 422, 403]],
      ['PATCH', '/api/v1/posts/999999999', {}, [404, 404, 403]],
      ['DELETE', '/api/v1/posts/999999999', undefined, [404, 404, 403]],
      ['PATCH', '/api/v1/media/999999999', { filename: 'x.mp4' }, [404, 404, 403]],
      ['DELETE', '/api/v1/media/999999999', undefined, [404, 404, 403]],
      ['DELETE', '/api/v1/accounts/999999999', undefined, [404, 403, 403]],
    ];
    for (const [index, role] of ['admin', 'editor', 'viewer'].entries()) {
      const { client } = await person(`role-${role}`, role);
      for (const [method, path, json, wanted] of probes) {
        const answer = await client.request(method, path, { json });
        assert.equal(answer.status, wanted[index], `${role} ${method} ${path}`);
        if (answer.status === 403) {
          assert.equal(answer.json.error.code, 'forbidden');
        }
      }
    }
  });
});

describe('requests from other sites', () => {
  const origins = { good: () => new URL(stack.url).origin, bad: () => 'https://evil.example', null: () => 'null', absent: () => null };
  const sites = ['same-origin', 'same-site', 'cross-site', 'none', null];
  const probes = [['POST', '/api/v1/posts', 422], ['PATCH', '/api/v1/posts/999999999', 404], ['DELETE', '/api/v1/posts/999999999', 404]];

  for (const [method, path, status] of probes) {
    test(`cannot ${method} ${path}`, async () => {
      const client = await stack.signedIn();
      const other = await stack.signedIn();
      const tokens = { good: client.csrf, 'of another session': other.csrf, bad: 'x'.repeat(client.csrf.length), absent: null };
      for (const [originName, origin] of Object.entries(origins)) {
        for (const site of sites) {
          for (const [tokenName, token] of Object.entries(tokens)) {
            if (site === 'same-origin' && originName !== 'good' && originName !== 'absent') {
              continue; // no browser sends this, so either answer is right
            }
            const allowed = tokenName === 'good' && (site === 'same-origin' || (site === null && originName === 'good'));
            const answer = await client.request(method, path, { json: method === 'DELETE' ? undefined : {}, headers: { origin: origin(), 'sec-fetch-site': site, 'x-csrf-token': token } });
            const where = `origin ${originName}, site ${site}, token ${tokenName}`;
            assert.equal(answer.status, allowed ? status : 403, where);
            if (!allowed) {
              assert.equal(answer.json.error.code, 'csrf_failed', where);
            }
          }
        }
      }
    });
  }

  test('may not change a method by a header', async () => {
    const client = await stack.signedIn();
    const answer = await client.request('POST', '/api/v1/session', { json: signInBody(), headers: { 'x-http-method-override': 'DELETE' } });
    assert.equal(answer.status, 201);
  });
});

describe('an API token', () => {
  test('needs no CSRF token and reads no cookie', async () => {
    const client = stack.bearer();
    const me = await client.get('/api/v1/session');
    assert.equal(me.csrf_token, null);
    const answer = await client.request('POST', '/api/v1/posts', { json: {}, headers: { origin: 'https://evil.example' } });
    assert.equal(answer.status, 422);
  });

  test('that is wrong in any way is refused', async () => {
    const right = stack.facts.api_token;
    const wrong = [right.slice(0, -1), `${right}a`, right.replace(/^tts_/, 'TTS_'), right.slice(0, -1) + (right.endsWith('a') ? 'b' : 'a'), 'tts_', 'x'];
    for (const token of wrong) {
      const answer = await stack.client({ token }).request('GET', '/api/v1/session');
      assert.equal(answer.status, 401, token.length);
    }
    const both = await stack.signedIn();
    const answer = await both.request('GET', '/api/v1/session', { headers: { authorization: 'Bearer tts_wrong' } });
    assert.equal(answer.status, 401);
  });
});

describe('unknown addresses and methods', () => {
  test('answer in the form of the API', async () => {
    const client = await stack.signedIn();
    const none = await client.request('GET', '/api/v1/nothing');
    assert.deepEqual([none.status, none.json.error.code], [404, 'not_found']);
    const method = await client.request('PUT', '/api/v1/posts', { json: {} });
    assert.deepEqual([method.status, method.json.error.code], [405, 'method_not_allowed']);
    assert.match(method.headers.allow ?? '', /GET.*POST|POST.*GET/);
  });

  test('with ids that are not numbers are not found', async () => {
    const client = await stack.signedIn();
    for (const id of ['0', '-1', '1x', '99999999999999999999999', '1%00', '%2e%2e', "1'"]) {
      const answer = await client.request('GET', `/api/v1/posts/${id}`);
      assert.ok([400, 404].includes(answer.status), `${id}: ${answer.status}`);
    }
  });
});

// Last, because it uses up the failures that one address may have.
describe('guessing passwords', () => {
  const guess = (email, password = 'wrong password of some length') => stack.client().request('POST', '/api/v1/session', { json: { email, password } });

  test('ends after a few tries, for somebody and for nobody alike, and the right one does not help then', async () => {
    const { email } = await person('target');
    for (const who of [email, 'nobody-at-all@example.com']) {
      const answers = [];
      for (let i = 0; i < 7; i++) {
        answers.push(await guess(who));
      }
      assert.deepEqual(answers.map(({ status }) => status), [401, 401, 401, 401, 401, 429, 429], who);
      assert.equal(answers[6].json.error.code, 'too_many_attempts');
      assert.ok(Number(answers[6].headers['retry-after']) > 60);
    }
    assert.equal((await guess(email.toUpperCase(), PASSWORD)).status, 429);
    await person('bystander');
  });

  test('by two hundred at once costs little memory, and others are served meanwhile', { skip: SANITIZED }, async () => {
    const client = stack.bearer();
    const workers = stack.children('tts-api');
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, workers.map(residentKb).reduce((sum, kb) => sum + kb, 0));
    }, 10);
    const flood = Promise.all(Array.from({ length: 200 }, (_, i) => guess(`flood-${i}@example.com`)));
    let statuses;
    try {
      for (let i = 0; i < 10; i++) {
        await client.get('/api/v1/accounts');
      }
    } finally {
      statuses = new Set((await flood).map(({ status }) => status));
      clearInterval(watch);
    }
    assert.deepEqual([...statuses].filter((status) => ![401, 429].includes(status)), []);
    // At most four hashes of 46 MiB at a time, and the workers themselves.
    assert.ok(peak < (4 * 46 + workers.length * 16) * 1024, `${peak} kB`);
  });
});

/** Resident memory of one process. */
function residentKb(pid) {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
