/** Whether a condition on a server's storage holds, and where it does not, why. */
import { formatSize } from '../../core/quantity.ts';
import type { Condition } from '../../core/step.ts';
import { diskName, isVolumeGroup, mountAt, type Storage } from '../repository/live.ts';
import { notOwned, storedAt } from '../repository/owner.ts';

type Of<Is extends Condition['is']> = Extract<Condition, { is: Is }>;

export const isMounted = ({ path, source }: Of<'mounted'>, storage: Storage): true | string => {
  const found = mountAt(storage, path);
  if (source === null) return found === undefined || `${found.source} is mounted at ${path}`;
  if (!found) return `nothing is mounted at ${path}`;
  return found.source === source || `${found.source} is mounted at ${path}, not ${source}`;
};

const lacking = (path: string): string =>
  isVolumeGroup(path) ? `there is no volume group ${path.slice('/dev/'.length)}` : `there is no folder ${path}`;

export const isFolder = ({ path }: Of<'folder'>, { stores }: Storage): true | string => {
  const store = stores[path];
  if (!store || store.is === 'stuck') return `${path} did not answer (a dead NFS server?)`;
  return store.is === 'there' || lacking(path);
};

export const isStore = (c: Of<'store'>, storage: Storage): true | string => {
  const answers = isFolder({ is: 'folder', path: c.path }, storage);
  const store = storage.stores[c.path];
  if (answers !== true || store?.is !== 'there') return answers === true ? lacking(c.path) : answers;
  const [link] = store.astray ?? [];
  if (link !== undefined) return `${c.path}/${link} is a link, and may lead out of it`;
  const { marker } = store;
  if (marker === null)
    return `${c.path} has no marker of repository ${c.repository}: is the right thing mounted there?`;
  if (marker === 'odd') return `the marker of ${c.path} cannot be read`;
  if (marker.farm !== c.farm || marker.repository !== c.repository)
    return `${c.path} is repository ${marker.repository} of farm ${marker.farm}`;
  return (
    c.uuid === null ||
    marker.uuid === c.uuid ||
    `${c.path} is another store: its marker says ${marker.uuid}, not ${c.uuid}`
  );
};

export const isUnmarked = ({ path }: Of<'unmarked'>, storage: Storage): true | string => {
  const answers = isFolder({ is: 'folder', path }, storage);
  const store = storage.stores[path];
  if (answers !== true || store?.is !== 'there') return answers;
  return store.marker === null || `${path} still has its marker`;
};

export const isBooked = ({ name, path, on }: Of<'booked'>, { book, stores }: Storage): true | string => {
  const entry = book === null || book.value === 'odd' ? undefined : book.value.repositories[name];
  if (!on) return entry === undefined || `the server still remembers repository ${name}`;
  const store = stores[path];
  const uuid = store?.is === 'there' && store.marker !== null && store.marker !== 'odd' ? store.marker.uuid : null;
  return (entry?.path === path && entry.uuid === uuid) || `the server does not remember repository ${name} at ${path}`;
};

export const isStored = ({ folder, path, size }: Of<'stored'>, { stores }: Storage): true | string => {
  const store = stores[folder];
  if (store?.is !== 'there') return `${folder} did not answer`;
  const disk = store.disks[diskName(folder, path)];
  if (!disk?.there) return `${path} is not there`;
  if (disk.special) return `${path} is a link or a device, which may lead anywhere`;
  const { marker } = disk;
  if (marker === null || marker === 'odd') return `${path} has no marker that can be read`;
  // LVM rounds up to whole extents.
  if (isVolumeGroup(folder) && marker.size > size) return true;
  return marker.size === size || `${path} has ${formatSize(marker.size)}, not ${formatSize(size)}`;
};

export const isOwned = (c: Of<'owned'>, storage: Storage): true | string => {
  const stored = storedAt(storage, c.folder, c.path);
  if (stored === undefined) return `${c.folder} did not answer`;
  if (c.orGone && !stored?.there) return true;
  const not = notOwned(stored, c);
  return not === null || `${c.path} ${not}`;
};

/** Another lease that came there meanwhile is somebody's own. */
export const isUnleased = ({ folder, uuid, digest }: Of<'no-lease'>, { stores }: Storage): true | string => {
  const store = stores[folder];
  if (store?.is !== 'there') return `${folder} did not answer`;
  return store.leases[uuid]?.digest !== digest || `the lease of ${uuid} is still in ${folder}`;
};
