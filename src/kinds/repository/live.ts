/** What a server tells of its storage: mounts, fstab, the repositories that it was given, and what lies at their paths. */
import type { Digest } from '../../core/step.ts';

/** `PATH/.reeve.json`, a line: whose the store is. */
export interface StoreMarker {
  readonly format: 1;
  readonly farm: string;
  /** The repository's name. */
  readonly repository: string;
  /** Made when the store was first attached: two stores of one name differ in it. */
  readonly uuid: string;
}

/** `disks/FILE.reeve.json`, a line: whose the disk is. */
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

export interface StoredDisk {
  /** False: only its marker is there. */
  readonly there: boolean;
  /** `odd`: there is a marker, and it cannot be read. */
  readonly marker: DiskMarker | 'odd' | null;
}

/** Where a repository keeps the disks that Reeve makes. */
export const disksFolder = (path: string): string => `${path}/disks`;

/** What lies at the path of a repository. */
export type StoreSeen =
  /** There is no folder. */
  | { readonly is: 'missing' }
  /** It did not answer in time: a dead NFS server. */
  | { readonly is: 'stuck' }
  | {
      readonly is: 'there';
      /** `odd`: there is a marker, and it cannot be read. */
      readonly marker: StoreMarker | 'odd' | null;
      /** Nothing lies in it, hidden files included. */
      readonly empty: boolean;
      /** KiB of its file system; null where `df` did not say. */
      readonly space: { readonly size: number; readonly free: number } | null;
      /** Below `disks`, by file name. */
      readonly disks: Readonly<Record<string, StoredDisk>>;
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
export const noStorage: Storage = { mounts: [], fstab: null, book: null, stores: {} };

/** What is mounted at this very path. */
export const mountAt = (storage: Storage, path: string): Mount | undefined =>
  storage.mounts.findLast((m) => m.path === path);
