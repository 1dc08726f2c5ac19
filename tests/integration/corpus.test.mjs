// The corpus of tests/harness/corpus.mjs through the real upload and the real tts-media:
// every file gets the verdict it must get, with words about why, and nothing that a file
// points to is ever opened.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { corpus, makers, mangled, turned } from '../harness/corpus.mjs';
import { Stack } from '../harness/stack.mjs';

const TYPES = { mp4: 'video/mp4', mov: 'video/quicktime', webm: 'video/webm', jpg: 'image/jpeg', png: 'image/png', webp: 'image/webp', gif: 'image/gif', avif: 'image/avif' };
const typeOf = (name) => TYPES[name.split('.').at(-1)];
const MANGLED = 12; // of each kind
const LANES = 3;
const CHECK_MS = 120_000; // a verdict takes 75 s at the very worst

let stack;
let client;
let trap;
const caught = [];
before(async () => {
  trap = createServer((request, response) => {
    caught.push(request.url);
    response.end();
  });
  await new Promise((resolve) => trap.listen(0, '127.0.0.1', resolve));
  stack = await Stack.start();
  client = await stack.signedIn();
});
after(async () => {
  trap?.close();
  await stack?.stop();
});

async function judged(file, name) {
  const id = await client.upload(file, { filename: name, filetype: typeOf(name) });
  return client.until(`/api/v1/media/${id}`, ({ status }) => status !== 'checking', CHECK_MS);
}

const verdictOf = (media) => (media.status === 'ready' ? 'ready' : media.checks[0].code);

describe('the corpus', () => {
  test('is judged file by file as it must be', { timeout: 600_000 }, async () => {
    const rows = corpus(`http://127.0.0.1:${trap.address().port}`);
    assert.ok(rows.length >= 40 && new Set(rows.map(([, name]) => name)).size === rows.length);
    const wrong = [];
    const lines = [];
    const look = async ([what, name, make, verdict, { turn, facts = {} } = {}]) => {
      const file = stack.path('tmp', name);
      await make(file);
      if (turn) {
        await turned(file);
      }
      const begin = Date.now();
      const media = await judged(file, name);
      const said = verdictOf(media);
      lines.push(`  ${said.padEnd(12)} ${what} (${Date.now() - begin} ms)${said === 'ready' ? '' : `: ${media.checks[0].message}`}`);
      if (said !== verdict) {
        wrong.push(`${what} (${name}): ${said}, not ${verdict}: ${JSON.stringify(media.checks)}`);
      }
      for (const [key, value] of Object.entries(facts)) {
        if (media[key] !== value) {
          wrong.push(`${what} (${name}): ${key} is ${media[key]}, not ${value}`);
        }
      }
      if (said !== 'ready') {
        const { message, ok } = media.checks[0];
        if (ok || message.length < 40 || /\/etc|\/tmp|127\.0\.0\.1/.test(message)) {
          wrong.push(`${what} (${name}): what is said of it: ${message}`);
        }
      }
    };
    // One is made while others are looked at.
    const left = [...rows];
    await Promise.all(Array.from({ length: LANES }, async () => {
      while (left.length > 0) {
        await look(left.shift());
      }
    }));
    console.log(lines.join('\n'));
    console.log(`  ${rows.length} files, ${rows.filter(([, , , verdict]) => verdict === 'ready').length} of them good`);
    assert.deepEqual(wrong, []);
  });

  test('was never followed to where it points', () => {
    assert.deepEqual(caught, []);
  });
});

describe('files with wrong bytes in them', () => {
  const kinds = { 'film.mp4': makers.film({ seconds: 1 }), 'film.webm': makers.film({ seconds: 1, codec: makers.VP8 }), 'photo.jpg': makers.picture(), 'photo.png': makers.picture(), 'photo.webp': makers.picture(), 'photo.gif': makers.picture(), 'photo.avif': makers.picture({ flags: ['-c:v', 'libaom-av1', '-still-picture', '1', '-cpu-used', '8'] }) };
  for (const [name, make] of Object.entries(kinds)) {
    test(`${MANGLED} of ${name} come to a verdict each, and harm nobody`, { timeout: 600_000 }, async () => {
      const before = stack.pid('tts-media');
      const count = {};
      for (const [i, bytes] of (await mangled(make, stack.path('tmp', `whole-${name}`), MANGLED, 5)).entries()) {
        const file = stack.path('tmp', `mangled-${i}-${name}`);
        await writeFile(file, bytes);
        const verdict = verdictOf(await judged(file, name));
        count[verdict] = (count[verdict] ?? 0) + 1;
      }
      console.log(`  ${name}: ${JSON.stringify(count)}`);
      assert.equal(stack.pid('tts-media'), before, 'tts-media was not harmed');
      assert.equal(stack.sql('SELECT COUNT(*) FROM media WHERE fails > 0 AND owner = 0').trim(), '0'); // who has one in hand counts as failed until done
    });
  }
});
