/** What makes a disk in a repository (beside its name, with its marker, renamed when it is whole), makes it larger, takes it over and removes it. */
import type { Condition, Lowered, Step } from '../../../core/step.ts';
import { disksFolder, isSharedGroup, isVolumeGroup, type DiskMarker } from '../../../kinds/repository/live.ts';
import type { RepositoryOp } from '../../../kinds/repository/ops.ts';
import type { ServerSeen } from '../../../kinds/server/live.ts';
import { exec, quickMs, tried } from './domain-steps.ts';
import { withinStores } from './needs.ts';
import { emptyFolder, halfFile, published, removeFileArgv, removeHalfArgv } from './half.ts';
import type { Of } from './lowering.ts';
import { alone, keptClosed } from './shared-volumes.ts';
import { markerSuffix } from '../read/storage.ts';
import * as volume from './volume.ts';

type Argv = readonly string[];
type Make = Of<'make-disk'>;
export type DeleteDisk = Extract<RepositoryOp, { readonly verb: 'delete-disk' }>;

/** A terabyte at the pace of a slow disk. */
const copyMs = 14_400_000;

/** Never smaller: without --shrink it refuses. */
const resizeArgv = (format: string, path: string, size: number): Argv => [
  'qemu-img',
  'resize',
  '-q',
  '-f',
  format,
  path,
  `${size}K`,
];

/** Sparse: it takes room as it is written. A template's bytes are shared where the file system can. */
const fillArgvs = ({ format, size, from }: Make, path: string): readonly Argv[] => {
  if (from === null) {
    return [
      format === 'raw'
        ? ['truncate', '-s', `${size}K`, path]
        : ['qemu-img', 'create', '-q', '-f', format, path, `${size}K`],
    ];
  }
  const copy =
    from.format === format
      ? ['cp', '--reflink=auto', from.path, path]
      : ['qemu-img', 'convert', '-q', '-f', from.format, '-O', format, from.path, path];
  return [copy, resizeArgv(format, path, size), ...compareArgvs({ format, from }, path)];
};

/** A moved disk's old place is given up: so that every byte is known to be in the new one. What is longer ends in zeros. */
const compareArgvs = ({ format, from }: Pick<Make, 'format' | 'from'>, path: string): readonly Argv[] =>
  from?.template === null ? [['qemu-img', 'compare', '-q', '-f', from.format, '-F', format, from.path, path]] : [];

const markerText = (op: Of<'make-disk' | 'grow-disk' | 'adopt-disk'>): Step => {
  const { path, farm, vm, uuid, vdev, size, format } = op;
  const marker: DiskMarker = { format: 1, farm, vm: vm.name, uuid, vdev, size, as: format };
  return {
    do: 'write',
    path: `${path}${markerSuffix}`,
    bytes: new TextEncoder().encode(`${JSON.stringify(marker)}\n`),
    mode: 0o644,
    onlyIf: 'any',
  };
};

/** The marker comes before the disk has its name: there is none without one. */
const makeFile = (op: Make): readonly Step[] => [
  exec(['mkdir', '-p', disksFolder(op.folder)]),
  ...emptyFolder(op.path),
  ...fillArgvs(op, halfFile(op.path)).map((argv, i) => ({
    ...exec(argv, copyMs),
    ...(op.from !== null && i === 0 ? { fills: { path: halfFile(op.path) } } : {}),
  })),
  exec(['chmod', '600', halfFile(op.path)]),
  markerText(op),
  published(op.path),
];

const inStore = ({ folder, farm, repository }: Of<'make-disk' | 'grow-disk' | 'adopt-disk'>): Condition => ({
  is: 'store',
  path: folder,
  farm,
  repository,
  uuid: null,
});

/** What is copied is what the plan took it for: an image of a repository, or the very disk of this VM. */
const sourceIs = ({ from, farm, uuid, vdev }: Make, seen: ServerSeen): readonly Condition[] => {
  if (from === null) return [];
  const { path, folder } = from;
  return [
    ...withinStores([path], seen),
    { is: 'path', path },
    ...(folder === undefined ? [] : [{ is: 'owned', folder, path, farm, uuid, vdev } as const]),
  ];
};

export const makeDisk = (op: Make, seen: ServerSeen): Lowered => {
  const { path, folder, size } = op;
  const { storage, domains } = seen;
  const up = domains.some((d) => d.uuid === op.uuid);
  return {
    before: [inStore(op), { is: 'no-path', path }, ...sourceIs(op, seen)],
    steps: isVolumeGroup(folder) ? volume.makeSteps(op, storage, up) : volume.withSource(op, storage, up, makeFile(op)),
    after: [{ is: 'stored', folder, path, size }],
    afterMs: quickMs,
  };
};

/** The marker last: a run that breaks before it grows the disk once more, to the same size. */
export const growDisk = (op: Of<'grow-disk'>, { storage }: ServerSeen): Lowered => {
  const { path, folder, from, size, format, uuid, farm, vdev } = op;
  const volumes = isVolumeGroup(folder);
  return {
    before: [
      inStore(op),
      { is: 'stored', folder, path, size: from },
      { is: 'owned', folder, path, farm, uuid, vdev },
      ...(format === 'raw' ? [] : [{ is: 'domain', uuid, state: 'gone' } as const]),
    ],
    steps: volumes ? volume.growSteps(op, storage) : [exec(resizeArgv(format, path, size)), markerText(op)],
    after: [{ is: 'stored', folder, path, size }],
    afterMs: quickMs,
  };
};

export const adoptDisk = (op: Of<'adopt-disk'>, { storage }: ServerSeen): Lowered => {
  const { path, folder, size } = op;
  const kept = isSharedGroup(storage, folder) ? keptClosed([path], folder) : [];
  return {
    before: [inStore(op), { is: 'path', path }, { is: 'within', folder, path }],
    steps: isVolumeGroup(folder) ? [...kept, alone(exec(volume.adoptArgv(op)), folder, storage)] : [markerText(op)],
    after: [{ is: 'stored', folder, path, size }],
    afterMs: quickMs,
  };
};

const deleteArgv = ({ disk, path }: DeleteDisk): Argv =>
  isVolumeGroup(path) ? volume.removeArgv(disk) : removeFileArgv(disk, `${disk}${markerSuffix}`);

export const deleteDisk = (op: DeleteDisk, { storage }: ServerSeen): Lowered => ({
  before: [
    { is: 'store', path: op.path, farm: op.farm, repository: op.name, uuid: null },
    ...(op.owner === null
      ? []
      : [{ is: 'owned', folder: op.path, path: op.disk, farm: op.farm, ...op.owner, orGone: true } as const]),
    { is: 'unused', path: op.disk, ...(op.goes ? { goes: op.owner?.uuid ?? null } : {}) },
    ...op.peers.map((server): Condition => ({ is: 'unused', path: op.disk, server })),
  ],
  steps: [alone(exec(deleteArgv(op)), op.path, storage)],
  after: [{ is: 'no-path', path: op.disk }],
  afterMs: quickMs,
});

/** The half of a volume. */
const halfVolume = ({ path, folder }: Make | Of<'grow-disk'>, { storage }: ServerSeen): readonly Step[] => {
  const store = storage.stores[folder];
  const there = isVolumeGroup(folder) && store?.is === 'there' && volume.halfOf(path) in store.disks;
  return there ? [volume.removeStep(volume.fullHalf(path), folder, storage)] : [];
};

/** What a failure left of what a volume was to get. */
export const ungrown = (op: Of<'grow-disk'>, now: ServerSeen): readonly Step[] => halfVolume(op, now);

/** What a failure left half made; a disk that has its name is whole, and stays. */
export const unmade = (op: Make, now: ServerSeen): readonly Step[] => {
  const { path, folder } = op;
  if (now.storage.stores[folder]?.is !== 'there' || now.paths[path] !== 'missing') return [];
  if (isVolumeGroup(folder)) return halfVolume(op, now);
  return [tried(removeHalfArgv(path, `${path}${markerSuffix}`), quickMs)];
};

/** For the plan's reader: with the names that they have in the end. */
export const diskLines = (op: Of<'make-disk' | 'grow-disk' | 'adopt-disk'> | DeleteDisk): readonly Argv[] => {
  if (op.verb === 'delete-disk') return [deleteArgv(op)];
  const marker: Argv = ['write', `${op.path}${markerSuffix}`];
  const volumes = isVolumeGroup(op.folder);
  switch (op.verb) {
    case 'make-disk':
      return volumes ? volume.makeLines(op) : [...fillArgvs(op, op.path), marker];
    case 'grow-disk':
      return volumes ? volume.growLines(op) : [resizeArgv(op.format, op.path, op.size), marker];
    case 'adopt-disk':
      return volumes ? [volume.adoptArgv(op)] : [marker];
  }
};
