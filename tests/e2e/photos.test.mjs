// Photo posts in Chromium: choosing, ordering by keyboard, mouse and buttons, cover, title, preview, and the way to
// the queue; and the film strip that a video's cover is chosen from. What TikTok gets is tests/integration's.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { assertAccessible, assertClean, assertFitsPhone, chooseFiles, openPage, shoot, signIn, startBrowser } from '../harness/browser.mjs';
import { makeVideo } from '../harness/media.mjs';
import { addExif, paint } from '../harness/photos.mjs';
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
  files.red = paint(stack.path('tmp', 'red.png'), { color: 'red', width: 900, height: 1200 });
  files.green = paint(stack.path('tmp', 'green.webp'), { color: 'green', width: 900, height: 1200 });
  files.blue = await addExif(paint(stack.path('tmp', 'blue.jpg'), { color: 'blue', width: 2400, height: 1800 }), 6);
  files.gold = paint(stack.path('tmp', 'gold.jpg'), { color: 'gold', width: 1080, height: 1920 });
  files.film = makeVideo(stack.path('tmp', 'film.mp4'), { seconds: 6 });
  browser = await startBrowser();
  // Without a session the first answer is 401; while the API restarts there is none.
  ({ page, problems } = await openPage(browser, { ignore: [/status of 401/, /status of 50[23]/] }));
  await signIn(page, stack);
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});
afterEach(() => assertClean(problems));

const options = () => page.getByRole('listbox', { name: /^Photos/ }).getByRole('option');
/** The names of the photos in their order. */
const order = async () => (await options().evaluateAll((list) => list.map((o) => o.title.split('.')[0]))).join(' ');
const ordered = (wanted) => eventually(async () => (await order()) === wanted, { what: `the order ${wanted}` });

describe('the photos of a post', () => {
  test('are uploaded several at once, of every format', async () => {
    await page.goto(`${stack.url}/compose`);
    await page.getByText('Drop a video or photos here').waitFor();
    await assertFitsPhone(page, '30-compose-empty');
    await chooseFiles(page, 'Choose files', files.red, files.green, files.blue);
    await ordered('red green blue');
    await eventually(async () => (await options().evaluateAll((list) => list.every((o) => /, ready$/.test(o.querySelector('.visually-hidden').textContent)))), { ms: 30_000, what: 'the checks' });
    await page.getByRole('heading', { level: 2, name: 'Photos' }).waitFor();
    await assertAccessible(page, '31-photos');
    await assertFitsPhone(page, '31-photos');
  });

  test('say what TikTok is given instead', async () => {
    await options().nth(2).click();
    await page.getByText('TikTok gets a JPEG of 1080×1440 without place and camera data.').waitFor();
  });

  test('are ordered by the keyboard', async () => {
    await options().nth(0).focus();
    await page.keyboard.press('Alt+ArrowRight');
    await ordered('green red blue');
    await page.keyboard.press('Alt+ArrowRight');
    await ordered('green blue red');
    assert.match(await page.evaluate(() => document.activeElement.querySelector('.visually-hidden').textContent), /^Photo 3 of 3: red\.png/);
    await page.keyboard.press('ArrowLeft');
    assert.match(await page.evaluate(() => document.activeElement.querySelector('.visually-hidden').textContent), /^Photo 2 of 3: blue\.jpg/);
    await page.getByText('red.png is now photo 3 of 3.').waitFor({ state: 'attached' });
  });

  test('are ordered by dragging and by buttons', async () => {
    await options().nth(2).dragTo(options().nth(0));
    await ordered('red green blue');
    await options().nth(0).click();
    await page.getByRole('button', { name: 'Move later' }).click();
    await ordered('green red blue');
  });

  test('have a cover, which stays the photo that it is', async () => {
    await options().nth(2).click();
    await page.getByRole('button', { name: 'Make it the cover' }).click();
    await page.getByRole('button', { name: 'Move earlier' }).click();
    await ordered('green blue red');
    assert.match(await options().nth(1).locator('.visually-hidden').textContent(), /blue\.jpg, cover/);
    await options().nth(0).click();
    await page.getByRole('button', { name: 'Remove', exact: true }).click();
    await ordered('blue red');
    assert.match(await options().nth(0).locator('.visually-hidden').textContent(), /blue\.jpg, cover/);
  });

  test('are not mixed with a video', async () => {
    await chooseFiles(page, 'Add photos', files.gold, files.film);
    await page.getByText('A post holds one video or up to 35 photos, not both.').waitFor();
    await ordered('blue red gold');
    await page.getByRole('button', { name: 'Dismiss' }).first().click();
  });

  test('can come from the library', async () => {
    await page.getByRole('button', { name: 'Library', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: /green\.webp/ }).click();
    await assertAccessible(page, '32-photo-picker');
    await dialog.getByRole('button', { name: 'Add 1 photo' }).click();
    await ordered('blue red gold green');
  });
});

describe('a photo post', () => {
  const title = 'Four colours';

  test('has a title, a description and what photos have, and nothing else', async () => {
    await page.getByLabel('Title').fill('x'.repeat(91));
    await page.getByText('91 / 90').waitFor();
    await page.getByText('The title is 1 character too long.').first().waitFor();
    await page.getByLabel('Title').fill(title);
    await page.getByLabel('Description').fill('Painted by ffmpeg #colour');
    await page.getByText('25 / 4,000').waitFor();
    assert.equal(await page.getByLabel('Duet').count(), 0);
    assert.equal(await page.getByLabel('Stitch').count(), 0);
    assert.equal(await page.getByRole('switch', { name: /AI-generated/ }).count(), 0);
    await page.getByRole('switch', { name: /Add music automatically/ }).check();
  });

  test('is leafed through in the preview', async () => {
    const preview = page.getByRole('complementary', { name: 'Preview' });
    await options().nth(0).click();
    await preview.getByText('1 / 4').waitFor();
    await preview.getByRole('button', { name: 'Next photo' }).click();
    await preview.getByRole('img', { name: 'red.png' }).waitFor();
    await preview.getByText(title).waitFor();
  });

  test('is scheduled by the keyboard', async () => {
    const audience = page.getByRole('combobox', { name: 'Who can view this post' });
    await eventually(() => audience.isEnabled(), { what: 'what the account may do' });
    await audience.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('option', { name: /Only me/ }).waitFor();
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await eventually(async () => (await options().evaluateAll((list) => list.every((o) => /, ready$/.test(o.querySelector('.visually-hidden').textContent)))), { ms: 30_000, what: 'the checks' });
    await assertAccessible(page, '33-photo-post');
    await assertFitsPhone(page, '33-photo-post');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('heading', { level: 1, name: 'Queue' }).waitFor();
  });

  test('is shown as what it is', async () => {
    await page.getByRole('link', { name: title }).waitFor();
    await shoot(page, '34-photo-queue');
    await page.getByRole('link', { name: title }).click();
    const drawer = page.getByRole('dialog');
    await drawer.getByText('TikTok adds some').waitFor();
    assert.equal(await drawer.getByRole('list', { name: 'Photos' }).getByRole('listitem').count(), 4);
    await assertAccessible(page, '35-photo-drawer');
    await assertFitsPhone(page, '35-photo-drawer');
    const [post] = (await client.get('/api/v1/posts?limit=1')).items;
    assert.equal(post.kind, 'photo');
    assert.deepEqual(post.media.map((m) => m.filename), ['blue.jpg', 'red.png', 'gold.jpg', 'green.webp']);
    assert.deepEqual([post.title, post.cover_index ?? 0, post.auto_add_music, post.is_aigc], [title, 0, true, false]);
    await page.keyboard.press('Escape');
  });

  test('can be changed later', async () => {
    const [post] = (await client.get('/api/v1/posts?limit=1')).items;
    await page.goto(`${stack.url}/compose/${post.id}`);
    await ordered('blue red gold green');
    await page.getByRole('button', { name: 'Save changes' }).waitFor();
    assert.equal(await page.getByLabel('Title').inputValue(), title);
  });
});

describe('an album of as many photos as TikTok takes', () => {
  test('is uploaded at once, and one more is left out', async () => {
    const album = Array.from({ length: 36 }, (_, i) => paint(stack.path('tmp', `p${String(i + 1).padStart(2, '0')}.jpg`), { color: `0x${(i * 6 + 16).toString(16).padStart(2, '0')}8060`, width: 360, height: 480 }));
    await page.goto(`${stack.url}/compose`);
    await chooseFiles(page, 'Choose files', ...album);
    await page.getByText('A post holds at most 35 photos; 1 was left out.').waitFor();
    await page.getByText('35 / 35').first().waitFor();
    await eventually(async () => (await options().evaluateAll((list) => list.length === 35 && list.every((o) => /, ready$/.test(o.querySelector('.visually-hidden').textContent)))), { ms: 120_000, every: 200, what: '35 checks' });
    assert.ok((await order()).startsWith('p01 p02 p03'));
    assert.ok(await page.getByRole('button', { name: 'Add photos' }).isDisabled());
    await page.getByRole('button', { name: 'Hide uploads' }).click();
    await shoot(page, '41-album');
    await assertFitsPhone(page, '41-album');
    await page.getByRole('button', { name: 'Show uploads' }).click();
  });
});

describe('the cover of a video', () => {
  test('is chosen from its film strip, by mouse and keyboard', async () => {
    await page.goto(`${stack.url}/compose`);
    await chooseFiles(page, 'Choose files', files.film);
    const strip = page.locator('.strip');
    await strip.waitFor({ timeout: 30_000 });
    await eventually(() => strip.locator('img').evaluate((img) => img.naturalWidth > 1000), { what: 'the strip' });
    const slider = page.getByRole('slider', { name: /Cover frame/ });
    const frame = () => page.locator('.strip-frame img').first().evaluate((img) => img.style.transform);
    const first = await frame();
    await strip.click();
    assert.ok(Math.abs(Number(await slider.inputValue()) - 3000) < 300, await slider.inputValue());
    const middle = await frame();
    assert.notEqual(middle, first);
    await slider.focus();
    await page.keyboard.press('End');
    assert.notEqual(await frame(), middle);
    await page.keyboard.press('ArrowLeft');
    await assertAccessible(page, '36-film-strip');
    await assertFitsPhone(page, '36-film-strip');
  });
});

describe('the library', () => {
  const names = () => page.locator('.media-title h2').allTextContents();

  test('is searched by name and kind, and says how full it is', async () => {
    await page.goto(`${stack.url}/media`);
    await page.getByRole('heading', { name: 'gold.jpg' }).waitFor();
    await page.getByText(/of 107 GB used/).waitFor();
    await assertAccessible(page, '38-library');
    await assertFitsPhone(page, '38-library');
    await page.getByLabel('Search by file name').fill('GOLD');
    await eventually(async () => (await names()).join() === 'gold.jpg', { what: 'the one file' });
    await page.getByRole('group', { name: 'Kind' }).getByRole('button', { name: 'Videos' }).click();
    await page.getByText('No file like that').waitFor();
    await assertAccessible(page, '39-library-nothing');
    await page.getByRole('button', { name: 'Show all files' }).click();
    await page.getByRole('heading', { name: 'film.mp4' }).waitFor();
  });

  test('tells of a file that is there twice', async () => {
    await chooseFiles(page, 'Upload files', files.red);
    await page.getByText('You have this file already, as red.png.').waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: 'Look at red.png' }).first().click();
    await page.getByRole('dialog').getByText(/TikTok gets a JPEG of 900×1200/).waitFor();
    await page.getByLabel('New tag').fill('#colours');
    await page.getByLabel('New tag').press('Enter');
    await page.getByRole('button', { name: 'Remove tag colours' }).waitFor();
    await assertAccessible(page, '40-photo-look');
    await assertFitsPhone(page, '40-photo-look');
    await page.keyboard.press('Escape');
    await page.getByRole('combobox', { name: 'Tag' }).selectOption('colours');
    await eventually(async () => (await names()).join() === 'red.png', { what: 'the one file with the tag' });
    await assertAccessible(page, '42-library-tag');
    await assertFitsPhone(page, '42-library-tag');
  });
});

describe('without an address that TikTok can fetch from', () => {
  test('the composer says why photos cannot be posted', async () => {
    await stack.restart('tts-api', { env: { MEDIA_PULL_URL: '' } });
    await eventually(async () => (await client.get('/api/v1/session')).app.photo_posts === false, { what: 'the other settings' });
    await page.goto(`${stack.url}/compose`);
    await page.getByText('Photo posts are not possible on this installation yet').waitFor();
    await assertAccessible(page, '37-photos-off');
    await assertFitsPhone(page, '37-photos-off');
  });
});
