// What TikTok tells by itself: kept whatever it is, believed only when it is signed,
// applied once and in any order, and never a substitute for asking.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, beforeEach, describe, test } from 'node:test';
import { eventually } from '../harness/stack.mjs';
import { clearFaults, publicationsOf, setFault } from '../harness/sandbox.mjs';
import { bodyOf, deliver, endOf, nowS, rowsOf, send, sign } from '../harness/webhooks.mjs';
import { connectAccount, fateOf, inMs, openWindows, OVER, postOf, startWorld } from '../harness/world.mjs';

const PUBLIC = 'post.publish.publicly_available';
const HIDDEN = 'post.publish.no_longer_publicaly_available'; // sic

let stack;
let client;
let account;
let media;
before(async () => {
  // The simulator's own go nowhere: what comes here is this test's.
  ({ stack, client, account, media } = await startWorld({ env: { SANDBOX_WEBHOOK_URL: 'http://localhost:9/' } }));
});
after(() => stack?.stop());

let number = 0;
const post = async (change = {}) => {
  const { json } = await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { caption: `told of, number ${++number}`, publish_at: inMs(300), ...change }) });
  return json;
};
const get = (id) => client.get(`/api/v1/posts/${id}`);
const openId = () => stack.sql(`SELECT open_id FROM account WHERE account_id = ${account}`).trim();
const publishIdOf = (id) => stack.sql(`SELECT publish_id FROM attempt WHERE post_id = ${id} ORDER BY attempt_no DESC LIMIT 1`).trim();
const linesOf = async (id) => (await client.get(`/api/v1/posts/${id}/events`)).items;
const tell = (event, publishId, more = {}, options = {}) => deliver(stack, event, openId(), { publish_id: publishId, publish_type: 'DIRECT_PUBLISH', ...more }, options);

const nudge = (id) => execFileSync('redis-cli', ['-s', stack.path('run/redis.sock'), 'PUBLISH', 'tts:nudge', id]);

/**
 * A post at its end. While webhooks come the publisher asks every ten seconds only, so
 * it is told to ask, past the webhooks that are counted here.
 */
async function published(change) {
  const { id } = await post(change);
  await eventually(
    async () => {
      nudge(id);
      return OVER.includes((await get(id)).status);
    },
    { ms: 60_000, every: 250, what: 'the post to be out' },
  );
  return get(id);
}

/** A post that TikTok has and whose next poll is an hour away. */
async function unpolled() {
  await openWindows(stack);
  await clearFaults(stack);
  await setFault(stack, { endpoint: 'status', status: 503, retry_after_s: 3600 });
  const { id, caption } = await post();
  await eventually(async () => (await get(id)).status === 'processing', { ms: 30_000, what: 'TikTok to have it' });
  nudge(id); // once: a second nudge could bring a poll that nobody here waits for
  const putOff = new RegExp(`run.step post=${id} .*did=status how=(again|unclear)`);
  await eventually(() => ['tts-publisher.log', 'tts-publisher-2.log'].some((name) => putOff.test(stack.log(name))), { ms: 30_000, what: 'the poll that is put off' });
  return { id, caption, publishId: publishIdOf(id) };
}

describe('the address for TikTok', () => {
  const body = bodyOf('portability.download.ready', '', { request_id: '1' });

  test('takes a signed event in every spelling of the header, and looks at it', async () => {
    for (const name of ['TikTok-Signature', 'Tiktok-Signature', 'tiktok-signature']) {
      const mine = bodyOf('portability.download.ready', '', { request_id: name });
      const answer = await send(stack, mine, undefined, { name });
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(answer.json, { received: true });
      assert.equal(await endOf(stack, mine), 'applied ignored');
      assert.equal(rowsOf(stack, mine)[0].event, 'portability.download.ready');
    }
  });

  test('refuses what cannot be a webhook, in words', async () => {
    const cases = [
      [400, await send(stack, body, false)],
      [400, await send(stack, body, 't=1')],
      [400, await send(stack, body, `t=x,s=${'0'.repeat(64)}`)],
      [400, await send(stack, body, `t=1,s=${'0'.repeat(63)}`)],
      [400, await send(stack, body, `t=1,s=${'0'.repeat(64)},${'x'.repeat(256)}`)],
      [400, await send(stack, '', `t=1,s=${'0'.repeat(64)}`)],
      [413, await send(stack, 'x'.repeat(16385), `t=1,s=${'0'.repeat(64)}`)],
      [405, await send(stack, undefined, false, { method: 'GET' })],
    ];
    for (const [i, [status, answer]] of cases.entries()) {
      assert.equal(answer.status, status, `case ${i}: ${answer.text}`);
      assert.ok(answer.json.error.message.length > 10, answer.text);
    }
    assert.deepEqual(rowsOf(stack, body), []);
  });

  test('answers without the publisher, which finds it on its return and judges it as of its arrival', async () => {
    await stack.hold('tts-publisher');
    const mine = bodyOf('portability.download.ready', '', { request_id: 'away' });
    assert.equal((await send(stack, mine)).status, 200);
    assert.equal(rowsOf(stack, mine)[0].state, 'waiting');
    // It waits for two days; the signature was fresh when it came.
    stack.sql('UPDATE webhook_inbox SET received_at = received_at - 172800000 WHERE state = 1');
    const old = bodyOf('portability.download.ready', '', { request_id: 'away for long' });
    assert.equal((await send(stack, old, sign(stack, old, nowS() - 172800))).status, 200);
    stack.sql(`UPDATE webhook_inbox SET received_at = received_at - 172800000 WHERE state = 1 AND body LIKE '%away for long%'`);
    await stack.start('tts-publisher');
    assert.equal(await endOf(stack, mine), 'refused too_early'); // signed two days after its arrival
    assert.equal(await endOf(stack, old), 'applied ignored');
  });

  test('loses none of a burst: what it answers with 200 is looked at', async () => {
    const bodies = Array.from({ length: 600 }, (_, n) => bodyOf('portability.download.ready', '', { request_id: `burst ${n}` }));
    const kept = [];
    await Promise.all(
      Array.from({ length: 40 }, async (_, lane) => {
        for (let n = lane; n < bodies.length; n += 40) {
          const { status } = await send(stack, bodies[n]);
          assert.ok([200, 503].includes(status), `${status}`);
          if (status === 200) {
            kept.push(bodies[n]);
          }
        }
      }),
    );
    assert.ok(kept.length > 0);
    const ended = () => Number(stack.sql("SELECT COUNT(*) FROM webhook_inbox WHERE state = 4 AND body LIKE '%burst%'").trim());
    await eventually(() => ended() === kept.length, { ms: 30_000, what: `all ${kept.length} to be applied` });
  });

  test('needs no Redis, and says so when the database is away', async () => {
    const [first, second] = ['without Redis', 'without MariaDB'].map((request_id) => bodyOf('portability.download.ready', '', { request_id }));
    await stack.hold('redis');
    try {
      assert.equal((await send(stack, first)).status, 200);
      assert.equal(await endOf(stack, first), 'applied ignored');
    } finally {
      await stack.start('redis');
    }
    await stack.hold('mariadb');
    try {
      const refused = await send(stack, second);
      assert.equal(refused.status, 503, refused.text); // and so TikTok comes again
      assert.ok(Number(refused.headers['retry-after']) > 0);
    } finally {
      await stack.start('mariadb');
    }
    await eventually(async () => (await send(stack, second)).status === 200, { ms: 30_000, what: 'the database' });
    assert.equal(await endOf(stack, second), 'applied ignored');
  });

  test('says that it is full rather than let junk fill the disk, and takes the next one when that is gone', async () => {
    await stack.hold('tts-publisher');
    stack.sql("INSERT INTO webhook_inbox (body_hash, signature, body, next_at, received_at) SELECT UNHEX(SHA2(seq, 256)), CONCAT('t=1,s=', REPEAT('0', 64)), 'junk', 1, 1 FROM seq_1_to_1000");
    const mine = bodyOf('portability.download.ready', '', { request_id: 'late' });
    const refused = await send(stack, mine);
    assert.equal(refused.status, 503);
    assert.equal(refused.json.error.code, 'webhooks_full');
    assert.ok(Number(refused.headers['retry-after']) > 0);
    await stack.start('tts-publisher');
    const taken = await eventually(async () => (await send(stack, mine)).status === 200, { what: 'room for another' });
    assert.ok(taken);
    assert.equal(await endOf(stack, mine), 'applied ignored');
    await eventually(() => stack.sql("SELECT COUNT(*) FROM webhook_inbox WHERE body = 'junk'").trim() === '0', { what: 'the junk to be gone' });
  });
});

describe('a signature', () => {
  beforeEach(() => clearFaults(stack));
  const event = (n) => bodyOf('portability.download.ready', '', { request_id: n });

  test('of somebody else leaves nothing behind, and does not shut the true one out', async () => {
    const body = event('forged first');
    const forged = sign(stack, body, nowS(), 'not the secret');
    assert.equal((await send(stack, body, forged)).status, 200);
    await eventually(() => rowsOf(stack, body).length === 0, { what: 'the forged one to be dropped' });
    assert.equal((await send(stack, body, forged)).status, 200);
    assert.equal((await send(stack, body)).status, 200);
    assert.equal(await endOf(stack, body), 'applied ignored');
    await eventually(() => rowsOf(stack, body).length === 1, { what: 'only the true one to be kept' });
    assert.match(stack.log('tts-publisher.log'), /webhook\.forged n=/);
  });

  test('that is forged publishes nothing and disconnects nobody', async () => {
    const { id, publishId } = await unpolled();
    const complete = bodyOf('post.publish.complete', openId(), { publish_id: publishId, publish_type: 'DIRECT_PUBLISH' });
    const removed = bodyOf('authorization.removed', openId(), { reason: 1 });
    for (const body of [complete, removed]) {
      assert.equal((await send(stack, body, sign(stack, body, nowS(), 'not the secret'))).status, 200);
      await eventually(() => rowsOf(stack, body).length === 0, { what: 'the forged one to be dropped' });
    }
    assert.equal((await get(id)).status, 'processing');
    assert.equal((await client.get(`/api/v1/accounts/${account}`)).status, 'connected');
    await clearFaults(stack);
    assert.equal(await tell('post.publish.complete', publishId), 'applied asked');
    assert.equal((await fateOf(client, id)).status, 'published_private');
  });

  test('is good for 72 hours', async () => {
    for (const [age, end] of [[299, 'applied ignored'], [71 * 3600, 'applied ignored'], [73 * 3600, 'refused too_old'], [-3600, 'refused too_early']]) {
      const body = event(`age ${age}`);
      assert.equal((await send(stack, body, sign(stack, body, nowS() - age))).status, 200);
      assert.equal(await endOf(stack, body), end, `${age} s`);
    }
  });

  test('made anew for the same body has no second effect', async () => {
    const done = await published();
    const body = bodyOf(PUBLIC, openId(), { publish_id: publishIdOf(done.id), post_id: '7700000000000000201', publish_type: 'DIRECT_PUBLISH' });
    const t = nowS();
    for (const age of [3600, 3600, 60, 0]) {
      assert.equal((await send(stack, body, sign(stack, body, t - age))).status, 200);
    }
    await endOf(stack, body, 3); // two of the four are the same to the bit
    assert.deepEqual(rowsOf(stack, body).map(({ reason }) => reason).sort(), ['repeated', 'repeated', 'stored']);
    assert.equal((await linesOf(done.id)).filter(({ kind }) => kind === 'webhook').length, 1);
  });

  test('over what is no event for us is kept with the reason', async () => {
    const cases = [
      ['refused other_client_key', bodyOf('post.publish.complete', openId(), { publish_id: 'x' }, { key: 'awsomebodyelse' })],
      ['refused unreadable', 'no JSON at all'],
      ['refused unreadable', '{"event":"post.publish.complete","content":"{}"}'],
      ['refused unreadable', `{"junk":"${'x'.repeat(16384 - 11)}"}`],
      ['refused unreadable', Buffer.from([0xff, 0x00, 0x7b, 0x00])],
    ];
    for (const [end, body] of cases) {
      assert.equal((await send(stack, body)).status, 200, end);
      assert.equal(await endOf(stack, body), end, body.toString().slice(0, 80));
    }
  });
});

describe('news of a post', () => {
  beforeEach(() => openWindows(stack));
  after(() => clearFaults(stack));

  test('make its publisher ask TikTok at once, when the next poll is far', async () => {
    const { id, caption, publishId } = await unpolled();
    // Asking does not depend on what the event says: TikTok's answer alone decides.
    assert.equal(await tell('post.publish.failed', publishId, { reason: 'internal' }), 'applied asked');
    await eventually(() => stack.log('tts-publisher.log').includes(`run.nudged post=${id} `), { what: 'the nudge' });
    assert.equal((await get(id)).status, 'processing');
    await clearFaults(stack);
    assert.equal(await tell('post.publish.complete', publishId), 'applied asked');
    const done = await fateOf(client, id);
    assert.equal(done.status, 'published_private');
    assert.equal((await publicationsOf(stack, caption)).length, 1);
    const kinds = (await linesOf(id)).filter(({ kind }) => kind === 'webhook' || kind === 'published').map(({ kind, code }) => `${kind} ${code}`);
    assert.deepEqual(kinds, ['webhook post.publish.failed', 'webhook post.publish.complete', 'published PUBLISH_COMPLETE']);
  });

  test('reach the process that holds it, whichever reads them', async () => {
    const other = stack.second('tts-publisher');
    try {
      const { id, publishId } = await unpolled();
      const held = stack.sql(`SELECT owner FROM job WHERE post_id = ${id}`).trim();
      const logs = ['tts-publisher.log', 'tts-publisher-2.log'];
      const holder = logs.find((name) => stack.log(name).includes(`run.step post=${id} `));
      const reader = logs.find((name) => name !== holder);
      const asked = (name) => stack.log(name).match(new RegExp(`webhook.applied .*effect=asked post=${id} `, 'g'))?.length ?? 0;
      const nudged = () => stack.log(holder).match(new RegExp(`run.nudged post=${id} `, 'g'))?.length ?? 0;
      const before = nudged();
      const now = nowS(); // each has another second, however long the others take
      for (let n = 1; asked(reader) === 0 && n < 200; n++) {
        assert.equal(await tell('post.publish.complete', publishId, {}, { at: now - n }), 'applied asked');
      }
      await eventually(() => nudged() - before >= asked(holder) + asked(reader), { what: 'a nudge for each' });
      assert.equal(stack.sql(`SELECT owner FROM job WHERE post_id = ${id}`).trim(), held, 'the post changed hands');
      await clearFaults(stack);
      assert.equal(await tell('post.publish.complete', publishId), 'applied asked');
      assert.equal((await fateOf(client, id)).status, 'published_private');
    } finally {
      await clearFaults(stack); // or the tests that follow fail with this one
      other.kill('SIGTERM');
    }
  });

  test('of which nobody knows the publication are refused, and nothing is guessed', async () => {
    const body = bodyOf('post.publish.complete', openId(), { publish_id: 'v_pub_file~v2-1.7799999999999999999', publish_type: 'DIRECT_PUBLISH' });
    assert.equal((await send(stack, body)).status, 200);
    // Its answer may still be on its way, so for a while it waits.
    await eventually(() => stack.sql("SELECT COUNT(*) FROM webhook_inbox WHERE state = 1 AND fence > 0 AND body LIKE '%v2-1.7799999999999999999%'").trim() === '1', { what: 'the webhook to be put off' });
    stack.sql("UPDATE webhook_inbox SET received_at = received_at - 20000, next_at = 1 WHERE state = 1 AND body LIKE '%v2-1.7799999999999999999%'");
    assert.equal(await endOf(stack, body), 'refused unknown_publish_id');
    assert.match(stack.log('tts-publisher.log'), /webhook\.refused .*reason=unknown_publish_id/);
  });

  test('under another person’s name are refused', async () => {
    const { id } = await published();
    assert.equal(await deliver(stack, 'post.publish.complete', '-000somebody', { publish_id: publishIdOf(id) }), 'refused account_mismatch');
  });

  test('say who can see it, whatever their order', async () => {
    const { id } = await published();
    const publishId = publishIdOf(id);
    const t = nowS();
    assert.equal((await get(id)).tiktok_post_id, null);
    assert.equal(await tell(PUBLIC, publishId, { post_id: '7700000000000000301' }, { at: t }), 'applied stored');
    const shown = await get(id);
    assert.equal(shown.status, 'published');
    assert.equal(shown.tiktok_post_id, '7700000000000000301');
    assert.match(shown.tiktok_url, /7700000000000000301/);
    assert.equal(await tell(HIDDEN, publishId, { post_id: '7700000000000000301' }, { at: t + 20 }), 'applied stored');
    assert.equal(await tell(PUBLIC, publishId, { post_id: '7700000000000000301' }, { at: t + 10 }), 'applied stored');
    const hidden = await get(id);
    assert.equal(hidden.status, 'published_private');
    assert.equal(hidden.status_reason, 'no_longer_public');
    assert.equal(hidden.tiktok_post_id, '7700000000000000301');
    assert.ok(hidden.next_step.length > 10);
    const { items } = await client.get('/api/v1/posts?status=published_private&limit=100');
    assert.ok(items.some((item) => item.id === id), 'the list shows it as something else');
  });

  test('are told of in the list and in the numbers, too', async () => {
    const { id } = await published();
    const before = (await client.get('/api/v1/changes')).counts;
    assert.equal(await tell(PUBLIC, publishIdOf(id), { post_id: '7700000000000000401' }), 'applied stored');
    const { counts } = await client.get('/api/v1/changes');
    assert.equal(counts.published, before.published + 1);
    assert.equal(counts.published_private, before.published_private - 1);
    const { items } = await client.get('/api/v1/posts?status=published&limit=100');
    assert.ok(items.some((item) => item.id === id));
  });

  test('say that a draft was posted from the inbox, which nobody asks about', async () => {
    const { id } = await published({ mode: 'inbox' });
    const publishId = publishIdOf(id);
    assert.equal((await get(id)).status, 'in_inbox');
    const inbox = { publish_type: 'INBOX_SHARE' };
    assert.equal(await tell('post.publish.inbox_delivered', publishId, inbox, { at: nowS() - 5 }), 'applied noted');
    assert.equal((await get(id)).status, 'in_inbox');
    assert.equal(await tell('post.publish.complete', publishId, inbox), 'applied stored');
    assert.equal((await get(id)).status, 'published');
    assert.equal(await tell('post.publish.inbox_delivered', publishId, inbox, { at: nowS() - 4 }), 'applied noted');
    assert.equal((await get(id)).status, 'published');
    assert.equal(await tell(PUBLIC, publishId, { ...inbox, post_id: '7700000000000000501' }), 'applied stored');
    assert.equal((await get(id)).tiktok_post_id, '7700000000000000501');
  });

  test('settle what was given up as unknown', async () => {
    const { id, publishId } = await unpolled();
    // As if 72 h had passed without an answer.
    await stack.hold('tts-publisher');
    stack.sql(`UPDATE job SET state = 7, owner = 0, next_at = 9223372036854775807, last_reason = 'outcome_unknown' WHERE post_id = ${id}`);
    await stack.start('tts-publisher');
    assert.equal((await get(id)).status, 'needs_attention');
    await clearFaults(stack);
    assert.equal(await tell('post.publish.complete', publishId), 'applied reopened');
    await eventually(async () => (await get(id)).status === 'published_private', { what: 'the post to be settled' });
  });

  test('stop a post that is out already from going out again', async () => {
    const { id } = await published();
    const publishId = publishIdOf(id);
    // As if its session had been taken for dead, and a new try were due in an hour.
    stack.sql(`UPDATE attempt SET state = 6 WHERE post_id = ${id}; UPDATE job SET state = 1, granted = 0, next_at = next_at - 1 WHERE post_id = ${id}; UPDATE post SET published_at = NULL WHERE post_id = ${id}`);
    assert.equal((await get(id)).status, 'scheduled');
    assert.equal(await tell('post.publish.complete', publishId), 'applied doubted');
    const now = await get(id);
    assert.equal(now.status, 'needs_attention');
    assert.equal(now.status_reason, 'outcome_unknown');
    assert.equal(now.next_action, 'resolve');
  });
});

describe('a withdrawn permission', () => {
  const reasons = [[0, /not why/], [1, /TikTok's settings/], [2, /deleted/], [3, /age/], [4, /banned/], [5, /own request/], [42, /not why/]];
  const state = () => client.get(`/api/v1/accounts/${account}`);
  const removed = (reason, at) => deliver(stack, 'authorization.removed', openId(), { reason }, { at });
  const reconnects = () => stack.sql(`SELECT COUNT(*) FROM job_event WHERE account_id = ${account} AND kind = 62`).trim();

  test('ends the connection, with the reason in words, until it is connected again', async () => {
    await openWindows(stack);
    for (const [reason, words] of reasons) {
      const { id } = await post({ publish_at: inMs(3_600_000) });
      const told = Number(reconnects());
      assert.equal(await removed(reason), 'applied parted', `reason ${reason}`);
      const now = await state();
      assert.equal(now.status, 'reconnect_needed');
      assert.match(now.status_text, words, `reason ${reason}`);
      assert.equal(stack.sql(`SELECT LENGTH(access_tok) + LENGTH(refresh_tok) FROM account_token WHERE account_id = ${account}`).trim(), '0');
      const blocked = await get(id);
      assert.equal(blocked.status, 'needs_attention');
      assert.equal(blocked.next_action, 'reconnect');
      // Once more, in other words: it is told of once.
      assert.equal(await removed(reason, nowS() + 1), 'applied parted_before');
      assert.equal(Number(reconnects()), told + 1);
      await connectAccount(client);
      assert.equal((await state()).status, 'connected');
      assert.equal((await get(id)).status, 'scheduled');
      await client.expect(200, 'POST', `/api/v1/posts/${id}/cancel`, { json: {} });
    }
  });

  test('from before the connection does not end it', async () => {
    const connected = Math.floor(new Date((await state()).connected_at).getTime() / 1000);
    assert.equal(await removed(1, connected - 60), 'applied outdated');
    assert.equal((await state()).status, 'connected');
  });

  test('of nobody is refused, and of one who was disconnected here is no news', async () => {
    assert.equal(await deliver(stack, 'authorization.removed', '-000nobody', { reason: 1 }), 'refused unknown_account');
    await client.expect(200, 'DELETE', `/api/v1/accounts/${account}`);
    // Another second than in the test above, so that it is another body.
    assert.equal(await removed(5, nowS() + 60), 'applied parted_before');
    assert.equal((await state()).status, 'disconnected');
  });
});
