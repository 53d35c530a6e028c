/**
 * A file that is made comes into being in a folder of its own beside its name (`PATH.part/NAME`), and gets its name when it is
 * whole. Others may write to a shared store, and plant a link where a half is to come: tools would write through it. mkdir
 * follows none, and nobody else may write into what it made.
 */
import type { Step } from '../../../core/step.ts';
import { exec } from './domain-steps.ts';

type Argv = readonly string[];

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

const halfSuffix = '.part';

export const halfFolder = (path: string): string => `${path}${halfSuffix}`;

export const halfFile = (path: string): string => `${halfFolder(path)}/${nameOf(path)}`;

export const emptyFolder = (path: string): readonly Step[] => [
  exec(['rm', '-rf', halfFolder(path)]),
  exec(['mkdir', '-m', '700', halfFolder(path)]),
];

/** Where it is this user's own, what is in it stays: a download goes on from there. */
const keptText =
  'if [ -L "$0" ] || [ ! -d "$0" ] || [ ! -O "$0" ] || [ -L "$0/$1" ]; then rm -rf "$0" && mkdir -m 700 "$0"; fi';

export const keptFolder = (path: string): Step => exec(['sh', '-c', keptText, halfFolder(path), nameOf(path)]);

/** In one breath, so that no run leaves an empty folder. Into the folder, since the path may be a link to another by now. */
const publishText = 'mv -n "$0/$1" "$2/" && rmdir "$0"';

/** The half is whole: it gets its name, if nothing has that name yet. */
export const published = (path: string): Step =>
  exec(['sh', '-c', publishText, halfFolder(path), nameOf(path), path.slice(0, path.lastIndexOf('/'))]);

export const removeHalfArgv = (path: string, ...also: readonly string[]): Argv => [
  'rm',
  '-rf',
  halfFolder(path),
  ...also,
];

/** What goes with its marker; a half is a folder. */
export const removeFileArgv = (path: string, marker: string): Argv => [
  'rm',
  path.endsWith(halfSuffix) ? '-rf' : '-f',
  path,
  marker,
];
