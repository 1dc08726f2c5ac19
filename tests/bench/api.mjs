// The API under 64 connections, against a bare worker and against the least that the same
// answer can cost.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { startBare } from './bare.mjs';
import { interleaved, load, median } from './measure.mjs';

const SCRIPT = fileURLToPath(new URL('post.lua', import.meta.url));
const LIST = '/api/v1/posts?limit=20';

async function sameBody(ours, floor, headers) {
  const [a, b] = await Promise.all([ours, floor].map((url) => fetch(url + LIST, { headers }).then((answer) => answer.json())));
  assert.equal(a.items.length, 20);
  assert.deepEqual(b.items, a.items, 'the floor of the list answers something else');
}

/** Where the workspace's changes stand, and how many ms it takes to say so in full. */
async function changes(stack, headers) {
  const begin = performance.now();
  const answer = await fetch(`${stack.url}/api/v1/changes?since=0`, { headers });
  const { seq } = await answer.json();
  return { seq, etag: answer.headers.get('etag'), took: performance.now() - begin };
}

export async function api({ stack, table, rounds }) {
  const headers = { Authorization: `Bearer ${stack.facts.api_token}` };
  const pids = stack.children('tts-api');
  const bare = {};
  for (const mode of ['hello', 'list', 'create']) {
    bare[mode] = await startBare(mode, { stack, workers: pids.length });
  }
  await sameBody(stack.url, bare.list.url, headers);
  const recount = [];
  process.env.BENCH_BODY = JSON.stringify({ account_id: '1', kind: 'video', mode: 'direct', media_ids: [], caption: 'A draft of a measurement', timezone: 'UTC' });
  const create = { headers, script: SCRIPT };
  const results = await interleaved(rounds, {
    hello: () => load(`${bare.hello.url}/api/live`, { pids: bare.hello.pids }),
    live: () => load(`${stack.url}/api/live`, { pids }),
    list: () => load(stack.url + LIST, { headers, pids }),
    listFloor: () => load(bare.list.url + LIST, { headers, pids: bare.list.pids }),
    unchanged: async () => {
      const { seq, etag, took } = await changes(stack, headers);
      recount.push(took);
      return load(`${stack.url}/api/v1/changes?since=${seq}`, { headers: { ...headers, 'If-None-Match': etag }, pids });
    },
    helloPost: () => load(`${bare.hello.url}/api/v1/posts`, { script: SCRIPT, pids: bare.hello.pids }),
    create: () => load(`${stack.url}/api/v1/posts`, { ...create, pids }),
    createFloor: () => load(`${bare.create.url}/api/v1/posts`, { ...create, pids: bare.create.pids }),
  });
  const posts = Number(stack.sql('SELECT COUNT(*) FROM post'));
  const rates = (name) => results[name].map(({ rate }) => rate);
  const cpu = (name) => results[name].map(({ cpuUs }) => cpuUs);
  table.compare('GET /api/live (floor: bare libfcgi worker)', 'req/s', rates('live'), rates('hello'));
  table.compare('  CPU of the workers', 'us/req', cpu('live'), cpu('hello'));
  table.compare(`GET ${LIST} (floor: bare libfcgi worker)`, 'req/s', rates('list'), rates('hello'));
  table.compare('  (floor: two prepared statements, same JSON)', 'req/s', rates('list'), rates('listFloor'), { atLeast: 0.9 });
  table.compare('  CPU of the workers', 'us/req', cpu('list'), cpu('listFloor'));
  table.add('  slowest of 100', 'ms', median(results.list.map(({ p99 }) => p99)), { floor: median(results.listFloor.map(({ p99 }) => p99)) });
  table.compare('GET /api/v1/changes, 304 (floor: our list)', 'req/s', rates('unchanged'), rates('list'), { atLeast: 2 });
  table.add(`  when something changed: one answer, counting ${posts.toLocaleString('en-US')} posts`, 'ms', median(recount));
  table.compare('POST /api/v1/posts, a draft (floor: bare libfcgi worker)', 'req/s', rates('create'), rates('helloPost'));
  table.compare('  (floor: four inserts and reads, one transaction)', 'req/s', rates('create'), rates('createFloor'), { atLeast: 0.85 });
  table.compare('  CPU of the workers', 'us/req', cpu('create'), cpu('createFloor'));
}
