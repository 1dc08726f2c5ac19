// What else must happen, before a post and beside it, for the publisher to pass a fault
// point; and what is put right again.
import { setFault } from './sandbox.mjs';
import { sleep } from './stack.mjs';
import { bodyOf, send } from './webhooks.mjs';

/** Points that only what TikTok fetches leads to. */
export const fetchedOnly = /^(open|adopt|close|name)\./;

/**
 * Does it until over() says so: whoever is told that it failed, or whose wish another has
 * carried out, asks again, so that the one that is to die meets it in the end.
 */
export async function repeatedly(deed, over) {
  while (deed && !over()) {
    await Promise.resolve(deed()).catch(() => {});
    await sleep(100);
  }
}

/** at: {stack, client, account()}; account: the id of the one that is refreshed and asked about. */
export function provocations({ stack, client, account }) {
  return [
    { points: /^end\./, before: ({ init }) => setFault(stack, { endpoint: init, status: 500, count: 1 }) },
    { points: /^dead\./, before: () => setFault(stack, { fail_reason: 'internal' }) },
    {
      points: /^limit\./,
      before: ({ init }) => setFault(stack, { endpoint: init, code: 'spam_risk_too_many_posts', http: 403, count: 1 }),
      // else the account waits for a day
      mend: () => stack.sql('UPDATE account SET blocked_until = 0, pauses = 0, daily_cap = 0; UPDATE job SET next_at = 1, limited_until = 0 WHERE state = 1 AND limited_until > 0'),
    },
    { points: /^tok\./, before: () => stack.sql('UPDATE account_token SET rf_next = 1, rf_until = 0') },
    { points: /^connect\./, beside: () => client.connect() },
    { points: /^hook\./, beside: () => send(stack, bodyOf('post.publish.complete', '', { publish_id: stack.sql('SELECT publish_id FROM attempt WHERE state = 5 LIMIT 1').trim() })) },
    {
      points: /^task\./,
      beside: () => {
        stack.sql('UPDATE account SET creator_info_at = 0'); // else the last answer is good for 30 s
        return client.request('GET', `/api/v1/accounts/${account()}/creator-info`);
      },
    },
  ];
}
