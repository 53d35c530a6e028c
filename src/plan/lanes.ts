/** Rolling restarts: so many at a time, never two of one `apart` group, the next when the last is ready; one that does not come back stops the rest. */
import type { Farm } from '../kinds/farm.ts';
import { isVmOp } from '../kinds/operations.ts';
import type { PlanLane } from '../kinds/plan.ts';
import type { Edge } from './edges.ts';
import type { Chain } from './sequence.ts';

/** Where the file does not say: two. */
const usualWidth = 2;

export interface Lanes {
  readonly lanes: readonly PlanLane[];
  /** Operation → its lane. */
  readonly of: ReadonlyMap<string, string>;
  readonly edges: readonly Edge[];
}

interface Unit {
  readonly vm: string;
  readonly pool: string;
  readonly first: string;
  /** Until this has been done it does not count as back. */
  readonly last: string;
}

const unitOf = (chain: Chain, pool: string): Unit | null => {
  const first = chain.find((n) => n.op.verb === 'restart');
  if (!first || !isVmOp(first.op)) return null;
  const ready = chain.find((n) => n.op.verb === 'ready');
  return { vm: first.op.vm.name, pool, first: first.id, last: ready?.id ?? first.id };
};

/** Whether `from` waits for `to`, over others too. */
const waitsFor = (from: string, to: string, needs: (id: string) => readonly string[]): boolean => {
  const seen = new Set<string>();
  const todo = [from];
  for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
    if (id === to) return true;
    if (seen.has(id)) continue;
    seen.add(id);
    todo.push(...needs(id));
  }
  return false;
};

/** `needs`: what each operation waits for already; no edge is made that would close a circle. `order`: a possible one. */
export const lanesOf = (
  farm: Farm,
  chains: ReadonlyMap<string, Chain>,
  needs: ReadonlyMap<string, readonly string[]>,
  order: readonly string[],
): Lanes => {
  const poolOf = new Map(farm.vms.map((v) => [v.key, v.pool] as const));
  const apart = new Map(farm.vms.map((v) => [v.key, v.apart.map((a) => a.group)] as const));
  const place = new Map(order.map((id, i) => [id, i] as const));
  const all = [...chains]
    .flatMap(([key, chain]) => unitOf(chain, poolOf.get(key) ?? '') ?? [])
    .sort((a, b) => (place.get(a.first) ?? 0) - (place.get(b.first) ?? 0));
  const lanes: PlanLane[] = [];
  const of = new Map<string, string>();
  const edges: Edge[] = [];
  const more = new Map<string, string[]>();
  const needsOf = (id: string): readonly string[] => [...(needs.get(id) ?? []), ...(more.get(id) ?? [])];
  const after = (later: Unit, earlier: Unit): void => {
    if (waitsFor(earlier.last, later.first, needsOf)) return;
    edges.push([later.first, earlier.last]);
    more.set(later.first, [...(more.get(later.first) ?? []), earlier.last]);
  };
  for (const pool of new Set(all.map((u) => u.pool))) {
    const units = all.filter((u) => u.pool === pool);
    if (units.length < 2) continue;
    const id = `restarts of ${pool}`;
    const width = farm.policy.restarts.atOnce ?? usualWidth;
    lanes.push({ id, width, stopOnFailure: true, vms: units.map((u) => u.vm) });
    for (const u of units) for (const op of new Set([u.first, u.last])) of.set(op, id);
    units.forEach((u, i) => {
      const before = units[i - width];
      if (before) after(u, before);
      const beside = units
        .slice(0, i)
        .findLast((x) => (apart.get(x.vm) ?? []).some((g) => apart.get(u.vm)?.includes(g)));
      if (beside) after(u, beside);
    });
  }
  return { lanes, of, edges };
};
