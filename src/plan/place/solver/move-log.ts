/** Moves as they are made one after the other: who is where by now, what is free, and which earlier steps each has to wait for. */
import { Load } from './load.ts';
import { Lots } from './capacity-lots.ts';
import { groupsOf, midsOf, moveBy, type MoveStep, type Problem, type StepKind } from './problem.ts';

export class Track {
  readonly steps: MoveStep[] = [];
  /** By VM: its server by now; -1: none. */
  readonly where: Int32Array;
  /** By VM: its last step, or -1. */
  readonly last: Int32Array;
  readonly load: Load;
  readonly mid: Float64Array;
  /** Servers that somebody has left since this was last emptied. */
  readonly left: number[] = [];
  private readonly p: Problem;
  private readonly depth: number[] = [];
  private readonly lots: Lots;
  /** By group and server: the members that left and whom nobody has followed yet. */
  private readonly tokens = new Map<number, number[]>();

  constructor(p: Problem) {
    this.p = p;
    this.where = Int32Array.from(p.at);
    this.last = new Int32Array(p.vms).fill(-1);
    this.mid = midsOf(p);
    this.load = new Load(p);
    p.at.forEach((s, v) => {
      if (s < 0) return;
      this.load.change(v, s, p.now, 1);
      this.load.join(v, s, 1);
    });
    this.lots = new Lots(this.load.free);
  }

  /** Whether the VM, at its smallest, finds room there now, and nobody of its groups. */
  fits(vm: number, server: number): boolean {
    return this.load.fits(vm, server, this.mid) && !this.load.meets(vm, server);
  }

  /** It comes there, from where it is or from nowhere. `hop`: it goes on from there later. */
  arrive(vm: number, server: number, hop: boolean): void {
    const from = this.where[vm] ?? -1;
    const cold = this.p.move[vm] === moveBy.cold;
    if (from >= 0 && cold) this.down(vm);
    const needs = new Set<number>();
    this.claim(vm, server, this.mid, needs);
    if (from >= 0 && !cold) this.leave(vm, from, this.mid, this.step(hop ? 'hop' : 'move', vm, from, server, needs));
    else this.step(cold ? 'start' : 'resume', vm, -1, server, needs);
    this.where[vm] = server;
  }

  /** It is suspended, or goes down where it does so anyway. */
  down(vm: number): void {
    const from = this.where[vm] ?? -1;
    const kind = this.p.move[vm] === moveBy.cold ? 'stop' : 'suspend';
    this.leave(vm, from, this.mid, this.step(kind, vm, from, -1, new Set()));
    this.where[vm] = -1;
  }

  /** It is not to run any more. */
  stop(vm: number): void {
    const from = this.where[vm] ?? -1;
    this.leave(vm, from, this.p.now, this.step('stop', vm, from, -1, new Set()));
    this.where[vm] = -1;
  }

  /** Down to what it takes while it moves, where that is less. */
  shrink(vm: number): void {
    const { p } = this;
    const s = this.where[vm] ?? -1;
    const less = this.difference(vm, p.now, this.mid);
    if (!less) return;
    const step = this.step('shrink', vm, s, s, new Set());
    this.give(s, less, step);
    this.load.change(vm, s, p.now, -1);
    this.load.change(vm, s, this.mid, 1);
  }

  /** Up to what it is to take, where that is more and there is room for it. */
  grow(vm: number): void {
    const s = this.where[vm] ?? -1;
    const more = this.difference(vm, this.p.next, this.mid);
    if (!more || more.some((x, d) => x > 0 && x > (this.load.free[s * this.p.dims + d] ?? 0))) return;
    const needs = new Set<number>();
    this.load.change(vm, s, this.mid, -1);
    this.load.change(vm, s, this.p.next, 1);
    more.forEach((x, d) => x > 0 && this.lots.take(s * this.p.dims + d, x, needs));
    this.step('grow', vm, s, s, needs);
  }

  start(vm: number, server: number): void {
    const needs = new Set<number>();
    this.claim(vm, server, this.p.next, needs);
    this.step('start', vm, -1, server, needs);
    this.where[vm] = server;
  }

  /** By dimension, or null where there is none. */
  private difference(vm: number, of: Float64Array, than: Float64Array): readonly number[] | null {
    const { dims } = this.p;
    const by = Array.from({ length: dims }, (_, d) =>
      Math.max(0, (of[vm * dims + d] ?? 0) - (than[vm * dims + d] ?? 0)),
    );
    return by.some((x) => x > 0) ? by : null;
  }

  private step(kind: StepKind, vm: number, from: number, to: number, needs: Set<number>): number {
    const before = this.last[vm] ?? -1;
    if (before >= 0) needs.add(before);
    const i = this.steps.length;
    let depth = 0;
    for (const n of needs) depth = Math.max(depth, (this.depth[n] ?? 0) + 1);
    this.depth.push(depth);
    this.steps.push({ kind, vm, from, to, needs: [...needs].sort((a, b) => a - b) });
    this.last[vm] = i;
    return i;
  }

  private give(server: number, amounts: readonly number[], step: number): void {
    amounts.forEach((x, d) => x > 0 && this.lots.give(server * this.p.dims + d, x, step, this.depth[step] ?? 0));
  }

  private leave(vm: number, server: number, sizes: Float64Array, step: number): void {
    const { p } = this;
    this.load.change(vm, server, sizes, -1);
    this.load.join(vm, server, -1);
    this.give(server, [...sizes.subarray(vm * p.dims, (vm + 1) * p.dims)], step);
    for (const g of groupsOf(p, vm)) {
      const key = g * p.servers + server;
      this.tokens.set(key, [...(this.tokens.get(key) ?? []), step]);
    }
    this.left.push(server);
  }

  private claim(vm: number, server: number, sizes: Float64Array, needs: Set<number>): void {
    const { p } = this;
    this.load.change(vm, server, sizes, 1);
    this.load.join(vm, server, 1);
    for (let d = 0; d < p.dims; d++) {
      const amount = sizes[vm * p.dims + d] ?? 0;
      if (amount > 0) this.lots.take(server * p.dims + d, amount, needs);
    }
    for (const g of groupsOf(p, vm)) {
      const key = g * p.servers + server;
      for (const left of this.tokens.get(key) ?? []) needs.add(left);
      this.tokens.delete(key);
    }
  }
}
