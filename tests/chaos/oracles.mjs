// What must be true when all is quiet again. Each answers a list of sentences about what
// is not; an empty one is what we want.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { exchange } from '../../tools/lib/client.mjs';
import { ledger } from '../harness/sandbox.mjs';
import { brokenPromise } from './people.mjs';

const PUBLISHED = ['published', 'published_private', 'in_inbox'];
// Nothing that TikTok, a crash or an outage does may end a post like this.
const OURS = ['internal_error', 'second_live_attempt', 'witness_conflict', 'token_unreadable', 'media_missing', 'media_unavailable', 'upload_out_of_step', 'upload_refused', 'tiktok_refused', 'reconnect_needed'];
const WINDOW_MS = 61_000;
const ATTEMPT = { READY: 2, GRANTED: 3, PROCESSING: 4, PUBLISHED: 5, DEAD: 6 };
const DEAD_AFTER_MS = 4_200_000; // FLOW_URL_LIFE_MS and FLOW_URL_MARGIN_MS
const FILES_MAX = 160; // open files of one process; a leak is soon beyond that

/** Everything that is known at the end: what the API, the database and TikTok say. */
export async function evidence(stack, client, people, calls) {
  const posts = [];
  for (const post of people.accepted()) {
    posts.push({ ...post, seen: await client.get(`/api/v1/posts/${post.id}`) });
  }
  return { stack, posts, attempts: attemptsOf(stack), jobs: jobsOf(stack), sessions: await sessionsOf(stack), calls };
}

async function sessionsOf(stack) {
  const all = [];
  for (let before; ;) {
    const { sessions, publications } = await ledger(stack, { limit: 1000, calls: 0, ...(before ? { before } : {}) });
    const counted = new Set(publications.map(({ id }) => id));
    all.push(...sessions.map((session) => ({ ...session, counted: counted.has(session.id) })));
    if (sessions.length < 1000) {
      return all;
    }
    before = sessions.at(-1).id;
  }
}

const rows = (stack, statement) => stack.sql(statement).split('\n').filter(Boolean).map((line) => line.split('\t'));

const attemptsOf = (stack) => rows(stack, "SELECT post_id, attempt_no, state, COALESCE(publish_id, ''), proven, updated_at, reason FROM attempt")
  .map(([post, no, state, publishId, proven, at, reason]) => ({ post, no: Number(no), state: Number(state), publishId, proven: proven === '1', at: Number(at), reason }));

const jobsOf = (stack) => rows(stack, 'SELECT post_id, state, owner, granted, crashes, last_reason FROM job')
  .map(([post, state, owner, granted, crashes, reason]) => ({ post, state: Number(state), owner, granted: Number(granted), crashes: Number(crashes), reason }));

/** Where a session belongs: its caption begins with that of its post. Drafts have none. */
function postOf({ posts, attempts }, { caption, publish_id: publishId }) {
  if (caption === '') {
    return posts.find(({ id }) => id === attempts.find((attempt) => attempt.publishId === publishId)?.post);
  }
  const first = caption.replace(/, edit \d+$/, '');
  return posts.find(({ body }) => body.caption === first);
}

const named = (post) => `${post.name} (id ${post.id}, ${post.seen.status} ${post.seen.status_reason ?? ''})`;
const history = (post) => `\n      ${post.story.join('\n      ')}`;

/** Publications by name of the post they are of. */
function publicationsByPost(all, found) {
  const byPost = new Map(all.posts.map((post) => [post, []]));
  for (const session of all.sessions.filter(({ counted }) => counted)) {
    const post = postOf(all, session);
    if (post) {
      byPost.get(post).push(session);
    } else {
      found?.push(`published, though no such post was ever accepted: "${session.caption}"`);
    }
  }
  return byPost;
}

/** I1: never twice; and 1 means published, 0 means canceled or failed. */
export function neverTwice(all) {
  const found = [];
  for (const [post, publications] of publicationsByPost(all, found)) {
    const { status } = post.seen;
    const wanted = PUBLISHED.includes(status) ? [1] : status === 'needs_attention' ? [0, 1] : [0];
    if (!wanted.includes(publications.length)) {
      found.push(`${named(post)} is at TikTok ${publications.length} times: ${publications.map(({ publish_id, caption }) => `${publish_id} "${caption}"`).join(', ')}${history(post)}`);
    }
  }
  return found;
}

/** I2: what was canceled, moved or edited with a yes never goes out as it was. */
export function promisesKept(all) {
  const found = [];
  for (const [post, publications] of publicationsByPost(all)) {
    for (const publication of publications) {
      const why = brokenPromise(post, publication);
      if (why) {
        found.push(`${named(post)} went out at ${new Date(publication.committed_at_ms).toISOString()}, but ${why}${history(post)}`);
      }
    }
    if (post.live === 'no' && post.seen.status !== 'canceled') {
      found.push(`${named(post)} was canceled${history(post)}`);
    }
    if (post.live === 'yes' && post.seen.status === 'canceled') {
      found.push(`${named(post)} was canceled by nobody${history(post)}`);
    }
    if (!post.captions.has(post.seen.caption)) {
      found.push(`${named(post)} has a text that it was not given: "${post.seen.caption}"${history(post)}`);
    }
  }
  return found;
}

/** I3: every accepted post is there, once, and its end has a reason that is not our fault. */
export function neverLost({ posts, jobs, stack }) {
  const found = [];
  const captions = new Map(rows(stack, "SELECT REGEXP_REPLACE(caption, ', edit [0-9]+$', ''), COUNT(*) FROM post GROUP BY 1"));
  for (const post of posts) {
    const { status, status_reason: reason, status_text: text, next_step: step } = post.seen;
    if (captions.get(post.body.caption) !== '1') {
      found.push(`${named(post)} is stored ${captions.get(post.body.caption) ?? 0} times, though it was created with one Idempotency-Key`);
    }
    if (['failed', 'needs_attention'].includes(status) && !(reason && text && step)) {
      found.push(`${named(post)} ended without a reason and a next step`);
    }
    // What people see of a post in doubt is one reason; the row has the one that led there.
    const { reason: stored } = jobs.find((job) => job.post === post.id) ?? {};
    if (OURS.includes(stored) || OURS.includes(reason)) {
      found.push(`${named(post)}: TikTok's troubles and crashes must not lead to ${stored}${history(post)}`);
    }
    if (reason === 'outcome_unknown' && stored !== 'crashed_often') {
      found.push(`${named(post)} was given up for ${stored || 'no reason'}${history(post)}`);
    }
  }
  return found;
}

/** I4: PUBLISHED in the database is a publication that TikTok has finished, and the same one. */
export function confirmed(all) {
  const found = [];
  for (const [post, publications] of publicationsByPost(all)) {
    const published = all.attempts.filter((attempt) => attempt.post === post.id && attempt.state === ATTEMPT.PUBLISHED);
    if (!PUBLISHED.includes(post.seen.status)) {
      if (published.length > 0) {
        found.push(`${named(post)} has an attempt that was published`);
      }
      continue;
    }
    const is = publications[0];
    if (published.length !== 1 || published[0].publishId !== is?.publish_id) {
      found.push(`${named(post)}: its attempts say ${published.map(({ publishId }) => publishId)}, TikTok says ${is?.publish_id}`);
    } else if (!['PUBLISH_COMPLETE', 'SEND_TO_USER_INBOX'].includes(is.status)) {
      found.push(`${named(post)}: TikTok says ${is.status}`);
    }
  }
  return found;
}

/**
 * Whoever calls a session dead for good has proof: TikTok has said FAILED, or so much time
 * has passed that its address is dead and nothing is under way any more.
 */
export function deathsProven({ attempts, sessions }) {
  const byId = new Map(sessions.map((session) => [session.publish_id, session]));
  return attempts.filter(({ state, proven, publishId }) => state === ATTEMPT.DEAD && proven && byId.has(publishId))
    .map((attempt) => ({ ...attempt, session: byId.get(attempt.publishId) }))
    .filter(({ at, session }) => session.status !== 'FAILED' && at - session.created_at_ms < DEAD_AFTER_MS)
    .map(({ post, no, at, reason, session }) => `attempt ${no} of post ${post} was called dead (${reason}) when it was ${at - session.created_at_ms} ms old and TikTok had not said so (now: ${session.status})`);
}

/** The ledger of attempts and TikTok's sessions tell the same story. */
export function attemptsAgree({ posts, attempts, sessions, jobs }) {
  const found = [];
  const byId = new Map(sessions.map((session) => [session.publish_id, session]));
  const known = new Set();
  for (const { post, no, state, publishId, reason } of attempts.filter(({ publishId }) => publishId !== '')) {
    const session = byId.get(publishId);
    known.add(publishId);
    if (!session) {
      found.push(`attempt ${no} of post ${post} has ${publishId}, which TikTok does not know`);
    } else if (state === ATTEMPT.DEAD && session.counted) {
      found.push(`attempt ${no} of post ${post} is dead (${reason}), but TikTok has it whole: ${session.status}`);
    }
  }
  for (const { post, no, state } of attempts.filter(({ state }) => [ATTEMPT.GRANTED, ATTEMPT.PROCESSING].includes(state))) {
    if (posts.find(({ id }) => id === post)?.seen.status !== 'needs_attention') {
      found.push(`attempt ${no} of post ${post} is still in state ${state}`);
    }
  }
  for (const session of sessions.filter(({ counted, publish_id }) => counted && !known.has(publish_id))) {
    found.push(`TikTok has all of ${session.publish_id} "${session.caption}", which no attempt knows`);
  }
  for (const { post, owner, state } of jobs.filter(({ owner }) => owner !== '0')) {
    found.push(`job ${post} in state ${state} is still held by publisher ${owner}`);
  }
  return found;
}

/**
 * I5: TikTok itself never had to say "too many", but for what it was told to say. When
 * Redis forgets, the windows that lay in it may be used once more, and so may those that
 * each publisher keeps for itself while Redis is away: a refused call is no harm then.
 */
export function windowsKept({ calls }, redisLost) {
  const excused = ({ at_ms }) => redisLost.some(({ from, to }) => at_ms >= from && at_ms <= to + WINDOW_MS);
  return calls.filter(({ status, fault }) => status === 429 && fault === null)
    .filter((call) => !excused(call))
    .map(({ endpoint, username, at_ms }) => `${new Date(at_ms).toISOString()} ${endpoint} of ${username} was one call too many`);
}

/** Every byte arrived, in its place, however often an upload was broken off. */
export async function bytesArrived(all, hashes) {
  const found = [];
  for (const session of all.sessions.filter(({ counted, file }) => counted && file)) {
    const post = postOf(all, session);
    const { body } = await exchange(`${all.stack.sandboxUrl}/media/${session.file}`, { timeout: 60_000 });
    const hash = createHash('sha256').update(body).digest('hex');
    if (post && post.body.kind === 'video' && hash !== hashes.get(post.body.media_ids[0])) {
      found.push(`${named(post)}: ${session.publish_id} has other bytes than its file (${body.length} of ${session.size})`);
    }
  }
  return found;
}

// --- processes

function processesBelow(dir) {
  const found = [];
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      if (readlinkSync(`/proc/${name}/cwd`).startsWith(`${dir}`)) {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
        found.push({ pid: Number(name), parent: Number(stat[1]), state: stat[0], command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() });
      }
    } catch {
      // it has ended meanwhile
    }
  }
  return found;
}

/** Every process of the stack is one that its supervisor knows, or a child of one. */
export function nothingLeaked({ stack, jobs }, names) {
  const found = [];
  const processes = processesBelow(stack.varDir);
  const known = new Set([stack.process.pid, ...names.map((name) => stack.pid(name))]);
  for (let grown = true; grown;) {
    const more = processes.filter(({ pid, parent }) => known.has(parent) && !known.has(pid));
    more.forEach(({ pid }) => known.add(pid));
    grown = more.length > 0;
  }
  for (const { pid, state, command } of processes.filter(({ pid }) => !known.has(pid))) {
    found.push(`process ${pid} (${command}, ${state}) belongs to nobody`);
  }
  for (const name of names.filter((part) => part.startsWith('tts-'))) {
    const files = readdirSync(`/proc/${stack.pid(name)}/fd`).length;
    if (files > FILES_MAX) {
      found.push(`${name} has ${files} open files`);
    }
  }
  const alive = new Set(rows(stack, 'SELECT pid FROM publisher').map(([pid]) => Number(pid)));
  for (const pid of alive) {
    if (!known.has(pid)) {
      found.push(`the lease of process ${pid} is there, the process is not`);
    }
  }
  return jobs.length === 0 ? ['there are no jobs'] : found;
}

/** Nothing of a stack that was stopped runs on. */
export const nothingLeft = (varDir) => processesBelow(varDir).map(({ pid, command }) => `process ${pid} (${command}) runs on`);

/** No program ended in a way that nobody asked for: by an assertion, a sanitizer, a signal. */
export function noneBrokeDown(stack) {
  const asked = [0, 137, 143];
  const found = [...stack.output.matchAll(/^(\S+) ended with status (\d+);/gm)]
    .filter(([, , status]) => !asked.includes(Number(status)))
    .map(([line]) => line);
  for (const name of readdirSync(stack.path('log')).filter((file) => /^tts-.*\.(log|out)$/.test(file))) {
    const bad = /^.*(?:Sanitizer|Assertion|rc=bug|class=bug|database_bug).*$/m.exec(stack.log(name));
    if (bad) {
      found.push(`${name}: ${bad[0].slice(0, 300)}`);
    }
  }
  return found;
}

/** How late the last bytes were, in ms: [median, 90 %, longest]. Told, not judged. */
export function lateness(all) {
  const late = [];
  for (const [post, publications] of publicationsByPost(all)) {
    publications.forEach(({ committed_at_ms }) => late.push(committed_at_ms - Math.max(...post.dues)));
  }
  late.sort((a, b) => a - b);
  return [0.5, 0.9, 1].map((part) => late[Math.max(0, Math.ceil(late.length * part) - 1)]);
}
