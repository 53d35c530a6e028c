/** The options that commands share: declared once, turned into `PlanOptions` once. */
import { Option, type Command } from 'commander';
import type { PlanOptions } from '../kinds/plan.ts';
import { formatDuration, parseDuration } from '../core/quantity.ts';
import { parseAllow, type Allow } from './allow.ts';
import { exit, ExitError } from './exit.ts';

export interface CommonFlags {
  readonly color: boolean;
}

/** How a plan is shown. */
export interface ShowFlags extends CommonFlags {
  readonly commands: boolean;
  readonly format: 'text' | 'json';
  readonly json: boolean;
}

/** Where the farm is read from, and how long that may take. */
export interface SourceFlags {
  /** Where it is not read live. */
  readonly fromSnapshot?: string;
  /** ms for all servers together. */
  readonly readTimeout?: number;
}

export interface PlanFlags extends ShowFlags, SourceFlags {
  readonly pool: readonly string[];
  readonly target: readonly string[];
  readonly cause: PlanOptions['cause'];
  readonly prune: boolean;
  readonly allow: readonly Allow[];
  readonly takeover: readonly string[];
  readonly deleteDisks: readonly string[];
  readonly deleteData: readonly string[];
  readonly out?: string;
  readonly pending?: boolean;
}

const gather = (value: string, all: readonly string[]): readonly string[] => [...all, value];

const notBuilt = (name: string) => (): never => {
  throw new ExitError(exit.error, `${name} is not built yet in this version`);
};

const format = (value: string): 'text' | 'json' => {
  if (value === 'text' || value === 'json') return value;
  if (value === 'markdown' || value === 'html') return notBuilt(`--format ${value}`)();
  throw new ExitError(exit.error, `--format ${value}: there is no such format`, 'it is text or json');
};

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

export const reading = (command: Command): Command =>
  command.addOption(
    new Option(
      '--read-timeout <time>',
      'how long reading all servers may take; what has not answered by then is unread',
    )
      .argParser(duration('--read-timeout'))
      .default(defaultReadTimeout, formatDuration(defaultReadTimeout)),
  );

/** For commands that change nothing. */
export const replaying = (command: Command): Command =>
  reading(command).option('--from-snapshot <file>', 'read this file of `reeve snapshot` instead of the servers');

export const showing = (command: Command): Command =>
  command
    .addOption(new Option('--format <format>', 'text or json').argParser(format).default('text'))
    .option('--json', 'short for --format json', false)
    .option('--commands', 'show the command lines behind each change', false);

export const planning = (command: Command): Command =>
  showing(shaping(command)).addOption(
    new Option('--cause <cause>', 'only what the file changed (config) or a hand did (drift)')
      .argParser(cause)
      .default('all'),
  );

export const drifting = (command: Command): Command => replaying(showing(shaping(command)));

export const planOptionsOf = (flags: PlanFlags): PlanOptions => ({
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

export const asJson = (flags: Pick<PlanFlags, 'format' | 'json'>): boolean => flags.json || flags.format === 'json';
