// What people are told without asking: banners on every page, the list, the switch for mail.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { assertAccessible, assertClean, assertFitsPhone, openPage, signIn, startBrowser } from '../harness/browser.mjs';
import { change, setFault } from '../harness/sandbox.mjs';
import { fateOf, inMs, postOf, startWorld } from '../harness/world.mjs';

let stack;
let browser;
let page;
let problems;
let client;
let account;
let media;
before(async () => {
  ({ stack, client, account, media } = await startWorld());
  browser = await startBrowser();
  ({ page, problems } = await openPage(browser, { ignore: [/status of 401/] })); // before the sign-in
  await signIn(page, stack);
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});
afterEach(() => assertClean(problems));

const post = async (caption, due) => (await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { caption, publish_at: inMs(due) }) })).json;

describe('notifications', () => {
  test('are announced on the page, listed with what to do, and then read', async () => {
    await setFault(stack, { fail_reason: 'file_format_check_failed', count: 1 });
    const { id } = await post('a film of the wrong kind', 700);
    assert.equal((await fateOf(client, id)).status, 'failed');
    await page.reload();
    await page.getByRole('link', { name: 'One new notification' }).click();
    await page.getByRole('heading', { level: 1, name: 'Notifications' }).waitFor();
    await page.getByRole('link', { name: 'Not posted: a film of the wrong kind' }).waitFor();
    await page.getByText('Convert it').waitFor();
    await assertAccessible(page, '50-notifications');
    await assertFitsPhone(page, '50-notifications');
    const told = page.waitForResponse((answer) => answer.url().includes('/api/v1/changes'));
    await page.goto(`${stack.url}/queue`);
    await page.getByRole('heading', { level: 1, name: 'Queue' }).waitFor();
    await told;
    assert.equal(await page.getByRole('link', { name: 'new notification' }).count(), 0, 'who has seen the list is not told again');
  });

  test('by mail are switched off under Settings', async () => {
    await page.goto(`${stack.url}/settings`);
    const box = page.getByRole('checkbox', { name: 'Tell me by mail as well' });
    await box.waitFor();
    assert.equal(await box.isChecked(), true);
    const saved = page.waitForResponse((answer) => answer.request().method() === 'PATCH');
    await box.click();
    await saved;
    assert.deepEqual(await client.get('/api/v1/notifications/settings'), { mail: false });
    await assertAccessible(page, '51-settings');
  });
});

describe('a limit of TikTok\'s', () => {
  test('is told beside the post and the account', async () => {
    await change(stack, 'ann.example', { post_cap: 0 });
    const { id } = await post('one too many', 700);
    await client.until(`/api/v1/posts/${id}`, ({ status_reason: reason }) => reason === 'daily_post_limit');
    await page.goto(`${stack.url}/queue?post=${id}`);
    await page.getByText(/Moved later: .* Next try /).first().waitFor();
    await assertAccessible(page, '52-limited');
    await page.goto(`${stack.url}/accounts`);
    await page.getByText(/post nothing more until/).waitFor();
    await assertAccessible(page, '53-limited-account');
  });
});

describe('no publisher', () => {
  test('is said on every page', async () => {
    await stack.hold('tts-publisher', 'SIGKILL');
    await page.getByText('No publisher is running').waitFor({ timeout: 90_000 });
    await assertAccessible(page, '54-alarm');
    await stack.start('tts-publisher');
  });
});
