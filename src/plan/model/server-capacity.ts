/** Who holds what on each server before the first operation: memory by VM, and each disk's one writer. */
import { sortedBy } from '../../core/order.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import type { Overhead } from '../../kinds/vm/effects.ts';
import { vcpusAsked } from '../../kinds/vm/follows.ts';
import { sizeOfDomain } from '../../kinds/vm/resolve.ts';

/** One server's holdings; `claims` by key (a UUID, or a UUID with `+overhead`), in KiB. */
export interface Room {
  readonly free: number;
  /** vCPUs beyond those that are claimed; infinite where the pool sets no limit. */
  readonly freeVcpus: number;
  readonly claims: ReadonlyMap<string, number>;
  /** vCPUs by UUID. */
  readonly vcpus: ReadonlyMap<string, number>;
  /** Disk path → UUID of the domain that writes to it. */
  readonly writers: ReadonlyMap<string, string>;
  /** UUID → name, for messages. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * A running VM counts with what it has and what its balloon was told. What its cfg would give it at its next start is not
 * counted: that is reserved by the run that restarts it, or else a change that waits would move its neighbours.
 */
export const roomOf = (seen: ServerSeen, overhead: Overhead, overcommit?: number): Room => {
  const claims = new Map<string, number>();
  const vcpus = new Map<string, number>();
  const writers = new Map<string, string>();
  const names = new Map<string, string>();
  let free = seen.memory.free + seen.memory.reclaimable;
  for (const d of sortedBy(seen.domains, (x) => x.uuid)) {
    names.set(d.uuid, d.name);
    claims.set(d.uuid, d.memory.target);
    vcpus.set(d.uuid, Math.max(d.vcpus.online, vcpusAsked(d)));
    claims.set(`${d.uuid}+overhead`, overhead(sizeOfDomain(d)));
    free -= Math.max(0, d.memory.target - d.memory.actual);
    for (const k of d.disks) if (k.access === 'rw') writers.set(k.path, d.uuid);
  }
  const used = [...vcpus.values()].reduce((n, v) => n + v, 0);
  const freeVcpus = overcommit === undefined ? Number.POSITIVE_INFINITY : seen.cpus * overcommit - used;
  return { free, freeVcpus, claims, vcpus, writers, names };
};
