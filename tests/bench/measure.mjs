// How things are measured: processes by /proc, requests by wrk, and the table.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

export const exec = promisify(execFile);
export const CONNECTIONS = 64;
export const SLOW_ROUNDS = 3; // of what takes long, at most
const TICKS = 100; // of /proc/PID/stat in a second, on every Linux

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The value that so many percent of them do not exceed. */
export function percentile(values, percent) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((percent / 100) * sorted.length) - 1)];
}

/** CPU seconds that these processes have used. */
export function cpuSeconds(pids) {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) / TICKS;
  }, 0);
}

/** The most memory that one of these processes ever had, in MiB. */
export function peakMiB(pids) {
  return Math.max(...pids.map((pid) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024));
}

/**
 * Requests of 64 connections for so many seconds: {rate, p99, cpuUs}, the CPU being that
 * of these processes by request. An answer that is not 2xx or 3xx ends the measurement.
 */
export async function load(url, { seconds = 2, headers = {}, script, pids = [] } = {}) {
  const before = cpuSeconds(pids);
  const { stdout } = await exec('wrk', [
    '-t2', `-c${CONNECTIONS}`, `-d${seconds}s`, '--latency',
    ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    ...(script ? ['-s', script] : []), url,
  ]);
  const used = cpuSeconds(pids) - before;
  if (/Non-2xx|Socket errors/.test(stdout)) {
    throw new Error(`${url}:\n${stdout}`);
  }
  const [, latency, unit] = /99%\s+([\d.]+)(us|ms|s)\b/.exec(stdout);
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]),
    p99: Number(latency) * { us: 0.001, ms: 1, s: 1000 }[unit],
    cpuUs: (used * 1e6) / Number(/(\d+) requests in/.exec(stdout)[1]),
  };
}

/** Runs every one of the named measurements in turn, rounds times over; answers lists by name. */
export async function interleaved(rounds, measurements) {
  const results = Object.fromEntries(Object.keys(measurements).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of Object.entries(measurements)) {
      results[name].push(await measure());
    }
  }
  return results;
}

const shown = (value) => {
  if (typeof value !== 'number') {
    return value ?? '';
  }
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(value >= 10 ? 1 : 2);
};

/** The rows of the result. A target is a function of the ratio (or of the value). */
export class Table {
  rows = [];

  /**
   * One figure: its value, the floor of the same run (if any), what is wanted. With the
   * ratios of several rounds a target is met, or missed, when it is in every round.
   */
  add(figure, unit, value, { floor, ratios, atLeast, atMost, of = 'ratio' } = {}) {
    const quotients = ratios ?? (floor === undefined ? [] : [value / floor]);
    const judged = of === 'ratio' ? quotients : [value];
    const good = judged.filter((x) => (atLeast === undefined || x >= atLeast) && (atMost === undefined || x <= atMost)).length;
    const verdict = good === judged.length ? 'met' : good === 0 ? 'MISSED' : `in ${good} of ${judged.length}`;
    const target = atLeast !== undefined ? `>= ${atLeast} ${verdict}` : atMost !== undefined ? `<= ${atMost} ${verdict}` : '';
    const spread = quotients.length > 1 ? ` (${Math.min(...quotients).toFixed(2)}-${Math.max(...quotients).toFixed(2)})` : '';
    this.rows.push([figure, unit, shown(value), shown(floor), quotients.length ? median(quotients).toFixed(2) + spread : '', target]);
  }

  /** Of two interleaved lists: medians, and the ratio of each round. */
  compare(figure, unit, ours, floor, wanted = {}) {
    this.add(figure, unit, median(ours), { floor: median(floor), ratios: ours.map((value, i) => value / floor[i]), ...wanted });
  }

  toString() {
    const all = [['figure', 'unit', 'value', 'floor', 'ratio', 'target'], ...this.rows];
    const widths = all[0].map((_, i) => Math.max(...all.map((row) => row[i].length)));
    const line = (row) => row.map((cell, i) => (i < 2 || i > 4 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ');
    return [line(all[0]), widths.map((width) => '-'.repeat(width)).join('-|-'), ...all.slice(1).map(line)].join('\n');
  }
}
