/** The order of moves: each when its place is free, shrinks and stops first, growth and starts last; and the ways out of a circle. */
import { Load } from './load.ts';
import { mayCome, mayPass, moveBy, openServers, placesOf, type MoveStep, type Problem } from './problem.ts';
import { Track } from './move-log.ts';

export interface Ordered {
  readonly steps: readonly MoveStep[];
  /** VMs whose move waits for ever: somebody would have to make room by other means. */
  readonly stuck: readonly number[];
  readonly to: Int32Array;
}

/** A VM that waits for its place. */
interface Pending {
  readonly vm: number;
  readonly to: number;
  hops: number;
}

const mostHops = 2;
/** Places that are looked at for a VM that might make room for others. */
const displaceLooks = 200_000;
/** VMs of one server that are sent away for one that waits. */
const mostDisplaced = 8;

class Ordering {
  readonly track: Track;
  readonly to: Int32Array;
  private readonly p: Problem;
  private readonly final: Load;
  private readonly places: (vm: number) => Int32Array;
  /** By destination. */
  private readonly waiting = new Map<number, Pending[]>();
  private pending = 0;

  constructor(p: Problem, to: Int32Array) {
    this.p = p;
    this.to = Int32Array.from(to);
    this.track = new Track(p);
    this.places = placesOf(p, openServers(p));
    this.final = new Load(p);
    to.forEach((s, v) => {
      if (s < 0) return;
      this.final.change(v, s, p.next, 1);
      this.final.join(v, s, 1);
    });
  }

  private where(m: Pending): number {
    return this.track.where[m.vm] ?? -1;
  }

  private isDown(m: Pending): boolean {
    return this.where(m) < 0;
  }

  run(): readonly number[] {
    for (let v = 0; v < this.p.vms; v++) {
      const [s, t] = [this.p.at[v] ?? -1, this.to[v] ?? -1];
      if (t < 0 || s < 0 || s === t) continue;
      const list = this.waiting.get(t);
      if (list) list.push({ vm: v, to: t, hops: 0 });
      else this.waiting.set(t, [{ vm: v, to: t, hops: 0 }]);
      this.pending++;
    }
    this.track.left.push(...[...this.waiting.keys()].sort((a, b) => a - b));
    for (;;) {
      this.drain();
      if (this.pending === 0) return [];
      const all = [...this.waiting.values()].flat();
      if (!this.breakCircle(all)) return all.map((m) => m.vm);
    }
  }

  /** Whoever waits for a server that somebody has left comes, if there is room now. */
  private drain(): void {
    for (let s = this.track.left.pop(); s !== undefined; s = this.track.left.pop()) {
      const list = this.waiting.get(s);
      if (!list || list.length === 0) continue;
      const rest: Pending[] = [];
      for (const m of list) {
        if (!this.track.fits(m.vm, s)) rest.push(m);
        else {
          this.pending--;
          this.track.arrive(m.vm, s, false);
        }
      }
      this.waiting.set(s, rest);
    }
  }

  /** One step that nobody asked for, so that others can go on; false where there is none. */
  private breakCircle(all: readonly Pending[]): boolean {
    const cold = all.filter((m) => !this.isDown(m) && this.p.move[m.vm] === moveBy.cold);
    const first = cold.find((m) => this.admits([m.vm])) ?? cold[0];
    if (first) {
      this.track.down(first.vm);
      return true;
    }
    return (
      this.reroute(all) ||
      this.hop(all) ||
      this.displace(all, 1) ||
      this.hopTogether(all) ||
      this.displace(all, mostDisplaced) ||
      this.suspend(all)
    );
  }

  /** Whether the VM could stay there instead of where it is to go, now and in the end. */
  private couldStay(vm: number, instead: number, s: number): boolean {
    const { p } = this;
    if (s === instead || !mayCome(p, vm, s) || !this.track.fits(vm, s)) return false;
    this.final.change(vm, instead, p.next, -1);
    this.final.join(vm, instead, -1);
    const stays = this.final.fits(vm, s, p.next) && !this.final.meets(vm, s);
    this.final.change(vm, instead, p.next, 1);
    this.final.join(vm, instead, 1);
    return stays;
  }

  /** It stays there instead, and goes there now. */
  private stay(vm: number, instead: number, s: number): void {
    const { p } = this;
    this.final.change(vm, instead, p.next, -1);
    this.final.join(vm, instead, -1);
    this.final.change(vm, s, p.next, 1);
    this.final.join(vm, s, 1);
    this.to[vm] = s;
    this.track.arrive(vm, s, false);
  }

  /** Another place to stay, that is free now. */
  private reroute(all: readonly Pending[]): boolean {
    for (const m of all) {
      for (const s of this.places(m.vm)) {
        if (!this.couldStay(m.vm, m.to, s)) continue;
        this.waiting.set(
          m.to,
          (this.waiting.get(m.to) ?? []).filter((x) => x !== m),
        );
        this.pending--;
        this.stay(m.vm, m.to, s);
        return true;
      }
    }
    return false;
  }

  /** VMs that would stay go elsewhere for good, so that one that waits for their place can come; at most so many. */
  private displace(all: readonly Pending[], most: number): boolean {
    const { p, track } = this;
    const moving = new Set(all.map((m) => m.vm));
    const on = new Map<number, number[]>(all.map((m) => [m.to, []]));
    for (let v = 0; v < p.vms; v++)
      if (p.move[v] === moveBy.live && !moving.has(v) && (track.last[v] ?? -1) < 0)
        on.get(track.where[v] ?? -1)?.push(v);
    const looks = { left: displaceLooks };
    for (const list of on.values()) list.sort((a, b) => this.sizeOf(a) - this.sizeOf(b) || a - b);
    for (const m of all) {
      const here = on.get(m.to) ?? [];
      if (most === 1) {
        for (const w of here) if (this.admits([w]) && this.sendAway(w, m.to, looks)) return true;
        continue;
      }
      // The smallest first: they fit into what is scattered. One at a time, and only where enough of them can go.
      const some = here.slice(0, most).filter((w) => this.placeFor(w, m.to, looks) >= 0);
      const n = some.findIndex((_, i) => this.admits(some.slice(0, i + 1)));
      const [first] = some;
      if (n > 0 && first !== undefined && this.sendAway(first, m.to, looks)) return true;
    }
    return false;
  }

  private placeFor(w: number, from: number, looks: { left: number }): number {
    for (const s of this.places(w)) {
      if (looks.left-- <= 0) return -1;
      if (this.couldStay(w, from, s)) return s;
    }
    return -1;
  }

  private sendAway(w: number, from: number, looks: { left: number }): boolean {
    const s = this.placeFor(w, from, looks);
    if (s < 0) return false;
    this.stay(w, from, s);
    return true;
  }

  /** Whether somebody who waits for their server could come once these have left it. */
  private admits(leaving: readonly number[]): boolean {
    const { load, where, mid } = this.track;
    const s = where[leaving[0] ?? -1] ?? -1;
    const list = this.waiting.get(s);
    if (s < 0 || !list || list.length === 0) return false;
    const change = (sign: 1 | -1): void => {
      for (const vm of leaving) {
        load.change(vm, s, mid, sign);
        load.join(vm, s, sign);
      }
    };
    change(-1);
    const fits = list.some((w) => !leaving.includes(w.vm) && this.track.fits(w.vm, s));
    change(1);
    return fits;
  }

  private sizeOf(vm: number): number {
    return this.track.mid[vm * this.p.dims] ?? 0;
  }

  /** The server that the VM fills best for a while, and where nobody waits if there is one. */
  private passage(m: Pending): number {
    const { p, track } = this;
    let best = -1;
    let bestRank = Number.POSITIVE_INFINITY;
    for (let s = 0; s < p.servers; s++) {
      if (s === m.to || s === this.where(m) || !mayPass(p, m.vm, s) || !track.fits(m.vm, s)) continue;
      const busy = (this.waiting.get(s)?.length ?? 0) > 0 ? 1e15 : 0;
      const rank = busy + (track.load.free[s * p.dims] ?? 0);
      if (rank >= bestRank) continue;
      bestRank = rank;
      best = s;
    }
    return best;
  }

  private hopTo(m: Pending): boolean {
    const t = this.passage(m);
    if (t < 0) return false;
    m.hops++;
    this.track.arrive(m.vm, t, true);
    return true;
  }

  /** The smallest first. */
  private hoppers(all: readonly Pending[]): readonly Pending[] {
    return all
      .filter((m) => !this.isDown(m) && m.hops < mostHops && this.p.move[m.vm] === moveBy.live)
      .sort((a, b) => this.sizeOf(a.vm) - this.sizeOf(b.vm) || a.vm - b.vm);
  }

  /** A temporary server for the smallest VM whose exit admits one that waits. */
  private hop(all: readonly Pending[]): boolean {
    return this.hoppers(all).some((m) => this.admits([m.vm]) && this.hopTo(m));
  }

  /** The same for several of one server; one at a time, since what it makes possible is looked at before the next. */
  private hopTogether(all: readonly Pending[]): boolean {
    const by = new Map<number, Pending[]>();
    for (const m of this.hoppers(all)) by.set(this.where(m), [...(by.get(this.where(m)) ?? []), m]);
    for (const group of by.values()) {
      const largest = group.toReversed();
      const n = largest.findIndex((_, i) => i > 0 && this.admits(largest.slice(0, i + 1).map((m) => m.vm)));
      const [first] = largest;
      if (n > 0 && first && this.hopTo(first)) return true;
    }
    return false;
  }

  private suspend(all: readonly Pending[]): boolean {
    const may = all
      .filter((m) => !this.isDown(m) && this.p.suspend[m.vm] === 1 && this.p.move[m.vm] !== moveBy.never)
      .sort((a, b) => this.sizeOf(a.vm) - this.sizeOf(b.vm) || a.vm - b.vm);
    const m = may.find((x) => this.admits([x.vm])) ?? may[0];
    if (m) this.track.down(m.vm);
    return m !== undefined;
  }
}

const shrinkAndStop = (p: Problem, track: Track): void => {
  for (let v = 0; v < p.vms; v++) {
    if ((p.at[v] ?? -1) < 0) continue;
    if (p.runs[v] === 1) track.shrink(v);
    else track.stop(v);
  }
};

const growAndStart = (p: Problem, to: Int32Array, track: Track): void => {
  to.forEach((t, v) => {
    if (t < 0) return;
    if ((p.at[v] ?? -1) < 0) track.start(v, t);
    else if (track.where[v] === t) track.grow(v);
  });
};

/** One move of a way that was found elsewhere; `to` -1: down, or suspended. */
export interface Leg {
  readonly vm: number;
  readonly to: number;
}

/** As `order`, along a given way. */
export const follow = (p: Problem, to: Int32Array, way: readonly Leg[]): Ordered => {
  const track = new Track(p);
  shrinkAndStop(p, track);
  for (const [i, leg] of way.entries()) {
    if (leg.to < 0) track.down(leg.vm);
    else
      track.arrive(
        leg.vm,
        leg.to,
        way.slice(i + 1).some((l) => l.vm === leg.vm),
      );
  }
  growAndStart(p, to, track);
  return { steps: track.steps, stuck: [], to };
};

export const order = (p: Problem, to: Int32Array): Ordered => {
  const o = new Ordering(p, to);
  shrinkAndStop(p, o.track);
  const stuck = o.run();
  if (stuck.length === 0) growAndStart(p, o.to, o.track);
  return { steps: o.track.steps, stuck, to: o.to };
};
