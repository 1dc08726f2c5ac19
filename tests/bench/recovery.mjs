// How long posts wait for another publisher after theirs was killed: publishers that hold
// posts under way are ended by SIGKILL, several at a time, and one stays.
import { eventually } from '../harness/stack.mjs';
import { turn } from '../harness/sandbox.mjs';
import { percentile } from './measure.mjs';
import { inMs, seedPosts } from './seed.mjs';

const KILLS = Number(process.env.BENCH_KILLS ?? 24);
const AT_ONCE = 8;
const POSTS_EACH = 10;
const FILE = 1; // media_id
const COMMITTED = 3;
const CLAIMED = 20; // job_event.kind

const databaseNow = (stack) => Number(stack.sql('SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)'));

/** One round: the waits, in ms, until the last post of each killed publisher was taken. */
async function round(stack, caption, accounts) {
  const victims = Array.from({ length: AT_ONCE }, () => stack.second('tts-publisher'));
  const pids = victims.map(({ pid }) => pid);
  await eventually(() => Number(stack.sql(`SELECT COUNT(*) FROM publisher WHERE pid IN (${pids}) AND lease_until > ${inMs(0)}`)) === AT_ONCE, { ms: 20_000, what: 'publishers to have a lease' });
  seedPosts(stack, AT_ONCE * POSTS_EACH * 2, { due: inMs(-100), media: FILE, accounts, caption });
  const mine = `FROM job JOIN post USING (post_id) WHERE caption = '${caption}'`;
  await eventually(() => Number(stack.sql(`SELECT COUNT(*) ${mine} AND state = ${COMMITTED}`)) === AT_ONCE * POSTS_EACH * 2, { ms: 60_000, every: 200, what: 'all posts to be under way' });
  const before = databaseNow(stack);
  for (const victim of victims) {
    victim.kill('SIGKILL');
  }
  stack.copies.splice(0);
  const held = stack.sql(`SELECT p.inc, job.post_id FROM job JOIN post USING (post_id) JOIN publisher p ON p.inc = job.owner WHERE caption = '${caption}' AND p.pid IN (${pids})`)
    .trim().split('\n').filter(Boolean).map((line) => line.split('\t'));
  const posts = held.map(([, post]) => post);
  await eventually(() => Number(stack.sql(`SELECT COUNT(DISTINCT post_id) FROM job_event WHERE kind = ${CLAIMED} AND at >= ${before} AND post_id IN (${posts})`)) === posts.length, { ms: 60_000, every: 200, what: 'every post to be taken over' });
  const taken = new Map(stack.sql(`SELECT post_id, MIN(at) FROM job_event WHERE kind = ${CLAIMED} AND at >= ${before} AND post_id IN (${posts}) GROUP BY post_id`).trim().split('\n').map((line) => line.split('\t')));
  const waits = new Map();
  for (const [inc, post] of held) {
    waits.set(inc, Math.max(waits.get(inc) ?? 0, Number(taken.get(post)) - before));
  }
  await eventually(() => Number(stack.sql(`SELECT COUNT(*) ${mine} AND state = 4`)) === AT_ONCE * POSTS_EACH * 2, { ms: 60_000, every: 200, what: 'all posts to be published' });
  return [...waits.values()];
}

export async function recovery({ stack, table, accounts }) {
  await turn(stack, { init_per_min: 0, creator_per_min: 0, status_per_min: 0, discard_bodies: 1, check_media: 0, processing_ms: 25_000, moderation_ms: 0 });
  await stack.start('tts-publisher');
  const waits = [];
  for (let kills = 0; kills < KILLS; kills += AT_ONCE) {
    waits.push(...(await round(stack, `bench recovery ${kills}`, accounts)));
  }
  await stack.hold('tts-publisher');
  table.add(`posts of ${waits.length} killed publishers taken over: half of them after`, 's', percentile(waits, 50) / 1000);
  table.add('  99 of 100', 's', percentile(waits, 99) / 1000, { atMost: 22, of: 'value' });
  table.add('  the last', 's', Math.max(...waits) / 1000);
  table.add('  the first', 's', Math.min(...waits) / 1000);
}
