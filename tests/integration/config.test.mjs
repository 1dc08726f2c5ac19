// Wrong or missing settings: one line for each bad key on standard error, naming it and
// never its value, and exit 78.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BUILD_DIR } from '../harness/stack.mjs';

let dir;
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'tts-config-'));
  writeFileSync(join(dir, 'short.key'), 'too short\n');
});
after(() => rmSync(dir, { recursive: true, force: true }));

const run = (program, env) =>
  spawnSync(join(BUILD_DIR, 'bin', program), [], { cwd: dir, env: { PATH: process.env.PATH, TTS_ENV_FILE: '', ...env }, encoding: 'utf8', timeout: 10_000 });

function refuses(program, env, key, secret) {
  const { status, stderr } = run(program, env);
  assert.equal(status, 78, `${program} exited with ${status}: ${stderr}`);
  const lines = stderr.trim().split('\n').filter((line) => line.includes(key));
  assert.equal(lines.length, 1, `one line naming ${key}: ${stderr}`);
  if (secret) {
    assert.ok(!stderr.includes(secret), `the value of ${key} is shown`);
  }
}

const DATABASE = 'mysql://tts:canary-password@localhost/tts?socket=/nowhere';

describe('a program without settings', () => {
  const needed = {
    'tts-api': ['DATABASE_URL', 'REDIS_URL', 'APP_URL', 'APP_KEY_FILE'],
    'tts-publisher': ['DATABASE_URL', 'REDIS_URL', 'TOKEN_KEY_FILE'],
    'tts-media': ['DATABASE_URL', 'REDIS_URL'],
    'tts-sandbox': ['SANDBOX_CLIENT_SECRET'],
  };
  for (const [program, keys] of Object.entries(needed)) {
    test(`${program} names each one it needs`, () => {
      for (const key of keys) {
        refuses(program, {}, key);
      }
    });
  }
});

describe('a wrong setting', () => {
  const wrong = [
    ['tts-api', 'API_WORKERS', 'many'],
    ['tts-api', 'API_WORKERS', '100000'],
    ['tts-api', 'API_LISTEN', 'tcp:0.0.0.0:9000'],
    ['tts-api', 'API_LISTEN', 'tcp:8.8.8.8:9000'],
    ['tts-api', 'API_LISTEN', '/run/api.sock'],
    ['tts-api', 'DATABASE_URL', 'postgres://canary-password@localhost/tts'],
    ['tts-api', 'REDIS_URL', 'http://localhost'],
    ['tts-api', 'APP_URL', 'localhost:8080'],
    ['tts-api', 'MEDIA_URL', 'ftp://host/media'],
    ['tts-publisher', 'PUBLISH_INFLIGHT', '-1'],
    ['tts-publisher', 'TIKTOK_VIDEO_TRANSFER', 'carrier pigeon'],
    ['tts-publisher', 'TOKEN_KEY_FILE', '/nowhere/token.key'],
    ['tts-media', 'MEDIA_URL', 'relative/path'],
    ['tts-sandbox', 'SANDBOX_LISTEN', 'tcp:0.0.0.0:9000'],
  ];
  for (const [program, key, value] of wrong) {
    test(`${program} refuses ${key}=${value}`, () => {
      refuses(program, { DATABASE_URL: DATABASE, REDIS_URL: 'unix:///nowhere', APP_URL: 'http://localhost:1', MEDIA_URL: `file://${dir}`, SANDBOX_CLIENT_SECRET: 's'.repeat(20), [key]: value }, key, 'canary-password');
    });
  }

  test('in a .env file counts like one in the environment', () => {
    writeFileSync(join(dir, 'bad.env'), '# comment\nAPI_WORKERS="many"\n');
    refuses('tts-api', { TTS_ENV_FILE: join(dir, 'bad.env') }, 'API_WORKERS');
  });

  test('of a secret file that is not there names its key', () => {
    refuses('tts-api', { DATABASE_URL_FILE: join(dir, 'nothing') }, 'DATABASE_URL');
  });
});
