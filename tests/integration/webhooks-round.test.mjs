// The whole round: the simulator sends webhooks as TikTok does, duplicates, late ones and
// all, and the real system draws the right conclusions.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { exchange } from '../../tools/lib/client.mjs';
import { eventually } from '../harness/stack.mjs';
import { CLIENT_KEY, advance, clearFaults, publicationsOf, setFault, turn } from '../harness/sandbox.mjs';
import { connectAccount, fateOf, inMs, openWindows, postOf, startWorld } from '../harness/world.mjs';

const COMPLETE = 'post.publish.complete';
const PUBLIC = 'post.publish.publicly_available';

let stack;
let client;
let account;
let media;
before(async () => {
  ({ stack, client, account, media } = await startWorld());
  await control('PATCH', `/apps/${CLIENT_KEY}`, { webhook_url: `${stack.url}/api/webhooks/tiktok` });
});
after(() => stack?.stop());

async function control(method, path, json) {
  const body = json === undefined ? undefined : JSON.stringify(json);
  const answer = await exchange(`${stack.sandboxUrl}/sandbox${path}`, { method, body, headers: body ? { 'content-type': 'application/json' } : {} });
  assert.equal(answer.status, 200, `${method} /sandbox${path}: ${answer.text}`);
  return answer.json;
}

let number = 0;
const post = async (change = {}) => {
  const { json } = await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { caption: `round number ${++number}`, publish_at: inMs(300), ...change }) });
  return json;
};
const get = (id) => client.get(`/api/v1/posts/${id}`);
const publishIdOf = (id) => stack.sql(`SELECT publish_id FROM attempt WHERE post_id = ${id} ORDER BY attempt_no DESC LIMIT 1`).trim();

/** The events that TikTok told of a post by itself, in the order of the timeline. */
const toldOf = async (id) => (await client.get(`/api/v1/posts/${id}/events`)).items.filter(({ kind }) => kind === 'webhook').map(({ code }) => code);

const told = (id, events) => eventually(async () => (await toldOf(id)).length >= events.length, { what: `${events} to be told` }).then(async () => assert.deepEqual((await toldOf(id)).sort(), [...events].sort()));
const sent = async (state) => (await control('GET', '/webhooks?limit=1000')).webhooks.filter((webhook) => webhook.state === state);

/** Everything was delivered and looked at. */
const quiet = () => eventually(async () => (await sent('waiting')).length === 0 && stack.sql('SELECT COUNT(*) FROM webhook_inbox WHERE state IN (1, 2)').trim() === '0', { what: 'no webhook to be under way' });

beforeEach(async () => {
  await openWindows(stack);
  await clearFaults(stack);
  await turn(stack, { processing_ms: null });
});

describe('a post', () => {
  test('whose polls are useless is settled by the webhook', async () => {
    await turn(stack, { processing_ms: 60_000 });
    await setFault(stack, { endpoint: 'status', status: 503, retry_after_s: 3600, count: 1 });
    const { id, caption } = await post();
    await eventually(() => new RegExp(`run.step post=${id} .*did=status how=(again|unclear)`).test(stack.log('tts-publisher.log')), { ms: 30_000, what: 'the poll that is put off for an hour' });
    assert.equal((await get(id)).status, 'processing');
    await advance(stack, 60_000);
    const done = await fateOf(client, id);
    assert.equal(done.status, 'published_private');
    assert.deepEqual(await toldOf(id), [COMPLETE]);
    assert.equal((await publicationsOf(stack, caption)).length, 1);
    const kinds = (await client.get(`/api/v1/posts/${id}/events`)).items.map(({ kind }) => kind);
    assert.ok(kinds.indexOf('webhook') < kinds.indexOf('published'), kinds.join(' '));
    await quiet();
  });

  for (const [name, faults, events] of [
    ['comes three times', [{ endpoint: 'webhook', duplicate: 2 }], [COMPLETE, PUBLIC]],
    ['comes in the wrong order', [{ endpoint: 'webhook', reorder: true, event: COMPLETE }], [COMPLETE, PUBLIC]],
    ['comes late', [{ endpoint: 'webhook', late_ms: 4000 }], [COMPLETE, PUBLIC]],
    ['is lost', [{ endpoint: 'webhook', lost: true }], []],
    ['is not signed by TikTok', [{ endpoint: 'webhook', signature: 'wrong' }], []],
  ]) {
    test(`is published once and truthfully when its webhook ${name}`, async () => {
      for (const fault of faults) {
        await setFault(stack, fault);
      }
      const { id, caption } = await post({ privacy_level: 'PUBLIC_TO_EVERYONE' });
      const done = await fateOf(client, id, 90_000);
      assert.equal(done.status, 'published', done.status_text);
      await told(id, events);
      if (events.includes(PUBLIC)) {
        await eventually(async () => (await get(id)).tiktok_post_id !== null, { what: 'its address' });
      }
      const now = await get(id);
      assert.equal(now.status, 'published');
      assert.equal(now.status_reason, null);
      const [publication, ...more] = await publicationsOf(stack, caption);
      assert.deepEqual(more, []);
      assert.ok(now.tiktok_post_id === null || now.tiktok_post_id === publication.post_id, `${now.tiktok_post_id} is not ${publication.post_id}`);
      if (faults[0].signature) {
        await eventually(() => /webhook\.forged/.test(stack.log('tts-publisher.log')), { what: 'the forgery to be seen' });
        assert.equal(stack.sql(`SELECT COUNT(*) FROM webhook_inbox WHERE body LIKE '%${publication.publish_id}%' AND state = 4`).trim(), '0');
      } else {
        await quiet();
      }
    });
  }

  test('that TikTok refuses at last fails with its reason, told or asked', async () => {
    await setFault(stack, { fail_reason: 'spam_risk_text', count: 1 });
    const { id } = await post();
    const done = await fateOf(client, id);
    assert.equal(done.status, 'failed');
    assert.equal(done.status_reason, 'caption_refused');
    await told(id, ['post.publish.failed']);
    assert.equal((await get(id)).status, 'failed');
  });

  test('is told of while the publisher is away, and settled when it is back', async () => {
    await turn(stack, { processing_ms: 60_000 });
    const { id } = await post();
    await client.until(`/api/v1/posts/${id}`, ({ status }) => status === 'processing', 30_000);
    await stack.hold('tts-publisher');
    await advance(stack, 60_000);
    await eventually(() => stack.sql("SELECT COUNT(*) FROM webhook_inbox WHERE state = 1").trim() !== '0', { what: 'the webhook to be kept' });
    await stack.start('tts-publisher');
    assert.equal((await fateOf(client, id)).status, 'published_private');
    await told(id, [COMPLETE]);
  });
});

describe('after it was published, a post', () => {
  test('in the inbox is published when its person posts it', async () => {
    const { id } = await post({ mode: 'inbox' });
    assert.equal((await fateOf(client, id)).status, 'in_inbox');
    await told(id, ['post.publish.inbox_delivered']);
    assert.equal((await get(id)).status, 'in_inbox');
    await control('POST', `/publications/${publishIdOf(id)}/post`, {});
    await client.until(`/api/v1/posts/${id}`, ({ status }) => status === 'published', 15_000);
  });

  test('that is hidden says so until it is shown again', async () => {
    const { id } = await post({ privacy_level: 'PUBLIC_TO_EVERYONE' });
    assert.equal((await fateOf(client, id)).status, 'published');
    await told(id, [COMPLETE, PUBLIC]);
    await control('POST', `/publications/${publishIdOf(id)}/hide`, {});
    await client.until(`/api/v1/posts/${id}`, ({ status_reason }) => status_reason === 'no_longer_public', 15_000);
    await advance(stack, 2000); // TikTok counts whole seconds
    await control('POST', `/publications/${publishIdOf(id)}/show`, {});
    await client.until(`/api/v1/posts/${id}`, ({ status_reason }) => status_reason === null, 15_000);
  });
});

describe('an account', () => {
  const state = () => client.get(`/api/v1/accounts/${account}`);

  test('whose person removes the app must be reconnected, and is no more so afterwards', async () => {
    await control('POST', '/users/ann.example/leave', { reason: 1 });
    const parted = await client.until(`/api/v1/accounts/${account}`, ({ status }) => status === 'reconnect_needed', 15_000);
    assert.match(parted.status_text, /TikTok's settings/);
    await connectAccount(client);
    assert.equal((await state()).status, 'connected');
  });

  test('that was disconnected here and connected again is not thrown out by the late word of it', async () => {
    // The simulator's clock has been moved on; here it must be the world's.
    await turn(stack, { clock_offset_ms: null });
    await setFault(stack, { endpoint: 'webhook', event: 'authorization.removed', late_ms: 3000 });
    await client.expect(200, 'DELETE', `/api/v1/accounts/${account}`);
    await eventually(async () => (await sent('waiting')).some(({ event }) => event === 'authorization.removed'), { what: 'access to be revoked' });
    await eventually(() => new Date().getMilliseconds() < 100, { every: 5, what: 'another second' });
    await connectAccount(client);
    await eventually(() => stack.sql("SELECT COUNT(*) FROM webhook_inbox WHERE event = 'authorization.removed' AND reason = 'outdated'").trim() === '1', { what: 'the late word' });
    assert.equal((await state()).status, 'connected');
  });
});
