// Webhooks of TikTok made by the test itself, signed with the stack's client secret or
// with another, and what became of them.
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { exchange } from '../../tools/lib/client.mjs';
import { eventually } from './stack.mjs';
import { CLIENT_KEY } from './sandbox.mjs';

export const nowS = () => Math.floor(Date.now() / 1000);

const secretOf = (stack) => /^SANDBOX_CLIENT_SECRET=(.*)$/m.exec(readFileSync(stack.path('secrets'), 'utf8'))[1];

/** The value of TikTok-Signature for a body at a time. */
export const sign = (stack, body, t = nowS(), secret = secretOf(stack)) => `t=${t},s=${createHmac('sha256', secret).update(`${t}.`).update(body).digest('hex')}`;

/** An event's body as TikTok writes it: the content is JSON within a text. */
export const bodyOf = (event, openId, content, { at = nowS(), key = CLIENT_KEY } = {}) => JSON.stringify({ client_key: key, event, create_time: at, user_openid: openId, content: JSON.stringify(content) });

/** Sends bytes as a webhook; header false leaves the signature out. */
export const send = (stack, body, header, { name = 'TikTok-Signature', method = 'POST', type = 'application/json' } = {}) =>
  exchange(`${stack.url}/api/webhooks/tiktok`, { method, body, headers: { 'content-type': type, ...(header === false ? {} : { [name]: header ?? sign(stack, body) }) } });

/** The rows that were kept of a body, oldest first: {state, event, reason}. */
export const rowsOf = (stack, body) =>
  stack
    .sql(`SELECT state, event, reason FROM webhook_inbox WHERE body_hash = UNHEX('${createHash('sha256').update(body).digest('hex')}') ORDER BY inbox_id`)
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'))
    .map(([state, event, reason]) => ({ state: { 1: 'waiting', 2: 'running', 4: 'applied', 5: 'refused' }[state], event, reason }));

/** Waits until every row of a body has ended and answers "state reason" of the last. */
export async function endOf(stack, body, n = 1) {
  const rows = await eventually(
    () => {
      const found = rowsOf(stack, body);
      return found.length >= n && found.every(({ state }) => state === 'applied' || state === 'refused') && found;
    },
    { what: `the webhook to be looked at: ${body}` },
  );
  return `${rows.at(-1).state} ${rows.at(-1).reason}`;
}

/** Sends a signed event and waits for its end. */
export async function deliver(stack, event, openId, content, options) {
  const body = bodyOf(event, openId, content, options);
  const answer = await send(stack, body);
  if (answer.status !== 200) {
    throw new Error(`the webhook was answered ${answer.status}: ${answer.text}`);
  }
  return endOf(stack, body);
}
