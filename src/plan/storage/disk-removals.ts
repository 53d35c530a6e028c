/** The disks that go by explicit word: with their VM, or as orphans. Only what carries this farm's marker, and nobody else has. */
import { sortedBy } from '../../core/order.ts';
import { ref } from '../../core/ref.ts';
import type { Farm, PoolSpec } from '../../kinds/farm.ts';
import type { PlanOptions, PlanRepository, Refusal } from '../../kinds/plan.ts';
import { idOf, reasonOf } from '../../kinds/repository/describe.ts';
import { disksFolder, type DiskMarker } from '../../kinds/repository/live.ts';
import { isDiskIn, notMarked, storedAt } from '../../kinds/repository/owner.ts';
import type { RepositoryOp } from '../../kinds/repository/ops.ts';
import type { RepositorySpec } from '../../kinds/repository/spec.ts';
import { seenOn, type Observed, type ServerSeen } from '../../kinds/server/live.ts';
import type { Users } from '../../kinds/server/users.ts';
import type { VmSpec } from '../../kinds/vm/spec.ts';
import type { Found } from '../match/match.ts';
import { hadIn } from './disk-usage.ts';
import type { Node } from '../model/operation-graph.ts';
import { storeOf } from './repository-state.ts';

export interface Removal {
  readonly node: Node;
  /** The operation without which it is not done, and that it waits for. */
  readonly after: string | null;
  /** The operation without which it is not done, and that waits for it: what remembers the disk goes last. */
  readonly before: string | null;
}

interface Gone {
  readonly pool: PoolSpec;
  readonly r: RepositorySpec;
  readonly server: string;
  readonly farm: string;
  readonly disk: string;
  readonly marker: DiskMarker | null;
  /** A VM's key. */
  readonly of: string;
  readonly owner: { readonly uuid: string | null; readonly vdev: string | null } | null;
  /** Its VM goes with it. */
  readonly goes: boolean;
  readonly copied: string | null;
  readonly peers: readonly string[];
}

const opFor = ({ pool, r, server, farm, disk, marker, of, owner, goes, copied, peers }: Gone): Node => {
  const op: RepositoryOp = {
    repository: ref('repository', `${pool.name}/${r.name}`),
    server,
    farm,
    name: r.name,
    type: r.type,
    path: r.path,
    source: r.source ?? '',
    verb: 'delete-disk',
    disk,
    size: marker?.size ?? null,
    of,
    owner,
    goes,
    copied,
    peers,
  };
  return { id: idOf(op), op };
};

interface Own {
  readonly disks: readonly { readonly vdev: string; readonly path: string }[];
  readonly key: string;
  readonly uuid: string | null;
  readonly server: string;
  readonly pool: PoolSpec;
  readonly farm: string;
  readonly seen: ServerSeen;
  readonly users: Users;
  /** Where the bytes of all of them are from now on; null: nowhere. */
  readonly copied: string | null;
  /** The VM goes with them. */
  readonly goes: boolean;
}

/** Those of a VM's disks that Reeve made or adopted for it, and that no other VM has. */
export const disksOf = ({ disks, key, uuid, server, pool, farm, seen, users, copied, goes }: Own): readonly Node[] =>
  disks.flatMap(({ vdev, path }) => {
    const r = Object.values(pool.repositories).find((x) => isDiskIn(x.path, path));
    const stored = r && storedAt(seen.storage, r.path, path);
    if (!r || !stored || uuid === null || notMarked(stored, { farm, uuid, vdev }) !== null) return [];
    // A copy of its cfg elsewhere may be what counts, or come to count.
    if (users.of(path).some((u) => u.uuid !== uuid || u.server !== server)) return [];
    const marker = stored.marker === 'odd' ? null : stored.marker;
    const owner = { uuid, vdev };
    return [opFor({ pool, r, server, farm, disk: path, marker, of: key, owner, goes, copied, peers: [] })];
  });

/** A VM's own disks, while its cfg still names them: a run that breaks off leaves what the next one has to finish. */
export const disksOfDeleted = (
  { key }: VmSpec,
  { live, server }: Found,
  pool: PoolSpec,
  farm: string,
  seen: ServerSeen,
  users: Users,
): readonly Removal[] => {
  const all = new Map(
    [
      ...Object.entries(live.record?.config?.disks ?? {}).map(([vdev, { path }]) => ({ vdev, path })),
      ...(live.domain?.disks ?? []),
    ].map(({ vdev, path }) => [path, { vdev, path }]),
  );
  const disks = sortedBy([...all.values()], (d) => d.path);
  const of = { disks, key, uuid: live.uuid, server, pool, farm, seen, users, copied: null };
  return disksOf({ ...of, goes: true }).map((node) => ({ node, after: null, before: `${key}/undefine` }));
};

/** Disks that `--delete-disks` names by their file. */
export const orphansNamed = (
  farm: Farm,
  observed: Observed,
  options: PlanOptions,
  covers: (pool: string) => boolean,
  users: Users,
): {
  readonly removals: readonly Removal[];
  readonly refused: readonly Refusal[];
  readonly warnings: readonly string[];
} => {
  const removals: Removal[] = [];
  const refused: Refusal[] = [];
  const warnings: string[] = [];
  const keys = new Set(farm.vms.map((v) => v.key));
  for (const name of new Set(options.deleteDisks.filter((n) => !keys.has(n)))) {
    // Servers by themselves may have disks of one name; a shared store is looked at once.
    const looked = new Set<string>();
    for (const pool of farm.pools.filter((p) => covers(p.name))) {
      for (const r of Object.values(pool.repositories)) {
        for (const s of pool.servers) {
          const seen = seenOn(observed, s.name);
          const store = seen?.storage.stores[r.path];
          if (!seen || store?.is !== 'there' || !store.disks[name]?.there) continue;
          const key = r.shared ? storeOf(r, pool) : `${s.name} ${r.name}`;
          if (looked.has(key)) continue;
          looked.add(key);
          const { marker } = store.disks[name];
          // What a broken run left half made: nobody else gives such names.
          const half = name.endsWith('.part');
          const bar =
            !half && (marker === null || marker === 'odd' || marker.farm !== farm.name)
              ? {
                  code: 'not-ours' as const,
                  why: 'it was neither made nor adopted by this farm',
                  help: 'remove it by hand',
                }
              : hadIn({ spec: r, pool, server: s.name, seen }, { farm, observed, users })(name);
          if (bar === null) {
            const path = `${disksFolder(r.path)}/${name}`;
            const known = marker && marker !== 'odd' ? marker : null;
            const others = pool.servers.flatMap((x) => (x !== s && seenOn(observed, x.name) ? [x.name] : []));
            const peers = r.shared ? others : [];
            const owner = half ? null : { uuid: known?.uuid ?? null, vdev: known?.vdev ?? null };
            const of = known?.vm ?? '';
            const at = { pool, r, server: s.name, farm: farm.name, disk: path };
            const gone = { ...at, marker: known, of, owner, goes: false, peers };
            const node = opFor({ ...gone, copied: null });
            removals.push({ node, after: null, before: null });
            continue;
          }
          refused.push({
            subject: ref('repository', `${pool.name}/${r.name}`),
            what: `disk ${name} would be deleted`,
            ...bar,
            needs: null,
          });
        }
      }
    }
    if (looked.size === 0 && !options.prune)
      warnings.push(`--delete-disks ${name}: there is no VM and no disk of this name`);
  }
  return { removals, refused, warnings };
};

/** The repositories of the plan, with what goes from them. */
export const withRemovals = (
  repositories: readonly PlanRepository[],
  nodes: readonly Node[],
): readonly PlanRepository[] => {
  const all = new Map(repositories.map((r) => [r.subject.name, r]));
  for (const { id, op } of nodes) {
    if (op.verb !== 'delete-disk' && op.verb !== 'detach-repository') continue;
    const key = op.repository.name;
    const [pool = ''] = key.split('/');
    const old: PlanRepository = all.get(key) ?? {
      subject: op.repository,
      name: op.name,
      pool,
      path: op.path,
      action: 'change',
      servers: [],
      operations: [],
    };
    const mine = old.servers.find((s) => s.server === op.server);
    const servers = [
      ...old.servers.filter((s) => s !== mine),
      { server: op.server, does: [...(mine?.does ?? []), reasonOf(op)] },
    ];
    // One server that leaves gives it up, while others may get it.
    const action = op.verb === 'detach-repository' && old.action === 'attach' ? 'change' : old.action;
    all.set(key, { ...old, action, servers, operations: [...old.operations, id] });
  }
  return [...all.values()];
};
