// What a person sees when something fails: a session that ended, a server that went away,
// an upload that was interrupted, a post that TikTok refused.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { assertAccessible, assertClean, chooseFiles, openPage, signIn, startBrowser } from '../harness/browser.mjs';
import { makeVideo } from '../harness/media.mjs';
import { setFault, clearFaults } from '../harness/sandbox.mjs';
import { eventually } from '../harness/stack.mjs';
import { inMs, postOf, startWorld } from '../harness/world.mjs';

let stack;
let browser;
let page;
let context;
let problems;
let client;
let account;
let media;
before(async () => {
  ({ stack, client, account, media } = await startWorld());
  browser = await startBrowser();
  // These tests make the server fail, and Chromium reports each failed request.
  ({ page, context, problems } = await openPage(browser, { ignore: [/status of (401|409|423|502|503)/, /ERR_(CONNECTION|EMPTY|FAILED|INTERNET)/] }));
  await signIn(page, stack);
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});
afterEach(() => assertClean(problems));

describe('every way back from TikTok', () => {
  for (const code of ['access_denied', 'state_invalid', 'state_expired', 'state_reused', 'missing_scope', 'redirect_mismatch', 'code_expired', 'client_invalid', 'publisher_away', 'tiktok_unavailable', 'account_taken', 'non_sandbox_target', 'no_refresh_token', 'unknown']) {
    test(`${code} says the cause and what to do`, async () => {
      await page.goto(`${stack.url}/accounts?error=${code}`);
      await page.getByText('What to do:').waitFor();
      const text = await page.getByRole('main').innerText();
      assert.ok(!text.includes(code), `the bare code is shown: ${text}`);
    });
  }
});

describe('a post that TikTok refused', () => {
  test('is shown with the reason and the next step', async () => {
    await setFault(stack, { endpoint: 'video_init', code: 'spam_risk_user_banned_from_posting', http: 403, count: 1 });
    await client.expect(201, 'POST', '/api/v1/posts', { json: postOf(account, media, { caption: 'refused by TikTok', publish_at: inMs(700) }) });
    await page.goto(`${stack.url}/queue`);
    await eventually(async () => ['failed', 'needs_attention'].includes((await client.get('/api/v1/posts?limit=1')).items[0].status), { ms: 30_000, what: 'the refusal' });
    const { status } = (await client.get('/api/v1/posts?limit=1')).items[0];
    await page.goto(`${stack.url}/queue?tab=${status === 'failed' ? 'failed' : 'attention'}`);
    await page.getByRole('link', { name: 'refused by TikTok' }).waitFor();
    await assertAccessible(page, '30-refused');
    await clearFaults(stack);
  });
});

describe('a session that ended', () => {
  test('is renewed in place, and what was written stays', async () => {
    await page.goto(`${stack.url}/compose`);
    await page.getByLabel('Caption').fill('written before the session ended');
    await context.clearCookies();
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
    await dialog.waitFor({ timeout: 60_000 });
    await assertAccessible(page, '31-session-ended');
    await dialog.getByLabel('Password', { exact: true }).fill(stack.facts.password);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.waitFor({ state: 'hidden' });
    assert.equal(await page.getByLabel('Caption').inputValue(), 'written before the session ended');
  });
});

describe('the server away', () => {
  test('is said, and forgotten when it is back', async () => {
    await page.goto(`${stack.url}/queue`);
    // A page that had nothing yet says instead that it could not be loaded.
    await page.getByRole('heading', { level: 1, name: 'Queue' }).waitFor();
    await stack.hold('tts-api');
    // An idle page asks once a minute; one to which its person comes back asks at once.
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await page.getByText('The server cannot be reached').waitFor({ timeout: 60_000 });
    await assertAccessible(page, '32-server-away');
    await stack.start('tts-api');
    await page.getByText('The server cannot be reached').waitFor({ state: 'hidden', timeout: 120_000 });
  });
});

describe('an upload during which the workers restart', () => {
  test('goes on by itself', async () => {
    const video = await makeVideo(stack.path('tmp', 'long.mp4'), { seconds: 4, padTo: 200 << 20 });
    await page.goto(`${stack.url}/media`);
    await chooseFiles(page, 'Upload files', video);
    await page.getByRole('progressbar').waitFor();
    await stack.restart('tts-api');
    await eventually(async () => (await client.get('/api/v1/media')).items.some(({ filename, status }) => filename === 'long.mp4' && status === 'ready'), { ms: 60_000, every: 200, what: 'the upload to finish' });
  });
});
