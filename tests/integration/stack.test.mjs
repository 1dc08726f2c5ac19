// The two commands of the README as a person uses them: `make run` to the published demo
// video, a second start that finds its data, and an end that leaves no process.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { exchange } from '../../tools/lib/client.mjs';
import { BUILD_DIR, ROOT, Stack, eventually } from '../harness/stack.mjs';

let varDir;
before(() => {
  varDir = mkdtempSync(join(tmpdir(), 'tts-run-'));
  rmSync(varDir, { recursive: true });
});
after(() => {
  tool('reset');
  rmSync(varDir, { recursive: true, force: true });
});

const env = (more = {}) => ({ PATH: process.env.PATH, HOME: process.env.HOME, VAR_DIR: varDir, PORT: '0', O: BUILD_DIR, TTS_ENV_FILE: '', STACK_DEPS: 'no', STACK_BUILD: 'no', ...more });
const tool = (command, more) => spawnSync(join(ROOT, 'tools/stack'), [command], { env: env(more), encoding: 'utf8', timeout: 120_000 });

/** All processes of this machine whose working directory is below the stack's. */
function processesOfStack() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return execFileSync('readlink', [`/proc/${pid}/cwd`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).startsWith(varDir);
      } catch {
        return false;
      }
    });
}

describe('the first start', () => {
  let stack;
  test('ends with the address, the sign-in and a video on the simulator\'s profile page', async () => {
    // As an ordinary user of Debian, who has no sbin in the PATH.
    const PATH = process.env.PATH.split(':').filter((dir) => !/\/sbin\/?$/.test(dir)).join(':');
    stack = await Stack.start({ varDir, env: { STACK_DEMO: 'yes', PATH } });
    const { url, sandbox_url, email, password, api_token } = stack.facts;
    for (const fact of [url, sandbox_url, email, password]) {
      assert.ok(stack.output.includes(fact), `${fact} in\n${stack.output}`);
    }
    assert.ok(!stack.output.includes(api_token));
    assert.equal(statSync(join(varDir, 'stack.json')).mode & 0o777, 0o600);
    const { items } = await stack.bearer().get('/api/v1/posts');
    assert.deepEqual(items.map(({ status }) => status), ['published'], JSON.stringify(items));
    const page = await exchange(`${sandbox_url}/`);
    assert.equal(page.status, 200);
    assert.match(page.text, /The first post of this stack/);
    const video = /(?:src|href)="(\/[^"]*(?:video|media)[^"]*)"/.exec(page.text)?.[1];
    const bytes = await exchange(new URL(video, sandbox_url));
    assert.deepEqual([bytes.status, bytes.headers['content-type']], [200, 'video/mp4']);
  });

  test('gives each program its own keys only', () => {
    const names = (program) => readFileSync(`/proc/${stack.pid(program)}/environ`, 'utf8').split('\0').map((line) => line.split('=')[0]);
    for (const program of ['tts-api', 'tts-media', 'tts-sandbox']) {
      for (const key of ['TIKTOK_CLIENT_SECRET', 'TOKEN_KEY_FILE']) {
        assert.ok(!names(program).includes(key), `${program} has ${key}`);
      }
    }
    assert.ok(!names('tts-media').includes('APP_KEY_FILE'));
    assert.ok(!names('tts-publisher').includes('APP_KEY_FILE'));
  });

  test('a second `make run` meanwhile says that it runs already', () => {
    const { status, stdout } = tool('up');
    assert.equal(status, 0);
    assert.match(stdout, /running already/);
  });

  test('a program that dies is started again', async () => {
    for (const name of ['tts-media', 'tts-publisher', 'tts-sandbox', 'tts-api', 'nginx', 'redis']) {
      const before = stack.pid(name);
      stack.signal(name, 'SIGKILL');
      await eventually(() => stack.runs(name) && stack.pid(name) !== before, { what: `${name} to run again` });
    }
    await eventually(async () => (await exchange(`${stack.url}/api/ready`)).status === 200, { ms: 30_000, what: 'ready' });
    assert.match(stack.output, /Starting tts-publisher again/);
  });

  test('programs that die at the same moment are all started again', async () => {
    const names = ['mariadb', 'redis', 'tts-media', 'tts-sandbox', 'tts-publisher'];
    for (let round = 0; round < 3; round++) {
      const before = names.map((name) => stack.pid(name));
      before.forEach((pid) => process.kill(pid, 'SIGKILL'));
      await eventually(() => names.every((name, i) => stack.pid(name) !== before[i] && stack.runs(name)), { ms: 30_000, what: `all of ${names}` });
    }
  });

  test('Ctrl-C ends everything and keeps the data', async () => {
    await stack.stop({ keep: true });
    assert.deepEqual(await stack.ended, { code: 0, signal: null });
    assert.deepEqual(processesOfStack(), []);
    assert.ok(existsSync(join(varDir, 'mariadb')));
  });
});

describe('the second start', () => {
  test('finds its data and publishes no second demo', async () => {
    const before = JSON.parse(readFileSync(join(varDir, 'stack.json'), 'utf8'));
    const stack = await Stack.start({ varDir, env: { STACK_DEMO: 'yes' } });
    assert.deepEqual([stack.facts.email, stack.facts.password, stack.facts.api_token], [before.email, before.password, before.api_token]);
    const { items } = await stack.bearer().get('/api/v1/posts');
    assert.equal(items.length, 1);
    assert.match((await exchange(`${stack.sandboxUrl}/`)).text, /The first post of this stack/);
    // A supervisor killed the hard way leaves its programs behind; `make stop` ends them.
    stack.process.kill('SIGKILL');
    await stack.ended;
    assert.ok(processesOfStack().length > 4);
    assert.equal(tool('down').status, 0);
    assert.deepEqual(processesOfStack(), []);
  });

  test('`make reset` deletes what the stack made, and nothing that is not its own', () => {
    assert.equal(tool('reset').status, 0);
    assert.ok(!existsSync(varDir));
    const foreign = mkdtempSync(join(tmpdir(), 'tts-foreign-'));
    execFileSync('touch', [join(foreign, 'precious')]);
    assert.notEqual(tool('up', { VAR_DIR: foreign }).status, 0);
    tool('reset', { VAR_DIR: foreign });
    assert.ok(existsSync(join(foreign, 'precious')));
    rmSync(foreign, { recursive: true });
  });
});

describe('with another TikTok', () => {
  test('there is no simulator, and only the sign-in and the token', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tts-real-'));
    const stack = await Stack.start({ varDir: dir, env: { STACK_DEMO: 'yes', TIKTOK_API_URL: 'http://127.0.0.1:9', TIKTOK_AUTH_URL: 'http://127.0.0.1:9', TIKTOK_CLIENT_KEY: 'key1', TIKTOK_CLIENT_SECRET: 'canary-secret' } });
    try {
      assert.equal(stack.facts.sandbox_url, null);
      assert.ok(!existsSync(join(dir, 'run/tts-sandbox.pid')));
      const client = await stack.signedIn();
      assert.equal((await client.get('/api/v1/accounts')).items.length, 0);
      assert.equal((await stack.bearer().get('/api/v1/posts')).items.length, 0);
      const start = await client.expect(200, 'POST', '/api/auth/tiktok/start', { json: {} });
      assert.match(start.json.authorize_url, /^http:\/\/127\.0\.0\.1:9\/v2\/auth\/authorize\/\?/);
    } finally {
      await stack.stop();
    }
  });
});

describe('trouble at the start', () => {
  test('a port in use is named with what to do', async () => {
    const { createServer } = await import('node:net');
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address();
    const dir = mkdtempSync(join(tmpdir(), 'tts-port-'));
    const child = spawn(join(ROOT, 'tools/stack'), ['up'], { env: env({ VAR_DIR: dir, PORT: String(port) }), stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (data) => {
      said += data;
    });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    server.close();
    assert.equal(code, 1);
    assert.match(said, new RegExp(`Port ${port} is in use`));
    rmSync(dir, { recursive: true });
  });
});
