// Connecting accounts: the way out, every way back, and what the account can then do.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { consent } from '../../tools/lib/client.mjs';
import { choosing, clearFaults, setFault, turn } from '../harness/sandbox.mjs';
import { Stack } from '../harness/stack.mjs';
import { connectAccount, fateOf, inMs, postOf, readyVideo } from '../harness/world.mjs';

let stack;
let client;
before(async () => {
  stack = await Stack.start();
  client = await stack.signedIn();
});
after(() => stack?.stop());

const start = async (who = client, json = {}) => new URL((await who.expect(200, 'POST', '/api/auth/tiktok/start', { json })).json.authorize_url);
const back = (query, who = client) => who.finishConnect(`${stack.url}/api/auth/tiktok/callback?${new URLSearchParams(query)}`);
/** Goes through consent and answers what TikTok's redirect carries. */
const granted = async (url, choose) => Object.fromEntries(new URL(await consent(url.href, choose)).searchParams);

describe('the way to TikTok', () => {
  test('carries our key, the exact redirect address, the scopes, a fresh state and PKCE in TikTok\'s form', async () => {
    const [one, two] = [await start(), await start()];
    assert.equal(one.origin, stack.sandboxUrl);
    assert.equal(one.pathname, '/v2/auth/authorize/');
    assert.equal(one.searchParams.get('response_type'), 'code');
    assert.equal(one.searchParams.get('redirect_uri'), `${stack.url}/api/auth/tiktok/callback`);
    assert.deepEqual(one.searchParams.get('scope').split(',').sort(), ['user.info.basic', 'video.publish', 'video.upload']);
    assert.match(one.searchParams.get('code_challenge'), /^[0-9a-f]{64}$/);
    assert.equal(one.searchParams.get('code_challenge_method'), 'S256');
    assert.ok(one.searchParams.get('state').length >= 43);
    assert.notEqual(one.searchParams.get('state'), two.searchParams.get('state'));
  });

  test('needs a session and our own page', async () => {
    assert.equal((await stack.client().request('POST', '/api/auth/tiktok/start', { json: {} })).status, 401);
    assert.equal((await client.request('POST', '/api/auth/tiktok/start', { json: {}, headers: { origin: 'https://evil.example' } })).status, 403);
    assert.equal((await client.request('GET', '/api/auth/tiktok/start')).status, 405);
    assert.equal((await client.request('POST', '/api/auth/tiktok/start', { json: { account_id: '999999' } })).status, 404);
  });
});

describe('the way back', () => {
  test('connects the account and shows it without any token', async () => {
    const id = await connectAccount(client);
    const account = await client.get(`/api/v1/accounts/${id}`);
    assert.equal(account.status, 'connected');
    assert.deepEqual(account.missing_scopes, []);
    assert.equal(account.features.direct_post, true);
    assert.ok(account.nickname.length > 0);
    const everything = JSON.stringify((await client.get('/api/v1/accounts')).items);
    assert.doesNotMatch(everything, /act\.|rft\.|token/);
  });

  test('answers with 303 to a fixed path, without caching or referrer', async () => {
    const answer = await client.request('GET', '/api/auth/tiktok/callback?code=x&state=y');
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.location, '/accounts?error=state_invalid');
    assert.match(answer.headers['cache-control'], /no-store/);
    assert.equal(answer.headers['referrer-policy'], 'no-referrer');
  });

  const strange = ['', 'code=x', 'state=y', 'code=&state=', 'code=a&code=b&state=y', 'code=a&state=y&state=z', 'code=a%00b&state=y', 'code=a%0d%0aLocation:x&state=y', `code=a&state=${'y'.repeat(5000)}`, 'error=access_denied&state=nothing', 'error=<script>&state=y'];
  for (const query of strange) {
    test(`with the strange query ${query.slice(0, 40) || '(none)'} is refused`, async () => {
      const answer = await client.request('GET', `/api/auth/tiktok/callback?${query}`);
      assert.ok([303, 400, 414].includes(answer.status), `${answer.status}`);
      if (answer.status === 303) {
        assert.equal(answer.headers.location, '/accounts?error=state_invalid');
      }
    });
  }

  test('with the state of another session is refused and leaves it unused', async () => {
    const other = await stack.signedIn();
    const query = await granted(await start(other));
    assert.equal(await back(query), '/accounts?error=state_invalid');
  });

  test('without a session is refused', async () => {
    const query = await granted(await start());
    assert.match(await back(query, stack.client()), /^\/accounts\?error=state_invalid$/);
  });

  test('works once only', async () => {
    const query = await granted(await start());
    assert.match(await back(query), /connected=/);
    assert.equal(await back(query), '/accounts?error=state_reused');
  });

  test('by two requests at once connects once', async () => {
    const query = await granted(await start());
    const ways = await Promise.all([back(query), back(query), back(query)]);
    assert.equal(ways.filter((way) => way.includes('connected=')).length, 1, ways.join());
  });

  test('after ten minutes is refused', async () => {
    const query = await granted(await start());
    stack.sql('UPDATE oauth_txn SET expires_at = 1 ORDER BY created_at DESC LIMIT 1');
    assert.equal(await back(query), '/accounts?error=state_expired');
  });

  test('with a code that was used before is refused', async () => {
    const used = await granted(await start());
    assert.match(await back(used), /connected=/);
    const fresh = await granted(await start());
    assert.equal(await back({ ...fresh, code: used.code }), '/accounts?error=code_expired');
  });

  test('with a code of nobody is refused', async () => {
    const fresh = await granted(await start());
    assert.equal(await back({ ...fresh, code: 'made-up-code' }), '/accounts?error=code_expired');
  });

  test('refused by the person says so', async () => {
    const query = await granted(await start(), choosing({ refuse: true }));
    assert.equal(query.error, 'access_denied');
    assert.equal(await back(query), '/accounts?error=access_denied');
  });
});

describe('scopes that were not granted', () => {
  let media;
  before(async () => {
    media = await readyVideo(client, stack);
  });
  const connectWithout = async (...without) => back(await granted(await start(), choosing({ creator: 1, without })));
  const partial = async () => (await client.get('/api/v1/accounts')).items.find(({ missing_scopes }) => missing_scopes.length > 0);
  const schedule = (account, change) => client.request('POST', '/api/v1/posts', { json: postOf(account, media, { publish_at: inMs(500), ...change }) });
  const draft = { mode: 'inbox', privacy_level: null };

  test('leave no account when nothing can be posted with the rest', async () => {
    assert.equal(await connectWithout('video.publish', 'video.upload'), '/accounts?error=missing_scope');
    assert.equal(await partial(), undefined);
  });

  test('switch direct posts off, and nothing else', async () => {
    assert.match(await connectWithout('video.publish'), /\?connected=/);
    const { id, missing_scopes, features } = await partial();
    assert.deepEqual(missing_scopes, ['video.publish']);
    assert.deepEqual([features.direct_post, features.inbox], [false, true]);
    const info = await client.request('GET', `/api/v1/accounts/${id}/creator-info`);
    assert.deepEqual([info.status, info.json.error.code], [409, 'missing_scope']);
    const direct = await schedule(id);
    assert.deepEqual([direct.status, direct.json.error.fields.mode], [422, 'mode_not_granted']);
    const { status, json } = await schedule(id, draft);
    assert.equal(status, 201, JSON.stringify(json));
    assert.equal((await fateOf(client, json.id)).status, 'in_inbox');
  });

  test('switch drafts off, and nothing else', async () => {
    assert.match(await connectWithout('video.upload'), /\?connected=/);
    const { id, missing_scopes, features } = await partial();
    assert.deepEqual(missing_scopes, ['video.upload']);
    assert.deepEqual([features.direct_post, features.inbox], [true, false]);
    const inbox = await schedule(id, draft);
    assert.deepEqual([inbox.status, inbox.json.error.fields.mode], [422, 'mode_not_granted']);
    assert.equal((await client.request('GET', `/api/v1/accounts/${id}/creator-info`)).status, 200);
  });

  test('are asked for again by connecting again', async () => {
    assert.match(await connectWithout(), /\?connected=/);
    assert.equal(await partial(), undefined);
  });

  test('and are gone by the time of a post let it wait for the person, and go on after that', async () => {
    const id = await connectAccount(client, { choose: choosing({ creator: 1 }) });
    await setFault(stack, { endpoint: 'video_init', code: 'scope_not_authorized', http: 401 });
    const { json: post } = await schedule(id);
    const waiting = await fateOf(client, post.id);
    assert.deepEqual([waiting.status, waiting.status_reason], ['needs_attention', 'scope_missing']);
    assert.match(waiting.next_step, /Reconnect/);
    await clearFaults(stack);
    assert.equal(await connectAccount(client, { choose: choosing({ creator: 1 }) }), id);
    await client.until(`/api/v1/posts/${post.id}`, ({ status }) => status === 'published_private');
  });
});

describe('an answer without a refresh token', () => {
  test('makes no connection that would end within hours, and says so', async () => {
    const before = (await client.get('/api/v1/accounts')).items.length;
    await turn(stack, { refresh_given: 0 });
    assert.equal(await back(await granted(await start(), choosing({ creator: 5 }))), '/accounts?error=no_refresh_token');
    assert.equal((await client.get('/api/v1/accounts')).items.length, before);
    await turn(stack, { refresh_given: null });
    assert.match(await back(await granted(await start(), choosing({ creator: 5 }))), /connected=/);
  });
});

describe('a redirect address that TikTok does not know', () => {
  test('comes back with the cause when TikTok only notices at the exchange', async () => {
    const query = await granted(await start());
    await stack.restart('tts-sandbox', { env: { SANDBOX_REDIRECT_URIS: 'http://localhost:1/other' } });
    assert.match(await back(query), /error=(redirect_mismatch|code_expired)$/);
    await stack.restart('tts-sandbox');
  });
});

describe('reconnecting and disconnecting', () => {
  test('the same person again is the same account', async () => {
    const first = await connectAccount(client);
    const again = await connectAccount(client, { accountId: first });
    assert.equal(again, first);
  });

  test('a disconnected account cannot post, its posts wait, and reconnecting frees it', async () => {
    const id = await connectAccount(client);
    const media = await readyVideo(client, stack);
    const { json: post } = await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(id, media) });
    await client.expect(200, 'DELETE', `/api/v1/accounts/${id}`);
    const account = await client.until(`/api/v1/accounts/${id}`, ({ status }) => status === 'disconnected');
    assert.equal(account.scheduled_posts, 0);
    const waiting = await client.until(`/api/v1/posts/${post.id}`, ({ status }) => status === 'needs_attention');
    assert.equal(waiting.status_reason, 'account_disconnected');
    assert.ok(waiting.next_step);
    const refused = await client.request('POST', '/api/v1/posts', { json: postOf(id, media) });
    assert.deepEqual([refused.status, refused.json.error.code], [409, 'reconnect_needed']);
    assert.equal((await client.request('DELETE', `/api/v1/accounts/${id}`)).status, 200);
    assert.equal(await connectAccount(client), id);
    assert.equal((await client.get(`/api/v1/accounts/${id}`)).status, 'connected');
  });

  test('creator-info is fresh and says what TikTok allows', async () => {
    const id = await connectAccount(client);
    const info = await client.get(`/api/v1/accounts/${id}/creator-info`);
    assert.equal(info.can_post, true);
    assert.ok(info.privacy_level_options.includes('SELF_ONLY'));
    assert.ok(Date.now() - Date.parse(info.fetched_at) < 31_000);
  });

  test('the picture of an account is ours', async () => {
    const id = await connectAccount(client);
    const { avatar_url } = await client.get(`/api/v1/accounts/${id}`);
    if (avatar_url !== null) {
      assert.match(avatar_url, /^\/api\/v1\/accounts\/\d+\/avatar/);
      assert.equal((await client.request('GET', avatar_url)).status, 200);
    }
  });
});

