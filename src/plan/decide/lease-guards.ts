/** What leases say to planning: where the disks of a VM are whose server is lost, and that another server may run one. */
import { option } from '../../core/shell-word.ts';
import type { Reason } from '../../core/reason.ts';
import type { Farm, PoolSpec } from '../../kinds/farm.ts';
import { disksFolder, type Lease } from '../../kinds/repository/live.ts';
import { notOwned } from '../../kinds/repository/owner.ts';
import { seenOn, type Observed, type ServerSeen } from '../../kinds/server/live.ts';
import type { Users } from '../../kinds/server/users.ts';
import { deriveUuid } from '../../kinds/vm/identity.ts';
import { leaseHelp, leaseIn, leasePath } from '../../kinds/vm/lease.ts';
import type { VmSpec } from '../../kinds/vm/spec.ts';
import type { Decision } from './decide.ts';
import type { Found } from '../match/match.ts';
import { localDisk, sharedPaths } from '../model/shared-paths.ts';
import { table } from '../../core/table.ts';

type SeenOf = (server: string) => ServerSeen | undefined;

const poolOf = (farm: Farm, { pool }: VmSpec): PoolSpec | undefined => farm.pools.find((p) => p.name === pool);

interface LeaseAt {
  readonly lease: Lease;
  readonly path: string;
}

/** Leases that can be read, as each server sees them. */
const leasesIn = (pool: PoolSpec, seenOf: SeenOf): readonly LeaseAt[] =>
  Object.values(pool.repositories)
    .filter((r) => r.shared)
    .flatMap((r) =>
      pool.servers.flatMap((s) => {
        const store = seenOf(s.name)?.storage.stores[r.path];
        if (store?.is !== 'there') return [];
        return Object.values(store.leases).flatMap(({ lease }) =>
          lease === 'odd' ? [] : [{ lease, path: leasePath(r.path, lease.uuid, lease.disks) }],
        );
      }),
    );

/** By its key, or by the one that it had before. */
const isOf = (vm: string, spec: VmSpec): boolean => vm === spec.key || vm === spec.formerly;

/** By vdev: what lies in shared stores marked as the VM's. */
const markedDisks = (
  { farm, uuid }: Lease,
  pool: PoolSpec,
  seenOf: SeenOf,
): ReadonlyMap<string, ReadonlySet<string>> => {
  const found = new Map<string, Set<string>>();
  for (const r of Object.values(pool.repositories).filter((x) => x.shared))
    for (const s of pool.servers) {
      const store = seenOf(s.name)?.storage.stores[r.path];
      for (const [name, stored] of store?.is === 'there' ? Object.entries(store.disks) : []) {
        const { marker } = stored;
        if (!marker || marker === 'odd' || notOwned(stored, { farm, uuid, vdev: null }) !== null) continue;
        found.set(marker.vdev, (found.get(marker.vdev) ?? new Set()).add(`${disksFolder(r.path)}/${name}`));
      }
    }
  return found;
};

interface Left {
  readonly lease: Lease;
  /** Of the lease itself. */
  readonly path: string;
  /** By vdev: what the lease says or leaves open (a tag tells of its own group only), where that is marked as the VM's. */
  readonly disks: Readonly<Record<string, string>>;
}

/** Of a VM that changed its home an older one may have been left behind. */
export const newestLease = (spec: VmSpec, uuid: string | null, farm: Farm, seenOf: SeenOf): LeaseAt | null => {
  const pool = poolOf(farm, spec);
  const [newest] = (pool ? leasesIn(pool, seenOf) : [])
    .filter(({ lease }) => lease.farm === farm.name && (isOf(lease.vm, spec) || lease.uuid === uuid))
    .sort((a, b) => b.lease.generation - a.lease.generation);
  return newest ?? null;
};

/** The lease of a VM on one of these servers, none of which was read. */
const leaseOn = (spec: VmSpec, farm: Farm, state: 'lost' | 'off', seenOf: SeenOf): Left | null => {
  const pool = poolOf(farm, spec);
  const silent = new Set(pool?.servers.flatMap((s) => (s.state === state && !seenOf(s.name) ? [s.name] : [])));
  if (!pool || silent.size === 0) return null;
  const newest = newestLease(spec, null, farm, seenOf);
  if (!newest || !silent.has(newest.lease.server)) return null;
  const { lease } = newest;
  const disks = [...markedDisks(lease, pool, seenOf)].flatMap(([vdev, paths]) => {
    const said = lease.disks[vdev];
    const [first, ...more] = paths;
    const path = said === undefined ? (more.length > 0 ? undefined : first) : paths.has(said) ? said : undefined;
    return path === undefined ? [] : [[vdev, path] as const];
  });
  return { ...newest, disks: table(disks) };
};

/** The lease of a server that is lost, as far as it is believed: the VM's UUID, and where its disks are, though its cfg is gone. */
export const leftBy = (spec: VmSpec, farm: Farm, seenOf: SeenOf): Pick<Lease, 'uuid' | 'disks'> | null => {
  const left = leaseOn(spec, farm, 'lost', seenOf);
  return left && { uuid: left.lease.uuid, disks: left.disks };
};

/** Whose UUID the lease gives, if not this VM's. */
const namesake = (spec: VmSpec, { uuid }: Lease, farm: Farm, observed: Observed): string | null => {
  const other = farm.vms.find((v) => v.key !== spec.key && (v.uuid ?? deriveUuid(farm.name, v.key)) === uuid);
  if (other && other.key !== spec.formerly) return other.key;
  for (const server of observed.keys()) {
    const seen = seenOn(observed, server);
    const configs = seen?.records.flatMap((r) => r.config ?? []) ?? [];
    const found = [...(seen?.domains ?? []), ...configs].find((x) => x.uuid === uuid);
    if (found) return `${found.name} on ${server}`;
  }
  return spec.uuid !== undefined && spec.uuid !== uuid ? 'another VM' : null;
};

/**
 * Why the lease that a lost server left is not believed; null: it is. Whoever may write to a shared store may write leases:
 * one speaks for disks only that are marked as the VM's, and that nobody else has.
 */
export const distrusted = (spec: VmSpec, farm: Farm, observed: Observed, users: Users): Reason | null => {
  const seenOf: SeenOf = (server) => seenOn(observed, server);
  const left = leaseOn(spec, farm, 'lost', seenOf);
  const pool = poolOf(farm, spec);
  if (!left || !pool) return null;
  const { lease, path } = left;
  const bar = (why: string): Reason => ({
    code: 'lease-distrusted',
    why: `its lease ${path} ${why}`,
    help: `look who wrote that; where nobody needs what the lease says, ${leaseHelp(path)}`,
  });
  const other = namesake(spec, lease, farm, observed);
  if (other !== null) return bar(`has the UUID of ${other}`);
  const others = leasesIn(pool, seenOf).filter((l) => l.lease.uuid !== lease.uuid && !seenOf(l.lease.server));
  for (const [vdev, { made }] of Object.entries(spec.disks ?? {})) {
    if (!made) continue;
    const disk = left.disks[vdev];
    const said = lease.disks[vdev];
    if (said !== undefined && disk === undefined)
      return bar(`names ${said} as disk ${vdev}, and no repository has that marked as its own`);
    if (disk === undefined) continue;
    const [user] = users.of(disk);
    if (user) return bar(`tells of disk ${disk}, which ${user.name} on ${user.server} has`);
    const claim = others.find((l) => Object.values(l.lease.disks).includes(disk));
    if (claim) return bar(`tells of disk ${disk}, and so does the lease of ${claim.lease.vm}`);
  }
  return null;
};

/** The server, powered down by us, on which a VM is that was seen nowhere; null: it cannot be told. */
export const restsOn = (spec: VmSpec, farm: Farm, seenOf: SeenOf): string | null => {
  const isOff = (name: string): boolean =>
    poolOf(farm, spec)?.servers.some((s) => s.name === name && s.state === 'off' && !seenOf(name)) === true;
  const [first] = spec.servers;
  if (first !== undefined && spec.servers.every(isOff)) return spec.servers.join(' or ');
  return leaseOn(spec, farm, 'off', seenOf)?.lease.server ?? null;
};

/** Disks that are marked as its own and that the file does not name. */
export const marked = (spec: VmSpec, pool: PoolSpec, farm: Farm, seenOf: SeenOf): readonly string[] => {
  const wanted = new Set(Object.values(spec.disks ?? {}).map((d) => d.path));
  const found = Object.values(pool.repositories).flatMap((r) =>
    pool.servers.flatMap((s) => {
      const store = seenOf(s.name)?.storage.stores[r.path];
      if (store?.is !== 'there') return [];
      return Object.entries(store.disks).flatMap(([name, { marker, there }]) =>
        there && marker && marker !== 'odd' && marker.farm === farm.name && isOf(marker.vm, spec)
          ? [`${disksFolder(r.path)}/${name}`]
          : [],
      );
    }),
  );
  return [...new Set(found)].filter((path) => !wanted.has(path)).sort();
};

/** A disk that one server only has, or had. */
const localOf = (spec: VmSpec, pool: PoolSpec): string | null => {
  const found = Object.entries(spec.disks ?? {}).find(([, d]) =>
    d.made ? pool.repositories[d.made.repository]?.shared !== true : localDisk([d], sharedPaths(pool)) !== null,
  );
  return found?.[0] ?? null;
};

/**
 * Why a VM that was seen nowhere must not be made, though every server of its pool was read that is neither off nor lost: it may be
 * where nobody looked, and must not begin anew beside its disks. Null: it is new, or its lease tells where they are.
 */
export const hidden = (spec: VmSpec, farm: Farm, seenOf: SeenOf): Reason | null => {
  const pool = poolOf(farm, spec);
  if (!pool) return null;
  const lost = pool.servers.filter((s) => s.state === 'lost' && !seenOf(s.name)).map((s) => s.name);
  const local = localOf(spec, pool);
  const named = spec.servers.length > 0 && spec.servers.every((s) => seenOf(s));
  if (lost.length > 0 && local !== null && !named)
    return {
      code: 'disk-on-lost-server',
      why: `it is seen nowhere, and ${lost.join(' and ')} is lost, which may have had its disk ${local} alone`,
      help: 'name the server where it is to begin with what is there (`server: …`)',
    };
  // Its file may have moved it from there.
  const other = farm.pools.find((p) => p !== pool && p.servers.some((s) => s.state !== 'lost' && !seenOf(s.name)));
  if (lost.length === 0 && !other) return null;
  // Where its lease and the marks of its disks tell of each, they are where it goes on.
  const left = leftBy(spec, farm, seenOf);
  if (left && Object.entries(spec.disks ?? {}).every(([vdev, d]) => !d.made || vdev in left.disks)) return null;
  const known = new Set(Object.values(left?.disks ?? {}));
  const disks = marked(spec, pool, farm, seenOf).filter((path) => !known.has(path));
  const [first] = disks;
  if (first === undefined) return null;
  const where = lost.length > 0 ? 'a server is lost' : `pool ${other?.name} was not read, or not all of it`;
  return {
    code: 'disk-elsewhere',
    why: `it is seen nowhere, and ${where}; ${disks.join(' and ')} ${disks.length === 1 ? 'is' : 'are'} of it`,
    help:
      lost.length === 0
        ? `plan pool ${other?.name}, too, when all of it answers: what is there moves, and is not made anew`
        : `write \`{ adopt: ${first} }\` for that disk; or, where it is not wanted, ${option('--delete-disks', first.replace(/^.*\//, ''))}`,
  };
};

/**
 * It was up where its cfg is since that server booted, and nobody gave its lease back: it may have been migrated away. One that
 * Reeve stopped gave it back, and a reboot changes the boot.
 */
export const wasUp = ({ server, uuid }: Pick<Found, 'server' | 'uuid'>, seenOf: SeenOf): boolean => {
  const seen = seenOf(server);
  return Object.values(seen?.storage.stores ?? {}).some((store) => {
    const held = store.is === 'there' ? store.leases[uuid ?? '']?.lease : undefined;
    return held !== undefined && held !== 'odd' && held.server === server && held.boot === seen?.bootId;
  });
};

/** Another server's lease forbids a start, unless that server was read, or a person has said that it is lost. */
export const heldElsewhere = (d: Decision, seen: ServerSeen, farm: Farm, seenOf: SeenOf): Reason | null => {
  const t = d.transition;
  if (!t?.lease || !(t.state === 'start' || t.mode === 'restart')) return null;
  const held = leaseIn(seen.storage, t.lease.folder, t.want.uuid)?.lease;
  if (!held) return null;
  if (held === 'odd' || held.farm !== farm.name) {
    const is = held === 'odd' ? 'cannot be read' : `is of farm ${held.farm}`;
    return {
      code: held === 'odd' ? 'lease-unreadable' : 'lease-foreign',
      why: `its lease ${t.lease.path} ${is}`,
      help: `look who runs it, and ${leaseHelp(t.lease.path)}`,
    };
  }
  const holder = farm.pools.flatMap((p) => p.servers).find((s) => s.name === held.server);
  if (held.server === d.server || seenOf(held.server) || holder?.state === 'lost') return null;
  return {
    code: 'lease-held',
    why: `its lease says that it runs on ${held.server}, which could not be read`,
    help: !holder
      ? 'put that server back into the file'
      : holder.pool !== d.spec.pool
        ? `it moves from pool ${holder.pool}, which has to be read for that`
        : `wait until ${held.server} answers; or, where it is dead for certain, \`state: lost\``,
  };
};
