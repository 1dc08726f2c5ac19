// An nginx of its own for tests of the templates: rendered as for a real site, on free
// ports, in a temporary directory.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ROOT, eventually } from './stack.mjs';
import { exchange } from '../../tools/lib/client.mjs';

/**
 * A port that is free now and stays so: below those that connections are given by chance,
 * and not one that tools/stack takes for another test.
 */
export async function freePort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 10_000);
    const free = await new Promise((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) {
      return port;
    }
  }
}

/** Renders the TLS site below dir and starts it; answers {http, https, ca, stop}. */
export async function startTlsSite(dir, values = {}) {
  for (const name of ['run', 'tmp', 'incoming', 'www/assets', 'accel']) {
    mkdirSync(join(dir, name), { recursive: true });
  }
  writeFileSync(join(dir, 'www/index.html'), '<!doctype html><title>x</title>');
  writeFileSync(join(dir, 'www/assets/app-abc123.js'), 'export {};');
  const [http, https] = [await freePort(), await freePort()];
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2'], { stdio: 'ignore' });
  const settings = {
    SITE: 'tls', USER_LINE: process.getuid() === 0 ? 'user root;' : '', NGINX_WORKERS: '1', RUN_DIR: join(dir, 'run'), TMP_DIR: join(dir, 'tmp'),
    WWW_DIR: join(dir, 'www'), ACCEL_DIR: join(dir, 'accel'), INCOMING_DIR: join(dir, 'incoming'), ACCESS_LOG: join(dir, 'access.log'),
    ERROR_LOG: join(dir, 'error.log'), SERVER_NAMES: 'localhost', HTTP_PORT: http, HTTPS_PORT: https, TLS_CERT: cert, TLS_KEY: key, ...values,
  };
  execFileSync(join(ROOT, 'tools/render-nginx'), [join(dir, 'nginx'), ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)]);
  const conf = ['-p', dir, '-c', join(dir, 'nginx/nginx.conf'), '-e', join(dir, 'error.log')];
  execFileSync('nginx', ['-t', '-q', ...conf]);
  const child = spawn('nginx', conf, { stdio: 'ignore' });
  await eventually(() => exchange(`http://127.0.0.1:${http}/`, { headers: { host: 'localhost' } }), { what: 'nginx' });
  return {
    http, https, cert,
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', resolve);
        child.kill('SIGTERM');
      }),
  };
}
