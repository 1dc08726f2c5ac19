// The pages of the simulator of TikTok in Chromium: consent by mouse and keyboard, videos
// that play, controls that work, and every page accessible, in light, dark and on a phone.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { assertAccessible, assertClean, assertFitsPhone, openPage, startBrowser } from '../harness/browser.mjs';
import { makePicture, makeVideo } from '../harness/media.mjs';
import { MediaHost } from '../harness/mediahost.mjs';
import { CONSENT, Simulator, ledger, setFault, turn, verify } from '../harness/sandbox.mjs';
import { eventually } from '../harness/stack.mjs';

let sim;
let host;
let browser;
let page;
let problems;
let redirect;
before(async () => {
  // The app that people come back to is played by one of the simulator's own pages.
  sim = await Simulator.start({
    env: (url) => {
      redirect = `${url}/people`;
      return { SANDBOX_REDIRECT_URIS: redirect };
    },
  });
  browser = await startBrowser();
  ({ page, problems } = await openPage(browser, { ignore: [/status of 400/] }));
  await turn(sim, { moderation_ms: 0 });
  const video = readFileSync(await makeVideo(join(sim.dir, 'v.mp4'), { seconds: 5 }));
  const { access_token } = await sim.permit('ann.example');
  const publish = async (path, post_info) => {
    const init = await sim.api(path, access_token, { post_info, source_info: { source: 'FILE_UPLOAD', video_size: video.length, chunk_size: video.length, total_chunk_count: 1 } });
    assert.equal((await sim.put(init.json.data.upload_url, video, 0, video.length)).status, 201);
  };
  await publish('/v2/post/publish/video/init/', { title: 'Seen by all #hello @someone', privacy_level: 'PUBLIC_TO_EVERYONE', is_aigc: true, brand_content_toggle: true });
  await publish('/v2/post/publish/video/init/', { title: 'Kept to oneself', privacy_level: 'SELF_ONLY', disable_comment: true });
  await publish('/v2/post/publish/inbox/video/init/', {});
  await setFault(sim, { fail_reason: 'frame_rate_check_failed', count: 1 });
  await publish('/v2/post/publish/video/init/', { title: 'Too slow', privacy_level: 'SELF_ONLY' });
  // Photo posts are somebody else's: one of five pictures, one of a single one, a draft.
  host = await MediaHost.start();
  await verify(sim, [host.base]);
  const picture = readFileSync(makePicture(join(sim.dir, 'p.jpg')));
  const finn = await sim.permit('finn.short');
  const photos = (n, post_mode, title) =>
    sim.api('/v2/post/publish/content/init/', finn.access_token, {
      media_type: 'PHOTO', post_mode, post_info: { title, description: 'Leaves #autumn', privacy_level: 'PUBLIC_TO_EVERYONE' },
      source_info: { source: 'PULL_FROM_URL', photo_cover_index: 0, photo_images: Array.from({ length: n }, (_, i) => host.put(`${title}-${i}.jpg`, picture)) },
    });
  for (const [n, mode, title] of [[5, 'DIRECT_POST', 'five'], [1, 'DIRECT_POST', 'one'], [2, 'MEDIA_UPLOAD', 'draft']]) {
    assert.equal((await photos(n, mode, title)).status, 200);
  }
  await eventually(async () => (await ledger(sim, { username: 'finn.short', sessions: 0 })).publications.length === 3, { what: 'the photo posts' });
});
after(async () => {
  await browser?.close();
  await sim?.stop();
  await host?.stop();
});
afterEach(() => assertClean(problems));

const go = (path) => page.goto(new URL(path, sim.sandboxUrl).href);
const authorize = (change) => sim.authorize({ redirect_uri: redirect, ...change }).url;

describe('every page', () => {
  const pages = { feed: () => '/', people: () => '/people', profile: () => '/@ann.example', photos: () => '/@finn.short', 'empty-profile': () => '/@eve.banned', controls: () => '/sandbox', consent: () => authorize(), 'consent-refused': () => authorize({ scope: 'video.steal' }) };
  for (const [name, path] of Object.entries(pages)) {
    test(`${name} is accessible and fits a phone`, async () => {
      await go(path());
      await assertAccessible(page, `sandbox-${name}`);
      await assertFitsPhone(page, `sandbox-${name}`);
    });
  }
});

describe('consent', () => {
  const back = async () => {
    await page.waitForURL(`${redirect}?**`);
    return new URL(page.url()).searchParams;
  };

  test('is given by a click, with one permission taken back', async () => {
    await go(authorize());
    await page.getByRole('radio', { name: /Ben Private/ }).check();
    await page.getByRole('checkbox', { name: CONSENT.publishScope }).uncheck();
    await page.getByRole('button', { name: CONSENT.allow }).click();
    const query = await back();
    assert.ok(query.get('code'));
    assert.ok(!query.get('scopes').includes('video.publish'));
  });

  test('is given by keyboard alone', async () => {
    await go(authorize());
    await page.getByRole('radio', { name: /Ann Example/ }).focus();
    await page.keyboard.press('ArrowDown');
    assert.ok(await page.getByRole('radio', { name: /Ben Private/ }).isChecked());
    await page.keyboard.press('Enter');
    assert.ok((await back()).get('code'), 'Enter means Continue');
  });

  test('is refused by a click', async () => {
    await go(authorize());
    await page.getByRole('button', { name: CONSENT.refuse }).click();
    assert.equal((await back()).get('error'), 'access_denied');
  });
});

describe('the feed', () => {
  test('plays a video from the middle', async () => {
    await go('/');
    await page.getByText('Seen by all #hello @someone').waitFor();
    const state = await page.locator('video').first().evaluate(
      (video) =>
        new Promise((resolve) => {
          video.muted = true;
          video.addEventListener('loadedmetadata', () => {
            video.currentTime = 3;
          });
          video.addEventListener('timeupdate', () => video.currentTime > 3.05 && resolve({ time: video.currentTime, width: video.videoWidth }));
          video.addEventListener('error', () => resolve({ error: video.error?.message }));
          video.play().catch((error) => resolve({ error: error.message }));
          if (video.readyState >= 1) {
            video.currentTime = 3;
          }
        }),
    );
    assert.equal(state.width, 360, JSON.stringify(state));
  });

  test('leads to one post and to its owner', async () => {
    await go('/');
    await page.getByRole('article').filter({ hasText: 'Seen by all' }).getByRole('link', { name: /UTC/ }).click();
    await page.getByRole('heading', { level: 1, name: 'A post of Ann Example' }).waitFor();
    await page.getByRole('heading', { level: 1 }).getByRole('link').click();
    await page.getByRole('heading', { level: 1, name: 'Ann Example' }).waitFor();
    await page.getByText('frame_rate_check_failed').waitFor();
  });
});

describe('a photo post', () => {
  const reel = () => page.getByRole('region', { name: '5 pictures of finn.short' });
  const shows = (n) =>
    eventually(async () => {
      const at = await reel().locator('.slides').evaluate((box) => box.scrollLeft / box.clientWidth);
      return Math.abs(at - (n - 1)) < 0.01 && (await reel().getByRole('status').innerText()) === `${n}/5` && (await reel().locator('.dots span').nth(n - 1).getAttribute('class')) === 'here';
    }, { what: `picture ${n} of 5` });

  test('is leafed through by buttons, which end where the pictures end', async () => {
    await go('/@finn.short');
    await shows(1);
    const on = reel().getByRole('button', { name: 'Next picture' });
    const back = reel().getByRole('button', { name: 'Previous picture' });
    assert.deepEqual([await back.getAttribute('aria-disabled'), await on.getAttribute('aria-disabled')], ['true', 'false']);
    for (const n of [2, 3, 4, 5]) {
      await on.click();
      await shows(n);
    }
    assert.deepEqual([await back.getAttribute('aria-disabled'), await on.getAttribute('aria-disabled')], ['false', 'true']);
    await back.click();
    await shows(4);
  });

  test('is leafed through by keys, and follows a finger', async () => {
    await go('/@finn.short');
    await reel().locator('.slides').focus();
    for (const [key, n] of [['ArrowRight', 2], ['ArrowRight', 3], ['ArrowLeft', 2], ['End', 5], ['Home', 1]]) {
      await page.keyboard.press(key);
      await shows(n);
    }
    await reel().locator('.slides').evaluate((box) => box.scrollTo({ left: 2 * box.clientWidth, behavior: 'instant' }));
    await shows(3);
  });

  test('scrolls without its script, and one picture needs none', async () => {
    const quiet = await browser.newPage({ javaScriptEnabled: false });
    await quiet.goto(new URL('/@finn.short', sim.sandboxUrl).href);
    const wide = quiet.getByRole('region', { name: '5 pictures of finn.short' });
    assert.equal(await wide.getByRole('button').count(), 0);
    assert.equal(await wide.locator('.count').isVisible(), false);
    await wide.locator('.slides').hover();
    await wide.locator('img').nth(4).scrollIntoViewIfNeeded();
    assert.equal(await quiet.getByRole('region', { name: '1 picture of finn.short' }).getByRole('button').count(), 0);
    await quiet.close();
  });

  test('has a page of its own, and a draft is posted from the inbox', async () => {
    await go('/@finn.short');
    await page.locator('.card', { hasText: 'draft' }).getByRole('button', { name: /Post draft/ }).click();
    await page.locator('.card', { hasText: 'draft' }).getByRole('link', { name: /UTC/ }).click();
    assert.match(page.url(), /\/@finn\.short\/photo\/\d+$/);
    assert.equal(await page.locator('.slide img').count(), 2);
    await eventually(() => page.locator('.slide img').first().evaluate((img) => img.complete && img.naturalWidth === 1080), { what: 'the picture' });
  });
});

describe('a person', () => {
  test('posts the draft that waits', async () => {
    await go('/@ann.example');
    assert.equal(await page.getByRole('article').count(), 3);
    await page.getByRole('button', { name: /^Post draft/ }).click();
    await page.getByText('No draft waits here.').waitFor();
    assert.equal(await page.getByRole('article').count(), 3);
  });
});

describe('the controls', () => {
  test('set a fault and remove it', async () => {
    await go('/sandbox');
    await page.getByRole('combobox', { name: 'When the scheduler calls' }).selectOption('creator_info');
    await page.getByRole('combobox', { name: 'TikTok' }).selectOption({ label: 'answers 429, too many requests' });
    await page.getByRole('button', { name: 'Set' }).first().click();
    const { access_token } = await sim.permit('ann.example');
    const call = () => sim.api('/v2/post/publish/creator_info/query/', access_token).then(({ status }) => status);
    assert.equal(await call(), 429);
    await go('/sandbox');
    await page.getByRole('region', { name: 'Faults' }).getByText('"endpoint":"creator_info"').waitFor();
    for (const count of [2, 1]) {
      assert.equal(await page.getByRole('button', { name: /^Remove fault/ }).count(), count);
      await page.getByRole('button', { name: /^Remove fault/ }).first().click();
    }
    await page.getByText('None is set: TikTok works.').waitFor();
    assert.equal(await call(), 200);
  });

  test('move the clock and say so', async () => {
    await page.getByRole('button', { name: 'One day on' }).click();
    await page.getByText('which is not this machine\'s time').waitFor();
    await page.getByRole('button', { name: 'Back to this machine\'s time' }).click();
    await page.getByText('which is not this machine\'s time').waitFor({ state: 'hidden' });
  });

  test('change what a person has set', async () => {
    const form = page.locator('form').filter({ has: page.getByRole('heading', { name: 'Finn Short' }) });
    await form.getByLabel('Private account').check();
    await form.getByRole('button', { name: 'Save' }).click();
    await go('/@finn.short');
    await page.getByText('Private account', { exact: true }).waitFor();
  });
});
