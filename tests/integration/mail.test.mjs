// Notifications by mail: to whom, once, by TLS, and never in the way of a post.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { onTime } from '../harness/pulse.mjs';
import { clearFaults, setFault } from '../harness/sandbox.mjs';
import { MailServer, certificate, headerOf, textOf } from '../harness/smtp.mjs';
import { eventually } from '../harness/stack.mjs';
import { fateOf, inMs, openWindows, postOf, startWorld } from '../harness/world.mjs';

let dir;
let trusted;
let other;
let mail;
let stack;
let client;
let account;
let media;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tts-mail-'));
  trusted = certificate(dir, 'trusted');
  other = certificate(dir, 'other');
  mail = await MailServer.start({ tls: trusted, login: 'tts:secret' });
  ({ stack, client, account, media } = await startWorld({ env: { ...settings(mail), MAIL_FROM: 'Der Planer für alle <tts@example.com>' } }));
});
after(async () => {
  await stack?.stop();
  await mail?.stop();
  await rm(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  await clearFaults(stack);
  await openWindows(stack);
  mail.mails.length = 0;
  mail.refuse = {};
  mail.hangAfterData = false;
});

const settings = (server, { scheme = 'smtp', host = 'localhost', ca = trusted } = {}) => ({ SMTP_URL: `${scheme}://tts:secret@${host}:${server.port}`, SMTP_CA_FILE: ca.certFile });
const post = async (due, extra = {}) => (await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { publish_at: inMs(due), ...extra }) })).json;
/** A post that fails, and so is told of. */
const failing = async (caption) => {
  await setFault(stack, { fail_reason: 'file_format_check_failed', count: 1 });
  const { id } = await post(700, { caption });
  assert.equal((await fateOf(client, id)).status, 'failed');
  return id;
};
const arrived = (n = 1, ms = 20_000) => eventually(() => mail.mails.length >= n && mail.mails, { ms, what: `${n} mails` });
const tasks = (state) => Number(stack.sql(`SELECT COUNT(*) FROM task WHERE kind = 5 AND state = ${state}`).trim());
const failuresOf = () => Number(stack.sql('SELECT COALESCE(MAX(fails), 0) FROM task WHERE kind = 5').trim());
const forget = () => stack.sql('DELETE FROM task WHERE kind = 5');

describe('a notification', () => {
  test('is mailed once, by TLS and with our credentials, with what to do and a link', async () => {
    const id = await failing('Grüße 🎈\r\nBcc: eve@example.com');
    const [{ from, to, secure, user, message }] = await arrived();
    assert.deepEqual([from, to, secure, user], ['tts@example.com', [stack.facts.email], true, 'tts']);
    assert.equal(headerOf(message, 'From'), 'Der Planer für alle <tts@example.com>');
    assert.match(headerOf(message, 'Subject'), /^Not posted: Grüße 🎈 {1,2}Bcc: eve@example\.com$/);
    assert.equal(headerOf(message, 'Bcc'), undefined);
    assert.match(headerOf(message, 'Message-ID'), /^<notification-\d+\.\d+@example\.com>$/);
    assert.ok(Math.abs(Date.parse(headerOf(message, 'Date')) - Date.now()) < 60_000);
    assert.match(textOf(message), /Convert it/);
    assert.ok(textOf(message).includes(`/queue?post=${id}`));
    await eventually(() => tasks(4) === 1, { what: 'the task to be done' });
    await failing('another');
    await arrived(2);
    assert.equal(mail.mails.filter(({ message: m }) => headerOf(m, 'Subject').includes('Grüße')).length, 1);
  });

  test('is not mailed to who does not want it', async () => {
    await client.expect(200, 'PATCH', '/api/v1/notifications/settings', { json: { mail: false } });
    await failing('not wanted');
    await eventually(() => stack.sql('SELECT COUNT(*) FROM notification WHERE mailed_at IS NULL').trim() === '0', { what: 'the round that leaves them out' });
    await client.expect(200, 'PATCH', '/api/v1/notifications/settings', { json: { mail: true } });
    await failing('wanted');
    await arrived();
    assert.deepEqual(mail.mails.map(({ message }) => headerOf(message, 'Subject')), ['Not posted: wanted']);
  });
});

describe('a mail server in trouble', () => {
  test('is tried again, and posts go out meanwhile', async () => {
    forget();
    mail.refuse = { mail: [451] };
    await failing('later');
    await eventually(() => failuresOf() === 1, { ms: 20_000, what: 'a first try' });
    const due = Date.now() + 1500;
    const { id } = await post(1500, { caption: 'meanwhile' });
    const done = await fateOf(client, id);
    assert.equal(done.status, 'published_private');
    onTime(Date.parse(done.published_at) - due, 'meanwhile', 5000);
    mail.refuse = {};
    stack.sql('UPDATE task SET next_at = 1 WHERE kind = 5 AND state = 1');
    await arrived();
    await eventually(() => tasks(4) === 1, { what: 'the task to be done' });
  });

  test('that refuses for good is not asked again', async () => {
    forget();
    mail.refuse = { rcpt: [550] };
    await failing('refused');
    await eventually(() => tasks(5) === 1, { ms: 20_000, what: 'the task to fail' });
  });

  test('that takes a mail and says nothing does not get it twice', async () => {
    forget();
    mail.hangAfterData = true;
    await failing('unclear');
    await eventually(() => tasks(4) === 1, { ms: 20_000, what: 'the task to end' });
    assert.equal(mail.mails.length, 1);
    assert.match(stack.log('tts-publisher.log'), /code=mail_unclear/);
  });
});

describe('a connection', () => {
  /** Sends one failing post's mail with other settings; answers how it ended. */
  const withSettings = async (env, probe) => {
    await stack.restart('tts-publisher', { env });
    forget();
    await failing(`by ${Object.values(env)[0]}`);
    await eventually(probe, { ms: 25_000, what: 'the try' });
  };

  test('to a server with a certificate of somebody else is not used', async () => {
    await withSettings(settings(mail, { ca: other }), () => failuresOf() === 1);
    assert.equal(mail.mails.length, 0);
  });

  test('without TLS is used to this machine only', async () => {
    const plain = await MailServer.start({ login: 'tts:secret' });
    await withSettings({ SMTP_URL: `smtp://tts:secret@${hostname()}:${plain.port}`, SMTP_CA_FILE: '' }, () => failuresOf() === 1);
    assert.deepEqual([plain.mails.length, plain.commands.includes('AUTH')], [0, false], 'not even the password');
    await withSettings({ SMTP_URL: `smtp://tts:secret@127.0.0.1:${plain.port}`, SMTP_CA_FILE: '' }, () => plain.mails.length === 1);
    await plain.stop();
  });

  test('may be TLS from its first byte', async () => {
    const direct = await MailServer.start({ tls: trusted, implicit: true, login: 'tts:secret' });
    await withSettings(settings(direct, { scheme: 'smtps' }), () => direct.mails.length === 1);
    assert.equal(direct.mails[0].secure, true);
    await direct.stop();
  });
});
