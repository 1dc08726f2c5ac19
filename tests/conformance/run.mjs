// Runs the conformance program against a simulator of its own:
//   O=build/debug node tests/conformance/run.mjs [NAME...]
// With names only the cases whose name begins with one of them.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { CLIENT_KEY, CLIENT_SECRET, REDIRECT_URI, Simulator } from '../harness/sandbox.mjs';
import { BUILD_DIR } from '../harness/stack.mjs';

const simulator = await Simulator.start();
try {
  const { status, error } = spawnSync(join(BUILD_DIR, 'tests/run_conformance'), [simulator.sandboxUrl, ...process.argv.slice(2)], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { PATH: process.env.PATH, TIKTOK_CLIENT_KEY: CLIENT_KEY, TIKTOK_CLIENT_SECRET: CLIENT_SECRET, TIKTOK_REDIRECT_URI: REDIRECT_URI },
  });
  if (error) {
    throw error;
  }
  process.exitCode = status ?? 1;
} finally {
  await simulator.stop();
}
