// A file of 4 GB goes up through trouble with the publisher's memory below 32 MiB.
//
// The bytes are a hole: a small checked video is uploaded as a person would, then its
// stored file and its row are made 4,000,000,000 bytes long, because sending 4 GB of
// zeros through the browser's way first would test tus, which has tests of its own. The
// simulator counts what comes and keeps none of it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, truncateSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { SANITIZED, Stack } from '../harness/stack.mjs';
import { clearFaults, ledger, publicationsOf, setFault, turn } from '../harness/sandbox.mjs';
import { connectAccount, fateOf, inMs, postOf, readyVideo } from '../harness/world.mjs';

const BYTES = 4_000_000_000;
const CHUNKS = BYTES / 10_000_000;
const MEMORY_MAX_KIB = 32 * 1024;

let stack;
let client;
let account;
before(async () => {
  stack = await Stack.start();
  client = await stack.signedIn();
  account = await connectAccount(client);
});
after(() => stack?.stop());

/** The largest memory of the publisher since it started, in KiB. */
const peak = () => Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${stack.pid('tts-publisher')}/status`, 'utf8'))[1]);

/** Makes a checked video's stored file and row as long as TikTok takes at most. */
function grow(id) {
  const key = stack.sql(`SELECT blob_key FROM media WHERE media_id = ${id}`).trim();
  const file = execFileSync('find', [stack.path('media'), '-path', `*${key}*`, '-type', 'f', '-size', '+100k'], { encoding: 'utf8' }).trim();
  assert.match(file, /^\/[^\n]+$/, 'there is one such file');
  truncateSync(file, BYTES);
  stack.sql(`UPDATE media SET bytes = ${BYTES} WHERE media_id = ${id}`);
}

test('4 GB go up through two 5xx, a cut connection and a 416 with the memory of a small file', async (t) => {
  const media = await readyVideo(client, stack, { name: 'huge' });
  grow(media);
  await turn(stack, { discard_bodies: 1, check_media: 0 });
  await setFault(stack, { endpoint: 'upload', chunk: 40, status: 503, count: 1 });
  await setFault(stack, { endpoint: 'upload', chunk: 200, status: 500, count: 1 });
  await setFault(stack, { endpoint: 'upload', chunk: 120, take_bytes: 3_000_000, count: 1 });
  // Taken, and the answer lost: the chunk comes again, which TikTok refuses by its position.
  await setFault(stack, { endpoint: 'upload', chunk: 300, lost: true, count: 1 });
  const before = peak();
  const began = Date.now();
  const { json: post } = await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { caption: 'four gigabytes', publish_at: inMs(500) }) });
  const done = await fateOf(client, post.id, 600_000);
  const seconds = (Date.now() - began) / 1000;
  assert.equal(done.status, 'published_private', done.status_text);
  const [publication, ...more] = await publicationsOf(stack, 'four gigabytes');
  assert.deepEqual(more, []);
  assert.deepEqual([publication.size, publication.received], [BYTES, BYTES]);
  assert.equal(stack.sql(`SELECT COUNT(*) FROM attempt WHERE post_id = ${post.id}`).trim(), '1');

  const { calls } = await ledger(stack, { calls: 2000, publish_id: publication.publish_id });
  const puts = calls.filter(({ endpoint }) => endpoint === 'upload');
  const of = (status) => puts.filter((call) => call.status === status).length;
  t.diagnostic(`${puts.length} PUTs of ${CHUNKS} chunks; 503: ${of(503)}, 500: ${of(500)}, 416: ${of(416)}`);
  const kib = peak();
  t.diagnostic(`4,000,000,000 bytes in ${seconds.toFixed(1)} s; the publisher's memory at most ${(kib / 1024).toFixed(1)} MiB, ${(before / 1024).toFixed(1)} MiB before`);
  assert.deepEqual([of(503), of(500), of(416)], [1, 1, 1]);
  assert.equal(puts.length, CHUNKS + 4, 'each trouble costs one chunk');
  if (!SANITIZED) {
    assert.ok(kib < MEMORY_MAX_KIB, `the publisher took ${kib} KiB`);
  }
  await clearFaults(stack);
});
