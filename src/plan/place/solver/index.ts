/** From a problem to its moves: place, order, and where that is not the best that can be, try other ways. */
import { cyclesBound } from './lower-bound.ts';
import { exactWay, isSmall } from './exact-search.ts';
import { follow, order } from './order-moves.ts';
import { place, type Strategy } from './place-vms.ts';
import { mayStay, moveBy, type MoveStep, type Problem, type Unmet } from './problem.ts';
import { findVictims } from './evictions.ts';

export interface Solution {
  /** By VM: where it is in the end; -1: it does not run. */
  readonly to: Int32Array;
  /** In a possible order: each stands behind those that it needs. */
  readonly steps: readonly MoveStep[];
  readonly unmet: readonly Unmet[];
  /** No way that meets every wish has fewer moves (hops and suspensions among them). */
  readonly bound: number;
}

/** What the bound speaks of: a suspension and what ends it are one each, and count like moves. */
export const movesIn = (steps: readonly MoveStep[]): number =>
  steps.filter((s) => ['move', 'hop', 'suspend', 'resume'].includes(s.kind)).length;

/** Nothing unmet, then fewest interruptions, then fewest operations. */
const costOf = (p: Problem, s: Pick<Solution, 'steps' | 'unmet'>): readonly number[] => {
  const hard = s.steps.filter(
    (x) => x.kind === 'suspend' || ((x.kind === 'move' || x.kind === 'hop') && p.move[x.vm] === moveBy.restart),
  ).length;
  return [s.unmet.length, hard, movesIn(s.steps), s.steps.length];
};

const less = (a: readonly number[], b: readonly number[]): boolean => {
  for (const [i, x] of a.entries()) if (x !== b[i]) return x < (b[i] ?? 0);
  return false;
};

/** Wishes that cannot be fulfilled, taken out: the VM stays down, or as large as it is. */
const without = (p: Problem, unmet: readonly Unmet[]): Problem => {
  if (unmet.every((u) => u.what === 'move')) return p;
  const runs = Uint8Array.from(p.runs);
  const next = Float64Array.from(p.next);
  for (const { vm, what } of unmet) {
    if (what === 'start') runs[vm] = 0;
    if (what === 'grow') {
      for (let d = 0; d < p.dims; d++) {
        const i = vm * p.dims + d;
        next[i] = Math.min(next[i] ?? 0, p.now[i] ?? 0);
      }
    }
  }
  return { ...p, runs, next };
};

/** What may not move stays and what cannot grow does not, and the others are placed again around it: nobody moves for a wish that is not fulfilled. */
const attempt = (whole: Problem, strategy: Strategy): Omit<Solution, 'bound'> => {
  const fixed = new Uint8Array(whole.vms);
  const small: Unmet[] = [];
  const stuck: Unmet[] = [];
  let p = whole;
  for (;;) {
    const placed = place(p, fixed, strategy);
    const held = placed.unmet.filter((u) => u.what === 'move' && fixed[u.vm] !== 1);
    for (const { vm } of held) fixed[vm] = 1;
    stuck.push(...held);
    if (held.length > 0) continue;
    const grows = placed.unmet.filter((u) => u.what === 'grow');
    if (grows.length > 0) {
      small.push(...grows);
      p = without(p, grows);
      fixed.fill(0);
      stuck.length = 0;
      continue;
    }
    const unmet = [...small, ...stuck, ...placed.unmet.filter((u) => fixed[u.vm] !== 1)];
    const ordered = order(without(p, unmet), placed.to);
    const more = ordered.stuck.filter((vm) => fixed[vm] !== 1);
    if (more.length === 0) return { to: ordered.to, steps: ordered.steps, unmet };
    for (const vm of more) {
      fixed[vm] = 1;
      stuck.push({ vm, what: 'move', why: 'stuck' });
    }
  }
};

export const solve = (p: Problem): Solution => {
  const { bound: places, crowded } = findVictims(p, new Uint8Array(p.vms));
  const bound = places + cyclesBound(p, crowded);
  let best = attempt(p, 'spread');
  const good = (): boolean => best.unmet.length === 0 && costOf(p, best)[1] === 0 && movesIn(best.steps) <= bound;
  if (good()) return { ...best, bound };
  const other = attempt(p, 'pack');
  if (less(costOf(p, other), costOf(p, best))) best = other;
  if (good() || !isSmall(p)) return { ...best, bound };
  const way = exactWay(p);
  if (way === null || way === 'unknown') return { ...best, bound };
  const { steps, to } = follow(p, way.to, way.legs);
  const exact = { to, steps, unmet: [] };
  return { ...(less(costOf(p, exact), costOf(p, best)) ? exact : best), bound };
};

/** Where a solution is not to be trusted: nobody moves, starts or grows, and all who would are told of. */
export const standingStill = (p: Problem): Solution => {
  const unmet: Unmet[] = [];
  for (let vm = 0; vm < p.vms; vm++) {
    if (p.runs[vm] !== 1) continue;
    const at = p.at[vm] ?? -1;
    if (at < 0) unmet.push({ vm, what: 'start', why: 'unverified' });
    else if (!mayStay(p, vm, at)) unmet.push({ vm, what: 'move', why: 'unverified' });
  }
  return { to: Int32Array.from(p.at, (at, vm) => (p.runs[vm] === 1 ? at : -1)), steps: [], unmet, bound: 0 };
};
