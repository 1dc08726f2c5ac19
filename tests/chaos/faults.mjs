// What breaks: one lane for each thing that can, each with dice of its own, so that faults
// of different things overlap in every way. A lane mends what it broke before it goes on.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { exchange } from '../../tools/lib/client.mjs';
import { setFault } from '../harness/sandbox.mjs';
import { eventually, faultPoints, sleep } from '../harness/stack.mjs';

const GRACE_MS = 90_000; // to start a part again on a busy machine
const LEASE_MS = 15_000; // PUBLISHER_LEASE_MS
const STEP_S = 300;      // how far a clock that is set is off
const LOSSES_MAX = 12;   // COMMITs and writes of one process that get no answer; core/fault.c knows 16 rules
// Between the grant and the end of the request that publishes.
const AT_COMMIT = ['grant.after', 'open.after', 'last.before', 'last.before', 'upload.mid'];
// Debian's package faketime; without it no clock is set.
export const FAKETIME = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1', '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1'].find(existsSync);

export class Faults {
  /**
   * until: when to stop breaking things, by Date.now(). note(what) writes the story.
   * sparesRedis(): true while Redis is left alone, so that its windows must be kept to.
   * The last one of the publishers has a clock of its own, which may be set; and settings:
   * more of them for a publisher, by name.
   */
  constructor(stack, { dice, until, publishers, settings = {}, sparesRedis, note }) {
    Object.assign(this, { stack, dice, until, publishers, settings, sparesRedis, note });
    this.points = faultPoints();
    this.committing = this.points.filter((point) => /^(witness|grant|open|adopt|last|sent|dead|done)/.test(point));
    this.redisLost = []; // when Redis lost what it knew
    this.count = {};
  }

  /** The publishers begin with the settings of their own. */
  async begin() {
    if (FAKETIME) {
      const name = this.publishers.at(-1);
      await this.setClock(name, 0);
      this.settings[name] = {
        ...this.settings[name],
        LD_PRELOAD: FAKETIME, FAKETIME_TIMESTAMP_FILE: this.clockOf(name), FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1',
      };
    }
    for (const name of Object.keys(this.settings)) {
      await this.endWith(name, 'SIGTERM', {});
    }
  }

  /** Breaks and mends until the time is over. */
  async run() {
    await Promise.all([
      ...this.publishers.map((name) => this.lane(name, [3000, 14_000], this.ofPublisher(name))),
      this.lane('tts-api', [2000, 9000], this.ofApi()),
      this.lane('mariadb', [8000, 22_000], this.ofMariadb()),
      this.lane('redis', [5000, 18_000], this.ofRedis()),
      this.lane('nginx', [6000, 20_000], this.ofNginx()),
      this.lane('clock', [3000, 12_000], this.ofClock(this.publishers.at(-1))),
      this.lane('sandbox', [200, 2500], this.ofSandbox()),
      this.lane('sandbox-2', [200, 2500], this.ofSandbox()),
    ]);
  }

  async lane(name, [shortest, longest], deeds) {
    const dice = this.dice.fork(name);
    for (;;) {
      await this.pause(dice.between(shortest, longest));
      if (Date.now() >= this.until) {
        return;
      }
      if (name === 'redis' && this.sparesRedis()) {
        continue;
      }
      if (deeds.length === 0) {
        return;
      }
      const deed = dice.weighed(deeds.map(([weight, what, act]) => [weight, { what, act }]));
      this.count[`${name.replace(/-\d$/, '')} ${deed.what}`] = (this.count[`${name.replace(/-\d$/, '')} ${deed.what}`] ?? 0) + 1;
      await deed.act(dice, (detail = '') => this.note(`${name}: ${deed.what} ${detail}`));
    }
  }

  /** Lets time pass, though not beyond the end. */
  pause(ms) {
    return sleep(Math.max(0, Math.min(ms, this.until - Date.now())));
  }

  pid(name) {
    try {
      return this.stack.pid(name);
    } catch {
      return 0; // it is being written
    }
  }

  /** Signals a part, if it runs. */
  signal(name, signal) {
    try {
      if (this.stack.runs(name)) {
        this.stack.signal(name, signal);
      }
    } catch (error) {
      if (error.code !== 'ESRCH') {
        throw error;
      }
    }
  }

  /** Ends a part and waits until the supervisor has started it again. */
  async end(name, signal) {
    const before = this.pid(name);
    this.signal(name, signal);
    this.signal(name, 'SIGCONT'); // one that stopped itself at a fault point hears nothing
    await eventually(() => this.pid(name) > 0 && this.pid(name) !== before && this.stack.runs(name), { ms: GRACE_MS, what: `${name} after ${signal}` });
  }

  /** The same; more: settings for this one life beside its own. */
  async endWith(name, signal, more) {
    const lines = (settings) => Object.entries(settings).map(([key, value]) => `${key}=${value}\n`).join('');
    await writeFile(this.stack.path('run', `${name}.env`), lines({ ...this.settings[name], ...more }));
    await this.end(name, signal);
    await writeFile(this.stack.path('run', `${name}.env`), lines({ ...this.settings[name] }));
  }

  /** Rules for COMMITs and writes whose connection drops before or after they were done. */
  losses(dice, often) {
    const what = ['db.commit_unsent', 'db.commit_unanswered', 'db.commit_unanswered', 'db.write_unsent', 'db.write_unanswered'];
    return Array.from({ length: LOSSES_MAX }, () => `${dice.pick(what)}@${dice.between(1, often)}:error`).join(',');
  }

  clockOf(name) {
    return this.stack.path('run', `${name}.clock`);
  }

  /** Sets the clock of a process that has one of its own; whole at once, as it is read all the time. */
  async setClock(name, offset) {
    await writeFile(`${this.clockOf(name)}.new`, `${offset < 0 ? '' : '+'}${offset}\n`);
    await rename(`${this.clockOf(name)}.new`, this.clockOf(name));
  }

  /** Was it stopped by a signal? */
  stands(name) {
    return readFileSync(`/proc/${this.pid(name)}/stat`, 'utf8').replace(/.*\) /, '')[0] === 'T';
  }

  /** A fault point may be reached late: whoever stopped there goes on. */
  wake() {
    this.publishers.forEach((name) => this.signal(name, 'SIGCONT'));
  }

  async freeze(name, ms) {
    const pid = this.pid(name);
    this.signal(name, 'SIGSTOP');
    try {
      await this.pause(ms);
    } finally {
      if (this.pid(name) === pid) {
        this.signal(name, 'SIGCONT');
      }
    }
  }

  /** Keeps a part away for a while. */
  async away(name, ms, signal) {
    await this.stack.hold(name, signal);
    try {
      await this.pause(ms);
    } finally {
      await this.stack.start(name);
    }
  }

  ofPublisher(name) {
    return [
      [3, 'killed', async (dice, note) => {
        note();
        await this.end(name, 'SIGKILL');
      }],
      [4, 'killed at', async (dice, note) => {
        const rule = `${dice.pick(dice.chance(0.5) ? this.committing : this.points)}@${dice.between(1, 3)}:${dice.chance(0.8) ? 'crash' : 'stop'}`;
        note(rule);
        await this.endWith(name, 'SIGKILL', { TTS_FAULT: rule });
        await this.pause(dice.between(4000, 20_000));
        this.signal(name, 'SIGCONT');
      }],
      [2, 'stopped at its commit', async (dice, note) => {
        const rule = `${dice.pick(AT_COMMIT)}@${dice.between(1, 2)}:stop`;
        const ms = LEASE_MS + dice.between(5000, 12_000);
        note(`${rule} ${ms} ms`);
        await this.endWith(name, 'SIGKILL', { TTS_FAULT: rule });
        // What it had in hand is another's when it wakes up and goes on.
        await eventually(() => this.stands(name), { ms: 15_000, every: 50 }).then(() => this.pause(ms), () => {});
        this.signal(name, 'SIGCONT');
      }],
      [1, 'stopped while TikTok is slow', async (dice, note) => {
        // What it was sending arrives when its successor has asked after it already.
        const ms = LEASE_MS + dice.between(14_000, 20_000);
        note(`${ms} ms`);
        const id = await this.setFault({ endpoint: 'upload', delay_ms: ms, count: 2 });
        await this.pause(dice.between(500, 4000));
        await this.freeze(name, ms);
        await this.clearFault(id);
      }],
      [2, 'stopped beyond its lease', async (dice, note) => {
        const ms = LEASE_MS + dice.between(3000, 9000);
        note(`${ms} ms`);
        await this.freeze(name, ms);
      }],
      [2, 'stopped', async (dice, note) => {
        const ms = dice.between(200, 6000);
        note(`${ms} ms`);
        await this.freeze(name, ms);
      }],
      [2, 'ended', async (dice, note) => {
        note();
        await this.end(name, 'SIGTERM');
      }],
      [4, 'loses COMMITs', async (dice, note) => {
        note();
        await this.endWith(name, dice.pick(['SIGTERM', 'SIGKILL']), { TTS_FAULT: this.losses(dice, 60) });
        await this.pause(dice.between(4000, 20_000));
      }],
    ];
  }

  ofApi() {
    return [
      [2, 'loses COMMITs', async (dice, note) => {
        note();
        await this.endWith('tts-api', 'SIGTERM', { TTS_FAULT: this.losses(dice, 25) });
        await this.pause(dice.between(4000, 12_000));
        await this.end('tts-api', 'SIGTERM');
      }],
      [1, 'killed at a gate', async (dice, note) => {
        const rule = `${dice.pick(['gate.before_update', 'gate.after_update'])}@${dice.between(1, 3)}:crash`;
        note(rule);
        await this.endWith('tts-api', 'SIGTERM', { TTS_FAULT: rule });
        await this.pause(dice.between(4000, 12_000));
        await this.end('tts-api', 'SIGTERM'); // each worker that is born would die there
      }],
      [5, 'worker killed', async (dice, note) => {
        note();
        try {
          process.kill(dice.pick(this.stack.children('tts-api')), 'SIGKILL');
        } catch (error) {
          if (!['ENOENT', 'ESRCH'].includes(error.code)) {
            throw error;
          }
        }
      }],
      [1, 'killed', async (dice, note) => {
        note();
        await this.end('tts-api', 'SIGKILL');
      }],
      [1, 'ended', async (dice, note) => {
        note();
        await this.end('tts-api', 'SIGTERM');
      }],
    ];
  }

  ofMariadb() {
    const answers = () => execFileSync('mariadb', [...this.stack.databaseArguments(), '-e', 'SELECT 1'], { stdio: ['ignore', 'pipe', 'ignore'] });
    return [
      [3, 'killed', async (dice, note) => {
        note();
        await this.end('mariadb', 'SIGKILL');
        await eventually(answers, { ms: GRACE_MS, every: 100, what: 'MariaDB' });
      }],
      [1, 'away', async (dice, note) => {
        const ms = dice.between(1000, 8000);
        note(`${ms} ms`);
        await this.away('mariadb', ms, 'SIGKILL');
        await eventually(answers, { ms: GRACE_MS, every: 100, what: 'MariaDB' });
      }],
      [3, 'frozen', async (dice, note) => {
        const ms = dice.between(300, 7000);
        note(`${ms} ms`);
        await this.freeze('mariadb', ms);
      }],
      [1, 'frozen beyond leases', async (dice, note) => {
        const ms = LEASE_MS + dice.between(1000, 5000);
        note(`${ms} ms`);
        await this.freeze('mariadb', ms);
      }],
    ];
  }

  ofRedis() {
    const lost = (work) => async (dice, note) => {
      const from = Date.now();
      await work(dice, note);
      this.redisLost.push({ from, to: Date.now() });
    };
    return [
      [3, 'emptied', lost(async (dice, note) => {
        note();
        const empty = () => execFileSync('redis-cli', ['-s', this.stack.path('run/redis.sock'), 'FLUSHALL'], { stdio: ['ignore', 'pipe', 'ignore'] });
        await eventually(empty, { ms: GRACE_MS, every: 100, what: 'Redis' }); // it may have been started just now
      })],
      [3, 'killed', lost(async (dice, note) => {
        note();
        await this.end('redis', 'SIGKILL');
      })],
      [2, 'away', lost(async (dice, note) => {
        const ms = dice.between(1000, 10_000);
        note(`${ms} ms`);
        await this.away('redis', ms, dice.pick(['SIGKILL', 'SIGTERM']));
      })],
      [2, 'frozen', lost(async (dice, note) => {
        const ms = dice.between(300, 5000);
        note(`${ms} ms`);
        await this.freeze('redis', ms);
      })],
      [2, 'set back', lost(async (dice, note) => {
        note(this.snapshot ? `to ${((Date.now() - this.snapshot) / 1000).toFixed(1)} s ago` : 'to nothing');
        await this.stack.hold('redis', 'SIGKILL');
        await rm(this.stack.path('redis'), { recursive: true, force: true });
        const [from, to] = [this.stack.path('redis.old'), this.stack.path('redis')];
        await (this.snapshot ? cp(from, to, { recursive: true }) : mkdir(to));
        await this.stack.start('redis');
      })],
      [3, 'copied', async (dice, note) => {
        // As a backup of running files is: what was being written last may be torn.
        await rm(this.stack.path('redis.old'), { recursive: true, force: true });
        await cp(this.stack.path('redis'), this.stack.path('redis.old'), { recursive: true });
        this.snapshot = Date.now();
        note();
      }],
    ];
  }

  /** All HTTP goes through nginx: between browsers and us, us and TikTok, TikTok and us. */
  ofNginx() {
    const each = (signal) => {
      for (const pid of [this.pid('nginx'), ...this.stack.children('nginx')]) {
        try {
          process.kill(pid, signal);
        } catch {
          // it has ended meanwhile
        }
      }
    };
    return [
      [3, 'cuts the network', async (dice, note) => {
        const ms = dice.between(300, 8000);
        note(`${ms} ms`);
        each('SIGSTOP');
        await this.pause(ms);
        each('SIGCONT');
      }],
      ...(this.cuts() ? [[3, 'drops packets', async (dice, note) => {
        const ms = dice.between(300, 8000);
        note(`${ms} ms`);
        this.firewall('-I');
        try {
          await this.pause(ms);
        } finally {
          this.firewall('-D');
        }
      }]] : []),
      [1, 'killed', async (dice, note) => {
        note();
        each('SIGKILL');
        await eventually(() => this.stack.runs('nginx') && exchange(`${this.stack.url}/api/live`).then(() => true), { ms: GRACE_MS, every: 50, what: 'nginx' });
      }],
    ];
  }

  /** Packets to the two ports of this stack vanish; only root can do that. */
  firewall(how) {
    for (const url of [this.stack.url, this.stack.sandboxUrl]) {
      execFileSync('iptables', ['-w', how, 'OUTPUT', '-o', 'lo', '-p', 'tcp', '--dport', new URL(url).port, '-j', 'DROP'], { stdio: 'ignore' });
    }
  }

  cuts() {
    try {
      this.firewall('-I');
      this.firewall('-D');
      return true;
    } catch {
      return false;
    }
  }

  /** The clock of a machine jumps, for a while. */
  ofClock(name) {
    return !FAKETIME ? [] : [[1, 'set', async (dice, note) => {
      const offset = dice.pick([-STEP_S, STEP_S]);
      note(`${name} ${offset} s`);
      await this.setClock(name, offset);
      await this.pause(dice.between(3000, 15_000));
      await this.setClock(name, 0);
    }]];
  }

  /** The network to the simulator may be cut just now. */
  patiently(work) {
    return eventually(work, { ms: GRACE_MS, every: 200, what: 'the simulator' });
  }

  setFault(what) {
    return this.patiently(() => setFault(this.stack, what));
  }

  clearFault(id) {
    return this.patiently(() => exchange(`${this.stack.sandboxUrl}/sandbox/faults/${id}`, { method: 'DELETE' }));
  }

  /** TikTok itself: never gone for good, but wrong, slow and forgetful for a while. */
  ofSandbox() {
    const forAWhile = (fault) => async (dice, note) => {
      const what = fault(dice);
      note(JSON.stringify(what));
      const id = await this.setFault(what);
      await this.pause(dice.between(1500, 6000));
      await this.clearFault(id);
    };
    const endpoint = (dice) => dice.pick(['video_init', 'inbox_init', 'photo_init', 'photo_init', 'upload', 'upload', 'upload', 'upload', 'status', 'status', 'creator_info']);
    const probability = (dice) => dice.pick([0.2, 0.5, 1]);
    return [
      [3, 'refuses', forAWhile((dice) => ({ endpoint: endpoint(dice), status: dice.pick([500, 502, 503, 504]), probability: probability(dice) }))],
      [2, 'fails after it did', forAWhile((dice) => ({ endpoint: endpoint(dice), status: 500, after: true, probability: probability(dice) }))],
      [5, 'loses answers', forAWhile((dice) => ({ endpoint: endpoint(dice), lost: true, probability: probability(dice) }))],
      [2, 'drops calls', forAWhile((dice) => ({ endpoint: endpoint(dice), drop: true, probability: probability(dice) }))],
      [2, 'is slow', forAWhile((dice) => ({ endpoint: endpoint(dice), [dice.pick(['delay_ms', 'hang_ms'])]: dice.between(200, 3000), probability: probability(dice) }))],
      [2, 'takes part of a chunk', forAWhile((dice) => ({ endpoint: 'upload', take_bytes: dice.between(1, 60_000), probability: 0.5 }))],
      [2, 'cuts an answer short', forAWhile((dice) => ({ endpoint: dice.pick(['video_init', 'photo_init', 'status', 'creator_info']), cut_after: dice.between(0, 60), probability: probability(dice) }))],
      [2, 'answers nonsense', forAWhile((dice) => ({ endpoint: endpoint(dice), body: dice.pick(['html', 'empty', 'garbage', 'truncated']), probability: 0.5 }))],
      [1, 'says too many', forAWhile((dice) => ({ endpoint: dice.pick(['video_init', 'status', 'creator_info']), status: 429, retry_after_s: 2, count: 1 }))],
      [1, 'fails a publication', forAWhile(() => ({ fail_reason: 'file_format_check_failed', count: 1 }))],
      [2, 'loses webhooks', forAWhile((dice) => ({ endpoint: 'webhook', lost: true, probability: probability(dice) }))],
      [1, 'repeats webhooks', forAWhile((dice) => ({ endpoint: 'webhook', duplicate: dice.between(1, 10), probability: probability(dice) }))],
      [1, 'is late with webhooks', forAWhile((dice) => ({ endpoint: 'webhook', late_ms: dice.between(500, 30_000), probability: probability(dice) }))],
      [1, 'mixes webhooks up', forAWhile((dice) => ({ endpoint: 'webhook', reorder: true, probability: probability(dice) }))],
      [1, 'signs webhooks wrongly', forAWhile((dice) => ({ endpoint: 'webhook', signature: dice.pick(['wrong', 'malformed', 'missing']), probability: 0.5 }))],
      [2, 'does not fetch', forAWhile((dice) => ({ endpoint: 'pull', ...dice.pick([{ status: 503 }, { drop: true }, { take_bytes: dice.between(1, 5000) }]), probability: 0.5 }))],
    ];
  }
}
