/** The same for logical volumes: made under another name, blank to the last byte, tagged, and renamed when whole. */
import type { Step } from '../../../core/step.ts';
import type { Storage } from '../../../kinds/repository/live.ts';
import { exec, quickMs, tried } from './domain-steps.ts';
import type { Of } from './lowering.ts';
import { alone, closed, opened, sharedAmong, unmapped, whereShared } from './shared-volumes.ts';
import { groupOf, named, tagOfDisk } from '../read/volumes.ts';

type Argv = readonly string[];
type Make = Of<'make-disk'>;

/** Zeros for a terabyte. */
const zeroMs = 14_400_000;

export const fullHalf = (path: string): string => `${path}.part`;
export const halfOf = (path: string): string => fullHalf(path).slice(path.lastIndexOf('/') + 1);

export const removeArgv = (path: string): Argv => ['lvremove', '-q', '-f', named(path)];

const tagFor = (op: Of<'make-disk' | 'adopt-disk'>): string =>
  tagOfDisk({ farm: op.farm, vm: op.vm.name, uuid: op.uuid, vdev: op.vdev });

/** `size` in KiB; in the group of `path`. */
const createArgv = (path: string, name: string, size: number, more: Argv = []): Argv => [
  'lvcreate',
  '-q',
  '-y',
  '-W',
  'n',
  ...more,
  '-n',
  name,
  '-L',
  `${size}k`,
  named(groupOf(path)),
];

/** A volume begins with the bytes of whoever had its place before. */
const zeroArgv = (path: string): Argv => ['blkdiscard', '-z', path];

/** Fails where the template is larger than the volume. */
const copyArgvs = ({ from }: Make, path: string): readonly Argv[] =>
  from === null
    ? []
    : [
        ['qemu-img', 'convert', '-q', '-n', '-f', from.format, '-O', 'raw', from.path, path],
        ...(from.template === null
          ? [['qemu-img', 'compare', '-q', '-f', from.format, '-F', 'raw', from.path, path]]
          : []),
      ];

/** `up`: its VM runs, or is down for a moment: then what it is copied from stays open. */
export const makeSteps = (op: Make, storage: Storage, up: boolean): readonly Step[] => {
  const half = fullHalf(op.path);
  const { folder, from } = op;
  const writes = (argv: Argv): Step => alone(exec(argv), folder, storage);
  const source = sharedAmong(from === null ? [] : [from.path], storage);
  return [
    alone(tried(removeArgv(half)), folder, storage),
    ...unmapped(sharedAmong([half, op.path], storage)),
    writes(createArgv(op.path, halfOf(op.path), op.size, whereShared(folder, storage))),
    exec(zeroArgv(half), zeroMs),
    ...opened(source),
    ...copyArgvs(op, half).map((argv) => exec(argv, zeroMs)),
    ...(up ? [] : closed(source)),
    writes(['lvchange', '-q', '--addtag', tagFor(op), named(half)]),
    writes(['lvrename', '-q', named(groupOf(half)), halfOf(op.path), named(op.path).split('/')[1] ?? '']),
    // Whoever starts from it opens it.
    ...closed(sharedAmong([op.path], storage)),
  ];
};

/** A file is made from a volume that may not be in use anywhere. */
export const withSource = (op: Make, storage: Storage, up: boolean, steps: readonly Step[]): readonly Step[] => {
  const source = sharedAmong(op.from === null ? [] : [op.from.path], storage);
  return [...opened(source), ...steps, ...(up ? [] : closed(source))];
};

export const makeLines = (op: Make): readonly Argv[] => [
  createArgv(op.path, named(op.path).split('/')[1] ?? '', op.size),
  zeroArgv(op.path),
  ...copyArgvs(op, op.path),
  ['lvchange', '-q', '--addtag', tagFor(op), named(op.path)],
];

type Grow = Of<'grow-disk'>;

/** The extents of the volume `$0` become the end of `$1`: given free and taken in one breath. */
const takeOver =
  'set -f; r=$(lvs --noheadings -o seg_pe_ranges "$0") && lvremove -q -f "$0" && exec lvextend -q -L "$2" "$1" $r';

/** What it is to get, as a volume of its own. */
const partArgv = ({ path, from, size }: Grow, more: Argv = []): Argv =>
  createArgv(path, halfOf(path), size - from, more);

/**
 * A guest that runs is told at its next read or write, and may write there at once: so what is added is zeroed before it
 * is. Until then a rerun finds the volume as it was, and a half that it throws away.
 */
export const growSteps = (op: Grow, storage: Storage): readonly Step[] => {
  const half = fullHalf(op.path);
  const { folder } = op;
  return [
    alone(tried(removeArgv(half)), folder, storage),
    ...unmapped(sharedAmong([half], storage)),
    alone(exec(partArgv(op, whereShared(folder, storage))), folder, storage),
    exec(zeroArgv(half), zeroMs),
    alone(exec(['sh', '-c', takeOver, named(half), named(op.path), `${op.size}k`]), folder, storage),
  ];
};

export const removeStep = (path: string, folder: string, storage: Storage): Step =>
  alone(tried(removeArgv(path), quickMs), folder, storage);

export const growLines = (op: Grow): readonly Argv[] => {
  const half = fullHalf(op.path);
  return [
    partArgv(op),
    zeroArgv(half),
    removeArgv(half),
    ['lvextend', '-q', '-L', `${op.size}k`, named(op.path), '(with', 'its', 'extents)'],
  ];
};

export const adoptArgv = (op: Of<'adopt-disk'>): Argv => [
  'lvchange',
  '-q',
  ...(op.was === null ? [] : ['--deltag', tagOfDisk(op.was)]),
  '--addtag',
  tagFor(op),
  named(op.path),
];
