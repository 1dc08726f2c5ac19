// Rows for measurements: people and tokens of the simulator, accounts, files and posts.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { exchange } from '../../tools/lib/client.mjs';
import { BUILD_DIR } from '../harness/stack.mjs';

const NEVER = '9223372036854775807';
const NOW = 'CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)';
const SEED_AT_ONCE = 50;
const SCOPES = 'user.info.basic,video.upload,video.publish';

async function control(stack, method, path, json) {
  const answer = await exchange(`${stack.sandboxUrl}/sandbox${path}`, { method, body: JSON.stringify(json), headers: { 'content-type': 'application/json' } });
  if (answer.status > 299) {
    throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  }
  return answer.json;
}

/** One person of the simulator, connected as account id; answers the row and the tokens. */
async function person(stack, id) {
  const username = `bench.${id}`;
  await control(stack, 'POST', '/users', { username });
  await control(stack, 'PATCH', `/users/${username}`, { post_cap: 1_000_000 });
  const permit = await control(stack, 'POST', '/permits', { username, scopes: SCOPES });
  const row = `(${id}, 1, '${permit.open_id}', '${username}', 'Bench ${id}', '${SCOPES}', 1, ${NOW}, ${NOW}, ${NOW}, ${NOW} + 80000000, ${NOW} + 30000000000)`;
  return { row, token: permit.access_token, line: `${id} 1 ${permit.access_token} ${permit.refresh_token}\n` };
}

/** People of the simulator whose accounts are connected, numbered from 1; answers their access tokens. */
export async function seedAccounts(stack, count, { from = 1 } = {}) {
  const tokens = [];
  for (let first = from; first < from + count; first += SEED_AT_ONCE) {
    const ids = Array.from({ length: Math.min(SEED_AT_ONCE, from + count - first) }, (_, i) => first + i);
    const people = await Promise.all(ids.map((id) => person(stack, id)));
    stack.sql(`INSERT INTO account (account_id, workspace_id, open_id, username, display_name, scopes, connected_by, connected_at, created_at, updated_at,
      access_expires_at, refresh_expires_at) VALUES ${people.map(({ row }) => row).join()}`);
    stack.sql(execFileSync(join(BUILD_DIR, 'bench/bench_seal'), [stack.path('keys/token.key')], { input: people.map(({ line }) => line).join(''), encoding: 'utf8' }));
    tokens.push(...people.map(({ token }) => token));
  }
  return tokens;
}

/** A ready file of the library without a check; answers {id, file, bytes}. */
export function seedFile(stack, id, bytes) {
  const key = 'abcdefghijklmnopqrstuvwxyz'.replace(/^./, String.fromCharCode(96 + id));
  const file = stack.path('media', key.slice(0, 2), key);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, Buffer.alloc(bytes, 'not a film, but the simulator is told not to look. '));
  stack.sql(`INSERT INTO media (media_id, workspace_id, created_by, blob_key, filename, mime, kind, state, bytes, width, height, duration_ms, next_at, created_at,
    updated_at) VALUES (${id}, 1, 1, '${key}', 'bench.mp4', 'video/mp4', 1, 2, ${bytes}, 720, 1280, 6000, ${NEVER}, ${NOW}, ${NOW})`);
  return { id, file, bytes };
}

/**
 * Scheduled posts, spread evenly over the accounts. due is SQL of a time in which seq
 * counts from 1; they are looked at lead ms before it.
 */
export function seedPosts(stack, count, { due, lead = 2000, media = 1, accounts, firstAccount = 1, caption }) {
  stack.sql(`
    INSERT INTO post (account_id, list_at, workspace_id, created_by, kind, mode, media_ids, caption, privacy_level, tz, consent, created_at, updated_at)
      SELECT ${firstAccount} + seq MOD ${accounts}, ${due}, 1, 1, 1, 1, '${media}', '${caption}', 'SELF_ONLY', 'UTC', '{"music_usage":true,"branded_content":false}', ${NOW}, ${NOW}
      FROM seq_1_to_${count};
    INSERT INTO job (post_id, workspace_id, account_id, state, due_at, next_at, updated_at)
      SELECT p.post_id, 1, p.account_id, 1, p.list_at, p.list_at - ${lead}, p.updated_at FROM post p LEFT JOIN job j USING (post_id) WHERE j.post_id IS NULL;
    INSERT INTO post_media SELECT p.post_id, 0, 1, ${media} FROM post p LEFT JOIN post_media m USING (post_id) WHERE m.post_id IS NULL;`);
}

/** Opens every account's rate windows: Redis forgets them, and the ledger cannot tell it of calls of the last minute. */
export function openWindows(stack) {
  stack.sql(`UPDATE attempt SET created_at = created_at - 200000 WHERE created_at > ${NOW} - 200000`);
  execFileSync('redis-cli', ['-s', stack.path('run/redis.sock'), 'FLUSHALL']);
}

/** SQL of an instant so many ms from now. */
export const inMs = (ms) => `${NOW} + ${ms}`;
