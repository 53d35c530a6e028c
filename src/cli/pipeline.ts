/** What plan, drift and apply have in common: load the file, read the farm, make the plan, show it. */
import picomatch from 'picomatch';
import type { Reader } from '../core/port.ts';
import type { Farm } from '../kinds/farm.ts';
import type { Plan, PlanOptions } from '../kinds/plan.ts';
import { makePlan, pathsToRead } from '../plan/index.ts';
import { planJson } from '../report/plan-json.ts';
import { renderPlan } from '../report/plan-text.ts';
import { count } from '../report/text.ts';
import { xl } from '../toolstacks/xl/index.ts';
import { idleAllows } from './allow.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import { observe } from './observe.ts';
import { asJson, type PlanFlags } from './options.ts';
import { lookOf, redraws, type Output, type Shell } from './shell.ts';

const list = (names: readonly string[]): string => names.join(', ') || 'none';

/** A slip in a name must not look like a farm that has nothing to do. */
const checkNames = (farm: Farm, options: PlanOptions, shell: Shell): void => {
  const keys = farm.vms.map((v) => v.key);
  const pools = farm.pools.map((p) => p.name);
  const pool = options.pools.find((p) => !pools.includes(p));
  if (pool !== undefined)
    throw new ExitError(exit.error, `--pool ${pool}: no such pool`, `the file has ${list(pools)}`);
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
  for (const a of idleAllows(options.allow, keys)) {
    shell.err.write(`warning: --allow ${a} names no VM of the file\n`);
  }
};

/** Says on a terminal what is being waited for, and takes it away after. */
const whileReading = async <T>(shell: Shell, servers: number, work: Promise<T>): Promise<T> => {
  if (!redraws(shell, shell.err)) return work;
  shell.err.write(`Reading ${count(servers, 'server')}…`);
  return work.finally(() => shell.err.write('\r\u001B[K'));
};

/** Reads what the options cover and plans it. Throws an `ExitError` for options that name nothing. */
export const planFarm = async (shell: Shell, farm: Farm, options: PlanOptions, reader: Reader): Promise<Plan> => {
  checkNames(farm, options, shell);
  const servers = farm.pools.filter((p) => options.pools.length === 0 || options.pools.includes(p.name));
  const reading = observe(farm, options.pools, pathsToRead(farm), { reader, toolstack: xl, sleep: shell.sleep });
  const observed = await whileReading(
    shell,
    servers.reduce((n, p) => n + p.servers.length, 0),
    reading,
  );
  return makePlan(farm, observed, options, { toolstack: xl, version: shell.version });
};

export const show = (shell: Shell, plan: Plan, flags: PlanFlags, output: Output = shell.out): void => {
  output.write(
    asJson(flags)
      ? planJson(plan)
      : renderPlan(plan, { ...lookOf(shell, output, flags.color), commands: flags.commands }),
  );
};

/** What a plan leaves undone, whatever it does: 4 before 5, else `otherwise`. */
export const codeOf = (plan: Plan, otherwise: ExitCode): ExitCode => {
  if (plan.unreadable.length > 0) return exit.unread;
  return plan.refused.length > 0 ? exit.refused : otherwise;
};
