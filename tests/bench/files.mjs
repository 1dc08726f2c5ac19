// A file there and back: chunks by tus, bytes by X-Accel-Redirect.
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { BUILD_DIR } from '../harness/stack.mjs';
import { startBare } from './bare.mjs';
import { SLOW_ROUNDS, cpuSeconds, exec, interleaved, median, peakMiB } from './measure.mjs';

const GIB = 1 << 30;
const CHUNK = 16 << 20;
const [GROUPS, GROUP] = [3, 11]; // of short rounds: the groups are what is judged

/** Runs bench_transfer; answers {rate in MB/s, cpu seconds of these processes}. */
async function transfer(args, headers, pids) {
  const before = cpuSeconds(pids);
  const { stdout } = await exec(join(BUILD_DIR, 'bench/bench_transfer'), [...args, ...headers]);
  const [seconds, bytes] = stdout.trim().split(' ').map(Number);
  return { rate: bytes / 1e6 / seconds, cpu: cpuSeconds(pids) - before };
}

export async function files({ stack, table, rounds }) {
  const token = [`Authorization: Bearer ${stack.facts.api_token}`];
  const pids = stack.children('tts-api');
  const client = stack.bearer();
  client.onAnswer = undefined;
  await stack.hold('tts-media'); // it would look at a gigabyte meanwhile
  const take = await startBare('take', { stack, workers: pids.length });
  const hello = await startBare('hello', { stack, workers: 1 });
  let last;
  const put = (base, path, worker) => transfer(['put', base + path, String(GIB), String(CHUNK)], token, worker);
  // Both write a file of their own anew each time: pages that were freed are cheaper than
  // fresh ones, in a virtual machine many times so.
  const blob = () => {
    const key = last.split('/').at(-1);
    return stack.path('media', key.slice(0, 2), key);
  };
  const results = await interleaved(Math.min(rounds, SLOW_ROUNDS), {
    ours: async () => {
      if (last) {
        rmSync(blob());
      }
      last = await client.createUpload(GIB, { filename: 'bench.mp4', filetype: 'video/mp4' });
      return put(stack.url, last, pids);
    },
    floor: () => {
      rmSync(join(take.dir, 'file'), { force: true });
      return put(take.url, '/api/v1/uploads/x', take.pids);
    },
  });
  rmSync(join(take.dir, 'file'), { force: true });
  const pick = (name, key) => results[name].map((result) => result[key]);
  table.compare('upload of 1 GiB in 16 MiB chunks (floor: bare worker)', 'MB/s', pick('ours', 'rate'), pick('floor', 'rate'), { atLeast: 0.85 });
  table.compare('  CPU of the workers', 's/GiB', pick('ours', 'cpu'), pick('floor', 'cpu'));
  table.add('  most memory of a worker, ever', 'MiB', peakMiB(pids), { atMost: 16, of: 'value' });

  const id = stack.sql('SELECT MAX(media_id) FROM media').trim();
  symlinkSync(blob(), join(hello.dir, 'www/assets/film.mp4'));
  // Both are the same sendfile() in the end, half a second for each GiB, which is little
  // against what a shared machine does beside. So it is done often, each round the other
  // way round, and what is judged are medians of such rounds.
  const gets = {
    accel: () => transfer(['get', `${stack.url}/api/v1/media/${id}/content`, '1'], token, pids),
    plain: () => transfer(['get', `${hello.url}/assets/film.mp4`, '1'], [], []),
  };
  await interleaved(1, gets); // the file comes into memory
  const sent = { accel: [], plain: [] };
  for (let round = 0; round < GROUPS * GROUP; round++) {
    for (const name of round % 2 ? ['plain', 'accel'] : ['accel', 'plain']) {
      sent[name].push((await gets[name]()).rate);
    }
  }
  const grouped = (rates) => Array.from({ length: GROUPS }, (_, i) => median(rates.slice(i * GROUP, (i + 1) * GROUP)));
  table.compare('1 GiB of media by X-Accel (floor: nginx, same file)', 'MB/s', grouped(sent.accel), grouped(sent.plain), { atLeast: 0.95 });
}
