// Posts as an API client makes them: what is refused and how, drafts, changes, versions,
// idempotency, actions that come too late.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { inMs, postOf, startWorld } from '../harness/world.mjs';

let stack;
let client;
let account;
let media;
before(async () => {
  ({ stack, client, account, media } = await startWorld());
});
after(() => stack?.stop());

const create = (change, options = {}) => client.request('POST', '/api/v1/posts', { json: postOf(account, media, change), ...options });
const created = async (change) => {
  const answer = await create(change);
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
};
const act = (id, action, json = {}, headers = {}) => client.request('POST', `/api/v1/posts/${id}/${action}`, { json, headers });
const code = (answer) => [answer.status, answer.json?.error.code];

describe('a scheduled post', () => {
  test('is shown as it was sent, with an ETag and its place', async () => {
    const answer = await create();
    assert.equal(answer.status, 201);
    assert.equal(answer.headers.location, `/api/v1/posts/${answer.json.id}`);
    assert.equal(answer.json.status, 'scheduled');
    assert.deepEqual(answer.json.media_ids, [media]);
    const again = await client.expect(200, 'GET', answer.headers.location);
    assert.deepEqual(again.json, answer.json);
    assert.equal(again.headers.etag, answer.headers.etag);
  });

  const wrong = [
    ['a caption of 2201 units', { caption: 'x'.repeat(2201) }, { caption: 'caption_too_long' }],
    ['a caption of 1101 emoji, 2202 units', { caption: '😀'.repeat(1101) }, { caption: 'caption_too_long' }],
    ['no audience', { privacy_level: null }, { privacy_level: 'privacy_missing' }],
    ['a time that is past', { publish_at: inMs(-60_000) }, { publish_at: 'time_past' }],
    ['a time more than a year ahead', { publish_at: inMs(366 * 86_400_000) }, { publish_at: 'time_too_far' }],
    ['an unknown zone', { timezone: 'Europe/Atlantis' }, { timezone: 'timezone_unknown' }],
    ['no media', { media_ids: [] }, { media_ids: 'media_missing' }],
    ['no consent', { consent: { music_usage: false, branded_content: false } }, { 'consent.music_usage': 'consent_missing' }],
    ['branded content to oneself', { disclose: { your_brand: false, branded_content: true }, consent: { music_usage: true, branded_content: true } }, { privacy_level: 'privacy_branded_self_only' }],
    ['a title on a video', { title: 'Title' }, { title: 'title_not_for_video' }],
    ['a cover behind the end', { cover_ms: 3_600_000 }, { cover_ms: 'cover_outside' }],
    ['music on a video', { auto_add_music: true }, { auto_add_music: 'music_not_for_video' }],
  ];
  for (const [what, change, fields] of wrong) {
    test(`with ${what} is refused, naming the field`, async () => {
      const answer = await create(change);
      assert.deepEqual(code(answer), [422, 'invalid'], answer.text);
      assert.deepEqual(answer.json.error.fields, fields);
    });
  }

  test('with an audience that TikTok does not have is refused, naming the field', async () => {
    const answer = await create({ privacy_level: 'EVERYBODY' });
    assert.equal(answer.status, 422);
    assert.deepEqual(Object.keys(answer.json.error.fields), ['privacy_level']);
  });

  test('names every wrong field at once', async () => {
    const { json } = await create({ caption: 'x'.repeat(2201), privacy_level: null, publish_at: inMs(-1000) });
    assert.deepEqual(Object.keys(json.error.fields).sort(), ['caption', 'privacy_level', 'publish_at']);
  });

  test('takes a caption of exactly 2200 units of any script', async () => {
    for (const caption of ['x'.repeat(2200), '😀'.repeat(1100), 'ñ'.repeat(2200), 'line\nline\t"quoted" \\ </script>']) {
      const { json } = await create({ caption });
      assert.equal(json.caption, caption);
    }
  });

  test('refuses members that it does not know and values of the wrong type', async () => {
    for (const change of [{ colour: 'red' }, { caption: 5 }, { media_ids: 'x' }, { media_ids: [1] }, { allow_comment: 'yes' }, { disclose: [] }, { publish_at: 'tomorrow' }, { publish_at: '2026-02-30T00:00:00Z' }, { kind: 'song' }, { mode: 'fast' }, { consent: { music_usage: true, branded_content: false, extra: 1 } }]) {
      const answer = await create(change);
      assert.equal(answer.status, 422, `${JSON.stringify(change)}: ${answer.text}`);
      assert.ok(Object.keys(answer.json.error.fields ?? {}).length > 0, answer.text);
    }
  });

  test('refuses text that is not UTF-8', async () => {
    const body = Buffer.concat([Buffer.from(`{"account_id":"${account}","caption":"`), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    const answer = await client.request('POST', '/api/v1/posts', { body, headers: { 'content-type': 'application/json' } });
    assert.deepEqual(code(answer), [400, 'bad_json']);
  });

  test('cannot use what belongs to somebody else or is not there', async () => {
    const stranger = await stack.stranger();
    for (const [field, change] of [['account_id', { account_id: '999999' }], ['media_ids', { media_ids: ['999999'] }]]) {
      const answer = await create(change);
      assert.ok([404, 422].includes(answer.status), `${field}: ${answer.status}`);
    }
    const theirs = await stranger.request('POST', '/api/v1/posts', { json: postOf(account, media) });
    assert.ok([404, 422].includes(theirs.status), `${theirs.status}`);
    const mine = (await created()).id;
    for (const [method, path] of [['GET', ''], ['PATCH', ''], ['DELETE', ''], ['POST', '/cancel'], ['POST', '/publish-now'], ['POST', '/schedule'], ['POST', '/retry'], ['POST', '/duplicate'], ['GET', '/events']]) {
      const answer = await stranger.request(method, `/api/v1/posts/${mine}${path}`, { json: method === 'GET' || method === 'DELETE' ? undefined : path === '/publish-now' || path === '/schedule' ? { consent: { music_usage: true, branded_content: false } } : {} });
      assert.equal(answer.status, 404, `${method} ${path}`);
    }
    assert.equal((await stranger.get('/api/v1/posts')).items.length, 0);
    assert.equal((await stranger.get('/api/v1/accounts')).items.length, 0);
  });

  test('needs a body of bounded size and depth', async () => {
    const big = await client.request('POST', '/api/v1/posts', { json: { account_id: account, caption: 'x'.repeat(70_000) } });
    assert.equal(big.status, 413);
    const deep = await client.request('POST', '/api/v1/posts', { body: '['.repeat(5000) + ']'.repeat(5000), headers: { 'content-type': 'application/json' } });
    assert.equal(deep.status, 400);
  });
});

describe('a draft', () => {
  test('needs only an account, is completed by PATCH and then scheduled', async () => {
    const { json: draft } = await client.expect(201, 'POST', '/api/v1/posts', { json: { account_id: account } });
    assert.equal(draft.status, 'draft');
    const { consent, publish_at, timezone, ...rest } = postOf(account, media);
    await client.expect(200, 'PATCH', `/api/v1/posts/${draft.id}`, { json: rest });
    const early = await act(draft.id, 'schedule', { consent });
    assert.equal(early.status, 422);
    assert.ok(early.json.error.fields.publish_at, early.text);
    const done = await act(draft.id, 'schedule', { publish_at, timezone, consent });
    assert.deepEqual([done.status, done.json.status], [200, 'scheduled']);
  });

  test('may hold an unfinished caption that is too long, but cannot be scheduled with it', async () => {
    const draft = (await client.expect(201, 'POST', '/api/v1/posts', { json: { ...postOf(account, media, { caption: 'x'.repeat(3000) }), publish_at: undefined } })).json;
    const answer = await act(draft.id, 'schedule', { publish_at: inMs(60_000), timezone: 'UTC', consent: { music_usage: true, branded_content: false } });
    assert.deepEqual(answer.json.error.fields, { caption: 'caption_too_long' });
  });

  test('is deleted; a scheduled post is not', async () => {
    const draft = (await client.expect(201, 'POST', '/api/v1/posts', { json: { account_id: account } })).json;
    await client.expect(204, 'DELETE', `/api/v1/posts/${draft.id}`);
    assert.equal((await client.request('GET', `/api/v1/posts/${draft.id}`)).status, 404);
    const post = await created();
    assert.deepEqual(code(await client.request('DELETE', `/api/v1/posts/${post.id}`)), [409, 'wrong_status']);
  });
});

describe('changes', () => {
  test('with an old version are refused', async () => {
    const post = await created();
    const path = `/api/v1/posts/${post.id}`;
    const first = await client.request('GET', path);
    const change = await client.expect(200, 'PATCH', path, { json: { publish_at: inMs(7_200_000) }, headers: { 'if-match': first.headers.etag } });
    assert.notEqual(change.headers.etag, first.headers.etag);
    assert.deepEqual(code(await client.request('PATCH', path, { json: { publish_at: inMs(8_000_000) }, headers: { 'if-match': first.headers.etag } })), [412, 'version_mismatch']);
    assert.deepEqual(code(await act(post.id, 'cancel', {}, { 'if-match': first.headers.etag })), [412, 'version_mismatch']);
  });

  test('of a scheduled post need consent, except of its time', async () => {
    const post = await created();
    const path = `/api/v1/posts/${post.id}`;
    const without = await client.request('PATCH', path, { json: { caption: 'Other' } });
    assert.equal(without.status, 422);
    const withIt = await client.expect(200, 'PATCH', path, { json: { caption: 'Other', consent: { music_usage: true, branded_content: false } } });
    assert.equal(withIt.json.caption, 'Other');
  });

  test('that would make it wrong change nothing', async () => {
    const post = await created();
    const path = `/api/v1/posts/${post.id}`;
    const answer = await client.request('PATCH', path, { json: { publish_at: inMs(-1) } });
    assert.equal(answer.status, 422);
    assert.deepEqual(await client.get(path), post);
  });

  test('appear in /changes, whose ETag saves the next answer', async () => {
    const start = await client.expect(200, 'GET', '/api/v1/changes');
    assert.deepEqual(start.json.changed, []);
    const same = await client.request('GET', `/api/v1/changes?since=${start.json.seq}`, { headers: { 'if-none-match': start.headers.etag } });
    assert.equal(same.status, 304);
    const post = await created();
    const { changed, seq } = await client.get(`/api/v1/changes?since=${start.json.seq}`);
    assert.ok(BigInt(seq) > BigInt(start.json.seq));
    assert.ok(changed.some(({ type, id, status }) => type === 'post' && id === post.id && status === 'scheduled'), JSON.stringify(changed));
  });
});

describe('the same request twice', () => {
  test('with one idempotency key makes one post', async () => {
    const key = { headers: { 'idempotency-key': randomUUID() }, json: postOf(account, media) };
    const [first, second] = [await client.request('POST', '/api/v1/posts', key), await client.request('POST', '/api/v1/posts', key)];
    assert.deepEqual([first.status, second.status], [201, 201]);
    assert.equal(second.json.id, first.json.id);
    assert.equal(second.headers['idempotent-replay'], 'true');
    const other = await client.request('POST', '/api/v1/posts', { ...key, json: postOf(account, media, { caption: 'Other' }) });
    assert.deepEqual(code(other), [422, 'idempotency_key_reused']);
  });

  test('at the same moment makes one post', async () => {
    const key = { headers: { 'idempotency-key': randomUUID() }, json: postOf(account, media, { caption: 'at once' }) };
    const answers = await Promise.all(Array.from({ length: 6 }, () => client.request('POST', '/api/v1/posts', key)));
    const ids = new Set(answers.filter(({ status }) => status === 201).map(({ json }) => json.id));
    assert.equal(ids.size, 1, answers.map(({ status }) => status).join());
    const { items } = await client.get('/api/v1/posts?limit=100');
    assert.equal(items.filter(({ caption }) => caption === 'at once').length, 1);
  });
});

describe('actions', () => {
  test('cancel, schedule again, and the timeline that tells it', async () => {
    const post = await created();
    assert.equal((await act(post.id, 'cancel')).json.status, 'canceled');
    assert.deepEqual(code(await act(post.id, 'cancel')), [409, 'wrong_status']);
    const again = await act(post.id, 'schedule', { publish_at: inMs(3_600_000), timezone: 'UTC', consent: { music_usage: true, branded_content: false } });
    assert.equal(again.json.status, 'scheduled');
    const { items } = await client.get(`/api/v1/posts/${post.id}/events`);
    assert.ok(items.length >= 3, JSON.stringify(items));
    assert.deepEqual(items.map(({ at }) => at), items.map(({ at }) => at).sort());
    assert.ok(items.every(({ actor }) => actor === 'person'));
  });

  test('a copy is a draft without audience, time and consent', async () => {
    const post = await created({ caption: 'copied' });
    const { json: copy } = await client.expect(201, 'POST', `/api/v1/posts/${post.id}/duplicate`, { json: {} });
    assert.deepEqual([copy.status, copy.caption, copy.privacy_level, copy.publish_at], ['draft', 'copied', null, null]);
    assert.equal(copy.consent.music_usage, false);
  });

  test('that do not fit the status are refused', async () => {
    const post = await created();
    assert.deepEqual(code(await act(post.id, 'retry')), [409, 'wrong_status']);
    assert.deepEqual(code(await act(post.id, 'resolve', { outcome: 'published' })), [409, 'wrong_status']);
  });
});

describe('lists', () => {
  test('are read in pages that do not repeat or lose anything', async () => {
    await Promise.all(Array.from({ length: 7 }, () => created()));
    const all = (await client.get('/api/v1/posts?limit=100')).items.map(({ id }) => id);
    const seen = [];
    let cursor = '';
    do {
      const page = await client.get(`/api/v1/posts?limit=3${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      assert.ok(page.items.length <= 3);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.next_cursor;
    } while (cursor);
    assert.deepEqual(seen, all);
  });

  test('take filters, and refuse what is not one', async () => {
    const canceled = await created();
    await act(canceled.id, 'cancel');
    const { items } = await client.get('/api/v1/posts?status=canceled');
    assert.ok(items.some(({ id }) => id === canceled.id) && items.every(({ status }) => status === 'canceled'));
    const soonest = (await client.get(`/api/v1/posts?order=soonest&account=${account}`)).items.map(({ publish_at }) => publish_at ?? '9');
    assert.deepEqual(soonest, [...soonest].sort());
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'cursor=%00', 'status=flying', 'order=random', 'account=x']) {
      const answer = await client.request('GET', `/api/v1/posts?${query}`);
      assert.ok([400, 422].includes(answer.status), `${query}: ${answer.status}`);
    }
  });

  test('the calendar shows what lies between two instants', async () => {
    const post = await created({ publish_at: inMs(5 * 86_400_000) });
    const from = inMs(5 * 86_400_000 - 60_000);
    const to = inMs(5 * 86_400_000 + 60_000);
    const { items } = await client.get(`/api/v1/calendar?from=${from}&to=${to}`);
    assert.deepEqual(items.map(({ id }) => id), [post.id]);
    assert.equal((await client.request('GET', `/api/v1/calendar?from=${to}&to=${from}`)).status, 422);
  });
});
