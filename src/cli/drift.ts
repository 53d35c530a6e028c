/** `reeve drift`: what a hand changed since it was last applied, for a nightly job. Changes nothing. */
import { isDrift } from '../core/change.ts';
import type { Plan } from '../kinds/plan.ts';
import { exit, type ExitCode } from './exit.ts';
import type { PlanFlags } from './options.ts';
import { codeOf } from './pipeline.ts';
import { planOnly } from './plan.ts';
import { present, tellSaved } from './present.ts';
import type { Shell } from './shell.ts';

const drifted = (plan: Plan): boolean =>
  plan.operations.length > 0 || plan.vms.some((vm) => vm.changes.some((c) => isDrift(c.cause)));

/** Exit code 2 where there is drift, even where a part of it is refused; 4 where a part could not be read. */
export const drift = async (
  shell: Shell,
  paths: readonly string[],
  flags: Omit<PlanFlags, 'cause'>,
): Promise<ExitCode> => {
  const asked: PlanFlags = { ...flags, cause: 'drift' };
  const made = await planOnly(shell, paths, asked);
  await present(shell, made, asked, { paths });
  tellSaved(shell, made, asked);
  const code = codeOf(made, exit.done);
  return code !== exit.unread && drifted(made) ? exit.pending : code;
};
