// Wall time in a zone to an instant and back, with nothing but Intl. A wall time is taken as if it were UTC; the
// offsets of the zone a day before and after give the candidates, and those that map back to the same wall time
// are right. Two: the clocks go back there, the earlier one counts. None: the clocks jump over it, and it moves
// forward by the jump, as Temporal's "compatible" does.

export type WallKind = 'ok' | 'gap' | 'overlap';

export interface Resolved {
  /** Milliseconds since the epoch. */
  at: number;
  kind: WallKind;
}

const DAY = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string): Intl.DateTimeFormat {
  let f = formats.get(zone);
  if (!f) {
    f = new Intl.DateTimeFormat('en-US', {
      timeZone: zone, hourCycle: 'h23', era: 'short',
      year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
    });
    formats.set(zone, f);
  }
  return f;
}

export function isZone(zone: string): boolean {
  try {
    format(zone);
    return /^[A-Za-z]/.test(zone);
  } catch {
    return false;
  }
}

/** The wall clock of the zone at an instant, as if it were UTC. */
function wallOf(at: number, zone: string): number {
  const p: Record<string, string> = {};
  for (const part of format(zone).formatToParts(at)) p[part.type] = part.value;
  const ms = ((at % 1000) + 1000) % 1000;
  return Date.UTC(Number(p.year), Number(p.month) - 1, Number(p.day), Number(p.hour), Number(p.minute), Number(p.second)) + ms;
}

export const offsetOf = (at: number, zone: string): number => wallOf(at, zone) - at;

/** date is 2026-11-25, time 10:30 or 10:30:15; null when they are not complete. */
export function resolve(date: string, time: string, zone: string): Resolved | null {
  const wall = Date.parse(`${date}T${time.length === 5 ? `${time}:00` : time}Z`);
  if (Number.isNaN(wall) || !isZone(zone)) return null;
  const before = offsetOf(wall - DAY, zone);
  const after = offsetOf(wall + DAY, zone);
  const fitting = [...new Set([wall - before, wall - after])].filter((at) => wallOf(at, zone) === wall).sort((a, b) => a - b);
  const at = fitting[0];
  if (at === undefined) return { at: wall - before, kind: 'gap' };
  return { at, kind: fitting.length > 1 ? 'overlap' : 'ok' };
}

/** The date and time of an instant as the zone's clocks show it, for the two inputs. */
export function wallFields(at: number, zone: string): { date: string; time: string } {
  const iso = new Date(wallOf(at, zone)).toISOString();
  const time = iso.slice(11, 19);
  return { date: iso.slice(0, 10), time: time.endsWith(':00') ? time.slice(0, 5) : time };
}

export const browserZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

export function allZones(): string[] {
  const zones = Intl.supportedValuesOf('timeZone');
  return zones.includes('UTC') ? zones : ['UTC', ...zones];
}

/** "GMT+1" and the like, for beside a zone's name. */
export function offsetName(at: number, zone: string): string {
  const minutes = Math.round(offsetOf(at, zone) / 60_000);
  if (minutes === 0) return 'UTC';
  const a = Math.abs(minutes);
  const m = a % 60;
  return `UTC${minutes < 0 ? '−' : '+'}${Math.floor(a / 60)}${m === 0 ? '' : `:${String(m).padStart(2, '0')}`}`;
}
