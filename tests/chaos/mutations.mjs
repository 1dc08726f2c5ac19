// Rules of the protocol, each broken by a change of a few words. docs/publishing.md tells
// what they are and what became of each.
//
// edits: [file, words that stand there exactly once, words instead].
// caught: [which promise of the soak, in which words]: any of them will do, nothing else.
// redis: 'kept' or 'lost': whether the soak is to leave Redis alone (dice.mjs decides by
// the seed), where it matters.

const TWICE = ['I1', /is at TikTok 2 times/];
const DEAD_BUT_OUT = ['attempts', /is dead \(.*, but TikTok has it whole/];
// Nobody wrote down that it may be out: a cancel would be answered with yes.
const OUT_UNNOTICED = ['I1', /\(id \d+, (scheduled|preparing) .*is at TikTok 1 times/];
const NO_PROOF = ['proof', /was called dead/];
const AGAINST_A_YES = ['I2', /went out at .*, but it/];
const NO_END = ['I3', /does not come to an end/];

// A claim starts from the top, as in an ordinary queue, whatever was granted before.
const FROM_THE_TOP = ['src/store/jobs_claim.c', 'UPDATE job SET state = IF(granted > 0, 3, 2), owner = ?,', 'UPDATE job SET state = 2, granted = 0, owner = ?,'];
// Any witness makes room for another.
const NO_WITNESS = ['src/store/jobs_load.c', ' AND post_id = ? AND state = 6 AND proven = 1"', ' AND post_id = ?"'];
// The engine lets a second attempt live.
const NO_LIVE_INDEX = ['schema/0004_posts.sql', 'UNIQUE KEY u_live (live_post)', 'KEY u_live (live_post)'];
// GRANT writes nothing. What it would have written, under the same guard, is written with
// SENT, when the last byte is out already.
const GRANT_LATE = [
  ['src/store/jobs_write.c', 'return db_transaction(db, grant_steps, &s, err);', 'return s.no > 0 ? RC_OK : db_transaction(db, grant_steps, &s, err);'],
  ['src/store/jobs_write.c', 'enum rc rc = hold_granted(db, s, err);', 'enum rc rc = grant_steps(db, ctx, err);'],
  ['src/store/jobs_batch.c', 'return transact(db, grant_steps, all, err);', 'return all.n > 0 ? RC_OK : transact(db, grant_steps, all, err);'],
  ['src/store/jobs_batch.c', 'enum rc rc = hold_jobs(db, JOB_SQL_HOLD_GRANTED, *all, err);', 'enum rc rc = grant_steps(db, ctx, err);'],
];
const NO_FOUND_ROWS = ['src/store/connect.c', 'url->port, url->socket, CLIENT_FOUND_ROWS)', 'url->port, url->socket, 0)'];

export const MUTATIONS = [
  {
    name: 'reinit',
    what: 'a retry begins a new session although the old one was granted',
    edits: [FROM_THE_TOP],
    caught: [TWICE, ['I3', /must not lead to (witness_conflict|second_live_attempt)/]],
  },
  {
    name: 'reinit-bare',
    what: 'the same, without the witness and the unique index, which stand behind that rule',
    edits: [FROM_THE_TOP, NO_WITNESS, NO_LIVE_INDEX],
    caught: [TWICE],
  },
  {
    name: 'no-grant',
    what: 'the last chunk is sent without the guarded UPDATE of GRANT',
    edits: GRANT_LATE,
    redis: 'lost',
    caught: [AGAINST_A_YES, DEAD_BUT_OUT, OUT_UNNOTICED, TWICE],
  },
  {
    name: 'reinit-no-grant',
    what: 'both at once, and nothing behind them',
    edits: [FROM_THE_TOP, ...GRANT_LATE, NO_WITNESS, NO_LIVE_INDEX],
    caught: [TWICE],
  },
  {
    name: 'death-unanswered',
    what: 'a granted session is dead when TikTok does not answer',
    edits: [['src/publisher/flow/flow.c', 'return unanswered(f, ev);', 'return flow_dead(f, "publish_id_unknown", flow_retry_soon(f));']],
    caught: [TWICE, DEAD_BUT_OUT, NO_PROOF],
  },
  {
    name: 'death-young',
    what: 'a granted session that is not whole is dead after two seconds, not after 70 minutes',
    edits: [
      ['src/publisher/flow/flow.h', 'FLOW_URL_LIFE_MS = 3600000,', 'FLOW_URL_LIFE_MS = 2000,'],
      ['src/publisher/flow/flow.h', 'FLOW_URL_MARGIN_MS = 600000,', 'FLOW_URL_MARGIN_MS = 0,'],
      ['src/publisher/flow/flow.h', 'FLOW_PROOF_GAP_MS = 60000,', 'FLOW_PROOF_GAP_MS = 1000,'],
    ],
    caught: [TWICE, DEAD_BUT_OUT, NO_PROOF],
  },
  {
    name: 'blind-rescue',
    what: 'what a dead publisher had ever claimed is due again, whatever has become of it',
    edits: [
      ['src/store/publishers.c', '"UPDATE job SET owner = 0, next_at = LEAST(next_at, " SQL_NOW "),"', '"UPDATE job SET state = 1, owner = 0, next_at = LEAST(next_at, " SQL_NOW "),"'],
      ['src/store/publishers.c', '" crashes = LEAST(crashes + ?, 255), updated_at = " SQL_NOW\n                " WHERE owner = ? AND state IN (?, ?)"', '" crashes = LEAST(crashes + ?, 255), updated_at = " SQL_NOW\n                " WHERE post_id IN (SELECT post_id FROM job_event WHERE inc = ?)"\n                " AND ? <> ?"'],
      ['src/store/grants.c', '{"tts_publisher", "job_event", "SELECT (event_id, at),INSERT,DELETE"},', '{"tts_publisher", "job_event", "SELECT,INSERT,DELETE"},'],
    ],
    caught: [NO_END, AGAINST_A_YES],
  },
  {
    name: 'found-rows',
    what: 'connections without CLIENT_FOUND_ROWS, nor the check of it',
    edits: [NO_FOUND_ROWS, ['src/store/connect.c', 'if (mysql_affected_rows(db->mysql) != 1)', 'if (mysql_affected_rows(db->mysql) > 1)']],
    caught: [['I3', /does not come to an end: \w+ media_not_fetched/]],
  },
  {
    name: 'gcra',
    what: 'GCRA(6, 10 s) in the place of the exact window of six calls a minute',
    edits: [
      ['src/queue/scripts/take.lua', "  local oldest = redis.call('LINDEX', ring, limit - 1 - cut)\n  return oldest and tonumber(oldest) + window or 0\n", "  return tonumber(redis.call('GET', ring .. ':tat') or '0') - (limit - 1 - cut) * 10000\n"],
      ['src/queue/scripts/take.lua', "    redis.call('LPUSH', ring, text(math.max(now, tonumber(head[2]))))\n    redis.call('LTRIM', ring, 0, limit - 1)\n    redis.call('PEXPIRE', ring, window * 2)\n", "    local tat = math.max(now, tonumber(redis.call('GET', ring .. ':tat') or '0')) + 10000\n    redis.call('SET', ring .. ':tat', text(tat), 'PX', window * 2)\n"],
    ],
    redis: 'kept',
    caught: [['I5', /_init of .* was one call too many/]],
  },
];
