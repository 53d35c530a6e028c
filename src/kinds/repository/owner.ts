/** Whose a disk of a store is: a store is written to by others, so that a path in it counts only as what its marker says. */
import { badPath } from '../../core/name.ts';
import { diskName, disksFolder, isVolumeGroup, type Storage, type StoredDisk } from './live.ts';

/** A VM's disk; `uuid` and `vdev` null: whichever VM's of the farm. */
export interface DiskOwner {
  readonly farm: string;
  readonly uuid: string | null;
  readonly vdev: string | null;
}

/** Why what is stored is not this VM's disk, be it there or only its marker: words that follow its path; null: it is. */
export const notMarked = (stored: StoredDisk, { farm, uuid, vdev }: DiskOwner): string | null => {
  if (stored.special) return 'is a link or a device, which may lead anywhere';
  const { marker } = stored;
  if (marker === null) return 'has no marker';
  if (marker === 'odd') return 'has a marker that cannot be read';
  if (marker.farm !== farm) return `is a disk of farm ${marker.farm}`;
  const other = (uuid !== null && marker.uuid !== uuid) || (vdev !== null && marker.vdev !== vdev);
  return other ? `is disk ${marker.vdev} of ${marker.vm}` : null;
};

/** Why it may not be used as this VM's disk; null: it may. */
export const notOwned = (stored: StoredDisk | null | undefined, owner: DiskOwner): string | null =>
  stored?.there ? notMarked(stored, owner) : 'is not there';

/** Whether this is the path of a disk of the store at `folder`, and nothing that leads out of it. */
export const isDiskIn = (folder: string, path: string): boolean =>
  path.startsWith(`${disksFolder(folder)}/`) && badPath(path) === null && /^[^/]+$/.test(diskName(folder, path));

/** As the server has it that was read; undefined: its store was not seen. */
export const storedAt = ({ stores }: Storage, folder: string, path: string): StoredDisk | null | undefined => {
  const store = stores[folder];
  return store?.is === 'there'
    ? isDiskIn(folder, path)
      ? (store.disks[diskName(folder, path)] ?? null)
      : null
    : undefined;
};

/**
 * The first of the links and devices on the way to a path that lies beneath the folder; null: none does. In the folder of a volume
 * group every volume is a link to a device, and only root of that server can make one there.
 */
export const astray = (path: string, folder: string, special: readonly string[] = []): string | null =>
  isVolumeGroup(folder)
    ? null
    : (special.find((s) => s.startsWith(`${folder}/`) && (path === s || path.startsWith(`${s}/`))) ?? null);
