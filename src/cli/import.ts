/** `reeve import`: the file that describes what is there. Changes nothing. */
import picomatch from 'picomatch';
import { farmFiles, farmText } from '../config/write/document.ts';
import { imported, type Found, type Frame, type Imported, type Missing } from '../config/write/index.ts';
import { badName } from '../core/name.ts';
import { table } from '../core/table.ts';
import { count } from '../report/text.ts';
import { cfgFiles } from './cfg-files.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import type { CommonFlags } from './options.ts';
import { isFolder, writeFolder, writeNew } from './new-file.ts';
import { say, type Shell } from './shell.ts';

export interface ImportFlags extends CommonFlags {
  readonly cfg: readonly string[];
  readonly farm: string;
  readonly vm: readonly string[];
  readonly out?: string;
  readonly force: boolean;
}

const onlyThose = (found: readonly Found[], globs: readonly string[]): readonly Found[] => {
  if (globs.length === 0) return found;
  const wanted = picomatch([...globs]);
  const kept = found.filter((f) => wanted(f.config.name) || (f.called !== undefined && wanted(f.called)));
  if (kept.length === 0)
    throw new ExitError(exit.error, `--vm ${globs.join(', ')} names no VM that was found`, namesOf(found));
  return kept;
};

const mostNamed = 12;

const namesOf = (found: readonly Found[]): string => {
  const names = found.slice(0, mostNamed).map((f) => f.config.name);
  return `found: ${names.join(', ') || 'none'}${found.length > mostNamed ? ` and ${found.length - mostNamed} more` : ''}`;
};

/** A file that is right needs a server; which, no cfg says. */
const offlineFrame = (farm: string): Frame => ({
  rest: { farm, servers: { xen: { address: 'xen.example.com' } } },
  restNotes: [{ at: ['servers', 'xen'], text: 'Write here on which server they are; several take one line each.' }],
  head: ['Written by `reeve import` from cfg files.'],
  beside: [],
  networks: table(),
  taken: { keys: new Set(), profiles: new Set() },
});

const tell = (shell: Shell, vms: number, left: readonly Missing[]): void => {
  for (const { name, from, why } of left) say(shell.err, `warning: ${name} (${from}) is left out: ${why}`);
  say(shell.err, `${count(vms, 'VM')} written${left.length === 0 ? '' : `, ${left.length} left out`}.`);
};

/** Throws an `ExitError` (5) where something that was found is not in it. */
const finish = (shell: Shell, made: Imported, left: readonly Missing[]): ExitCode => {
  tell(shell, made.shared.vms.size, left);
  if (left.length === 0) return exit.done;
  throw new ExitError(
    exit.refused,
    'not all that was found is in the file',
    'the comment at the end of the file names what is missing, and why',
    'not-imported',
  );
};

export const importFarm = async (shell: Shell, flags: ImportFlags): Promise<ExitCode> => {
  const bad = badName(flags.farm, 'farm');
  if (bad !== null) throw new ExitError(exit.error, `--farm ${flags.farm}: ${bad}`);
  if (flags.cfg.length === 0)
    throw new ExitError(exit.error, 'nothing to read from', 'name files or folders: --cfg PATH');
  const { found, left } = await cfgFiles(flags.cfg);
  const made = imported(onlyThose(found, flags.vm), offlineFrame(flags.farm));
  if (made.problems.length > 0) throw new Error(`import makes no file that is right: ${made.problems.join('; ')}`);
  const all = [...left, ...made.left];
  if (made.shared.vms.size === 0) {
    tell(shell, 0, all);
    throw new ExitError(exit.error, 'no VM was found that a file could describe');
  }
  const whole = { ...made, left: all };
  if (flags.out === undefined) shell.out.write(farmText(whole));
  else if (await isFolder(flags.out)) await writeFolder(flags.out, farmFiles(whole), flags.force);
  else await writeNew(flags.out, farmText(whole), flags.force);
  return finish(shell, whole, all);
};
