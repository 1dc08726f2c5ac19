// Runs every measurement against one stack and prints the table; tests/bench/run builds
// first and says what can be chosen.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { CLIENT_KEY, changeApp } from '../harness/sandbox.mjs';
import { ROOT, Stack } from '../harness/stack.mjs';
import { api } from './api.mjs';
import { burst } from './burst.mjs';
import { stopAll } from './bare.mjs';
import { claims, fill } from './claims.mjs';
import { files } from './files.mjs';
import { limits } from './limits.mjs';
import { CONNECTIONS, SLOW_ROUNDS, Table } from './measure.mjs';
import { media } from './media.mjs';
import { LARGE, SMALL, publisher } from './publishing.mjs';
import { recovery } from './recovery.mjs';
import { seedAccounts, seedFile } from './seed.mjs';

const PARTS = { claims, api, files, media, publisher, burst, limits, recovery };
const ACCOUNTS = 200;
const LONGEST_MS = Number(process.env.BENCH_LONGEST_S ?? 900) * 1000;
const only = process.env.BENCH_ONLY?.split(/[\s,]+/).filter(Boolean) ?? Object.keys(PARTS);
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);

const line = (command, ...args) => execFileSync(command, args, { encoding: 'utf8', cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] }).trim().split('\n')[0];
const say = (text) => process.stderr.write(`bench: ${text}\n`);

function header(workers) {
  const changed = line('git', 'status', '--porcelain', '--untracked-files=no') ? ' with changes' : '';
  return [
    `commit   ${line('git', 'rev-parse', '--short=12', 'HEAD')}${changed}, ${new Date().toISOString()}`,
    `machine  ${cpus().length} x ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, load ${loadavg().map((load) => load.toFixed(2)).join(' ')} before`,
    `servers  ${line('mariadb', '--version').replace(/.*Distrib ([^,]+),.*/, 'MariaDB $1')} (flush at every commit, 128 MB pool), ${line('redis-server', '--version').split(' ').slice(0, 3).join(' ')}`,
    `settings release build, ${workers} API workers, ${CONNECTIONS} connections, ${rounds} interleaved rounds (${Math.min(rounds, SLOW_ROUNDS)} of what takes long)`,
    'columns  medians of the rounds; ratio: median of the ratios of each round, lowest and highest in brackets',
  ].join('\n');
}

const dir = await mkdtemp(join(tmpdir(), 'tts-bench-'));
const table = new Table();
let stack;
let head = '';

async function end(code) {
  await stopAll();
  await stack?.stop();
  await rm(dir, { recursive: true, force: true });
  process.exit(code);
}
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => end(1));
}
process.once('uncaughtException', (error) => {
  console.error(error);
  end(1);
});
setTimeout(() => {
  say(`gave up after ${LONGEST_MS / 1000} s`);
  end(1);
}, LONGEST_MS).unref();

try {
  const unknown = only.filter((name) => !PARTS[name]);
  if (unknown.length > 0) {
    throw new Error(`there is no part ${unknown.join(', ')}; there are ${Object.keys(PARTS).join(', ')}`);
  }
  mkdirSync(join(dir, 'www')); // no dashboard is measured
  writeFileSync(join(dir, 'www/index.html'), '<!doctype html><title>x</title>');
  say('starting the stack');
  stack = await Stack.start({ env: { WWW_DIR: join(dir, 'www'), NGINX_API_RATE: '100000r/s', NGINX_API_BURST: '10000' } });
  head = header(stack.children('tts-api').length);
  const world = { stack, rounds, table, accounts: ACCOUNTS };
  await changeApp(stack, CLIENT_KEY, { webhook_url: '' }); // the floors hear of nothing either
  say('making accounts and posts');
  world.tokens = await seedAccounts(stack, ACCOUNTS);
  seedFile(stack, 1, 1000);
  world.small = { file: seedFile(stack, 2, SMALL.bytes), posts: SMALL.posts };
  world.large = { file: seedFile(stack, 3, LARGE.bytes), posts: LARGE.posts };
  if (!only.includes('claims')) {
    await fill(world);
  }
  for (const name of Object.keys(PARTS).filter((part) => only.includes(part))) {
    say(`measuring: ${name}`);
    await PARTS[name](world);
  }
  process.stdout.write(`${head}\n\n${table}\n`);
  await end(0);
} catch (error) {
  console.error(error);
  if (table.rows.length > 0) {
    process.stdout.write(`${head}\n\nWhat was measured before that:\n${table}\n`);
  }
  await end(1);
}
