// How early a video is begun where uploads are slow: they are as slow as the simulator's
// delays make them, not as this machine happens to be.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { exchange } from '../../tools/lib/client.mjs';
import { freePort } from '../harness/nginx.mjs';
import { clearFaults, setFault } from '../harness/sandbox.mjs';
import { eventually } from '../harness/stack.mjs';
import { fateOf, inMs, postOf, readyVideo, startWorld } from '../harness/world.mjs';

const BYTES = 20_500_000; // two chunks: the second one publishes
const CHUNK_MS = 42_000; // that the first one takes; at 5 MB/s all is begun 36 s ahead

let port;
let stack;
let client;
let account;
let video;
before(async () => {
  port = await freePort();
  ({ stack, client, account } = await startWorld({ env: { METRICS_LISTEN: `127.0.0.1:${port}` } }));
  video = await readyVideo(client, stack, { name: 'large', padTo: BYTES });
});
after(() => stack?.stop());

const post = async (due) => (await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, video, { publish_at: inMs(due) }) })).json;
const metric = async (name) => Number(new RegExp(`^tts_publisher_${name}(?:\\{.*\\})? (\\d+)$`, 'm').exec((await exchange(`http://127.0.0.1:${port}/metrics`)).text)?.[1]);
const lead = (id) => Number(stack.sql(`SELECT (due_at - next_at) DIV 1000 FROM job WHERE post_id = ${id}`));
/** By how many ms the last chunk left after the post's time. */
const lateness = (id) =>
  Number(stack.sql(`SELECT e.at - j.due_at FROM job_event e JOIN job j USING (post_id) WHERE e.post_id = ${id} AND e.kind = 25 ORDER BY e.event_id DESC LIMIT 1`));

test('a slow link is noticed, and the next video of its size is begun early enough for its second', async () => {
  await setFault(stack, { endpoint: 'upload', chunk: 0, delay_ms: CHUNK_MS });
  const first = await post(1000);
  const far = await post(900_000);
  assert.ok(lead(far.id) < CHUNK_MS / 1000, 'as scheduled, for 5 MB/s');
  assert.equal((await fateOf(client, first.id, 90_000)).status, 'published_private');
  assert.ok(lateness(first.id) > CHUNK_MS / 2, 'nobody knew');

  await eventually(async () => lead(far.id) > CHUNK_MS / 1000, { ms: 20_000, every: 200, what: 'the longer lead' });
  const second = await post(CHUNK_MS + 18_000); // begun at the fixed lead it would be late by 6 s
  assert.equal((await fateOf(client, second.id, 120_000)).status, 'published_private');
  assert.ok(lateness(second.id) < 5000, `${lateness(second.id)} ms late`);
  assert.ok(lateness(second.id) >= 0, 'and not early');

  const rate = BYTES / 2 / (CHUNK_MS / 1000); // the estimate is between that and a simulator's without delays
  assert.ok((await metric('brought_forward_total')) >= 2);
  assert.ok((await metric('upload_bytes_per_second')) > rate / 2 && (await metric('upload_bytes_per_second')) < 2 * rate);
  await clearFaults(stack);
});
