/** Volumes of a group that several servers see: used on one server at a time, and the lease of their VM is a tag on them. */
import type { ExecStep, Step } from '../../../core/step.ts';
import { isSharedGroup, isVolumeGroup, type Storage, type StoredDisk } from '../../../kinds/repository/live.ts';
import type { ServerSeen } from '../../../kinds/server/live.ts';
import { leaseIn, type LeaseDraft } from '../../../kinds/vm/lease.ts';
import { exec, tried } from './domain-steps.ts';
import type { Unsupported } from './lowering.ts';
import { groupOf, leaseTagsOf, named, tagOfLease } from '../read/volumes.ts';

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Those of these paths that are volumes of groups which several servers see. */
export const sharedAmong = (paths: readonly string[], storage: Storage): readonly string[] =>
  paths.filter((p) => isVolumeGroup(p) && isSharedGroup(storage, groupOf(p)));

/** A group's metadata have one writer: where several servers see it, one step of a run at a time. */
export const alone = <S extends ExecStep>(step: S, folder: string, storage: Storage): S =>
  isSharedGroup(storage, folder) ? { ...step, alone: folder } : step;

/** It is of no use to a server where it was not asked for: not even after a reboot. */
export const whereShared = (folder: string, storage: Storage): readonly string[] =>
  isSharedGroup(storage, folder) ? ['--setautoactivation', 'n'] : [];

export const activateArgv = (paths: readonly string[]): readonly string[] => [
  'lvchange',
  '-q',
  '-ay',
  ...paths.map(named),
];
export const deactivateArgv = (paths: readonly string[]): readonly string[] => [
  'lvchange',
  '-q',
  '-an',
  ...paths.map(named),
];

/** To be used on this server from now on, or still. */
export const opened = (paths: readonly string[]): readonly Step[] =>
  paths.length > 0 ? [exec(activateArgv(paths))] : [];

/** One that somebody else has open here stays. */
export const closed = (paths: readonly string[]): readonly Step[] =>
  paths.length > 0 ? [tried(deactivateArgv(paths))] : [];

/** As device mapper calls it: `lun0-web--xvda`. */
const mapped = (path: string): string =>
  named(path)
    .split('/')
    .map((word) => word.replaceAll('-', '--'))
    .join('-');

/**
 * What another server removed while it was open here leaves its map, and the next volume of that name could not be opened [L].
 * One that is in use stays.
 */
export const unmapped = (paths: readonly string[]): readonly Step[] =>
  // It stops at the first name that is not there.
  paths.map((path) => tried(['dmsetup', 'remove', mapped(path)]));

const disksOf = ({ stores }: Storage, folder: string): Readonly<Record<string, StoredDisk>> => {
  const store = stores[folder];
  return store?.is === 'there' ? store.disks : {};
};

/** Nothing of its VM uses them here yet: a table of an earlier life goes first, since the volume may have grown elsewhere. */
export const reopened = (paths: readonly string[]): readonly Step[] => [
  ...closed(paths),
  ...unmapped(paths),
  ...opened(paths),
];

/** No boot opens it on a server where it is not used; one that Reeve made has that from the start, and LVM may say so. */
export const keptClosed = (paths: readonly string[], folder: string): readonly Step[] =>
  paths.map((path) => ({ ...tried(['lvchange', '-q', '--setautoactivation', 'n', named(path)]), alone: folder }));

/** Whether a volume's tags are those that were read; one that is made on the way has none that could be another's. */
const unchanged = (path: string, disk: StoredDisk | undefined): string => {
  const called = `lv_name="${nameOf(path)}"`;
  if (disk === undefined) return `(${called})`;
  const tags = (disk.tags ?? []).map((t) => `"${t}"`);
  return `(${called} && lv_tags=${tags.length === 0 ? '""' : `[${tags.join(' && ')}]`})`;
};

const changed: Unsupported = { unsupported: 'somebody changed its lease since it was read, so it was left alone' };

/** `--deltag` each. */
const without = (tags: readonly string[]): readonly string[] => tags.flatMap((t) => ['--deltag', t]);

interface Swap {
  /** The volumes that have it then. */
  readonly paths: readonly string[];
  readonly tag: string;
  readonly steps: readonly Step[];
}

/** Compare and swap: LVM looks at the tags once more while it has the group to itself, and leaves what differs alone. */
const swap = (
  lease: LeaseDraft,
  { vm, uuid, server }: { readonly vm: { readonly name: string }; readonly uuid: string; readonly server: string },
  { bootId, storage }: ServerSeen,
): Swap | Unsupported => {
  const { folder, farm, generation } = lease;
  if ((leaseIn(storage, folder, uuid)?.digest ?? 'absent') !== lease.replaces) return changed;
  const disks = disksOf(storage, folder);
  const paths = Object.values(lease.disks).filter((p) => groupOf(p) === folder);
  const tag = tagOfLease({ farm, vm: vm.name, uuid, server, boot: bootId, generation });
  const old = leaseTagsOf(uuid, disks);
  const left = Object.entries(disks).flatMap(([name, { tags }]) => {
    const path = `${folder}/${name}`;
    return !paths.includes(path) && tags?.some((t) => old.includes(t)) ? [path] : [];
  });
  const guard = paths.map((p) => unchanged(p, disks[nameOf(p)])).join(' || ');
  const take = ['lvchange', '-q', ...without(old), '--addtag', tag, '-S', guard, ...paths.map(named)];
  return {
    paths,
    tag,
    steps: [
      { ...exec(take), alone: folder },
      ...(left.length > 0
        ? [{ ...tried(['lvchange', '-q', ...without(old), ...left.map(named)]), alone: folder }]
        : []),
    ],
  };
};

type Holder = Parameters<typeof swap>[1];

export const leaseTaken = (lease: LeaseDraft, op: Holder, seen: ServerSeen): readonly Step[] | Unsupported => {
  const done = swap(lease, op, seen);
  return 'unsupported' in done ? done : done.steps;
};

/**
 * What a start needs of them. Whatever an earlier life left open here is closed, since its table may be an old one; and what
 * has not got the lease is not opened, so that the start fails.
 */
export const leasedAndOpened = (
  lease: LeaseDraft,
  op: Holder,
  paths: readonly string[],
  seen: ServerSeen,
): readonly Step[] | Unsupported => {
  const done = swap(lease, op, seen);
  if ('unsupported' in done) return done;
  const others = paths.filter((p) => !done.paths.includes(p));
  const strange = done.paths.filter((p) => disksOf(seen.storage, lease.folder)[nameOf(p)]?.marker === null);
  return [
    ...closed(done.paths),
    ...unmapped(done.paths),
    ...keptClosed(strange, lease.folder),
    ...done.steps,
    exec(['lvchange', '-q', '-ay', '-S', `lv_tags={"${done.tag}"}`, ...done.paths.map(named)]),
    ...reopened(others),
  ];
};

/** The lease goes where it is still the one that was seen, and the volumes with it. */
export const givenBack = (
  { path, digest }: { readonly path: string; readonly digest: string },
  uuid: string,
  also: readonly string[],
  { storage }: ServerSeen,
): readonly Step[] => {
  const folder = groupOf(path);
  const disks = disksOf(storage, folder);
  const old = leaseTagsOf(uuid, disks);
  const mine = Object.entries(disks).flatMap(([name, { tags }]) =>
    tags?.some((t) => old.includes(t)) ? [`${folder}/${name}`] : [],
  );
  const same = leaseIn(storage, folder, uuid)?.digest === digest;
  return [
    ...closed([...new Set([...mine, ...also])]),
    ...(same && mine.length > 0
      ? [{ ...exec(['lvchange', '-q', ...without(old), ...mine.map(named)]), alone: folder }]
      : []),
  ];
};
