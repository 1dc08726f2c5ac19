// Webhooks of the simulator: sent when something happens, signed, sent again until they are
// answered with 200, and spoilt by faults. The receiver is a server of Node's, and what it
// checks it checks with Node's own crypto.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Receiver, signatureOf, signedBy } from '../harness/receiver.mjs';
import { CLIENT_KEY, CLIENT_SECRET, Simulator, addApp, advance, change, changeApp, courierOf, deed, leave, redeliver, setFault, tryWebhook, turn, webhooks } from '../harness/sandbox.mjs';
import { eventually } from '../harness/stack.mjs';

const HOUR = 3_600_000;
const VIDEO = Buffer.from('not a film');

let sim;
let hook;
before(async () => {
  hook = await Receiver.start();
  sim = await Simulator.start({ env: { SANDBOX_WEBHOOK_URL: hook.url, SANDBOX_WORKERS: '3' } });
});
after(async () => {
  sim.errors = sim.errors.replace(/^.*event=web\.worker_died .*signal=9$/gm, ''); // we killed it
  await sim?.stop();
  await hook?.stop();
});
beforeEach(async () => {
  await sim.request('POST', '/sandbox/reset', { json: {} });
  await turn(sim, { check_media: 0, moderation_ms: 0, init_per_min: 0 });
  hook.forget();
});

const tokenOf = async (name = 'ann.example', more = {}) => (await sim.request('POST', '/sandbox/permits', { json: { username: name, scopes: 'user.info.basic,video.upload,video.publish', ...more } })).json.access_token;
const source = { source: 'FILE_UPLOAD', video_size: VIDEO.length, chunk_size: VIDEO.length, total_chunk_count: 1 };

async function begin(token, { inbox = false, privacy_level = 'PUBLIC_TO_EVERYONE' } = {}) {
  const body = inbox ? { source_info: source } : { post_info: { title: 'a title', privacy_level }, source_info: source };
  const answer = await sim.api(`/v2/post/publish/${inbox ? 'inbox/' : ''}video/init/`, token, body);
  assert.equal(answer.status, 200, answer.text);
  return answer.json.data;
}

/** A whole publication; answers its publish_id. */
async function publish(token, options) {
  const { publish_id, upload_url } = await begin(token, options);
  assert.equal((await sim.put(upload_url, VIDEO, 0, VIDEO.length)).status, 201);
  return publish_id;
}

const statesOf = async (query) => (await webhooks(sim, query)).webhooks.map(({ state }) => state);
const only = async (query) => {
  const list = (await webhooks(sim, query)).webhooks;
  assert.equal(list.length, 1, JSON.stringify(list));
  return list[0];
};

/** Waits until the simulator has written down that many tries of its only webhook. */
const tried = (tries) => eventually(async () => (await only()).tries === tries && only(), { ms: 60_000, what: `${tries} tries` });

/** Nothing more comes: whatever is due has been sent, and only this many came. */
async function settled(count) {
  await eventually(async () => (await webhooks(sim)).webhooks.every(({ state, due_at_ms }) => state !== 'waiting' || due_at_ms > Date.now() + 1000), { what: 'nothing to be due' });
  assert.equal(hook.received.length, count, hook.events().join());
}

describe('a webhook', () => {
  test('tells of a post in TikTok\'s form, signed over the raw body', async () => {
    const token = await tokenOf();
    const { open_id } = (await sim.request('POST', '/sandbox/permits', { json: { username: 'ann.example', scopes: 'user.info.basic' } })).json;
    const before = Math.floor(Date.now() / 1000);
    const publish_id = await publish(token);
    const first = await hook.nth(1);
    assert.equal(first.method, 'POST');
    assert.equal(first.headers['content-type'], 'application/json');
    assert.equal(first.headers['content-length'], String(first.body.length));
    assert.ok(first.rawHeaders.includes('TikTok-Signature'), 'the header has its usual spelling');
    assert.deepEqual(Object.keys(first.json), ['client_key', 'event', 'create_time', 'user_openid', 'content']);
    assert.equal(first.json.client_key, CLIENT_KEY);
    assert.equal(first.json.event, 'post.publish.complete');
    assert.equal(first.json.user_openid, open_id);
    assert.ok(first.json.create_time >= before && first.json.create_time <= Date.now() / 1000, 'create_time is in seconds');
    assert.equal(typeof first.json.content, 'string');
    assert.deepEqual(first.content, { publish_id, publish_type: 'DIRECT_PUBLISH' });
    const header = first.headers['tiktok-signature'];
    assert.match(header, /^t=\d{10},s=[0-9a-f]{64}$/);
    assert.ok(signedBy(CLIENT_SECRET, header, first.body), 'the signature is right');
    assert.ok(!signedBy(CLIENT_SECRET, header, Buffer.from(`${first.body} `)), 'and only for this body');
    assert.ok(Math.abs(Number(signatureOf(header).t) - Date.now() / 1000) < 60);

    const second = await hook.nth(2);
    assert.equal(second.event, 'post.publish.publicly_available');
    assert.deepEqual(Object.keys(second.content), ['publish_id', 'publish_type', 'post_id']);
    assert.match(second.content.post_id, /^\d{19}$/);
    assert.match(second.json.content, /"post_id":"\d/, 'the id has quotes, as seen live');
    await settled(2);
    assert.deepEqual(await statesOf({ publish_id }), ['delivered', 'delivered']);
  });

  test('can have the other spelling of its header, and a post id without quotes', async () => {
    await turn(sim, { webhook_header: 1, webhook_post_id_as_number: 1 });
    await publish(await tokenOf());
    const second = await hook.nth(2);
    assert.ok(second.rawHeaders.includes('Tiktok-Signature'));
    assert.match(second.json.content, /"post_id":\d{19}\}/);
  });

  test('comes when a post is due by the simulator\'s clock, and moved time brings it', async () => {
    await turn(sim, { processing_ms: HOUR, moderation_ms: HOUR });
    const publish_id = await publish(await tokenOf());
    await settled(0);
    assert.deepEqual(await statesOf(), []);
    await advance(sim, HOUR);
    await hook.nth(1);
    await settled(1);
    assert.deepEqual(hook.events(), ['complete']);
    await advance(sim, HOUR);
    assert.equal((await hook.nth(2)).content.publish_id, publish_id);
    assert.deepEqual(hook.events(), ['complete', 'publicly_available']);
    assert.equal(hook.received[1].json.create_time - hook.received[0].json.create_time, 3600);
  });

  test('comes within a moment of what it tells', async () => {
    const token = await tokenOf();
    await publish(token, { privacy_level: 'SELF_ONLY' });
    await hook.nth(1);
    const times = [];
    for (let n = 2; n <= 6; n++) {
      const { upload_url } = await begin(token, { privacy_level: 'SELF_ONLY' });
      const start = performance.now();
      await sim.put(upload_url, VIDEO, 0, VIDEO.length);
      await hook.nth(n);
      times.push(performance.now() - start);
    }
    // It sleeps for up to ten seconds when nobody rings: so the bell works.
    assert.ok(Math.min(...times) < 5000, `${times}`);
  });

  test('of what nobody but the owner sees says that it is complete, and no more', async () => {
    await publish(await tokenOf(), { privacy_level: 'SELF_ONLY' });
    await hook.nth(1);
    await settled(1);
    assert.deepEqual(hook.events(), ['complete']);
  });

  test('of a post that no moderator lets pass says no more either', async () => {
    await setFault(sim, { no_post_id: true, count: 1 });
    const token = await tokenOf();
    const publish_id = await publish(token);
    await hook.nth(1);
    await advance(sim, 24 * HOUR);
    await settled(1);
    const { data } = (await sim.api('/v2/post/publish/status/fetch/', await tokenOf(), { publish_id })).json;
    assert.equal(data.status, 'PUBLISH_COMPLETE');
    assert.equal(data.publicaly_available_post_id, undefined);
  });

  test('tells of drafts: in the inbox, posted by the person, public', async () => {
    const publish_id = await publish(await tokenOf(), { inbox: true });
    assert.deepEqual((await hook.nth(1)).content, { publish_id, publish_type: 'INBOX_SHARE' });
    assert.deepEqual(hook.events(), ['inbox_delivered']);
    await deed(sim, publish_id, 'post');
    const last = await hook.nth(3);
    assert.deepEqual(hook.events(), ['inbox_delivered', 'complete', 'publicly_available']);
    assert.equal(last.content.publish_type, 'INBOX_SHARE');
    await settled(3);
  });

  test('of a draft that is thrown away never comes', async () => {
    const publish_id = await publish(await tokenOf(), { inbox: true });
    await hook.nth(1);
    await deed(sim, publish_id, 'discard');
    await advance(sim, HOUR);
    await settled(1);
  });

  test('tells why a publication failed, once, and nothing else of it', async () => {
    await setFault(sim, { fail_reason: 'frame_rate_check_failed', count: 1 });
    const publish_id = await publish(await tokenOf());
    assert.deepEqual((await hook.nth(1)).content, { publish_id, reason: 'frame_rate_check_failed', publish_type: 'DIRECT_PUBLISH' });
    assert.equal(hook.received[0].event, 'post.publish.failed');
    await advance(sim, HOUR);
    await settled(1);
  });

  test('tells that a publication was cancelled', async () => {
    const token = await tokenOf();
    const { publish_id } = await begin(token);
    assert.equal((await sim.api('/v2/post/publish/cancel/', token, { publish_id })).status, 200);
    assert.equal((await hook.nth(1)).content.reason, 'publish_cancelled');
  });

  test('of one that is stuck comes when it is let go', async () => {
    await setFault(sim, { stuck: true, count: 1 });
    const publish_id = await publish(await tokenOf());
    await advance(sim, HOUR);
    await settled(0);
    await sim.request('PATCH', `/sandbox/publications/${publish_id}`, { json: { stuck: false } });
    await hook.nth(2);
    assert.deepEqual(hook.events(), ['complete', 'publicly_available']);
  });

  test('tells when a post is hidden, and when it is public again', async () => {
    const token = await tokenOf();
    const publish_id = await publish(token);
    const { post_id } = (await hook.nth(2)).content;
    await deed(sim, publish_id, 'hide');
    const third = await hook.nth(3);
    assert.equal(third.event, 'post.publish.no_longer_publicaly_available');
    assert.deepEqual(third.content, { publish_id, publish_type: 'DIRECT_PUBLISH', post_id });
    assert.deepEqual((await sim.api('/v2/post/publish/status/fetch/', token, { publish_id })).json.data.publicaly_available_post_id, []);
    assert.equal((await sim.request('POST', `/sandbox/publications/${publish_id}/hide`, { json: {} })).status, 409);
    await deed(sim, publish_id, 'show');
    assert.equal((await hook.nth(4)).event, 'post.publish.publicly_available');
    await deed(sim, publish_id, 'hide');
    await hook.nth(5);
    await settled(5);
  });

  test('tells when a private post is made public later', async () => {
    const publish_id = await publish(await tokenOf(), { privacy_level: 'SELF_ONLY' });
    await hook.nth(1);
    await deed(sim, publish_id, 'show');
    assert.match((await hook.nth(2)).content.post_id, /^\d{19}$/);
    assert.deepEqual(hook.events(), ['complete', 'publicly_available']);
  });
});

describe('authorization.removed', () => {
  test('says that the developer revoked the token (5), after it is dead', async () => {
    const token = await tokenOf();
    const { publish_id } = await begin(token);
    let alive;
    hook.answer = ({ event }) => {
      if (event === 'authorization.removed') {
        alive = sim.api('/v2/post/publish/creator_info/query/', token);
      }
      return 200;
    };
    const answer = await sim.request('POST', '/v2/oauth/revoke/', { form: { client_key: CLIENT_KEY, client_secret: CLIENT_SECRET, token } });
    assert.equal(answer.status, 200);
    await hook.nth(2);
    const removed = hook.received.find(({ event }) => event === 'authorization.removed');
    assert.equal(removed.json.content, '{"reason":5}');
    assert.equal((await alive).json.error.code, 'access_token_invalid');
    const failed = hook.received.find(({ event }) => event === 'post.publish.failed');
    assert.deepEqual(failed.content, { publish_id, reason: 'auth_removed', publish_type: 'DIRECT_PUBLISH' });
  });

  test('says that the person took the app off the list (1)', async () => {
    await tokenOf();
    const answer = await sim.request('POST', '/@ann.example', { form: { remove: 'app' }, headers: { 'sec-fetch-site': 'same-origin' } });
    assert.equal(answer.status, 303);
    assert.deepEqual((await hook.nth(1)).content, { reason: 1 });
  });

  for (const [reason, what, closed] of [[0, 'unknown', false], [2, 'account deleted', true], [3, 'age changed', false], [4, 'account banned', true]]) {
    test(`says ${reason}: ${what}`, async () => {
      const token = await tokenOf('finn.short');
      assert.equal((await leave(sim, 'finn.short', reason)).closed, closed);
      assert.deepEqual((await hook.nth(1)).content, { reason });
      assert.equal((await sim.api('/v2/post/publish/creator_info/query/', token)).status, 401);
      const page = await sim.request('GET', sim.authorize().url);
      assert.equal(page.text.includes('finn.short'), !closed, 'who has no account cannot be chosen');
      assert.equal((await sim.request('POST', '/sandbox/permits', { json: { username: 'finn.short', scopes: 'video.publish' } })).status, closed ? 409 : 200);
      await sim.request('POST', '/sandbox/users/finn.short/return', { json: {} });
      assert.ok((await sim.request('GET', sim.authorize().url)).text.includes('finn.short'));
    });
  }

  test('is not sent for who had not let the app in, and not twice', async () => {
    await leave(sim, 'ben.private', 1);
    await sim.request('POST', '/@cleo.quiet', { form: { remove: 'app' } });
    await tokenOf();
    await leave(sim, 'ann.example', 1);
    await leave(sim, 'ann.example', 1);
    await hook.nth(1);
    await settled(1);
  });
});

describe('a delivery that fails', () => {
  test('comes again, with the same body, until it is answered with 200', async () => {
    await turn(sim, { webhook_retry_ms: 20 });
    const answers = [500, 404, 204, 302, 200];
    hook.answer = () => answers.shift();
    await publish(await tokenOf(), { privacy_level: 'SELF_ONLY' });
    await hook.nth(5);
    await tried(5);
    await settled(5);
    const bodies = new Set(hook.received.map(({ body }) => body.toString()));
    assert.equal(bodies.size, 1);
    for (const { headers, body, path } of hook.received) {
      assert.equal(path, '/hook', 'no redirect is followed');
      assert.ok(signedBy(CLIENT_SECRET, headers['tiktok-signature'], body));
    }
    assert.equal((await only()).state, 'delivered');
  });

  test('waits twice as long each time, up to eight hours, and ends after 72', async () => {
    await turn(sim, { webhook_retry_ms: HOUR });
    hook.answer = () => 503;
    await publish(await tokenOf(), { privacy_level: 'SELF_ONLY' });
    let last = await tried(1);
    const first = last.first_try_at_ms;
    const pauses = [];
    while (last.state === 'waiting') {
      assert.equal(last.status, 503);
      pauses.push(Math.round((last.due_at_ms - last.last_try_at_ms) / HOUR));
      assert.ok(last.due_at_ms <= first + 72 * HOUR, 'nothing is planned after 72 hours');
      const wait = last.due_at_ms - (await webhooks(sim)).now_ms;
      await advance(sim, wait - 100);
      assert.equal(hook.received.length, last.tries, 'not before its time');
      await advance(sim, 200);
      last = await tried(last.tries + 1);
      assert.ok(pauses.length < 50);
    }
    assert.deepEqual(pauses.slice(0, 5), [1, 2, 4, 8, 8]);
    assert.equal(last.state, 'dropped');
    assert.equal(Math.round((last.last_try_at_ms - first) / HOUR), 72);
    await advance(sim, 72 * HOUR);
    await settled(last.tries);
    assert.deepEqual((await webhooks(sim)).counts, { waiting: 0, delivered: 0, dropped: 1, lost: 0 });
  });

  test('is signed anew each time, unless the knob says otherwise', async () => {
    await turn(sim, { webhook_retry_ms: HOUR, webhook_clock: 1 });
    hook.answer = () => 500;
    await publish(await tokenOf(), { privacy_level: 'SELF_ONLY' });
    await tried(1);
    await advance(sim, HOUR);
    await tried(2);
    await turn(sim, { webhook_resign: 0 });
    await advance(sim, 2 * HOUR);
    await tried(3);
    const [one, two, three] = hook.received.map(({ headers }) => headers['tiktok-signature']);
    assert.ok(Number(signatureOf(two).t) - Number(signatureOf(one).t) >= 3600, 'by the simulator\'s clock, as the knob says');
    assert.equal(three, two);
    assert.ok(hook.received.every(({ headers, body }) => signedBy(CLIENT_SECRET, headers['tiktok-signature'], body)));
  });

  test('is signed by the machine\'s clock as a rule, which the receiver goes by too', async () => {
    await advance(sim, 30 * HOUR);
    await publish(await tokenOf());
    const { headers, json } = await hook.nth(1);
    assert.ok(Math.abs(Number(signatureOf(headers['tiktok-signature']).t) - Date.now() / 1000) < 60);
    assert.ok(json.create_time - Date.now() / 1000 > 29 * 3600);
  });

  test('is one when no answer comes in time, and one when nobody listens', async () => {
    await turn(sim, { webhook_timeout_ms: 50, webhook_retry_ms: HOUR });
    hook.answer = () => undefined;
    await publish(await tokenOf(), { privacy_level: 'SELF_ONLY' });
    const slow = await tried(1);
    assert.deepEqual([slow.state, slow.status], ['waiting', null]);
    assert.ok(slow.trouble, 'it says what was wrong');
    await hook.stop();
    await advance(sim, HOUR);
    const refused = await tried(2);
    assert.deepEqual([refused.state, refused.status], ['waiting', null]);
    await hook.listen(hook.port);
    hook.answer = () => 200;
    await advance(sim, 2 * HOUR);
    assert.equal((await tried(3)).state, 'delivered');
  });

  test('is sent again by the next courier when one dies before it has the answer', async () => {
    const first = courierOf(sim.program);
    hook.answer = () => {
      hook.answer = () => 200;
      process.kill(first, 'SIGKILL');
      return undefined;
    };
    await publish(await tokenOf(), { privacy_level: 'SELF_ONLY' });
    await hook.nth(2);
    const last = await tried(1);
    assert.deepEqual([last.state, last.status], ['delivered', 200], 'what was not written down did not happen');
    await settled(2);
    assert.deepEqual(hook.received[1].body, hook.received[0].body);
  });

  test('outlives the death of the courier, and of the whole simulator', async () => {
    hook.answer = () => 500;
    await turn(sim, { webhook_retry_ms: HOUR });
    await publish(await tokenOf(), { privacy_level: 'SELF_ONLY' });
    await tried(1);
    const old = courierOf(sim.program);
    assert.ok(old > 0);
    process.kill(old, 'SIGKILL');
    hook.answer = () => 200;
    await advance(sim, HOUR);
    assert.equal((await tried(2)).state, 'delivered');
    assert.notEqual(await eventually(() => courierOf(sim.program), { what: 'another courier' }), old);

    hook.forget();
    await turn(sim, { processing_ms: HOUR });
    const publish_id = await publish(await tokenOf());
    await sim.restart({ signal: 'SIGKILL', env: { SANDBOX_WEBHOOK_URL: hook.url, SANDBOX_WORKERS: '3' } });
    await advance(sim, HOUR);
    await hook.nth(2);
    assert.deepEqual(hook.events(), ['complete', 'publicly_available']);
    assert.equal(hook.received[0].content.publish_id, publish_id);
    await settled(2);
  });
});

describe('a fault of webhooks', () => {
  test('loses one: it is never sent', async () => {
    await setFault(sim, { endpoint: 'webhook', lost: true, event: 'post.publish.complete' });
    const publish_id = await publish(await tokenOf());
    await hook.nth(1);
    await advance(sim, 72 * HOUR);
    await settled(1);
    assert.deepEqual(hook.events(), ['publicly_available']);
    assert.equal((await only({ publish_id, event: 'post.publish.complete' })).state, 'lost');
  });

  test('sends it more than once, to the byte', async () => {
    await setFault(sim, { duplicate: 2, count: 1 });
    await publish(await tokenOf(), { privacy_level: 'SELF_ONLY' });
    await hook.nth(3);
    await settled(3);
    assert.equal(new Set(hook.received.map(({ body }) => body.toString())).size, 1);
    const { webhooks: list } = await webhooks(sim);
    assert.deepEqual(list.map(({ copy_of }) => copy_of), [list[2].id, list[2].id, null]);
  });

  test('sends it late, even beyond the 72 hours', async () => {
    await setFault(sim, { late_ms: 100 * HOUR, count: 1 });
    await publish(await tokenOf(), { privacy_level: 'SELF_ONLY' });
    await advance(sim, 99 * HOUR);
    await settled(0);
    await advance(sim, HOUR);
    await hook.nth(1);
    assert.equal((await tried(1)).state, 'delivered');
  });

  test('lets the next one of the person pass', async () => {
    await setFault(sim, { reorder: true, event: 'post.publish.complete', count: 1 });
    await publish(await tokenOf());
    await hook.nth(2);
    await settled(2);
    assert.deepEqual(hook.events(), ['publicly_available', 'complete']);
  });

  test('and sends one that nothing passes after a minute', async () => {
    await setFault(sim, { reorder: true, count: 1 });
    await publish(await tokenOf(), { privacy_level: 'SELF_ONLY' });
    await settled(0);
    await advance(sim, 60_000);
    await hook.nth(1);
  });

  for (const [signature, sent] of [['wrong', /^t=\d+,s=[0-9a-f]{64}$/], ['malformed', /^t=\d+;s=none$/], ['missing', undefined]]) {
    test(`spoils a signature: ${signature}`, async () => {
      await setFault(sim, { signature, count: 1 });
      const token = await tokenOf();
      await publish(token, { privacy_level: 'SELF_ONLY' });
      const { headers, body } = await hook.nth(1);
      const header = headers['tiktok-signature'];
      assert.ok(!signedBy(CLIENT_SECRET, header, body));
      if (sent) {
        assert.match(header, sent);
      } else {
        assert.equal(header, undefined);
      }
      await publish(token, { privacy_level: 'SELF_ONLY' });
      const next = await hook.nth(2);
      assert.ok(signedBy(CLIENT_SECRET, next.headers['tiktok-signature'], next.body), 'the next one is right');
    });
  }

  test('keeps to an account, an event and a share, the same one for the same seed', async () => {
    await setFault(sim, { endpoint: 'webhook', lost: true, account: 'ben.private' });
    await publish(await tokenOf('ben.private'), { privacy_level: 'SELF_ONLY' });
    await publish(await tokenOf(), { privacy_level: 'SELF_ONLY' });
    await hook.nth(1);
    await settled(1);
    const draw = async () => {
      await sim.request('POST', '/sandbox/reset', { json: {} });
      await turn(sim, { check_media: 0, init_per_min: 0 });
      await setFault(sim, { endpoint: 'webhook', lost: true, probability: 0.5 });
      const token = await tokenOf();
      for (let i = 0; i < 12; i++) {
        await publish(token, { privacy_level: 'SELF_ONLY' });
      }
      await eventually(async () => (await statesOf()).length === 12 && !(await statesOf()).includes('waiting'));
      return statesOf();
    };
    const one = await draw();
    assert.ok(one.includes('lost') && one.includes('delivered'), one.join());
    assert.deepEqual(await draw(), one);
  });

  test('that makes no sense is refused', async () => {
    const wrong = [
      { endpoint: 'webhook' },
      { endpoint: 'webhook', status: 500 },
      { endpoint: 'webhook', lost: true, fail_reason: 'internal' },
      { endpoint: 'webhook', event: 'post.publish.complete' },
      { event: 'post.publish.forgotten', lost: true },
      { signature: 'pretty' },
      { duplicate: 11 },
      { endpoint: 'status', duplicate: 1 },
    ];
    for (const fault of wrong) {
      assert.equal((await sim.request('POST', '/sandbox/faults', { json: fault })).status, 400, JSON.stringify(fault));
    }
  });

  test('of all endpoints spares webhooks', async () => {
    await publish(await tokenOf(), { privacy_level: 'SELF_ONLY' });
    await setFault(sim, { endpoint: '*', lost: true });
    await hook.nth(1);
    await settled(1);
  });
});

describe('the controls of webhooks', () => {
  test('send a sample of every event to try the address with', async () => {
    const events = ['post.publish.failed', 'post.publish.inbox_delivered', 'post.publish.complete', 'post.publish.publicly_available', 'post.publish.no_longer_publicaly_available', 'authorization.removed'];
    for (const [i, event] of events.entries()) {
      await tryWebhook(sim, { event });
      const sample = await hook.nth(i + 1);
      assert.equal(sample.event, event);
      assert.ok(signedBy(CLIENT_SECRET, sample.headers['tiktok-signature'], sample.body));
    }
    assert.equal((await sim.request('POST', '/sandbox/webhooks/test', { json: { event: 'x' } })).status, 400);
  });

  test('send one again', async () => {
    await publish(await tokenOf(), { privacy_level: 'SELF_ONLY' });
    await hook.nth(1);
    const { id } = await tried(1);
    await redeliver(sim, id);
    await hook.nth(2);
    assert.deepEqual(hook.received[1].body, hook.received[0].body);
    assert.equal((await sim.request('POST', '/sandbox/webhooks/999999/redeliver', { json: {} })).status, 404);
  });

  test('list and count, by event, person and publication', async () => {
    const publish_id = await publish(await tokenOf());
    await publish(await tokenOf('cleo.quiet'));
    await hook.nth(4);
    await eventually(async () => (await webhooks(sim)).counts.delivered === 4);
    assert.equal((await webhooks(sim, { username: 'cleo.quiet' })).webhooks.length, 2);
    assert.equal((await webhooks(sim, { publish_id })).webhooks.length, 2);
    assert.equal((await webhooks(sim, { event: 'post.publish.complete' })).webhooks.length, 2);
    const { webhooks: [newest] } = await webhooks(sim, { limit: 1 });
    assert.equal((await webhooks(sim, { before: newest.id })).webhooks.length, 3);
    assert.equal((await sim.request('GET', '/sandbox/webhooks?username=nobody')).status, 404);
  });

  test('turn them off, and a new address is told nothing of the past', async () => {
    const token = await tokenOf();
    await changeApp(sim, CLIENT_KEY, { webhook_url: '' });
    const old = await publish(token);
    await settled(0);
    assert.deepEqual(await statesOf(), []);
    assert.equal((await sim.request('POST', '/sandbox/webhooks/test', { json: {} })).status, 409);
    await changeApp(sim, CLIENT_KEY, { webhook_url: hook.url });
    const fresh = await publish(token);
    await hook.nth(2);
    await settled(2);
    assert.deepEqual([...new Set(hook.received.map(({ content }) => content.publish_id))], [fresh]);
    await deed(sim, old, 'hide'); // but of what happens to it from now on
    assert.equal((await hook.nth(3)).event, 'post.publish.no_longer_publicaly_available');
    await settled(3);
  });

  test('give each app its own address, key, secret and open_ids', async () => {
    const other = await Receiver.start();
    try {
      const app = await addApp(sim, { sandbox: false, audited: true, webhook_url: other.url });
      const token = await tokenOf('ann.example', { client_key: app.client_key });
      const mine = await tokenOf();
      const publish_id = await publish(token);
      const first = await other.nth(1);
      assert.equal(first.json.client_key, app.client_key);
      assert.equal(first.content.publish_id, publish_id);
      assert.ok(signedBy(app.client_secret, first.headers['tiktok-signature'], first.body));
      assert.ok(!signedBy(CLIENT_SECRET, first.headers['tiktok-signature'], first.body));
      await publish(mine);
      const own = await hook.nth(1);
      assert.notEqual(own.json.user_openid, first.json.user_openid);
      await other.nth(2);
      await settled(2);
    } finally {
      await other.stop();
    }
  });

  test('change nothing for people whom no webhook concerns', async () => {
    await change(sim, 'eve.banned', { banned: true });
    await settled(0);
  });
});

describe('the pages', () => {
  const post = (path, form) => sim.request('POST', path, { form, headers: { 'sec-fetch-site': 'same-origin' } });
  const pageOf = async (path = '/sandbox') => (await sim.request('GET', path)).text;

  test('show webhooks, send samples and send again, set faults and the address', async () => {
    assert.ok((await pageOf()).includes(hook.url));
    assert.equal((await post('/sandbox', { what: 'webhook_test', event: 'authorization.removed' })).status, 303);
    await hook.nth(1);
    const { id } = await tried(1);
    assert.match(await pageOf(), /authorization\.removed<\/td><td>a sample<\/td><td>delivered/);
    assert.equal((await post('/sandbox', { what: 'webhook_again', id })).status, 303);
    await hook.nth(2);
    assert.equal((await post('/sandbox', { what: 'webhook_fault', trouble: 'lost', count: '1' })).status, 303);
    await publish(await tokenOf());
    await hook.nth(3);
    assert.match(await pageOf(), /post\.publish\.complete<\/td><td>@ann\.example<\/td><td>lost/);
    assert.equal((await post('/sandbox', { what: 'webhook_url', url: '' })).status, 303);
    assert.equal((await post('/sandbox', { what: 'webhook_test', event: 'authorization.removed' })).status, 409);
    for (const form of [{ what: 'webhook_test', event: 'x' }, { what: 'webhook_again', id: 'x' }, { what: 'webhook_fault', trouble: 'x' }, { what: 'webhook_url', url: 'x' }, { what: 'app', client_key: 'x' }]) {
      assert.equal((await post('/sandbox', form)).status, 400, JSON.stringify(form));
    }
  });

  test('ban, delete and bring back accounts', async () => {
    await tokenOf();
    assert.equal((await post('/sandbox', { what: 'person', username: 'ann.example', exit: '4' })).status, 303);
    assert.deepEqual((await hook.nth(1)).content, { reason: 4 });
    assert.match(await pageOf('/@ann.example'), /Account banned/);
    assert.equal((await post('/sandbox', { what: 'person', username: 'ann.example', exit: 'return' })).status, 303);
    assert.doesNotMatch(await pageOf('/@ann.example'), /Account banned/);
  });

  test('hide a post and show it again', async () => {
    const publish_id = await publish(await tokenOf());
    const { post_id } = (await hook.nth(2)).content;
    const path = `/@ann.example/video/${post_id}`;
    const button = (text) => /name="(hide|show)" value="(\d+)"/.exec(text).slice(1);
    const [hide, id] = button(await pageOf(path));
    assert.equal(hide, 'hide');
    assert.equal((await post('/@ann.example', { hide: id })).status, 303);
    assert.equal((await hook.nth(3)).event, 'post.publish.no_longer_publicaly_available');
    assert.equal(button(await pageOf(path))[0], 'show');
    assert.equal((await post('/@ben.private', { show: id })).status, 404, 'it is not theirs');
    assert.equal((await post('/@ann.example', { show: id })).status, 303);
    assert.equal((await hook.nth(4)).content.publish_id, publish_id);
  });

  test('add an app and change its mode', async () => {
    assert.equal((await post('/sandbox', { what: 'app_new', name: 'An <app>', redirect_uri: 'https://a.example/cb', sandbox: '1' })).status, 303);
    const text = await pageOf();
    assert.ok(text.includes('An &lt;app&gt;'));
    const { apps } = (await sim.request('GET', '/sandbox/apps')).json;
    assert.deepEqual(apps.map(({ name, sandbox, audited }) => [name, sandbox, audited]), [['TikTok Scheduler', true, true], ['An <app>', true, false]]);
    assert.equal(apps[1].client_secret, undefined);
    assert.equal((await post('/sandbox', { what: 'app', client_key: apps[1].client_key, audited: '1' })).status, 303);
    const { sandbox, audited } = (await sim.request('GET', `/sandbox/apps/${apps[1].client_key}`)).json;
    assert.deepEqual([sandbox, audited], [false, true]);
  });
});
