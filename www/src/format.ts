// Numbers, sizes and times in words.
import { offsetName } from './tz';

const locale = undefined; // the browser's
const UNITS = ['B', 'KB', 'MB', 'GB'];

export function bytes(n: number): string {
  let unit = 0;
  let v = n;
  while (v >= 1000 && unit < UNITS.length - 1) {
    v /= 1000;
    unit += 1;
  }
  return `${unit === 0 || v >= 100 ? Math.round(v) : v.toFixed(1)} ${UNITS[unit]}`;
}

export function duration(ms: number): string {
  const s = Math.round(ms / 1000);
  const h = Math.floor(s / 3600);
  const two = (n: number) => String(n).padStart(2, '0');
  const minutes = Math.floor((s % 3600) / 60);
  return h > 0 ? `${h}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

/** For sentences: "95 s", "10 min", "1 h 5 min". */
export function span(ms: number): string {
  const s = Math.round(ms / 1000);
  if (s < 120) return `${s} s`;
  const m = Math.round(s / 60);
  if (m < 60) return `${m} min`;
  return m % 60 === 0 ? `${m / 60} h` : `${Math.floor(m / 60)} h ${m % 60} min`;
}

/** "Wed, 25 Nov, 10:00" in the zone; the year when it is another one than now's, seconds when there are some. */
export function when(iso: string, zone: string, now = Date.now()): string {
  const at = Date.parse(iso);
  const year = (t: number) => new Intl.DateTimeFormat('en', { timeZone: zone, year: 'numeric' }).format(t);
  const o: Intl.DateTimeFormatOptions = { timeZone: zone, weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' };
  if (year(at) !== year(now)) o.year = 'numeric';
  if (at % 60_000 !== 0) o.second = '2-digit';
  return new Intl.DateTimeFormat(locale, o).format(at);
}

/** A sentence that also goes out by mail says its times in UTC; here they are in the reader's zone. */
export const localTimes = (text: string, zone: string, now = Date.now()): string =>
  text.replace(/(\d{4}-\d\d-\d\d) (\d\d:\d\d) UTC/g, (_, date: string, time: string) => when(`${date}T${time}:00Z`, zone, now));

export function clockTime(iso: string, zone: string): string {
  return new Intl.DateTimeFormat(locale, { timeZone: zone, hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(Date.parse(iso));
}

export function day(iso: string, zone: string): string {
  return new Intl.DateTimeFormat(locale, { timeZone: zone, day: 'numeric', month: 'long', year: 'numeric' }).format(Date.parse(iso));
}

export const zoneLabel = (zone: string, at = Date.now()): string => `${zone.replaceAll('_', ' ')} (${offsetName(at, zone)})`;

const STEPS: [number, Intl.RelativeTimeFormatUnit][] = [
  [86_400_000 * 30, 'month'], [86_400_000, 'day'], [3_600_000, 'hour'], [60_000, 'minute'], [1000, 'second'],
];

/** "in 5 minutes", "2 hours ago", "now". */
export function relative(iso: string, now: number): string {
  const d = Date.parse(iso) - now;
  const [size, unit] = STEPS.find(([s]) => Math.abs(d) >= s) ?? [1000, 'second' as const];
  return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(Math.trunc(d / size), unit);
}

export const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;
