// What is promised of time is promised on a machine that runs. A thread of this process
// looks how long it is held up itself, by other programs and by the disk: so much later
// may what is under test be, and then some, since it is many programs.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { Worker, isMainThread, workerData } from 'node:worker_threads';

const EVERY_MS = 50;
const STEPS = 4; // of a post's way that may each meet the worst

const [WORST, NEVER] = [0, 1];

let cells; // WORST: ms; NEVER is 0 for ever: what is slept at

if (isMainThread) {
  cells = new Int32Array(new SharedArrayBuffer(8));
  new Worker(new URL(import.meta.url), { workerData: cells }).unref();
} else {
  const dir = mkdtempSync(join(tmpdir(), 'tts-pulse-'));
  const file = openSync(join(dir, 'x'), 'w');
  rmSync(dir, { recursive: true });
  process.on('exit', () => closeSync(file));
  for (;;) {
    const begin = performance.now();
    Atomics.wait(workerData, NEVER, 0, EVERY_MS);
    const woken = performance.now();
    writeSync(file, 'x', 0);
    fdatasyncSync(file);
    const held = Math.round(Math.max(woken - begin - EVERY_MS, performance.now() - woken));
    if (held > Atomics.load(workerData, WORST)) {
      Atomics.store(workerData, WORST, held);
    }
  }
}

/** So many ms may be added to a promise. */
export const heldUp = () => STEPS * Atomics.load(cells, WORST);

/** Asserts that what took so many ms kept its promise of less than most. */
export function kept(took, most, what) {
  assert.ok(took < most + heldUp(), `${what}: ${took} ms, and not ${most}; the machine may have cost ${heldUp()} of them`);
}

/** Asserts that something came at its second: late is after how many ms. */
export function onTime(late, what, most = 1000) {
  assert.ok(late >= -50, `${what}: ${late} ms, too early`);
  kept(late, most, what);
}
