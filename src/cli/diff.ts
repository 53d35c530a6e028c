/** `reeve diff`: what the change of the file means, resolved, thing by thing. No network: git is asked here, and nobody else. */
import { readFile } from 'node:fs/promises';
import { loadFarm, type ConfigIo } from '../config/index.ts';
import { nodeIo } from '../config/node-io.ts';
import { farmDiff, type ThingDiff } from '../kinds/farm-diff.ts';
import type { Farm } from '../kinds/farm.ts';
import { diffJson, farmLines, renderDiff } from '../report/farm-diff.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import type { PlanFormat, WriteTo } from './formats.ts';
import { tell } from './load.ts';
import { formatOf, type CommonFlags } from './options.ts';
import { writePrivate } from './outside.ts';
import { mergeBase, openRevision, usualIn } from './revision.ts';
import { lookOf, say, type Look, type Shell } from './shell.ts';

export interface DiffFlags extends CommonFlags {
  readonly base?: string;
  readonly head?: string;
  readonly format: PlanFormat;
  readonly json: boolean;
  readonly write: readonly WriteTo[];
  readonly detailedExitcode: boolean;
  readonly textconv: boolean;
}

/** Where one side is read: paths as its `io` takes them. No paths: the usual ones. */
interface Side {
  readonly paths: readonly string[];
  readonly io: ConfigIo;
}

/** Null: none of its paths is there. Throws an `ExitError` (3) where they describe no valid farm. */
const farmOf = async (shell: Shell, { paths, io }: Side, flags: CommonFlags): Promise<Farm | null> => {
  const found = await Promise.all(paths.map(async (p) => [p, (await io.look(p)).is] as const));
  const there = found.filter(([, is]) => is !== 'missing').map(([p]) => p);
  if (there.length === 0) return null;
  const loaded = await loadFarm(there, io);
  if (loaded.ok) return loaded.farm;
  tell(shell, loaded.diagnostics, flags);
  throw new ExitError(exit.invalid, '');
};

const usualHere = ['farm.yaml', 'farm'];

const ofRevision = async (shell: Shell, name: string, paths: readonly string[]): Promise<Side> => {
  const revision = await openRevision(shell, name, paths[0] ?? '.');
  const asked = paths.length > 0 ? paths : await usualIn(revision);
  return { paths: asked.map((p) => revision.at(p)), io: revision.io };
};

/** A path that is there; or a commit, or a path in one: `main`, `main:site/farm.yaml`. */
const sideOf = async (shell: Shell, operand: string): Promise<Side> => {
  if ((await nodeIo.look(operand)).is !== 'missing') return { paths: [operand], io: nodeIo };
  const [name = '', ...path] = operand.split(':');
  return ofRevision(shell, name, path.length === 0 ? [] : [path.join(':')]);
};

const sidesOf = async (shell: Shell, operands: readonly string[], flags: DiffFlags): Promise<readonly [Side, Side]> => {
  const { base, head } = flags;
  if (base !== undefined) {
    const from = await mergeBase(shell, base, head ?? 'HEAD', operands[0] ?? '.');
    if (from === null)
      say(
        shell.err,
        `warning: no commit is known that ${base} and ${head ?? 'HEAD'} have in common: compared with ${base}`,
      );
    const old = await ofRevision(shell, from ?? base, operands);
    const now =
      head === undefined
        ? { paths: operands.length > 0 ? operands : usualHere, io: nodeIo }
        : await ofRevision(shell, head, operands);
    return [old, now];
  }
  const [old, now] = operands;
  if (old === undefined || now === undefined || operands.length > 2 || head !== undefined)
    throw new ExitError(
      exit.error,
      'a diff is between two',
      'write reeve diff OLD NEW, or reeve diff --base origin/main [PATH…]',
    );
  return [await sideOf(shell, old), await sideOf(shell, now)];
};

const rendered = async (diff: readonly ThingDiff[], format: PlanFormat, look: Look): Promise<string> => {
  switch (format) {
    case 'text':
      return renderDiff(diff, look);
    case 'json':
      return diffJson(diff);
    case 'markdown': {
      // Its libraries take a tenth of a second to load.
      const { diffMarkdown } = await import('../report/markdown/diff.ts');
      return diffMarkdown(diff);
    }
  }
};

/** What git compares line by line; a file that is no whole farm is compared as it is. */
const textconv = async (shell: Shell, operands: readonly string[]): Promise<ExitCode> => {
  const [path, ...rest] = operands;
  if (path === undefined || rest.length > 0)
    throw new ExitError(exit.error, '--textconv takes one file', 'git names it: see README.md, In git');
  const loaded = await loadFarm([path], nodeIo);
  if (loaded.ok) shell.out.write(farmLines(loaded.farm));
  else
    shell.out.write(
      await readFile(path, 'utf8').catch((error: Error) => {
        throw new ExitError(exit.error, `${path} cannot be read: ${error.message}`);
      }),
    );
  return exit.done;
};

/** Exit code 2 where something changes, if asked for. */
export const diff = async (shell: Shell, operands: readonly string[], flags: DiffFlags): Promise<ExitCode> => {
  if (flags.textconv) return textconv(shell, operands);
  const [old, now] = await sidesOf(shell, operands, flags);
  const [from, to] = [await farmOf(shell, old, flags), await farmOf(shell, now, flags)];
  if (from === null && to === null)
    throw new ExitError(exit.error, 'neither side has a farm', `looked for ${[...old.paths, ...now.paths].join(', ')}`);
  const found = farmDiff(from, to);
  shell.out.write(await rendered(found, formatOf(flags), lookOf(shell, shell.out, flags.color)));
  for (const { format, path } of flags.write)
    await writePrivate(path, await rendered(found, format, { color: false, width: 100 }));
  return flags.detailedExitcode && found.length > 0 ? exit.pending : exit.done;
};
