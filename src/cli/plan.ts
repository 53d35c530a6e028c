/** `reeve plan`: what would be done, and what it costs. Changes nothing. */
import { shellWord } from '../core/shell-word.ts';
import { digestOf } from '../core/digest.ts';
import type { Plan } from '../kinds/plan.ts';
import { planJson } from '../report/plan-json.ts';
import { exit, type ExitCode } from './exit.ts';
import { load } from './load.ts';
import { planOptionsOf, type PlanFlags } from './options.ts';
import { readerOf, writePrivate } from './outside.ts';
import { checkNames, codeOf, planFarm, show } from './pipeline.ts';
import { heldByFileOnly, namedByFarm, secretsToCompare } from './secrets.ts';
import { say, type Shell } from './shell.ts';

export interface PlanCommandFlags extends PlanFlags {
  readonly detailedExitcode: boolean;
}

const mostNamed = 3;

/** `--out FILE`: told on standard error, since standard output may be the plan itself. */
export const save = async (shell: Shell, plan: Plan, path: string): Promise<void> => {
  await writePrivate(path, planJson(plan));
  const [first, ...rest] = heldByFileOnly(plan);
  if (first === undefined) {
    say(shell.err, `Saved. To do exactly this: reeve apply ${shellWord(path)} --expect ${digestOf(plan)}`);
    return;
  }
  const more =
    rest.length < mostNamed ? rest : [...rest.slice(0, mostNamed - 1), `${rest.length - mostNamed + 1} more`];
  say(
    shell.err,
    `Saved, to be read: reeve apply ${shellWord(path)} will refuse it, since no saved plan holds ${[first, ...more].join(', ')}. ` +
      'Apply the farm file itself; or write a text as ${file:PATH}, and serve the image under a URL without a query.',
  );
};

/** Loads, reads and plans, with a port that can only read. */
export const planOnly = async (shell: Shell, paths: readonly string[], flags: PlanFlags): Promise<Plan> => {
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
  show(shell, made, flags);
  if (flags.out !== undefined) await save(shell, made, flags.out);
  return codeOf(made, flags.detailedExitcode && made.operations.length > 0 ? exit.pending : exit.done);
};
