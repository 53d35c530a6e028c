/** The options that commands share: declared once, turned into `PlanOptions` once. */
import { Option, type Command } from 'commander';
import type { PlanOptions } from '../kinds/plan.ts';
import { durationWord, parseDuration } from '../core/quantity.ts';
import { parseAllow, type Allow } from './allow.ts';
import { exit, ExitError } from './exit.ts';
import { planFormat, writeTo, type PlanFormat, type WriteTo } from './formats.ts';

export interface CommonFlags {
  readonly color: boolean;
}

/** How a plan is shown, and where it is kept. */
export interface ShowFlags extends CommonFlags {
  readonly commands: boolean;
  readonly format: PlanFormat;
  readonly json: boolean;
  readonly write: readonly WriteTo[];
  /** Where it is saved, for `apply`. */
  readonly out?: string;
}

/** Where the farm is read from, and how long that may take. */
export interface SourceFlags {
  /** Where it is not read live. */
  readonly fromSnapshot?: string;
  /** ms for all servers together. */
  readonly readTimeout?: number;
}

/** What a plan is narrowed to, and what it may do. */
export interface ShapeFlags {
  readonly pool: readonly string[];
  readonly target: readonly string[];
  readonly cause: PlanOptions['cause'];
  readonly prune: boolean;
  readonly allow: readonly Allow[];
  readonly takeover: readonly string[];
  readonly deleteDisks: readonly string[];
  readonly deleteData: readonly string[];
  readonly pending?: boolean;
}

/** What it takes to make a plan. */
export interface MakeFlags extends CommonFlags, ShapeFlags, SourceFlags {}

export interface PlanFlags extends MakeFlags, ShowFlags {}

const gather = (value: string, all: readonly string[]): readonly string[] => [...all, value];

const cause = (value: string): PlanOptions['cause'] => {
  if (value === 'config' || value === 'drift' || value === 'all') return value;
  throw new ExitError(exit.error, `--cause ${value}: there is no such cause`, 'it is config, drift or all');
};

export const repeated = (flags: string, description: string): Option =>
  new Option(flags, `${description} (repeatable)`).argParser(gather).default([], 'none');

export const allowing = (): Option =>
  new Option('--allow <class=pattern>', 'raise the budget of these VMs for this run, like restart=web-* (repeatable)')
    .argParser((text, all: readonly Allow[]) => [...all, parseAllow(text)])
    .default([], 'none');

/** What a plan is narrowed to, and what it may do. */
export const shaping = (command: Command): Command =>
  command
    .addOption(repeated('--pool <name>', 'only this pool'))
    .addOption(repeated('--target <glob>', 'only these VMs'))
    .addOption(allowing())
    .addOption(repeated('--takeover <name>', "take over this VM, though it carries another farm's marker"))
    .option('--prune', 'delete what is ours and no longer in the file', false)
    .addOption(repeated('--delete-disks <name>', 'delete the disks of this VM with it, or this disk that no VM has'))
    .addOption(repeated('--delete-data <name>', 'delete what Reeve made in this repository, which the file has go'));

/** What a command has that is not narrowed. */
export const noShaping = {
  pool: [],
  target: [],
  cause: 'all',
  prune: false,
  allow: [],
  takeover: [],
  deleteDisks: [],
  deleteData: [],
} as const;

const duration =
  (option: string) =>
  (text: string): number => {
    const parsed = parseDuration(text);
    if ('value' in parsed && parsed.value > 0) return parsed.value;
    throw new ExitError(exit.error, `${option} ${text}: it is no time`, 'write a number and s, m or h, like 2m');
  };

/** ms; a server that hangs keeps a command no longer. */
export const defaultReadTimeout = 120_000;

export const waiting = (): Option =>
  new Option('--wait <time>', 'wait so long for servers that another run holds, like 10m').argParser(
    duration('--wait'),
  );

export const reading = (command: Command): Command =>
  command.addOption(
    new Option(
      '--read-timeout <time>',
      'how long reading all servers may take; what has not answered by then is unread',
    )
      .argParser(duration('--read-timeout'))
      .default(defaultReadTimeout, durationWord(defaultReadTimeout)),
  );

/** For commands that change nothing. */
export const replaying = (command: Command): Command =>
  reading(command).option('--from-snapshot <file>', 'read this file of `reeve snapshot` instead of the servers');

/** In which form, and into which files. */
export const forms = (command: Command): Command =>
  command
    .addOption(new Option('--format <format>', 'text, json or markdown').argParser(planFormat).default('text'))
    .option('--json', 'short for --format json', false)
    .addOption(
      new Option('--write <format=file>', 'write it to this file, too, like markdown=plan.md (repeatable)')
        .argParser(writeTo)
        .default([], 'none'),
    );

export const showing = (command: Command): Command =>
  forms(command).option('--commands', 'show the command lines behind each change', false);

export const planning = (command: Command): Command =>
  showing(shaping(command)).addOption(
    new Option('--cause <cause>', 'only what the file changed (config) or a hand did (drift)')
      .argParser(cause)
      .default('all'),
  );

export const drifting = (command: Command): Command => replaying(showing(shaping(command)));

export const planOptionsOf = (flags: ShapeFlags): PlanOptions => ({
  targets: flags.target,
  pools: flags.pool,
  cause: flags.cause,
  prune: flags.prune,
  pending: flags.pending ?? false,
  allow: flags.allow,
  takeover: flags.takeover,
  deleteDisks: flags.deleteDisks,
  deleteData: flags.deleteData,
});

export const formatOf = (flags: Pick<ShowFlags, 'format' | 'json'>): PlanFormat => (flags.json ? 'json' : flags.format);
