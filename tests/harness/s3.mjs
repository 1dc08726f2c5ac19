// A real S3-compatible server for one test file: s3server.py, which says what it is.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('s3server.py', import.meta.url));
export const ACCESS_KEY = 'test:tester';
export const SECRET_KEY = 'testing';

export class S3Server {
  static async start() {
    const server = new S3Server();
    server.dir = await mkdtemp(join(tmpdir(), 'tts-s3-'));
    server.port = 0;
    await server.up();
    return server;
  }

  /** Listens where it did before, with what was stored before. */
  async up() {
    this.process = spawn(PROGRAM, [this.dir, String(this.port)], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.ended = new Promise((resolve) => this.process.once('exit', resolve));
    let said = '';
    this.process.stderr.on('data', (data) => {
      said += data;
    });
    this.port = await new Promise((resolve, reject) => {
      this.process.stdout.once('data', (data) => resolve(Number(/^READY (\d+)/.exec(data)?.[1])));
      this.ended.then(() => reject(new Error(`s3server.py (Debian's python3-swift; make deps) did not start: ${said}`)));
    });
  }

  async down() {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  async stop() {
    await this.down();
    await rm(this.dir, { recursive: true, force: true });
  }

  get endpoint() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The settings of programs that keep their media here. */
  env(prefix = 'tests') {
    return { MEDIA_URL: `s3://media/${prefix}?endpoint=${this.endpoint}`, MEDIA_S3_ACCESS_KEY: ACCESS_KEY, MEDIA_S3_SECRET_KEY: SECRET_KEY };
  }

  /** Signed the old way: nothing of this must agree with our programs. */
  async #ask(method, path, resource) {
    const date = new Date().toUTCString();
    const signed = createHmac('sha1', SECRET_KEY).update(`${method}\n\n\n${date}\n${resource}`).digest('base64');
    const answer = await fetch(`${this.endpoint}${path}`, { method, headers: { date, authorization: `AWS ${ACCESS_KEY}:${signed}` } });
    const text = await answer.text();
    if (!answer.ok) {
      throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    }
    return text;
  }

  /** The names of all objects, sorted. */
  async objects() {
    return [...(await this.#ask('GET', '/media?max-keys=1000', '/media')).matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, name]) => name).sort();
  }

  /** The names that multipart uploads grow under. */
  async growing() {
    return [...(await this.#ask('GET', '/media?uploads', '/media?uploads')).matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, name]) => name).sort();
  }
}
