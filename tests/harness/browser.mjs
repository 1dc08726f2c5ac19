// Chromium for the end-to-end tests: one page that fails its test on any console error,
// uncaught exception or violation of the content policy, axe-core on it, and pictures of
// what was seen in build/screenshots.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ROOT } from './stack.mjs';

const require = createRequire(new URL('../../www/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const SHOTS = join(ROOT, 'build/screenshots');
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

export async function startBrowser() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    // As root (containers, CI) Chromium's own sandbox cannot start.
    args: [...(process.getuid() === 0 ? ['--no-sandbox'] : []), '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--font-render-hinting=none'],
  });
  return browser;
}

/** A page of its own session. problems collects what must not happen; ignore are patterns that may. */
export async function openPage(browser, { ignore = [], ...options } = {}) {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', reducedMotion: 'reduce', viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const problems = [];
  const note = (text) => {
    if (!ignore.some((pattern) => pattern.test(text))) {
      problems.push(text);
    }
  };
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) {
      note(`console ${message.type()}: ${message.text()} (${message.location().url})`);
    }
  });
  page.on('pageerror', (error) => note(`uncaught: ${error.message}`));
  await page.exposeFunction('noteViolation', (text) => note(`content policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => window.noteViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  });
  return { page, context, problems };
}

/** Signs the stack's person in, as they do it, and waits for the queue. */
export async function signIn(page, stack) {
  await page.goto(`${stack.url}/`);
  await page.getByLabel('Email').fill(stack.facts.email);
  await page.getByLabel('Password', { exact: true }).fill(stack.facts.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Queue' }).waitFor();
}

/** Chooses files in the dialogue that a button opens. */
export async function chooseFiles(page, button, ...paths) {
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: button }).first().click();
  await (await chooser).setFiles(paths);
}

export function assertClean(problems) {
  assert.deepEqual(problems.splice(0), [], 'the page had problems');
}

/** axe-core's findings of the whole page, in light and in dark; both must be none. */
export async function assertAccessible(page, name) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    if (!(await page.evaluate(() => 'axe' in window))) {
      await page.evaluate(axeSource);
    }
    const { violations } = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags }), AXE_TAGS);
    const found = violations.map(({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n    ')}`);
    assert.deepEqual(found, [], `${name} in ${colorScheme}`);
    await shoot(page, `${name}-${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
}

/** No sideways scrolling at phone width. */
export async function assertFitsPhone(page, name) {
  const size = page.viewportSize();
  await page.setViewportSize({ width: 360, height: 740 });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  await shoot(page, `${name}-phone`);
  await page.setViewportSize(size);
  assert.ok(overflow <= 0, `${name} is ${overflow} px wider than a phone`);
}

export async function shoot(page, name) {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}
