// A video that TikTok would refuse, in Chromium: told why, repaired, called off, and the result used in the post. What
// becomes of the bytes is tests/integration's.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, afterEach, before, describe, test } from 'node:test';
import { assertAccessible, assertClean, assertFitsPhone, chooseFiles, openPage, signIn, startBrowser } from '../harness/browser.mjs';
import { makeVideo } from '../harness/media.mjs';
import { Stack, eventually } from '../harness/stack.mjs';
import { connectAccount } from '../harness/world.mjs';

let stack;
let client;
let browser;
let page;
let problems;
const files = {};
before(async () => {
  stack = await Stack.start();
  client = await stack.signedIn();
  await connectAccount(client);
  files.choppy = makeVideo(stack.path('tmp', 'choppy.mp4'), { rate: 15 });
  files.phone = makeVideo(stack.path('tmp', 'phone.mov'));
  files.large = stack.path('tmp', 'large.mp4');
  execFileSync('ffmpeg', [
    '-nostdin', '-loglevel', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=1080x1920:rate=15:duration=20',
    '-vf', 'noise=alls=20:allf=t', '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '40', '-pix_fmt', 'yuv420p', files.large,
  ]);
  browser = await startBrowser();
  // Without a session the first answer is 401.
  ({ page, problems } = await openPage(browser, { ignore: [/status of 401/] }));
  await signIn(page, stack);
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});
afterEach(() => assertClean(problems));

const box = (name) => page.getByRole('group', { name: `Repair of ${name}` });
const button = (name, inside = page) => inside.getByRole('button', { name, exact: true });

describe('a video that TikTok would refuse', () => {
  test('says why in the composer, and what can be done', async () => {
    await page.goto(`${stack.url}/compose`);
    await chooseFiles(page, 'Choose files', files.choppy);
    await page.locator('.chosen').getByText('The video has 15 frames per second; TikTok takes 23 to 60.').waitFor();
    await page.getByText('Converts it to MP4 with H.264, 30 frames per second. Your file stays as it is.').waitFor();
    await assertAccessible(page, '50-repair-offer');
    await assertFitsPhone(page, '50-repair-offer');
  });

  test('is repaired at a key, and the result is used in the post', async () => {
    await button('Repair').focus();
    await page.keyboard.press('Enter');
    await page.getByText('It is repaired').waitFor({ timeout: 60_000 });
    assert.ok(await page.evaluate(() => document.activeElement.closest('[role=group]')?.getAttribute('aria-label') === 'Repair of choppy.mp4'), 'the focus stays there');
    await page.getByRole('status').filter({ hasText: 'choppy.mp4 is repaired.' }).waitFor({ state: 'attached' });
    await assertAccessible(page, '51-repaired');
    await button('Use the repaired file').click();
    await page.getByText('choppy (repaired).mp4').first().waitFor();
    await page.locator('.chosen').getByText('Ready').waitFor({ timeout: 30_000 });
    await assertFitsPhone(page, '51-repaired-used');
  });
});

describe('the library', () => {
  test('shows how far a repair is, and ends it', async () => {
    await client.upload(files.large, { filetype: 'video/mp4' });
    await page.goto(`${stack.url}/media`);
    await button('Look at large.mp4').waitFor();
    await button('Repair…').first().click();
    await button('Repair', box('large.mp4')).click();
    await page.getByRole('progressbar', { name: 'Repair of large.mp4' }).waitFor();
    await eventually(async () => /Repairing, [1-9]\d? %/.test(await box('large.mp4').innerText()), { ms: 60_000, what: 'progress' });
    await assertAccessible(page, '52-repairing');
    await assertFitsPhone(page, '52-repairing');
    await button('Cancel the repair of large.mp4').click();
    await button('Repair', box('large.mp4')).waitFor();
    await page.getByRole('status').filter({ hasText: 'The repair is canceled.' }).waitFor({ state: 'attached' });
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
  });

  test('offers a copy of what TikTok takes and would rather have otherwise', async () => {
    await client.upload(files.phone, { filetype: 'video/quicktime' });
    await page.goto(`${stack.url}/media`);
    await button('Look at phone.mov').click();
    await page.getByText('It recommends MP4 with H.264.').waitFor();
    await button('Convert a copy').click();
    await button('Look at the repaired file').click({ timeout: 60_000 });
    await page.getByRole('heading', { name: 'phone (repaired).mp4' }).first().waitFor();
    await assertAccessible(page, '53-converted');
  });
});
