/** The lost servers that must be down before operations of a plan begin: asked once more, and fenced where the file says how. */
import { sortedBy } from '../../core/order.ts';
import type { Operation, Plan } from '../../kinds/plan.ts';
import { lostHomes } from '../decide/lost-homes.ts';
import type { Draft } from '../order/order.ts';

export const fencesOf = (d: Draft, operations: readonly Operation[]): Plan['fences'] => {
  const waits = new Map<string, Set<string>>();
  for (const x of d.decisions)
    for (const server of lostHomes(x, d.farm, d.observed))
      waits.set(server, (waits.get(server) ?? new Set()).add(x.spec.key));
  const servers = d.farm.pools.flatMap((p) => p.servers).filter((s) => waits.has(s.name));
  return sortedBy(servers, (s) => s.name).flatMap(({ name, fence }): Plan['fences'] => {
    // All that is done to such a VM: a cfg and a link to it would start it at the next boot.
    const ids = operations
      .filter((o) => o.target.kind === 'vm' && waits.get(name)?.has(o.target.name))
      .map((o) => o.id);
    if (ids.length === 0) return [];
    const status = fence?.status ?? null;
    // Where nothing says that it is down, powering it off would prove nothing.
    return [{ server: name, off: status === null ? null : (fence?.off ?? null), status, operations: ids }];
  });
};
