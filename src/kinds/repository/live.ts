/** What a server tells of its storage: mounts, fstab, the repositories that it was given, and what lies at their paths. */
import { table } from '../../core/table.ts';
import type { Digest } from '../../core/step.ts';

/** `PATH/.reeve.json`, a line, or a tag of a volume group: whose the store is. */
export interface StoreMarker {
  readonly format: 1;
  readonly farm: string;
  /** The repository's name. */
  readonly repository: string;
  /** Made when the store was first attached: two stores of one name differ in it. */
  readonly uuid: string;
  /** Of a volume group: several servers see it. */
  readonly shared?: true;
}

/** `disks/FILE.reeve.json`, a line, or a tag of a volume: whose the disk is. */
export interface DiskMarker {
  readonly format: 1;
  readonly farm: string;
  /** The VM's key and UUID, and what the disk is called there. */
  readonly vm: string;
  readonly uuid: string;
  readonly vdev: string;
  /** KiB. */
  readonly size: number;
  readonly as: string;
}

/** `images/FILE.reeve.json`, a line: what the image is. */
export interface ImageMarker {
  readonly format: 1;
  readonly farm: string;
  readonly image: string;
  readonly what: 'template' | 'iso';
  /** '' where the file gave none. */
  readonly sha256: string;
}

export interface StoredImage {
  /** False: only its marker is there. */
  readonly there: boolean;
  /** It is no regular file: a link, which may lead anywhere. */
  readonly special?: true;
  readonly marker: ImageMarker | 'odd' | null;
}

export interface StoredDisk {
  /** False: only its marker is there. */
  readonly there: boolean;
  /** It is no regular file and no volume: a link, which may lead anywhere. */
  readonly special?: true;
  /** `odd`: there is a marker, and it cannot be read. */
  readonly marker: DiskMarker | 'odd' | null;
  /** KiB that a marked file takes by now: a sparse one is promised more. Undefined: of a volume, or not told. */
  readonly allocated?: number;
  /** Of a volume: all of them, sorted. */
  readonly tags?: readonly string[];
}

/** A volume group: its volumes are its disks, and it keeps nothing else. */
export const isVolumeGroup = (path: string): boolean => path.startsWith('/dev/');

/** Where a repository keeps the disks that Reeve makes. */
export const disksFolder = (path: string): string => (isVolumeGroup(path) ? path : `${path}/disks`);

export const imagesFolder = (path: string): string => `${path}/images`;

/** The folder of the store that keeps this image. */
export const storeOfImage = (path: string): string => path.slice(0, path.lastIndexOf('/') - imagesFolder('').length);

/** Where the memory of a suspended VM is kept. */
export const savedPath = (folder: string, uuid: string): string => `${folder}/suspended/${uuid}.save`;

/** The name of an image within its store. */
export const imageName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** The name of a disk within its repository. */
export const diskName = (folder: string, path: string): string => path.slice(disksFolder(folder).length + 1);

/** `leases/UUID.json`, a line, or a tag of its volumes: which server runs the VM, since which boot. */
export interface Lease {
  readonly format: 1;
  readonly farm: string;
  /** The VM's key and UUID. */
  readonly vm: string;
  readonly uuid: string;
  readonly server: string;
  readonly boot: string;
  /** No cfg of the VM that was written before has a higher one. */
  readonly generation: number;
  /** By vdev. */
  readonly disks: Readonly<Record<string, string>>;
}

/** What lies at the path of a repository. */
export type StoreSeen =
  /** There is no folder, or no volume group. */
  | { readonly is: 'missing' }
  /** It did not answer in time: a dead NFS server, or LVM. */
  | { readonly is: 'stuck' }
  | {
      readonly is: 'there';
      /** LVM's own UUID of a volume group. */
      readonly id?: string;
      /** What lvmlockd guards it with: a volume is open on one server at a time. */
      readonly lock?: 'sanlock' | 'dlm' | 'idm';
      /** `odd`: there is a marker, and it cannot be read. */
      readonly marker: StoreMarker | 'odd' | null;
      /** Nothing lies in it, hidden files included. */
      readonly empty: boolean;
      /** KiB of its file system; null where `df` did not say. */
      readonly space: { readonly size: number; readonly free: number } | null;
      /** Below `disks`, by file name; the volumes of a volume group. */
      readonly disks: Readonly<Record<string, StoredDisk>>;
      /** Below `images`, by file name. */
      readonly images: Readonly<Record<string, StoredImage>>;
      /** UUIDs of the VMs whose memory is kept in it. */
      readonly saved: readonly string[];
      /** Folders of Reeve's own, by their path within the store, that are links: nothing may be written into them. */
      readonly astray?: readonly string[];
      /** Links in it that start VMs, like `dom01/web.cfg`, below `autostart`. */
      readonly starts?: readonly string[];
      /** By the VM's UUID. */
      readonly leases: Readonly<Record<string, { readonly lease: Lease | 'odd'; readonly digest: Digest }>>;
    };

/** A line of /proc/mounts. */
export interface Mount {
  /** `filer:/export/vmstore`. */
  readonly source: string;
  readonly path: string;
  /** `nfs4`, `ext4`. */
  readonly type: string;
}

/** `/etc/reeve/repositories.json`: what this server was given, so that an empty mount point is told from a new store. */
export interface StoreBook {
  readonly format: 1;
  readonly farm: string;
  /** By name. */
  readonly repositories: Readonly<Record<string, { readonly path: string; readonly uuid: string }>>;
}

export interface Storage {
  /** In the order of /proc/mounts; the last one at a path is on top. */
  readonly mounts: readonly Mount[];
  /** Null: there is no such file. */
  readonly fstab: { readonly text: string; readonly digest: Digest } | null;
  /** `odd`: the file is there and cannot be read. */
  readonly book: { readonly value: StoreBook | 'odd'; readonly digest: Digest } | null;
  /** By path without a slash at its end: those that were asked for. */
  readonly stores: Readonly<Record<string, StoreSeen>>;
}

/** Where nothing was asked for. */
export const noStorage: Storage = { mounts: [], fstab: null, book: null, stores: table() };

/** Whether the store at this path is a volume group that several servers see. */
export const isSharedGroup = ({ stores }: Pick<Storage, 'stores'>, folder: string): boolean => {
  const store = stores[folder];
  return store?.is === 'there' && store.marker !== 'odd' && store.marker?.shared === true;
};

/** What is mounted at this very path. */
export const mountAt = (storage: Storage, path: string): Mount | undefined =>
  storage.mounts.findLast((m) => m.path === path);
