/** A plan file → the plan, and the servers that it is for. */
import type { Plan } from '../kinds/plan.ts';
import { everyRole, type ServerSpec } from '../kinds/server/spec.ts';
import { faultsOf } from '../report/plan-check.ts';
import { parsePlan } from '../report/plan-json.ts';
import { xl } from '../toolstacks/xl/index.ts';
import { exit, ExitError } from './exit.ts';
import { tell } from './load.ts';
import type { CommonFlags } from './options.ts';
import { textOfFile } from './outside.ts';
import { readSchema } from './schema.ts';
import { say, type Shell } from './shell.ts';

export const isPlanFile = (paths: readonly string[]): boolean => paths.some((p) => p.endsWith('.json'));

/** Throws an `ExitError` (3) for a file that is no plan of this version, or that does something else than it shows. */
export const loadPlan = async (shell: Shell, path: string, flags: CommonFlags): Promise<Plan> => {
  const text = await textOfFile(path);
  const parsed = parsePlan(text, JSON.parse(await readSchema(shell, 'plan')) as object);
  const faults =
    'format' in parsed ? faultsOf(parsed, { version: shell.version, commands: (op) => xl.commands(op) }) : parsed;
  if ('format' in parsed && faults.length === 0) return parsed;
  say(shell.err, `${path}:`);
  tell(shell, faults, flags);
  throw new ExitError(exit.invalid, '');
};

export const serversOf = (plan: Plan, path: string): readonly ServerSpec[] =>
  plan.servers.map((s, i) => ({
    ...s,
    migration: undefined,
    state: 'active',
    roles: everyRole,
    fence: undefined,
    origin: { file: path, pointer: `/servers/${i}` },
  }));
