// kill -9 of an API worker at every fault point of its way through creating, changing and
// canceling a post, and through a gate; and COMMITs that got no answer. Nothing was promised
// then, so the old state and the new are both right, and whoever asks again gets the new.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { exchange } from '../../tools/lib/client.mjs';
import { eventually } from '../harness/stack.mjs';
import { clearFaults, ledger, publicationsOf, setFault } from '../harness/sandbox.mjs';
import { fateOf, inMs, openWindows, photoPostOf, postOf, readyPhotos, startWorld } from '../harness/world.mjs';

const CONSENT = { music_usage: true, branded_content: false };
const rules = (name) => [`${name}.before_commit:crash`, `${name}.before_commit>db.before_commit:crash`, `${name}.before_commit>db.after_commit:crash`, `${name}.after:crash`, 'enqueue.after:crash', `${name}.before_commit>db.commit_unsent:error`, `${name}.before_commit>db.commit_unanswered:error`];

let stack;
let client;
let account;
let video;
let photos;
before(async () => {
  ({ stack, client, account, media: video } = await startWorld({ env: { API_WORKERS: '2' } }));
  photos = await readyPhotos(client, stack, 2);
});
after(() => stack?.stop());

const answers = () => eventually(async () => (await exchange(`${stack.url}/api/live`)).status === 200, { what: 'the API' });

/** Sends a request to workers that have this rule, and answers when it has struck. */
async function struck(rule, request) {
  const said = stack.log('tts-api.log').length;
  await stack.restart('tts-api', { env: { TTS_FAULT: rule } });
  await answers();
  const answer = await client.request(...request);
  assert.ok([503, 504].includes(answer.status), `${rule}: ${answer.status} ${answer.text}`);
  assert.match(stack.log('tts-api.log').slice(said), /fault\.injected/, `${rule} was never reached`);
  await stack.restart('tts-api');
  await answers();
  return answer;
}

async function once(post, wanted = 1) {
  const done = await fateOf(client, post.id, 60_000);
  assert.equal(done.status, wanted ? 'published_private' : 'canceled', done.status_text);
  const publications = await publicationsOf(stack, done.caption);
  assert.equal(publications.length, wanted);
  return publications[0];
}

describe('a worker killed while it creates a post', () => {
  for (const rule of rules('create')) {
    test(`at ${rule}: asked again with the same key there is one post`, async () => {
      await openWindows(stack);
      const headers = { 'idempotency-key': randomUUID() };
      const json = postOf(account, video, { caption: `created at ${rule}`, publish_at: inMs(3000) });
      await struck(rule, ['POST', '/api/v1/posts', { json, headers }]);
      const { json: post } = await client.expect(201, 'POST', '/api/v1/posts', { json, headers });
      assert.equal(stack.sql(`SELECT COUNT(*) FROM post WHERE caption = '${json.caption}'`).trim(), '1');
      await once(post);
    });
  }
});

describe('a worker killed while it changes a post', () => {
  const deeds = {
    edited: ['PATCH', '', () => ({ caption: 'edited', consent: CONSENT })],
    moved: ['PATCH', '', () => ({ publish_at: inMs(300_000) })],
    hurried: ['POST', '/publish-now', () => ({ consent: CONSENT })],
  };
  for (const rule of rules('change')) {
    for (const [name, [method, path, body]] of Object.entries(deeds)) {
      test(`${name} at ${rule}: the old post or the new, and the new when asked again`, async () => {
        await openWindows(stack);
        const caption = `${name} at ${rule}`;
        const { json: post } = await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, video, { caption, publish_at: inMs(600_000) }) });
        const json = body();
        if (json.caption) {
          json.caption = `${caption}, anew`;
        }
        await struck(rule, [method, `/api/v1/posts/${post.id}${path}`, { json }]);
        const again = await client.request(method, `/api/v1/posts/${post.id}${path}`, { json });
        assert.ok(again.status === 200 || (name === 'hurried' && again.status === 409), again.text);
        if (name !== 'hurried') {
          assert.equal(again.json.caption, json.caption ?? caption);
          await client.expect(200, 'POST', `/api/v1/posts/${post.id}/publish-now`, { json: { consent: CONSENT } });
        }
        const publication = await once(post);
        assert.equal(publication.caption, json.caption ?? caption);
      });
    }
  }
});

describe('a worker killed while it cancels a post', () => {
  for (const rule of rules('cancel')) {
    test(`at ${rule}: asked again it is canceled, and never out`, async () => {
      const { json: post } = await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, video, { caption: `canceled at ${rule}`, publish_at: inMs(8000) }) });
      await struck(rule, ['POST', `/api/v1/posts/${post.id}/cancel`, { json: {} }]);
      const again = await client.request('POST', `/api/v1/posts/${post.id}/cancel`, { json: {} });
      assert.ok([200, 409].includes(again.status), again.text);
      await once(post, 0);
    });
  }
});

describe('a worker killed at a gate', () => {
  for (const point of ['gate.before_update', 'gate.after_update']) {
    test(`${point}: the photos are out once`, async () => {
      await openWindows(stack);
      await stack.restart('tts-api', { env: { TTS_FAULT: `${point}:crash` } });
      await answers();
      const { json: post } = await client.expect(201, 'POST', '/api/v1/posts', { json: photoPostOf(account, photos, { caption: `killed at ${point}`, publish_at: inMs(1000) }) });
      await client.until(`/api/v1/posts/${post.id}`, () => /point=gate\.\w+ action=crash/.test(stack.log('tts-api.log')), 30_000);
      await stack.restart('tts-api');
      await answers();
      await once(post);
    });
  }

  test('gate.mid_body, with all that serves it: the photos are out once', async () => {
    const caption = 'broken off';
    await openWindows(stack);
    await setFault(stack, { endpoint: 'pull', chunk: 1, take_bytes: 1000 });
    const { json: post } = await client.expect(201, 'POST', '/api/v1/posts', { json: photoPostOf(account, photos, { caption, publish_at: inMs(1000) }) });
    const broken = async () => (await ledger(stack, { caption })).sessions.find(({ pulls }) => pulls[1].breaks > 0);
    await eventually(broken, { ms: 60_000, what: 'the answer to break off' });
    await clearFaults(stack);
    for (const part of ['nginx', 'tts-api']) {
      for (const pid of stack.children(part)) {
        process.kill(pid, 'SIGKILL');
      }
    }
    await answers();
    await once(post);
  });
});
