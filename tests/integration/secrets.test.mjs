// No secret ends up where people look: logs, answers, the database in the clear. The
// canaries are the stack's real secrets, used in the whole journey and then searched for.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { consent } from '../../tools/lib/client.mjs';
import { Stack } from '../harness/stack.mjs';
import { connectAccount, fateOf, inMs, postOf, readyVideo } from '../harness/world.mjs';

let stack;
const canaries = new Map();
before(async () => {
  stack = await Stack.start({ env: { LOG_LEVEL: 'debug' } });
  const client = await stack.signedIn();
  await client.request('POST', '/api/v1/session', { json: { email: stack.facts.email, password: 'canary-wrong-password' } });
  canaries.set('a wrong password', 'canary-wrong-password');
  canaries.set('the password', stack.facts.password);
  canaries.set('the API token', stack.facts.api_token);
  canaries.set('the session', client.cookies.get('tts_session'));
  canaries.set('the CSRF token', client.csrf);
  const { json } = await client.expect(200, 'POST', '/api/auth/tiktok/start', { json: {} });
  const authorize = new URL(json.authorize_url);
  const way = new URL(await consent(authorize.href));
  canaries.set('a state', authorize.searchParams.get('state'));
  canaries.set('a code', way.searchParams.get('code'));
  await client.finishConnect(way.href);
  await stack.bearer().get('/api/v1/session');
  const account = await connectAccount(client);
  const media = await readyVideo(client, stack);
  const { json: post } = await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { publish_at: inMs(500) }) });
  await fateOf(client, post.id);
  // Failures say the most: each part goes away once while requests come in.
  await stack.hold('tts-api');
  await client.request('GET', `/api/auth/tiktok/callback?code=${canaries.get('a code')}&state=${canaries.get('a state')}`);
  await stack.start('tts-api');
  for (const line of readFileSync(stack.path('secrets'), 'utf8').trim().split('\n')) {
    const [name, value] = line.split('=');
    canaries.set(name, value);
  }
});
after(() => stack?.stop());

test('no log holds a secret', () => {
  const dir = stack.path('log');
  for (const name of readdirSync(dir)) {
    const text = readFileSync(join(dir, name), 'utf8');
    for (const [what, secret] of canaries) {
      assert.ok(secret, `${what} is unknown`);
      assert.ok(!text.includes(secret), `${name} holds ${what}`);
    }
    assert.doesNotMatch(text, /\b(act|rft)\.[A-Za-z0-9]{8,}/, `${name} holds a token of TikTok`);
  }
});

test('the database holds no token, code or password in the clear', () => {
  const dump = stack.dump();
  for (const what of ['the password', 'the API token', 'the session', 'a state', 'a code', 'a wrong password', 'SANDBOX_CLIENT_SECRET']) {
    assert.ok(!dump.includes(canaries.get(what)), what);
  }
  assert.doesNotMatch(dump, /\b(act|rft)\.[A-Za-z0-9]{8,}/);
});

test('what is private is readable by its owner only', async () => {
  const { statSync } = await import('node:fs');
  for (const name of ['stack.json', 'secrets', 'keys/token.key', 'keys/app.key']) {
    assert.equal(statSync(stack.path(name)).mode & 0o077, 0, name);
  }
});

test('no command line of a running program holds a secret', () => {
  for (const name of ['mariadb', 'redis', 'nginx', 'tts-api', 'tts-publisher', 'tts-media', 'tts-sandbox']) {
    const text = readFileSync(`/proc/${stack.pid(name)}/cmdline`, 'utf8');
    for (const [what, secret] of canaries) {
      assert.ok(!text.includes(secret), `${name} shows ${what}`);
    }
  }
});
