/** A shared volume group belongs to one pool: a run holds the servers of its pools only, and two pools would be two writers of its metadata. */
import type { Reason } from '../../core/reason.ts';
import type { Farm, PoolSpec } from '../../kinds/farm.ts';
import type { RepositorySpec } from '../../kinds/repository/spec.ts';
import { seenOn, type Observed, type ServerSeen } from '../../kinds/server/live.ts';
import type { Standing } from './repository-state.ts';

interface Scene {
  readonly farm: Farm;
  readonly observed: Observed;
  readonly covers: (pool: string) => boolean;
}

const seenIn = (pool: PoolSpec, observed: Observed): readonly ServerSeen[] =>
  pool.servers.flatMap((s) => seenOn(observed, s.name) ?? []);

const groupId = ({ storage }: ServerSeen, path: string): string | null => {
  const store = storage.stores[path];
  return store?.is === 'there' ? (store.id ?? null) : null;
};

interface Group {
  /** LVM's own UUIDs of it. */
  readonly ids: ReadonlySet<string>;
  /** What its mark says. */
  readonly marks: ReadonlySet<string>;
}

/** The pool's repositories that name it. */
const named = (pool: PoolSpec, { ids }: Group, shared: boolean, observed: Observed): boolean =>
  Object.values(pool.repositories).some(
    (r) =>
      r.type === 'lvm' &&
      r.state === 'present' &&
      // Dom0s of one image have groups of their own with one UUID.
      (shared || r.shared) &&
      seenIn(pool, observed).some((s) => ids.has(groupId(s, r.path) ?? '')),
  );

/** Whether a server of the pool remembers it, in the file or not. */
const kept = (pool: PoolSpec, { marks }: Group, observed: Observed): boolean =>
  seenIn(pool, observed).some(({ storage }) => {
    const book = storage.book?.value;
    return book !== undefined && book !== 'odd' && Object.values(book.repositories).some((r) => marks.has(r.uuid));
  });

/** Of several pools it is that of the first which the file gives it and which has it; null: it is this pool's. */
const ownerOf = (spec: RepositorySpec, pool: PoolSpec, group: Group, { farm, observed }: Scene): Reason | null => {
  const claims = farm.pools
    .map((p) => ({
      pool: p,
      named: p === pool || named(p, group, spec.shared, observed),
      kept: kept(p, group, observed),
    }))
    .filter((c) => c.named || c.kept);
  const owner = claims.find((c) => c.named && c.kept) ?? claims.find((c) => c.kept) ?? claims[0];
  if (!owner || owner.pool === pool) return null;
  return {
    code: 'store-of-other-pool',
    why: `pool ${owner.pool.name} has the same volume group; a shared volume group belongs to one pool: its metadata have one writer`,
    help: owner.named
      ? 'give it to one pool, and take it out of the other'
      : `detach it from pool ${owner.pool.name} first (\`state: absent\` there, or --prune)`,
  };
};

/** Another pool may have marked it, of which this run sees nothing. */
const unseenOwner = (spec: RepositorySpec, pool: PoolSpec, group: Group, scene: Scene): Reason | null => {
  const { farm, observed, covers } = scene;
  if (group.marks.size === 0 || kept(pool, group, observed)) return null;
  for (const p of farm.pools) {
    const same = Object.values(p.repositories).some((r) => r.type === 'lvm' && r.shared && r.path === spec.path);
    const dark = p.servers.filter((s) => s.state !== 'lost' && !seenOn(observed, s.name)).map((s) => s.name);
    if (p === pool || !same || dark.length === 0) continue;
    return {
      code: 'server-unread',
      why: `it is marked, no server of pool ${pool.name} has had it, and pool ${p.name}, which may have it, was not read`,
      help: covers(p.name) ? `try again when ${dark.join(' and ')} answers` : 'leave out --pool',
    };
  }
  return null;
};

/** Why this pool may not have this volume group; null: it may. `usable`: how it stands where nothing else keeps it away. */
export const ofOnePool = (
  spec: RepositorySpec,
  pool: PoolSpec,
  usable: readonly Standing[],
  scene: Scene,
): Reason | null => {
  if (spec.type !== 'lvm') return null;
  const group: Group = {
    ids: new Set(usable.flatMap((s) => s.id ?? [])),
    marks: new Set(usable.flatMap((s) => s.marker?.uuid ?? [])),
  };
  return ownerOf(spec, pool, group, scene) ?? (spec.shared ? unseenOwner(spec, pool, group, scene) : null);
};
