/** What makes a blank disk in a repository: beside its name, with its marker, renamed when it is whole. */
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

/** The marker comes before the disk has its name: there is none without one. */
export const makeDisk = (op: Of<'make-disk'>): Lowered => {
  const { path, folder, farm, repository, vm, uuid, vdev, size, format } = op;
  const marker: DiskMarker = { format: 1, farm, vm: vm.name, uuid, vdev, size, as: format };
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
      {
        do: 'write',
        path: `${path}${diskMarkerSuffix}`,
        bytes: new TextEncoder().encode(`${JSON.stringify(marker)}\n`),
        mode: 0o644,
        onlyIf: 'any',
      },
      exec(['mv', '-n', half(path), path]),
    ],
    after: [{ is: 'path', path }],
    afterMs: quickMs,
  };
};

/** What a failure left half made; a disk that has its name is whole, and stays. */
export const unmade = ({ path, folder }: Of<'make-disk'>, now: ServerSeen): readonly Step[] => {
  const store = now.storage.stores[folder];
  if (store?.is !== 'there' || now.paths[path] !== 'missing') return [];
  return [tried(['rm', '-f', half(path), `${path}${diskMarkerSuffix}`], quickMs)];
};
