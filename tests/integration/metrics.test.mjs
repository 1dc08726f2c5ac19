// GET /metrics: on the internal listener only, in Prometheus' words, and true.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { exchange } from '../../tools/lib/client.mjs';
import { freePort } from '../harness/nginx.mjs';
import { kept, onTime } from '../harness/pulse.mjs';
import { Stack, eventually } from '../harness/stack.mjs';
import { connectAccount, fateOf, inMs, postOf, readyVideo } from '../harness/world.mjs';

let stack;
let client;
let port;
before(async () => {
  port = await freePort();
  stack = await Stack.start({ env: { METRICS_LISTEN: `127.0.0.1:${port}` } });
  client = await stack.signedIn();
});
after(() => stack?.stop());

const scrape = async () => {
  const answer = await exchange(`http://127.0.0.1:${port}/metrics`);
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.headers['content-type'], /^text\/plain; version=0\.0\.4/);
  return answer.text;
};
/** The sum of a metric over all its series whose labels fit. */
const sum = (text, name, labels = '') =>
  text.split('\n').filter((line) => new RegExp(`^${name}(\\{.*${labels}.*\\})? `).test(line)).reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);

describe('/metrics', () => {
  test('is nowhere else, whatever a client claims', async () => {
    for (const headers of [{}, { 'tts-internal': '1' }, { TTS_INTERNAL: '1' }]) {
      const outside = await exchange(`${stack.url}/metrics`, { headers });
      assert.doesNotMatch(outside.text, /tts_posts/, 'the dashboard of any path, not figures');
    }
    assert.equal((await exchange(`http://127.0.0.1:${port}/api/v1/session`)).status, 404, 'and nothing else is there');
  });

  test('every line is of a metric that has a type and a help line before it', async () => {
    const text = await scrape();
    const typed = new Map();
    for (const line of text.trimEnd().split('\n')) {
      const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
      if (type) {
        assert.ok(!typed.has(type[1]), `${type[1]} twice`);
        typed.set(type[1], type[2]);
      } else if (!line.startsWith('# HELP ')) {
        const sample = /^([a-z_0-9]+)(\{([a-z]+="[^"]*")(,[a-z]+="[^"]*")*\})? -?[0-9.]+$/i.exec(line);
        assert.ok(sample, line);
        assert.ok(typed.has(sample[1]) || typed.get(sample[1].replace(/_(bucket|sum|count)$/, '')) === 'histogram', line);
      }
    }
    assert.ok(typed.size > 20);
  });

  test('tells of a post that went out, and that nothing is wrong', async () => {
    const account = await connectAccount(client);
    const media = await readyVideo(client, stack);
    const { json } = await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { publish_at: inMs(1500) }) });
    assert.equal((await fateOf(client, json.id)).status, 'published_private');
    const text = await eventually(async () => {
      const now = await scrape(); // publishers tell with their next heartbeat
      return sum(now, 'tts_publisher_published_total') === 1 && now;
    }, { ms: 15_000, every: 200, what: 'the publication to be counted' });
    assert.equal(sum(text, 'tts_publishers_alive'), 1);
    assert.equal(sum(text, 'tts_publishers_paused'), 0);
    assert.equal(sum(text, 'tts_posts_overdue'), 0);
    assert.equal(sum(text, 'tts_media_overdue'), 0);
    assert.equal(sum(text, 'tts_publisher_commit_late_seconds_count'), 1);
    const late = sum(text, 'tts_publisher_commit_late_seconds_sum');
    onTime(late * 1000, 'the post');
    assert.equal(sum(text, 'tts_publisher_commit_late_seconds_bucket', 'le="1"'), late <= 1 ? 1 : 0);
    assert.equal(sum(text, 'tts_publisher_claims_total'), 1);
    for (const name of ['init_late', 'done_late', 'chunk']) assert.equal(sum(text, `tts_publisher_${name}_seconds_count`), 1, name);
    assert.ok(sum(text, 'tts_publisher_sent_bytes_total') > 1000);
    assert.ok(sum(text, 'tts_publisher_database_seconds_count') > 5);
    kept(Math.abs(sum(text, 'tts_publisher_clock_offset_ms')), 250, 'one machine, one clock');
    for (const name of ['publisher_in_hands', 'posts_due']) assert.equal(sum(text, `tts_${name}`), 0, name);
    assert.ok(sum(text, 'tts_requests_total', 'class="2xx"') > 5);
    for (const name of ['lease_reaped', 'fence_lost', 'witness_conflict', 'witness_skipped', 'live_dup_refused', 'ambiguous', 'review', 'http_429', 'token_reauth', 'brake_closed']) {
      assert.equal(sum(text, `tts_publisher_${name}_total`), 0, name);
    }
  });

  test('tells how far Redis has drifted from the database', async () => {
    const account = await connectAccount(client);
    const media = await readyVideo(client, stack, { name: 'drift' });
    await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { publish_at: inMs(1_800_000) }) });
    await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { publish_at: inMs(1_800_000) }) });
    const key = `{${Number(account) % 16}}:j:${account}`;
    const redis = (...command) => execFileSync('redis-cli', ['-s', stack.path('run/redis.sock'), ...command], { encoding: 'utf8' }).trim();
    assert.equal(redis('ZCARD', key), '2');
    redis('ZPOPMIN', key);
    await stack.restart('tts-publisher'); // it looks ahead first of all, then once a minute
    const text = await eventually(async () => {
      const now = await scrape();
      return sum(now, 'tts_publisher_feed_seen_total') >= 2 && now;
    }, { ms: 15_000, every: 200, what: 'the look-ahead to be counted' });
    assert.equal(sum(text, 'tts_publisher_feed_missing_total'), 1);
    assert.equal(redis('ZCARD', key), '2', 'and it is put right');
  });

  test('counts what happens to a publisher', async () => {
    await stack.hold('tts-publisher', 'SIGKILL');
    await eventually(async () => sum(await scrape(), 'tts_publishers_alive') === 0, { ms: 15_000, every: 200, what: 'nobody to be alive' });
    await stack.start('tts-publisher');
    await eventually(async () => sum(await scrape(), 'tts_publishers_alive') === 1, { ms: 15_000, every: 200, what: 'somebody to be alive' });
  });
});
