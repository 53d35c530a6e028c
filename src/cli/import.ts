/** `reeve import`: the file that describes what is there, from live servers or from cfgs. Changes nothing there. */
import picomatch from 'picomatch';
import { loadFarm } from '../config/index.ts';
import { nodeIo } from '../config/node-io.ts';
import { blocksOf, farmFiles, farmText } from '../config/write/document.ts';
import { imported, type Found, type Frame, type Imported, type Missing } from '../config/write/index.ts';
import { keyFor } from '../config/write/keys.ts';
import { mergedText } from '../config/write/merge.ts';
import { badName } from '../core/name.ts';
import { table } from '../core/table.ts';
import { count } from '../report/text.ts';
import { cfgFiles } from './cfg-files.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import { importLive, inMemory, type Base } from './import-live.ts';
import { tell } from './load.ts';
import { isFolder, writeFolder, writeNew } from './new-file.ts';
import type { CommonFlags, SourceFlags } from './options.ts';
import { say, type Shell } from './shell.ts';

export interface ImportFlags extends CommonFlags, SourceFlags {
  readonly cfg: readonly string[];
  readonly server: readonly string[];
  readonly farm: string;
  readonly vm: readonly string[];
  readonly merge?: string;
  readonly out?: string;
  readonly force: boolean;
}

const mostNamed = 12;

const namesOf = (found: readonly Found[]): string => {
  const names = found.slice(0, mostNamed).map((f) => f.config.name);
  return `found: ${names.join(', ') || 'none'}${found.length > mostNamed ? ` and ${found.length - mostNamed} more` : ''}`;
};

const onlyThose =
  (globs: readonly string[]) =>
  (found: readonly Found[]): readonly Found[] => {
    if (globs.length === 0) return found;
    const wanted = picomatch([...globs]);
    const kept = found.filter((f) => wanted(f.config.name) || (f.called !== undefined && wanted(f.called)));
    if (kept.length > 0) return kept;
    throw new ExitError(exit.error, `--vm ${globs.join(', ')} names no VM that was found`, namesOf(found));
  };

/** A file that is right needs a server; which, no cfg says. */
const offlineFrame = (farm: string): Frame => ({
  rest: { farm, servers: { xen: { address: 'xen.example.com' } } },
  restNotes: [{ at: ['servers', 'xen'], text: 'Write here on which server they are; several take one line each.' }],
  head: ['Written by `reeve import` from cfg files.'],
  beside: [],
  networks: table(),
  taken: { keys: new Set(), profiles: new Set() },
  defaults: true,
});

const shortName = (host: string): string => (/^[\d.]+$|:/.test(host) ? host : host.replace(/\..*$/, ''));

/** Without quotes where no YAML would take it for anything but a text. */
const plain = (text: string): string =>
  /^[A-Za-z][\w.-]*$/.test(text) && !/^(?:y|n|yes|no|on|off|true|false|null)$/i.test(text)
    ? text
    : JSON.stringify(text);

/** The file that names the hosts of `--server` and nothing else. */
const serversFile = (farm: string, hosts: readonly string[]): string => {
  const taken = new Set<string>();
  const servers = hosts.map((host) => `  ${plain(keyFor(shortName(host), taken))}: { address: ${plain(host)} }\n`);
  return `farm: ${plain(farm)}\n\nservers:\n${servers.join('')}`;
};

const baseOf = async (shell: Shell, paths: readonly string[], flags: ImportFlags): Promise<Base> => {
  const made = flags.server.length > 0 ? serversFile(flags.farm, flags.server) : null;
  const loaded = made === null ? await loadFarm(paths, nodeIo) : await loadFarm(['--server'], inMemory(made));
  if (!loaded.ok) {
    tell(shell, loaded.diagnostics, flags);
    throw new ExitError(exit.invalid, '');
  }
  const { sources } = loaded;
  return { loaded, text: sources.length === 1 ? (sources[0]?.text ?? null) : null };
};

const sayHow = (shell: Shell, vms: number, left: readonly Missing[]): void => {
  for (const { name, from, why } of left) say(shell.err, `warning: ${name} (${from}) is left out: ${why}`);
  say(shell.err, `${count(vms, 'VM')} written${left.length === 0 ? '' : `, ${left.length} left out`}.`);
};

interface Result {
  readonly vms: number;
  readonly left: readonly Missing[];
  readonly text: string;
  /** The same as files of a folder; undefined where it is put into a file that is there. */
  readonly files?: Readonly<Record<string, string>>;
}

const whole = (made: Imported, left: readonly Missing[]): Result => {
  const all = { ...made, left };
  return { vms: made.shared.vms.size, left, text: farmText(all), files: farmFiles(all) };
};

const fromCfgs = async (shell: Shell, paths: readonly string[], flags: ImportFlags): Promise<Result> => {
  const { found, left } = await cfgFiles(flags.cfg);
  const wanted = onlyThose(flags.vm)(found);
  const into = flags.merge === undefined ? null : await baseOf(shell, paths, flags);
  if (into && into.loaded.farm.pools.length > 1)
    throw new ExitError(
      exit.error,
      'the file has several pools, and no cfg says in which it is',
      'import from the servers',
    );
  const { farm, sources } = into?.loaded ?? { farm: undefined, sources: [] };
  const alone = offlineFrame(flags.farm);
  const frame: Frame = farm
    ? {
        ...alone,
        rest: table<never>(),
        restNotes: [],
        beside: sources,
        networks: table([['', farm.pools[0]?.networks ?? table<never>()]]),
        taken: { keys: new Set(farm.vms.flatMap((v) => [v.key, v.name])), profiles: new Set() },
        defaults: false,
      }
    : alone;
  const known = new Set(farm?.vms.flatMap((v) => [v.name, ...(v.uuid === undefined ? [] : [v.uuid])]));
  const fresh = wanted.filter(({ config: { name, uuid } }) => !known.has(name) && !(uuid !== null && known.has(uuid)));
  const made = imported(fresh, frame);
  if (made.problems.length > 0) throw new Error(`import makes no file that is right: ${made.problems.join('; ')}`);
  const all = [...left, ...made.left];
  if (into?.text == null) return whole(made, all);
  return { vms: made.shared.vms.size, left: all, text: mergedText(into.text, blocksOf(made)) };
};

const fromServers = async (shell: Shell, paths: readonly string[], flags: ImportFlags): Promise<Result> => {
  const base = await baseOf(shell, paths, flags);
  // The servers of `--server` are a file of the folder.
  const apart = flags.server.length > 0 && flags.out !== undefined && (await isFolder(flags.out));
  const [source] = base.loaded.sources;
  const at = apart ? { ...base, text: null } : base;
  const { made, left, text, notes } = await importLive(shell, at, flags, onlyThose(flags.vm));
  for (const note of notes) say(shell.err, `note: ${note}`);
  if (at.text !== null) return { vms: made.shared.vms.size, left, text };
  const result = whole(made, left);
  return apart ? { ...result, files: { 'servers.yaml': source?.text ?? '', ...result.files } } : result;
};

const write = async (shell: Shell, { text, files }: Result, flags: ImportFlags): Promise<void> => {
  const { out = flags.merge, force } = flags;
  if (out === undefined) shell.out.write(text);
  else if (out === flags.merge) await writeNew(out, text, true);
  else if (files && (await isFolder(out))) await writeFolder(out, files, force);
  else await writeNew(out, text, force);
};

/** Throws an `ExitError` (5) where something that was found is not in it. */
export const importFarm = async (shell: Shell, paths: readonly string[], flags: ImportFlags): Promise<ExitCode> => {
  const bad = badName(flags.farm, 'farm');
  if (bad !== null) throw new ExitError(exit.error, `--farm ${flags.farm}: ${bad}`);
  if (flags.merge !== undefined && (paths.length > 0 || flags.server.length > 0))
    throw new ExitError(exit.error, '--merge names the file itself', 'leave out the other files, and --server');
  const from = flags.merge === undefined ? paths : [flags.merge];
  const result = flags.cfg.length > 0 ? await fromCfgs(shell, from, flags) : await fromServers(shell, from, flags);
  const { vms, left } = result;
  if (vms === 0 && left.length > 0 && flags.cfg.length > 0 && flags.merge === undefined) {
    sayHow(shell, vms, left);
    throw new ExitError(exit.error, 'no VM was found that a file could describe');
  }
  await write(shell, result, flags);
  sayHow(shell, vms, left);
  if (left.length === 0) return exit.done;
  throw new ExitError(
    exit.refused,
    'not all that was found is in the file',
    'the warnings above say what is missing, and why',
    'not-imported',
  );
};
