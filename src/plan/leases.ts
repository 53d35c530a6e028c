/** What leases say to planning: where the disks of a VM are whose server is lost, and that another server may run one. */
import type { Farm, PoolSpec } from '../kinds/farm.ts';
import { disksFolder, type Lease } from '../kinds/repository/live.ts';
import type { ServerSeen } from '../kinds/server/live.ts';
import { leaseHelp, leaseIn } from '../kinds/vm/lease.ts';
import type { VmSpec } from '../kinds/vm/spec.ts';
import type { Decision } from './decide.ts';

type SeenOf = (server: string) => ServerSeen | undefined;

const poolOf = (farm: Farm, { pool }: VmSpec): PoolSpec | undefined => farm.pools.find((p) => p.name === pool);

/** The lease of a VM on a server that is lost: where its disks are, though its cfg is gone. */
export const leftBy = (spec: VmSpec, farm: Farm, seenOf: SeenOf): Lease | null => {
  const pool = poolOf(farm, spec);
  if (!pool) return null;
  const lost = new Set(pool.servers.flatMap((s) => (s.state === 'lost' && !seenOf(s.name) ? [s.name] : [])));
  if (lost.size === 0) return null;
  const leases = Object.values(pool.repositories)
    .filter((r) => r.shared)
    .flatMap((r) =>
      pool.servers.flatMap((s) => {
        const store = seenOf(s.name)?.storage.stores[r.path];
        return store?.is === 'there'
          ? Object.values(store.leases).flatMap((l) => (l.lease === 'odd' ? [] : [l.lease]))
          : [];
      }),
    );
  return leases.find((l) => l.vm === spec.key && l.farm === farm.name && lost.has(l.server)) ?? null;
};

/** Disks of a VM that is seen nowhere, while a server is lost that may have had its cfg: it must not begin anew beside them. */
export const abandoned = (spec: VmSpec, farm: Farm, seenOf: SeenOf): readonly string[] => {
  const pool = poolOf(farm, spec);
  if (!pool?.servers.some((s) => s.state === 'lost' && !seenOf(s.name))) return [];
  const wanted = new Set(Object.values(spec.disks ?? {}).map((d) => d.path));
  const found = Object.values(pool.repositories).flatMap((r) =>
    pool.servers.flatMap((s) => {
      const store = seenOf(s.name)?.storage.stores[r.path];
      if (store?.is !== 'there') return [];
      return Object.entries(store.disks).flatMap(([name, { marker, there }]) =>
        there && marker && marker !== 'odd' && marker.farm === farm.name && marker.vm === spec.key
          ? [`${disksFolder(r.path)}/${name}`]
          : [],
      );
    }),
  );
  return [...new Set(found)].filter((path) => !wanted.has(path)).sort();
};

/** Another server's lease forbids a start, unless that server was read, or a person has said that it is lost. */
export const heldElsewhere = (
  d: Decision,
  seen: ServerSeen,
  farm: Farm,
  seenOf: SeenOf,
): { readonly why: string; readonly help: string } | null => {
  const t = d.transition;
  if (!t?.lease || !(t.state === 'start' || t.mode === 'restart')) return null;
  const held = leaseIn(seen.storage, t.lease.folder, t.want.uuid)?.lease;
  if (!held) return null;
  if (held === 'odd' || held.farm !== farm.name) {
    const is = held === 'odd' ? 'cannot be read' : `is of farm ${held.farm}`;
    return { why: `its lease ${t.lease.path} ${is}`, help: `look who runs it, and ${leaseHelp(t.lease.path)}` };
  }
  const holder = poolOf(farm, d.spec)?.servers.find((s) => s.name === held.server);
  if (held.server === d.server || seenOf(held.server) || holder?.state === 'lost') return null;
  return {
    why: `its lease says that it runs on ${held.server}, which could not be read`,
    help: holder
      ? `wait until ${held.server} answers; or, where it is dead for certain, \`state: lost\``
      : 'put that server back into the file',
  };
};
