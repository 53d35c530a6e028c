/** What is told of a problem's moves: measured in a process of its own, and counted here. */
import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { movesIn, type Solution } from '../../src/plan/place/solver/index.ts';
import type { MoveStep, Problem, StepKind } from '../../src/plan/place/solver/problem.ts';
import { meetsAll } from '../../src/plan/place/solver/verify-moves.ts';
import type { Lacking } from '../../src/plan/place/solver/n-plus-one.ts';
import { runWildly } from '../property/oracle.ts';
import { randomOf } from './problems.ts';

export interface Ran {
  readonly out: Buffer;
  /** From its start to its end. */
  readonly ms: number;
}

/** Throws where the command is missing or fails. */
export const run = async (command: string, args: readonly string[], input: Uint8Array | string = ''): Promise<Ran> => {
  const begin = performance.now();
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  child.stdin.on('error', () => {}).end(input);
  const [out, rc] = await Promise.all([buffer(child.stdout), ended]);
  if (rc !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${rc}`);
  return { out, ms: performance.now() - begin };
};

interface Measured<T> {
  /** Milliseconds of each run; the first is what a fresh process takes, whose code is not yet warm. */
  readonly times: readonly number[];
  /** Of the whole process after its first run: Node, the problem and the planner. */
  readonly peakKiB: number;
  readonly result: T;
  readonly wrong: string | null;
  readonly verifyMs: number;
  readonly processMs: number;
}

const measure = async <T>(problem: Problem, what: 'moves' | 'lacking', runs: number): Promise<Measured<T>> => {
  const script = join(import.meta.dirname, 'measure.mjs');
  const { out, ms } = await run(process.execPath, ['--expose-gc', script], serialize({ problem, runs, what }));
  return { ...(deserialize(out) as Omit<Measured<T>, 'processMs'>), processMs: ms };
};

export const measureMoves = (p: Problem, runs = 5): Promise<Measured<Solution>> => measure(p, 'moves', runs);
export const measureSpare = (p: Problem, runs = 5): Promise<Measured<Lacking | null>> => measure(p, 'lacking', runs);

export const median = (all: readonly number[]): number =>
  [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;

const depthOf = (steps: readonly MoveStep[]): number => {
  const depth = new Int32Array(steps.length);
  let most = 0;
  for (const [i, s] of steps.entries()) {
    let before = 0;
    for (const n of s.needs) before = Math.max(before, depth[n] ?? 0);
    depth[i] = before + 1;
    most = Math.max(most, before + 1);
  }
  return most;
};

/** Steps that take a unit of time and a place among the `limit` of each server that they touch; the others take none. */
const slow: ReadonlySet<StepKind> = new Set(['move', 'hop', 'suspend', 'resume']);

/** Each step begins as soon as its needs are done and its servers have a place, the earlier in the plan first. */
const makespan = (steps: readonly MoveStep[], servers: number, limit: number): number => {
  const left = Int32Array.from(steps, (s) => s.needs.length);
  const after: number[][] = steps.map(() => []);
  for (const [i, s] of steps.entries()) for (const n of s.needs) after[n]?.push(i);
  let ready = [...steps.keys()].filter((i) => left[i] === 0);
  let done = 0;
  let time = 0;
  const finish = (i: number): number[] => {
    done++;
    return (after[i] ?? []).filter((n) => (left[n] = (left[n] ?? 0) - 1) === 0);
  };
  for (;;) {
    const busy = new Int32Array(servers);
    const full = (s: number): boolean => s >= 0 && (busy[s] ?? 0) >= limit;
    const running: number[] = [];
    const held: number[] = [];
    for (const i of ready) {
      const s = steps[i];
      if (!s) continue;
      if (!slow.has(s.kind)) ready.push(...finish(i));
      else if (full(s.from) || full(s.to)) held.push(i);
      else {
        for (const end of [s.from, s.to]) if (end >= 0) busy[end] = (busy[end] ?? 0) + 1;
        running.push(i);
      }
    }
    if (running.length === 0) {
      if (done < steps.length) throw new Error('the steps wait for each other');
      return time;
    }
    time++;
    ready = [...held, ...running.flatMap(finish)].sort((a, b) => a - b);
  }
};

/** What wild runs cost grows with steps × (steps + servers). */
const mostWild = 3_000_000;
const wildRuns = 3;

const violations = (p: Problem, { steps, to, unmet }: Solution, wrong: string | null): string => {
  if (wrong !== null) return wrong;
  if (unmet.length === 0 && !meetsAll(p, to)) return 'not at the goal';
  if (steps.length * (steps.length + p.servers) > mostWild) return '0';
  for (let seed = 0; seed < wildRuns; seed++) {
    const found = runWildly(p, steps, randomOf(seed));
    if (found !== null) return found;
  }
  return `0, also in ${wildRuns} wild runs`;
};

const reasons = ({ unmet }: Solution): string => {
  const by = new Map<string, number>();
  for (const { why } of unmet) by.set(why, (by.get(why) ?? 0) + 1);
  return [...by].map(([why, n]) => `${n} ${why}`).join(', ') || '0';
};

/** To three figures. */
export const ms = (n: number | undefined): string =>
  n === undefined ? '-' : n >= 100 ? String(Math.round(n)) : n.toPrecision(3);

export type Row = Readonly<Record<string, string | number>>;

export const rowOf = (name: string, p: Problem, m: Measured<Solution>): Row => {
  const { steps, unmet, bound } = m.result;
  const count = (kind: StepKind): number => steps.filter((s) => s.kind === kind).length;
  const moves = movesIn(steps);
  return {
    case: name,
    'servers × VMs': `${p.servers} × ${p.vms}`,
    'first ms': ms(m.times[0]),
    'best ms': ms(Math.min(...m.times)),
    'median ms': ms(median(m.times)),
    'verify ms': ms(m.verifyMs),
    'peak MiB': Math.round(m.peakKiB / 1024),
    moves,
    bound,
    ratio: unmet.length > 0 || bound === 0 ? '-' : (moves / bound).toFixed(4),
    hops: count('hop'),
    suspends: count('suspend'),
    unmet: reasons(m.result),
    steps: steps.length,
    edges: steps.reduce((n, s) => n + s.needs.length, 0),
    depth: depthOf(steps),
    'makespan, c = 1 2 4': [1, 2, 4].map((c) => makespan(steps, p.servers, c)).join(' '),
    violations: violations(p, m.result, m.wrong),
  };
};

/** Numbers to the right, words to the left. */
export const printTable = (title: string, rows: readonly Row[]): void => {
  const heads = Object.keys(rows[0] ?? {});
  const cells = [heads, ...rows.map((r) => heads.map((h) => String(r[h] ?? '')))];
  const widths = heads.map((_, i) => Math.max(...cells.map((c) => c[i]?.length ?? 0)));
  const right = heads.map((h) => rows.every((r) => /^[\d.-]*$/.test(String(r[h] ?? ''))));
  const line = (c: readonly string[]): string =>
    c.map((x, i) => (right[i] === true ? x.padStart(widths[i] ?? 0) : x.padEnd(widths[i] ?? 0))).join('  ');
  console.log(`\n${title}\n${cells.map((c) => line(c).trimEnd()).join('\n')}\n`);
};

export const printTarget = (reached: boolean, what: string, figure: string): void =>
  console.log(`${reached ? 'reached    ' : 'NOT REACHED'}  ${what}: ${figure}`);

/** A plan that could do harm is no figure at all. */
export const refuseHarm = (rows: readonly Row[]): void => {
  const harmful = rows.filter((r) => !String(r['violations']).startsWith('0'));
  if (harmful.length > 0) throw new Error(harmful.map((r) => `${r['case']}: ${r['violations']}`).join('\n'));
};

export const benchArgs = (): readonly string[] => JSON.parse(process.env['BENCH_ARGS'] ?? '[]') as string[];
