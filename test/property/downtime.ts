/** Runs a plan's graph in some order that it allows, each operation for a random time, and tells which VMs were down together. */
import { isVmOp } from '../../src/kinds/operations.ts';
import type { Operation } from '../../src/kinds/plan.ts';

/** Of a VM that this plan brings back: the operation that takes it down, and the last that it is waited for with. */
export interface Outage {
  readonly vm: string;
  readonly first: string;
  readonly last: string;
}

export const outagesOf = (operations: readonly Operation[]): readonly Outage[] => {
  const byVm = new Map<string, Operation[]>();
  for (const o of operations) if (isVmOp(o.op)) byVm.set(o.op.vm.name, [...(byVm.get(o.op.vm.name) ?? []), o]);
  return [...byVm].flatMap(([vm, mine]) => {
    const down = mine.findIndex(
      ({ op }) => op.verb === 'restart' || op.verb === 'suspend' || (op.verb === 'stop' && !op.ended),
    );
    const up = mine.findIndex(({ op }, i) => i >= down && ['restart', 'resume', 'start'].includes(op.verb));
    const [first, back] = [mine[down], mine[up]];
    if (!first || !back) return [];
    const ready = mine.find((o, i) => i > up && o.op.verb === 'ready');
    return [{ vm, first: first.id, last: (ready ?? back).id }];
  });
};

/** Every set of VMs that were down at one time, as they came to be. */
export const downTogether = (
  operations: readonly Operation[],
  random: () => number,
): readonly ReadonlySet<string>[] => {
  const outages = outagesOf(operations);
  const begins = new Map(outages.map((o) => [o.first, o.vm]));
  const ends = new Map(outages.map((o) => [o.last, o.vm]));
  const left = new Map(operations.map((o) => [o.id, o]));
  const done = new Set<string>();
  const running: { readonly id: string; readonly ends: number }[] = [];
  const down = new Set<string>();
  const seen: ReadonlySet<string>[] = [];
  let now = 0;
  while (left.size > 0 || running.length > 0) {
    for (const o of left.values()) {
      if (!o.needs.every((n) => done.has(n)) || (running.length > 0 && random() < 0.2)) continue;
      left.delete(o.id);
      running.push({ id: o.id, ends: now + random() });
      const vm = begins.get(o.id);
      if (vm !== undefined) seen.push(new Set(down.add(vm)));
    }
    running.sort((a, b) => a.ends - b.ends);
    const next = running.shift();
    if (!next) throw new Error(`these wait for each other: ${[...left.keys()].join(', ')}`);
    now = next.ends;
    done.add(next.id);
    const vm = ends.get(next.id);
    if (vm !== undefined) down.delete(vm);
  }
  return seen;
};

/** What the lanes of a plan do not keep, in words: more VMs of a pool down than may be, or two of one group. */
export const brokenBy = (
  operations: readonly Operation[],
  atOnce: number,
  vms: readonly { readonly key: string; readonly pool: string; readonly groups: readonly string[] }[],
  random: () => number,
): readonly string[] => {
  const of = new Map(vms.map((v) => [v.key, v]));
  return downTogether(operations, random).flatMap((down) => {
    const list = [...down].flatMap((key) => of.get(key) ?? []);
    const pools = new Set(list.map((v) => v.pool));
    const crowded = [...pools].filter((p) => list.filter((v) => v.pool === p).length > atOnce);
    const groups = list.flatMap((v) => v.groups);
    const met = groups.filter((g, i) => groups.indexOf(g) < i);
    return [
      ...crowded.map((p) => `more than ${atOnce} of ${p}: ${[...down].join(', ')}`),
      ...met.map((g) => `two of ${g}: ${[...down].join(', ')}`),
    ];
  });
};
