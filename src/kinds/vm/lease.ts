/** Who may run a VM whose disks several servers see: a lease on the shared repository, and an autostart that leads through it. */
import type { Digest } from '../../core/step.ts';
import { isVolumeGroup, type Lease, type Storage } from '../repository/live.ts';
import type { DiskConfig } from './spec.ts';

/** A repository that all servers of the pool see. */
export interface SharedStore {
  readonly name: string;
  readonly path: string;
}

/** The lease that a start takes. */
export interface LeaseDraft {
  readonly repository: string;
  /** The repository's path. */
  readonly folder: string;
  /** Its file; of a volume group the first volume that has it as a tag. */
  readonly path: string;
  /** What stands there now: nobody's that was not seen is overwritten. */
  readonly replaces: Digest | 'absent';
  readonly farm: string;
  /** Of a cfg that is written now. */
  readonly generation: number;
  /** By vdev: where its disks are, for whoever has to start it without its cfg. */
  readonly disks: Readonly<Record<string, string>>;
  /** The autostart of a server that it is taken from; null: none. */
  readonly frees: string | null;
}

/** The first shared repository, by name, that has a disk which the VM writes. */
export const homeOf = (
  disks: Readonly<Record<string, Pick<DiskConfig, 'path' | 'access'>>>,
  shared: readonly SharedStore[],
): SharedStore | null =>
  shared.find((s) => Object.values(disks).some((d) => d.access === 'rw' && d.path.startsWith(`${s.path}/`))) ?? null;

/** Whether its lease is a tag of its volumes. */
export const onSharedGroup = (
  disks: Readonly<Record<string, Pick<DiskConfig, 'path' | 'access'>>>,
  shared: readonly SharedStore[],
): boolean => {
  const home = homeOf(disks, shared);
  return home !== null && isVolumeGroup(home.path);
};

/** Those of these disks that are volumes, of whatever group. */
export const volumesAmong = (disks: readonly { readonly path: string }[]): readonly string[] =>
  disks.map((d) => d.path).filter(isVolumeGroup);

/** Those of its disks that lie in the lease's volume group. */
export const volumesOf = ({ folder, disks }: Pick<LeaseDraft, 'folder' | 'disks'>): readonly string[] =>
  Object.values(disks).filter((path) => path.startsWith(`${folder}/`));

export const leasePath = (folder: string, uuid: string, disks: LeaseDraft['disks']): string =>
  isVolumeGroup(folder) ? (volumesOf({ folder, disks })[0] ?? folder) : `${folder}/leases/${uuid}.json`;

/** How a person takes a lease away that nobody gives back. */
export const leaseHelp = (path: string): string =>
  isVolumeGroup(path) ? `take the tag reeve.lease=… off its volumes (lvchange --deltag)` : `remove ${path}`;

/** Of the link in a store that leads to a cfg: the reading looks for such names only. */
export const linkName = (cfg: string): string => `${cfg.slice(cfg.lastIndexOf('/') + 1).replace(/\.cfg$/, '')}.cfg`;

/**
 * Xen follows the link at boot: through the repository, where it can be taken away while the server is down. A volume group
 * keeps no links.
 */
export const viaOf = (home: SharedStore, server: string, cfg: string): string | null =>
  // A cfg that lies among the links is started by itself, and must not be made one.
  isVolumeGroup(home.path) || cfg.startsWith('/etc/xen/auto/')
    ? null
    : `${home.path}/autostart/${server}/${linkName(cfg)}`;

/** The links in the farm's stores by which this server would start the cfg, whether anything leads over them or not. */
export const viasTo = ({ stores }: Storage, farm: string, server: string, cfg: string): readonly string[] => {
  const name = `${server}/${linkName(cfg)}`;
  return Object.entries(stores).flatMap(([folder, store]) =>
    store.is === 'there' && store.marker !== null && store.marker !== 'odd' && store.marker.farm === farm
      ? store.starts?.includes(name)
        ? [`${folder}/autostart/${name}`]
        : []
      : [],
  );
};

export interface LeaseSeen {
  readonly lease: Lease | 'odd';
  readonly digest: Digest;
}

/** A lease as it is given back: where it still is the one that was seen. */
export interface SpareLease {
  readonly path: string;
  readonly digest: Digest;
}

/** Those of a VM in the stores that its pool's servers share, whoever wrote them. */
export const leasesOf = (
  storage: Storage,
  shared: readonly SharedStore[],
  uuid: string,
): readonly { readonly store: SharedStore; readonly lease: Lease | 'odd'; readonly digest: Digest }[] =>
  shared.flatMap((store) => {
    const found = leaseIn(storage, store.path, uuid);
    return found ? [{ store, ...found }] : [];
  });

export const leaseIn = ({ stores }: Storage, folder: string, uuid: string): LeaseSeen | null => {
  const store = stores[folder];
  return store?.is === 'there' ? (store.leases[uuid] ?? null) : null;
};

/** As it stands in its file: a line. */
export const leaseText = (lease: Lease): string => `${JSON.stringify(lease)}\n`;
