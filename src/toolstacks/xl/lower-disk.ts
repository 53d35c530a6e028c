/** What makes a blank disk in a repository (beside its name, with its marker, renamed when it is whole) and what makes it larger. */
import type { Lowered, Step } from '../../core/step.ts';
import { disksFolder, type DiskMarker } from '../../kinds/repository/live.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import { exec, quickMs, tried } from './domain-steps.ts';
import type { Of } from './lowering.ts';
import { diskMarkerSuffix } from './storage.ts';

const half = (path: string): string => `${path}.part`;

/** Sparse: it takes room as it is written. */
export const makeArgv = ({ format, size }: Of<'make-disk'>, path: string): readonly string[] =>
  format === 'raw'
    ? ['truncate', '-s', `${size}K`, path]
    : ['qemu-img', 'create', '-q', '-f', format, path, `${size}K`];

const markerText = (op: Of<'make-disk' | 'grow-disk'>): Step => {
  const { path, farm, vm, uuid, vdev, size, format } = op;
  const marker: DiskMarker = { format: 1, farm, vm: vm.name, uuid, vdev, size, as: format };
  return {
    do: 'write',
    path: `${path}${diskMarkerSuffix}`,
    bytes: new TextEncoder().encode(`${JSON.stringify(marker)}\n`),
    mode: 0o644,
    onlyIf: 'any',
  };
};

/** The marker comes before the disk has its name: there is none without one. */
export const makeDisk = (op: Of<'make-disk'>): Lowered => {
  const { path, folder, farm, repository, size } = op;
  return {
    before: [
      { is: 'store', path: folder, farm, repository, uuid: null },
      { is: 'no-path', path },
    ],
    steps: [
      exec(['mkdir', '-p', disksFolder(folder)]),
      exec(['rm', '-f', half(path)]),
      exec(makeArgv(op, half(path))),
      exec(['chmod', '600', half(path)]),
      markerText(op),
      exec(['mv', '-n', half(path), path]),
    ],
    after: [{ is: 'stored', folder, path, size }],
    afterMs: quickMs,
  };
};

export const growArgv = ({ format, size, path }: Of<'grow-disk'>): readonly string[] =>
  format === 'raw'
    ? ['truncate', '-s', `${size}K`, path]
    : ['qemu-img', 'resize', '-q', '-f', format, path, `${size}K`];

/** The marker last: a run that breaks before it grows the disk once more, to the same size. */
export const growDisk = (op: Of<'grow-disk'>): Lowered => {
  const { path, folder, farm, repository, from, size, format, uuid } = op;
  return {
    before: [
      { is: 'store', path: folder, farm, repository, uuid: null },
      { is: 'stored', folder, path, size: from },
      ...(format === 'raw' ? [] : [{ is: 'domain', uuid, state: 'gone' } as const]),
    ],
    steps: [exec(growArgv(op)), markerText(op)],
    after: [{ is: 'stored', folder, path, size }],
    afterMs: quickMs,
  };
};

/** What a failure left half made; a disk that has its name is whole, and stays. */
export const unmade = ({ path, folder }: Of<'make-disk'>, now: ServerSeen): readonly Step[] => {
  const store = now.storage.stores[folder];
  if (store?.is !== 'there' || now.paths[path] !== 'missing') return [];
  return [tried(['rm', '-f', half(path), `${path}${diskMarkerSuffix}`], quickMs)];
};
