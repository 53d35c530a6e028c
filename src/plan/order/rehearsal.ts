/** A run of a graph in thought: whatever takes nobody down is done at once, and VMs go down one by one, each as late as can be. */
import type { Outage } from './outages.ts';

/** Numbers, the least first. */
class Queue {
  /** The least at the end. */
  private readonly list: number[] = [];

  add(n: number): void {
    let [from, to] = [0, this.list.length];
    while (from < to) {
      const half = (from + to) >> 1;
      if ((this.list[half] ?? 0) > n) from = half + 1;
      else to = half;
    }
    this.list.splice(from, 0, n);
  }

  take(): number | undefined {
    return this.list.pop();
  }
}

export class Rehearsal {
  private readonly order: readonly string[];
  private readonly placeOf: ReadonlyMap<string, number>;
  /** By place: what it waits for, and what waits for it. */
  private readonly needs: readonly (readonly number[])[];
  private readonly dependents: number[][];
  private readonly done: Uint8Array;
  /** By place: how much of what it waits for is not done. */
  private readonly missing: Int32Array;
  /** By place: the outage that the operation is a part of. */
  private readonly partOf = new Map<number, Outage>();
  /** How much of what any of its operations waits for, out of the outage, is not done. */
  private readonly missingTo = new Map<Outage, number>();
  private readonly begun = new Set<Outage>();
  /** Down now. */
  private readonly down = new Set<Outage>();
  /** What can be done now and takes nobody down. */
  private readonly free: number[] = [];
  /** Firsts of outages of which all can be done now. */
  private readonly whole = new Queue();
  /** Firsts that can be done now, while the rest of their outages still waits for others. */
  private readonly early = new Set<number>();

  constructor(order: readonly string[], needs: ReadonlyMap<string, readonly string[]>, outages: readonly Outage[]) {
    this.order = order;
    this.placeOf = new Map(order.map((id, i) => [id, i] as const));
    const placesOf = (ids: readonly string[]): readonly number[] => ids.flatMap((id) => this.placeOf.get(id) ?? []);
    this.needs = order.map((id) => placesOf([...new Set(needs.get(id) ?? [])]));
    this.dependents = order.map(() => []);
    this.needs.forEach((list, i) => list.forEach((n) => this.dependents[n]?.push(i)));
    this.done = new Uint8Array(order.length);
    this.missing = Int32Array.from(this.needs, (list) => list.length);
    for (const o of outages) {
      const own = placesOf(o.within);
      for (const i of own) this.partOf.set(i, o);
      this.missingTo.set(
        o,
        own.reduce((n, i) => n + (this.needs[i]?.filter((x) => this.partOf.get(x) !== o).length ?? 0), 0),
      );
    }
    order.forEach((_, i) => {
      if (this.missing[i] === 0) this.offer(i);
    });
    this.goOn();
  }

  /** What can be done now is done, or waits for its turn. */
  private offer(i: number): void {
    const o = this.partOf.get(i);
    if (!o || this.begun.has(o)) this.free.push(i);
    else if (this.missingTo.get(o) === 0) this.whole.add(i);
    else this.early.add(i);
  }

  private finish(i: number): void {
    this.done[i] = 1;
    const mine = this.partOf.get(i);
    for (const d of this.dependents[i] ?? []) {
      const theirs = this.partOf.get(d);
      this.missing[d] = (this.missing[d] ?? 0) - 1;
      if (theirs && theirs !== mine) {
        const left = (this.missingTo.get(theirs) ?? 0) - 1;
        this.missingTo.set(theirs, left);
        const first = this.firstOf(theirs);
        if (left === 0 && this.early.delete(first)) this.whole.add(first);
      }
      if (this.missing[d] === 0) this.offer(d);
    }
  }

  private firstOf({ first }: Outage): number {
    return this.placeOf.get(first) ?? -1;
  }

  /** Does all that takes nobody down; the outages that end by it. */
  goOn(): readonly Outage[] {
    const back: Outage[] = [];
    for (let i = this.free.pop(); i !== undefined; i = this.free.pop()) {
      this.finish(i);
      const o = this.partOf.get(i);
      if (!o || o.last !== this.order[i]) continue;
      this.down.delete(o);
      back.push(o);
    }
    return back;
  }

  /** Who goes down next: one that needs nobody else to go down before it is back, if there is one. Undefined: all is done. */
  next(): Outage | undefined {
    const [waiting] = this.down;
    if (waiting) return this.wantedBy(waiting, new Set());
    for (let i = this.whole.take(); i !== undefined; i = this.whole.take()) {
      const o = this.partOf.get(i);
      if (o && !this.begun.has(o)) return o;
    }
    let least = Number.POSITIVE_INFINITY;
    for (const i of this.early) least = Math.min(least, i);
    let found = this.partOf.get(least);
    const seen = new Set<Outage>();
    for (let wanted = found; wanted; wanted = this.wantedBy(wanted, seen.add(wanted))) found = wanted;
    return found;
  }

  /** One that has to go down before this one is back, and can do so now. */
  private wantedBy(o: Outage, not: ReadonlySet<Outage>): Outage | undefined {
    const seen = new Set<number>([this.firstOf(o)]);
    const todo = [this.placeOf.get(o.last) ?? -1];
    let best: number | undefined;
    for (let i = todo.pop(); i !== undefined; i = todo.pop()) {
      if (seen.has(i) || this.done[i] === 1) continue;
      seen.add(i);
      const other = this.partOf.get(i);
      const can = other && this.missing[i] === 0 && !this.begun.has(other) && !not.has(other);
      if (can && (best === undefined || i < best)) best = i;
      todo.push(...(this.needs[i] ?? []));
    }
    return best === undefined ? undefined : this.partOf.get(best);
  }

  /** Takes it down; what the rest of it waits for, and is done already: it went down no sooner. */
  takeDown(o: Outage): readonly string[] {
    const first = this.firstOf(o);
    this.begun.add(o);
    this.down.add(o);
    this.early.delete(first);
    this.free.push(first);
    const awaited = o.within
      .slice(1)
      .flatMap((id) => this.needs[this.placeOf.get(id) ?? -1] ?? [])
      .filter((i) => this.done[i] === 1 && this.partOf.get(i) !== o);
    return [...new Set(awaited)].map((i) => this.order[i] ?? '');
  }
}
