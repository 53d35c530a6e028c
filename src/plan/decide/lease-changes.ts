/** A VM's lease as its decision has it: what a start takes, what it lacks, and what it has no use of. */
import { digestText, sameValue } from '../../core/digest.ts';
import { isVolumeGroup, savedPath } from '../../kinds/repository/live.ts';
import type { VmTransition } from '../../kinds/vm/draft.ts';
import type { Facts } from '../../kinds/vm/facts.ts';
import {
  leaseIn,
  leasePath,
  leasesOf,
  viaOf,
  viasTo,
  volumesOf,
  type LeaseDraft,
  type LeaseSeen,
  type SharedStore,
} from '../../kinds/vm/lease.ts';
import type { LiveVm } from '../../kinds/vm/live.ts';
import type { Resolved } from '../../kinds/vm/resolve.ts';
import type { DiskConfig, VmConfig } from '../../kinds/vm/spec.ts';
import { table } from '../../core/table.ts';

/** What a start on this server takes. */
export const leaseFor = (
  home: SharedStore,
  want: Resolved,
  own: VmConfig['disks'],
  live: LiveVm | null,
  server: string,
  facts: Facts,
): LeaseDraft => {
  const now = leaseIn(facts.seen.storage, home.path, want.uuid);
  const generations = leasesOf(facts.seen.storage, facts.shared, want.uuid).map(({ lease }) =>
    lease === 'odd' ? 0 : lease.generation,
  );
  const from = now && now.lease !== 'odd' && now.lease.server !== server ? now.lease.server : null;
  // Of volumes, what others may have as well is nobody's: it is opened beside.
  const mine = Object.entries(own).filter(([, d]) => !isVolumeGroup(home.path) || (d.access === 'rw' && !d.shared));
  const disks = table(mine.map(([vdev, d]) => [vdev, d.path]));
  return {
    repository: home.name,
    folder: home.path,
    path: leasePath(home.path, want.uuid, disks),
    replaces: now?.digest ?? 'absent',
    farm: facts.farm,
    // A cfg that is left on a dead server must lose against the new one.
    generation: Math.max(live?.marker?.generation ?? 0, ...generations) + 1,
    disks,
    frees: from === null ? null : viaOf(home, from, `/${want.config.name}.cfg`),
  };
};

/** What it has open once this is done, by vdev: `cfg` is what its cfg names then, and `goes` what it loses. */
export const disksHad = (cfg: VmConfig['disks'], live: LiveVm | null, goes: ReadonlySet<string>): VmConfig['disks'] => {
  const { domain, record } = live ?? {};
  if (domain?.state !== 'running' && domain?.state !== 'paused') return cfg;
  const stay = domain.disks.flatMap(({ vdev, path, access, format }): readonly (readonly [string, DiskConfig])[] => {
    if (vdev in cfg || goes.has(vdev)) return [];
    const was = record?.config?.disks[vdev];
    const shared = was?.path === path && was.shared;
    return [[vdev, { path, access, shared, format, backend: null, extra: [] }]];
  });
  return table([...Object.entries(cfg), ...stay]);
};

/** Whether the lease that stands in the store names what this one does. */
const namesTheSame = ({ storage }: Facts['seen'], draft: LeaseDraft, { lease, digest }: LeaseSeen): boolean => {
  const store = storage.stores[draft.folder];
  if (lease === 'odd' || store?.is !== 'there') return true;
  if (!isVolumeGroup(draft.folder)) return sameValue(lease.disks, draft.disks);
  // A tag does not say what it is on: the volumes say that they have it.
  const tagged = Object.entries(store.disks).flatMap(([name, { tags }]) =>
    tags?.some((t) => digestText(t) === digest) ? [`${draft.folder}/${name}`] : [],
  );
  return sameValue(tagged.sort(), [...volumesOf(draft)].sort());
};

/** It runs here, and the lease on its store says otherwise, is not there, or names other disks than it will have. */
export const isUnleased = (
  { seen }: Facts,
  draft: LeaseDraft,
  { key, uuid, state }: Resolved,
  live: LiveVm | null,
  server: string,
): VmTransition['unleased'] => {
  const store = seen.storage.stores[draft.folder];
  const up = live?.domain?.state === 'running' || live?.domain?.state === 'paused';
  if (!up || state === 'stopped' || store?.is !== 'there' || store.marker === null) return null;
  const held = leaseIn(seen.storage, draft.folder, uuid);
  if (held === null) return 'wholly';
  if (held.lease === 'odd') return null;
  if (held.lease.server !== server || held.lease.vm !== key) return 'wholly';
  return namesTheSame(seen, draft, held) ? null : 'in-part';
};

/**
 * Leases that it has no use of once this is done: of stores where it is not at home, where it runs here or goes; and its own,
 * where it went down by itself and is to stay down. What another server says of itself is left to that.
 */
export const spareLeases = (
  facts: Facts,
  home: SharedStore | null,
  { uuid, state }: Resolved,
  live: LiveVm | null,
  server: string,
  runs: boolean,
): VmTransition['spare'] =>
  leasesOf(facts.seen.storage, facts.shared, uuid).flatMap(({ store, lease, digest }) => {
    if (lease === 'odd' || lease.farm !== facts.farm || live === null) return [];
    const own = lease.server === server && !live.domain && state === 'stopped';
    if (!(store.path === home?.path ? own : runs || own)) return [];
    return [{ folder: store.path, path: leasePath(store.path, uuid, lease.disks), digest }];
  });

/**
 * Links that a broken-off run left: to its cfg of an old name, which is gone, and in stores where nothing leads over them any
 * more.
 */
export const straysOf = ({ farm, seen }: Facts, live: LiveVm | null, server: string): readonly string[] => {
  const record = live?.record;
  const here = new Set(seen.records.map((r) => r.path));
  const used = record && record.autostart.length > 0 ? record.via : undefined;
  const own = record ? viasTo(seen.storage, farm, server, record.path).filter((via) => via !== used) : [];
  const old = (live?.marker?.left ?? []).flatMap((path) => {
    if (!/^\/etc\/xen\/[^/]+\.cfg$/.test(path) || here.has(path)) return [];
    const vias = viasTo(seen.storage, farm, server, path);
    const links = (seen.danglers ?? []).flatMap(({ link, target, via }) =>
      target === path && (via === undefined || isVia(via, seen, server)) ? [link] : [],
    );
    return [...links, ...vias];
  });
  return [...own, ...old];
};

/** Whether it lies where a store of this server keeps such links. */
const isVia = (via: string, { storage }: Facts['seen'], server: string): boolean =>
  Object.keys(storage.stores).some((folder) => via.startsWith(`${folder}/autostart/${server}/`));

/** The file with its memory in one of the stores that its pool shares; null: there is none. */
const imageOf = ({ shared, seen }: Facts, uuid: string): string | null => {
  const home = shared.find(({ path }) => {
    const store = seen.storage.stores[path];
    return store?.is === 'there' && store.saved.includes(uuid);
  });
  return home ? savedPath(home.path, uuid) : null;
};

/**
 * The file that holds its memory, where it was suspended and has not run since: it is gone, still paused, or there in part.
 * What has run beside its image is never resumed from it.
 */
export const savedIn = (facts: Facts, uuid: string, live: LiveVm | null): string | null => {
  const state = live?.domain?.state ?? 'dying';
  return state === 'dying' || state === 'paused' ? imageOf(facts, uuid) : null;
};

/** The image beside which it runs: it goes before anything else, since one that goes down would be resumed from it. */
export const outlivedBy = (facts: Facts, uuid: string, live: LiveVm | null): string | null =>
  live?.domain?.state === 'running' ? imageOf(facts, uuid) : null;
