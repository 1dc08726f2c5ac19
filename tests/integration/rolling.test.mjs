// Publishers are restarted one after the other while posts fall due: none is late, none
// goes out twice.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { onTime } from '../harness/pulse.mjs';
import { addPerson, choosing, publicationsOf } from '../harness/sandbox.mjs';
import { eventually } from '../harness/stack.mjs';
import { connectAccount, fateOf, postOf, startWorld } from '../harness/world.mjs';

const ACCOUNTS = 6;
const EACH = 4; // posts of an account: fewer than TikTok lets it begin in a minute
const EVERY_MS = 500;

let stack;
let client;
let media;
let accounts;
before(async () => {
  ({ stack, client, media } = await startWorld({ env: { STACK_PUBLISHERS: '2' } }));
  accounts = [];
  for (let n = 0; n < ACCOUNTS; n++) {
    await addPerson(stack, `rolling${n}`);
    accounts.push(await connectAccount(client, { choose: choosing({ creator: `rolling${n}` }) }));
  }
});
after(() => stack?.stop());

const PUBLISHERS = ['tts-publisher', 'tts-publisher-2'];
const leases = () => Number(stack.sql('SELECT COUNT(*) FROM publisher WHERE lease_until > UNIX_TIMESTAMP(NOW(3)) * 1000').trim());

/** Ends it as a deployment does, and waits until its successor is at work. */
async function replace(name) {
  const before = stack.pid(name);
  const newest = stack.sql('SELECT MAX(inc) FROM publisher').trim();
  stack.signal(name, 'SIGTERM');
  await eventually(() => stack.runs(name) && stack.pid(name) !== before, { ms: 30_000, what: `another ${name}` });
  await eventually(() => stack.sql('SELECT MAX(inc) FROM publisher').trim() !== newest && leases() === 2, { ms: 30_000, what: `${name} to be at work` });
}

describe('a rolling restart', () => {
  test('makes no post late, and none go out twice', async () => {
    await eventually(() => leases() === 2, { what: 'both publishers' });
    const begin = Date.now() + 4000;
    const posts = [];
    for (let n = 0; n < ACCOUNTS * EACH; n++) {
      const body = postOf(accounts[n % ACCOUNTS], media, { caption: `rolling post ${n}`, publish_at: new Date(begin + n * EVERY_MS).toISOString() });
      posts.push((await client.expect(201, 'POST', '/api/v1/posts', { json: body })).json);
    }
    for (const name of [...PUBLISHERS, ...PUBLISHERS]) {
      await replace(name);
    }
    for (const { id, caption, publish_at: due } of posts) {
      const done = await fateOf(client, id, 120_000);
      assert.equal(done.status, 'published_private', done.status_text);
      const publications = await publicationsOf(stack, caption);
      assert.equal(publications.length, 1, JSON.stringify(publications));
      onTime(publications[0].committed_at_ms - Date.parse(due), caption);
    }
  });
});
