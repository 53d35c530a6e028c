/** Who must leave where it is: the fewest, then the smallest; and the least number of moves that any plan needs. */
import { Load } from './load.ts';
import { groupsOf, mayStay, moveBy, type Problem } from './problem.ts';

export interface Victims {
  /** VMs that run and must go elsewhere. */
  readonly leave: readonly number[];
  /** No plan that meets every wish moves fewer. */
  readonly bound: number;
  /** By server: 1 where some that may stay must leave all the same, whichever. */
  readonly crowded: Uint8Array;
}

/** What leaving costs, so that a VM which is down anyway goes first, and one that must be restarted for it last. */
const priceOf = (p: Problem, vm: number): number =>
  [0.5, 1, 1000, Number.POSITIVE_INFINITY][p.move[vm] ?? moveBy.never] ?? Number.POSITIVE_INFINITY;

/** The least number of VMs that must leave a server for its excess in one dimension. */
const fewestFor = (p: Problem, vms: readonly number[], dim: number, excess: number): number => {
  const sizes = vms.map((v) => p.next[v * p.dims + dim] ?? 0).sort((a, b) => b - a);
  let left = excess;
  let n = 0;
  while (left > 0 && n < sizes.length) left -= sizes[n++] ?? 0;
  return n;
};

/** Chooses VMs of an overfull server until it is not: one that covers all that is left, the smallest such, or else the one that covers most. */
const relieve = (p: Problem, vms: readonly number[], free: Float64Array, server: number): readonly number[] => {
  const { dims } = p;
  const excess = Array.from({ length: dims }, (_, d) => Math.max(0, -(free[server * dims + d] ?? 0)));
  const left = new Set(vms.filter((v) => Number.isFinite(priceOf(p, v))));
  const out: number[] = [];
  while (excess.some((x) => x > 0)) {
    let best = -1;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (const v of left) {
      let covers = true;
      let cover = 0;
      let size = 0;
      for (let d = 0; d < dims; d++) {
        const need = excess[d] ?? 0;
        const has = p.next[v * dims + d] ?? 0;
        const room = p.room[server * dims + d] ?? 1;
        size += has / (room || 1);
        if (need <= 0) continue;
        if (has < need) covers = false;
        cover += Math.min(has, need) / need;
      }
      if (cover === 0) continue;
      const score = (covers ? 1e6 - size : cover * 10) - priceOf(p, v) * 100;
      if (score > bestScore) {
        bestScore = score;
        best = v;
      }
    }
    if (best < 0) break;
    left.delete(best);
    out.push(best);
    for (let d = 0; d < dims; d++) excess[d] = (excess[d] ?? 0) - (p.next[best * dims + d] ?? 0);
  }
  // One that was taken early may not be needed any more.
  return out.filter((v, i) => {
    const spareable = excess.every((x, d) => x + (p.next[v * dims + d] ?? 0) <= 0);
    if (!spareable || i === out.length - 1) return true;
    for (let d = 0; d < dims; d++) excess[d] = (excess[d] ?? 0) + (p.next[v * dims + d] ?? 0);
    return false;
  });
};

/** `fixed`: VMs that stay whatever happens, since nowhere else would take them. */
export const findVictims = (p: Problem, fixed: Uint8Array): Victims => {
  const load = new Load(p);
  const on: number[][] = Array.from({ length: p.servers }, () => []);
  const leave: number[] = [];
  let bound = 0;
  const full = new Uint8Array(p.servers);
  for (let v = 0; v < p.vms; v++) {
    const s = p.at[v] ?? -1;
    if (s < 0 || p.runs[v] !== 1) continue;
    if (fixed[v] !== 1 && !mayStay(p, v, s)) {
      leave.push(v);
      bound++;
      continue;
    }
    load.change(v, s, p.next, 1);
    load.join(v, s, 1);
    on[s]?.push(v);
  }
  for (let s = 0; s < p.servers; s++) {
    const here = on[s] ?? [];
    const gone = new Set<number>();
    let apart = 0;
    const seen = new Map<number, number[]>();
    for (const v of here) {
      for (const g of groupsOf(p, v)) {
        const list = seen.get(g);
        if (list) list.push(v);
        else seen.set(g, [v]);
      }
    }
    for (const list of seen.values()) {
      if (list.length < 2) continue;
      apart = Math.max(apart, list.length - 1);
      const rest = list.filter((v) => !gone.has(v));
      // The one that is hardest to move stays.
      rest.sort((a, b) => rankToStay(p, b, fixed) - rankToStay(p, a, fixed) || a - b);
      for (const v of rest.slice(1)) if (fixed[v] !== 1 && Number.isFinite(priceOf(p, v))) gone.add(v);
    }
    let crowded = 0;
    for (let d = 0; d < p.dims; d++) {
      const free = load.free[s * p.dims + d] ?? 0;
      if (free < 0) crowded = Math.max(crowded, fewestFor(p, here, d, -free));
    }
    bound += Math.max(apart, crowded);
    if (apart + crowded > 0) full[s] = 1;
    for (const v of gone) load.change(v, s, p.next, -1);
    if (load.overfull(s) >= 0) {
      const rest = here.filter((v) => !gone.has(v) && fixed[v] !== 1);
      for (const v of relieve(p, rest, load.free, s)) gone.add(v);
    }
    leave.push(...gone);
  }
  return { leave, bound, crowded: full };
};

const rankToStay = (p: Problem, vm: number, fixed: Uint8Array): number => {
  if (fixed[vm] === 1) return Number.MAX_VALUE;
  const price = priceOf(p, vm);
  return Number.isFinite(price) ? price * 1e12 + (p.next[vm * p.dims] ?? 0) : Number.MAX_VALUE / 2;
};
