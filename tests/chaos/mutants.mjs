// Is the soak blind? Breaks one rule of the protocol after the other (mutations.mjs), each
// in a copy of the sources, and demands that soak.test.mjs sees it, for the right reason.
//
//   node tests/chaos/mutants.mjs [NAME...]      make chaos-mutants MUTANT="NAME..."
//
// A mutant has SEEDS=3 seeds to be seen, or SEED=n alone, with CHAOS_MINUTES=1 of faults
// each. The sources as they are, `unchanged` by name, run with every seed that was used,
// and must stay green. JOBS=3 soaks run at a time: they mostly wait. The directory of a
// mutant that was not seen, or of an unchanged copy that is red, is left behind, with the
// stack's logs in it.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, openSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { BUILD_DIR, ROOT } from '../harness/stack.mjs';
import { Dice } from './dice.mjs';
import { MUTATIONS } from './mutations.mjs';

const SEEDS = Number(process.env.SEEDS ?? 3);
const JOBS = Number(process.env.JOBS ?? 3);
const MINUTES = Number(process.env.CHAOS_MINUTES ?? 1);
const PATIENCE_S = 150; // what a mutant has left open stays so
const UNCHANGED = { name: 'unchanged', what: 'the sources as they are', edits: [] };
const run = promisify(execFile);
const start = Date.now();
const say = (what) => console.log(`${((Date.now() - start) / 1000).toFixed(0).padStart(6)} s  ${what}`);

/** Copies what git knows, and what was built of it, so that make builds little. */
function copySources(dir) {
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0').filter((file) => file && existsSync(join(ROOT, file)));
  const build = relative(ROOT, BUILD_DIR);
  const made = [...['src', 'gen', 'lib', 'bin', 'flags'].map((name) => join(build, name)), 'www/dist'];
  for (const part of [...files, ...made.filter((name) => existsSync(join(ROOT, name)))]) {
    mkdirSync(dirname(join(dir, part)), { recursive: true });
    cpSync(join(ROOT, part), join(dir, part), { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  }
  if (!existsSync(join(dir, 'www/node_modules'))) {
    symlinkSync(join(ROOT, 'www/node_modules'), join(dir, 'www/node_modules'));
  }
}

/** What stands before and after words, which must be there exactly once. */
function around(dir, [file, words]) {
  const parts = readFileSync(join(dir, file), 'utf8').split(words);
  assert.equal(parts.length, 2, `${file} has ${parts.length - 1} times, not once: ${words}`);
  return parts;
}

function edit(dir, change) {
  const [file, , instead] = change;
  writeFileSync(join(dir, file), around(dir, change).join(instead));
  const now = new Date();
  utimesSync(join(dir, file), now, now);
}

async function prepare(mutant, work) {
  const dir = join(work, mutant.name);
  copySources(dir);
  mutant.edits.forEach((change) => edit(dir, change));
  try {
    await run('nice', ['make', '-s', '-j1', `O=${relative(ROOT, BUILD_DIR)}`, 'programs'], { cwd: dir, maxBuffer: 64 << 20 });
  } catch (error) {
    throw new Error(`${mutant.name} does not compile:\n${error.stderr}`);
  }
  return dir;
}

/** Those from 1 on with which the soak treats Redis as the mutant wants it. */
function seedsOf({ redis }) {
  if (process.env.SEED) {
    return [Number(process.env.SEED)];
  }
  const fits = (seed) => redis === undefined || new Dice(seed).fork('redis').chance(0.5) === (redis === 'lost');
  return Array.from({ length: 100 }, (_, i) => i + 1).filter(fits).slice(0, SEEDS);
}

/** Runs the soak in a copy; answers what its tests said. */
async function soak(dir, seed, more) {
  const began = Date.now();
  const verdicts = join(dir, `soak-${seed}.json`);
  const log = openSync(join(dir, `soak-${seed}.log`), 'w');
  const stack = join(dir, `stack-${seed}`);
  mkdirSync(stack);
  const child = spawn(process.execPath, [`--test-reporter=${join(dir, 'tests/chaos/verdicts.mjs')}`, `--test-reporter-destination=${verdicts}`, join(dir, 'tests/chaos/soak.test.mjs')], {
    cwd: dir,
    stdio: ['ignore', log, log],
    env: { ...process.env, O: join(dir, relative(ROOT, BUILD_DIR)), TMPDIR: stack, SEED: String(seed), CHAOS: '', CHAOS_MINUTES: String(MINUTES), CHAOS_KEEP: 'yes', ...more },
  });
  await new Promise((resolve) => child.once('exit', resolve));
  const tests = existsSync(verdicts) ? readFileSync(verdicts, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)) : [];
  const failed = tests.length > 0 ? tests.filter(({ passed }) => !passed) : [{ name: 'the soak did not start', why: `see ${dir}/soak-${seed}.log` }];
  if (failed.length === 0) {
    await rm(stack, { recursive: true, force: true });
  }
  return { seconds: Math.round((Date.now() - began) / 1000), red: failed.length > 0, failed };
}

const times = ({ why }) => (why.match(/\n {4}\S/g) ?? []).length;
const firstWords = ({ why }) => (why.split('\n')[1] ?? why.split('\n')[0] ?? '').trim().slice(0, 200);

/** Which of the promises that the mutant breaks was seen to be broken. */
const seen = ({ caught }, { failed }) => failed.filter(({ name, why }) => caught.some(([promise, words]) => name.includes(promise) && words.test(why)));

async function judge(mutant, dir, used) {
  for (const seed of seedsOf(mutant)) {
    used.add(seed);
    const result = await soak(dir, seed, { CHAOS_PATIENCE_S: String(PATIENCE_S) });
    const by = seen(mutant, result);
    const said = `${mutant.name}, seed ${seed}, ${MINUTES} min of faults, ${result.seconds} s in all`;
    if (by.length > 0) {
      say(`${said}: SEEN\n${by.map((test) => `          ${test.name}: ${times(test)} times\n            ${firstWords(test)}`).join('\n')}`);
      return true;
    }
    say(`${said}: ${result.red ? `red for another reason\n${result.failed.map((test) => `          ${test.name}: ${firstWords(test)}`).join('\n')}` : 'green'}`);
  }
  return false;
}

async function staysGreen(dir, seed) {
  const { red, failed, seconds } = await soak(dir, seed);
  say(`unchanged, seed ${seed}, ${MINUTES} min of faults, ${seconds} s in all: ${red ? `RED\n${failed.map((test) => `          ${test.name}: ${firstWords(test)}`).join('\n')}` : 'green'}`);
  return !red;
}

/** Runs tasks, JOBS of them at a time. */
async function inTurn(tasks) {
  const left = [...tasks];
  const answers = [];
  await Promise.all(Array.from({ length: JOBS }, async () => {
    for (let task; (task = left.shift());) {
      answers.push(await task());
    }
  }));
  return answers;
}

async function main(names) {
  const unknown = names.filter((name) => ![UNCHANGED, ...MUTATIONS].some((mutant) => mutant.name === name));
  assert.deepEqual(unknown, [], `known are ${MUTATIONS.map(({ name }) => name).join(', ')}`);
  const mutants = MUTATIONS.filter(({ name }) => names.length === 0 || names.includes(name));
  mutants.forEach(({ edits }) => edits.forEach((change) => around(ROOT, change))); // before anything runs
  const work = await mkdtemp(join(tmpdir(), 'tts-mutants-'));
  const used = new Set(names.includes(UNCHANGED.name) ? seedsOf(UNCHANGED) : []);
  const wrong = [];
  // One is built while others run.
  let building = Promise.resolve();
  const built = (mutant) => (building = building.then(() => prepare(mutant, work)));
  await inTurn(mutants.map((mutant) => async () => {
    const dir = await built(mutant);
    say(`${mutant.name}: ${mutant.what}`);
    if (await judge(mutant, dir, used)) {
      await rm(dir, { recursive: true, force: true });
    } else {
      wrong.push(`${mutant.name} was not seen: ${dir}`);
    }
  }));
  const dir = await prepare(UNCHANGED, work);
  const green = await inTurn([...used].map((seed) => () => staysGreen(dir, seed)));
  if (green.every(Boolean)) {
    await rm(dir, { recursive: true, force: true });
  } else {
    wrong.push(`the soak is red although nothing was changed: ${dir}`);
  }
  await rmdir(work).catch(() => {});
  say(wrong.length === 0 ? `${mutants.length} of ${mutants.length} mutants were seen` : wrong.join('\n'));
  return wrong.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
