/** Where each VM goes that must leave or that starts: everybody else stays, unless a chain of moves is the only way. */
import { Load } from './load.ts';
import { mayCome, midsOf, moveBy, openServers, placesOf, type Problem, type Unmet, type UnmetWhy } from './problem.ts';
import { Tops } from './free-share-heap.ts';
import { findVictims } from './evictions.ts';

/** Among the servers that have room: the emptiest, or the one that it fills best. */
export type Strategy = 'spread' | 'pack';

export interface Placement {
  /** By VM: where it is in the end; -1: it does not run. */
  readonly to: Int32Array;
  readonly unmet: readonly Unmet[];
}

/** From so many servers on, only the emptiest are looked at first. */
const manyServers = 200;

const maxDepth = 3;
/** Servers that one step of a chain looks at, and looks in all for one VM: what is not found by then is hard to find. */
const chainWidth = 24;
const chainLooks = 4000;

class Placing {
  readonly to: Int32Array;
  /** When all is done, and while only shrinks, stops and arrivals are. */
  readonly final: Load;
  readonly soon: Load;
  private readonly mid: Float64Array;
  private readonly serversFor: (vm: number) => Int32Array;
  private readonly everywhere: Int32Array;
  private tops: Tops | null = null;
  private members: number[][] | null = null;
  private looks = 0;

  private readonly p: Problem;
  /** 1: it stays where it is, whatever happens. */
  private readonly fixed: Uint8Array;
  private readonly strategy: Strategy;
  /** By dimension: the room of all servers together. */
  private readonly total: readonly number[];

  constructor(p: Problem, leave: readonly number[], fixed: Uint8Array, strategy: Strategy) {
    this.p = p;
    this.fixed = fixed;
    this.strategy = strategy;
    this.total = Array.from({ length: p.dims }, (_, d) => {
      let sum = 0;
      for (let s = 0; s < p.servers; s++) sum += p.room[s * p.dims + d] ?? 0;
      return sum;
    });
    this.to = Int32Array.from(p.at, (s, v) => (p.runs[v] === 1 ? s : -1));
    this.final = new Load(p);
    this.soon = new Load(p);
    const all = openServers(p);
    this.everywhere = all;
    this.serversFor = placesOf(p, all);
    this.mid = midsOf(p);
    for (const v of leave) this.to[v] = -1;
    for (let v = 0; v < p.vms; v++) {
      const s = p.at[v] ?? -1;
      if (s < 0 || p.runs[v] !== 1) continue;
      this.soon.change(v, s, this.mid, 1);
      this.soon.join(v, s, 1);
      if (this.to[v] === s) this.settle(v, s, 1);
    }
  }

  private settle(v: number, s: number, sign: 1 | -1): void {
    this.final.change(v, s, this.p.next, sign);
    this.final.join(v, s, sign);
  }

  private assign(v: number, s: number): void {
    const before = this.to[v] ?? -1;
    if (before >= 0) this.unassign(v);
    this.to[v] = s;
    this.settle(v, s, 1);
    if (s !== this.p.at[v]) {
      this.soon.change(v, s, this.mid, 1);
      this.soon.join(v, s, 1);
    }
    this.tops?.update(s, this.share(s));
    this.members?.[s]?.push(v);
  }

  private unassign(v: number): void {
    const s = this.to[v] ?? -1;
    if (s < 0) return;
    this.settle(v, s, -1);
    if (s !== this.p.at[v]) {
      this.soon.change(v, s, this.mid, -1);
      this.soon.join(v, s, -1);
    }
    this.tops?.update(s, this.share(s));
    this.to[v] = -1;
    const list = this.members?.[s];
    const i = list?.indexOf(v) ?? -1;
    if (i >= 0) list?.splice(i, 1);
  }

  /** The least share of any dimension that stays free once the VM is there. */
  private slack(v: number, s: number): number {
    const { p } = this;
    let least = Number.POSITIVE_INFINITY;
    for (let d = 0; d < p.dims; d++) {
      const room = p.room[s * p.dims + d] ?? 0;
      if (room <= 0) continue;
      const share = ((this.final.free[s * p.dims + d] ?? 0) - (p.next[v * p.dims + d] ?? 0)) / room;
      if (share < least) least = share;
    }
    return least;
  }

  /** The least share of any dimension that is free now and in the end. */
  private share(s: number): number {
    const { p } = this;
    let least = Number.POSITIVE_INFINITY;
    for (let d = 0; d < p.dims; d++) {
      const i = s * p.dims + d;
      const room = p.room[i] ?? 0;
      if (room > 0) least = Math.min(least, (this.final.free[i] ?? 0) / room, (this.soon.free[i] ?? 0) / room);
    }
    return least;
  }

  /** One of the emptiest servers, if it takes the VM at once: without looking at all of a large farm. */
  private emptiest(v: number): number {
    this.tops ??= new Tops(this.everywhere, (s) => this.share(s));
    return this.tops.first(
      (s) =>
        this.final.fits(v, s, this.p.next) &&
        this.soon.fits(v, s, this.mid) &&
        mayCome(this.p, v, s) &&
        !this.final.meets(v, s) &&
        !this.soon.meets(v, s),
    );
  }

  private best(v: number, not: ReadonlySet<number>): number {
    const { p } = this;
    const home = p.prefers[v] ?? -1;
    if (
      home >= 0 &&
      !not.has(home) &&
      this.final.fits(v, home, p.next) &&
      mayCome(p, v, home) &&
      !this.final.meets(v, home)
    )
      return home;
    if (this.strategy === 'spread' && not.size === 0 && this.serversFor(v).length >= manyServers) {
      const s = this.emptiest(v);
      if (s >= 0) return s;
    }
    let best = -1;
    let bestNow = false;
    let bestSlack = 0;
    for (const s of this.serversFor(v)) {
      if (!this.final.fits(v, s, p.next) || !mayCome(p, v, s) || not.has(s) || this.final.meets(v, s)) continue;
      const now = s === p.at[v] || (this.soon.fits(v, s, this.mid) && !this.soon.meets(v, s));
      if (bestNow && !now) continue;
      const slack = this.slack(v, s);
      const better = this.strategy === 'spread' ? slack > bestSlack : slack < bestSlack;
      if (best < 0 || (now && !bestNow) || better) {
        best = s;
        bestNow = now;
        bestSlack = slack;
      }
    }
    return best;
  }

  /** Puts the VM somewhere, if need be by sending others on. */
  put(v: number): boolean {
    const s = this.best(v, new Set());
    if (s >= 0) {
      this.assign(v, s);
      return true;
    }
    this.looks = chainLooks;
    for (let depth = 1; depth <= maxDepth; depth++) if (this.chain(v, depth, new Set())) return true;
    return false;
  }

  private memberLists(): number[][] {
    if (!this.members) {
      this.members = Array.from({ length: this.p.servers }, () => []);
      this.to.forEach((s, v) => s >= 0 && this.members?.[s]?.push(v));
    }
    return this.members;
  }

  /** How much the VM would overfill a server at most, as a share of its room. */
  private lack(v: number, s: number): number {
    const { p } = this;
    let most = 0;
    for (let d = 0; d < p.dims; d++) {
      const over = (p.next[v * p.dims + d] ?? 0) - (this.final.free[s * p.dims + d] ?? 0);
      if (over > 0) most = Math.max(most, over / (p.room[s * p.dims + d] || 1));
    }
    return most;
  }

  private chain(v: number, depth: number, not: ReadonlySet<number>): boolean {
    const { p } = this;
    const members = this.memberLists();
    const near = [...this.serversFor(v)]
      .filter((s) => !not.has(s) && mayCome(p, v, s))
      .map((s) => ({ s, lack: this.lack(v, s) }))
      .sort((a, b) => a.lack - b.lack)
      .slice(0, chainWidth);
    for (const { s } of near) {
      const without = new Set([...not, s]);
      // Those that move anyway go first: sending them on costs nothing.
      const others = [...(members[s] ?? [])]
        .filter((w) => w !== v && this.fixed[w] !== 1 && (p.move[w] ?? moveBy.never) <= moveBy.live)
        .sort((a, b) => Number(p.at[a] === s) - Number(p.at[b] === s) || this.size(a) - this.size(b));
      for (const w of others) {
        if (this.looks-- <= 0) return false;
        this.unassign(w);
        if (this.final.fits(v, s, p.next) && !this.final.meets(v, s)) {
          this.assign(v, s);
          const direct = this.best(w, without);
          if (direct >= 0) {
            this.assign(w, direct);
            return true;
          }
          if (depth > 1 && this.chain(w, depth - 1, without)) return true;
          this.unassign(v);
        }
        this.assign(w, s);
      }
    }
    return false;
  }

  private size(v: number): number {
    return this.p.next[v * this.p.dims] ?? 0;
  }

  /** Why no server takes it. */
  whyNot(v: number): UnmetWhy {
    const { p } = this;
    const any = [...this.serversFor(v)].some((s) => mayCome(p, v, s));
    if (p.at[v] !== -1 && p.move[v] === moveBy.never) return 'may-not-move';
    return any ? 'no-room' : 'no-server';
  }

  /** Fewer places to go, and larger, first. Nothing is rounded, so that sizes may be scaled. */
  difficulty(v: number): number {
    const { p } = this;
    let size = 0;
    for (let d = 0; d < p.dims; d++)
      size = Math.max(size, ((p.next[v * p.dims + d] ?? 0) * p.servers) / (this.total[d] || 1));
    return size / Math.max(1, this.serversFor(v).length);
  }
}

/** What grows on a server that cannot hold it, though nobody can leave: those wishes are dropped, the largest first. */
const overgrown = (p: Problem, to: Int32Array): readonly number[] => {
  const load = new Load(p);
  to.forEach((s, v) => s >= 0 && load.change(v, s, p.next, 1));
  const out: number[] = [];
  for (let s = 0; s < p.servers; s++) {
    if (load.overfull(s) < 0) continue;
    const growth = (v: number): number => {
      let most = 0;
      for (let d = 0; d < p.dims; d++)
        if ((load.free[s * p.dims + d] ?? 0) < 0)
          most = Math.max(most, (p.next[v * p.dims + d] ?? 0) - (p.now[v * p.dims + d] ?? 0));
      return most;
    };
    const here: number[] = [];
    to.forEach((t, v) => {
      if (t === s && p.at[v] === s && growth(v) > 0) here.push(v);
    });
    here.sort((a, b) => growth(b) - growth(a) || a - b);
    for (const v of here) {
      if (load.overfull(s) < 0) break;
      load.change(v, s, p.next, -1);
      load.change(v, s, p.now, 1);
      out.push(v);
    }
  }
  return out;
};

/** `fixed`: VMs that stay where they are, whatever the file says. */
export const place = (p: Problem, fixed: Uint8Array, strategy: Strategy): Placement => {
  const { leave } = findVictims(p, fixed);
  const placing = new Placing(p, leave, fixed, strategy);
  const starts: number[] = [];
  for (let v = 0; v < p.vms; v++) if (p.runs[v] === 1 && (p.at[v] ?? -1) < 0 && fixed[v] !== 1) starts.push(v);
  const hard = new Map([...leave, ...starts].map((v) => [v, placing.difficulty(v)] as const));
  const todo = [...hard.keys()].sort((a, b) => (hard.get(b) ?? 0) - (hard.get(a) ?? 0) || a - b);
  const unmet: Unmet[] = [];
  for (const v of todo) {
    const may = (p.at[v] ?? -1) < 0 || p.move[v] !== moveBy.never;
    if (may && placing.put(v)) continue;
    unmet.push({ vm: v, what: (p.at[v] ?? -1) < 0 ? 'start' : 'move', why: placing.whyNot(v) });
  }
  const { to } = placing;
  for (const { vm, what } of unmet) if (what === 'move') to[vm] = p.at[vm] ?? -1;
  for (const vm of overgrown(p, to)) unmet.push({ vm, what: 'grow', why: 'no-room' });
  return { to, unmet };
};
