import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allZones, isZone, offsetName, resolve, wallFields } from '../../src/tz.ts';

const iso = (r) => r && { at: new Date(r.at).toISOString(), kind: r.kind };

const cases = [
  ['an ordinary time', '2026-11-25', '10:00', 'Europe/Berlin', '2026-11-25T09:00:00.000Z', 'ok'],
  ['a time with seconds', '2026-11-25', '10:00:07', 'Europe/Berlin', '2026-11-25T09:00:07.000Z', 'ok'],
  ['UTC itself', '2026-02-28', '23:59', 'UTC', '2026-02-28T23:59:00.000Z', 'ok'],
  ['the hour that spring skips moves forward', '2026-03-29', '02:30', 'Europe/Berlin', '2026-03-29T01:30:00.000Z', 'gap'],
  ['the hour that autumn repeats is its first', '2026-10-25', '02:30', 'Europe/Berlin', '2026-10-25T00:30:00.000Z', 'overlap'],
  ['a half-hour zone that shifts by half an hour', '2026-10-04', '02:15', 'Australia/Lord_Howe', '2026-10-03T15:45:00.000Z', 'gap'],
  ['a quarter-hour zone', '2026-06-01', '12:00', 'Asia/Kathmandu', '2026-06-01T06:15:00.000Z', 'ok'],
  ['the far east is a day ahead', '2026-12-31', '23:00', 'Pacific/Kiritimati', '2026-12-31T09:00:00.000Z', 'ok'],
];
for (const [name, date, time, zone, at, kind] of cases) {
  test(`${name} is resolved`, () => assert.deepEqual(iso(resolve(date, time, zone)), { at, kind }));
}

test('an incomplete wall time resolves to nothing', () => {
  for (const [d, t, z] of [['', '10:00', 'UTC'], ['2026-11-25', '', 'UTC'], ['2026-11-25', '10:00', 'Mars/Olympus'], ['2026-13-01', '10:00', 'UTC']]) {
    assert.equal(resolve(d, t, z), null);
  }
});

test('what is resolved shows the same wall time again, all over a year and the world', () => {
  for (const zone of ['America/New_York', 'America/St_Johns', 'Europe/London', 'Africa/Casablanca', 'Asia/Tehran', 'Pacific/Apia']) {
    for (let day = 0; day < 365; day += 1) {
      const date = new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 10);
      for (const time of ['00:30', '01:30', '02:30', '12:00']) {
        const r = resolve(date, time, zone);
        if (r.kind !== 'gap') assert.deepEqual(wallFields(r.at, zone), { date, time }, `${date} ${time} ${zone}`);
      }
    }
  }
});

test('zones are told from other words', () => {
  assert.ok(isZone('UTC') && isZone('America/Argentina/Buenos_Aires'));
  assert.ok(!isZone('') && !isZone('Nowhere') && !isZone('../etc'));
  assert.ok(allZones().includes('UTC') && allZones().length > 300);
});

test('the name of an offset is short', () => {
  const winter = Date.UTC(2026, 0, 1);
  assert.deepEqual(['UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns'].map((z) => offsetName(winter, z)), ['UTC', 'UTC+1', 'UTC+5:45', 'UTC−3:30']);
});
