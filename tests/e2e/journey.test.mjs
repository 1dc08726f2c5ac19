// The whole way of a new user, in Chromium through nginx: sign in, connect an account on
// TikTok's consent page, upload, write, schedule five seconds ahead, see it published.
// Any console error or violation of the content policy fails the test it happens in.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { assertAccessible, assertClean, assertFitsPhone, chooseFiles, openPage, shoot, startBrowser } from '../harness/browser.mjs';
import { makeVideo } from '../harness/media.mjs';
import { onTime } from '../harness/pulse.mjs';
import { CONSENT, publicationsOf } from '../harness/sandbox.mjs';
import { Stack, eventually } from '../harness/stack.mjs';

let stack;
let browser;
let page;
let problems;
before(async () => {
  stack = await Stack.start();
  browser = await startBrowser();
  // The refusal of a wrong password is an answer of 401, which Chromium reports as an error.
  ({ page, problems } = await openPage(browser, { ignore: [/status of 401/] }));
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});
afterEach(() => assertClean(problems));

const go = (path) => page.goto(stack.url + path);
const heading = (name) => page.getByRole('heading', { level: 1, name });
const wallTime = (ms) => {
  const parts = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Berlin', dateStyle: 'short', timeStyle: 'medium' }).format(ms);
  return { date: parts.slice(0, 10), time: parts.slice(11, 19) };
};

/** From the Accounts screen through TikTok's consent page and back. */
async function connect(press = CONSENT.allow, { button = 'Connect account', prepare } = {}) {
  await page.getByRole('button', { name: button }).first().click();
  await page.getByRole('button', { name: 'Continue to TikTok' }).click();
  await page.waitForURL(`${stack.sandboxUrl}/**`);
  await prepare?.();
  await page.getByRole('button', { name: press }).click();
  await page.waitForURL(`${stack.url}/accounts?**`);
}

describe('signing in', () => {
  test('a wrong password is refused in words', async () => {
    await go('/');
    await heading('Sign in to Scheduler').waitFor();
    await assertAccessible(page, '01-sign-in');
    await assertFitsPhone(page, '01-sign-in');
    await page.getByLabel('Email').fill(stack.facts.email);
    await page.getByLabel('Password', { exact: true }).fill('not the password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Email or password is not right.').waitFor();
  });

  test('the right one opens the queue, by keyboard alone', async () => {
    await page.getByLabel('Password', { exact: true }).fill(stack.facts.password);
    await page.getByLabel('Password', { exact: true }).press('Enter');
    await heading('Queue').waitFor();
    await page.getByText('Nothing is scheduled').waitFor();
    await page.getByText('TikTok is played by a simulator here').waitFor();
    await assertAccessible(page, '02-queue-empty');
    await assertFitsPhone(page, '02-queue-empty');
  });

  test('the session survives a reload and keeps its cookie from scripts', async () => {
    await page.reload();
    await heading('Queue').waitFor();
    assert.equal(await page.evaluate(() => document.cookie), '');
  });
});

describe('connecting an account', () => {
  test('without one the composer says what to do first', async () => {
    await go('/compose');
    await page.getByText('Connect an account first').waitFor();
    await assertAccessible(page, '03-compose-no-account');
  });

  test('refused at TikTok comes back with the cause and the remedy', async () => {
    await go('/accounts');
    await page.getByText('Connect your first TikTok account').waitFor();
    await assertAccessible(page, '04-accounts-empty');
    await connect(CONSENT.refuse);
    assert.match(page.url(), /error=access_denied/);
    await page.getByText('What to do:').waitFor();
    await assertAccessible(page, '05-accounts-refused');
  });

  test('allowed on the consent page it is connected', async () => {
    await go('/accounts');
    await page.getByRole('button', { name: 'Connect account' }).first().click();
    await page.getByRole('button', { name: 'Continue to TikTok' }).waitFor();
    await assertAccessible(page, '06-connect-dialog');
    await page.keyboard.press('Escape');
    await connect(CONSENT.allow, { prepare: () => shoot(page, '07-consent') });
    assert.match(page.url(), /connected=\d+/);
    await page.getByText('is connected.').waitFor();
    await page.getByText('Publishes directly').waitFor();
    await assertAccessible(page, '08-accounts');
    await assertFitsPhone(page, '08-accounts');
  });
});

describe('a post', () => {
  const caption = 'From the browser #hello @someone';
  let due;

  test('is composed while its video uploads', async () => {
    const video = await makeVideo(stack.path('tmp', 'holiday.mp4'), { seconds: 5, padTo: 40 << 20 });
    await go('/compose');
    await heading('New post').waitFor();
    await chooseFiles(page, /^Choose files?$/, video);
    await page.getByLabel('Caption').fill(caption);
    await page.getByText(`${caption.length} / 2,200`).waitFor();
    await page.getByText('Ready').first().waitFor({ timeout: 30_000 });
    await assertAccessible(page, '09-composer');
    await assertFitsPhone(page, '09-composer');
  });

  test('has no audience until one is chosen', async () => {
    const audience = page.getByRole('combobox', { name: 'Who can view this post' });
    await audience.getByText('Select').waitFor();
    const button = page.getByRole('button', { name: 'Schedule', exact: true });
    assert.equal(await button.getAttribute('aria-disabled'), 'true');
    await audience.click();
    await page.getByRole('option', { name: /Everyone/ }).waitFor();
    await assertAccessible(page, '10-audience');
    await page.getByRole('option', { name: /Everyone/ }).click();
  });

  test('counts UTF-16 units and refuses too many', async () => {
    await page.getByLabel('Caption').fill('😀'.repeat(1101));
    await page.getByText('2,202 / 2,200').waitFor();
    await shoot(page, '11-caption-too-long');
    await page.getByLabel('Caption').fill(caption);
  });

  test('is scheduled five seconds ahead and published within a second of it', async () => {
    due = Math.ceil((Date.now() + 5000) / 1000) * 1000;
    const { date, time } = wallTime(due);
    await page.getByRole('radio', { name: /Date and time/ }).check();
    await page.getByLabel('Date', { exact: true }).fill(date);
    await page.getByLabel('Time', { exact: true }).fill(time);
    await page.getByRole('button', { name: 'Schedule', exact: true }).click();
    await heading('Queue').waitFor();
    await page.getByRole('link', { name: caption }).waitFor();
    await shoot(page, '12-scheduled');
    await eventually(async () => (await publicationsOf(stack, caption)).length > 0, { ms: 20_000, every: 50, what: 'the publication' });
    const publications = await publicationsOf(stack, caption);
    assert.equal(publications.length, 1);
    onTime(publications[0].committed_at_ms - due, caption);
  });

  test('shows by itself what became of it, and its whole story', async () => {
    await page.getByRole('navigation', { name: 'Posts by status' }).getByRole('link', { name: /^Posted/ }).click();
    await page.getByRole('link', { name: caption }).waitFor({ timeout: 30_000 });
    await assertAccessible(page, '13-posted');
    await assertFitsPhone(page, '13-posted');
    await page.getByRole('link', { name: caption }).click();
    const drawer = page.getByRole('dialog');
    await drawer.getByText('Publisher').first().waitFor();
    assert.ok((await drawer.getByRole('listitem').count()) >= 4);
    await assertAccessible(page, '14-timeline');
    await page.keyboard.press('Escape');
  });

  test('plays on the simulator\'s profile page', async () => {
    await page.goto(`${stack.sandboxUrl}/`);
    await page.getByText(caption).waitFor();
    await shoot(page, '15-profile');
    const state = await page.locator('video').first().evaluate(
      (video) =>
        new Promise((resolve) => {
          video.muted = true;
          video.addEventListener('timeupdate', () => video.currentTime > 0 && resolve({ time: video.currentTime, width: video.videoWidth }));
          video.addEventListener('error', () => resolve({ error: video.error?.message }));
          video.play().catch((error) => resolve({ error: error.message }));
        }),
    );
    assert.equal(state.width, 360, JSON.stringify(state));
  });
});

describe('the library', () => {
  test('shows the file with its facts and plays it', async () => {
    await go('/media');
    await page.getByRole('heading', { name: 'holiday.mp4' }).waitFor();
    await assertAccessible(page, '16-media');
    await assertFitsPhone(page, '16-media');
    await page.getByRole('button', { name: 'Look at holiday.mp4' }).click();
    const video = page.getByRole('dialog').locator('video');
    await eventually(() => video.evaluate((element) => element.readyState >= 1 && element.duration > 4), { what: 'the preview to load' });
    await assertAccessible(page, '17-media-look');
    await page.keyboard.press('Escape');
  });

  test('says in words why a file would be refused', async () => {
    const slow = await makeVideo(stack.path('tmp', 'slow.mp4'), { rate: 12 });
    await chooseFiles(page, 'Upload files', slow);
    await page.getByText('TikTok would refuse it').first().waitFor({ timeout: 30_000 });
    await page.getByText(/12 frames per second/).first().waitFor();
    await assertAccessible(page, '18-media-refused');
  });
});

describe('an account', () => {
  test('is reconnected', async () => {
    await go('/accounts');
    await page.getByRole('button', { name: /^More for/ }).first().click();
    await page.getByRole('menuitem', { name: 'Reconnect' }).click();
    await page.getByRole('button', { name: 'Continue to TikTok' }).click();
    await page.waitForURL(`${stack.sandboxUrl}/**`);
    await page.getByRole('button', { name: CONSENT.allow }).click();
    await page.waitForURL(/connected=\d+/);
    await page.getByText('is connected.').waitFor();
    await page.getByRole('heading', { level: 2 }).first().waitFor();
    assert.equal(await page.getByRole('heading', { level: 2 }).count(), 1);
  });

  test('connected without a permission says which is missing', async () => {
    await go('/accounts');
    await connect(CONSENT.allow, { button: 'Connect account', prepare: () => page.getByRole('checkbox', { name: CONSENT.publishScope }).uncheck() });
    await shoot(page, '19-missing-scope');
    const text = await page.getByRole('main').innerText();
    assert.match(text, /What to do:|Not granted|Cannot publish directly/);
  });

  test('is disconnected, and its posts say so', async () => {
    await go('/accounts');
    await page.getByRole('button', { name: /^More for/ }).first().click();
    await page.getByRole('menuitem', { name: 'Disconnect' }).click();
    await assertAccessible(page, '20-disconnect-dialog');
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
    await page.getByText('Disconnected').first().waitFor();
    await assertAccessible(page, '21-disconnected');
  });
});

describe('settings and signing out', () => {
  test('the settings are shown', async () => {
    await go('/settings');
    await heading('Settings').waitFor();
    await assertAccessible(page, '22-settings');
    await assertFitsPhone(page, '22-settings');
  });

  test('signing out ends the session', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await heading('Sign in to Scheduler').waitFor();
    await go('/queue');
    await heading('Sign in to Scheduler').waitFor();
  });
});
