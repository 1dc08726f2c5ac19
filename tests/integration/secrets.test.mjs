// No secret ends up where people look: logs, answers, the database in the clear. The
// canaries are the stack's real secrets, used in the whole journey and then searched for.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { consent, exchange } from '../../tools/lib/client.mjs';
import { clearFaults, setFault } from '../harness/sandbox.mjs';
import { MailServer } from '../harness/smtp.mjs';
import { Stack, eventually } from '../harness/stack.mjs';
import { bodyOf, send } from '../harness/webhooks.mjs';
import { connectAccount, fateOf, inMs, openWindows, photoPostOf, postOf, readyPhotos, readyVideo } from '../harness/world.mjs';

const MAIL_PASSWORD = 'canary-of-the-mail-server';

let mail;
let stack;
const canaries = new Map();
before(async () => {
  mail = await MailServer.start({ login: `tts:${MAIL_PASSWORD}` });
  stack = await Stack.start({ env: { LOG_LEVEL: 'debug', SMTP_URL: `smtp://tts:${MAIL_PASSWORD}@127.0.0.1:${mail.port}`, MAIL_FROM: 'tts@example.com' } });
  canaries.set('the password of the mail server', MAIL_PASSWORD);
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
  const published = async (body) => {
    await openWindows(stack);
    const { json: post } = await client.expect(201, 'POST', '/api/v1/posts', { json: { ...body, publish_at: inMs(500) } });
    return fateOf(client, post.id);
  };
  await published(postOf(account, media));
  const photos = await published(photoPostOf(account, await readyPhotos(client, stack, 2)));
  assert.equal(photos.status, 'published_private', photos.status_text);
  canaries.set('an address by which TikTok fetches', randomBytes(16).toString('hex'));
  assert.equal((await exchange(`${stack.url}/m/${canaries.get('an address by which TikTok fetches')}/0.jpg`)).status, 404);
  for (const endpoint of ['upload', 'video_init', 'status']) {
    await setFault(stack, { endpoint, status: 503, count: 1 });
    await published(postOf(account, media));
  }
  await setFault(stack, { fail_reason: 'file_format_check_failed', count: 1 });
  await published(postOf(account, media));
  await eventually(() => mail.mails.length > 0, { what: 'the mail about it' });
  await clearFaults(stack);
  await eventually(() => Number(stack.sql('SELECT COUNT(*) FROM webhook_inbox WHERE state = 4')) > 0, { what: 'a webhook of the simulator to be applied' });
  const told = bodyOf('post.publish.complete', '-000canary', { publish_id: 'v_pub_file~v2-1.1', publish_type: 'DIRECT_PUBLISH' });
  assert.equal((await send(stack, told)).status, 200);
  assert.notEqual((await send(stack, told, 't=1,s=00')).status, 200);
  stack.sql('UPDATE account_token SET rf_next = 1, rf_until = 0');
  await setFault(stack, { endpoint: 'token', status: 503, count: 1 });
  const versionOf = () => Number(stack.sql(`SELECT tok_ver FROM account_token WHERE account_id = ${account}`));
  const before = versionOf();
  await eventually(() => versionOf() > before, { ms: 60_000, what: 'the tokens to be refreshed after all' });
  // Failures say the most: each part goes away once while requests come in.
  await stack.hold('tts-api');
  await client.request('GET', `/api/auth/tiktok/callback?code=${canaries.get('a code')}&state=${canaries.get('a state')}`);
  await stack.start('tts-api');
  for (const line of readFileSync(stack.path('secrets'), 'utf8').trim().split('\n')) {
    const [name, value] = line.split('=');
    canaries.set(name, value);
  }
});
after(async () => {
  await stack?.stop();
  await mail?.stop();
});

test('no log holds a secret', () => {
  const dir = stack.path('log');
  const seen = readdirSync(dir).map((name) => readFileSync(join(dir, name), 'utf8')).join('');
  for (const witness of ['/m/-', '/upload', '/api/webhooks/tiktok', 'callback']) {
    assert.ok(seen.includes(witness), `nothing of ${witness} was logged, so this test shows nothing`);
  }
  for (const name of readdirSync(dir)) {
    const text = readFileSync(join(dir, name), 'utf8');
    for (const [what, secret] of canaries) {
      assert.ok(secret, `${what} is unknown`);
      assert.ok(!text.includes(secret), `${name} holds ${what}`);
    }
    assert.doesNotMatch(text, /\b(act|rft)\.[A-Za-z0-9]{8,}/, `${name} holds a token of TikTok`);
    assert.doesNotMatch(text, /upload_token=/, `${name} holds the address of an upload`);
    assert.doesNotMatch(text, /\/m\/[0-9a-f]{16,}/, `${name} holds an address by which TikTok fetches`);
    assert.doesNotMatch(text, /Bearer /, `${name} holds an authorization`);
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
