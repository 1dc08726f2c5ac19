// A floor: bench_worker in one of its modes behind an nginx of its own, rendered from the
// same templates as ours.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../harness/nginx.mjs';
import { BUILD_DIR, ROOT, eventually } from '../harness/stack.mjs';

const children = new Set();

/** Ends every floor that still runs. */
export function stopAll() {
  return Promise.all([...children].map((child) => new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGTERM');
  })));
}

function start(command, args, options) {
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** Starts mode with as many workers as ours has; answers {url, dir, pids}. */
export async function startBare(mode, { stack, workers }) {
  const dir = stack.path('bare', mode);
  for (const name of ['run', 'tmp', 'www/assets', 'accel', 'incoming']) {
    mkdirSync(join(dir, name), { recursive: true });
  }
  const port = await freePort();
  const settings = {
    SITE: 'local', USER_LINE: process.getuid() === 0 ? 'user root;' : '', NGINX_WORKERS: '2', RUN_DIR: join(dir, 'run'), TMP_DIR: join(dir, 'tmp'),
    WWW_DIR: join(dir, 'www'), ACCEL_DIR: join(dir, 'accel'), INCOMING_DIR: join(dir, 'incoming'), ACCESS_LOG: join(dir, 'access.log'),
    ERROR_LOG: join(dir, 'error.log'), SERVER_NAMES: 'localhost', DASHBOARD_LISTEN: `listen 127.0.0.1:${port};`,
    DASHBOARD_LISTEN_DEFAULT: `listen 127.0.0.1:${port} default_server;`,
    API_RATE: '100000r/s', API_BURST: '10000', CONN_PER_IP: '1000', UPLOADS_PER_IP: '100',
  };
  execFileSync(join(ROOT, 'tools/render-nginx'), [join(dir, 'nginx'), ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)]);
  start('nginx', ['-p', dir, '-c', join(dir, 'nginx/nginx.conf'), '-e', join(dir, 'error.log')]);
  const worker = start(join(BUILD_DIR, 'bench/bench_worker'), [join(dir, 'run/api.sock'), String(workers), mode], {
    env: { ...process.env, BENCH_DB: stack.path('run/mariadb.sock'), BENCH_FILE: join(dir, 'file') },
  });
  const url = `http://localhost:${port}`;
  await eventually(() => fetch(`${url}/api/v1/x`).then(({ status }) => status !== 503), { what: `the floor ${mode}` });
  const pids = execFileSync('cat', [`/proc/${worker.pid}/task/${worker.pid}/children`], { encoding: 'utf8' }).trim().split(' ').map(Number);
  return { url, dir, pids };
}
