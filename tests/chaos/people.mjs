// Those who schedule: they write posts, cancel, move, edit and hurry them through the API,
// and remember what they were promised. What may become of a post follows from the answers
// they got, and from nothing else.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { choosing } from '../harness/sandbox.mjs';
import { eventually, sleep } from '../harness/stack.mjs';
import { OVER, inMs, photoPostOf, postOf } from '../harness/world.mjs';

const CONSENT = { music_usage: true, branded_content: false };
const REFUSED = [400, 404, 409, 412, 422, 429]; // nothing was done, and that is final
const DRAFTS_MAX = 4;                           // of an account; TikTok takes five in 24 hours
const CROWD = 12;                               // posts at one instant: twice what a minute's window holds
const CROWD_EVERY_MS = 150_000;                 // longer than it takes until they are out
const EARLY_MS = 50;                            // the clocks of two programs may differ

/** What is known of one post: the texts and times it may have, and whether it may go out. */
class Promised {
  constructor(key, body, name) {
    Object.assign(this, { key, body, name, id: undefined, story: [] });
    this.captions = new Set([body.caption]);
    this.dues = new Set([Date.parse(body.publish_at)]);
    this.live = 'yes'; // 'no' after a cancel that was answered 200, 'maybe' after one that was not
    this.inDoubt = false;
    this.edits = 0;
  }

  tell(what) {
    this.story.push(`${new Date().toISOString().slice(11, 23)} ${what}`);
  }
}

export class People {
  /** accounts: [how often, its id, its name at TikTok], and crowded, the id of one more. */
  constructor(stack, client, { visitor, dice, until, accounts, crowded, videos, photos, pace, draftChance, note }) {
    Object.assign(this, { stack, client, visitor, dice, until, accounts, crowded, videos, photos, pace, note });
    this.drafts = { chance: draftChance, made: new Map() };
    this.posts = [];
    this.problems = []; // broken promises seen on the way
    this.answers = {};
  }

  async run() {
    const authors = Array.from({ length: 4 }, (_, i) => this.write(this.dice.fork(`author ${i}`), `p${i}`));
    const meddlers = Array.from({ length: 5 }, (_, i) => this.meddle(this.dice.fork(`meddler ${i}`)));
    await Promise.all([...authors, ...meddlers, this.crowd(this.dice.fork('crowd')), this.reconnect(this.dice.fork('reconnects'))]);
  }

  pause(ms) {
    return sleep(Math.max(0, Math.min(ms, this.until - Date.now())));
  }

  /** One call: its answer, or undefined when there was none. */
  async call(method, path, options) {
    let answer;
    try {
      answer = await this.client.request(method, path, options);
    } catch (error) {
      if (error instanceof assert.AssertionError) {
        this.problems.push(`the contract of the API does not hold: ${error.message}`);
      }
    }
    const sum = `${method} ${path.replace(/\/\d+/g, '/N')} ${answer?.status ?? 'no answer'}`;
    this.answers[sum] = (this.answers[sum] ?? 0) + 1;
    return answer;
  }

  // --- authors

  async write(dice, prefix) {
    for (let n = 0; Date.now() < this.until; n++) {
      const account = dice.weighed(this.accounts);
      const inbox = dice.chance(this.drafts.chance) && this.hasRoom(account);
      const one = dice.chance(0.3) ? photoPostOf(account, this.photos.slice(dice.between(0, this.photos.length - 1))) : postOf(account, dice.weighed(this.videos));
      const body = {
        ...one,
        caption: `${prefix} post ${n} of seed ${this.dice.seed}`,
        publish_at: inMs(dice.between(500, 25_000)),
        ...(inbox ? { mode: 'inbox', privacy_level: null } : {}),
      };
      const post = new Promised(randomUUID(), body, `${prefix}-${n}`);
      this.posts.push(post);
      await this.create(post);
      await this.pause(dice.between(...this.pace));
    }
  }

  /** Nobody here posts the drafts of an inbox, and a full one puts the next draft off for a day. */
  hasRoom(account) {
    const made = this.drafts.made.get(account) ?? 0;
    this.drafts.made.set(account, made + 1);
    return made < DRAFTS_MAX;
  }

  /** Somebody wants more at one instant than the account's window lets through, and stays with it. */
  async crowd(dice) {
    for (let n = 0; Date.now() < this.until; n += CROWD) {
      const publish_at = inMs(dice.between(2000, 8000));
      await Promise.all(Array.from({ length: CROWD }, async (_, i) => {
        const body = { ...postOf(this.crowded, this.videos[0][1]), caption: `crowd post ${n + i} of seed ${dice.seed}`, publish_at };
        const post = Object.assign(new Promised(randomUUID(), body, `crowd-${n + i}`), { busy: true });
        this.posts.push(post);
        await this.create(post);
      }));
      await this.pause(CROWD_EVERY_MS);
    }
  }

  /** Tries until the post is accepted; a repeated key finds the first one. */
  async create(post) {
    const giveUp = Date.now() + 120_000;
    while (Date.now() < giveUp) {
      const answer = await this.call('POST', '/api/v1/posts', { json: post.body, headers: { 'idempotency-key': post.key }, timeout: 20_000 });
      post.tell(`create ${answer?.status ?? 'no answer'}`);
      if (answer?.status === 201) {
        post.id = answer.json.id;
        return;
      }
      if (answer?.status === 422) {
        // Its time had passed before it was accepted, so it was not.
        post.gone = true;
        return;
      }
      if (answer !== undefined && answer.status < 500) {
        this.problems.push(`a new post was answered ${answer.status}: ${answer.text}`);
        return;
      }
      await sleep(300);
    }
    this.problems.push(`${post.name} was not accepted within two minutes`);
  }

  // --- those who change their minds

  async meddle(dice) {
    for (;;) {
      await this.pause(dice.between(200, 2500));
      if (Date.now() >= this.until) {
        return;
      }
      const post = dice.pick(this.posts.filter(({ id, busy }) => id !== undefined && !busy).slice(-30));
      if (!post) {
        continue;
      }
      post.busy = true;
      await this.deed(dice, post);
      post.busy = false;
    }
  }

  /** Somebody connects an account once more, be it needed or not; that may fail. */
  async reconnect(dice) {
    for (;;) {
      await this.pause(dice.between(3000, 15_000));
      if (Date.now() >= this.until) {
        return;
      }
      const [, , creator] = dice.pick(this.accounts);
      const how = await this.connect(creator).catch(() => 'no answer');
      const sum = `connect ${/^\/accounts\?connected=/.test(how) ? 'yes' : (/error=(\w+)/.exec(how)?.[1] ?? 'no answer')}`;
      this.answers[sum] = (this.answers[sum] ?? 0) + 1;
    }
  }

  async deed(dice, post) {
    const headers = {};
    const seen = await this.call('GET', `/api/v1/posts/${post.id}`);
    if (seen?.status === 404) {
      this.problems.push(`${post.name} is not there any more`);
    }
    if (seen?.status !== 200) {
      return;
    }
    if (post.inDoubt || dice.chance(0.3)) {
      headers['if-match'] = seen.headers.etag;
    }
    const kind = this.kindOf(dice, seen.json.status);
    if (kind) {
      await this[kind](dice, post, headers);
    }
  }

  kindOf(dice, status) {
    if (status === 'canceled') {
      return dice.chance(0.3) ? 'schedule' : undefined;
    }
    if (status === 'failed' || status === 'needs_attention') {
      return dice.chance(0.5) ? 'retry' : undefined;
    }
    if (OVER.includes(status)) {
      return undefined;
    }
    return dice.weighed([[3, 'cancel'], [3, 'move'], [3, 'edit'], [2, 'hurry']]);
  }

  /** Makes a change; done() notes what a yes means, perhaps() what no answer means. */
  async change(post, what, [method, path, json], headers, { done, perhaps }) {
    const answer = await this.call(method, `/api/v1/posts/${post.id}${path}`, { json, headers, timeout: 20_000 });
    post.tell(`${what} ${answer?.status ?? 'no answer'} ${answer?.json?.error?.code ?? ''}`);
    if (answer?.status === 200) {
      done();
      post.inDoubt &&= headers['if-match'] === undefined;
    } else if ((answer?.status === 503 && answer.json?.error?.code !== 'unavailable') || REFUSED.includes(answer?.status)) {
      return; // our own 503 promises that nothing was done
    } else {
      perhaps();
      post.inDoubt = true;
      if (answer !== undefined && ![500, 503, 504].includes(answer.status)) {
        this.problems.push(`${post.name}: ${what} was answered ${answer.status}: ${answer.text}`);
      }
    }
  }

  async cancel(dice, post, headers) {
    await this.change(post, 'cancel', ['POST', '/cancel', {}], headers, {
      done: () => { post.live = 'no'; },
      perhaps: () => { post.live = post.live === 'yes' ? 'maybe' : post.live; },
    });
  }

  async move(dice, post, headers) {
    const publish_at = inMs(dice.between(1500, 30_000));
    const due = Date.parse(publish_at);
    await this.change(post, `move to ${publish_at}`, ['PATCH', '', { publish_at }], headers, {
      done: () => { post.dues = new Set([due]); },
      perhaps: () => { post.dues.add(due); },
    });
  }

  async edit(dice, post, headers) {
    const caption = `${post.body.caption}, edit ${++post.edits}`;
    await this.change(post, `edit ${post.edits}`, ['PATCH', '', { caption, consent: CONSENT }], headers, {
      done: () => { post.captions = new Set([caption]); },
      perhaps: () => { post.captions.add(caption); },
    });
  }

  async hurry(dice, post, headers) {
    await this.again(post, 'publish now', Date.now(), ['POST', '/publish-now', { consent: CONSENT }], headers);
  }

  async retry(dice, post, headers) {
    await this.again(post, 'retry', Date.now(), ['POST', '/retry', {}], headers);
  }

  async schedule(dice, post, headers) {
    const publish_at = inMs(dice.between(2000, 20_000));
    await this.again(post, `schedule ${publish_at}`, Date.parse(publish_at), ['POST', '/schedule', { publish_at, consent: CONSENT }], headers);
  }

  async again(post, what, due, request, headers) {
    await this.change(post, what, request, headers, {
      done: () => {
        post.dues = new Set([due]);
        post.live = 'yes';
      },
      perhaps: () => {
        post.dues.add(due);
        post.live = post.live === 'no' ? 'maybe' : post.live;
      },
    });
  }

  // --- the end

  connect(creator) {
    return this.visitor.connect({ choose: choosing({ creator }) });
  }

  /**
   * Those whose creation never got an answer are asked for once more. And every account is
   * connected: one whose new tokens were lost on the way waits for that, with its posts.
   */
  async settle() {
    for (const [, , creator] of this.accounts) {
      // Processes that are still to lose a write may do so now.
      await eventually(async () => (await this.connect(creator)).startsWith('/accounts?connected='), { ms: 60_000, every: 300, what: `${creator} to be connected` });
    }
    await Promise.all(this.posts.filter(({ id, gone }) => id === undefined && !gone).map((post) => this.create(post)));
  }

  accepted() {
    return this.posts.filter(({ id }) => id !== undefined);
  }
}

/** May this publication be one of the post, by what people were told? Answers why not. */
export function brokenPromise(post, publication) {
  if (post.live === 'no') {
    return 'it was canceled';
  }
  if (publication.mode === 'direct' && !post.captions.has(publication.caption)) {
    return `its text was changed: "${publication.caption}" is an old one`;
  }
  const due = Math.min(...post.dues);
  return publication.committed_at_ms < due - EARLY_MS ? `it was due at ${new Date(due).toISOString()}` : undefined;
}
