// What happened to a post, as people (GET /api/v1/posts/{id}/events) and operators
// (ttsctl post show) are told: who, when, attempts, TikTok's log ids, waits and why.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { change, clearFaults, ledger, setFault } from '../harness/sandbox.mjs';
import { BUILD_DIR, Stack } from '../harness/stack.mjs';
import { connectAccount, fateOf, inMs, openWindows, passTime, postOf, readyVideo } from '../harness/world.mjs';

let stack;
let client;
let account;
let media;
before(async () => {
  stack = await Stack.start();
  client = await stack.signedIn();
  account = await connectAccount(client);
  media = await readyVideo(client, stack);
});
after(() => stack?.stop());
beforeEach(async () => {
  await clearFaults(stack);
  await openWindows(stack);
});

const CONSENT = { music_usage: true, branded_content: false };
const post = async (caption, due, by = client) => (await by.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { caption, publish_at: inMs(due) }) })).json;
const events = async (id) => (await client.get(`/api/v1/posts/${id}/events`)).items;
const show = (id) => execFileSync(join(BUILD_DIR, 'bin/ttsctl'), ['post', 'show', id], { encoding: 'utf8', env: { TTS_ENV_FILE: '', DATABASE_URL: `mysql://root@localhost/tts?socket=${stack.path('run/mariadb.sock')}` } });
const calls = async () => (await ledger(stack, { username: 'ann.example', calls: 1000 })).calls;
const one = (list, kind) => {
  const found = list.filter((e) => e.kind === kind);
  assert.equal(found.length, 1, `${kind}: ${JSON.stringify(list)}`);
  return found[0];
};

describe('the story of a post', () => {
  test('that goes out names who made it, for when, and TikTok\'s session and log ids', async () => {
    const { id, publish_at: at } = await post('told', 700, stack.bearer());
    await fateOf(client, id);
    const list = await events(id);
    const created = one(list, 'created');
    assert.deepEqual([created.actor, created.by, created.when], ['api_client', 'Demo', at]);
    const opened = one(list, 'session_opened');
    assert.match(opened.publish_id, /^v_pub_file~v2/);
    assert.ok(opened.tiktok_log_id);
    const published = one(list, 'published');
    assert.ok(published.tiktok_log_id);
    assert.notEqual(published.tiktok_log_id, opened.tiktok_log_id);
    const text = show(id);
    for (const word of ['by Demo', `for ${at}`, opened.publish_id, opened.tiktok_log_id, published.tiktok_log_id]) {
      assert.ok(text.includes(word), `${word} in\n${text}`);
    }
  });

  test('that is tried again says why, by which answer of TikTok\'s, and when', async () => {
    await setFault(stack, { endpoint: 'video_init', status: 503, count: 1 });
    const { id } = await post('tried again', 1500);
    const { next_try_at: next } = await client.until(`/api/v1/posts/${id}`, ({ status_reason: reason }) => reason === 'tiktok_unavailable');
    const later = one(await events(id), 'later');
    assert.ok(Math.abs(Date.parse(later.when) - Date.parse(next)) < 1000, `${later.when}, ${next}`);
    assert.ok((await calls()).some(({ status, log_id: log }) => status === 503 && log === later.tiktok_log_id), later.tiktok_log_id);
    assert.match(later.text, /TikTok had a problem of its own\./);
    await fateOf(client, id);
    const text = show(id);
    assert.ok(text.includes(`next try ${later.when}`) && text.includes(`log ${later.tiktok_log_id}`), text);
    assert.match(text, /written off\. Another attempt took its place\./);
  });

  test('that waits for a limit says so, and until when', async () => {
    await change(stack, 'ann.example', { post_cap: 0 });
    const { id } = await post('limited', 700);
    const { next_try_at: next } = await client.until(`/api/v1/posts/${id}`, ({ status_text: text }) => text.startsWith('Moved later: '));
    const moved = one(await events(id), 'put_off');
    assert.equal(moved.when, next);
    assert.ok(moved.tiktok_log_id);
    assert.match(moved.text, /limit/);
    await change(stack, 'ann.example', { post_cap: 1_000_000 });
    stack.sql('UPDATE account SET blocked_until = 0');
    await client.expect(200, 'POST', `/api/v1/posts/${id}/cancel`, { json: {} });
    assert.equal(one(await events(id), 'canceled').by, 'Demo');
  });

  test('that waits for others of its account says so, while it waits and afterwards', async () => {
    const due = inMs(700);
    const ids = [];
    for (let i = 0; i < 7; i++) {
      ids.push((await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { caption: `one of seven ${i}`, publish_at: due }) })).json.id);
    }
    const waiting = await client.until('/api/v1/posts?status=scheduled&order=soonest', ({ items }) => items.find(({ status_reason: reason }) => reason === 'account_window'));
    const { id, status_text: text, next_action: action } = waiting.items.find(({ status_reason: reason }) => reason === 'account_window');
    assert.match(text, /six posts a minute/);
    assert.equal(action, 'wait');
    await passTime(stack, 58_000);
    for (const each of ids) {
      assert.equal((await fateOf(client, each)).status, 'published_private');
    }
    const claims = async (of) => (await events(of)).filter(({ kind }) => kind === 'claimed');
    const [waited] = await claims(id);
    assert.match(waited.text, /took the post up\. .*six posts a minute/);
    assert.match(show(id), /six posts a minute.*account_window/);
    const [first] = await claims(ids[0]);
    assert.equal(first.code, null, 'who did not wait does not say so');
  });

  test('that was moved and then asked to go out says to when, and by whom', async () => {
    const { id, version } = await post('moved', 3_600_000);
    const at = inMs(7_200_000);
    await client.expect(200, 'PATCH', `/api/v1/posts/${id}`, { json: { publish_at: at, consent: CONSENT }, headers: { 'if-match': `"${version}"` } });
    await client.expect(200, 'POST', `/api/v1/posts/${id}/publish-now`, { json: { consent: CONSENT } });
    await fateOf(client, id);
    const list = await events(id);
    assert.deepEqual([one(list, 'moved').when, one(list, 'moved').by], [at, 'Demo']);
    assert.equal(one(list, 'publish_now').by, 'Demo');
  });

  test('that is given up says that it was for its time, and for what trouble', async () => {
    await setFault(stack, { endpoint: 'creator_info', status: 503 });
    const { id } = await post('given up', 700);
    stack.sql(`UPDATE post SET expire_after_ms = 2000 WHERE post_id = ${id}`);
    const failed = await fateOf(client, id);
    assert.deepEqual([failed.status, failed.max_late_s], ['failed', 2]);
    const list = await events(id);
    const last = one(list, 'given_up');
    assert.match(last.text, /later than it may be\. TikTok had a problem of its own\./);
    assert.ok(last.tiktok_log_id);
    assert.ok(!list.some(({ kind }) => kind === 'failed'));
  });

  test('that TikTok refuses after all counts the bytes that it got', async () => {
    await setFault(stack, { fail_reason: 'file_format_check_failed', count: 1 });
    const { id } = await post('refused', 700);
    assert.equal((await fateOf(client, id)).status, 'failed');
    assert.ok(one(await events(id), 'failed').tiktok_log_id);
    assert.match(show(id), / (\d+)\/\1 bytes {2}media_format/);
  });

  test('that waits for its account to be connected again names the answer that ended the connection', async () => {
    await setFault(stack, { endpoint: 'token', code: 'invalid_grant' });
    await setFault(stack, { endpoint: 'video_init', code: 'access_token_invalid', status: 401 });
    const { id } = await post('cut off', 700);
    await client.until(`/api/v1/posts/${id}`, ({ status_reason: reason }) => reason === 'reconnect_needed');
    const blocked = one(await events(id), 'blocked');
    const refusal = (await ledger(stack, { calls: 1000 })).calls.find(({ log_id: log }) => log === blocked.tiktok_log_id);
    assert.equal(refusal?.endpoint, 'token', JSON.stringify(blocked));
  });
});
