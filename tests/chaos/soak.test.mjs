// Everything that can break breaks, over and over and at the same time, while people
// schedule, cancel, move and edit posts; then all is mended, and every promise is held
// against what TikTok's simulator has in its ledger.
//
// The faults and the deeds of people follow from a seed, which is printed first and which
// SEED= repeats; how they fall into each other's way is the machine's. CHAOS=long runs for
// an hour or for CHAOS_MINUTES, else it is about a minute of faults. CHAOS_KEEP=yes leaves
// the stack's directory behind. CHAOS_PATIENCE_S: how long what is open when all is mended
// may take to end; mutants.mjs has less of it.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { clearFaults, addPerson, change, choosing, ledger, turn } from '../harness/sandbox.mjs';
import { Stack, eventually, sleep } from '../harness/stack.mjs';
import { OVER, connectAccount, readyPhotos } from '../harness/world.mjs';
import { makeVideo, sha256 } from '../harness/media.mjs';
import { Dice } from './dice.mjs';
import { Faults } from './faults.mjs';
import { attemptsAgree, bytesArrived, confirmed, deathsProven, evidence, lateness, neverLost, neverTwice, noneBrokeDown, nothingLeaked, nothingLeft, promisesKept, windowsKept } from './oracles.mjs';
import { People } from './people.mjs';

const LONG = process.env.CHAOS === 'long';
const FAULTS_MS = process.env.CHAOS_MINUTES ? Number(process.env.CHAOS_MINUTES) * 60_000 : LONG ? 3_600_000 : 60_000;
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));
const QUIET_MS = Number(process.env.CHAOS_PATIENCE_S ?? 600) * 1000; // far beyond every lease, window and backoff
const PUBLISHERS = ['tts-publisher', 'tts-publisher-2', 'tts-publisher-3'];
const PARTS = ['mariadb', 'redis', 'nginx', 'tts-api', 'tts-media', 'tts-sandbox', ...PUBLISHERS];
const NAMES = Array.from({ length: 16 }, (_, i) => `chaos.number${i + 1}`);
const CROWDED = 'chaos.crowded';
const LARGE_BYTES = 65_000_000;   // more than TikTok takes as one chunk: six of them
const start = Date.now();
const note = (what) => process.env.CHAOS_QUIET || console.log(`  ${((Date.now() - start) / 1000).toFixed(1).padStart(7)} s  ${what}`);

let stack;
let client;
let all;
let faults;
let people;
const hashes = new Map();
const calls = new Map();

/** Uploads a video and answers its id. */
async function video(name, options) {
  const file = await makeVideo(join(stack.varDir, 'tmp', name), options);
  const id = await client.upload(file);
  await client.until(`/api/v1/media/${id}`, ({ status }) => status === 'ready', 60_000);
  hashes.set(id, await sha256(file));
  return id;
}

/** Keeps what the simulator's list of calls forgets in a long run. */
async function watchCalls(until) {
  do {
    const seen = await eventually(() => ledger(stack, { limit: 0, sessions: 0, calls: 4000 }), { ms: 90_000, every: 500, what: 'the list of calls' });
    for (const call of seen.calls) {
      calls.set(call.log_id, call);
    }
    await sleep(Math.max(0, Math.min(20_000, until - Date.now())));
  } while (Date.now() < until);
}

async function prepare() {
  stack = await Stack.start({ env: { STACK_PUBLISHERS: String(PUBLISHERS.length), API_WORKERS: '4' } });
  client = await stack.signedIn();
  await turn(stack, { pending_shares: 1_000_000, ...(LONG ? { discard_bodies: 1, check_media: 0 } : {}) });
  const accounts = [];
  for (const name of [...NAMES, CROWDED]) {
    await addPerson(stack, name);
    await change(stack, name, { post_cap: 1_000_000 });
    // The first one comes up against its windows, though not faster than they open in an hour.
    accounts.push([name === CROWDED ? 0 : name === NAMES[0] ? (LONG ? 1.5 : 2) : 1, await connectAccount(client, { choose: choosing({ creator: name }) }), name]);
  }
  const videos = [[6, await video('small.mp4')], [1, await video('large.mp4', { padTo: LARGE_BYTES })]];
  const photos = await readyPhotos(client, stack, 4);
  const begin = Date.now();
  const until = begin + FAULTS_MS;
  const dice = new Dice(SEED);
  // Every other short run, and in a long one every other three minutes, Redis may be relied
  // upon. Else nothing could be said about the windows that lie in it.
  const forgetful = dice.fork('redis').chance(0.5);
  const sparesRedis = () => (LONG ? Math.floor((Date.now() - begin) / 180_000) % 2 === 1 : !forgetful);
  // One of the publishers lets TikTok fetch videos as well.
  const settings = { [PUBLISHERS[1]]: { TIKTOK_VIDEO_TRANSFER: 'pull' } };
  faults = new Faults(stack, { dice: dice.fork('faults'), until, publishers: PUBLISHERS, settings, sparesRedis, note });
  await faults.begin();
  // About half of what TikTok lets so many accounts begin, so that retries have room.
  people = new People(stack, stack.bearer(), { visitor: client, dice, until, accounts, crowded: accounts.at(-1)[1], videos, photos, pace: LONG ? [1500, 9000] : [500, 4000], draftChance: LONG ? 0.05 : 0.15, note });
}

/** Everything runs again, and nothing is set to fail. */
async function mend() {
  await clearFaults(stack);
  faults.wake();
  for (const part of PARTS) {
    if (!stack.runs(part)) {
      await stack.start(part);
    }
  }
  await eventually(async () => (await client.request('GET', '/api/ready')).status === 200, { ms: 120_000, every: 200, what: 'the stack to be ready again' });
}

/** Those of the posts that have not come to an end. */
async function stillOpen(posts) {
  const open = [];
  for (const post of posts) {
    const { status, status_reason: reason } = await client.get(`/api/v1/posts/${post.id}`);
    if (!OVER.includes(status)) {
      open.push({ ...post, seen: `${status} ${reason ?? ''}` });
    }
  }
  return open;
}

before(async () => {
  console.log(`SEED=${SEED}, ${FAULTS_MS / 60_000} min of faults`);
  await prepare();
  note('faults begin');
  const ended = stack.ended.then((how) => assert.fail(`the stack ended by itself: ${JSON.stringify(how)}\n${stack.output}`));
  await Promise.race([ended, Promise.all([faults.run(), people.run(), watchCalls(people.until)])]);
  ended.catch(() => {}); // from here on it may
  note('faults end');
  await mend();
  await people.settle();
});

after(async () => {
  if (stack) {
    await stack.stop({ keep: process.env.CHAOS_KEEP === 'yes' });
    assert.deepEqual(nothingLeft(stack.varDir), [], 'a stopped stack leaves no process');
  }
});

const nothing = (found, promise) => assert.ok(found.length === 0, `${promise} (SEED=${SEED})\n    ${found.join('\n    ')}`);

describe(`chaos with seed ${SEED}`, () => {
  test('I3: every accepted post comes to an end that a person can see', { timeout: QUIET_MS + 120_000 }, async () => {
    let open = people.accepted();
    await eventually(async () => {
      faults.wake();
      open = await stillOpen(open);
      return open.length === 0;
    }, { ms: QUIET_MS, every: 1000 }).catch((error) => note(error.message));
    note(open.length === 0 ? 'all is quiet' : `${open.length} posts do not come to an end`);
    // The lease of a publisher that was killed last runs out on its own.
    await eventually(() => nothingLeaked({ stack, jobs: [1] }, PARTS).length === 0, { ms: 60_000, every: 500 }).catch(() => {});
    await watchCalls(0);
    // The other promises are judged even when this one was broken.
    all = await evidence(stack, client, people, [...calls.values()]);
    report();
    nothing([...open.map(({ name, id, seen }) => `${name} (id ${id}) does not come to an end: ${seen ?? 'no answer'}`), ...neverLost(all)], 'never lost, never silent');
  });

  test('I1: no post is at TikTok twice, and one that is canceled or failed is not there', () => nothing(neverTwice(all), 'never twice'));
  test('I2: a cancel, move or edit that was answered 200 holds', () => nothing(promisesKept(all), 'a yes is a promise'));
  test('I4: published means that TikTok has confirmed this very publication', () => nothing(confirmed(all), 'truth'));
  test('I5: no rate window of TikTok was exceeded', () => nothing(windowsKept(all, faults.redisLost), 'windows'));
  test('the attempts agree with the sessions of TikTok, and nobody holds a job', () => nothing(attemptsAgree(all), 'ledger'));
  test('no session was called dead without proof', () => nothing(deathsProven(all), 'proof'));
  test('every byte arrived', { skip: LONG && 'the long run does not keep the bytes' }, async () => nothing(await bytesArrived(all, hashes), 'bytes'));
  test('the API kept to its contract', () => nothing(people.problems, 'contract'));
  test('no program broke down by itself', () => nothing(noneBrokeDown(stack), 'stable'));
  test('no process, lease or descriptor is left over', () => nothing(nothingLeaked(all, PARTS), 'leak'));
});

/** What a run was worth: how much broke, and what became of the posts. */
function report() {
  const by = (list, key) => list.reduce((sum, item) => ({ ...sum, [key(item)]: (sum[key(item)] ?? 0) + 1 }), {});
  note(`faults ${JSON.stringify(faults.count)}`);
  note(`answers ${JSON.stringify(people.answers)}`);
  note(`posts ${JSON.stringify(by(all.posts, ({ seen }) => `${seen.status} ${seen.status_reason ?? ''}`.trim()))}`);
  note(`sessions ${all.sessions.length}, attempts ${all.attempts.length}, refused as too many ${all.calls.filter(({ status, fault }) => status === 429 && fault === null).length} (Redis had forgotten ${faults.redisLost.length} times)`);
  const [half, most, longest] = lateness(all);
  note(`lateness in ms: median ${half}, 90 % ${most}, longest ${longest}`);
}
