// The simulator of TikTok fetching: PULL_FROM_URL of videos and photo posts, from a host
// that behaves in every way hosts do.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { makePicture, makeVideo } from '../harness/media.mjs';
import { MediaHost, gate, ways } from '../harness/mediahost.mjs';
import { CLIENT_SECRET, REDIRECT_URI, Simulator, advance, counts, courierOf, ledger, publicationsOf, setFault, turn, verify } from '../harness/sandbox.mjs';
import { BUILD_DIR, eventually } from '../harness/stack.mjs';

const VIDEO = '/v2/post/publish/video/init/';
const INBOX = '/v2/post/publish/inbox/video/init/';
const PHOTO = '/v2/post/publish/content/init/';
const STATUS = '/v2/post/publish/status/fetch/';
const CANCEL = '/v2/post/publish/cancel/';
const MINUTE = 60_000;
const UNVERIFIED = 'Please review our URL ownership verification rules at https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide/#pull_from_url';

let sim;
let host;
let video;
const pictures = {};
before(async () => {
  host = await MediaHost.start();
  sim = await Simulator.start();
  video = readFileSync(await makeVideo(join(sim.dir, 'v.mp4')));
  for (const [name, file, size] of [['jpg', 'a.jpg', {}], ['webp', 'a.webp', {}], ['png', 'a.png', {}], ['large', 'l.jpg', { width: 2000, height: 1000 }], ['wide', 'w.jpg', { width: 1920, height: 1080 }], ['tall', 't.webp', { width: 1080, height: 1920 }], ['over', 'o.webp', { width: 1082, height: 1920 }]]) {
    pictures[name] = readFileSync(makePicture(join(sim.dir, file), size));
  }
});
after(async () => {
  await sim?.stop();
  await host?.stop();
});
const gates = [];
beforeEach(async () => {
  host.forget();
  await sim.request('POST', '/sandbox/reset', { json: {} });
  await verify(sim, [host.base]);
  // Nothing to wait for but what a test waits for; and status is asked for often.
  await turn(sim, { pull_delay_ms: 0, pull_retry_ms: 0, moderation_ms: 0, init_per_min: 0, status_per_min: 0 });
});
afterEach(() => {
  for (const open of gates.splice(0)) {
    open();
  }
});
/** A gate that opens at the end of the test at the latest. */
function newGate() {
  const made = gate();
  gates.push(made.open);
  return made;
}

const tokenOf = async (name = 'ann.example', scopes) => (await sim.permit(name, scopes)).access_token;
const refused = ({ status, json }) => [status, json?.error?.code, json?.error?.message];
const pulled = (url) => ({ source: 'PULL_FROM_URL', video_url: url });
const videoBody = (url, info = {}) => ({ post_info: { title: 'a video', privacy_level: 'PUBLIC_TO_EVERYONE', ...info }, source_info: pulled(url) });
const photoBody = (urls, { info = {}, cover = 0, mode = 'DIRECT_POST' } = {}) => ({
  media_type: 'PHOTO',
  post_mode: mode,
  post_info: { title: 'a title', description: 'some photos', ...(mode === 'DIRECT_POST' && { privacy_level: 'PUBLIC_TO_EVERYONE' }), ...info },
  source_info: { source: 'PULL_FROM_URL', photo_cover_index: cover, photo_images: urls },
});

async function accepted(path, token, body) {
  const answer = await sim.api(path, token, body);
  assert.equal(answer.status, 200, answer.text);
  return answer.json.data.publish_id;
}
const pullVideo = (token, url, info) => accepted(VIDEO, token, videoBody(url, info));
const pullPhotos = (token, urls, options) => accepted(PHOTO, token, photoBody(urls, options));

async function statusOf(token, publish_id) {
  const answer = await sim.api(STATUS, token, { publish_id });
  assert.equal(answer.status, 200, answer.text);
  return answer.json.data;
}
/** Waits until the status has all of these members. */
const comesTo = (token, publish_id, wanted) =>
  eventually(async () => {
    const status = await statusOf(token, publish_id);
    if (!Object.entries(wanted).every(([name, value]) => status[name] === value)) {
      throw new Error(JSON.stringify(status));
    }
    return status;
  }, { what: JSON.stringify(wanted) });
const completes = (token, publish_id) => comesTo(token, publish_id, { status: 'PUBLISH_COMPLETE' });
const fails = (token, publish_id, fail_reason) => comesTo(token, publish_id, { status: 'FAILED', fail_reason });
const sessionOf = async (publish_id) => (await ledger(sim, { publish_id, calls: 0 })).sessions[0];
const filesLeft = () => readdirSync(join(sim.dir, 'sandbox/uploads')).filter((name) => name.endsWith('.part'));

describe('what may be fetched', () => {
  const inits = [[VIDEO, (url) => videoBody(url)], [INBOX, (url) => ({ source_info: pulled(url) })], [PHOTO, (url) => photoBody([url])], [PHOTO, (url) => photoBody([url], { mode: 'MEDIA_UPLOAD' })]];

  test('is what lies under a verified property', async () => {
    const token = await tokenOf();
    await turn(sim, { pull_delay_ms: MINUTE }); // nothing is asked of these hosts
    await verify(sim, ['static.example.com', 'https://example.org/posts/', host.base]);
    const rows = [
      ['https://static.example.com/a.jpg', 200],
      ['https://video.static.example.com/a.jpg', 200],
      ['https://example.org/posts/1/a.jpg', 200],
      [host.put('a.jpg', pictures.jpg), 200],
      ['https://example.com/a.jpg', 403],
      ['https://notstatic.example.com/a.jpg', 403],
      ['https://example.org/post/a.jpg', 403],
      ['https://example.org/postsa.jpg', 403],
      ['http://static.example.com/a.jpg', 400],
      ['http://example.org/posts/1/a.jpg', 400],
      [host.base.replace('/m/', '/n/a.jpg'), 400],
      ['https://example.org/posts/../a.jpg', 400],
      ['https://ann@static.example.com/a.jpg', 400],
      ['static.example.com/a.jpg', 400],
    ];
    for (const [url, status] of rows) {
      for (const [path, body] of inits) {
        await turn(sim, { pending_shares: 1000 });
        const answer = await sim.api(path, token, body(url));
        assert.equal(answer.status, status, `${path} ${url}: ${answer.text}`);
        if (status === 403) {
          assert.deepEqual(refused(answer), [403, 'url_ownership_unverified', UNVERIFIED]);
        } else if (status === 400) {
          assert.equal(answer.json.error.code, 'invalid_params');
        }
      }
    }
  });

  test('is every picture of a post, not only the first or last', async () => {
    const urls = [host.put('a.jpg', pictures.jpg), 'https://elsewhere.example/b.jpg'];
    for (const some of [urls, urls.toReversed()]) {
      assert.deepEqual(refused(await sim.api(PHOTO, await tokenOf(), photoBody(some))), [403, 'url_ownership_unverified', UNVERIFIED]);
    }
    assert.equal(host.requests.length, 0);
  });

  test('is nothing, unless somebody says so', async () => {
    await verify(sim, null);
    assert.deepEqual(refused(await sim.api(VIDEO, await tokenOf(), videoBody('https://example.com/a.mp4'))), [403, 'url_ownership_unverified', UNVERIFIED]);
  });

  test('stands in the settings, which are checked at the start', async () => {
    const run = (SANDBOX_PULL_URLS) =>
      spawnSync(join(BUILD_DIR, 'bin/tts-sandbox'), [], {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, TTS_ENV_FILE: '', SANDBOX_DIR: join(sim.dir, 'other'), SANDBOX_CLIENT_SECRET: CLIENT_SECRET, SANDBOX_REDIRECT_URIS: REDIRECT_URI, SANDBOX_PULL_URLS },
      });
    const wrong = run('https://example.com/posts');
    assert.equal(wrong.status, 78);
    assert.match(wrong.stderr, /SANDBOX_PULL_URLS/);
    await sim.restart({ env: { SANDBOX_PULL_URLS: `example.org,${host.base}` } });
    await verify(sim, null);
    const token = await tokenOf();
    await completes(token, await pullVideo(token, host.put('v.mp4', video)));
  });

  test('is refused when it is no list of properties', async () => {
    for (const properties of [['https://example.com/posts'], ['localhost'], ['127.0.0.1'], ['a.example,b.example'], 'example.com', [1]]) {
      assert.equal((await sim.request('PATCH', '/sandbox/apps/sbawlocalstackkey1', { json: { properties } })).status, 400, JSON.stringify(properties));
    }
  });
});

describe('a video', () => {
  test('is fetched after the init was answered, and published', async () => {
    const token = await tokenOf();
    await turn(sim, { pull_delay_ms: MINUTE });
    const url = host.put('v.mp4', video);
    const answer = await sim.api(VIDEO, token, videoBody(url));
    assert.deepEqual(Object.keys(answer.json.data), ['publish_id']);
    const { publish_id } = answer.json.data;
    assert.match(publish_id, /^v_pub_url~v2-1\.\d{19}$/);
    assert.deepEqual(await statusOf(token, publish_id), { status: 'PROCESSING_DOWNLOAD', downloaded_bytes: 0 });
    const { pulls: [waiting], created_at_ms } = await sessionOf(publish_id);
    assert.deepEqual([waiting.state, waiting.due_at_ms - created_at_ms], ['waits', MINUTE]);
    assert.equal(host.requests.length, 0);
    await advance(sim, MINUTE);
    const status = await completes(token, publish_id);
    assert.equal(status.downloaded_bytes, video.length);
    assert.equal(status.uploaded_bytes, undefined);
    assert.equal(status.publicaly_available_post_id.length, 1);
    assert.equal(host.count('v.mp4'), 1);
    const [publication] = await publicationsOf(sim, 'a video');
    assert.deepEqual([publication.source, publication.media_type, publication.size, publication.pulls[0].gets], ['PULL_FROM_URL', 'VIDEO', video.length, 1]);
    const kept = await sim.request('GET', `/media/${publication.file}`);
    assert.equal(kept.headers['content-type'], 'video/mp4');
    assert.ok(kept.body.equals(video));
    assert.match((await sim.request('GET', `/@ann.example/video/${publication.post_id}`)).text, /<video class="film" src="\/media\/\d+-0\.mp4"/);
  });

  test('counts only when its last byte is here, and says how far it is', async () => {
    const token = await tokenOf();
    const { opened, open } = newGate();
    const publish_id = await pullVideo(token, host.put('v.mp4', video, [ways.gated(100_000, opened)]));
    await comesTo(token, publish_id, { status: 'PROCESSING_DOWNLOAD', downloaded_bytes: 100_000 });
    assert.deepEqual(await publicationsOf(sim, 'a video'), []);
    assert.equal((await sessionOf(publish_id)).size, video.length);
    open();
    await completes(token, publish_id);
    assert.equal((await publicationsOf(sim, 'a video')).length, 1);
    assert.deepEqual(filesLeft(), []);
  });

  test('without a length is fetched to its end', async () => {
    const token = await tokenOf();
    const publish_id = await pullVideo(token, host.put('v.mp4', video, [ways.unmeasured]));
    assert.equal((await completes(token, publish_id)).downloaded_bytes, video.length);
  });

  test('for the inbox is a draft', async () => {
    const token = await tokenOf();
    const publish_id = await accepted(INBOX, token, { source_info: pulled(host.put('v.mp4', video)) });
    assert.match(publish_id, /^v_inbox_url~v2\.\d{19}$/);
    await comesTo(token, publish_id, { status: 'SEND_TO_USER_INBOX' });
    assert.equal((await sim.request('POST', `/sandbox/publications/${publish_id}/post`)).status, 200);
    await completes(token, publish_id);
  });

  test('that is none fails after it was fetched, like an upload', async () => {
    const token = await tokenOf();
    for (const [body, reason] of [[Buffer.alloc(5000, 1), 'file_format_check_failed'], [Buffer.alloc(0), 'file_format_check_failed'], [pictures.jpg, 'file_format_check_failed'], [readFileSync(await makeVideo(join(sim.dir, 'small.mp4'), { width: 320, height: 240, seconds: 1 })), 'picture_size_check_failed']]) {
      await turn(sim, { processing_ms: MINUTE });
      const publish_id = await pullVideo(token, host.put('x.mp4', body));
      await eventually(async () => (await sessionOf(publish_id)).committed_at_ms !== null, { what: 'the last byte' });
      assert.equal((await statusOf(token, publish_id)).status, 'PROCESSING_DOWNLOAD');
      await advance(sim, MINUTE);
      await fails(token, publish_id, reason);
    }
    assert.deepEqual(await publicationsOf(sim, 'a video'), []);
  });

  test('can be counted and not kept', async () => {
    const token = await tokenOf();
    await turn(sim, { discard_bodies: 1 });
    const publish_id = await pullVideo(token, host.put('v.mp4', Buffer.alloc(300_000)));
    assert.equal((await completes(token, publish_id)).downloaded_bytes, 300_000);
    assert.equal((await sessionOf(publish_id)).file, null);
  });

  test('cannot be uploaded besides', async () => {
    const token = await tokenOf();
    await turn(sim, { pull_delay_ms: MINUTE });
    const publish_id = await pullVideo(token, host.put('v.mp4', video));
    const upload_id = BigInt(publish_id.split('.')[1]) + 1n;
    const answer = await sim.request('PUT', `/upload?upload_id=${upload_id}&upload_token=`, { body: video, headers: { 'content-type': 'video/mp4', 'content-range': `bytes 0-${video.length - 1}/${video.length}` } });
    assert.equal(answer.status, 404);
  });
});

describe('a host', () => {
  const final = [[301, { location: '/m/other.mp4' }], [302, { location: '/m/other.mp4' }], [307, { location: '/m/other.mp4' }], [404, {}], [403, {}], [410, {}], [206, { 'content-range': 'bytes 0-0/1' }]];
  for (const [status, headers] of final) {
    test(`that answers ${status} is not asked again`, async () => {
      const token = await tokenOf();
      host.put('other.mp4', video);
      host.put('other.jpg', pictures.jpg);
      const publish_id = await pullVideo(token, host.put('v.mp4', video, [ways.status(status, headers)]));
      await fails(token, publish_id, 'video_pull_failed');
      const photos = await pullPhotos(token, [host.put('1.jpg', pictures.jpg), host.put('2.jpg', pictures.jpg, [ways.status(status, headers)])]);
      await fails(token, photos, 'photo_pull_failed');
      assert.deepEqual([host.count('v.mp4'), host.count('2.jpg'), host.count('other.mp4')], [1, 1, 0]);
      assert.equal((await counts(sim)).publications, 0);
      assert.deepEqual(filesLeft(), []);
    });
  }

  test('that is busy is asked again when it said', async () => {
    const token = await tokenOf();
    const publish_id = await pullVideo(token, host.put('v.mp4', video, [ways.status(503, { 'retry-after': '120' }), ways.status(429, { 'retry-after': '120' }), ways.whole]));
    for (const n of [1, 2]) {
      await eventually(async () => (await sessionOf(publish_id)).pulls[0].busy === n, { what: `answer ${n}` });
      await advance(sim, 119_000);
      assert.equal((await statusOf(token, publish_id)).status, 'PROCESSING_DOWNLOAD');
      assert.equal(host.count('v.mp4'), n);
      await advance(sim, 1_000);
    }
    await completes(token, publish_id);
    assert.equal(host.count('v.mp4'), 3);
  });

  test('that is busy again and again is asked later and later, for an hour', async () => {
    const token = await tokenOf();
    await turn(sim, { pull_retry_ms: 1000 });
    const publish_id = await pullVideo(token, host.put('v.mp4', video, [ways.status(503)]));
    const dues = [];
    for (let n = 1; n <= 4; n += 1) {
      const { pulls: [pull], created_at_ms } = await eventually(async () => {
        const session = await sessionOf(publish_id);
        return session.pulls[0].busy === n && session;
      }, { what: `answer ${n}` });
      dues.push(pull.due_at_ms - created_at_ms);
      if (n < 4) { // else a fifth question would be under way while we count them
        await advance(sim, 8000);
      }
    }
    assert.ok(dues.every((due, i) => i === 0 || due - dues[i - 1] >= 8000), `${dues}`);
    await advance(sim, 61 * MINUTE);
    await fails(token, publish_id, 'video_pull_failed');
    const asked = host.requests.length;
    await advance(sim, 60 * MINUTE);
    assert.equal(host.requests.length, asked);
  });

  const breaks = [['cuts the body', ways.cut(50_000)], ['drops the connection', ways.drop], ['answers 500', ways.status(500)], ['answers 502', ways.status(502)]];
  for (const [what, way] of breaks) {
    test(`that ${what} three times is asked a fourth time, and no fifth`, async () => {
      const token = await tokenOf();
      const good = await pullVideo(token, host.put('good.mp4', video, [way, way, way, ways.whole]));
      const bad = await pullVideo(token, host.put('bad.mp4', video, [way]), { title: 'a bad one' });
      assert.equal((await completes(token, good)).downloaded_bytes, video.length);
      await fails(token, bad, 'video_pull_failed');
      assert.deepEqual([host.count('good.mp4'), host.count('bad.mp4')], [4, 4]);
      const [publication] = await publicationsOf(sim, 'a video');
      assert.ok((await sim.request('GET', `/media/${publication.file}`)).body.equals(video));
      assert.deepEqual(await publicationsOf(sim, 'a bad one'), []);
    });
  }

  test('that nobody can reach fails the post', async () => {
    const token = await tokenOf();
    const away = await MediaHost.start();
    await verify(sim, [away.base]);
    await away.stop();
    await fails(token, await pullVideo(token, `${away.base}v.mp4`), 'video_pull_failed');
  });

  test('is judged by its status, however long its error page', async () => {
    const token = await tokenOf();
    const page = (status, headers) => (request, response) => {
      response.writeHead(status, headers);
      response.end(Buffer.alloc(1_000_000, 'x'));
    };
    await fails(token, await pullVideo(token, host.put('v.mp4', video, [page(404, {})])), 'video_pull_failed');
    const busy = await pullVideo(token, host.put('w.mp4', video, [page(503, { 'retry-after': '60' }), ways.whole]));
    await eventually(async () => (await sessionOf(busy)).pulls[0].busy === 1, { what: 'the answer' });
    await advance(sim, MINUTE);
    await completes(token, busy);
    assert.deepEqual([host.count('v.mp4'), host.count('w.mp4')], [1, 2]);
  });

  test('goes on where it broke off, if TikTok asks so', async () => {
    const token = await tokenOf();
    await turn(sim, { pull_resume: 1 });
    const publish_id = await pullVideo(token, host.put('v.mp4', video, [ways.cut(70_000), ways.ranged]));
    await completes(token, publish_id);
    assert.deepEqual(host.requests.map(({ headers }) => headers.range), [undefined, 'bytes=70000-']);
    const [publication] = await publicationsOf(sim, 'a video');
    assert.ok((await sim.request('GET', `/media/${publication.file}`)).body.equals(video));
  });

  test('that knows no ranges sends all of it again', async () => {
    const token = await tokenOf();
    await turn(sim, { pull_resume: 1 });
    await completes(token, await pullVideo(token, host.put('v.mp4', video, [ways.cut(70_000), ways.whole])));
    const [publication] = await publicationsOf(sim, 'a video');
    assert.ok((await sim.request('GET', `/media/${publication.file}`)).body.equals(video));
    assert.equal(host.requests[1].headers.range, 'bytes=70000-');
  });

  test('whose file is too large is left', async () => {
    const token = await tokenOf();
    const claims = (bytes) => (request, response) => {
      response.writeHead(200, { 'content-length': bytes });
      response.write('x');
    };
    await fails(token, await pullVideo(token, host.put('v.mp4', video, [claims(4_000_000_001)])), 'video_pull_failed');
    await fails(token, await pullPhotos(token, [host.put('1.jpg', pictures.jpg, [claims(20_000_001)])]), 'photo_pull_failed');
    // It does not say how long it is, and goes on for ever.
    const endless = (request, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(1 << 20)));
      };
      response.on('drain', more);
      more();
    };
    await fails(token, await pullPhotos(token, [host.put('2.jpg', pictures.jpg, [endless])]), 'photo_pull_failed');
    assert.deepEqual(host.requests.map(({ method }) => method), ['GET', 'GET', 'GET']);
    await eventually(() => host.requests.every(({ closed }) => closed), { what: 'the connections to end' });
    assert.deepEqual(filesLeft(), []);
  });

  test('is asked with HEAD first, if TikTok does so', async () => {
    const token = await tokenOf();
    await turn(sim, { pull_head: 1 });
    await completes(token, await pullVideo(token, host.put('v.mp4', video)));
    await completes(token, await pullVideo(token, host.put('w.mp4', video, [ways.whole], ways.status(405))));
    await fails(token, await pullVideo(token, host.put('x.mp4', video, [ways.whole], ways.status(404))), 'video_pull_failed');
    assert.deepEqual(host.requests.map(({ method, url }) => `${method} ${url.slice(3)}`), ['HEAD v.mp4', 'GET v.mp4', 'HEAD w.mp4', 'GET w.mp4', 'HEAD x.mp4']);
  });

  test('is asked as often as TikTok likes', async () => {
    const token = await tokenOf();
    await turn(sim, { pull_fetches: 3 });
    const publish_id = await pullPhotos(token, ['1.jpg', '2.jpg'].map((name) => host.put(name, pictures.jpg)));
    assert.equal((await completes(token, publish_id)).downloaded_bytes, 2 * pictures.jpg.length);
    assert.deepEqual([host.count('1.jpg'), host.count('2.jpg')], [3, 3]);
    assert.equal((await publicationsOf(sim, 'some photos')).length, 1);
  });

  for (const parallel of [1, 3]) {
    test(`is asked for ${parallel} picture${parallel > 1 ? 's' : ''} at a time`, async () => {
      const token = await tokenOf();
      await turn(sim, { pull_parallel: parallel });
      const { opened, open } = newGate();
      const publish_id = await pullPhotos(token, [1, 2, 3, 4, 5, 6].map((n) => host.put(`${n}.jpg`, pictures.jpg, [ways.gated(100, opened)])));
      await eventually(() => host.running === parallel, { what: `${parallel} requests` });
      await comesTo(token, publish_id, { downloaded_bytes: 100 * parallel });
      assert.equal(host.requests.length, parallel);
      open();
      await completes(token, publish_id);
      assert.equal(host.most, parallel);
    });
  }
});

describe('an init', () => {
  test('may be answered only after everything was fetched', async () => {
    const token = await tokenOf();
    await turn(sim, { pull_before_answer: 1, pull_delay_ms: MINUTE });
    const { opened, open } = newGate();
    let answered = false;
    const answer = sim.api(PHOTO, token, photoBody([host.put('1.jpg', pictures.jpg), host.put('2.jpg', pictures.jpg, [ways.gated(10, opened)])])).then((value) => {
      answered = true;
      return value;
    });
    await eventually(() => host.requests.length === 2, { what: 'both requests' });
    await eventually(async () => (await ledger(sim, { calls: 0 })).sessions[0]?.pulls.filter(({ state }) => state === 'here').length === 1, { what: 'one picture' });
    assert.equal(answered, false);
    open();
    const { publish_id } = (await answer).json.data;
    assert.equal((await publicationsOf(sim, 'some photos'))[0].publish_id, publish_id);
  });

  test('whose answer is lost is fetched all the same', async () => {
    const token = await tokenOf();
    await setFault(sim, { endpoint: 'photo_init', lost: true, count: 1 });
    await assert.rejects(sim.api(PHOTO, token, photoBody([host.put('1.jpg', pictures.jpg)])));
    await eventually(async () => (await publicationsOf(sim, 'some photos')).length === 1, { what: 'the publication' });
    assert.equal(host.count('1.jpg'), 1);
  });

  test('is refused like any other, before addresses are looked at', async () => {
    const url = 'https://elsewhere.example/a.jpg';
    const rows = [
      ['eve.banned', photoBody([url]), [403, 'spam_risk_user_banned_from_posting']],
      ['dan.daily', photoBody([url]), [403, 'spam_risk_too_many_posts']],
      ['ben.private', photoBody([url]), [403, 'privacy_level_option_mismatch']],
      ['ann.example', photoBody([url], { info: { privacy_level: 'EVERYBODY' } }), [400, 'invalid_params']],
      ['ann.example', photoBody([url], { info: { title: 'x'.repeat(91) } }), [400, 'invalid_params']],
      ['ann.example', photoBody([url], { info: { description: 'x'.repeat(4001) } }), [400, 'invalid_params']],
      ['ann.example', photoBody([url], { cover: 1 }), [400, 'invalid_params']],
      ['ann.example', photoBody(Array(36).fill(url)), [400, 'invalid_params']],
      ['ann.example', photoBody([]), [400, 'invalid_params']],
    ];
    for (const [name, body, wanted] of rows) {
      assert.deepEqual(refused(await sim.api(PHOTO, await tokenOf(name), body)).slice(0, 2), wanted, JSON.stringify(body).slice(0, 200));
    }
    const token = await tokenOf();
    await turn(sim, { audited: 0 });
    assert.equal(refused(await sim.api(PHOTO, token, photoBody([url])))[1], 'unaudited_client_can_only_post_to_private_accounts');
    assert.deepEqual(refused(await sim.api(PHOTO, await tokenOf('ann.example', 'user.info.basic,video.upload'), photoBody([url]))).slice(0, 2), [401, 'scope_not_authorized']);
    assert.deepEqual(refused(await sim.api(PHOTO, await tokenOf('ann.example', 'user.info.basic,video.publish'), photoBody([url], { mode: 'MEDIA_UPLOAD' }))).slice(0, 2), [401, 'scope_not_authorized']);
  });
});

describe('a fetch under way', () => {
  test('ends when it is canceled, once', async () => {
    const token = await tokenOf();
    const { opened } = newGate();
    const publish_id = await pullVideo(token, host.put('v.mp4', video, [ways.gated(1000, opened)]));
    await comesTo(token, publish_id, { downloaded_bytes: 1000 });
    assert.equal((await sim.api(CANCEL, token, { publish_id })).json.error.code, 'ok');
    assert.deepEqual(await statusOf(token, publish_id), { fail_reason: 'publish_cancelled', status: 'FAILED' });
    await eventually(() => host.requests[0].closed, { what: 'the connection to end' });
    assert.deepEqual(refused(await sim.api(CANCEL, token, { publish_id })).slice(0, 2), [400, 'publish_not_cancellable']);
    await eventually(() => filesLeft().length === 0, { what: 'the file to go' });
    assert.equal((await counts(sim)).publications, 0);
  });

  test('that is over cannot be canceled', async () => {
    const token = await tokenOf();
    await turn(sim, { processing_ms: MINUTE });
    const publish_id = await pullVideo(token, host.put('v.mp4', video));
    await eventually(async () => (await publicationsOf(sim, 'a video')).length === 1, { what: 'the last byte' });
    assert.deepEqual(refused(await sim.api(CANCEL, token, { publish_id })).slice(0, 2), [400, 'publish_not_cancellable']);
    await advance(sim, MINUTE);
    await completes(token, publish_id);
  });

  test('is over after an hour', async () => {
    const token = await tokenOf();
    const { opened } = newGate();
    const publish_id = await pullPhotos(token, [host.put('1.jpg', pictures.jpg), host.put('2.jpg', pictures.jpg, [ways.gated(10, opened)])]);
    await comesTo(token, publish_id, { downloaded_bytes: pictures.jpg.length + 10 });
    await advance(sim, 59 * MINUTE);
    assert.equal((await statusOf(token, publish_id)).status, 'PROCESSING_DOWNLOAD');
    await advance(sim, 2 * MINUTE);
    await fails(token, publish_id, 'photo_pull_failed');
    await eventually(() => host.requests.every(({ closed }) => closed), { what: 'the connection to end' });
  });

  test('fails when the person removes the app', async () => {
    const token = await tokenOf();
    const { opened } = newGate();
    const publish_id = await pullVideo(token, host.put('v.mp4', video, [ways.gated(1000, opened)]));
    await comesTo(token, publish_id, { downloaded_bytes: 1000 });
    assert.equal((await sim.request('POST', '/@ann.example', { form: { remove: 'app' } })).status, 303);
    await fails(await tokenOf(), publish_id, 'auth_removed');
    await eventually(() => host.requests[0].closed, { what: 'the connection to end' });
  });

  test('may hang for ever, also before its first byte', async () => {
    const token = await tokenOf();
    await setFault(sim, { endpoint: 'pull', stuck: true, take_bytes: 5000, count: 1 });
    const some = await pullVideo(token, host.put('v.mp4', video));
    await comesTo(token, some, { status: 'PROCESSING_DOWNLOAD', downloaded_bytes: 5000 });
    await setFault(sim, { endpoint: 'pull', stuck: true, count: 1 });
    const none = await pullVideo(token, host.put('w.mp4', video));
    await eventually(async () => (await sessionOf(none)).stuck, { what: 'the second to hang' });
    await advance(sim, 120 * MINUTE);
    assert.deepEqual(await statusOf(token, some), { status: 'PROCESSING_DOWNLOAD', downloaded_bytes: 5000 });
    assert.deepEqual(await statusOf(token, none), { status: 'PROCESSING_DOWNLOAD', downloaded_bytes: 0 });
    assert.deepEqual([host.count('v.mp4'), host.count('w.mp4')], [1, 0]);
    assert.equal((await sim.api(CANCEL, token, { publish_id: some })).json.error.code, 'ok');
    assert.equal((await statusOf(token, some)).fail_reason, 'publish_cancelled');
  });

  test('goes on when it is unstuck in time', async () => {
    const token = await tokenOf();
    await setFault(sim, { endpoint: 'pull', stuck: true, take_bytes: 5000, count: 1 });
    const publish_id = await pullVideo(token, host.put('v.mp4', video));
    await eventually(async () => (await sessionOf(publish_id)).stuck, { what: 'it to hang' });
    assert.equal((await sim.request('PATCH', `/sandbox/publications/${publish_id}`, { json: { stuck: false } })).status, 200);
    await completes(token, publish_id);
    assert.equal((await publicationsOf(sim, 'a video')).length, 1);
  });

  test('meets faults in place of the host, picture by picture', async () => {
    const token = await tokenOf();
    await setFault(sim, { endpoint: 'pull', chunk: 1, status: 503, retry_after_s: 60, count: 1 });
    await setFault(sim, { endpoint: 'pull', chunk: 0, drop: true, count: 3 });
    await setFault(sim, { endpoint: 'pull', chunk: 2, take_bytes: 77, count: 1 });
    const publish_id = await pullPhotos(token, [0, 1, 2].map((n) => host.put(`${n}.jpg`, pictures.jpg)));
    await eventually(async () => (await sessionOf(publish_id)).pulls.filter(({ state }) => state === 'here').length === 2, { what: 'two pictures' });
    assert.deepEqual([host.count('0.jpg'), host.count('1.jpg'), host.count('2.jpg')], [1, 0, 2]);
    await advance(sim, MINUTE);
    await completes(token, publish_id);
    const { pulls } = await sessionOf(publish_id);
    assert.deepEqual(pulls.map(({ breaks, busy }) => [breaks, busy]), [[3, 0], [0, 1], [1, 0]]);
    await setFault(sim, { endpoint: 'pull', status: 404, count: 1 });
    await fails(token, await pullVideo(token, host.put('v.mp4', video)), 'video_pull_failed');
    for (const fault of [{ endpoint: 'pull' }, { endpoint: 'pull', code: 'x' }, { endpoint: 'pull', drop: true, delay_ms: 5 }, { endpoint: 'pull', fail_reason: 'internal' }]) {
      assert.equal((await sim.request('POST', '/sandbox/faults', { json: fault })).status, 400, JSON.stringify(fault));
    }
  });

  test('does not outlive a reset, which does not hurt the next', async () => {
    const token = await tokenOf();
    const { opened } = newGate();
    const publish_id = await pullVideo(token, host.put('v.mp4', video, [ways.gated(1000, opened)]));
    await comesTo(token, publish_id, { downloaded_bytes: 1000 });
    await sim.request('POST', '/sandbox/reset', { json: { keep_tokens: true } });
    await eventually(() => host.requests[0].closed, { what: 'the connection to end' });
    await turn(sim, { pull_delay_ms: 0 });
    await verify(sim, [host.base]);
    const next = await tokenOf();
    await completes(next, await pullVideo(next, host.put('w.mp4', video)));
    assert.deepEqual(filesLeft(), []);
  });
});

describe('a courier that dies', () => {
  const deaths = [
    ['is replaced', async () => {
      process.kill(courierOf(sim.program), 'SIGKILL');
      await eventually(() => /web.*died.*signal=9/.test(sim.errors), { what: 'the death to be noticed' });
      sim.errors = sim.errors.replace(/.*web.*died.*signal=9\n/, '');
    }],
    ['with the whole simulator comes back with it', () => sim.restart({ signal: 'SIGKILL' })],
    ['in an orderly end comes back as well', () => sim.restart()],
  ];
  for (const [what, die] of deaths) {
    test(`${what}, and nothing is published twice or lost`, async () => {
      const token = await tokenOf();
      const { opened, open } = newGate();
      const half = ways.gated(1000, opened);
      const one = await pullVideo(token, host.put('v.mp4', video, [half, ways.whole]));
      const two = await pullPhotos(token, [host.put('1.jpg', pictures.jpg), host.put('2.jpg', pictures.jpg, [half, ways.whole])]);
      await comesTo(token, one, { downloaded_bytes: 1000 });
      await comesTo(token, two, { downloaded_bytes: pictures.jpg.length + 1000 });
      await die();
      open();
      assert.equal((await completes(token, one)).downloaded_bytes, video.length);
      assert.equal((await completes(token, two)).downloaded_bytes, 2 * pictures.jpg.length);
      assert.deepEqual([host.count('v.mp4'), host.count('1.jpg'), host.count('2.jpg')], [2, 1, 2]);
      const { publications, more_than_once } = await counts(sim);
      assert.deepEqual([publications, more_than_once], [2, []]);
      const [publication] = await publicationsOf(sim, 'a video');
      assert.ok((await sim.request('GET', `/media/${publication.file}`)).body.equals(video));
    });
  }
});

describe('a photo post', () => {
  test('is published with its pictures, words and settings', async () => {
    const token = await tokenOf();
    const urls = [host.put('1.jpg', pictures.jpg), host.put('2.webp', pictures.webp), host.put('3.jpg', pictures.wide)];
    const publish_id = await pullPhotos(token, urls, { cover: 1, info: { auto_add_music: true, disable_comment: true } });
    assert.match(publish_id, /^p_pub_url~v2\.\d{19}$/);
    const status = await completes(token, publish_id);
    assert.equal(status.downloaded_bytes, pictures.jpg.length + pictures.webp.length + pictures.wide.length);
    const [publication] = await publicationsOf(sim, 'some photos');
    const { media_type, title, photos, cover_index, auto_add_music, privacy_level, mode, file, pulls } = publication;
    assert.deepEqual([media_type, title, photos, cover_index, auto_add_music, privacy_level, mode], ['PHOTO', 'a title', 3, 1, true, 'PUBLIC_TO_EVERYONE', 'direct']);
    assert.equal(file, pulls[1].file);
    assert.deepEqual(pulls.map(({ width, height }) => [width, height]), [[1080, 1350], [1080, 1350], [1920, 1080]]);
    for (const [i, [type, bytes]] of [['image/jpeg', pictures.jpg], ['image/webp', pictures.webp], ['image/jpeg', pictures.wide]].entries()) {
      const { headers, body } = await sim.request('GET', `/media/${pulls[i].file}`);
      assert.equal(headers['content-type'], type);
      assert.ok(body.equals(bytes));
    }
  });

  test('may have one picture or thirty-five', async () => {
    const token = await tokenOf();
    for (const n of [1, 35]) {
      const urls = Array.from({ length: n }, (_, i) => host.put(`${n}-${i}.jpg`, pictures.jpg));
      const publish_id = await pullPhotos(token, urls, { cover: n - 1, info: { description: `${n} pictures` } });
      await completes(token, publish_id);
      assert.equal((await publicationsOf(sim, `${n} pictures`))[0].pulls.length, n);
    }
    assert.equal(host.requests.length, 36);
  });

  const rows = [['png', 'file_format_check_failed'], ['large', 'picture_size_check_failed'], ['over', 'picture_size_check_failed'], ['wide', null], ['tall', null], ['webp', null]];
  for (const [name, reason] of rows) {
    test(`with one picture that is ${name} ${reason ? `fails: ${reason}` : 'is published'}`, async () => {
      const token = await tokenOf();
      const publish_id = await pullPhotos(token, [host.put('1.jpg', pictures.jpg), host.put('2.jpg', pictures[name])]);
      await (reason ? fails(token, publish_id, reason) : completes(token, publish_id));
      assert.equal((await publicationsOf(sim, 'some photos')).length, reason ? 0 : 1);
    });
  }

  test('that is a draft waits in the inbox with its words, and is posted there', async () => {
    const token = await tokenOf();
    const publish_id = await pullPhotos(token, [1, 2].map((n) => host.put(`${n}.jpg`, pictures.jpg)), { mode: 'MEDIA_UPLOAD', info: { title: 'From <afar>' } });
    assert.match(publish_id, /^p_pub_url~v2\.\d{19}$/);
    await comesTo(token, publish_id, { status: 'SEND_TO_USER_INBOX' });
    const page = (await sim.request('GET', '/@ann.example')).text;
    for (const words of ['From &lt;afar&gt;', 'some photos', 'Picture 2 of 2', 'Waits in the inbox']) {
      assert.ok(page.includes(words), words);
    }
    const { id } = await sessionOf(publish_id);
    assert.equal((await sim.request('POST', '/@ann.example', { form: { post: id } })).status, 303);
    const status = await completes(token, publish_id);
    const post = status.publicaly_available_post_id;
    assert.equal(post.length, 1);
    const [publication] = await publicationsOf(sim, 'some photos');
    const shown = (await sim.request('GET', `/@ann.example/photo/${publication.post_id}`)).text;
    assert.match(shown, /class="slide"/);
    assert.match(shown, />Cover</);
    assert.equal((await sim.request('GET', `/@ann.example/video/${publication.post_id}`)).headers.location, `/@ann.example/photo/${publication.post_id}`);
  });

  test('that is a draft counts as a pending share, and needs a new app', async () => {
    const token = await tokenOf();
    await turn(sim, { pending_shares: 1, app_outdated: 1 });
    const url = host.put('1.jpg', pictures.jpg);
    const draft = photoBody([url], { mode: 'MEDIA_UPLOAD' });
    assert.deepEqual(refused(await sim.api(PHOTO, token, draft)).slice(0, 2), [400, 'app_version_check_failed']);
    await completes(token, await pullPhotos(token, [url]));
    await turn(sim, { app_outdated: 0 });
    await comesTo(token, await accepted(PHOTO, token, draft), { status: 'SEND_TO_USER_INBOX' });
    assert.deepEqual(refused(await sim.api(PHOTO, token, draft)).slice(0, 2), [400, 'spam_risk_too_many_pending_share']);
    assert.deepEqual(refused(await sim.api(INBOX, token, { source_info: pulled(url) })).slice(0, 2), [400, 'spam_risk_too_many_pending_share']);
  });

  test('counts for the daily cap when it is here, and fails beyond it', async () => {
    const token = await tokenOf();
    await sim.request('PATCH', '/sandbox/users/ann.example', { json: { post_cap: 1 } });
    const { opened, open } = newGate();
    const first = await pullPhotos(token, [host.put('1.jpg', pictures.jpg, [ways.gated(10, opened)])]);
    const second = await pullPhotos(token, [host.put('2.jpg', pictures.jpg)]);
    await completes(token, second);
    assert.deepEqual(refused(await sim.api(PHOTO, token, photoBody([host.base]))).slice(0, 2), [403, 'spam_risk_too_many_posts']);
    open();
    await fails(token, first, 'spam_risk_too_many_posts');
  });

  test('is in the list of videos, or is not', async () => {
    const token = await tokenOf();
    await turn(sim, { post_id_as_string: 1 });
    const publish_id = await pullPhotos(token, [host.put('1.jpg', pictures.jpg)]);
    const [id] = (await completes(token, publish_id)).publicaly_available_post_id;
    const list = () => sim.api('/v2/video/list/?fields=id,title,video_description,share_url,duration,width,height', token);
    const query = (ids) => sim.api('/v2/video/query/?fields=id', token, { filters: { video_ids: ids } });
    const { videos: [entry] } = (await list()).json.data;
    assert.match(entry.share_url, /\/@ann\.example\/photo\/\d+\?/);
    assert.deepEqual([entry.title, entry.video_description, entry.duration, entry.width, entry.height], ['a title', 'some photos', 0, 1080, 1350]);
    assert.equal((await query([entry.id])).json.data.videos.length, 1);
    assert.equal(entry.id, id);
    await turn(sim, { list_photos: 0 });
    assert.deepEqual((await list()).json.data.videos, []);
    assert.deepEqual((await query([entry.id])).json.data.videos, []);
  });

  test('is shown with pictures to leaf through, and one script for that', async () => {
    const token = await tokenOf();
    await completes(token, await pullPhotos(token, [1, 2, 3].map((n) => host.put(`${n}.jpg`, pictures.jpg))));
    for (const path of ['/', '/@ann.example']) {
      const { text, headers } = await sim.request('GET', path);
      assert.equal(text.match(/class="slide"/g).length, 3, path);
      assert.match(text, /aria-roledescription="carousel"/);
      assert.match(text, />1\/3</);
      assert.deepEqual(text.match(/<script[^>]*>/g), ['<script src="/sandbox/reel.js">']);
      assert.doesNotMatch(text, /<style| style=| on[a-z]+="|javascript:/, path);
      assert.match(headers['content-security-policy'], /script-src 'self'/);
    }
    const script = await sim.request('GET', '/sandbox/reel.js');
    assert.match(script.headers['content-type'], /^text\/javascript/);
    assert.doesNotThrow(() => new Function(script.text));
    for (const name of ['1-0.part', '..%2fstate.db', '-1.jpg', '1-.png', 'a.jpg']) {
      assert.equal((await sim.request('GET', `/media/${name}`)).status, 404, name);
    }
  });
});
