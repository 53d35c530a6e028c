/** Rolling restarts: so many at a time, never two of one `apart` group, the next when the last is ready; one that does not come back stops the rest. */
import type { Farm } from '../../kinds/farm.ts';
import { isVmOp } from '../../kinds/operations.ts';
import type { PlanLane } from '../../kinds/plan.ts';
import type { Edge, Chain } from '../model/operation-graph.ts';

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

/**
 * All that waits for `id`, over others too, and itself. It is looked for from there since few wait for a restart: what a restart
 * waits for leads down its whole lane.
 */
const waitingFor = (id: string, dependents: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> => {
  const seen = new Set([id]);
  for (const x of seen) for (const d of dependents.get(x) ?? []) seen.add(d);
  return seen;
};

const listed = <T>(lists: Map<string, T[]>, key: string, more: T): void => {
  const list = lists.get(key);
  if (list) list.push(more);
  else lists.set(key, [more]);
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
  const dependents = new Map<string, string[]>();
  for (const [id, list] of needs) for (const n of list) listed(dependents, n, id);
  const byPool = new Map<string, Unit[]>();
  for (const u of all) listed(byPool, u.pool, u);
  for (const [pool, units] of byPool) {
    if (units.length < 2) continue;
    const id = `restarts of ${pool}`;
    const width = farm.policy.restarts.atOnce ?? usualWidth;
    lanes.push({ id, width, stopOnFailure: true, vms: units.map((u) => u.vm) });
    for (const u of units) for (const op of new Set([u.first, u.last])) of.set(op, id);
    const lastOf = new Map<string, number>();
    units.forEach((u, i) => {
      const groups = apart.get(u.vm) ?? [];
      const beside = Math.max(-1, ...groups.map((g) => lastOf.get(g) ?? -1));
      for (const g of groups) lastOf.set(g, i);
      const earlier = [units[i - width], units[beside]].filter((x) => x !== undefined);
      if (earlier.length === 0) return;
      const waiting = waitingFor(u.first, dependents);
      for (const { last } of earlier) {
        if (waiting.has(last)) continue;
        edges.push([u.first, last]);
        listed(dependents, last, u.first);
      }
    });
  }
  return { lanes, of, edges };
};
