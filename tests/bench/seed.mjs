// Rows for measurements: people and tokens of the simulator, accounts, files and posts.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { exchange } from '../../tools/lib/client.mjs';
import { BUILD_DIR } from '../harness/stack.mjs';

const NEVER = '9223372036854775807';
const NOW = 'CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)';
const SCOPES = 'user.info.basic,video.upload,video.publish';

async function control(stack, method, path, json) {
  const answer = await exchange(`${stack.sandboxUrl}/sandbox${path}`, { method, body: JSON.stringify(json), headers: { 'content-type': 'application/json' } });
  if (answer.status > 299) {
    throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  }
  return answer.json;
}

/** People of the simulator whose accounts are connected; answers their access tokens. */
export async function seedAccounts(stack, count) {
  const lines = [];
  const tokens = [];
  for (let id = 1; id <= count; id++) {
    await control(stack, 'POST', '/users', { username: `bench.${id}` });
    await control(stack, 'PATCH', `/users/bench.${id}`, { post_cap: 1_000_000 });
    const permit = await control(stack, 'POST', '/permits', { username: `bench.${id}`, scopes: SCOPES });
    stack.sql(`INSERT INTO account (account_id, workspace_id, open_id, username, display_name, scopes, connected_by, connected_at, created_at, updated_at,
      access_expires_at, refresh_expires_at) VALUES (${id}, 1, '${permit.open_id}', 'bench.${id}', 'Bench ${id}', '${SCOPES}', 1, ${NOW}, ${NOW}, ${NOW},
      ${NOW} + 80000000, ${NOW} + 30000000000)`);
    lines.push(`${id} 1 ${permit.access_token} ${permit.refresh_token}\n`);
    tokens.push(permit.access_token);
  }
  stack.sql(execFileSync(join(BUILD_DIR, 'bench/bench_seal'), [stack.path('keys/token.key')], { input: lines.join(''), encoding: 'utf8' }));
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
export function seedPosts(stack, count, { due, lead = 2000, media = 1, accounts, caption }) {
  stack.sql(`
    INSERT INTO post (account_id, list_at, workspace_id, created_by, kind, mode, media_ids, caption, privacy_level, tz, consent, created_at, updated_at)
      SELECT 1 + seq MOD ${accounts}, ${due}, 1, 1, 1, 1, '${media}', '${caption}', 'SELF_ONLY', 'UTC', '{"music_usage":true,"branded_content":false}', ${NOW}, ${NOW}
      FROM seq_1_to_${count};
    INSERT INTO job (post_id, workspace_id, account_id, state, due_at, next_at, updated_at)
      SELECT p.post_id, 1, p.account_id, 1, p.list_at, p.list_at - ${lead}, p.updated_at FROM post p LEFT JOIN job j USING (post_id) WHERE j.post_id IS NULL;
    INSERT INTO post_media SELECT p.post_id, 0, 1, ${media} FROM post p LEFT JOIN post_media m USING (post_id) WHERE m.post_id IS NULL;`);
}

/** SQL of an instant so many ms from now. */
export const inMs = (ms) => `${NOW} + ${ms}`;
