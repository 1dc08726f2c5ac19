// MariaDB with a semi-synchronous replica: a commit is answered when it is on both. Without
// the replica it is not, and everybody is told; who is strict then lets nothing out.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { appendFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { exchange } from '../../tools/lib/client.mjs';
import { freePort } from '../harness/nginx.mjs';
import { publicationsOf } from '../harness/sandbox.mjs';
import { eventually } from '../harness/stack.mjs';
import { fateOf, inMs, openWindows, postOf, startWorld } from '../harness/world.mjs';

const PROMISE_MS = 10_000; // as that of watchdog.test.mjs
const TIMEOUT_MS = 1000; // for so long a commit waits for the replica

let stack;
let client;
let account;
let media;
let port;
let replica;

const ended = (child) => child.exitCode !== null || child.signalCode !== null;

/** A second MariaDB. Replication knows no sockets, so the first one listens on a free port. */
class Replica {
  /** Of the first one's files, which nobody uses at the moment. */
  static async of(primary) {
    const self = new Replica();
    self.dir = primary.path('replica');
    self.primary = primary;
    await mkdir(self.dir, { mode: 0o700 });
    await cp(primary.path('mariadb'), self.path('data'), { recursive: true });
    const settings = (await readFile(primary.path('mariadb.cnf'), 'utf8'))
      .replace(/^datadir=.*$/m, `datadir=${self.path('data')}`)
      .replace(/^socket=.*$/m, `socket=${self.path('mariadb.sock')}`)
      .replace(/^pid-file=.*$/m, `pid-file=${self.path('mariadb.pid')}`)
      .replace(/^log-error=.*$/m, `log-error=${primary.path('log/replica.log')}`);
    await writeFile(self.path('mariadb.cnf'), `${settings}server-id=2\nlog-bin=binlog\nlog-slave-updates\nrelay-log=relay\nread-only=ON\nrpl-semi-sync-slave-enabled=ON\n`);
    return self;
  }

  path(name) {
    return `${this.dir}/${name}`;
  }

  sql(statement) {
    return execFileSync('mariadb', ['--no-defaults', `--socket=${this.path('mariadb.sock')}`, '-u', 'root', '-N', '-B', '-e', statement], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  }

  /** Starts it; a replica's threads start with it, once it knows whose it is. */
  async start() {
    const log = openSync(this.primary.path('log/replica.out'), 'a');
    this.child = spawn('mariadbd', [`--defaults-file=${this.path('mariadb.cnf')}`], {
      stdio: ['ignore', log, log],
      env: { PATH: `${process.env.PATH}:/usr/sbin` },
    });
    await eventually(() => this.sql('SELECT 1'), { ms: 60_000, what: 'the replica to answer' });
  }

  follow(port, password) {
    this.sql(`CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${port}, MASTER_USER='follower', MASTER_PASSWORD='${password}', MASTER_LOG_FILE='binlog.000001', MASTER_LOG_POS=4, MASTER_CONNECT_RETRY=1; START SLAVE`);
  }

  signal(name) {
    this.child.kill(name);
  }

  async end(name = 'SIGTERM') {
    if (this.child && !ended(this.child)) {
      this.child.kill('SIGCONT');
      this.child.kill(name);
      await eventually(() => ended(this.child), { ms: 60_000, what: 'the replica to end' });
    }
  }

  /** All that it was sent is carried out. */
  caughtUp() {
    const columns = Object.fromEntries([...this.sql('SHOW SLAVE STATUS\\G').matchAll(/^ *(\w+): (.*)$/gm)].map(([, name, value]) => [name, value]));
    return columns.Read_Master_Log_Pos === columns.Exec_Master_Log_Pos && columns.Master_Log_File === columns.Relay_Master_Log_File;
  }
}

before(async () => {
  port = await freePort();
  ({ stack, client, account, media } = await startWorld({ env: { METRICS_LISTEN: `127.0.0.1:${port}` } }));
  await openWindows(stack);
  await stack.hold('mariadb');
  replica = await Replica.of(stack);
  const sqlPort = await freePort();
  await appendFile(stack.path('mariadb.cnf'), `skip-networking=OFF\nbind-address=127.0.0.1\nport=${sqlPort}\nserver-id=1\nlog-bin=binlog\nbinlog-format=ROW\nsync-binlog=1\nrpl-semi-sync-master-enabled=ON\nrpl-semi-sync-master-timeout=${TIMEOUT_MS}\n`);
  await stack.start('mariadb');
  await eventually(() => stack.sql('SELECT 1'), { ms: 60_000, what: 'MariaDB to answer' });
  const password = `p${process.pid}${Date.now()}`;
  stack.sql(`CREATE USER follower@127.0.0.1 IDENTIFIED BY '${password}'; GRANT REPLICATION SLAVE ON *.* TO follower@127.0.0.1`);
  await replica.start();
  replica.follow(sqlPort, password);
  await eventually(isOn, { ms: 60_000, what: 'the replica to be attached' });
  await publishing();
});
after(async () => {
  await replica?.end('SIGKILL');
  await stack?.stop();
});

const isOn = () => /\tON$/.test(stack.sql("SHOW STATUS LIKE 'Rpl_semi_sync_master_status'").trim()) && /\t1$/.test(stack.sql("SHOW STATUS LIKE 'Rpl_semi_sync_master_clients'").trim());
const publishing = () => eventually(() => stack.sql('SELECT COUNT(*) FROM publisher WHERE lease_until > UNIX_TIMESTAMP(NOW(3)) * 1000').trim() === '1', { ms: 60_000, what: 'a publisher at work' });

let number = 0;
const post = async (due) => (await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { caption: `replicated post ${++number}`, publish_at: inMs(due) }) })).json;
const now = ({ id }) => client.get(`/api/v1/posts/${id}`);
const job = ({ id }) => stack.sql(`SELECT state, granted FROM job WHERE post_id = ${id}`).trim();
const published = async ({ caption }) => (await publicationsOf(stack, caption)).length;
const check = async () => (await client.request('GET', '/api/ready')).json.checks.find(({ name }) => name === 'replica');
const alarm = async () => (await client.get('/api/v1/changes')).alarms.find(({ code }) => code === 'replica');
const metrics = async () => (await exchange(`http://127.0.0.1:${port}/metrics`)).text;
const figure = async () => Number(/^tts_semi_sync (\d)$/m.exec(await metrics())?.[1]);
const strict = (yes) => stack.restart('tts-publisher', { env: yes ? { PUBLISH_STRICT: 'yes' } : {} }).then(publishing);

async function everybodyKnows(on) {
  const begin = Date.now();
  for (const [what, probe] of Object.entries({
    ready: async () => (await check()).ok === on,
    'the figures': async () => (await figure()) === (on ? 1 : 0),
    'the feed': async () => ((await alarm()) === undefined) === on,
  })) {
    await eventually(probe, { ms: PROMISE_MS + 5000, every: 100, what: `${what} to tell` });
    assert.ok(Date.now() - begin < PROMISE_MS, `${what}: after ${Date.now() - begin} ms`);
  }
}

async function attach() {
  await replica.start();
  await eventually(isOn, { ms: 60_000, what: 'the replica to be attached again' });
}

describe('a replica', () => {
  test('that answers is seen by ready, the figures and the feed', async () => {
    await everybodyKnows(true);
    assert.equal((await check()).message, 'Every commit is on a replica.');
    const { id } = await post(500);
    assert.match((await fateOf(client, id)).status, /^published/);
  });

  test('that has gone is missed within ten seconds; posts go out, and the alarm stands', async () => {
    await replica.end('SIGKILL');
    await everybodyKnows(false);
    assert.match((await alarm()).message, /no second copy/);
    const entry = await post(500);
    assert.match((await fateOf(client, entry.id)).status, /^published/);
    assert.equal(await published(entry), 1);
    assert.equal((await check()).ok, false);
    assert.ok(await alarm());
    await attach();
    await everybodyKnows(true);
  });
});

describe('who is strict', () => {
  before(() => strict(true));

  test('grants nothing without the replica, says why, and goes on by itself', async () => {
    await replica.end('SIGKILL');
    await everybodyKnows(false);
    const entry = await post(1500);
    const seen = await eventually(async () => {
      const it = await now(entry);
      return it.status_reason === 'replica_missing' && it;
    }, { ms: 20_000, what: 'the reason to be shown' });
    assert.equal(seen.status, 'preparing');
    assert.match(seen.status_text, /no second copy/);
    assert.equal(seen.next_action, 'wait');
    await eventually(() => Date.now() > Date.parse(entry.publish_at) + 3000, { what: 'its time to have passed' });
    assert.equal(job(entry), '2\t0', 'running, not granted');
    assert.equal(await published(entry), 0);
    const { items } = await client.get(`/api/v1/posts/${entry.id}/events`);
    assert.equal(items.filter(({ kind }) => kind === 'held_back').length, 1, JSON.stringify(items));
    assert.match(await metrics(), /^tts_publisher_held_back_total\{.*\} [1-9]/m);
    await attach();
    const done = await fateOf(client, entry.id);
    assert.match(done.status, /^published/);
    assert.equal(done.status_reason, null);
    assert.equal(await published(entry), 1);
    await everybodyKnows(true);
  });

  test('does not use a grant whose commit found no replica until there is one', async () => {
    const entry = await post(2500);
    await eventually(() => /^2\t/.test(job(entry)), { what: 'the post to be in hands' });
    replica.signal('SIGSTOP');
    try {
      await eventually(async () => (await figure()) === 0, { ms: PROMISE_MS + 5000, what: 'a commit to have waited in vain' });
      await eventually(() => Date.now() > Date.parse(entry.publish_at) + 3000, { what: 'its time to have passed' });
      assert.equal(await published(entry), 0);
    } finally {
      replica.signal('SIGCONT');
    }
    assert.match((await fateOf(client, entry.id)).status, /^published/);
    assert.equal(await published(entry), 1);
    await everybodyKnows(true);
  });

  after(() => strict(false));
});

describe('a failover to the replica', () => {
  test('loses nothing and lets every post out once', async () => {
    await openWindows(stack);
    await eventually(isOn, { what: 'the replica' });
    const posts = [];
    for (let n = 0; n < 5; n++) {
      posts.push(await post(1500 + n * 700)); // from one that is out to one that has hardly begun
    }
    await eventually(() => Date.now() > Date.parse(posts[1].publish_at), { what: 'the first to be under way' });
    posts.push(await post(4000));
    await stack.hold('mariadb', 'SIGKILL');

    await eventually(() => replica.caughtUp(), { what: 'all that was received to be done' });
    replica.sql('STOP SLAVE; RESET SLAVE ALL');
    await replica.end();
    const settings = await readFile(stack.path('mariadb.cnf'), 'utf8');
    await writeFile(stack.path('mariadb.cnf'), `${settings.replace(/^datadir=.*$/m, `datadir=${replica.path('data')}`)}rpl-semi-sync-master-enabled=OFF\n`);
    await stack.start('mariadb');
    await eventually(() => now(posts[0]), { ms: 60_000, what: 'the API to have found it' });

    for (const entry of posts) {
      assert.match((await fateOf(client, entry.id, 120_000)).status, /^published/);
      assert.equal(await published(entry), 1, entry.caption);
    }
    assert.equal(await alarm(), undefined);
    assert.match((await check()).message, /Not asked for/);
  });
});
