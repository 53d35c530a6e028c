/** The cheapest way for a small pool, found by looking at every state that could be on it: what the fast way misses, this finds. */
import { groupsOf, mayCome, mayPass, mayStay, midsOf, moveBy, type Problem } from './problem.ts';
import type { Leg } from './order-moves.ts';

export interface Way {
  readonly to: Int32Array;
  readonly legs: readonly Leg[];
}

const mostServers = 6;
const mostVms = 10;
const mostStates = 400_000;

/** By what it does to the VM: a restart or a suspension is dearer than any number of live moves. */
const price = { cold: 0.01, live: 1, down: 1000 } as const;

/** A binary heap of states by cost. */
class Heap {
  private readonly items: { readonly key: number; readonly cost: number }[] = [];

  push(key: number, cost: number): void {
    const { items } = this;
    items.push({ key, cost });
    let i = items.length - 1;
    while (i > 0) {
      const up = (i - 1) >> 1;
      if (this.cost(up) <= cost) break;
      this.swap(i, up);
      i = up;
    }
  }

  pop(): { readonly key: number; readonly cost: number } | undefined {
    const { items } = this;
    const top = items[0];
    const last = items.pop();
    if (!top || !last || items.length === 0) return top;
    items[0] = last;
    let i = 0;
    for (;;) {
      const l = 2 * i + 1;
      const r = l + 1;
      let least = i;
      if (l < items.length && this.cost(l) < this.cost(least)) least = l;
      if (r < items.length && this.cost(r) < this.cost(least)) least = r;
      if (least === i) return top;
      this.swap(i, least);
      i = least;
    }
  }

  private cost(i: number): number {
    return this.items[i]?.cost ?? Number.POSITIVE_INFINITY;
  }

  private swap(a: number, b: number): void {
    const { items } = this;
    const [x, y] = [items[a], items[b]];
    if (!x || !y) return;
    items[a] = y;
    items[b] = x;
  }
}

export const isSmall = (p: Problem): boolean => {
  let moving = 0;
  for (let v = 0; v < p.vms; v++) if (p.runs[v] === 1) moving++;
  return p.servers <= mostServers && moving <= mostVms;
};

interface Space {
  readonly p: Problem;
  /** VMs that run now and go on. */
  readonly vms: readonly number[];
  readonly starts: readonly number[];
  readonly mid: Float64Array;
}

/** A state as a number: the server of each VM, or one more than there are for one that is down. */
const decode = (key: number, { p, vms }: Space): number[] => {
  const base = p.servers + 1;
  let rest = key;
  return vms.map(() => {
    const s = rest % base;
    rest = Math.floor(rest / base);
    return s;
  });
};

const encode = (state: readonly number[], base: number): number => state.reduceRight((key, s) => key * base + s, 0);

const freeWith = (state: readonly number[], x: Space, sizes: Float64Array): Float64Array => {
  const free = Float64Array.from(x.p.room);
  state.forEach((s, i) => {
    if (s >= x.p.servers) return;
    const v = x.vms[i] ?? 0;
    for (let d = 0; d < x.p.dims; d++) {
      const at = s * x.p.dims + d;
      free[at] = (free[at] ?? 0) - (sizes[v * x.p.dims + d] ?? 0);
    }
  });
  return free;
};

const fits = (p: Problem, free: Float64Array, sizes: Float64Array, v: number, s: number): boolean => {
  for (let d = 0; d < p.dims; d++) {
    const size = sizes[v * p.dims + d] ?? 0;
    if (size > 0 && size > (free[s * p.dims + d] ?? 0)) return false;
  }
  return true;
};

const meets = (x: Space, state: readonly number[], v: number, s: number): boolean => {
  const mine = groupsOf(x.p, v);
  if (mine.length === 0) return false;
  return state.some((t, i) => {
    const w = x.vms[i] ?? -1;
    return t === s && w !== v && groupsOf(x.p, w).some((g) => mine.includes(g));
  });
};

/** Where the VMs that start go, or null where some find no room beside this state. */
const startsAt = (state: readonly number[], x: Space): Map<number, number> | null => {
  const { p, starts } = x;
  const free = freeWith(state, x, p.next);
  const found = new Map<number, number>();
  const meetsStart = (v: number, s: number): boolean => {
    const mine = groupsOf(p, v);
    return [...found].some(([w, t]) => t === s && groupsOf(p, w).some((g) => mine.includes(g)));
  };
  const put = (i: number): boolean => {
    const v = starts[i];
    if (v === undefined) return true;
    for (let s = 0; s < p.servers; s++) {
      if (!mayCome(p, v, s) || !fits(p, free, p.next, v, s) || meets(x, state, v, s) || meetsStart(v, s)) continue;
      for (let d = 0; d < p.dims; d++)
        free[s * p.dims + d] = (free[s * p.dims + d] ?? 0) - (p.next[v * p.dims + d] ?? 0);
      found.set(v, s);
      if (put(i + 1)) return true;
      found.delete(v);
      for (let d = 0; d < p.dims; d++)
        free[s * p.dims + d] = (free[s * p.dims + d] ?? 0) + (p.next[v * p.dims + d] ?? 0);
    }
    return false;
  };
  return put(0) ? found : null;
};

/** Whether every VM may stay where it is and there is room for what all are to take. */
const isGoal = (state: readonly number[], x: Space): boolean => {
  const { p } = x;
  for (const [i, v] of x.vms.entries()) {
    const s = state[i] ?? p.servers;
    if (s >= p.servers || !(mayStay(p, v, s) && (s === p.at[v] || mayCome(p, v, s)))) return false;
    if (meets(x, state, v, s)) return false;
  }
  return freeWith(state, x, p.next).every((f) => f >= 0);
};

/** Null: there is no way that meets every wish, or it was not found within bounds. */
export const exactWay = (p: Problem): Way | null | 'unknown' => {
  const vms: number[] = [];
  const starts: number[] = [];
  for (let v = 0; v < p.vms; v++) {
    if (p.runs[v] !== 1) continue;
    if ((p.at[v] ?? -1) >= 0) vms.push(v);
    else starts.push(v);
  }
  const mid = midsOf(p);
  const x: Space = { p, vms, starts, mid };
  const base = p.servers + 1;
  const first = encode(
    vms.map((v) => p.at[v] ?? 0),
    base,
  );
  const cost = new Map<number, number>([[first, 0]]);
  const from = new Map<number, { readonly key: number; readonly leg: Leg }>();
  const heap = new Heap();
  /** Each VM that may not stay moves once more at least. */
  const least = (state: readonly number[]): number =>
    vms.reduce((sum, v, i) => {
      const s = state[i] ?? 0;
      if (s < p.servers && mayStay(p, v, s)) return sum;
      if (s >= p.servers || p.move[v] === moveBy.cold) return sum;
      return sum + 1;
    }, 0);
  heap.push(first, least(decode(first, x)));
  const done = new Set<number>();
  for (let at = heap.pop(); at; at = heap.pop()) {
    const { key } = at;
    if (done.has(key)) continue;
    done.add(key);
    if (done.size > mostStates) return 'unknown';
    const state = decode(key, x);
    const so = cost.get(key) ?? 0;
    if (isGoal(state, x)) {
      const found = startsAt(state, x);
      if (found) return wayTo(key, state, found, x, from);
    }
    const free = freeWith(state, x, mid);
    for (const [i, v] of vms.entries()) {
      const s = state[i] ?? 0;
      const how = p.move[v] ?? moveBy.never;
      if (how === moveBy.never) continue;
      const isDown = s >= p.servers;
      const reach = (t: number, price_: number): void => {
        const next = [...state];
        next[i] = t;
        const k = encode(next, base);
        const c = so + price_;
        if (done.has(k) || c >= (cost.get(k) ?? Number.POSITIVE_INFINITY)) return;
        cost.set(k, c);
        from.set(k, { key, leg: { vm: v, to: t >= p.servers ? -1 : t } });
        heap.push(k, c + least(next));
      };
      if (!isDown && how === moveBy.cold) reach(p.servers, price.cold);
      else if (!isDown && (p.suspend[v] === 1 || how === moveBy.restart)) reach(p.servers, price.down);
      if (how !== moveBy.live && !isDown) continue;
      for (let t = 0; t < p.servers; t++) {
        const allowed = mayPass(p, v, t) || (isDown && t === p.at[v]);
        if (t === s || !allowed || !fits(p, free, mid, v, t) || meets(x, state, v, t)) continue;
        reach(t, isDown ? 0 : price.live);
      }
    }
  }
  return null;
};

const wayTo = (
  goal: number,
  state: readonly number[],
  starts: ReadonlyMap<number, number>,
  x: Space,
  from: ReadonlyMap<number, { readonly key: number; readonly leg: Leg }>,
): Way => {
  const legs: Leg[] = [];
  for (let key = goal, step = from.get(key); step; key = step.key, step = from.get(key)) legs.unshift(step.leg);
  const to = new Int32Array(x.p.vms).fill(-1);
  x.vms.forEach((v, i) => {
    to[v] = state[i] ?? -1;
  });
  for (const [v, s] of starts) to[v] = s;
  return { to, legs };
};
