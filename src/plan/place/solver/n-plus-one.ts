/** Whether the pool survives the loss of any one server: for each, its VMs are started on the others in thought. */
import { Load } from './load.ts';
import { mayCome, moveBy, openServers, placesOf, type Problem } from './problem.ts';

/** The server whose loss is not survived, and a VM of it that then finds no place. */
export interface Lacking {
  readonly server: number;
  readonly vm: number;
}

/** Nodes of the search that decides what the quick ways leave open. */
const mostLooks = 20_000;

class Survey {
  private readonly p: Problem;
  private readonly load: Load;
  private readonly on: number[][];
  /** The emptiest first, as things stand when all run. */
  private readonly emptiest: Int32Array;
  private readonly places: (vm: number) => Int32Array;

  constructor(p: Problem, to: Int32Array) {
    this.p = p;
    this.load = new Load(p);
    this.on = Array.from({ length: p.servers }, () => []);
    to.forEach((s, v) => {
      if (s < 0) return;
      this.load.change(v, s, p.next, 1);
      this.load.join(v, s, 1);
      if (p.move[v] !== moveBy.never) this.on[s]?.push(v);
    });
    const share = (s: number): number => (this.load.free[s * p.dims] ?? 0) / (p.room[s * p.dims] || 1);
    this.emptiest = openServers(p).sort((a, b) => share(b) - share(a) || a - b);
    this.places = placesOf(p, this.emptiest);
    for (const list of this.on) list.sort((a, b) => this.size(b) - this.size(a) || a - b);
  }

  private size(v: number): number {
    return this.p.next[v * this.p.dims] ?? 0;
  }

  private takes(v: number, s: number, lost: ReadonlySet<number>): boolean {
    const { p, load } = this;
    return !lost.has(s) && load.fits(v, s, p.next) && mayCome(p, v, s) && !load.meets(v, s);
  }

  private put(v: number, s: number, sign: 1 | -1): void {
    this.load.change(v, s, this.p.next, sign);
    this.load.join(v, s, sign);
  }

  /** -1: all find a place; else a VM that does not. `best`: into the fullest that takes it, else into the emptiest. */
  private fill(vms: readonly number[], lost: ReadonlySet<number>, best: boolean): number {
    const put: (readonly [vm: number, server: number])[] = [];
    let failed = -1;
    for (const v of vms) {
      let found = -1;
      let least = Number.POSITIVE_INFINITY;
      for (const s of this.places(v)) {
        if (!this.takes(v, s, lost)) continue;
        if (!best) {
          found = s;
          break;
        }
        const free = this.load.free[s * this.p.dims] ?? 0;
        if (free >= least) continue;
        least = free;
        found = s;
      }
      if (found < 0) {
        failed = v;
        break;
      }
      this.put(v, found, 1);
      put.push([v, found]);
    }
    for (const [v, s] of put) this.put(v, s, -1);
    return failed;
  }

  /** Whether there is any way; undefined where that was not found out. */
  private search(vms: readonly number[], lost: ReadonlySet<number>): boolean | undefined {
    let looks = mostLooks;
    const go = (i: number): boolean | undefined => {
      const v = vms[i];
      if (v === undefined) return true;
      const tried = new Set<string>();
      for (const s of this.places(v)) {
        if (!this.takes(v, s, lost)) continue;
        // Servers with the same room are as good as each other, where nothing else tells them apart.
        const key = Array.from({ length: this.p.dims }, (_, d) => this.load.free[s * this.p.dims + d]).join(' ');
        if (this.p.groups.length === 0 && this.p.sets.length === 0 && tried.has(key)) continue;
        tried.add(key);
        if (looks-- <= 0) return undefined;
        this.put(v, s, 1);
        const rest = go(i + 1);
        this.put(v, s, -1);
        if (rest !== false) return rest;
      }
      return false;
    };
    return go(0);
  }

  without(servers: readonly number[]): number {
    const lost = new Set(servers);
    const vms = servers.flatMap((s) => this.on[s] ?? []).sort((a, b) => this.size(b) - this.size(a) || a - b);
    for (const s of servers) for (const v of this.on[s] ?? []) this.load.join(v, s, -1);
    const failed = this.decide(vms, lost);
    for (const s of servers) for (const v of this.on[s] ?? []) this.load.join(v, s, 1);
    return failed;
  }

  private decide(vms: readonly number[], lost: ReadonlySet<number>): number {
    if (this.fill(vms, lost, false) < 0) return -1;
    const failed = this.fill(vms, lost, true);
    if (failed < 0) return -1;
    return this.search(vms, lost) === true ? -1 : failed;
  }
}

/** Null: every loss of `spare` servers at a time is survived. Pairs are tried up to this many servers, then only neighbours in size. */
const mostPaired = 60;

export const lacking = (p: Problem, to: Int32Array, spare: number): Lacking | null => {
  if (spare <= 0) return null;
  const survey = new Survey(p, to);
  const servers = [...openServers(p)];
  const look = (lost: readonly number[]): Lacking | null => {
    const vm = survey.without(lost);
    return vm < 0 ? null : { server: to[vm] ?? -1, vm };
  };
  if (spare === 1) {
    for (const s of servers) {
      const found = look([s]);
      if (found) return found;
    }
    return null;
  }
  // The fullest together are the hardest loss; all sets only where they are few.
  const used = (s: number): number => to.reduce((sum, t, v) => (t === s ? sum + (p.next[v * p.dims] ?? 0) : sum), 0);
  const heaviest = servers.map((s) => ({ s, used: used(s) })).sort((a, b) => b.used - a.used || a.s - b.s);
  const list = heaviest.map((x) => x.s);
  const paired = spare === 2 && list.length <= mostPaired;
  const sets = paired ? list.flatMap((a, i) => list.slice(i + 1).map((b) => [a, b])) : [list.slice(0, spare)];
  for (const lost of sets) {
    const found = look(lost);
    if (found) return found;
  }
  return null;
};
