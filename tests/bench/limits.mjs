// Ten posts each of very many accounts, due within the same minute, under TikTok's own
// limits: is any window exceeded, and does any account wait longer than its limit says?
import { eventually } from '../harness/stack.mjs';
import { ledger, turn } from '../harness/sandbox.mjs';
import { percentile } from './measure.mjs';
import { inMs, openWindows, seedAccounts, seedFile, seedPosts } from './seed.mjs';

const ACCOUNTS = Number(process.env.BENCH_ACCOUNTS ?? 300);
const EACH = 10;
const POSTS = ACCOUNTS * EACH;
const FIRST = 20_001; // account_id
const FILE = 8; // media_id
const BYTES = 20_000;
const AHEAD_MS = 36_000;
const LEAD_MS = 30_000; // as the API gives a small video
const PER_MINUTE = 6; // inits an account; docs/tiktok.md 8
const WINDOW_MS = 60_000;
const OUR_WINDOW_MS = 61_000;
const PAGE = 1000;
const CAPTION = 'bench limits';

async function sessions(stack) {
  const all = [];
  for (let before; ; ) {
    const page = (await ledger(stack, { caption: CAPTION, limit: PAGE, calls: 0, sessions: 1, ...(before && { before }) })).sessions;
    all.push(...page);
    if (page.length < PAGE) {
      return all;
    }
    before = page.at(-1).id;
  }
}

/** By account: when its sessions were opened and its posts published, each ascending. */
function byAccount(list) {
  const accounts = new Map();
  for (const { username, created_at_ms, committed_at_ms } of list) {
    const account = accounts.get(username) ?? { opened: [], published: [] };
    account.opened.push(created_at_ms);
    if (committed_at_ms) {
      account.published.push(committed_at_ms);
    }
    accounts.set(username, account);
  }
  const ascending = (a, b) => a - b;
  return [...accounts.values()].map(({ opened, published }) => ({ opened: opened.sort(ascending), published: published.sort(ascending) }));
}

/** The most calls that fall into one window. */
const most = (times) => Math.max(...times.map((from) => times.filter((time) => time >= from && time < from + WINDOW_MS).length));

export async function limits({ stack, table }) {
  await turn(stack, { init_per_min: null, creator_per_min: null, status_per_min: null, discard_bodies: 1, check_media: 0, processing_ms: 2000, moderation_ms: 0 });
  await seedAccounts(stack, ACCOUNTS, { from: FIRST });
  seedFile(stack, FILE, BYTES);
  openWindows(stack);
  const step = 60_000 / POSTS;
  seedPosts(stack, POSTS, { due: `${inMs(AHEAD_MS)} + FLOOR(seq * ${step})`, lead: LEAD_MS, media: FILE, accounts: ACCOUNTS, firstAccount: FIRST, caption: CAPTION });
  const mine = `FROM job JOIN post USING (post_id) WHERE caption = '${CAPTION}'`;
  const [firstDue, lastDue] = stack.sql(`SELECT MIN(due_at), MAX(due_at) ${mine}`).trim().split('\t').map(Number);
  await stack.start('tts-publisher', { env: { PUBLISH_INFLIGHT: '256' } });
  await eventually(() => stack.sql(`SELECT COUNT(*) ${mine} AND state = 4`).trim() === String(POSTS), { ms: 400_000, every: 1000, what: `${POSTS} posts to be published` });
  await stack.hold('tts-publisher');
  const list = await sessions(stack);
  const accounts = byAccount(list);
  const published = accounts.flatMap((account) => account.published);
  if (published.length !== POSTS || list.length < POSTS) {
    throw new Error(`${published.length} publications and ${list.length} sessions of ${POSTS}`);
  }
  // The last post of an account can be out no sooner than its tenth session may be opened.
  const waits = accounts.map(({ opened, published: times }) => times.at(-1) - Math.max(lastDue, opened.at(-1 - PER_MINUTE) + OUR_WINDOW_MS));
  const what = `${POSTS} posts of ${ACCOUNTS} accounts within a minute`;
  table.add(`${what}: most inits of one account in a minute`, 'calls', Math.max(...accounts.map(({ opened }) => most(opened))), { atMost: PER_MINUTE, of: 'value' });
  table.add('  accounts with a post that did not go out', 'accounts', accounts.filter((account) => account.published.length !== EACH).length, { atMost: 0, of: 'value' });
  table.add('  an account done, after its limit allowed the last one: half of them', 'ms', percentile(waits, 50));
  table.add('  99 of 100', 'ms', percentile(waits, 99));
  table.add('  the last', 'ms', Math.max(...waits));
  table.add('  all out, after the first was due', 's', (Math.max(...published) - firstDue) / 1000);
}
