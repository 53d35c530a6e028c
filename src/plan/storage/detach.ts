/** What takes a repository away from its servers, or why nothing may; and those that servers have and the file has not. */
import type { Reason } from '../../core/reason.ts';
import { sortedBy } from '../../core/order.ts';
import { fstabAt } from '../../kinds/repository/fstab.ts';
import { isVolumeGroup, mountAt } from '../../kinds/repository/live.ts';
import type { RepositoryOp } from '../../kinds/repository/ops.ts';
import type { RepositorySpec } from '../../kinds/repository/spec.ts';
import type { PoolSpec } from '../../kinds/farm.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import { namesOf, type Users } from '../../kinds/server/users.ts';
import { leaseHelp, leasePath } from '../../kinds/vm/lease.ts';
import type { Erasure } from './delete-data.ts';
import { baseOf, type Part } from '../model/path-availability.ts';
import type { Standing } from './repository-state.ts';

/** What is there of it on a server, of that which Reeve made. */
interface Bound {
  readonly s: Standing;
  readonly persisted: boolean;
  readonly mounted: boolean;
  readonly source: string;
}

const boundOn = (spec: RepositorySpec, s: Standing): Bound => {
  const line = fstabAt(s.seen.storage.fstab?.text ?? '', spec.path);
  const persisted = line?.ours === true;
  // A run that broke off has taken the line away, and not let go of what it mounts.
  const source =
    line === undefined && s.booked !== null && spec.type === 'nfs' ? (spec.source ?? '') : (line?.source ?? '');
  const ours = persisted || line === undefined;
  const mounted = ours && source !== '' && mountAt(s.seen.storage, spec.path)?.source === source;
  return { s, persisted, mounted, source };
};

const isBound = (x: Bound): boolean => x.s.booked !== null || x.persisted;

const detachOp = (
  spec: RepositorySpec,
  pool: PoolSpec,
  farm: string,
  { s, persisted, mounted, source }: Bound,
): RepositoryOp => ({
  ...baseOf(spec, pool, s.server, farm),
  source,
  verb: 'detach-repository',
  mounted,
  persisted,
  booked: s.booked !== null,
});

/** From one server that leaves its pool; the others keep it. */
export const detachFrom = (
  spec: RepositorySpec,
  pool: PoolSpec,
  s: Standing,
  farm: string,
): readonly RepositoryOp[] => {
  const bound = boundOn(spec, s);
  return isBound(bound) ? [detachOp(spec, pool, farm, bound)] : [];
};

/** Null: its data stay. */
export type Erase = ((bound: readonly Standing[]) => Erasure | Reason) | null;

export const detachPart = (
  spec: RepositorySpec,
  pool: PoolSpec,
  standings: readonly Standing[],
  farm: string,
  unread: readonly string[],
  all: Users,
  erase: Erase,
): Part => {
  const none = { ops: [], roofs: [] };
  const bound = standings.map((s) => boundOn(spec, s)).filter(isBound);
  if (bound.length === 0) return { ...none, refused: [] };
  const refuse = (bar: Reason): Part => ({ ...none, refused: [{ server: null, bar }] });
  if (unread.length > 0) {
    return refuse({
      code: 'server-unread',
      why: `${unread.join(' and ')} could not be read: something there may use it`,
      help: `try again when ${unread.join(' and ')} answers`,
    });
  }
  const here = new Set(standings.map((s) => s.server));
  const users = namesOf(all.beneath(spec.path).filter((u) => here.has(u.server)));
  const held = standings.flatMap(({ seen }) => {
    const store = seen.storage.stores[spec.path];
    return store?.is === 'there' ? Object.values(store.leases) : [];
  });
  const [running] = held.flatMap(({ lease }) => (lease === 'odd' ? [] : [lease]));
  if (running && users.length === 0) {
    return refuse({
      code: 'lease-held',
      why: `the lease of ${running.vm} on ${running.server} lies in it`,
      help: `stop ${running.vm}; or, where that runs nowhere, ${leaseHelp(leasePath(spec.path, running.uuid, running.disks))}`,
    });
  }
  if (users.length > 0)
    return refuse({
      code: 'in-use',
      why: `${users.join(', ')} ${users.length === 1 ? 'uses' : 'use'} it`,
      help: 'move or delete those first',
    });
  const odd = bound.find((x) => x.s.seen.storage.book?.value === 'odd');
  if (odd?.s.barred) return refuse({ ...odd.s.barred, why: `${odd.s.server}: ${odd.s.barred.why}` });
  const erased = erase?.(bound.map((x) => x.s));
  if (erased && 'why' in erased) return refuse(erased);
  // Nothing begins to use what goes.
  const goes = {
    is: 'barred',
    repository: spec.name,
    path: spec.path,
    code: 'repository-leaves',
    why: 'it is to be detached',
    help: 'keep the repository (`state: present`), or let the VM use another',
  } as const;
  return {
    refused: [],
    roofs: bound.map((x) => [x.s.server, goes] as const),
    ops: bound.map((x) => detachOp(spec, pool, farm, x)),
    ...(erased ? { first: erased.chains, erases: erased.deletes, warnings: erased.warnings } : {}),
  };
};

/** Servers remember what the file no longer has: with `--prune` as if it said `state: absent`, else told. */
export const strays = (
  pool: PoolSpec,
  seen: readonly (readonly [string, ServerSeen])[],
  farm: string,
): readonly RepositorySpec[] => {
  const found = new Map<string, RepositorySpec>();
  for (const [, s] of seen) {
    const book = s.storage.book?.value;
    if (!book || book === 'odd' || book.farm !== farm) continue;
    for (const [name, { path }] of Object.entries(book.repositories)) {
      if (pool.repositories[name] || found.has(name)) continue;
      const line = fstabAt(s.storage.fstab?.text ?? '', path);
      found.set(name, {
        name,
        type: line?.ours ? 'nfs' : isVolumeGroup(path) ? 'lvm' : 'dir',
        source: line?.ours ? line.source : undefined,
        path,
        options: '',
        shared: line?.ours === true,
        state: 'absent',
        origin: { file: '', pointer: '' },
      });
    }
  }
  return sortedBy(found.values(), (s) => s.name);
};
