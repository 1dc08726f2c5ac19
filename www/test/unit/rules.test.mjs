import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { rules } from '../../src/rules.ts';

const vectors = JSON.parse(readFileSync(new URL('../../../tests/vectors/rules/rules.json', import.meta.url), 'utf8'));

for (const v of vectors) {
  test(v.name, () => {
    const before = JSON.stringify([v.draft, v.creator, v.media]);
    const view = rules(v.draft, v.creator, {
      intent: v.intent, now: Date.parse(v.now), features: v.features, media: v.media, discloseOn: v.disclose_on === true,
    });
    assert.deepEqual(view.problems, v.problems);
    assert.equal(view.canPublish, v.problems.length === 0);
    assert.deepEqual(
      {
        label: view.label, declaration: view.declaration, self_only_disabled: view.selfOnlyDisabled,
        branded_disabled: view.brandedDisabled, show_duet_stitch: view.showDuetStitch,
      },
      v.view,
    );
    assert.equal(JSON.stringify([v.draft, v.creator, v.media]), before, 'the rules change nothing');
  });
}

test('there are at least 70 vectors and no two share a name', () => {
  assert.ok(vectors.length >= 70);
  assert.equal(new Set(vectors.map((v) => v.name)).size, vectors.length);
});

test('the caption is counted in UTF-16 units', () => {
  const caption = '👩‍👩‍👧‍👦 #mañana @user.name';
  const view = rules({ ...vectors[0].draft, caption }, null, { intent: 'schedule', now: 0, features: vectors[0].features, media: [] });
  assert.equal(view.captionUnits, 30);
});
