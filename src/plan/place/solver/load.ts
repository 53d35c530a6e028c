/** What is free on each server, and which groups have a member there: changed step by step. */
import { groupsOf, type Problem } from './problem.ts';

export class Load {
  /** servers × dims; negative where a server is overfull. */
  readonly free: Float64Array;
  private readonly members = new Map<number, number>();

  private readonly p: Problem;

  constructor(p: Problem) {
    this.p = p;
    this.free = Float64Array.from(p.room);
  }

  /** Whether `sizes` (vms × dims) of the VM fit beside what is there. */
  fits(vm: number, server: number, sizes: Float64Array): boolean {
    const { dims } = this.p;
    const v = vm * dims;
    const s = server * dims;
    for (let d = 0; d < dims; d++) {
      const size = sizes[v + d] ?? 0;
      if (size > 0 && size > (this.free[s + d] ?? 0)) return false;
    }
    return true;
  }

  /** `sign` 1: it comes; -1: it goes. */
  change(vm: number, server: number, sizes: Float64Array, sign: 1 | -1): void {
    const { dims } = this.p;
    for (let d = 0; d < dims; d++) {
      const i = server * dims + d;
      this.free[i] = (this.free[i] ?? 0) - sign * (sizes[vm * dims + d] ?? 0);
    }
  }

  join(vm: number, server: number, sign: 1 | -1): void {
    for (const g of groupsOf(this.p, vm)) {
      const key = g * this.p.servers + server;
      this.members.set(key, (this.members.get(key) ?? 0) + sign);
    }
  }

  /** Whether a member of one of the VM's groups is there already; `less`: not counting the VM itself. */
  meets(vm: number, server: number, less = 0): boolean {
    for (const g of groupsOf(this.p, vm)) {
      if ((this.members.get(g * this.p.servers + server) ?? 0) > less) return true;
    }
    return false;
  }

  /** The dimension that lacks most, or -1. */
  overfull(server: number): number {
    const { dims } = this.p;
    let worst = -1;
    let most = 0;
    for (let d = 0; d < dims; d++) {
      const free = this.free[server * dims + d] ?? 0;
      if (free < most) {
        most = free;
        worst = d;
      }
    }
    return worst;
  }
}
