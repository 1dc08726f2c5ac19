// Redis starts again on an old copy of itself, or goes and comes back while posts go out:
// what it knows of the last minute is wrong then. TikTok's six INIT calls a minute hold
// all the same, and hints are back at once.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { choosing, ledger } from '../harness/sandbox.mjs';
import { eventually } from '../harness/stack.mjs';
import { connectAccount, fateOf, inMs, openWindows, postOf, startWorld } from '../harness/world.mjs';

const LIMIT = 6;
const PUBLISHERS = ['tts-publisher', 'tts-publisher-2'];

let stack;
let client;
let media;
let ann;
let ben;
before(async () => {
  ({ stack, client, media } = await startWorld({ env: { STACK_PUBLISHERS: '2' } }));
  ann = await connectAccount(client, { choose: choosing({ creator: 'ann.example' }) });
  ben = await connectAccount(client, { choose: choosing({ creator: 'ben.private' }) });
  await openWindows(stack);
});
after(() => stack?.stop());

let number = 0;
const post = async (account, due) => (await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { caption: `set back post ${++number}`, publish_at: inMs(due) }) })).json;
const redis = (...words) => execFileSync('redis-cli', ['-s', stack.path('run/redis.sock'), ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
const group = (account) => `{${Number(account) % 16}}`;
const hint = (account, { id }) => redis('ZSCORE', `${group(account)}:j:${account}`, id);
const server = () => /run_id:(\w+)/.exec(redis('INFO', 'server'))[1];
const known = (account) => [redis('GET', `${group(account)}:epoch`), redis('GET', `${group(account)}:ready`)].every((name) => name === server());
const inits = async (username) => (await ledger(stack, { username, calls: 1000 })).calls.filter(({ endpoint }) => /init$/.test(endpoint));
const said = (event) => PUBLISHERS.map((name) => [...stack.log(`${name}.log`).matchAll(new RegExp(`event=${event}\\b`, 'g'))].length).reduce((a, b) => a + b);

/** What redis-cli --rdb brings, as the file that Redis begins with. */
async function copyRedis(name) {
  await rm(stack.path(name), { recursive: true, force: true });
  await mkdir(stack.path(name, 'appendonlydir'), { recursive: true });
  redis('--rdb', stack.path(name, 'appendonlydir', 'appendonly.aof.1.base.rdb'));
  await writeFile(stack.path(name, 'appendonlydir', 'appendonly.aof.manifest'), 'file appendonly.aof.1.base.rdb seq 1 type b\n');
}

async function setBack(name) {
  await stack.hold('redis', 'SIGKILL');
  await rm(stack.path('redis'), { recursive: true, force: true });
  await rename(stack.path(name), stack.path('redis'));
  await stack.start('redis');
  await eventually(() => server(), { what: 'Redis on its old copy' });
}

/** No minute holds more calls than TikTok lets through (which openWindows() has told the simulator not to count). */
async function windowKept(username, from = 0) {
  const times = (await inits(username)).map(({ at_ms: at }) => at).filter((at) => at >= from).sort((a, b) => a - b);
  for (let i = LIMIT; i < times.length; i++) {
    assert.ok(times[i] - times[i - LIMIT] >= 60_000, `a seventh INIT within ${times[i] - times[i - LIMIT]} ms`);
  }
  return times.length;
}

/** For so long no call too many may be made; a look comes every second at least. */
async function keptFor(ms, username, from) {
  const end = Date.now() + ms;
  await eventually(async () => (await windowKept(username, from)) >= LIMIT && Date.now() > end, { ms: ms + 60_000, every: 200, what: 'the end of the watch' });
}

describe('Redis on an old copy of itself', () => {
  test('lets no seventh INIT through, and has its hints back within seconds', async () => {
    await eventually(() => known(ann) && known(ben), { what: 'Redis to be told' });
    const canceled = await post(ben, 3_000_000);
    const moved = await post(ben, 3_100_000);
    await eventually(() => hint(ben, canceled) && hint(ben, moved), { what: 'the hints' });
    const reloads = said('feed.redis_wants_all');
    const restores = said('restore.windows');
    await copyRedis('redis.old');

    await client.expect(200, 'POST', `/api/v1/posts/${canceled.id}/cancel`, { json: {} });
    const later = await post(ben, 3_500_000);
    const posts = [];
    for (let n = 0; n <= LIMIT; n++) {
      posts.push(await post(ann, 500));
    }
    await eventually(async () => (await windowKept('ann.example')) >= LIMIT, { ms: 30_000, what: 'six sessions' });
    await setBack('redis.old');

    await eventually(() => known(ann) && known(ben), { ms: 8000, what: 'the publishers to notice' });
    await eventually(() => hint(ben, later), { ms: 8000, what: 'the hint of a post that the copy does not know' });
    await keptFor(8000, 'ann.example');
    assert.equal(said('feed.redis_wants_all') - reloads, 1, 'one of the two loads');
    assert.ok(said('restore.windows') > restores);
    assert.equal((await client.get(`/api/v1/posts/${canceled.id}`)).status, 'canceled');

    for (const { id } of posts) {
      assert.match((await fateOf(client, id, 90_000)).status, /^published/);
    }
    assert.equal(await windowKept('ann.example'), LIMIT + 1);
  });

  test('on one that has lost nothing is told once and goes on', async () => {
    await openWindows(stack);
    const waiting = await post(ben, 3_600_000);
    await eventually(() => hint(ben, waiting), { what: 'the hint' });
    const reloads = said('feed.redis_wants_all');
    await stack.hold('redis');
    await stack.start('redis');
    await eventually(() => known(ann) && known(ben), { ms: 8000, what: 'the publishers to notice' });
    const { id } = await post(ben, 1000);
    assert.match((await fateOf(client, id)).status, /^published/);
    assert.equal(said('feed.redis_wants_all') - reloads, 1);
  });
});

describe('Redis that is away and comes back as it was', () => {
  test('knows of the sessions that were opened without it', async () => {
    await openWindows(stack);
    const from = 1 + Math.max(0, ...(await inits('ben.private')).map(({ at_ms: at }) => at));
    const opened = (n) => eventually(async () => (await windowKept('ben.private', from)) >= n, { ms: 60_000, what: `${n} sessions` });
    const posts = [];
    const some = async (n) => {
      for (let i = 0; i < n; i++) {
        posts.push(await post(ben, 300));
      }
    };
    const away = async (deed) => {
      stack.signal('redis', 'SIGSTOP');
      try {
        await deed();
      } finally {
        stack.signal('redis', 'SIGCONT');
      }
    };
    await some(2);
    await opened(2);
    const backs = said('redis.back');
    await away(async () => {
      await some(2);
      await opened(4);
    });
    await eventually(() => said('redis.back') > backs, { what: 'Redis to be back' });
    await some(4);
    await opened(LIMIT);
    await away(async () => {
      await some(2);
      await keptFor(4000, 'ben.private', from);
    });
    await keptFor(4000, 'ben.private', from);
    for (const { id } of posts) {
      assert.match((await fateOf(client, id, 150_000)).status, /^published/);
    }
    assert.equal(await windowKept('ben.private', from), posts.length);
  });
});
