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

describe('a grant that TikTok does not renew', () => {
  const reconnect = async () => (await list()).filter(({ kind, read }) => kind === 'account.reconnect' && !read);
  const state = () => client.get(`/api/v1/accounts/${account}`);
  /** The access token has so long to live, and the next refresh is due. */
  const accessEnds = (ms) =>
    stack.sql(`UPDATE account_token t JOIN account a USING (account_id) SET t.rf_next = 1, t.access_exp = UNIX_TIMESTAMP(NOW(3)) * 1000 + ${ms}, a.access_expires_at = t.access_exp`);
  let waiting;

  test('leaves the access that was given last: what is due before its end goes out', async () => {
    await readAll();
    const soon = await post(30_000);
    waiting = await post(60_000);
    await setFault(stack, { endpoint: 'token', code: 'invalid_grant' });
    accessEnds(45_000);
    const [notice] = await eventually(async () => { const all = await reconnect(); return all.length > 0 && all; }, { ms: 40_000, every: 200, what: 'the notification' });
    assert.equal(notice.account_id, account);
    assert.match(notice.text, /due before .* UTC still go out/);
    const shown = await state();
    assert.equal(shown.status, 'reconnect_needed');
    assert.match(shown.status_text, /still go out/);
    const left = new Date(shown.posts_until) - Date.now();
    assert.ok(left > 0 && left <= 45_000, shown.posts_until);
    const blocked = await client.until(`/api/v1/posts/${waiting.id}`, ({ status }) => status === 'needs_attention', 5000);
    assert.equal(blocked.next_action, 'reconnect');
    const beyond = await client.request('POST', '/api/v1/posts', { json: postOf(account, media, { publish_at: inMs(3_600_000) }) });
    assert.equal(beyond.status, 409);
    assert.equal(beyond.json.error.code, 'reconnect_needed');
    const out = await fateOf(client, soon.id);
    assert.equal(out.status, 'published_private');
  });

  test('and when the access ends, that is told once, and a reconnect lets the rest out', async () => {
    await eventually(async () => (await reconnect()).length === 2, { ms: 60_000, every: 200, what: 'the second notification' });
    assert.equal((await state()).posts_until, null);
    assert.doesNotMatch((await state()).status_text, /still go out/);
    assert.equal((await client.get(`/api/v1/posts/${waiting.id}`)).status, 'needs_attention');
    await clearFaults(stack);
    assert.match(await client.connect({ accountId: account }), /connected=/);
    assert.equal((await fateOf(client, waiting.id)).status, 'published_private');
    assert.equal((await state()).status, 'connected');
    assert.equal((await list()).filter(({ read }) => !read).length, 2, 'two for the account, none for its posts');
  });

  test('but access that TikTok refuses, too, ends at once', async () => {
    await readAll();
    const later = await post(3_600_000);
    await setFault(stack, { endpoint: 'token', code: 'invalid_grant' });
    await setFault(stack, { endpoint: 'creator_info', status: 401, code: 'access_token_invalid' });
    const now = await post(1000);
    for (const { id } of [now, later]) {
      const blocked = await client.until(`/api/v1/posts/${id}`, ({ status }) => status === 'needs_attention', 30_000);
      assert.equal(blocked.next_action, 'reconnect');
    }
    assert.equal((await state()).posts_until, null);
    assert.equal((await reconnect()).length, 1);
    await clearFaults(stack);
    assert.match(await client.connect({ accountId: account }), /connected=/);
    assert.equal((await fateOf(client, now.id)).status, 'published_private');
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
