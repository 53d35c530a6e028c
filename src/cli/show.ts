/** `reeve show PLAN.json`: a saved plan as a person reads it, checked as `apply` checks it. No network. */
import { digestOf } from '../core/digest.ts';
import { renderOperations } from '../report/saved-plan.ts';
import { xl } from '../toolstacks/xl/index.ts';
import { exit, type ExitCode } from './exit.ts';
import { formatOf, type ShowFlags } from './options.ts';
import { howToApply, present, type From } from './present.ts';
import { loadPlan } from './saved-plan.ts';
import { lookOf, say, type Shell } from './shell.ts';

/** Throws an `ExitError` (3) for a file that `apply` would refuse. */
export const showPlan = async (shell: Shell, path: string, flags: ShowFlags): Promise<ExitCode> => {
  const plan = await loadPlan(shell, path, flags);
  const from: From = { paths: null, saved: path };
  await present(shell, plan, flags, from);
  if (formatOf(flags) !== 'text' || plan.operations.length === 0) return exit.done;
  const look = lookOf(shell, shell.out, flags.color);
  if (flags.commands) shell.out.write(renderOperations(plan, digestOf(plan), (op) => xl.commands(op), look));
  shell.out.write('\n');
  const how = howToApply(plan, from);
  say(shell.out, how === null ? 'Only its farm file can carry it out.' : `To do exactly this: ${how}`);
  return exit.done;
};
