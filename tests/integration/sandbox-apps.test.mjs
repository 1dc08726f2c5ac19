// Several apps in the simulator: who may let one in, what it may do, and that nothing of one
// is any good with another.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { consent } from '../../tools/lib/client.mjs';
import { ALL_SCOPES, CLIENT_KEY, CLIENT_SECRET, REDIRECT_URI, Simulator, addApp, advance, change, changeApp, choosing, turn } from '../harness/sandbox.mjs';

const OTHER_URI = 'https://other.example/callback';
const VIDEO = Buffer.from('not a film');
const CREATOR = '/v2/post/publish/creator_info/query/';

let sim;
let other;
before(async () => {
  sim = await Simulator.start({ env: { SANDBOX_WORKERS: '3' } });
});
after(() => sim?.stop());
beforeEach(async () => {
  await sim.request('POST', '/sandbox/reset', { json: {} });
  await turn(sim, { check_media: 0, init_per_min: 0 });
  other = await addApp(sim, { name: 'Other app', sandbox: false, audited: true, redirect_uris: [OTHER_URI] });
});

const permit = async (username, app) => (await sim.request('POST', '/sandbox/permits', { json: { username, scopes: ALL_SCOPES, ...(app && { client_key: app.client_key }) } })).json;
const source = { source: 'FILE_UPLOAD', video_size: VIDEO.length, chunk_size: VIDEO.length, total_chunk_count: 1 };
const init = (token, privacy_level = 'PUBLIC_TO_EVERYONE') => sim.api('/v2/post/publish/video/init/', token, { post_info: { title: 't', privacy_level }, source_info: source });
const refused = ({ status, json }) => [status, json?.error?.code ?? json?.error];

async function publish(token, privacy) {
  const answer = await init(token, privacy);
  assert.equal(answer.status, 200, answer.text);
  assert.equal((await sim.put(answer.json.data.upload_url, VIDEO, 0, VIDEO.length)).status, 201);
  return answer.json.data.publish_id;
}

/** Goes through the page of consent of an app; answers the parameters that came back. */
async function consentTo(app, creator = 0) {
  const asked = sim.authorize({ client_key: app.client_key, redirect_uri: app.redirect_uris?.[0] ?? REDIRECT_URI });
  return { ...asked, ...Object.fromEntries(new URL(await consent(asked.url, choosing({ creator }))).searchParams) };
}
const tokensFor = (app, form) => sim.token({ client_key: app.client_key, client_secret: app.client_secret, ...form });

describe('another app', () => {
  test('has a page of consent, tokens and open_ids of its own', async () => {
    const back = await consentTo(other);
    assert.ok((await sim.request('GET', back.url)).text.includes('Other app wants to access'));
    const answer = await tokensFor(other, { grant_type: 'authorization_code', code: back.code, redirect_uri: OTHER_URI, code_verifier: back.verifier });
    assert.equal(answer.status, 200, answer.text);
    const mine = await permit('ann.example');
    assert.notEqual(answer.json.open_id, mine.open_id);
    const { user } = (await sim.get('/v2/user/info/?fields=open_id,union_id', answer.json.access_token)).json.data;
    assert.equal(user.open_id, answer.json.open_id);
    assert.equal(user.union_id, (await sim.get('/v2/user/info/?fields=union_id', mine.access_token)).json.data.user.union_id);
  });

  test('has its own redirect addresses', async () => {
    for (const [app, uri] of [[other, REDIRECT_URI], [{ client_key: CLIENT_KEY }, OTHER_URI]]) {
      const page = await sim.request('GET', sim.authorize({ client_key: app.client_key, redirect_uri: uri }).url);
      assert.equal(page.status, 400);
      assert.match(page.text, /<code>redirect_uri<\/code>/);
    }
  });

  test('cannot use the code, the tokens or the publications of the first', async () => {
    const mine = { client_key: CLIENT_KEY, client_secret: CLIENT_SECRET };
    const back = await consentTo(mine);
    const form = { grant_type: 'authorization_code', code: back.code, redirect_uri: REDIRECT_URI, code_verifier: back.verifier };
    assert.deepEqual(refused(await tokensFor(other, form)), [200, 'invalid_grant']);
    assert.deepEqual(refused(await tokensFor({ ...other, client_secret: CLIENT_SECRET }, form)), [200, 'invalid_client'], 'key and secret must belong together');
    const { access_token, refresh_token } = (await tokensFor(mine, form)).json;
    assert.ok(access_token, 'and the code was not used up by that');
    assert.deepEqual(refused(await tokensFor(other, { grant_type: 'refresh_token', refresh_token })), [200, 'invalid_grant']);
    const revoked = await sim.request('POST', '/v2/oauth/revoke/', { form: { client_key: other.client_key, client_secret: other.client_secret, token: access_token } });
    assert.deepEqual(refused(revoked), [200, 'invalid_grant']);
    assert.equal((await sim.api(CREATOR, access_token)).status, 200, 'the token lives');
    const publish_id = await publish(access_token);
    const theirs = (await permit('ann.example', other)).access_token;
    assert.deepEqual(refused(await sim.api('/v2/post/publish/status/fetch/', theirs, { publish_id })), [400, 'token_not_authorized_for_specified_publish_id']);
    assert.deepEqual(refused(await sim.api('/v2/post/publish/cancel/', theirs, { publish_id })), [400, 'token_not_authorized_for_specified_publish_id']);
  });

  test('stays on the list when the first is removed', async () => {
    const mine = await permit('ann.example');
    const theirs = await permit('ann.example', other);
    await sim.request('POST', '/v2/oauth/revoke/', { form: { client_key: CLIENT_KEY, client_secret: CLIENT_SECRET, token: mine.access_token } });
    assert.equal((await sim.api(CREATOR, mine.access_token)).status, 401);
    assert.equal((await sim.api(CREATOR, theirs.access_token)).status, 200);
  });

  test('has rate windows of its own, and shares the person\'s cap of a day', async () => {
    await turn(sim, { init_per_min: 1 });
    await change(sim, 'ann.example', { post_cap: 2 });
    const mine = (await permit('ann.example')).access_token;
    const theirs = (await permit('ann.example', other)).access_token;
    await publish(mine);
    assert.deepEqual(refused(await init(mine)), [429, 'rate_limit_exceeded']);
    await publish(theirs);
    await advance(sim, 60_000);
    assert.deepEqual(refused(await init(mine)), [403, 'spam_risk_too_many_posts'], 'posts of all apps count');
    await advance(sim, 86_400_000);
  });
});

describe('an app in sandbox mode', () => {
  test('is for target users only: those of the list, if it has one', async () => {
    const app = await addApp(sim, { redirect_uris: [OTHER_URI], targets: ['ben.private', 'olga.outside'] });
    assert.match(app.client_key, /^sbaw/);
    assert.equal((await consentTo(app, 0)).error_type, 'non_sandbox_target');
    assert.ok((await consentTo(app, 1)).code);
    assert.ok((await consentTo(app, 6)).code);
    await changeApp(sim, app.client_key, { targets: [] });
    assert.ok((await consentTo(app, 0)).code);
    assert.equal((await consentTo(app, 6)).error_type, 'non_sandbox_target');
    await changeApp(sim, app.client_key, { sandbox: false });
    assert.ok((await consentTo(app, 6)).code, 'a live app is for everybody');
  });
});

describe('an app that is not audited', () => {
  let app;
  beforeEach(async () => {
    app = await addApp(sim, { sandbox: false });
  });

  test('posts for private accounts only, and for nobody else to see', async () => {
    const code = 'unaudited_client_can_only_post_to_private_accounts';
    const ann = (await permit('ann.example', app)).access_token;
    const ben = (await permit('ben.private', app)).access_token;
    assert.deepEqual(refused(await init(ann, 'SELF_ONLY')), [403, code]);
    assert.deepEqual(refused(await init(ben, 'FOLLOWER_OF_CREATOR')), [403, code]);
    await publish(ben, 'SELF_ONLY');
    const options = (await sim.api(CREATOR, ann)).json.data.privacy_level_options;
    assert.deepEqual(options, ['PUBLIC_TO_EVERYONE', 'MUTUAL_FOLLOW_FRIENDS', 'SELF_ONLY'], 'creator_info does not show it');
    const draft = await sim.api('/v2/post/publish/inbox/video/init/', ann, { source_info: source });
    assert.equal(draft.status, 200, 'drafts need no audit');
    await changeApp(sim, app.client_key, { audited: true });
    await publish(ann);
  });

  test('posts for five people in 24 hours, and for these again', async () => {
    const tokens = [];
    for (const name of ['one.private', 'two.private', 'three.private', 'four.private', 'five.private', 'six.private']) {
      await sim.request('POST', '/sandbox/users', { json: { username: name, private: true } });
      tokens.push((await permit(name, app)).access_token);
    }
    for (const token of tokens.slice(0, 5)) {
      await publish(token, 'SELF_ONLY');
    }
    assert.deepEqual(refused(await init(tokens[5], 'SELF_ONLY')), [403, 'reached_active_user_cap']);
    assert.deepEqual(refused(await sim.api(CREATOR, tokens[5])), [200, 'reached_active_user_cap']);
    await publish(tokens[0], 'SELF_ONLY');
    assert.equal((await init((await permit('six.private')).access_token, 'SELF_ONLY')).status, 200, 'another app has its own five');
    await advance(sim, 86_400_000);
    await publish((await permit('six.private', app)).access_token, 'SELF_ONLY');
  });

  test('is what every app is with the knob turned', async () => {
    const token = (await permit('ann.example')).access_token;
    await publish(token);
    await turn(sim, { audited: 0 });
    assert.deepEqual(refused(await init(token)), [403, 'unaudited_client_can_only_post_to_private_accounts']);
  });
});

describe('the controls of apps', () => {
  test('refuse what cannot be, and change nothing then', async () => {
    for (const body of [{ audited: 1 }, { targets: 'ann.example' }, { redirect_uris: ['ftp://x/'] }, { webhook_url: 'x' }, { shoe_size: 1 }]) {
      assert.equal((await sim.request('PATCH', `/sandbox/apps/${CLIENT_KEY}`, { json: { name: 'New', ...body } })).status, 400, JSON.stringify(body));
    }
    const { apps } = (await sim.request('GET', '/sandbox/apps')).json;
    assert.equal(apps[0].name, 'TikTok Scheduler');
    assert.deepEqual(apps[0].redirect_uris, [REDIRECT_URI]);
    assert.equal((await sim.request('GET', '/sandbox/apps/nobody')).status, 404);
    assert.equal((await sim.request('POST', '/sandbox/apps', { json: { client_key: CLIENT_KEY } })).status, 409);
  });

  test('give the first app another secret, and the setting\'s back', async () => {
    const form = { grant_type: 'client_credentials' };
    await changeApp(sim, CLIENT_KEY, { client_secret: 'another-secret' });
    assert.deepEqual(refused(await sim.token(form)), [200, 'invalid_client']);
    assert.equal((await sim.token({ ...form, client_secret: 'another-secret' })).status, 200);
    await changeApp(sim, CLIENT_KEY, { client_secret: null });
    assert.ok((await sim.token(form)).json.access_token);
  });

  test('forget added apps at a reset, unless tokens stay', async () => {
    await sim.request('POST', '/sandbox/reset', { json: { keep_tokens: true } });
    assert.equal((await sim.request('GET', '/sandbox/apps')).json.apps.length, 2);
    await sim.request('POST', '/sandbox/reset', { json: {} });
    assert.equal((await sim.request('GET', '/sandbox/apps')).json.apps.length, 1);
  });
});
