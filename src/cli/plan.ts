/** `reeve plan`: what would be done, and what it costs. Changes nothing. */
import type { Plan } from '../kinds/plan.ts';
import type { Observed } from '../kinds/server/live.ts';
import { cfgDiffsOf } from './cfg-diffs.ts';
import { exit, type ExitCode } from './exit.ts';
import { load } from './load.ts';
import { planOptionsOf, type MakeFlags, type PlanFlags } from './options.ts';
import { readerOf } from './outside.ts';
import { checkNames, codeOf, planObserved } from './pipeline.ts';
import { present, tellSaved } from './present.ts';
import { namedByFarm, secretsToCompare } from './secrets.ts';
import type { Shell } from './shell.ts';

export interface PlanCommandFlags extends PlanFlags {
  readonly detailedExitcode: boolean;
  /** Show what becomes of each cfg, line by line. */
  readonly diff: boolean;
}

/** Loads, reads and plans, with a port that can only read. */
const planRead = async (
  shell: Shell,
  paths: readonly string[],
  flags: MakeFlags,
): Promise<{ readonly plan: Plan; readonly observed: Observed }> => {
  const farm = await load(shell, paths, flags);
  const options = planOptionsOf(flags);
  checkNames(farm, options, shell);
  const reader = await readerOf(shell, farm, flags);
  try {
    const secrets = await secretsToCompare(shell, namedByFarm(farm, options));
    return await planObserved(shell, farm, options, reader, secrets, flags);
  } finally {
    await reader.close();
  }
};

export const planOnly = async (shell: Shell, paths: readonly string[], flags: MakeFlags): Promise<Plan> =>
  (await planRead(shell, paths, flags)).plan;

export const plan = async (shell: Shell, paths: readonly string[], flags: PlanCommandFlags): Promise<ExitCode> => {
  const { plan: made, observed } = await planRead(shell, paths, flags);
  const diffs = flags.diff ? await cfgDiffsOf(made, observed) : undefined;
  await present(shell, made, flags, { paths, diffs });
  tellSaved(shell, made, flags);
  return codeOf(made, flags.detailedExitcode && made.operations.length > 0 ? exit.pending : exit.done);
};
