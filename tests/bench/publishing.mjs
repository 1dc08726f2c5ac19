// The publisher against the simulator: how late the committing request is when many posts
// are due in the same second, and how many posts a second it does, next to bare libcurl.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { BUILD_DIR, eventually } from '../harness/stack.mjs';
import { ledger, turn } from '../harness/sandbox.mjs';
import { SLOW_ROUNDS, cpuSeconds, interleaved, median, peakMiB, percentile } from './measure.mjs';
import { inMs, openWindows, seedPosts } from './seed.mjs';

const CROWD = 1000;
const LOOK_MS = 1000; // each look is a process and a query of its own, which the floor does not have
const AT_ONCE = 64; // PUBLISH_INFLIGHT, as it is without a setting
export const SMALL = { bytes: 100_000, posts: 400 };
export const LARGE = { bytes: 5 << 20, posts: 600 };

let number = 0;
const freshCaption = (what) => `bench ${what} ${++number}`;

/** When the simulator had the last byte of each post, in ms, ascending. */
async function commits(stack, caption, wanted) {
  const { publications } = await ledger(stack, { caption, limit: 4000, calls: 0, sessions: 0 });
  if (publications.length !== wanted) {
    throw new Error(`${publications.length} publications of ${wanted}`);
  }
  return publications.map(({ committed_at_ms }) => committed_at_ms).sort((a, b) => a - b);
}

/** Posts a second between the tenth and the ninetieth of a hundred: without start and end. */
function steadyRate(times) {
  const [first, last] = [Math.floor(times.length * 0.1), Math.floor(times.length * 0.9)];
  return ((last - first) * 1000) / (times[last] - times[first]);
}

/**
 * Posts that the publisher finds at its start; answers when they were committed, and what
 * the publisher used. Every account's windows are open.
 */
async function publish(stack, { file, posts, due, accounts, inFlight = AT_ONCE }) {
  const caption = freshCaption('ours');
  await stack.hold('tts-publisher');
  openWindows(stack);
  seedPosts(stack, posts, { due, lead: 2000 + Math.floor(file.bytes / 1000) * 0.3, media: file.id, accounts, caption });
  await stack.start('tts-publisher', { env: { PUBLISH_INFLIGHT: String(inFlight) } });
  const pid = stack.pid('tts-publisher');
  const mine = `FROM job JOIN post USING (post_id) WHERE caption = '${caption}'`;
  await eventually(() => stack.sql(`SELECT COUNT(*) ${mine} AND state = 4`).trim() === String(posts), { ms: 90_000, every: LOOK_MS, what: `${posts} posts to be published` });
  const [begin, end] = stack.sql(`SELECT MIN(at), MAX(at) FROM job_event JOIN post USING (post_id) WHERE caption = '${caption}'`).trim().split('\t').map(Number);
  return {
    due: Number(stack.sql(`SELECT MIN(due_at) ${mine}`)),
    times: await commits(stack, caption, posts),
    whole: (posts * 1000) / (end - begin),
    cpuUs: (cpuSeconds([pid]) * 1e6) / posts,
    peak: peakMiB([pid]),
  };
}

/** The same calls by bench_publish. */
async function bare(stack, tokens, { file, posts }) {
  const caption = freshCaption('bare');
  const child = spawn(join(BUILD_DIR, 'bench/bench_publish'), [stack.sandboxUrl, file.file, String(posts), String(AT_ONCE), caption], { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stdin.end(tokens.join('\n'));
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) {
    throw new Error(`bench_publish ended with ${code}`);
  }
  const [seconds, cpu] = output.trim().split(' ').map(Number);
  return { times: await commits(stack, caption, posts), whole: posts / seconds, cpuUs: (cpu * 1e6) / posts };
}

function lateness(table, runs) {
  const late = runs.flatMap(({ due, times }) => times.map((time) => time - due));
  const what = `${SMALL.posts} posts of 100 kB due at one instant: last byte taken`;
  table.add(`${what}, half of them`, 'ms late', percentile(late, 50));
  table.add('  99 of 100', 'ms late', percentile(late, 99), { atMost: 1000, of: 'value' });
  table.add('  the last', 'ms late', Math.max(...late));
  table.add('  the first (none may be early)', 'ms late', Math.min(...late), { atLeast: 0, of: 'value' });
}

function rates(table, what, ours, floor, wanted) {
  const pick = (list, value) => list.map(value);
  table.compare(`posts of ${what}, overdue (floor: bare libcurl multi)`, 'posts/s', pick(ours, ({ times }) => steadyRate(times)), pick(floor, ({ times }) => steadyRate(times)), wanted);
  table.compare('  from the first claim to the last confirmation', 'posts/s', pick(ours, ({ whole }) => whole), pick(floor, ({ whole }) => whole));
  table.compare('  CPU of the publisher', 'us/post', pick(ours, ({ cpuUs }) => cpuUs), pick(floor, ({ cpuUs }) => cpuUs));
}

/** A thousand posts under way at once. */
async function crowd(stack, table, { large, accounts }) {
  const { peak } = await publish(stack, { ...large, posts: CROWD, accounts, due: inMs(-100), inFlight: CROWD });
  table.add(`most memory of the publisher with ${CROWD} posts of 5 MiB under way`, 'MiB', peak, { atMost: 32, of: 'value' });
}

export async function publisher({ stack, table, rounds, tokens, accounts, small, large }) {
  await turn(stack, { init_per_min: 0, creator_per_min: 0, status_per_min: 0, discard_bodies: 1, check_media: 0, processing_ms: 0, moderation_ms: 0 });
  const overdue = inMs(-100);
  const results = await interleaved(Math.min(rounds, SLOW_ROUNDS), {
    late: () => publish(stack, { ...small, accounts, due: inMs(8000) }),
    large: () => publish(stack, { ...large, accounts, due: overdue }),
    largeFloor: () => bare(stack, tokens, large),
    small: () => publish(stack, { ...small, accounts, due: overdue }),
    smallFloor: () => bare(stack, tokens, small),
  });
  lateness(table, results.late);
  rates(table, '5 MiB', results.large, results.largeFloor, { atLeast: 0.8 });
  rates(table, '100 kB', results.small, results.smallFloor, {});
  await crowd(stack, table, { large, accounts });
  await stack.hold('tts-publisher'); // as the parts after this one found it
  const peaks = [results.late, results.large, results.small].flat().map(({ peak }) => peak);
  table.add('most memory of the publisher', 'MiB', Math.max(...peaks), { atMost: 32, of: 'value' });
  table.add('  with 5 MiB files (floor: with 100 kB)', 'MiB', median(results.large.map(({ peak }) => peak)), { floor: median(results.small.map(({ peak }) => peak)) });
}
