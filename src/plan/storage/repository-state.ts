/** How one repository stands on one server: what is to be done there, or why nothing may be. */
import type { Reason, ReasonCode } from '../../core/reason.ts';
import type { Farm, PoolSpec } from '../../kinds/farm.ts';
import { fstabAt, bootOptions } from '../../kinds/repository/fstab.ts';
import { isVolumeGroup, mountAt, type StoreMarker, type StoreSeen } from '../../kinds/repository/live.ts';
import type { RepositorySpec } from '../../kinds/repository/spec.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';

export interface Standing {
  readonly server: string;
  readonly seen: ServerSeen;
  /** The UUID by which the server remembers it; null: it does not. */
  readonly booked: string | null;
  /** What its marker says; null: none was seen. */
  readonly marker: StoreMarker | null;
  /** LVM's own UUID of a volume group. */
  readonly id: string | null;
  /** It is to be mounted. */
  readonly mount: boolean;
  /** Its line of fstab is to be written. */
  readonly persist: boolean;
  /** Its folder is to be made. */
  readonly folder: boolean;
  /** Why it may not be used there, and what would help; null: it may. */
  readonly barred: Reason | null;
}

/** The host of an export in whatever case. */
const exportOf = ({ shared, source }: RepositorySpec): string | null =>
  shared && source !== undefined ? source.replace(/^.*?:\//, (host) => host.toLowerCase()) : null;

/** What tells a store from others: an export is one store, whoever mounts it. */
export const storeOf = (spec: RepositorySpec, pool: PoolSpec): string => exportOf(spec) ?? `${pool.name}/${spec.name}`;

/** The other pools that have the same store, and as what. */
export const sharersOf = (
  spec: RepositorySpec,
  pool: PoolSpec,
  { pools }: Farm,
): readonly { readonly pool: PoolSpec; readonly spec: RepositorySpec }[] =>
  exportOf(spec) === null
    ? []
    : pools.flatMap((p) =>
        p.name === pool.name
          ? []
          : Object.values(p.repositories).flatMap((r) =>
              exportOf(r) === exportOf(spec) ? [{ pool: p, spec: r }] : [],
            ),
      );

const bar = (code: ReasonCode, why: string, help: string): Reason => ({ code, why, help });

/** What the store's own content forbids. `there`: what is to be mounted there is. */
const markerBar = (spec: RepositorySpec, farm: string, booked: string | null, store: StoreSeen): Reason | null => {
  const { path, name } = spec;
  const volumes = isVolumeGroup(path);
  const right = volumes ? 'look whether it is the right volume group' : 'look whether the right thing is mounted there';
  if (volumes && store.is === 'missing') {
    const group = path.slice('/dev/'.length);
    return bar(
      'volume-group-missing',
      `there is no volume group ${group}`,
      `make it there (vgcreate ${group} DEVICE), or correct \`volumeGroup\``,
    );
  }
  if (volumes && store.is === 'stuck')
    return bar(
      'lvm-unread',
      'LVM does not tell its volume groups',
      'look at what `vgs` says there (Debian: package lvm2)',
    );
  if (store.is === 'missing')
    return booked === null
      ? null
      : bar('store-missing', `there is no folder ${path} any more, and the repository was there`, right);
  if (store.is === 'stuck')
    return bar(
      'store-silent',
      `${path} does not answer`,
      'look at the NFS server and the network between; nothing is changed meanwhile',
    );
  const { marker } = store;
  const [link] = store.astray ?? [];
  if (link !== undefined)
    return bar(
      'path-astray',
      `${path}/${link} is a link, and what is written there may land anywhere`,
      'look who made it, and remove it',
    );
  if (marker === 'odd')
    return volumes
      ? bar(
          'marker-unreadable',
          `the tags of ${path} cannot be read`,
          'look at `vgs -o vg_tags`: there is one tag reeve.store=…',
        )
      : bar(
          'marker-unreadable',
          `the marker ${path}/.reeve.json cannot be read`,
          'mend it, or move it away where the store is new',
        );
  if (marker === null) {
    if (booked === null) return null;
    return bar(
      'marker-missing',
      volumes
        ? `${path} has not the tag that it had: it may be another volume group of that name`
        : `${path} has not the marker that it had: nothing is written into what may be an empty mount point`,
      right,
    );
  }
  if (marker.farm !== farm || marker.repository !== name)
    return bar(
      'store-foreign',
      `${path} is repository ${marker.repository} of farm ${marker.farm}`,
      `${right}, or give it another path`,
    );
  if (volumes && (marker.shared === true) !== spec.shared)
    return bar(
      'store-sharing-differs',
      `the tags of ${path} say that it is ${marker.shared ? 'shared' : 'one server’s own'}, and the file says that it is ${spec.shared ? 'shared' : 'each server’s own'}`,
      `correct \`shared\`; or, where nothing runs from it, take the tag reeve.store=… off the volume group and /etc/reeve/repositories.json away`,
    );
  if (booked !== null && booked !== marker.uuid)
    return bar(
      'stores-differ',
      `${path} is another store than the one that was attached: its marker says ${marker.uuid}`,
      right,
    );
  return null;
};

export const standingOf = (spec: RepositorySpec, farm: string, server: string, seen: ServerSeen): Standing => {
  const { storage } = seen;
  const { name, path } = spec;
  const book = storage.book?.value ?? null;
  const entry = book === null || book === 'odd' ? undefined : book.repositories[name];
  const source = spec.source ?? '';
  const nfs = spec.type === 'nfs';
  const mounted = mountAt(storage, path);
  const line = fstabAt(storage.fstab?.text ?? '', path);
  const mount = nfs && mounted === undefined;
  const persist = nfs && (line?.source !== source || (line.ours && line.options !== bootOptions(spec.options)));
  const store: StoreSeen = storage.stores[path] ?? { is: 'stuck' };
  const booked = entry?.uuid ?? null;
  const found = (): Reason | null => {
    if (book === 'odd')
      return bar('registry-unreadable', 'its /etc/reeve/repositories.json cannot be read', 'mend it, or move it away');
    if (book && book.farm !== farm)
      return bar('server-foreign', `it keeps repositories for farm ${book.farm}`, 'one server belongs to one farm');
    if (entry && entry.path !== path) {
      return bar(
        'repository-path-fixed',
        `it has the repository at ${entry.path}, and a repository is not moved`,
        `detach it first (\`state: absent\` at ${entry.path}), or give it another name`,
      );
    }
    if (nfs && mounted && mounted.source !== source)
      return bar(
        'mount-differs',
        `${mounted.source} is mounted at ${path}, not ${source}`,
        'unmount it, or correct `source`',
      );
    if (nfs && line && !line.ours && line.source !== source)
      return bar('mount-differs', `its /etc/fstab mounts ${line.source} at ${path}`, 'correct one of the two');
    // Below a mount that is still to come lies what nobody looks at.
    if (mount) return store.is === 'stuck' ? markerBar(spec, farm, booked, store) : null;
    return markerBar(spec, farm, booked, store);
  };
  return {
    server,
    seen,
    booked,
    id: store.is === 'there' ? (store.id ?? null) : null,
    marker: !mount && store.is === 'there' && store.marker !== 'odd' ? store.marker : null,
    mount,
    persist,
    folder: store.is === 'missing' && !mount && spec.type !== 'lvm',
    barred: found(),
  };
};
