/** The repositories that VMs' disks lie in: volume groups, NFS mounts and folders, where each server of the pool has them. */
import { byText } from '../../core/order.ts';
import { mountAt } from '../../kinds/repository/live.ts';
import { badStorePath } from '../../kinds/repository/place.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import { keyFor } from './keys.ts';
import { wordsOf, type Word, type Words } from './tree.ts';

/** A disk of a VM that was found. */
export interface DiskThere {
  /** Xen's name of the VM. */
  readonly vm: string;
  readonly path: string;
}

/** A pool: what its servers answered, and the disks of its VMs. */
export interface PoolThere {
  readonly name: string;
  readonly seen: readonly ServerSeen[];
  readonly disks: readonly DiskThere[];
  /** Paths and sources of the repositories that the file has for it. */
  readonly known: ReadonlySet<string>;
}

type Place =
  | { readonly is: 'lvm'; readonly path: string; readonly group: string }
  | { readonly is: 'nfs'; readonly path: string; readonly source: string }
  | { readonly is: 'dir'; readonly path: string };

/** Folders of /dev that are no volume groups. */
const notGroups = new Set(['disk', 'mapper', 'zvol', 'md', 'drbd', 'rbd', 'shm', 'loop']);

/** `/dev/vg0/web`, and what the device mapper calls it: `/dev/mapper/vg0-web`, a dash of a name being two. */
const groupOf = (path: string): string | null => {
  const [, mapped] = /^\/dev\/mapper\/((?:[^-/]|--)+)-(?!-)[^/]+$/.exec(path) ?? [];
  if (mapped !== undefined) return mapped.replaceAll('--', '-');
  const [, group] = /^\/dev\/([^/]+)\/[^/]+$/.exec(path) ?? [];
  return group === undefined || notGroups.has(group) ? null : group;
};

const parent = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));

/** The folder of the file; where that is the VM's own, the one in which those of all VMs are. */
const folderOf = ({ vm, path }: DiskThere): string => {
  const folder = parent(path);
  return folder.slice(folder.lastIndexOf('/') + 1) === vm ? parent(folder) : folder;
};

const placeOf = (disk: DiskThere, seen: readonly ServerSeen[]): Place | null => {
  const group = groupOf(disk.path);
  if (group !== null) return { is: 'lvm', path: `/dev/${group}`, group };
  if (disk.path.startsWith('/dev/') || !disk.path.startsWith('/')) return null;
  for (let at = parent(disk.path); at !== '/'; at = parent(at)) {
    const mount = seen.map(({ storage }) => mountAt(storage, at)).find((m) => m !== undefined);
    if (mount?.type.startsWith('nfs')) return { is: 'nfs', path: at, source: mount.source };
    if (mount) break;
  }
  const path = folderOf(disk);
  return badStorePath(path) === null ? { is: 'dir', path } : null;
};

const placesOf = ({ disks, seen, known }: PoolThere): readonly Place[] => {
  const all = new Map<string, Place>();
  for (const disk of disks) {
    const place = placeOf(disk, seen);
    if (place && !known.has(place.path)) all.set(place.path, place);
  }
  const inAnother = (path: string): boolean =>
    [...all.keys(), ...known].some((other) => other !== path && path.startsWith(`${other}/`));
  return [...all.values()].filter((p) => !inAnother(p.path)).sort((a, b) => byText(a.path, b.path));
};

/** What to look for so that `storesOf` can tell: the volume groups and folders, each with a slash behind it. */
export const pathsOfStores = (pool: PoolThere): readonly string[] => placesOf(pool).map((p) => `${p.path}/`);

const isThere = (place: Place, { storage }: ServerSeen): boolean => {
  if (place.is === 'nfs') return mountAt(storage, place.path)?.source === place.source;
  return storage.stores[place.path]?.is === 'there';
};

const words = (place: Place, pool: PoolThere, only: readonly string[] | undefined): Words => {
  const ids = pool.seen.map(({ storage: { stores } }) => {
    const store = stores[place.path];
    return store?.is === 'there' ? store.id : undefined;
  });
  const shared = place.is === 'lvm' && ids.length > 1 && ids[0] !== undefined && ids.every((id) => id === ids[0]);
  return wordsOf([
    ['type', place.is],
    ['source', place.is === 'nfs' ? place.source : undefined],
    ['path', place.is === 'lvm' ? undefined : place.path],
    ['volumeGroup', place.is === 'lvm' ? place.group : undefined],
    ['shared', shared || undefined],
    ['pools', only],
  ]);
};

/** By name, with what is said beside them. `taken` grows. `only`: whether the file has several pools. */
export const storesOf = (
  pools: readonly PoolThere[],
  taken: Set<string>,
): { readonly words: Words; readonly notes: readonly string[] } => {
  const entries: [string, Word][] = [];
  const notes: string[] = [];
  for (const pool of pools) {
    for (const place of placesOf(pool)) {
      const lacking = pool.seen.filter((s) => !isThere(place, s)).map((s) => s.host);
      if (lacking.length > 0) {
        const have = pool.seen.map((s) => s.host).filter((h) => !lacking.includes(h));
        if (have.length > 0)
          notes.push(
            `${place.path} is no repository of pool ${pool.name}: only ${have.join(', ')} of its servers has it.`,
          );
        continue;
      }
      const wish = place.path.slice(place.path.lastIndexOf('/') + 1);
      const only = pools.length > 1 ? [pool.name] : undefined;
      entries.push([keyFor(wish, taken), words(place, pool, only)]);
    }
  }
  return { words: wordsOf(entries), notes };
};
