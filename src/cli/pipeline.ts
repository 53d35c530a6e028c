/** What plan, drift and apply have in common: load the file, read the farm, make the plan, show it. */
import picomatch from 'picomatch';
import type { Reader } from '../core/port.ts';
import type { Farm } from '../kinds/farm.ts';
import type { Plan, PlanOptions } from '../kinds/plan.ts';
import type { Observed } from '../kinds/server/live.ts';
import type { Secrets } from '../kinds/toolstack.ts';
import { makePlan, pathsToRead, strayPaths, unaskedPaths, type Tools } from '../plan/index.ts';
import { renderPlan } from '../report/plan-text.ts';
import { count } from '../report/text.ts';
import { xl } from '../toolstacks/xl/index.ts';
import { idleAllows } from './allow.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import { observe } from './observe.ts';
import { defaultReadTimeout, type CommonFlags, type SourceFlags } from './options.ts';
import { lookOf, redraws, say, type Shell } from './shell.ts';

const list = (names: readonly string[]): string => names.join(', ') || 'none';

/** Throws an `ExitError` for a pool that the file has not. */
export const checkPools = (farm: Farm, pools: readonly string[]): void => {
  const known = farm.pools.map((p) => p.name);
  const pool = pools.find((p) => !known.includes(p));
  if (pool !== undefined)
    throw new ExitError(exit.error, `--pool ${pool}: no such pool`, `the file has ${list(known)}`);
};

/** Throws an `ExitError` for options that name nothing: a slip must not look like a farm that has nothing to do. */
export const checkNames = (farm: Farm, options: PlanOptions, shell: Shell): void => {
  const keys = farm.vms.map((v) => v.key);
  checkPools(farm, options.pools);
  const idle = options.targets.find((t) => {
    const matches = picomatch(t);
    return !keys.some((k) => matches(k) || matches(`vm/${k}`));
  });
  if (idle !== undefined && !options.prune) {
    throw new ExitError(
      exit.error,
      `--target ${idle} names no VM of the file`,
      'it is a name like web-1, or a glob like web-*',
    );
  }
  const stranger = options.takeover.find((t) => !keys.includes(t));
  if (stranger !== undefined) {
    throw new ExitError(exit.error, `--takeover ${stranger} names no VM of the file`, 'put it into the file first');
  }
  // What `--prune` deletes has left the file: its names are known once the farm is read.
  if (!options.prune) warnIdle(shell, options, keys, 'of the file');
};

const warnIdle = (shell: Shell, { allow }: PlanOptions, keys: readonly string[], of: string): void => {
  for (const a of idleAllows(allow, keys)) say(shell.err, `warning: --allow ${a} names no VM ${of}`);
};

/** Says on a terminal what is being waited for, and takes it away after. */
export const whileReading = async <T>(shell: Shell, servers: number, work: Promise<T>): Promise<T> => {
  if (!redraws(shell, shell.err)) return work;
  shell.err.draw(`Reading ${count(servers, 'server')}…`);
  return work.finally(() => shell.err.draw('\r\u001B[K'));
};

/** What a snapshot answers stays the same, however long one waits. */
const atOnce = async (): Promise<void> => {};

export interface Source extends SourceFlags {
  /** Waits for what was left running on the servers; true: they have to be read again. */
  readonly waited?: (observed: Observed) => Promise<boolean>;
}

/** How often what was left running is waited for: each time something new may be found. */
const mostWaits = 3;

/** Reads every server of these pools (none: of all), saying so on a terminal. */
export const readFarm = async (
  shell: Shell,
  farm: Farm,
  pools: readonly string[],
  reader: Reader,
  { fromSnapshot, readTimeout = defaultReadTimeout, waited }: Source,
  paths: ReadonlyMap<string, readonly string[]> = pathsToRead(farm),
): Promise<Observed> => {
  const servers = farm.pools.filter((p) => pools.length === 0 || pools.includes(p.name));
  const sleep = fromSnapshot === undefined ? shell.sleep : atOnce;
  const count = servers.reduce((n, p) => n + p.servers.length, 0);
  const read = (): Promise<Observed> =>
    whileReading(
      shell,
      count,
      observe(farm, pools, paths, { reader, toolstack: xl, sleep, until: shell.now() + readTimeout }),
    );
  const settled = async (tries: number): Promise<Observed> => {
    const observed = await read();
    return waited && tries > 0 && (await waited(observed)) ? settled(tries - 1) : observed;
  };
  return settled(mostWaits);
};

/** What planning is given besides the farm. */
export const toolsOf = (shell: Shell, secrets: Secrets): Tools => ({ toolstack: xl, version: shell.version, secrets });

export type Paths = ReadonlyMap<string, readonly string[]>;

export const joined = (all: readonly Paths[]): Paths => {
  const servers = new Set(all.flatMap((paths) => [...paths.keys()]));
  return new Map([...servers].map((s) => [s, [...new Set(all.flatMap((paths) => paths.get(s) ?? []))]] as const));
};

export interface Question {
  readonly options: PlanOptions;
  readonly reader: Reader;
  readonly from: Source;
}

/**
 * Reads what the options cover and makes a plan of it. What to look for is known in part from the first reading only: stores that
 * have left the file, and what the cfgs name that the file does not. Where the plan hangs on that, the servers are read once more.
 */
export const readAndPlan = async <T extends { readonly plan: Plan }>(
  shell: Shell,
  farm: Farm,
  { options, reader, from }: Question,
  make: (observed: Observed) => T,
): Promise<T & { readonly observed: Observed }> => {
  const asked = pathsToRead(farm);
  const first = await readFarm(shell, farm, options.pools, reader, from, asked);
  const strays = strayPaths(farm, first, options);
  const observed =
    strays.size === 0 ? first : await readFarm(shell, farm, options.pools, reader, from, joined([asked, strays]));
  const made = make(observed);
  const more = unaskedPaths(farm, observed, made.plan);
  const pools = farm.pools.filter((p) => p.servers.some((s) => more.has(s.name))).map((p) => p.name);
  if (pools.length === 0) return { ...made, observed };
  const again = await readFarm(shell, farm, pools, reader, from, joined([asked, strays, more]));
  const whole = new Map([...observed, ...again]);
  return { ...make(whole), observed: whole };
};

/** The plan, and what it was made from. */
export const planObserved = async (
  shell: Shell,
  farm: Farm,
  options: PlanOptions,
  reader: Reader,
  secrets: Secrets,
  from: Source = {},
): Promise<{ readonly plan: Plan; readonly observed: Observed }> => {
  const tools = toolsOf(shell, secrets);
  const { plan, observed } = await readAndPlan(shell, farm, { options, reader, from }, (observed) => ({
    plan: makePlan(farm, observed, options, tools),
  }));
  const told = [...plan.vms, ...plan.refused].map((x) => x.subject.name);
  if (options.prune)
    warnIdle(shell, options, [...farm.vms.map((v) => v.key), ...told], 'of the file, and none that --prune deletes');
  return { plan, observed };
};

export const planFarm = async (...given: Parameters<typeof planObserved>): Promise<Plan> =>
  (await planObserved(...given)).plan;

/** As text, for commands that have no other form. */
export const show = (shell: Shell, plan: Plan, flags: CommonFlags): void =>
  shell.out.write(renderPlan(plan, { ...lookOf(shell, shell.out, flags.color), commands: false }));

/** What a plan leaves undone, whatever it does: 4 before 5, else `otherwise`. */
export const codeOf = (plan: Plan, otherwise: ExitCode): ExitCode => {
  if (plan.unreadable.length > 0) return exit.unread;
  return plan.refused.length > 0 ? exit.refused : otherwise;
};
