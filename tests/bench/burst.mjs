// Very many posts of as many accounts, due in the same second: how late the request that
// publishes is for one publisher, two and four, with Redis and without it, next to bare
// libcurl that has nothing to do at that instant but to send.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { BUILD_DIR, eventually } from '../harness/stack.mjs';
import { ledger, turn } from '../harness/sandbox.mjs';
import { peakMiB, percentile } from './measure.mjs';
import { inMs, openWindows, seedAccounts, seedFile, seedPosts } from './seed.mjs';

export const BURST = Number(process.env.BENCH_BURST ?? 2000);
const FILE = 9; // media_id of the file that is posted
const BYTES = 20_000;
const PREPARE_MS = 40_000; // how long before the instant publishers may begin
const FIRST = 1001; // account_id
const PAGE = 2000;
const SPARE_MS = 5000; // for the start of the publishers

let number = 0;

/** When the simulator had the last byte of each, in ms. */
async function commits(stack, caption) {
  const times = [];
  for (let before; ; ) {
    const { publications } = await ledger(stack, { caption, limit: PAGE, calls: 0, sessions: 0, ...(before && { before }) });
    times.push(...publications.map(({ committed_at_ms }) => committed_at_ms));
    if (publications.length < PAGE) {
      break;
    }
    before = publications.at(-1).id;
  }
  if (times.length !== BURST) {
    throw new Error(`${times.length} publications of ${BURST}`);
  }
  return times;
}

async function publishers(stack, count) {
  await stack.start('tts-publisher', { env: { PUBLISH_INFLIGHT: '256' } });
  for (let i = 1; i < count; i++) {
    stack.second('tts-publisher');
  }
  return [stack.pid('tts-publisher'), ...stack.copies.filter((copy) => copy.exitCode === null && copy.signalCode === null).map(({ pid }) => pid)];
}

async function end(stack) {
  await stack.hold('tts-publisher');
  for (const copy of stack.copies.splice(0)) {
    const gone = new Promise((resolve) => copy.once('exit', resolve));
    copy.kill('SIGTERM');
    await gone;
  }
}

async function ours(stack, { count, redis }) {
  const caption = `bench burst ${++number}`;
  if (redis) {
    openWindows(stack);
  } else {
    await stack.hold('redis');
  }
  const ahead = PREPARE_MS + SPARE_MS;
  seedPosts(stack, BURST, { due: inMs(ahead), lead: PREPARE_MS, media: FILE, accounts: BURST, firstAccount: FIRST, caption });
  const mine = `FROM job JOIN post USING (post_id) WHERE caption = '${caption}'`;
  const due = Number(stack.sql(`SELECT MAX(due_at) ${mine}`));
  const pids = await publishers(stack, count);
  await eventually(() => stack.sql(`SELECT COUNT(*) ${mine} AND state = 4`).trim() === String(BURST), { ms: ahead + 180_000, every: 1000, what: `${BURST} posts to be published` });
  const peak = peakMiB(pids);
  await end(stack);
  if (!redis) {
    await stack.start('redis');
  }
  const times = await commits(stack, caption);
  return { late: times.map((time) => time - due), peak };
}

/** The same PUTs, all sessions being open before: nothing else is left to do. */
async function bare(stack, tokens) {
  const caption = `bench bare burst ${++number}`;
  const file = stack.path('media', 'ib', 'ibcdefghijklmnopqrstuvwxyz');
  const child = spawn(join(BUILD_DIR, 'bench/bench_publish'), [stack.sandboxUrl, file, String(BURST), '256', caption, 'hold'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stdin.end(tokens.join('\n'));
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) {
    throw new Error(`bench_publish ended with ${code}`);
  }
  const due = Number(output.trim().split(' ')[2]);
  return (await commits(stack, caption)).map((time) => time - due);
}

function add(table, what, late, floor) {
  for (const [name, percent] of [['half of them', 50], ['99 of 100', 99], ['the last', 100]]) {
    const label = percent === 50 ? `${what}: ${name}` : `  ${name}`;
    table.add(label, 'ms late', percentile(late, percent), { floor: percentile(floor, percent), ...(percent === 99 ? { atMost: 1000, of: 'value' } : {}) });
  }
  table.add('  the first (none may be early)', 'ms late', late.reduce((a, b) => Math.min(a, b)), { atLeast: 0, of: 'value' });
}

export async function burst({ stack, table }) {
  await turn(stack, { init_per_min: 0, creator_per_min: 0, status_per_min: 0, discard_bodies: 1, check_media: 0, processing_ms: 0, moderation_ms: 0 });
  const tokens = await seedAccounts(stack, BURST, { from: FIRST });
  seedFile(stack, FILE, BYTES);
  for (const { count, redis } of [{ count: 1, redis: true }, { count: 2, redis: true }, { count: 4, redis: true }, { count: 1, redis: false }]) {
    const floor = await bare(stack, tokens);
    const { late, peak } = await ours(stack, { count, redis });
    add(table, `${BURST} posts of as many accounts at one instant, ${count} publisher${count > 1 ? 's' : ''}, Redis ${redis ? 'up' : 'down'} (floor: bare PUTs)`, late, floor);
    table.add('  most memory of a publisher', 'MiB', peak);
  }
}
