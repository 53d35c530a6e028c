/** `reeve plan`: what would be done, and what it costs. Changes nothing. */
import type { Plan } from '../kinds/plan.ts';
import { exit, type ExitCode } from './exit.ts';
import { load } from './load.ts';
import { planOptionsOf, type MakeFlags, type PlanFlags } from './options.ts';
import { readerOf } from './outside.ts';
import { checkNames, codeOf, planFarm } from './pipeline.ts';
import { present, tellSaved } from './present.ts';
import { namedByFarm, secretsToCompare } from './secrets.ts';
import type { Shell } from './shell.ts';

export interface PlanCommandFlags extends PlanFlags {
  readonly detailedExitcode: boolean;
}

/** Loads, reads and plans, with a port that can only read. */
export const planOnly = async (shell: Shell, paths: readonly string[], flags: MakeFlags): Promise<Plan> => {
  const farm = await load(shell, paths, flags);
  const options = planOptionsOf(flags);
  checkNames(farm, options, shell);
  const reader = await readerOf(shell, farm, flags);
  try {
    const secrets = await secretsToCompare(shell, namedByFarm(farm, options));
    return await planFarm(shell, farm, options, reader, secrets, flags);
  } finally {
    await reader.close();
  }
};

export const plan = async (shell: Shell, paths: readonly string[], flags: PlanCommandFlags): Promise<ExitCode> => {
  const made = await planOnly(shell, paths, flags);
  await present(shell, made, flags, { paths });
  tellSaved(shell, made, flags);
  return codeOf(made, flags.detailedExitcode && made.operations.length > 0 ? exit.pending : exit.done);
};
