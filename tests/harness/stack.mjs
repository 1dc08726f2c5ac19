// A private copy of the whole system for one test file: started by tools/stack in a
// directory of its own on free ports, ended by the process ids that it wrote.
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, openSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, exchange } from '../../tools/lib/client.mjs';
import { checkAnswer } from './contract.mjs';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const BUILD_DIR = process.env.O ?? join(ROOT, 'build/debug');

/** Why figures of memory mean nothing here, or false. */
export const SANITIZED = existsSync(join(BUILD_DIR, 'flags')) && readFileSync(join(BUILD_DIR, 'flags'), 'utf8').includes('-fsanitize=address') && 'ASan takes memory of its own';
const STARTED = /^Ready\./m;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const PATIENCE_MS = 60_000; // nothing is shown by giving up sooner; see pulse.mjs for promises

/** Calls probe() until it answers something true, and answers that; for PATIENCE_MS at least, or ms. */
export async function eventually(probe, { ms: wish = 0, every = 20, what = 'the expected state' } = {}) {
  const ms = Math.max(wish, PATIENCE_MS);
  const end = Date.now() + ms;
  let last;
  for (;;) {
    try {
      const value = await probe();
      if (value) {
        return value;
      }
      last = value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) {
      throw new Error(`waited ${ms} ms in vain for ${what}; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`);
    }
    await sleep(every);
  }
}

/** The names of all fault points of the publisher, in the order of its sources. */
export function faultPoints() {
  const dir = join(ROOT, 'src/publisher');
  const sources = readdirSync(dir, { recursive: true }).filter((name) => name.endsWith('.c')).sort().map((name) => join(dir, name));
  const names = sources.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/FAULT_(?:POINT|ERROR|NAME)\("([a-z0-9_.]+)"\)/g)].map(([, point]) => point));
  return [...new Set(names)];
}

export class Stack {
  /** env: settings beside the stack's own. keep: a directory of an earlier stack to use again. */
  static async start({ env = {}, varDir } = {}) {
    if (process.env.TTS_STACK_FACTS) {
      return ForeignStack.open(process.env.TTS_STACK_FACTS);
    }
    const stack = new Stack();
    stack.varDir = varDir ?? (await mkdtemp(join(tmpdir(), 'tts-test-')));
    stack.env = env;
    await stack.up();
    return stack;
  }

  async up() {
    this.output = '';
    this.copies = [];
    this.process = spawn(join(ROOT, 'tools/stack'), ['up'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        LANG: 'C.UTF-8',
        PORT: '0',
        VAR_DIR: this.varDir,
        O: BUILD_DIR,
        TTS_ENV_FILE: '',
        STACK_DEPS: 'no',
        STACK_BUILD: 'no',
        STACK_DEMO: 'no',
        ...this.env,
      },
    });
    this.ended = new Promise((resolve) => this.process.once('exit', (code, signal) => resolve({ code, signal })));
    const collect = (data) => {
      this.output += data;
    };
    this.process.stdout.on('data', collect);
    this.process.stderr.on('data', collect);
    let gone;
    this.ended.then((how) => {
      gone = how;
    });
    try {
      await eventually(() => STARTED.test(this.output) || gone, { ms: 120_000, what: 'the stack to be ready' });
    } catch (error) {
      await this.stop();
      throw new Error(`${error.message}\n${this.output}`);
    }
    if (gone) {
      throw new Error(`tools/stack up ended with ${JSON.stringify(gone)}:\n${this.output}\n${await this.lastWords()}`);
    }
    this.facts = JSON.parse(await readFile(join(this.varDir, 'stack.json'), 'utf8'));
    this.url = this.facts.url;
    this.sandboxUrl = this.facts.sandbox_url;
  }

  /** The ends of all logs, for the message of a failed start. */
  async lastWords() {
    const names = await readdir(join(this.varDir, 'log')).catch(() => []);
    const parts = await Promise.all(names.map(async (name) => `--- ${name}\n${(await readFile(join(this.varDir, 'log', name), 'utf8')).slice(-1500)}`));
    return parts.join('\n');
  }

  /** Ends the stack and deletes its directory unless keep. */
  async stop({ keep = false } = {}) {
    for (const copy of this.copies) {
      copy.kill('SIGKILL');
    }
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill('SIGTERM');
      await this.ended;
    }
    const reports = await this.sanitizerReports();
    if (!keep) {
      await rm(this.varDir, { recursive: true, force: true });
    }
    if (reports) {
      throw new Error(`a program of BUILD=asan broke a rule of C:\n${reports}`);
    }
  }

  /** What ASan, LSan or UBSan have said of the programs, which say it where they started. */
  async sanitizerReports() {
    const names = await readdir(join(this.varDir, 'log')).catch(() => []);
    const texts = await Promise.all(names.filter((name) => /\.out$|^ttsctl\.log$/.test(name)).map((name) => readFile(join(this.varDir, 'log', name), 'utf8')));
    return texts
      .map((text) => text.slice(text.search(/ERROR: (Address|Leak)Sanitizer|runtime error:|$/)))
      .filter(Boolean)
      .map((text) => text.slice(0, 4000))
      .join('\n');
  }

  path(...parts) {
    return join(this.varDir, ...parts);
  }

  /** The process id of a part: mariadb, redis, nginx, tts-api … */
  pid(name) {
    const pid = Number(readFileSync(this.path('run', `${name}.pid`), 'utf8').split(' ')[0]);
    if (!(pid > 0)) {
      throw new Error(`${name}.pid is being written`); // and 0 would be our own group
    }
    return pid;
  }

  runs(name) {
    try {
      process.kill(this.pid(name), 0);
      return readFileSync(`/proc/${this.pid(name)}/stat`, 'utf8').replace(/.*\) /, '')[0] !== 'Z';
    } catch {
      return false;
    }
  }

  signal(name, signal) {
    process.kill(this.pid(name), signal);
  }

  /** The processes whose parent is this part, say the API's workers. */
  children(name) {
    const parent = this.pid(name);
    return readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  }

  /** Ends a part and keeps it from being started again until start(). */
  async hold(name, signal = 'SIGTERM') {
    await writeFile(this.path('run', `${name}.hold`), '');
    let told = 0;
    await eventually(() => {
      if (!this.runs(name)) {
        return true;
      }
      const pid = this.pid(name);
      if (pid !== told) { // or its successor, whose start had begun before the wish
        process.kill(pid, signal);
        told = pid;
      }
      return false;
    }, { ms: 60_000, what: `${name} to end` }); // a publisher may take 27 s
  }

  /** Starts a part again, with more settings if any; once: held again, so that it is not restarted. */
  async start(name, { env = {}, once = false } = {}) {
    const hold = this.path('run', `${name}.hold`);
    const before = existsSync(this.path('run', `${name}.pid`)) ? this.pid(name) : 0;
    await writeFile(this.path('run', `${name}.env`), Object.entries(env).map(([key, value]) => `${key}=${value}\n`).join(''));
    await unlink(hold).catch(() => {});
    // Said again: bash may be told of the old one's end only after it has heard the wish.
    let again = 0;
    await eventually(() => {
      if (Date.now() >= again) {
        this.process.kill('SIGUSR1');
        again = Date.now() + 1000;
      }
      return this.pid(name) !== before;
    }, { ms: 60_000, what: `${name} to start` });
    if (once) {
      await writeFile(hold, '');
    }
    if (name === 'tts-sandbox') {
      // nginx breaks connections off while it does not listen: that is how it plays lost answers.
      await eventually(() => exchange(`${this.sandboxUrl}/sandbox/clock`).then(({ status }) => status === 200), { what: 'the simulator to listen' });
    }
  }

  /** Starts another copy of a running part with the same settings; stop() ends it. */
  second(name) {
    const proc = `/proc/${this.pid(name)}`;
    const env = Object.fromEntries(readFileSync(`${proc}/environ`, 'utf8').split('\0').filter(Boolean).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
    const copy = spawn(readlinkSync(`${proc}/exe`), [], { cwd: readlinkSync(`${proc}/cwd`), env: { ...env, LOG_FILE: this.path('log', `${name}-2.log`) }, stdio: ['ignore', 'ignore', openSync(this.path('log', `${name}-2.out`), 'a')] });
    this.copies.push(copy);
    return copy;
  }

  async restart(name, options) {
    await this.hold(name);
    await this.start(name, options);
  }

  /** Runs statements as the database's administrator; answers lines of tab-separated values. */
  sql(statement) {
    return execFileSync('mariadb', [...this.databaseArguments(), '-N', '-B', 'tts', '-e', statement], { encoding: 'utf8' });
  }

  /** The whole database as text. */
  dump() {
    return execFileSync('mariadb-dump', [...this.databaseArguments(), 'tts'], { encoding: 'utf8', maxBuffer: 256 << 20 });
  }

  databaseArguments() {
    return ['--no-defaults', `--socket=${this.path('run/mariadb.sock')}`, '-u', 'root'];
  }

  log(name) {
    const file = this.path('log', name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** A client without credentials whose answers are checked against the contract. */
  client(options) {
    const client = new Client(this.url, options);
    client.onAnswer = checkAnswer;
    return client;
  }

  /** A client with the demo person's session. */
  async signedIn() {
    const client = this.client();
    await client.signIn(this.facts.email, this.facts.password);
    return client;
  }

  /** A signed-in client of somebody else, in a workspace of their own. */
  async stranger() {
    const email = `stranger-${randomUUID()}@example.com`;
    const password = randomUUID();
    execFileSync(join(BUILD_DIR, 'bin/ttsctl'), ['user', 'add', email, '--workspace', email], {
      input: `${password}\n`,
      env: { TTS_ENV_FILE: '', DATABASE_URL: `mysql://root@localhost/tts?socket=${this.path('run/mariadb.sock')}` },
    });
    const client = this.client();
    await client.signIn(email, password);
    return client;
  }

  /** A client with the API token. */
  bearer() {
    return this.client({ token: this.facts.api_token });
  }
}

/** A stack that somebody else runs (tests/compose/run): known by its facts, never ended. */
class ForeignStack extends Stack {
  static async open(file) {
    const stack = new ForeignStack();
    stack.facts = JSON.parse(await readFile(file, 'utf8'));
    stack.url = stack.facts.url;
    stack.sandboxUrl = stack.facts.sandbox_url;
    stack.varDir = await mkdtemp(join(tmpdir(), 'tts-test-'));
    await mkdir(join(stack.varDir, 'tmp'));
    return stack;
  }

  async stop() {
    await rm(this.varDir, { recursive: true, force: true });
  }
}
