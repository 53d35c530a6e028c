/** An independent look at a finished list of moves: that it is whole, that it reaches what it says, and that every interleaving is safe. */
import { uncovered, type FlowStep } from './flow-check.ts';
import { Load } from './load.ts';
import { groupsOf, mayCome, mayPass, mayStay, midsOf, type MoveStep, type Problem } from './problem.ts';

type Amounts = readonly (readonly [place: number, amount: number])[];

const placeOf = (p: Problem, server: number, dim: number): number => server * p.dims + dim;
const groupPlace = (p: Problem, group: number, server: number): number =>
  p.servers * p.dims + group * p.servers + server;

const sizes = (p: Problem, vm: number, server: number, of: Float64Array): Amounts =>
  Array.from({ length: p.dims }, (_, d) => [placeOf(p, server, d), of[vm * p.dims + d] ?? 0] as const);

const tokens = (p: Problem, vm: number, server: number): Amounts =>
  [...groupsOf(p, vm)].map((g) => [groupPlace(p, g, server), 1] as const);

const minus = (a: Float64Array, b: Float64Array): Float64Array => a.map((x, i) => Math.max(0, x - (b[i] ?? 0)));

/** vms × dims: what each takes on its way, gives back before, and takes after. */
interface Sizes {
  readonly mid: Float64Array;
  readonly less: Float64Array;
  readonly more: Float64Array;
}

const flowOf = (p: Problem, s: MoveStep, { mid, less, more }: Sizes): FlowStep => {
  const { vm, from, to, needs } = s;
  switch (s.kind) {
    case 'shrink':
      return { needs, takes: [], gives: sizes(p, vm, from, less) };
    case 'grow':
      return { needs, takes: sizes(p, vm, to, more), gives: [] };
    case 'stop':
    case 'suspend':
      return {
        needs,
        takes: [],
        gives: [...sizes(p, vm, from, p.runs[vm] === 1 ? mid : p.now), ...tokens(p, vm, from)],
      };
    case 'start':
    case 'resume': {
      const of = (p.at[vm] ?? -1) < 0 ? p.next : mid;
      return { needs, takes: [...sizes(p, vm, to, of), ...tokens(p, vm, to)], gives: [] };
    }
    case 'move':
    case 'hop':
      return {
        needs,
        takes: [...sizes(p, vm, to, mid), ...tokens(p, vm, to)],
        gives: [...sizes(p, vm, from, mid), ...tokens(p, vm, from)],
      };
  }
};

/** What is wrong with the moves, or null. `to`: where each VM is to be in the end. */
export const wrongWith = (p: Problem, steps: readonly MoveStep[], to: Int32Array): string | null => {
  const where = Int32Array.from(p.at);
  const last = new Int32Array(p.vms).fill(-1);
  const mid = midsOf(p);
  for (const [i, s] of steps.entries()) {
    if (s.needs.some((n) => n >= i)) return `step ${i} waits for a later one`;
    const before = last[s.vm] ?? -1;
    if (before >= 0 && !s.needs.includes(before)) return `step ${i} does not wait for the VM's own last step`;
    if (s.from !== where[s.vm]) return `step ${i} begins at ${s.from}, and VM ${s.vm} is at ${where[s.vm]}`;
    if (s.to >= 0 && s.to !== s.from && !mayPass(p, s.vm, s.to) && s.to !== p.at[s.vm])
      return `step ${i} brings VM ${s.vm} to ${s.to}, where it may not be`;
    where[s.vm] = s.to;
    last[s.vm] = i;
  }
  for (let v = 0; v < p.vms; v++) {
    const t = to[v] ?? -1;
    if (where[v] !== t) return `VM ${v} ends at ${where[v]}, not at ${t}`;
    if (t >= 0 && t !== p.at[v] && !mayCome(p, v, t)) return `VM ${v} ends at ${t}, where it may not be`;
  }
  const load = new Load(p);
  const members = new Map<number, number>();
  for (let v = 0; v < p.vms; v++) {
    const s = p.at[v] ?? -1;
    if (s < 0) continue;
    load.change(v, s, p.now, 1);
    for (const [place] of tokens(p, v, s)) members.set(place, (members.get(place) ?? 0) + 1);
  }
  const free = (place: number): number => load.free[place] ?? 1 - (members.get(place) ?? 0);
  const all: Sizes = { mid, less: minus(p.now, mid), more: minus(p.next, mid) };
  const short = uncovered(
    steps.map((s) => flowOf(p, s, all)),
    free,
  );
  return short && `step ${short.step} may find too little room at place ${short.place}`;
};

/** Whether every VM is where the problem wants it, with all that it is to take. */
export const meetsAll = (p: Problem, to: Int32Array): boolean => {
  const load = new Load(p);
  for (let v = 0; v < p.vms; v++) {
    const t = to[v] ?? -1;
    if (p.runs[v] !== 1) continue;
    if (t < 0 || !mayStay(p, v, t) || load.meets(v, t)) return false;
    load.change(v, t, p.next, 1);
    load.join(v, t, 1);
  }
  return Array.from({ length: p.servers }, (_, s) => load.overfull(s)).every((d) => d < 0);
};
