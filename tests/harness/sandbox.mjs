// The simulator of TikTok in tests: what it saw, what it shall do wrong, the page of
// consent, and a simulator without the rest of the stack.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buttonField, exchange } from '../../tools/lib/client.mjs';
import { freePort } from './nginx.mjs';
import { BUILD_DIR, ROOT, eventually } from './stack.mjs';

/** The words on the page of consent: names of its buttons and of one of its boxes. */
export const CONSENT = { allow: 'Continue', refuse: 'Cancel', publishScope: /video\.publish/ };

async function control(stack, wanted, method, path, json) {
  const body = json === undefined ? undefined : JSON.stringify(json);
  const answer = await exchange(`${stack.sandboxUrl}/sandbox${path}`, { method, body, headers: body ? { 'content-type': 'application/json' } : {} });
  assert.equal(answer.status, wanted, `${method} /sandbox${path}: ${answer.text}`);
  return answer.json;
}

/** What the simulator has seen; query narrows it: caption, publish_id, username, limit, calls. */
export const ledger = (stack, query = {}) => control(stack, 200, 'GET', `/ledger?${new URLSearchParams(query)}`);

/** How many sessions, publications and captions there are, and which captions are there more than once. */
export const counts = (stack) => control(stack, 200, 'GET', '/counts');

/** The publications with exactly this caption: all bytes taken, and not failed. */
export async function publicationsOf(stack, caption) {
  // The longest captions do not fit into an address.
  const { publications } = await ledger(stack, encodeURIComponent(caption).length < 4000 ? { caption } : {});
  return publications.filter((publication) => publication.caption === caption);
}

/** Sets a fault (docs/sandbox.md) and answers its number. */
export const setFault = async (stack, fault) => (await control(stack, 201, 'POST', '/faults', fault)).id;

export const clearFaults = (stack) => control(stack, 200, 'DELETE', '/faults');

/** Turns knobs; null puts one back. */
export const turn = (stack, knobs) => control(stack, 200, 'PATCH', '/knobs', knobs);

/** Moves the simulator's clock on by so many milliseconds. */
export const advance = (stack, ms) => control(stack, 200, 'POST', '/clock', { advance_ms: ms });

/** What the app of the local stack may let TikTok fetch: domains and beginnings of addresses; null: as the settings say. */
export const verify = (stack, properties) => control(stack, 200, 'PATCH', `/apps/${CLIENT_KEY}`, { properties });

/** Adds somebody. */
export const addPerson = (stack, username) => control(stack, 201, 'POST', '/users', { username });

/** Changes what a person has set. */
export const change = (stack, username, settings) => control(stack, 200, 'PATCH', `/users/${username}`, settings);

/** The webhooks that were made, newest first, and how many are in which state; query: event, username, publish_id, limit. */
export const webhooks = (stack, query = {}) => control(stack, 200, 'GET', `/webhooks?${new URLSearchParams(query)}`);

/** Sends one again. */
export const redeliver = (stack, id) => control(stack, 200, 'POST', `/webhooks/${id}/redeliver`, {});

/** Sends a sample of an event to the app's webhook address. */
export const tryWebhook = (stack, sample = {}) => control(stack, 201, 'POST', '/webhooks/test', sample);

/** Adds an app; answers it with its client_secret. */
export const addApp = (stack, app = {}) => control(stack, 201, 'POST', '/apps', app);

/** Changes an app: name, sandbox, audited, targets, client_secret, redirect_uris, webhook_url, properties. */
export const changeApp = (stack, key, settings) => control(stack, 200, 'PATCH', `/apps/${key}`, settings);

/** Takes the apps off a person's list for one of TikTok's reasons; 2 and 4 close the account as well. */
export const leave = (stack, username, reason) => control(stack, 200, 'POST', `/users/${username}/leave`, { reason });

/** What a person does to a publication in the app: post, discard (drafts), hide, show (posts). */
export const deed = (stack, publishId, name) => control(stack, 200, 'POST', `/publications/${publishId}/${name}`, {});

/**
 * How to fill in the page of consent, for consent() and Client.connect(): as the
 * creator-th person of the list or the one of that name, without some scopes, or refused.
 */
export function choosing({ creator = 0, without = [], refuse = false } = {}) {
  return (form) => {
    const people = form.inputs.filter(({ type, name }) => type === 'radio' && name === 'user');
    const person = people.find(({ value }) => value === creator) ?? people[creator];
    assert.ok(person, `there are ${people.length} people`);
    const fields = form.fields.filter(([name, value]) => name !== 'user' && !(name === 'grant' && without.includes(value)));
    const button = form.buttons[refuse ? 1 : 0];
    return [...fields, ['user', person.value], ...buttonField(button)];
  };
}

export const CLIENT_KEY = 'sbawlocalstackkey1';
export const CLIENT_SECRET = 'secret-of-the-simulated-app';
export const REDIRECT_URI = 'http://localhost:9/api/auth/tiktok/callback';
export const ALL_SCOPES = 'user.info.basic,user.info.profile,user.info.stats,video.list,video.upload,video.publish';

/** A simulator alone: tts-sandbox behind an nginx of its own, in a temporary directory. */
export class Simulator {
  /** env: more settings, or a function of the simulator's address that answers them. */
  static async start({ env } = {}) {
    const simulator = new Simulator();
    simulator.dir = await mkdtemp(join(tmpdir(), 'tts-sandbox-'));
    for (const name of ['run', 'tmp', 'sandbox', 'accel', 'www', 'incoming']) {
      mkdirSync(join(simulator.dir, name));
    }
    symlinkSync('../sandbox', join(simulator.dir, 'accel/_sandbox'));
    simulator.port = await freePort();
    simulator.sandboxUrl = `http://localhost:${simulator.port}`;
    try {
      simulator.startProgram(typeof env === 'function' ? env(simulator.sandboxUrl) : env);
      await simulator.startNginx();
      await eventually(() => exchange(`${simulator.sandboxUrl}/sandbox/clock`).then(({ status }) => status === 200), { what: 'the simulator' });
    } catch (error) {
      await simulator.stop();
      throw error;
    }
    return simulator;
  }

  startProgram(env = {}) {
    this.errors ??= '';
    this.program = spawn(join(BUILD_DIR, 'bin/tts-sandbox'), [], {
      cwd: this.dir,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env.PATH,
        TTS_ENV_FILE: '',
        SANDBOX_LISTEN: `unix:${join(this.dir, 'run/sandbox.sock')}`,
        SANDBOX_DIR: join(this.dir, 'sandbox'),
        SANDBOX_URL: this.sandboxUrl,
        SANDBOX_CLIENT_SECRET: CLIENT_SECRET,
        SANDBOX_REDIRECT_URIS: REDIRECT_URI,
        SANDBOX_PROCESSING_MS: '0',
        ...env,
      },
    });
    this.program.stderr.on('data', (data) => {
      this.errors += data;
    });
  }

  async startNginx() {
    const other = await freePort();
    const settings = {
      SITE: 'local', USER_LINE: process.getuid() === 0 ? 'user root;' : '', NGINX_WORKERS: '1', RUN_DIR: join(this.dir, 'run'), TMP_DIR: join(this.dir, 'tmp'),
      WWW_DIR: join(this.dir, 'www'), ACCEL_DIR: join(this.dir, 'accel'), INCOMING_DIR: join(this.dir, 'incoming'), ACCESS_LOG: join(this.dir, 'access.log'),
      ERROR_LOG: join(this.dir, 'error.log'), SERVER_NAMES: 'localhost', SANDBOX_INCLUDE: 'include sandbox.conf;',
      DASHBOARD_LISTEN: `listen 127.0.0.1:${other};`, DASHBOARD_LISTEN_DEFAULT: `listen 127.0.0.1:${other} default_server;`,
      SANDBOX_LISTEN: `listen 127.0.0.1:${this.port};`, SANDBOX_LISTEN_DEFAULT: `listen 127.0.0.1:${this.port} default_server;`,
    };
    execFileSync(join(ROOT, 'tools/render-nginx'), [join(this.dir, 'nginx'), ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)]);
    this.nginx = spawn('nginx', ['-p', this.dir, '-c', join(this.dir, 'nginx/nginx.conf'), '-e', join(this.dir, 'error.log')], { stdio: 'ignore' });
  }

  /** Ends the program, hard if asked, and starts it again with the same state. */
  async restart({ signal = 'SIGTERM', env } = {}) {
    await end(this.program, signal);
    this.startProgram(env);
    await eventually(() => exchange(`${this.sandboxUrl}/sandbox/clock`).then(({ status }) => status === 200), { what: 'the simulator' });
  }

  async stop() {
    await end(this.program);
    await end(this.nginx);
    await rm(this.dir, { recursive: true, force: true });
    assert.doesNotMatch(this.errors, /Sanitizer|runtime error:|level=error/, 'the simulator had a problem of its own');
  }

  request(method, path, { json, form, headers = {}, ...options } = {}) {
    const all = { ...headers };
    let { body } = options;
    if (json !== undefined) {
      body = JSON.stringify(json);
      all['content-type'] ??= 'application/json; charset=UTF-8';
    }
    if (form !== undefined) {
      body = new URLSearchParams(form).toString();
      all['content-type'] ??= 'application/x-www-form-urlencoded';
    }
    return exchange(new URL(path, this.sandboxUrl), { ...options, method, headers: all, body });
  }

  /** One call of TikTok's JSON API. */
  api(path, token, json = {}, options = {}) {
    return this.request('POST', path, { json, ...options, headers: { authorization: `Bearer ${token}`, ...options.headers } });
  }

  get(path, token) {
    return this.request('GET', path, { headers: { authorization: `Bearer ${token}` } });
  }

  /** The address of the page of consent with a fresh state and PKCE; change overrides parameters. */
  authorize(change = {}) {
    const verifier = randomBytes(32).toString('hex');
    const parameters = {
      client_key: CLIENT_KEY, response_type: 'code', scope: ALL_SCOPES, redirect_uri: REDIRECT_URI, state: randomBytes(16).toString('hex'),
      code_challenge: createHash('sha256').update(verifier).digest('hex'), code_challenge_method: 'S256', ...change,
    };
    const kept = Object.entries(parameters).filter(([, value]) => value !== undefined);
    return { url: `${this.sandboxUrl}/v2/auth/authorize/?${new URLSearchParams(kept)}`, verifier, ...parameters };
  }

  token(form) {
    return this.request('POST', '/v2/oauth/token/', { form: { client_key: CLIENT_KEY, client_secret: CLIENT_SECRET, ...form } });
  }

  /** Tokens of a person without the page of consent. */
  async permit(username, scopes = ALL_SCOPES) {
    return control(this, 200, 'POST', '/permits', { username, scopes });
  }

  /** Sends bytes first to last of a video to an upload address. */
  put(url, bytes, first, total, headers = {}) {
    const last = first + bytes.length - 1;
    return exchange(url, { method: 'PUT', body: bytes, headers: { 'content-type': 'video/mp4', 'content-range': `bytes ${first}-${last}/${total}`, ...headers } });
  }
}

function end(child, signal = 'SIGTERM') {
  if (!child || child.exitCode !== null || child.signalCode !== null) {
    return undefined;
  }
  return new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill(signal);
  });
}

/**
 * The courier of a simulator: the one of its children that makes requests, which has a
 * bell (eventfd) of its own for that. 0: it is being replaced.
 */
export function courierOf({ pid }) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  const link = (path) => {
    try {
      return readlinkSync(path);
    } catch {
      return ''; // closed meanwhile
    }
  };
  const bells = (child) => readdirSync(`/proc/${child}/fd`).filter((fd) => link(`/proc/${child}/fd/${fd}`) === 'anon_inode:[eventfd]').length;
  return children.find((child) => bells(child) === 2) ?? 0;
}
