/** Whether a disk is anybody's: in a cfg or a domain that was seen, in a lease, or where nobody has looked. */
import type { Reason } from '../../core/reason.ts';
import type { Farm, PoolSpec } from '../../kinds/farm.ts';
import { disksFolder, type Lease } from '../../kinds/repository/live.ts';
import type { RepositorySpec } from '../../kinds/repository/spec.ts';
import { seenOn, type Observed, type ServerSeen } from '../../kinds/server/live.ts';
import { namesOf, type Users } from '../../kinds/server/users.ts';
import { leaseHelp } from '../../kinds/vm/lease.ts';
import { unreadIn } from '../model/unread-servers.ts';
import { sharersOf } from './repository-state.ts';

interface Scene {
  readonly farm: Farm;
  readonly observed: Observed;
  readonly users: Users;
}

/** A store as one server has it. */
interface Place {
  readonly spec: RepositorySpec;
  readonly pool: PoolSpec;
  readonly server: string;
  readonly seen: ServerSeen;
}

type Sharers = ReturnType<typeof sharersOf>;

/** All leases that were seen in these pools, by UUID: that of a VM lies in one of the stores that have its disks. */
const leasesOf = (
  pools: readonly PoolSpec[],
  observed: Observed,
): ReadonlyMap<string, readonly [Lease | 'odd', string]> => {
  const found = new Map<string, readonly [Lease | 'odd', string]>();
  for (const { servers, repositories } of pools) {
    const shared = Object.values(repositories).filter((r) => r.shared);
    for (const { path } of shared) {
      for (const { name } of servers) {
        const store = seenOn(observed, name)?.storage.stores[path];
        for (const uuid in store?.is === 'there' ? store.leases : {}) {
          const lease = store?.is === 'there' ? store.leases[uuid]?.lease : undefined;
          if (lease) found.set(uuid, [lease, `${path}/leases/${uuid}.json`]);
        }
      }
    }
  }
  return found;
};

/** Disks that a lease counts on, by name: it was taken by a server that was not read, or still has them. */
const leasedIn = (
  { spec, pool }: Place,
  others: Sharers,
  { observed, users }: Scene,
): ((name: string) => Reason | null) => {
  const byName = new Map<string, Reason>();
  let odd: Reason | null = null;
  const all = [{ pool, spec }, ...others];
  const folders = new Map(all.flatMap((o) => o.pool.servers.map((s) => [s.name, disksFolder(o.spec.path)] as const)));
  for (const [uuid, [lease, at]] of leasesOf(
    all.map((o) => o.pool),
    observed,
  )) {
    const help = leaseHelp(at);
    if (lease === 'odd') {
      odd ??= {
        code: 'lease-unreadable',
        why: `the lease of ${uuid} cannot be read, and may be for it`,
        help: `look whose that is, and ${help}`,
      };
      continue;
    }
    for (const path of Object.values(lease.disks)) {
      // One that was read tells by itself what it has: a disk may have been taken out since the lease was written.
      if (seenOn(observed, lease.server) && !users.of(path).some((u) => u.server === lease.server)) continue;
      const name = path.slice(path.lastIndexOf('/') + 1);
      // Where nobody knows at which path that server has the store, the name has to do.
      const folder = folders.get(lease.server);
      if (folder !== undefined && path !== `${folder}/${name}`) continue;
      byName.set(name, {
        code: 'lease-held',
        why: `the lease of ${lease.vm} on ${lease.server} names it`,
        help: `let that VM go first; or, where nobody wants it any more, ${help}`,
      });
    }
  }
  return (name) => byName.get(name) ?? odd;
};

/** By the name of a disk in this store: who has it, or may have it; null: nobody does. */
export const hadIn = (place: Place, scene: Scene): ((name: string) => Reason | null) => {
  const { spec, pool, server, seen } = place;
  const { farm, observed, users } = scene;
  const store = seen.storage.stores[spec.path];
  const others = sharersOf(spec, pool, farm);
  const leased = spec.shared ? leasedIn(place, others, scene) : () => null;
  const blind = (p: PoolSpec): Reason | null => {
    const [unread] = unreadIn(p, observed);
    if (unread === undefined) return null;
    const help =
      p.name === pool.name ? `try again when ${unread} answers` : `plan pool ${p.name}, too, when all of it answers`;
    return { code: 'server-unread', why: `${unread} could not be read: something there may have it`, help };
  };
  const shared = [...(spec.shared ? [pool] : []), ...others.map((o) => o.pool)];
  const unseen = shared.map(blind).find((b) => b !== null) ?? null;
  return (name) => {
    const own = users.of(`${disksFolder(spec.path)}/${name}`).filter((u) => spec.shared || u.server === server);
    const theirs = others.flatMap((o) =>
      users.of(`${disksFolder(o.spec.path)}/${name}`).filter((u) => o.pool.servers.some((s) => s.name === u.server)),
    );
    const have = namesOf([...own, ...theirs]);
    if (have.length > 0)
      return {
        code: 'in-use',
        why: `${have.join(', ')} has it`,
        help: 'delete that first, or take the disk out of it',
      };
    const marker = store?.is === 'there' ? store.disks[name]?.marker : null;
    const vm = marker && marker !== 'odd' && marker.farm === farm.name ? marker.vm : null;
    // Its file may have moved the VM to another pool, whose servers then are where it may run.
    const home = vm === null ? undefined : farm.vms.find((v) => v.key === vm)?.pool;
    const elsewhere = farm.pools.find((p) => p.name === home && p.name !== pool.name);
    return leased(name) ?? unseen ?? (elsewhere ? blind(elsewhere) : null);
  };
};
