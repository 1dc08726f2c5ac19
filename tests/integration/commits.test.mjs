// The connection to MariaDB drops within a write of the publisher, before the server has
// done it or after: at each write of a post's way, alone and together with other posts' in
// one transaction. Nobody can tell the two apart, and each post goes out exactly once.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Stack } from '../harness/stack.mjs';
import { addPerson, change, choosing, publicationsOf } from '../harness/sandbox.mjs';
import { connectAccount, fateOf, inMs, openWindows, photoPostOf, postOf, readyPhotos, readyVideo } from '../harness/world.mjs';

const CROWD = 16;
// Writes are passed one after the other by a post, so one publisher loses one of each kind.
const WRITES = { video: ['claim', 'intent', 'persist', 'grant', 'sent', 'done'], photo: ['claim', 'intent', 'open', 'done'], crowd: ['claim', 'intent', 'persist', 'grant', 'sent', 'open', 'done'] };
const TOGETHER = ['intent', 'persist', 'grant', 'sent', 'done'];
// A write is a COMMIT where it has a transaction, else its own statement.
const LOSSES = { before: ['db.commit_unsent', 'db.write_unsent'], after: ['db.commit_unanswered', 'db.write_unanswered'] };

let stack;
let client;
const accounts = [];
let video;
let photos;
before(async () => {
  // Without webhooks, which would settle a post before its last writes.
  stack = await Stack.start({ env: { SANDBOX_WEBHOOK_URL: 'http://localhost:9/' } });
  client = await stack.signedIn();
  for (let i = 0; i < CROWD; i++) {
    const creator = `commits.number${i}`;
    await addPerson(stack, creator);
    await change(stack, creator, { post_cap: 1000 });
    accounts.push(await connectAccount(client, { choose: choosing({ creator }) }));
  }
  video = await readyVideo(client, stack);
  photos = await readyPhotos(client, stack, 2);
});
after(() => stack?.stop());

/** One of a shape, or many that are due at once. */
function bodies(shape, caption) {
  const at = { publish_at: inMs(1200) };
  const one = (i, photo) => ({ ...(photo ? photoPostOf(accounts[i], photos) : postOf(accounts[i], video)), ...at, caption: `${caption}, ${i}` });
  return shape === 'crowd' ? accounts.map((_, i) => one(i, i % 3 === 2)) : [one(0, shape === 'photo')];
}

/** What was lost: [the write, with how many posts in its transaction]. */
function lost(log, kinds) {
  return [...log.matchAll(/^.*fault\.injected.*$/gm)]
    .map(([line]) => ({ kind: /point=(\S+)/.exec(line)[1], write: /after=(\S+)\.before_commit/.exec(line)?.[1], posts: Number(/posts=(\d+)/.exec(line)?.[1] ?? 1) }))
    .filter(({ kind }) => kinds.includes(kind));
}

describe('the connection drops within a write', () => {
  for (const [when, kinds] of Object.entries(LOSSES)) {
    for (const [shape, writes] of Object.entries(WRITES)) {
      test(`${when} the server has done it: ${shape === 'crowd' ? `${CROWD} posts` : `a ${shape}`}, each exactly once`, { timeout: 120_000 }, async (t) => {
        const said = stack.log('tts-publisher.log').length;
        // The first two of a crowd go alone, and who follows together.
        const passages = shape === 'crowd' ? [1, 2, 3, 4, 5, 6] : [1];
        for (const kind of kinds) {
          await openWindows(stack);
          const rules = writes.flatMap((write) => passages.map((n) => `${write}.before_commit>${kind}@${n}:error`));
          await stack.restart('tts-publisher', { env: { TTS_FAULT: rules.join(',') } });
          const posts = await Promise.all(bodies(shape, `${kind} of ${shape}`).map((json) => client.expect(201, 'POST', '/api/v1/posts', { json })));
          for (const { json: post } of posts) {
            const done = await fateOf(client, post.id, 60_000);
            assert.equal(done.status, 'published_private', `${post.caption}: ${done.status_text}`);
            assert.equal((await publicationsOf(stack, post.caption)).length, 1, post.caption);
          }
        }
        const seen = lost(stack.log('tts-publisher.log').slice(said), kinds);
        assert.deepEqual(writes.filter((write) => !seen.some((one) => one.write === write)), [], 'writes that never lost their connection');
        const many = TOGETHER.filter((write) => seen.some((one) => one.write === write && one.posts > 1));
        assert.ok(shape !== 'crowd' || many.length >= 2, `for many at once only: ${many}`);
        t.diagnostic(`lost ${seen.length} times, for many posts at once: ${many.join(' ') || 'never'}`);
      });
    }
  }
});
