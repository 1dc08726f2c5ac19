// The simulator of TikTok by itself, over HTTP: what is right is answered as TikTok
// answers, what is wrong is refused as TikTok refuses, and faults do what they say.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { consent, formOf } from '../../tools/lib/client.mjs';
import { makeVideo } from '../harness/media.mjs';
import { ALL_SCOPES, CLIENT_SECRET, REDIRECT_URI, Simulator, advance, change, choosing, clearFaults, counts, ledger, publicationsOf, setFault, turn } from '../harness/sandbox.mjs';
import { eventually } from '../harness/stack.mjs';

const INIT = '/v2/post/publish/video/init/';
const INBOX = '/v2/post/publish/inbox/video/init/';
const PHOTO = '/v2/post/publish/content/init/';
const STATUS = '/v2/post/publish/status/fetch/';
const CANCEL = '/v2/post/publish/cancel/';
const CREATOR = '/v2/post/publish/creator_info/query/';
const LOG_ID = /^20\d{12}[0-9A-F]{20}$/;
const MB = 1_000_000;

let sim;
let video;
before(async () => {
  sim = await Simulator.start();
  video = readFileSync(await makeVideo(join(sim.dir, 'v.mp4')));
});
after(() => sim?.stop());
beforeEach(() => sim.request('POST', '/sandbox/reset', { json: {} }));

const source = (size = video.length, chunk = size, count = 1) => ({ source: 'FILE_UPLOAD', video_size: size, chunk_size: chunk, total_chunk_count: count });
const post = (info = {}, from = source()) => ({ post_info: { title: 'a title', privacy_level: 'SELF_ONLY', ...info }, source_info: from });
const tokenOf = async (name = 'ann.example', scopes) => (await sim.permit(name, scopes)).access_token;
const refused = ({ status, json }) => [status, json?.error?.code];
const statusOf = async (token, publish_id) => (await sim.api(STATUS, token, { publish_id })).json.data;

/** An accepted init: {publish_id, upload_url}. */
async function init(token, info, from, path = INIT) {
  const answer = await sim.api(path, token, path === INIT ? post(info, from) : { source_info: from ?? source() });
  assert.equal(answer.status, 200, answer.text);
  return answer.json.data;
}

/** A whole publication; answers its publish_id. */
async function publish(token, info, path) {
  const { publish_id, upload_url } = await init(token, info, undefined, path);
  assert.equal((await sim.put(upload_url, video, 0, video.length)).status, 201);
  return publish_id;
}

describe('the page of consent', () => {
  test('says which app wants what, and that all of it is simulated', async () => {
    const page = await sim.request('GET', sim.authorize().url);
    assert.equal(page.status, 200);
    for (const words of ['This is a simulator', 'TikTok Scheduler', 'Ann Example', '@ben.private', 'video.publish', 'Continue', 'Cancel']) {
      assert.ok(page.text.includes(words), words);
    }
    const form = formOf(page.text, sim.sandboxUrl);
    assert.equal(form.inputs.filter(({ type }) => type === 'radio').length, 7);
    assert.ok(!form.inputs.some(({ type, value }) => type === 'checkbox' && value === 'user.info.basic'));
  });

  const wrong = [
    ['client_key', { client_key: 'sbawsomebodyelse1' }],
    ['client_key', { client_key: undefined }],
    ['redirect_uri', { redirect_uri: `${REDIRECT_URI}/` }],
    ['redirect_uri', { redirect_uri: undefined }],
    ['scope', { scope: 'user.info.basic,video.steal' }],
    ['scope', { scope: 'user.info.basic video.publish' }],
    ['scope', { scope: undefined }],
    ['response_type', { response_type: 'token' }],
    ['state', { state: undefined }],
    ['code_challenge_method', { code_challenge_method: 'plain' }],
  ];
  for (const [name, parameters] of wrong) {
    test(`names ${name} on a page of its own for ${JSON.stringify(parameters)}`, async () => {
      const page = await sim.request('GET', sim.authorize(parameters).url);
      assert.equal(page.status, 400);
      assert.equal(page.headers.location, undefined);
      assert.match(page.text, new RegExp(`<code>${name}</code>`));
    });
  }

  test('refuses what was sent twice', async () => {
    const page = await sim.request('GET', `${sim.authorize().url}&state=other`);
    assert.equal(page.status, 400);
  });

  test('does not decide for a page of another site', async () => {
    const { url } = sim.authorize();
    const form = formOf((await sim.request('GET', url)).text, url);
    const fields = Object.fromEntries([...form.fields, ['decision', 'allow']]);
    for (const site of ['cross-site', 'same-site']) {
      assert.equal((await sim.request('POST', form.action, { form: fields, headers: { 'sec-fetch-site': site } })).status, 403);
    }
    assert.equal((await sim.request('POST', form.action, { form: fields, headers: { 'sec-fetch-site': 'same-origin' } })).status, 302);
  });

  test('sends the browser back with code, scopes and state, in this order', async () => {
    const { url, state } = sim.authorize();
    const way = await consent(url);
    assert.ok(way.startsWith(`${REDIRECT_URI}?code=`), way);
    const parameters = [...new URL(way).searchParams];
    assert.deepEqual(parameters.map(([name]) => name), ['code', 'scopes', 'state']);
    assert.match(parameters[0][1], /\*3!6376\.u1$/);
    assert.match(way, /%2A3%216376\.u1&/);
    assert.equal(parameters[1][1], ALL_SCOPES);
    assert.equal(parameters[2][1], state);
  });

  test('lets a person refuse, and turns away who is no target user', async () => {
    const one = sim.authorize();
    const no = new URL(await consent(one.url, choosing({ refuse: true }))).searchParams;
    assert.deepEqual([no.get('error'), no.get('error_description'), no.get('state'), no.get('code')], ['access_denied', 'User cancelled', one.state, null]);
    const outside = new URL(await consent(sim.authorize().url, choosing({ creator: 6 }))).searchParams;
    assert.deepEqual([outside.get('error'), outside.get('error_type')], ['access_denied', 'non_sandbox_target']);
  });
});

/** Goes through consent; answers what the token call needs. */
async function granted({ change: parameters, choose } = {}) {
  const asked = sim.authorize(parameters);
  const way = new URL(await consent(asked.url, choose));
  return { grant_type: 'authorization_code', code: way.searchParams.get('code'), redirect_uri: REDIRECT_URI, code_verifier: asked.verifier };
}
const oauthError = ({ status, json }) => [status, json.error, json.error_description];
const EXPIRED = [200, 'invalid_grant', 'Authorization code is expired.'];

describe('a code', () => {
  test('becomes tokens once', async () => {
    const form = await granted();
    const answer = await sim.token(form);
    assert.equal(answer.status, 200);
    assert.deepEqual(Object.keys(answer.json), ['access_token', 'expires_in', 'open_id', 'refresh_expires_in', 'refresh_token', 'scope', 'token_type']);
    const { access_token, refresh_token, open_id, ...rest } = answer.json;
    assert.deepEqual(rest, { expires_in: 86400, refresh_expires_in: 31536000, scope: ALL_SCOPES, token_type: 'Bearer' });
    assert.match(access_token, /^act\..+!4692\.e1$/);
    assert.match(refresh_token, /^rft\..+!4690\.e1$/);
    assert.match(open_id, /^-000[A-Za-z0-9_-]{32}$/);
    const again = await sim.token(form);
    assert.deepEqual(oauthError(again), EXPIRED);
    assert.match(again.json.log_id, LOG_ID);
  });

  test('by two at once becomes tokens once', async () => {
    const form = await granted();
    const answers = await Promise.all([sim.token(form), sim.token(form), sim.token(form)]);
    assert.equal(answers.filter(({ json }) => json.access_token).length, 1);
  });

  test('carries only what was granted', async () => {
    const form = await granted({ choose: choosing({ creator: 1, without: ['video.publish', 'video.list'] }) });
    assert.equal((await sim.token(form)).json.scope, 'user.info.basic,user.info.profile,user.info.stats,video.upload');
    const more = await granted({ change: { scope: 'user.info.basic,video.upload' }, choose: (page) => [...page.fields, ['grant', 'video.publish'], ['decision', 'allow']] });
    assert.equal((await sim.token(more)).json.scope, 'user.info.basic,video.upload', 'nothing that was not asked for');
  });

  test('is dead after ten minutes', async () => {
    const form = await granted();
    await advance(sim, 600_000);
    assert.deepEqual(oauthError(await sim.token(form)), EXPIRED);
  });

  const refusals = [
    ['a made-up code', { code: 'made-up' }, EXPIRED],
    ['a made-up code and client, the code first', { code: 'made-up', client_key: 'nobody', client_secret: 'x' }, EXPIRED],
    ['a wrong secret', { client_secret: 'wrong' }, [200, 'invalid_client', 'Client key or secret is incorrect.']],
    ['a wrong key', { client_key: 'awother' }, [200, 'invalid_client', 'Client key or secret is incorrect.']],
    ['no secret', { client_secret: '' }, [200, 'invalid_request', 'Client secret is missed in request.']],
    ['another redirect address', { redirect_uri: `${REDIRECT_URI}/` }, [200, 'invalid_request', 'Redirect_uri is not matched with the uri when requesting code.']],
    ['another verifier', { code_verifier: 'x'.repeat(43) }, [200, 'invalid_request', 'Code verifier or code challenge is invalid.']],
    ['no verifier', { code_verifier: '' }, [200, 'invalid_request', 'Code verifier or code challenge is invalid.']],
    ['an unknown grant', { grant_type: 'password' }, [200, 'unsupported_grant_type', 'The grant type is not supported.']],
    ['no grant', { grant_type: '' }, [200, 'invalid_request', 'The request parameters are malformed.']],
  ];
  for (const [what, wrong, expected] of refusals) {
    test(`is refused with ${what}`, async () => {
      const form = { client_key: 'sbawlocalstackkey1', client_secret: CLIENT_SECRET, ...(await granted()) };
      const { status, json } = await sim.request('POST', '/v2/oauth/token/', { form: { ...form, ...wrong } });
      assert.deepEqual([status, json.error, json.error_description], expected);
      // A refusal for another reason leaves the code usable.
      if (wrong.code === undefined) {
        assert.ok((await sim.token(form)).json.access_token);
      }
    });
  }

  test('needs the challenge in hex, and none when none was asked for', async () => {
    const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
    const base64url = createHash('sha256').update(verifier).digest('base64url');
    const wrong = await granted({ change: { code_challenge: base64url } });
    assert.equal((await sim.token({ ...wrong, code_verifier: verifier })).json.error, 'invalid_request');
    const right = await granted({ change: { code_challenge: '13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3' } });
    assert.ok((await sim.token({ ...right, code_verifier: verifier })).json.access_token);
    const none = await granted({ change: { code_challenge: undefined, code_challenge_method: undefined } });
    assert.ok((await sim.token({ ...none, code_verifier: 'anything' })).json.access_token);
  });

  test('comes in a form, as JSON it is malformed', async () => {
    const answer = await sim.request('POST', '/v2/oauth/token/', { json: await granted() });
    assert.equal(answer.json.error, 'invalid_request');
  });

  test('is refused with the HTTP status that a knob names', async () => {
    await turn(sim, { oauth_error_status: 400 });
    assert.equal((await sim.token({ ...(await granted()), code: 'x' })).status, 400);
  });
});

describe('a refresh token', () => {
  const refresh = (refresh_token, more) => sim.token({ grant_type: 'refresh_token', refresh_token, ...more });
  const DEAD = [200, 'invalid_grant', 'Refresh token is invalid or expired.'];

  test('rotates strictly', async () => {
    const one = await sim.permit('ann.example');
    const two = (await refresh(one.refresh_token)).json;
    assert.notEqual(two.refresh_token, one.refresh_token);
    assert.notEqual(two.access_token, one.access_token);
    assert.equal(two.open_id, one.open_id);
    assert.deepEqual(oauthError(await refresh(one.refresh_token)), DEAD);
    assert.ok((await refresh(two.refresh_token)).json.access_token);
    assert.equal((await sim.api(CREATOR, one.access_token)).status, 200);
  });

  test('checks the client first', async () => {
    assert.equal((await refresh('rft.made-up', { client_secret: 'wrong' })).json.error, 'invalid_client');
    assert.deepEqual(oauthError(await refresh('rft.made-up')), DEAD);
  });

  test('stays, has a grace, or takes the access token along when knobs say so', async () => {
    const one = await sim.permit('ann.example');
    await turn(sim, { rotate_refresh: 0 });
    assert.equal((await refresh(one.refresh_token)).json.refresh_token, one.refresh_token);
    await turn(sim, { rotate_refresh: null, old_refresh_grace_ms: 60_000, refresh_kills_access: 1 });
    assert.ok((await refresh(one.refresh_token)).json.access_token);
    assert.equal((await sim.api(CREATOR, one.access_token)).status, 401);
    assert.ok((await refresh(one.refresh_token)).json.access_token);
    await advance(sim, 60_001);
    assert.deepEqual(oauthError(await refresh(one.refresh_token)), DEAD);
  });

  test('and an access token end with their time, by the simulated clock', async () => {
    await turn(sim, { access_ttl_s: 7200, refresh_ttl_s: 15_552_000 });
    const one = await sim.permit('ann.example');
    assert.deepEqual([one.expires_in, one.refresh_expires_in], [7200, 15_552_000]);
    await advance(sim, 7_200_000);
    assert.deepEqual(refused(await sim.api(CREATOR, one.access_token)), [401, 'access_token_invalid']);
    const two = (await refresh(one.refresh_token)).json;
    assert.ok(two.refresh_expires_in <= 15_544_800);
    await advance(sim, 15_552_000_000);
    assert.deepEqual(oauthError(await refresh(two.refresh_token)), DEAD);
  });
});

describe('revocation', () => {
  const revoke = (token, more) => sim.request('POST', '/v2/oauth/revoke/', { form: { client_key: 'sbawlocalstackkey1', client_secret: CLIENT_SECRET, token, ...more } });

  test('answers nothing and ends every token and what is on its way', async () => {
    const one = await sim.permit('ann.example');
    const two = await sim.permit('ann.example');
    const { publish_id, upload_url } = await init(one.access_token);
    assert.deepEqual([(await revoke(one.access_token, { client_secret: 'x' })).json.error], ['invalid_client']);
    const answer = await revoke(one.access_token);
    assert.deepEqual([answer.status, answer.text], [200, '']);
    assert.equal((await sim.api(CREATOR, two.access_token)).status, 401);
    assert.equal((await sim.token({ grant_type: 'refresh_token', refresh_token: two.refresh_token })).json.error, 'invalid_grant');
    assert.equal((await sim.put(upload_url, video, 0, video.length)).status, 404);
    const again = await tokenOf();
    assert.deepEqual(await statusOf(again, publish_id), { fail_reason: 'auth_removed', status: 'FAILED' });
    assert.deepEqual(oauthError(await revoke(one.access_token)), [200, 'invalid_grant', 'Access token is invalid or expired.']);
  });
});

describe('every answer of the JSON API', () => {
  test('has a log id in its body and header, and a date', async () => {
    const token = await tokenOf();
    for (const answer of [await sim.api(CREATOR, token), await sim.api(CREATOR, 'nonsense'), await sim.api(INIT, token, {})]) {
      assert.match(answer.json.error.log_id, LOG_ID);
      assert.equal(answer.headers['x-tt-logid'], answer.json.error.log_id);
      assert.ok(Math.abs(Date.parse(answer.headers.date) - Date.now()) < 5000);
      assert.match(answer.headers['content-type'], /^application\/json/);
    }
  });

  test('follows the simulated clock', async () => {
    const token = await tokenOf();
    await advance(sim, 3_600_000);
    const { headers, json } = await sim.api(CREATOR, token);
    assert.ok(Math.abs(Date.parse(headers.date) - Date.now() - 3_600_000) < 5000);
    assert.equal(json.error.log_id.slice(0, 14), new Date(Date.parse(headers.date)).toISOString().replace(/\D/g, '').slice(0, 14));
  });

  test('refuses what is no token, and a token without the scope', async () => {
    const few = await tokenOf('ann.example', 'user.info.basic,video.upload');
    for (const headers of [{}, { authorization: 'Bearer ' }, { authorization: 'Basic abc' }, { authorization: `bearer ${few}` }]) {
      const answer = await sim.request('POST', CREATOR, { json: {}, headers });
      assert.deepEqual([answer.status, answer.json.data, answer.json.error.code], [401, {}, 'access_token_invalid']);
      assert.equal(answer.json.error.message, 'The access token is invalid or not found in the request.');
    }
    for (const path of [CREATOR, INIT]) {
      assert.deepEqual(refused(await sim.api(path, few, post())), [401, 'scope_not_authorized']);
    }
    assert.deepEqual(refused(await sim.api('/v2/video/list/?fields=id', few)), [401, 'scope_not_authorized']);
    assert.equal((await sim.api(INBOX, few, { source_info: source() })).status, 200);
  });

  test('comes only from paths that TikTok has', async () => {
    const token = await tokenOf();
    for (const [method, path] of [['POST', '/v2/post/publish/video/init'], ['GET', INIT], ['POST', '/v2/nothing/'], ['POST', '/v2/user/info/']]) {
      const answer = await sim.request(method, path, { headers: { authorization: `Bearer ${token}` } });
      assert.deepEqual([answer.status, answer.text], [404, 'Unsupported path(Janus)'], path);
    }
  });

  test('has data beside an error where TikTok has it, or as a knob says', async () => {
    const token = await tokenOf();
    assert.equal((await sim.api(INIT, token, {})).json.data, undefined);
    await turn(sim, { error_data: 1 });
    assert.deepEqual((await sim.api(INIT, token, {})).json.data, {});
    await turn(sim, { error_data: 2 });
    assert.equal((await sim.api(CREATOR, 'x')).json.data, undefined);
  });

  test('refuses bodies that are no JSON object', async () => {
    const token = await tokenOf();
    for (const body of ['{', '[]', '"x"', '{"a":1}{', Buffer.from([0x7b, 0xff, 0x7d])]) {
      const answer = await sim.request('POST', INIT, { body, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } });
      assert.deepEqual(refused(answer), [400, 'invalid_params'], String(body));
    }
  });
});

describe('creator_info', () => {
  test('tells what a person may choose', async () => {
    const { data } = (await sim.api(CREATOR, await tokenOf())).json;
    const { creator_avatar_url, ...rest } = data;
    assert.deepEqual(rest, {
      creator_username: 'ann.example', creator_nickname: 'Ann Example', privacy_level_options: ['PUBLIC_TO_EVERYONE', 'MUTUAL_FOLLOW_FRIENDS', 'SELF_ONLY'],
      comment_disabled: false, duet_disabled: false, stitch_disabled: false, max_video_post_duration_sec: 600,
    });
    const picture = await sim.request('GET', creator_avatar_url);
    assert.deepEqual([picture.status, picture.headers['content-type']], [200, 'image/png']);
    await advance(sim, 7_200_001);
    assert.equal((await sim.request('GET', creator_avatar_url)).status, 403);
  });

  test('differs for private, quiet and short accounts', async () => {
    const of = async (name) => (await sim.api(CREATOR, await tokenOf(name))).json.data;
    const ben = await of('ben.private');
    assert.deepEqual(ben.privacy_level_options, ['FOLLOWER_OF_CREATOR', 'MUTUAL_FOLLOW_FRIENDS', 'SELF_ONLY']);
    assert.deepEqual([ben.comment_disabled, ben.duet_disabled, ben.stitch_disabled], [false, true, true]);
    assert.equal((await of('cleo.quiet')).comment_disabled, true);
    assert.equal((await of('finn.short')).max_video_post_duration_sec, 180);
  });

  test('reports caps and bans within HTTP 200', async () => {
    for (const [name, code] of [['dan.daily', 'spam_risk_too_many_posts'], ['eve.banned', 'spam_risk_user_banned_from_posting']]) {
      const token = await tokenOf(name);
      const answer = await sim.api(CREATOR, token);
      assert.deepEqual([answer.status, answer.json.data, answer.json.error.code, answer.json.error.message], [200, {}, code, code]);
      assert.deepEqual(refused(await sim.api(INIT, token, post())), [403, code]);
    }
    await turn(sim, { active_user_cap: 1 });
    await publish(await tokenOf());
    const ben = await tokenOf('ben.private');
    assert.deepEqual(refused(await sim.api(CREATOR, ben)), [200, 'reached_active_user_cap']);
    assert.deepEqual(refused(await sim.api(INIT, ben, post())), [403, 'reached_active_user_cap']);
    assert.equal((await sim.api(CREATOR, await tokenOf())).json.error.code, 'ok');
  });
});

describe('an init', () => {
  test('answers with an id and an address of TikTok\'s form', async () => {
    const { publish_id, upload_url } = await init(await tokenOf());
    assert.match(publish_id, /^v_pub_file~v2-1\.\d{19}$/);
    assert.ok(Math.abs(Number(BigInt(publish_id.split('.')[1]) >> 32n) - Date.now() / 1000) < 5);
    assert.match(upload_url, new RegExp(`^${sim.sandboxUrl}/upload\\?upload_id=\\d{19}&upload_token=[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`));
    assert.ok(upload_url.length <= 256);
    assert.match((await init(await tokenOf(), {}, undefined, INBOX)).publish_id, /^v_inbox_file~v2\.\d{19}$/);
  });

  const wrongBodies = () => [
    ['nothing', {}],
    ['no post_info', { source_info: source() }],
    ['no source_info', { post_info: { privacy_level: 'SELF_ONLY' } }],
    ['no audience', post({ privacy_level: undefined })],
    ['an unknown audience', post({ privacy_level: 'EVERYONE' })],
    ['a title of 2201 units', post({ title: 'x'.repeat(2201) })],
    ['a title of 1101 emoji', post({ title: '😀'.repeat(1101) })],
    ['a flag that is no boolean', post({ disable_duet: 'no' })],
    ['branded content for oneself', post({ brand_content_toggle: true })],
    ['an unknown source', post({}, { source: 'MAGIC' })],
    ['a size in a string', post({}, { ...source(), video_size: '100' })],
    ['a size over 4 GB', post({}, source(5_000_000_000, 10 * MB, 500)), 'The video size is invalid'],
    ['the ceiling as count', post({}, source(121 * MB, 10 * MB, 13)), 'The total chunk count is invalid'],
    ['one chunk over 64 MB', post({}, source(158_008_374)), 'The chunk size is invalid'],
    ['one chunk that is not the file', post({}, source(121 * MB, 64 * MB, 1)), 'The chunk size is invalid'],
    ['chunks of 1 MB', post({}, source(10 * MB, MB, 10)), 'The chunk size is invalid'],
  ];
  test('with a wrong body is refused', async () => {
    await turn(sim, { init_per_min: 0 });
    const token = await tokenOf();
    for (const [what, body, message] of wrongBodies()) {
      const answer = await sim.api(INIT, token, body);
      assert.deepEqual(refused(answer), [400, 'invalid_params'], what);
      assert.equal(answer.json.error.message, message ?? answer.json.error.message, what);
      assert.ok(answer.json.error.message.length > 5);
    }
    assert.equal((await ledger(sim)).sessions.length, 0);
  });

  test('takes the longest caption in any script', async () => {
    const token = await tokenOf();
    for (const title of ['x'.repeat(2200), '€'.repeat(2200), '😀'.repeat(1100), '']) {
      await publish(token, { title });
      assert.equal((await publicationsOf(sim, title)).length, 1);
    }
  });

  test('needs an audience that the account offers', async () => {
    assert.deepEqual(refused(await sim.api(INIT, await tokenOf(), post({ privacy_level: 'FOLLOWER_OF_CREATOR' }))), [403, 'privacy_level_option_mismatch']);
    assert.deepEqual(refused(await sim.api(INIT, await tokenOf('ben.private'), post({ privacy_level: 'PUBLIC_TO_EVERYONE' }))), [403, 'privacy_level_option_mismatch']);
  });

  test('of an unaudited app needs a private account, for itself alone', async () => {
    await turn(sim, { audited: 0 });
    const code = 'unaudited_client_can_only_post_to_private_accounts';
    const [ann, ben] = [await tokenOf(), await tokenOf('ben.private')];
    assert.deepEqual(refused(await sim.api(INIT, ann, post())), [403, code]);
    assert.deepEqual(refused(await sim.api(INIT, ben, post({ privacy_level: 'FOLLOWER_OF_CREATOR' }))), [403, code]);
    assert.equal((await sim.api(INIT, ben, post())).status, 200);
    assert.equal((await sim.api(INBOX, ann, { source_info: source() })).status, 200);
    assert.ok((await sim.api(CREATOR, ann)).json.data.privacy_level_options.includes('PUBLIC_TO_EVERYONE'));
  });

  test('that wants something fetched ends with the unverified address, after all else', async () => {
    const pull = { source: 'PULL_FROM_URL', video_url: 'https://media.example.com/v/1.mp4' };
    const token = await tokenOf();
    const answer = await sim.api(INIT, token, post({}, pull));
    assert.deepEqual(refused(answer), [403, 'url_ownership_unverified']);
    assert.match(answer.json.error.message, /URL ownership verification rules/);
    assert.deepEqual(refused(await sim.api(INBOX, token, { source_info: pull })), [403, 'url_ownership_unverified']);
    assert.deepEqual(refused(await sim.api(INIT, token, post({}, { ...pull, video_url: 'http://x/1.mp4' }))), [400, 'invalid_params']);
    const photos = { post_info: { title: 'Autumn', privacy_level: 'SELF_ONLY' }, source_info: { source: 'PULL_FROM_URL', photo_cover_index: 0, photo_images: ['https://media.example.com/1.jpg'] }, post_mode: 'DIRECT_POST', media_type: 'PHOTO' };
    assert.deepEqual(refused(await sim.api(PHOTO, token, photos)), [403, 'url_ownership_unverified']);
    assert.deepEqual(refused(await sim.api(PHOTO, token, { ...photos, post_mode: 'MEDIA_UPLOAD' })), [403, 'url_ownership_unverified']);
    assert.deepEqual(refused(await sim.api(PHOTO, token, { ...photos, media_type: 'VIDEO' })), [400, 'invalid_params']);
    assert.deepEqual(refused(await sim.api(PHOTO, await tokenOf('ann.example', 'video.upload'), photos)), [401, 'scope_not_authorized']);
  });

  test('is one of fifteen a day', async () => {
    await change(sim, 'ben.private', { post_cap: 2 });
    await turn(sim, { init_per_min: 0 });
    const token = await tokenOf('ben.private');
    const waiting = await init(token);
    await publish(token);
    await publish(token);
    assert.deepEqual(refused(await sim.api(INIT, token, post())), [403, 'spam_risk_too_many_posts']);
    // One that was begun before ends the same way.
    assert.equal((await sim.put(waiting.upload_url, video, 0, video.length)).status, 201);
    assert.deepEqual(await statusOf(token, waiting.publish_id), { fail_reason: 'spam_risk_too_many_posts', status: 'FAILED' });
    await advance(sim, 86_400_000);
    assert.equal((await sim.api(INIT, await tokenOf('ben.private'), post())).status, 200);
  });
});

describe('drafts', () => {
  test('reach the inbox, where a person posts them', async () => {
    await turn(sim, { moderation_ms: 1000 });
    const token = await tokenOf();
    const publish_id = await publish(token, {}, INBOX);
    assert.deepEqual(await statusOf(token, publish_id), { status: 'SEND_TO_USER_INBOX', uploaded_bytes: video.length });
    assert.equal((await sim.request('POST', `/sandbox/publications/${publish_id}/post`)).status, 200);
    assert.deepEqual((await statusOf(token, publish_id)).publicaly_available_post_id, []);
    await advance(sim, 1000);
    const done = (await sim.api(STATUS, token, { publish_id })).text;
    assert.match(done, /"status":"PUBLISH_COMPLETE","publicaly_available_post_id":\[\d{19}\]/);
    assert.equal((await sim.request('POST', `/sandbox/publications/${publish_id}/post`)).status, 409);
  });

  test('wait five at a time', async () => {
    await turn(sim, { init_per_min: 0 });
    const token = await tokenOf();
    const ids = [];
    for (let i = 0; i < 5; i++) {
      ids.push(await publish(token, {}, INBOX));
    }
    const sixth = await sim.api(INBOX, token, { source_info: source() });
    assert.deepEqual([...refused(sixth), sixth.json.error.message, sixth.json.data], [400, 'spam_risk_too_many_pending_share', 'spam_risk_too_many_pending_share', undefined]);
    await turn(sim, { pending_share_status: 403 });
    assert.equal((await sim.api(INBOX, token, { source_info: source() })).status, 403);
    assert.equal((await sim.request('POST', `/sandbox/publications/${ids[0]}/discard`)).status, 200);
    assert.equal((await sim.api(INBOX, token, { source_info: source() })).status, 200);
    await advance(sim, 86_400_000);
    assert.equal((await sim.api(INBOX, await tokenOf(), { source_info: source() })).status, 200);
  });
});

describe('rate windows', () => {
  test('let so many pass in a sliding minute, for each person and endpoint', async () => {
    const token = await tokenOf();
    const { publish_id } = await init(token);
    for (const [path, limit, body] of [[INIT, 5, post()], [INBOX, 6, { source_info: source() }], [CREATOR, 20, {}], [STATUS, 30, { publish_id }]]) {
      await turn(sim, { pending_shares: 100 });
      for (let i = 0; i < limit; i++) {
        assert.equal((await sim.api(path, token, body)).status, 200, `${path} ${i}`);
      }
      const over = await sim.api(path, token, body);
      assert.deepEqual(refused(over), [429, 'rate_limit_exceeded'], path);
      assert.equal(over.headers['retry-after'], undefined);
    }
    assert.equal((await sim.api(INIT, await tokenOf('ben.private'), post())).status, 200);
    assert.deepEqual(refused(await sim.api(INIT, await tokenOf(), post())), [429, 'rate_limit_exceeded'], 'a new token of the same person');
    await advance(sim, 60_001);
    assert.equal((await sim.api(INIT, token, post())).status, 200);
  });

  test('count refused bodies and not what was over', async () => {
    const token = await tokenOf();
    for (let i = 0; i < 6; i++) {
      assert.equal((await sim.api(INIT, token, {})).status, 400);
    }
    for (let i = 0; i < 3; i++) {
      assert.equal((await sim.api(INIT, token, {})).status, 429);
    }
    await advance(sim, 60_001);
    assert.equal((await sim.api(INIT, token, {})).status, 400);
  });
});

describe('an upload', () => {
  const total = 16 * MB;
  const bytes = Buffer.alloc(total, 7);
  const plan = source(total, 5 * MB, 3);
  const progress = ({ status, headers }) => [status, headers['content-range']];
  const piece = (first, last) => bytes.subarray(first, last);

  test('takes its chunks in order and says how far it is', async () => {
    await turn(sim, { check_media: 0 });
    const token = await tokenOf();
    const { publish_id, upload_url } = await init(token, {}, plan);
    assert.deepEqual(await statusOf(token, publish_id), { status: 'PROCESSING_UPLOAD', uploaded_bytes: 0 });
    assert.deepEqual(progress(await sim.put(upload_url, piece(0, 5 * MB), 0, total)), [206, `bytes 0-4999999/${total}`]);
    assert.deepEqual(progress(await sim.put(upload_url, piece(5 * MB, 10 * MB), 5 * MB, total)), [206, `bytes 0-9999999/${total}`]);
    assert.equal((await statusOf(token, publish_id)).uploaded_bytes, 10 * MB);
    assert.equal((await ledger(sim)).publications.length, 0);
    const last = await sim.put(upload_url, piece(10 * MB), 10 * MB, total);
    assert.deepEqual([...progress(last), last.text], [201, `bytes 0-15999999/${total}`, '']);
    assert.equal((await statusOf(token, publish_id)).status, 'PUBLISH_COMPLETE');
  });

  test('refuses what is out of order with 416, and says where it is', async () => {
    const { upload_url } = await init(await tokenOf(), {}, plan);
    assert.deepEqual(progress(await sim.put(upload_url, piece(5 * MB, 10 * MB), 5 * MB, total)), [416, `bytes */${total}`]);
    assert.equal((await sim.put(upload_url, piece(0, 5 * MB), 0, total)).status, 206);
    assert.deepEqual(progress(await sim.put(upload_url, piece(0, 5 * MB), 0, total)), [416, `bytes 0-4999999/${total}`]);
    assert.equal((await sim.put(upload_url, piece(10 * MB), 10 * MB, total)).status, 416);
    await turn(sim, { repeated_chunk_status: 206 });
    assert.deepEqual(progress(await sim.put(upload_url, piece(0, 5 * MB), 0, total)), [206, `bytes 0-4999999/${total}`]);
    assert.equal((await sim.put(upload_url, piece(10 * MB), 10 * MB, total)).status, 416);
  });

  test('refuses wrong headers with 400, and goes on afterwards', async () => {
    const { upload_url } = await init(await tokenOf(), {}, plan);
    const chunk = piece(0, 5 * MB);
    const wrong = [{ 'content-type': 'application/octet-stream' }, { 'content-type': 'video/x-msvideo' }, { 'content-range': `bytes 0-4999998/${total}` }, { 'content-range': `bytes 0-4999999/${total + 1}` }, { 'content-range': 'bytes 0-4999999/*' }, { 'content-range': '0-4999999' }, { 'content-range': '' }];
    for (const headers of wrong) {
      assert.equal((await sim.put(upload_url, chunk, 0, total, headers)).status, 400, JSON.stringify(headers));
    }
    assert.equal((await sim.put(upload_url, piece(0, 6 * MB), 0, total)).status, 400, 'not the declared chunk');
    assert.equal((await sim.put(upload_url, bytes, 0, total)).status, 400, 'all at once');
    assert.equal((await sim.put(upload_url, chunk, 0, total, { 'content-type': 'video/mp4; codecs=avc1' })).status, 206);
  });

  test('knows only its own address, for an hour', async () => {
    const { upload_url } = await init(await tokenOf());
    const put = (url) => sim.put(url, video, 0, video.length);
    for (const url of [upload_url.replace(/.$/, (c) => (c === '0' ? '1' : '0')), upload_url.replace(/upload_id=\d/, 'upload_id=1'), `${sim.sandboxUrl}/upload`, `${sim.sandboxUrl}/upload?upload_id=x&upload_token=y`]) {
      assert.equal((await put(url)).status, 404, url);
    }
    await turn(sim, { unknown_upload_status: 405 });
    const invented = await put(`${sim.sandboxUrl}/upload?upload_id=1&upload_token=2`);
    assert.deepEqual([invented.status, invented.headers['content-type'].split(';')[0]], [405, 'text/html']);
    assert.equal((await sim.request('POST', upload_url, { body: video })).status, 405);
    await advance(sim, 3_599_000);
    assert.notEqual((await put(`${upload_url}`)).status, 403);
    const late = await init(await tokenOf());
    await advance(sim, 3_600_000);
    assert.equal((await put(late.upload_url)).status, 403);
  });

  test('that is complete takes nothing more', async () => {
    const token = await tokenOf();
    const { upload_url } = await init(token);
    assert.equal((await sim.put(upload_url, video, 0, video.length)).status, 201);
    assert.deepEqual(progress(await sim.put(upload_url, video, 0, video.length)), [416, `bytes 0-${video.length - 1}/${video.length}`]);
    assert.equal((await publicationsOf(sim, 'a title')).length, 1);
    await turn(sim, { repeated_chunk_status: 206 });
    assert.equal((await sim.put(upload_url, video, 0, video.length)).status, 201);
    assert.equal((await publicationsOf(sim, 'a title')).length, 1);
  });

  test('counts once whatever comes at the same time', async () => {
    const { upload_url } = await init(await tokenOf());
    const answers = await Promise.all(Array.from({ length: 5 }, () => sim.put(upload_url, video, 0, video.length)));
    assert.equal(answers.filter(({ status }) => status === 201).length, 1);
    assert.equal(answers.filter(({ status }) => status === 416).length, 4);
    assert.equal((await publicationsOf(sim, 'a title')).length, 1);
  });

  test('whose connection breaks has taken nothing of that chunk', async () => {
    await turn(sim, { check_media: 0 });
    const token = await tokenOf();
    const { publish_id, upload_url } = await init(token, {}, plan);
    await cutShort(upload_url, piece(0, 5 * MB), total);
    await eventually(async () => (await ledger(sim, { publish_id })).calls.some(({ code }) => code === 'body_cut_short'), { what: 'the broken chunk to be noticed' });
    assert.equal((await statusOf(token, publish_id)).uploaded_bytes, 0);
    assert.equal((await sim.put(upload_url, piece(0, 5 * MB), 0, total)).status, 206);
  });

  test('keeps the bytes, and plays them in ranges', async () => {
    const token = await tokenOf();
    const publish_id = await publish(token);
    const [{ file }] = (await ledger(sim, { publish_id })).sessions;
    const whole = await sim.request('GET', `/media/${file}`);
    assert.deepEqual([whole.status, whole.headers['content-type']], [200, 'video/mp4']);
    assert.ok(whole.body.equals(video));
    const part = await sim.request('GET', `/media/${file}`, { headers: { range: 'bytes=10-19' } });
    assert.deepEqual([part.status, part.body], [206, video.subarray(10, 20)]);
    for (const path of ['/media/1.mp4', '/media/..%2fstate.db', '/media/state.db', '/_sandbox/state.db', '/_sandbox/uploads/']) {
      assert.equal((await sim.request('GET', path)).status, 404, path);
    }
  });

  test('is counted and not kept when the knob says so', async () => {
    await turn(sim, { discard_bodies: 1 });
    const token = await tokenOf();
    const { publish_id, upload_url } = await init(token);
    assert.equal((await sim.put(upload_url, Buffer.alloc(video.length), 0, video.length)).status, 201);
    const [session] = (await ledger(sim, { publish_id })).sessions;
    assert.deepEqual([session.received, session.file, session.status], [video.length, null, 'PUBLISH_COMPLETE']);
  });
});

/** Sends half of a chunk and drops the connection. */
async function cutShort(url, bytes, total) {
  const { request } = await import('node:http');
  await new Promise((resolve) => {
    const wire = request(url, { method: 'PUT', headers: { 'content-type': 'video/mp4', 'content-length': bytes.length, 'content-range': `bytes 0-${bytes.length - 1}/${total}` } });
    wire.on('error', () => {});
    wire.on('close', resolve);
    wire.write(bytes.subarray(0, bytes.length / 2), () => wire.destroy());
  });
}

describe('a status', () => {
  test('goes from processing to complete to public, as time passes', async () => {
    await turn(sim, { processing_ms: 60_000, moderation_ms: 30_000 });
    const token = await tokenOf();
    const publish_id = await publish(token, { privacy_level: 'PUBLIC_TO_EVERYONE' });
    assert.deepEqual(await statusOf(token, publish_id), { status: 'PROCESSING_UPLOAD', uploaded_bytes: video.length });
    await advance(sim, 60_000);
    assert.deepEqual(await statusOf(token, publish_id), { status: 'PUBLISH_COMPLETE', publicaly_available_post_id: [], uploaded_bytes: video.length });
    await advance(sim, 30_000);
    const text = (await sim.api(STATUS, token, { publish_id })).text;
    assert.match(text, /"publicaly_available_post_id":\[\d{19}\]/);
    await turn(sim, { post_id_as_string: 1 });
    assert.match((await sim.api(STATUS, token, { publish_id })).text, /"publicaly_available_post_id":\["\d{19}"\]/);
  });

  test('never has an id of a post that is not public', async () => {
    await turn(sim, { moderation_ms: 0 });
    const token = await tokenOf();
    assert.deepEqual(await statusOf(token, await publish(token)), { status: 'PUBLISH_COMPLETE', uploaded_bytes: video.length });
  });

  test('is for the token of its account only', async () => {
    const token = await tokenOf();
    const publish_id = await publish(token);
    assert.deepEqual(refused(await sim.api(STATUS, await tokenOf('ben.private'), { publish_id })), [400, 'token_not_authorized_for_specified_publish_id']);
    assert.deepEqual(refused(await sim.api(STATUS, token, { publish_id: 'v_pub_file~v2-1.1' })), [400, 'invalid_publish_id']);
    assert.deepEqual(refused(await sim.api(STATUS, token, {})), [400, 'invalid_params']);
    assert.deepEqual(refused(await sim.api(STATUS, token, { publish_id: 7 })), [400, 'invalid_params']);
  });

  test('of a file that is no video is a failure, found after the upload', async () => {
    const token = await tokenOf();
    const { publish_id, upload_url } = await init(token, {}, source(100));
    assert.equal((await sim.put(upload_url, Buffer.alloc(100), 0, 100)).status, 201);
    assert.deepEqual(await statusOf(token, publish_id), { fail_reason: 'file_format_check_failed', status: 'FAILED' });
    assert.equal((await publicationsOf(sim, 'a title')).length, 0);
  });

  test('of a video that is too long or too small is a failure', async () => {
    await change(sim, 'ben.private', { max_video_post_duration_sec: 3 });
    const ben = await tokenOf('ben.private');
    assert.equal((await statusOf(ben, await publish(ben))).fail_reason, 'duration_check_failed');
    const small = readFileSync(await makeVideo(join(sim.dir, 'small.mp4'), { width: 320, height: 320 }));
    const { publish_id, upload_url } = await init(await tokenOf(), {}, source(small.length));
    assert.equal((await sim.put(upload_url, small, 0, small.length)).status, 201);
    assert.equal((await statusOf(await tokenOf(), publish_id)).fail_reason, 'picture_size_check_failed');
  });
});

describe('cancel', () => {
  test('stops an upload, once', async () => {
    const token = await tokenOf();
    const { publish_id, upload_url } = await init(token);
    assert.deepEqual(refused(await sim.api(CANCEL, await tokenOf('ben.private'), { publish_id })), [400, 'token_not_authorized_for_specified_publish_id']);
    const answer = await sim.api(CANCEL, token, { publish_id });
    assert.deepEqual([answer.status, Object.keys(answer.json), answer.json.error.code], [200, ['error'], 'ok']);
    assert.deepEqual(await statusOf(token, publish_id), { fail_reason: 'publish_cancelled', status: 'FAILED' });
    assert.equal((await sim.put(upload_url, video, 0, video.length)).status, 404);
    assert.deepEqual(refused(await sim.api(CANCEL, token, { publish_id })), [400, 'publish_not_cancellable']);
    assert.deepEqual(refused(await sim.api(CANCEL, token, { publish_id: 'nothing' })), [400, 'invalid_publish_id']);
  });

  test('comes too late once the bytes are here', async () => {
    await turn(sim, { processing_ms: 60_000 });
    const token = await tokenOf();
    assert.deepEqual(refused(await sim.api(CANCEL, token, { publish_id: await publish(token) })), [400, 'publish_not_cancellable']);
  });
});

describe('the Display API', () => {
  test('tells about a person what was asked for and granted', async () => {
    const token = await tokenOf();
    const { user } = (await sim.get('/v2/user/info/?fields=open_id,union_id,avatar_url,display_name,username,is_verified,follower_count,video_count', token)).json.data;
    assert.deepEqual([user.display_name, user.username, user.is_verified, user.follower_count, user.video_count], ['Ann Example', 'ann.example', false, 107, 0]);
    assert.equal(user.open_id, (await sim.permit('ann.example')).open_id);
    const basic = await tokenOf('ann.example', 'user.info.basic');
    assert.deepEqual(refused(await sim.get('/v2/user/info/?fields=open_id,username', basic)), [400, 'scope_permission_missed']);
    assert.deepEqual(refused(await sim.get('/v2/user/info/?fields=open_id', await tokenOf('ann.example', 'video.publish'))), [401, 'scope_not_authorized']);
    for (const query of ['', '?fields=', '?fields=open_id,shoe_size', '?fields=open_id,']) {
      assert.deepEqual(refused(await sim.get(`/v2/user/info/${query}`, token)), [400, 'invalid_params'], query);
    }
  });

  test('lists public posts, newest first, page by page', async () => {
    await turn(sim, { moderation_ms: 0, init_per_min: 0 });
    const token = await tokenOf();
    for (const title of ['one', 'two', 'three']) {
      await publish(token, { title, privacy_level: 'PUBLIC_TO_EVERYONE' });
      await advance(sim, 1000);
    }
    await publish(token, { title: 'mine' });
    const list = (body) => sim.api('/v2/video/list/?fields=id,title,create_time,share_url,view_count,duration,width,height', token, body).then(({ json }) => json.data);
    const first = await list({ max_count: 2 });
    assert.deepEqual([first.videos.map(({ title }) => title), first.has_more], [['three', 'two'], true]);
    assert.deepEqual([first.videos[0].width, first.videos[0].height, first.videos[0].duration], [360, 640, 4]);
    assert.match(first.videos[0].id, /^\d{19}$/);
    const rest = await list({ max_count: 2, cursor: first.cursor });
    assert.deepEqual([rest.videos.map(({ title }) => title), rest.has_more], [['one'], false]);
    assert.equal((await sim.request('GET', first.videos[0].share_url)).status, 200);
    assert.equal((await sim.get('/v2/user/info/?fields=video_count', token)).json.data.user.video_count, 3);

    const query = (video_ids) => sim.api('/v2/video/query/?fields=id,title', token, { filters: { video_ids } });
    const some = (await query([rest.videos[0].id, '1', 'x'])).json.data.videos;
    assert.deepEqual(some.map(({ title }) => title), ['one']);
    assert.deepEqual((await sim.api('/v2/video/query/?fields=id', await tokenOf('ben.private'), { filters: { video_ids: [rest.videos[0].id] } })).json.data.videos, []);
    for (const [path, body] of [['/v2/video/list/', {}], ['/v2/video/list/?fields=mood', {}], ['/v2/video/list/?fields=id', { max_count: 21 }], ['/v2/video/query/?fields=id', {}], ['/v2/video/query/?fields=id', { filters: { video_ids: Array(21).fill('1') } }]]) {
      assert.deepEqual(refused(await sim.api(path, token, body)), [400, 'invalid_params'], path);
    }
  });
});

describe('the ledger', () => {
  test('counts what was published, by caption, id and person', async () => {
    const [ann, ben] = [await tokenOf(), await tokenOf('ben.private')];
    const begin = Date.now();
    const one = await publish(ann, { title: 'same' });
    await publish(ben, { title: 'same' });
    await init(ann, { title: 'same' });
    await publish(ann, { title: 'other' });
    const same = await ledger(sim, { caption: 'same' });
    assert.deepEqual([same.publications.length, same.sessions.length], [2, 3]);
    assert.deepEqual([(await publicationsOf(sim, 'sam')).length, (await publicationsOf(sim, 'same #x')).length], [0, 0]);
    const [publication] = (await ledger(sim, { publish_id: one })).publications;
    assert.equal(publication.username, 'ann.example');
    assert.ok(publication.committed_at_ms >= begin && publication.committed_at_ms <= Date.now());
    assert.equal((await ledger(sim, { username: 'ann.example' })).publications.length, 2);
    assert.equal((await ledger(sim, { calls: 3 })).calls.length, 3);
    assert.deepEqual((await ledger(sim, { publish_id: one })).calls.map(({ endpoint, status }) => [endpoint, status]), [['upload', 201], ['video_init', 200]]);
    assert.deepEqual(await counts(sim), { sessions: 4, publications: 3, captions: 2, more_than_once: [{ caption: 'same', publications: 2 }] });
    const all = await ledger(sim, { limit: 3, sessions: 0, calls: 0 });
    assert.deepEqual([all.sessions, all.calls, all.publications.map(({ caption }) => caption)], [undefined, [], ['other', 'same']]);
    const rest = await ledger(sim, { before: all.publications.at(-1).id });
    assert.deepEqual(rest.publications.map(({ publish_id }) => publish_id), [one]);
    for (const query of ['caption=a&username=b', 'limit=-1', 'limit=x', 'limit=4001', 'sessions=2', 'before=x', 'caption=a&caption=b']) {
      assert.equal((await sim.request('GET', `/sandbox/ledger?${query}`)).status, 400, query);
    }
  });

  test('says so when an answer would be too large', async () => {
    await turn(sim, { init_per_min: 0 });
    const token = await tokenOf();
    const body = post({ title: '€'.repeat(2200) });
    for (let i = 0; i < 700; i += 20) {
      await Promise.all(Array.from({ length: 20 }, () => sim.api(INIT, token, body)));
    }
    const answer = await sim.request('GET', '/sandbox/ledger');
    assert.deepEqual(refused(answer), [400, 'too_much']);
    assert.equal((await ledger(sim, { limit: 100 })).sessions.length, 100);
  });

  test('says the machine\'s time of the last byte, whatever the clock says', async () => {
    await advance(sim, 86_400_000);
    await publish(await tokenOf());
    const [{ committed_at_ms, committed_clock_ms }] = await publicationsOf(sim, 'a title');
    assert.ok(Math.abs(committed_at_ms - Date.now()) < 5000);
    assert.equal(committed_clock_ms - committed_at_ms, 86_400_000);
  });

  test('survives being killed', async () => {
    const { access_token, refresh_token } = await sim.permit('ann.example');
    const { upload_url } = await init(access_token, { title: 'before' });
    await sim.restart({ signal: 'SIGKILL' });
    assert.equal((await sim.put(upload_url, video, 0, video.length)).status, 201);
    assert.equal((await publicationsOf(sim, 'before')).length, 1);
    assert.ok((await sim.token({ grant_type: 'refresh_token', refresh_token })).json.access_token);
  });
});

describe('a fault', () => {
  const lost = (promise) => assert.rejects(promise, /socket hang up|ECONNRESET|aborted/);

  test('answers in TikTok\'s place, as often as it says, in the form of the endpoint', async () => {
    const token = await tokenOf();
    const { upload_url } = await init(token);
    await setFault(sim, { endpoint: 'creator_info', status: 500, count: 2 });
    await setFault(sim, { endpoint: 'video_init', status: 429, count: 1, retry_after_s: 7 });
    await setFault(sim, { endpoint: 'upload', status: 503, count: 1 });
    await setFault(sim, { endpoint: 'token', status: 503, count: 1 });
    for (let i = 0; i < 2; i++) {
      assert.deepEqual(refused(await sim.api(CREATOR, token)), [500, 'internal_error']);
    }
    assert.equal((await sim.api(CREATOR, token)).json.error.code, 'ok');
    const busy = await sim.api(INIT, token, post());
    assert.deepEqual([...refused(busy), busy.headers['retry-after']], [429, 'rate_limit_exceeded', '7']);
    assert.deepEqual([(await sim.put(upload_url, video, 0, video.length)).status, (await sim.put(upload_url, video, 0, video.length)).status], [503, 201]);
    const oauth = await sim.token({ grant_type: 'refresh_token', refresh_token: 'x' });
    assert.deepEqual([oauth.status, oauth.json.error], [503, 'temporarily_unavailable']);
    assert.equal((await ledger(sim)).sessions.length, 1);
  });

  test('names the code of a refusal', async () => {
    await setFault(sim, { endpoint: 'video_init', code: 'spam_risk_too_many_posts', http: 403, count: 1 });
    const answer = await sim.api(INIT, await tokenOf(), post());
    assert.deepEqual(refused(answer), [403, 'spam_risk_too_many_posts']);
    await setFault(sim, { endpoint: 'creator_info', code: 'spam_risk_too_many_posts', http: 200, count: 1 });
    assert.deepEqual(refused(await sim.api(CREATOR, await tokenOf())), [200, 'spam_risk_too_many_posts']);
  });

  test('spoils a body', async () => {
    const token = await tokenOf();
    // The tests' own client reads JSON; these answers are not.
    const spoilt = async (endpoint, path, fault) => {
      await setFault(sim, { endpoint, count: 1, ...fault });
      const answer = await fetch(new URL(path, sim.sandboxUrl), { method: 'POST', body: JSON.stringify(post()), headers: { authorization: `Bearer ${token}` } });
      return { status: answer.status, type: answer.headers.get('content-type').split(';')[0], text: await answer.text() };
    };
    const html = await spoilt('creator_info', CREATOR, { body: 'html' });
    assert.deepEqual([html.status, html.type], [502, 'text/html']);
    assert.equal((await spoilt('creator_info', CREATOR, { body: 'html', status: 200 })).status, 200);
    assert.deepEqual(await spoilt('creator_info', CREATOR, { body: 'empty' }), { status: 200, type: 'application/json', text: '' });
    const garbage = await spoilt('creator_info', CREATOR, { body: 'garbage' });
    assert.deepEqual([garbage.status, garbage.type], [200, 'application/json']);
    assert.throws(() => JSON.parse(garbage.text));
    const truncated = await spoilt('video_init', INIT, { body: 'truncated' });
    assert.match(truncated.text, /^\{"data":\{"publish_id":/);
    assert.throws(() => JSON.parse(truncated.text));
    assert.equal((await ledger(sim)).sessions.length, 1, 'truncated: it was done');
  });

  test('loses the answer after the effect, or the request before it', async () => {
    const token = await tokenOf();
    await setFault(sim, { endpoint: 'video_init', lost: true, count: 1 });
    await lost(sim.api(INIT, token, post({ title: 'lost' })));
    assert.equal((await ledger(sim, { caption: 'lost' })).sessions.length, 1);
    await setFault(sim, { endpoint: 'video_init', drop: true, count: 1 });
    await lost(sim.api(INIT, token, post({ title: 'dropped' })));
    assert.equal((await ledger(sim, { caption: 'dropped' })).sessions.length, 0);
    const { upload_url } = await init(token, { title: 'bytes' });
    await setFault(sim, { endpoint: 'upload', lost: true, count: 1 });
    await lost(sim.put(upload_url, video, 0, video.length));
    assert.equal((await publicationsOf(sim, 'bytes')).length, 1);
  });

  test('takes some bytes of a chunk and drops the connection', async () => {
    const token = await tokenOf();
    const { publish_id, upload_url } = await init(token);
    await setFault(sim, { endpoint: 'upload', take_bytes: 1000, count: 1 });
    await lost(sim.put(upload_url, video, 0, video.length));
    assert.equal((await statusOf(token, publish_id)).uploaded_bytes, 0);
    assert.equal((await sim.put(upload_url, video, 0, video.length)).status, 201);
  });

  test('cuts an answer short, so that its length shows it', async () => {
    await setFault(sim, { endpoint: 'creator_info', cut_after: 20, count: 1 });
    await lost(sim.api(CREATOR, await tokenOf()));
  });

  test('answers an error although it was done', async () => {
    const token = await tokenOf();
    const { upload_url } = await init(token, { title: 'done' });
    await setFault(sim, { endpoint: 'upload', status: 502, after: true, count: 1 });
    assert.equal((await sim.put(upload_url, video, 0, video.length)).status, 502);
    assert.equal((await publicationsOf(sim, 'done')).length, 1);
  });

  test('lets one wait, before or after the effect', async () => {
    const token = await tokenOf();
    await setFault(sim, { endpoint: 'video_init', hang_ms: 60_000, count: 1 });
    await assert.rejects(sim.api(INIT, token, post({ title: 'hangs' }), { timeout: 300 }), /no answer/);
    assert.equal((await ledger(sim, { caption: 'hangs' })).sessions.length, 1);
    await setFault(sim, { endpoint: 'video_init', delay_ms: 200, count: 1 });
    const begin = performance.now();
    assert.equal((await sim.api(INIT, token, post({ title: 'late' }))).status, 200);
    assert.ok(performance.now() - begin >= 199);
  });

  test('keeps to one account, one chunk, and lets some pass first', async () => {
    const [ann, ben] = [await tokenOf(), await tokenOf('ben.private')];
    await setFault(sim, { endpoint: 'creator_info', account: 'ben.private', status: 500 });
    await setFault(sim, { endpoint: 'video_init', status: 500, skip: 1, count: 1 });
    assert.deepEqual([(await sim.api(CREATOR, ann)).status, (await sim.api(CREATOR, ben)).status], [200, 500]);
    const statuses = [];
    for (let i = 0; i < 3; i++) {
      statuses.push((await sim.api(INIT, ann, post())).status);
    }
    assert.deepEqual(statuses, [200, 500, 200]);
    await clearFaults(sim);
    await turn(sim, { check_media: 0 });
    const total = 10 * MB;
    const { upload_url } = await init(ann, {}, source(total, 5 * MB, 2));
    await setFault(sim, { endpoint: 'upload', status: 503, chunk: 1, count: 1 });
    const half = Buffer.alloc(5 * MB);
    assert.deepEqual([(await sim.put(upload_url, half, 0, total)).status, (await sim.put(upload_url, half, 5 * MB, total)).status, (await sim.put(upload_url, half, 5 * MB, total)).status], [206, 503, 201]);
    await setFault(sim, { endpoint: 'token', account: 'ben.private', status: 500 });
    const { refresh_token } = await sim.permit('ben.private');
    assert.equal((await sim.token({ grant_type: 'refresh_token', refresh_token })).status, 500);
    assert.equal((await sim.token({ grant_type: 'refresh_token', refresh_token: (await sim.permit('ann.example')).refresh_token })).status, 200);
  });

  test('with a probability hits the same calls for the same seed', async () => {
    const run = async (seed) => {
      await sim.request('POST', '/sandbox/reset', { json: {} });
      await turn(sim, { seed, creator_per_min: 0 });
      await setFault(sim, { endpoint: 'creator_info', status: 500, probability: 0.5 });
      const token = await tokenOf();
      let seen = '';
      for (let i = 0; i < 40; i++) {
        seen += (await sim.api(CREATOR, token)).status === 500 ? 'x' : '.';
      }
      return seen;
    };
    const [one, two, other] = [await run(7), await run(7), await run(8)];
    assert.equal(one, two);
    assert.notEqual(one, other);
    assert.match(one, /x/);
    assert.match(one, /\./);
  });

  test('decides what becomes of a publication', async () => {
    const token = await tokenOf();
    await setFault(sim, { fail_reason: 'frame_rate_check_failed', count: 1 });
    const failed = await publish(token, { title: 'fails' });
    assert.deepEqual(await statusOf(token, failed), { fail_reason: 'frame_rate_check_failed', status: 'FAILED' });
    assert.equal((await publicationsOf(sim, 'fails')).length, 0);
    await setFault(sim, { stuck: true, account: 'ann.example', count: 1 });
    const stuck = await publish(token, { title: 'stuck' });
    await advance(sim, 3_600_000);
    assert.equal((await statusOf(token, stuck)).status, 'PROCESSING_UPLOAD');
    assert.equal((await publicationsOf(sim, 'stuck')).length, 1);
    assert.equal((await sim.request('PATCH', `/sandbox/publications/${stuck}`, { json: { stuck: false } })).status, 200);
    assert.equal((await statusOf(token, stuck)).status, 'PUBLISH_COMPLETE');
    await setFault(sim, { processing_ms: 60_000, count: 1 });
    assert.equal((await statusOf(token, await publish(token))).status, 'PROCESSING_UPLOAD');
    const later = await publish(token, { title: 'taken down' });
    await sim.request('PATCH', `/sandbox/publications/${later}`, { json: { fail_reason: 'spam_risk' } });
    assert.equal((await statusOf(token, later)).fail_reason, 'spam_risk');
  });

  test('that makes no sense is refused, and known ones can be looked at', async () => {
    for (const json of [{}, { endpoint: 'x', status: 500 }, { endpoint: 'upload' }, { endpoint: 'upload', status: 99 }, { fail_reason: 'bad mood' }, { endpoint: 'upload', lost: true, account: 'nobody' }, { endpoint: 'upload', lost: true, extra: 1 }]) {
      const answer = await sim.request('POST', '/sandbox/faults', { json });
      assert.deepEqual([answer.status, answer.json.error.code], [400, 'bad_fault'], JSON.stringify(json));
    }
    const id = await setFault(sim, { endpoint: 'status', status: 500, count: 3 });
    const { faults } = (await sim.request('GET', '/sandbox/faults')).json;
    assert.deepEqual(faults, [{ id, fault: { count: 3, endpoint: 'status', status: 500 }, seen: 0, hits: 0, remaining: 3 }]);
    assert.equal((await sim.request('DELETE', `/sandbox/faults/${id}`)).status, 200);
    assert.equal((await sim.request('DELETE', `/sandbox/faults/${id}`)).status, 404);
    assert.equal((await sim.request('DELETE', '/sandbox/faults')).json.removed, 0);
  });
});

describe('the controls', () => {
  test('take knobs within their range, all or none', async () => {
    for (const json of [{ no_such: 1 }, { audited: 2 }, { audited: true }, { audited: '0' }, { processing_ms: -1 }, { processing_ms: 5, audited: 9 }]) {
      assert.equal((await sim.request('PATCH', '/sandbox/knobs', { json })).status, 400, JSON.stringify(json));
    }
    const knobs = await turn(sim, { processing_ms: 5 });
    assert.deepEqual(knobs.processing_ms, { value: 5, usual: 0, min: 0, max: 86400000 });
    assert.equal((await turn(sim, { processing_ms: null })).processing_ms.value, 0);
  });

  test('move the clock and put it back', async () => {
    const { offset_ms } = await advance(sim, 5000);
    assert.equal(offset_ms, 5000);
    assert.equal((await advance(sim, 5000)).offset_ms, 10_000);
    const set = (json) => sim.request('POST', '/sandbox/clock', { json });
    assert.equal((await set({ offset_ms: -3000 })).json.offset_ms, -3000);
    for (const json of [{}, { offset_ms: 'x' }, { offset_ms: 1, advance_ms: 1 }, { advance_ms: 1e15 }]) {
      assert.equal((await set(json)).status, 400, JSON.stringify(json));
    }
  });

  test('add and change people', async () => {
    const users = async () => (await sim.request('GET', '/sandbox/users')).json.users;
    assert.equal((await users()).length, 7);
    const added = await sim.request('POST', '/sandbox/users', { json: { username: 'zoe.new', nickname: 'Zoe <New>', private: true } });
    assert.deepEqual([added.status, added.json.private, added.json.post_cap], [201, true, 15]);
    for (const json of [{}, { username: 'Zoe' }, { username: 'zoe.new' }, { username: 'ok.name', mood: 1 }]) {
      assert.equal((await sim.request('POST', '/sandbox/users', { json })).status, 400, JSON.stringify(json));
    }
    assert.equal((await users()).length, 8);
    assert.equal((await change(sim, 'zoe.new', { banned: true })).banned, true);
    assert.deepEqual(refused(await sim.api(INIT, await tokenOf('zoe.new'), post())), [403, 'spam_risk_user_banned_from_posting']);
    assert.equal((await sim.request('PATCH', '/sandbox/users/nobody', { json: {} })).status, 404);
    assert.equal((await sim.request('PATCH', '/sandbox/users/zoe.new', { json: { username: 'other' } })).status, 400);
    assert.match((await sim.request('GET', '/people')).text, /Zoe &lt;New&gt;/);
  });

  test('reset all, or all but who is connected', async () => {
    const { access_token } = await sim.permit('ann.example');
    await publish(access_token);
    await turn(sim, { audited: 0 });
    await sim.request('POST', '/sandbox/reset', { json: { keep_tokens: true } });
    assert.equal((await ledger(sim)).sessions.length, 0);
    assert.equal((await sim.api(CREATOR, access_token)).status, 200);
    assert.equal((await sim.api(INIT, access_token, post())).status, 200);
    await sim.request('POST', '/sandbox/reset', { json: {} });
    assert.equal((await sim.api(CREATOR, access_token)).status, 401);
  });

  test('are not for other sites', async () => {
    for (const [method, path] of [['POST', '/sandbox/reset'], ['POST', '/sandbox'], ['DELETE', '/sandbox/faults'], ['POST', '/@ann.example']]) {
      assert.equal((await sim.request(method, path, { headers: { 'sec-fetch-site': 'same-site' }, body: '' })).status, 403, path);
    }
  });
});

describe('the pages', () => {
  test('show posts with their audience, and captions as text', async () => {
    await turn(sim, { moderation_ms: 0 });
    const token = await tokenOf();
    await publish(token, { title: '<script>alert(1)</script> & "more" #tag @you', privacy_level: 'PUBLIC_TO_EVERYONE', is_aigc: true });
    await publish(token, { title: 'only mine' });
    for (const path of ['/', '/@ann.example', '/%40ann.example']) {
      const { status, text } = await sim.request('GET', path);
      assert.equal(status, 200);
      assert.ok(!text.includes('<script>'), path);
      for (const words of ['&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot; ', '<b class="tag">#tag</b>', 'only mine', 'Only me', 'Everyone', 'Creator labeled as AI-generated']) {
        assert.ok(text.includes(words), `${path}: ${words}`);
      }
      assert.match(text, /<video [^>]*src="\/media\/\d+\.mp4"/);
    }
    assert.ok(!(await sim.request('GET', '/@ben.private')).text.includes('only mine'));
    const [, link] = /href="(\/@ann\.example\/video\/\d+)"/.exec((await sim.request('GET', '/')).text);
    assert.match((await sim.request('GET', link)).text, /v_pub_file~v2-1\./);
  });

  test('go on to older posts', async () => {
    await turn(sim, { init_per_min: 0, discard_bodies: 1 });
    const token = await tokenOf();
    for (let i = 0; i < 26; i++) {
      await publish(token, { title: `number ${i}.` });
      await advance(sim, 10);
    }
    const first = (await sim.request('GET', '/')).text;
    assert.ok(first.includes('number 25.') && !first.includes('number 1.'));
    const [, older] = /href="(\/\?before=\d+)"/.exec(first);
    const second = (await sim.request('GET', older)).text;
    assert.ok(second.includes('number 1.') && second.includes('number 0.') && !second.includes('number 2.'));
    assert.ok(!second.includes('?before='));
  });

  test('let a person post a draft, throw one away, and leave the app', async () => {
    const token = await tokenOf();
    const [one, two] = [await publish(token, {}, INBOX), await publish(token, {}, INBOX)];
    const act = (form) => sim.request('POST', '/@ann.example', { form });
    const idOf = (publish_id) => publish_id.split('.').at(-1);
    assert.match((await sim.request('GET', '/@ann.example')).text, new RegExp(`name="post" value="${idOf(one)}"`));
    assert.deepEqual([(await act({ post: idOf(one) })).status, (await act({ discard: idOf(two) })).status], [303, 303]);
    assert.equal((await statusOf(token, one)).status, 'PUBLISH_COMPLETE');
    assert.deepEqual([(await act({ post: idOf(two) })).status, (await act({ post: 'x' })).status, (await sim.request('POST', '/@ben.private', { form: { post: idOf(one) } })).status], [409, 404, 404]);
    assert.equal((await act({ remove: 'app' })).status, 303);
    assert.equal((await sim.api(CREATOR, token)).status, 401);
  });

  test('set faults, move the clock and change people by their forms', async () => {
    const send = (form) => sim.request('POST', '/sandbox', { form });
    const token = await tokenOf();
    assert.equal((await send({ what: 'fault', endpoint: 'creator_info', trouble: 'busy', count: '1' })).headers.location, '/sandbox');
    assert.equal((await sim.api(CREATOR, token)).status, 429);
    await send({ what: 'fate', trouble: 'text', count: '' });
    assert.equal((await statusOf(token, await publish(token))).fail_reason, 'spam_risk_text');
    const { faults } = (await sim.request('GET', '/sandbox/faults')).json;
    assert.equal(faults[1].remaining, null);
    await send({ what: 'unfault', id: String(faults[1].id) });
    await send({ what: 'person', username: 'ann.example', private: '1' });
    assert.equal((await sim.request('GET', '/sandbox/users/ann.example')).json.private, true);
    await send({ what: 'clock', step: '1' });
    await send({ what: 'knob', knob: 'audited', value: '0' });
    const page = await sim.request('GET', '/sandbox');
    assert.match(page.text, /audited: 0 \(usually 1\)/);
    assert.match(page.text, /which is not this machine's time/);
    for (const form of [{}, { what: 'nothing' }, { what: 'knob', knob: 'x', value: '1' }, { what: 'knob', knob: 'audited', value: '7' }, { what: 'fault', endpoint: 'x', trouble: 'busy' }, { what: 'fault', endpoint: 'upload', trouble: 'x' }, { what: 'clock', step: '9' }]) {
      assert.equal((await send(form)).status, 400, JSON.stringify(form));
    }
    await send({ what: 'reset' });
    assert.equal((await ledger(sim)).sessions.length, 0);
  });

  test('have nothing inline and nothing from elsewhere', async () => {
    await publish(await tokenOf());
    for (const path of ['/', '/people', '/@ann.example', '/sandbox', sim.authorize().url]) {
      const { text, headers } = await sim.request('GET', path);
      assert.doesNotMatch(text, /<script|<style| style=| on[a-z]+="|javascript:/, path);
      assert.doesNotMatch(text.replaceAll(REDIRECT_URI, ''), /(?:src|href)="(?!\/|#)/, path);
      assert.match(headers['content-security-policy'], /default-src 'none'/);
    }
    assert.match((await sim.request('GET', '/sandbox/style.css')).headers['content-type'], /^text\/css/);
    assert.equal((await sim.request('GET', '/sandbox/icon.png')).headers['content-type'], 'image/png');
    for (const [method, path, status] of [['GET', '/@nobody', 404], ['GET', '/nothing', 404], ['GET', '/@ann.example/video/1', 404], ['DELETE', '/people', 405], ['GET', '/a/b/c', 404]]) {
      assert.equal((await sim.request(method, path)).status, status, path);
    }
  });

  test('log no token, code or upload address', async () => {
    const { access_token } = await sim.permit('ann.example');
    const { upload_url } = await init(access_token);
    await sim.put(upload_url, video, 0, video.length);
    const form = await granted();
    await sim.token(form);
    for (const secret of [access_token, form.code, new URL(upload_url).searchParams.get('upload_token'), CLIENT_SECRET]) {
      assert.ok(!sim.errors.includes(secret));
      assert.ok(!readFileSync(join(sim.dir, 'access.log'), 'utf8').includes(secret));
    }
  });
});
