// What finding and taking due posts costs, with few and with many posts that wait.
import { join } from 'node:path';
import { BUILD_DIR } from '../harness/stack.mjs';
import { SLOW_ROUNDS, exec, median } from './measure.mjs';
import { inMs, seedPosts } from './seed.mjs';

const DUE = 64;
const FEW = 10_000;
export const MANY = Number(process.env.BENCH_ROWS ?? 200_000);
const POOL_BYTES = 1 << 30;
const FAR = 30 * 86_400_000; // where nobody looks yet

async function measure(stack, rounds) {
  const times = { sweep: [], upcoming: [], claim: [] };
  for (let round = 0; round < rounds; round++) {
    const { stdout } = await exec(join(BUILD_DIR, 'bench/bench_claims'), [`mysql://root@localhost/tts?socket=${stack.path('run/mariadb.sock')}`, '100']);
    const [sweep, upcoming, claim, taken] = stdout.trim().split(' ').map(Number);
    if (taken !== DUE) {
      throw new Error(`a claim took ${taken} posts, not ${DUE}`);
    }
    times.sweep.push(sweep);
    times.upcoming.push(upcoming);
    times.claim.push(claim);
  }
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]));
}

const more = (stack, count, accounts) => seedPosts(stack, count, { due: `${inMs(FAR)} + seq * 10000`, accounts, caption: 'A post that waits #bench' });

/** How much of the tables MariaDB may keep in memory: as on a machine that is meant for so many posts. */
const pool = (stack, bytes) => stack.sql(`SET GLOBAL innodb_buffer_pool_size = ${bytes}`);

export async function claims({ stack, table, rounds, accounts }) {
  const before = stack.sql('SELECT @@innodb_buffer_pool_size').trim();
  pool(stack, POOL_BYTES);
  await stack.hold('tts-publisher');
  seedPosts(stack, DUE, { due: inMs(-1000), accounts, caption: 'A post that is due' });
  more(stack, FEW - DUE, accounts);
  stack.sql('ANALYZE TABLE post, job');
  const few = await measure(stack, Math.min(rounds, SLOW_ROUNDS));
  more(stack, MANY - FEW, accounts);
  stack.sql('ANALYZE TABLE post, job');
  const many = await measure(stack, Math.min(rounds, SLOW_ROUNDS));
  const names = { sweep: `sweep that finds ${DUE} due posts`, upcoming: 'look at the next two hours', claim: `claim of ${DUE} posts` };
  for (const [name, figure] of Object.entries(names)) {
    table.add(`${figure}, ${MANY / 1000}k posts wait (floor: ${FEW / 1000}k; 1 GiB pool)`, 'us', many[name], { floor: few[name], atMost: 1.5 });
  }
  stack.sql("DELETE FROM post WHERE caption = 'A post that is due'");
  pool(stack, before);
}

/** The same rows for the parts that follow, when this one is left out. */
export async function fill({ stack, accounts }) {
  await stack.hold('tts-publisher');
  more(stack, FEW, accounts);
}
