// What people are told without asking: in the feed, in a list, once for each cause.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { change, clearFaults, setFault } from '../harness/sandbox.mjs';
import { eventually } from '../harness/stack.mjs';
import { fateOf, inMs, openWindows, postOf, startWorld } from '../harness/world.mjs';

let stack;
let client;
let account;
let media;
before(async () => {
  ({ stack, client, account, media } = await startWorld());
});
after(() => stack?.stop());
beforeEach(async () => {
  await clearFaults(stack);
  await openWindows(stack);
});

let number = 0;
const post = async (due, extra = {}) =>
  (await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { caption: `told post ${++number}`, publish_at: inMs(due), ...extra }) })).json;
const list = async (who = client) => (await who.get('/api/v1/notifications')).items;
const unread = async (who = client) => (await who.get('/api/v1/changes')).unread;
const readAll = async () => {
  const [newest] = await list();
  if (newest) {
    await client.expect(204, 'POST', '/api/v1/notifications/read', { json: { up_to: newest.id } });
  }
};

describe('a post that failed', () => {
  test('is told once, with what to do, until it is read', async () => {
    await setFault(stack, { fail_reason: 'file_format_check_failed', count: 1 });
    const { id, caption } = await post(800);
    assert.equal((await fateOf(client, id)).status, 'failed');
    const [notice, ...more] = await list();
    assert.equal(more.length, 0);
    assert.deepEqual([notice.kind, notice.title, notice.post_id, notice.read], ['post.failed', `Not posted: ${caption}`, id, false]);
    assert.match(notice.text, /format of this file.*Convert it/);
    assert.equal(await unread(), 1);
    assert.equal(await unread(stack.bearer()), 1, 'a client of the same person');
    await readAll();
    assert.equal(await unread(), 0);
    assert.equal((await list())[0].read, true);
    const stranger = await stack.stranger();
    assert.deepEqual(await list(stranger), [], 'nobody else hears of it');
    assert.equal(await unread(stranger), 0);
  });

  test('reading is asked for properly, or refused', async () => {
    for (const json of [{}, { up_to: 5 }, { up_to: 'x' }, { up_to: '1', more: 1 }]) {
      const answer = await client.request('POST', '/api/v1/notifications/read', { json });
      assert.equal(answer.status, 422, JSON.stringify(json));
    }
  });
});

describe('a grant that TikTok ends', () => {
  test('is told once; its posts wait, and go out after a reconnect', async () => {
    await readAll();
    const first = await post(45_000);
    const second = await post(46_000);
    await setFault(stack, { endpoint: 'token', code: 'invalid_grant' });
    stack.sql('UPDATE account_token SET rf_next = 1');
    const token = await eventually(async () => (await list()).find(({ kind, read }) => kind === 'account.reconnect' && !read), { ms: 40_000, every: 200, what: 'the notification' });
    assert.equal(token.account_id, account);
    for (const { id } of [first, second]) {
      const waiting = await client.until(`/api/v1/posts/${id}`, ({ status }) => status === 'needs_attention', 30_000);
      assert.equal(waiting.next_action, 'reconnect');
    }
    assert.equal((await list()).filter(({ read }) => !read).length, 1, 'one for the account, none for its posts');
    await clearFaults(stack);
    assert.match(await client.connect({ accountId: account }), /connected=/);
    for (const { id } of [first, second]) {
      assert.equal((await fateOf(client, id)).status, 'published_private');
    }
  });
});

describe('warnings when scheduling', () => {
  test('say that the grant ends before, that a cap is full and that the account is paused', async () => {
    const codes = ({ warnings }) => warnings.map(({ code }) => code);
    assert.deepEqual(codes(await post(3_600_000)), []);
    const grant = stack.sql(`SELECT refresh_expires_at FROM account WHERE account_id = ${account}`).trim();
    stack.sql(`UPDATE account SET refresh_expires_at = UNIX_TIMESTAMP(NOW(3)) * 1000 + 5 * 86400000 WHERE account_id = ${account}`);
    const late = await post(6 * 86_400_000);
    assert.deepEqual(codes(late), ['grant_ends']);
    assert.match(late.warnings[0].message, /before then/);
    assert.deepEqual(codes(await client.get(`/api/v1/posts/${late.id}`)), ['grant_ends']);
    stack.sql(`UPDATE account SET refresh_expires_at = ${grant}, daily_cap = 1, daily_cap_at = UNIX_TIMESTAMP(NOW(3)) * 1000 WHERE account_id = ${account}`);
    assert.deepEqual(codes(await post(3_700_000)), ['daily_limit']);
    stack.sql(`UPDATE account SET daily_cap = 0, blocked_until = UNIX_TIMESTAMP(NOW(3)) * 1000 + 7200000 WHERE account_id = ${account}`);
    assert.deepEqual(codes(await post(3_800_000)), ['account_paused']);
    stack.sql(`UPDATE account SET blocked_until = 0 WHERE account_id = ${account}`);
    const drafts = [];
    for (let n = 0; n < 6; n++) {
      drafts.push(await post(3_900_000 + n * 1000, { mode: 'inbox', privacy_level: null }));
    }
    assert.deepEqual(drafts.map((draft) => codes(draft).length), [0, 0, 0, 0, 0, 1]);
    assert.deepEqual(codes(drafts[5]), ['inbox_limit']);
  });
});

describe('mail', () => {
  test('is each person\'s own choice', async () => {
    assert.deepEqual(await client.get('/api/v1/notifications/settings'), { mail: true });
    assert.deepEqual((await client.expect(200, 'PATCH', '/api/v1/notifications/settings', { json: { mail: false } })).json, { mail: false });
    assert.deepEqual(await client.get('/api/v1/notifications/settings'), { mail: false });
    assert.equal((await client.request('PATCH', '/api/v1/notifications/settings', { json: { mail: 'no' } })).status, 422);
    await client.expect(200, 'PATCH', '/api/v1/notifications/settings', { json: { mail: true } });
  });
});
