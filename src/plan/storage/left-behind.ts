/** The old places of a VM's disks: they go once its cfg names the new ones, in this run or, where that broke off, in a later one. */
import type { PoolSpec } from '../../kinds/farm.ts';
import { isDiskIn, storedAt } from '../../kinds/repository/owner.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import type { Users } from '../../kinds/server/users.ts';
import type { Decision } from '../decide/decide.ts';
import { disksOf, type Removal } from './disk-removals.ts';

interface Scene {
  readonly farm: string;
  readonly pool: PoolSpec;
  readonly seen: ServerSeen;
  readonly users: Users;
}

const ofVm = ({ spec, server, live }: Decision, { farm, pool, seen, users }: Scene) => ({
  key: spec.key,
  uuid: live?.uuid ?? null,
  server,
  pool,
  farm,
  seen,
  users,
  goes: false,
});

/** Of the disks that this decision moves. */
export const movedFrom = (d: Decision, scene: Scene): readonly Removal[] => {
  const { spec, transition: t, live } = d;
  if (!t || !live) return [];
  const after = `${spec.key}/${t.mode === 'restart' ? 'restart' : 'define'}`;
  return t.move.flatMap(({ from, vdev, path: copied }) =>
    from && !t.keep.has(`disks.${vdev}`)
      ? disksOf({ ...ofVm(d, scene), disks: [{ vdev, path: from.path }], copied }).map((node) => ({
          node,
          after,
          before: null,
        }))
      : [],
  );
};

/** What a run that broke off left: the cfg's own marker says what was to go, and the disk's that it is the VM's. */
export const leftBehind = (d: Decision, scene: Scene): readonly Removal[] => {
  const { spec, transition: t, live } = d;
  const { seen, pool, users } = scene;
  const named = live?.record?.config?.disks ?? {};
  // The VM has to come up from the copy first, as if nothing had broken off.
  const up = t?.mode === 'restart' ? 'restart' : t?.state === 'start' ? (t.saved === null ? 'start' : 'resume') : null;
  return (live?.marker?.left ?? []).flatMap((path) => {
    const store = Object.values(pool.repositories).find((r) => isDiskIn(r.path, path));
    const marker = store && storedAt(seen.storage, store.path, path)?.marker;
    const copied = marker && marker !== 'odd' ? named[marker.vdev]?.path : undefined;
    if (!marker || marker === 'odd' || copied === undefined || users.of(path).length > 0) return [];
    return disksOf({ ...ofVm(d, scene), disks: [{ vdev: marker.vdev, path }], copied }).map((node) => ({
      node,
      after: up === null ? null : `${spec.key}/${up}`,
      before: t?.mode === 'delete' ? `${spec.key}/undefine` : null,
    }));
  });
};
