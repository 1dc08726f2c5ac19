import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localTimes } from '../../src/format.ts';

const now = Date.parse('2026-11-27T12:00:00Z');

test('times in a sentence of the server are said in the reader’s zone', () => {
  assert.match(localTimes('the next try is at 2026-11-27 23:26 UTC.', 'Europe/Berlin', now), /^the next try is at .*Sat.*\b12:26 AM\.$|^the next try is at .*Sat.*\b0?0:26\.$/);
  assert.match(localTimes('in 3 days, at 2027-01-02 09:00 UTC. Reconnect', 'UTC', now), /2027.*\b0?9:00/);
});

test('a sentence without a time stays', () => {
  assert.equal(localTimes('TikTok asks for 2026 reasons, UTC or not.', 'Asia/Tokyo', now), 'TikTok asks for 2026 reasons, UTC or not.');
});
