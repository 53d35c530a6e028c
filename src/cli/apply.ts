/** `reeve apply`: plan, show, ask, and carry out; or carry out a saved plan as it was reviewed. */
import { digestOf } from '../core/digest.ts';
import type { Plan } from '../kinds/plan.ts';
import { renderOperations } from '../report/saved-plan.ts';
import { xl } from '../toolstacks/xl/index.ts';
import { carryOut } from './carry-out.ts';
import { approvedOf, checkApproved, confirm, type Approved } from './confirm.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import { load } from './load.ts';
import { originOf } from './origin.ts';
import { formatOf, planOptionsOf, type PlanFlags } from './options.ts';
import { controlOf } from './outside.ts';
import { checkNames, codeOf, planFarm } from './pipeline.ts';
import { present } from './present.ts';
import { isPlanFile, loadPlan, serversOf } from './saved-plan.ts';
import { namedByFarm, namedByPlan, secretsToWrite } from './secrets.ts';
import { lookOf, type Output, type Shell } from './shell.ts';
import { waitingFor } from './waiting.ts';

export interface ApplyFlags extends PlanFlags {
  readonly yes: boolean;
  readonly expect?: string;
  readonly expectClass?: string;
  readonly events?: string;
  /** ms */
  readonly wait?: number;
}

/** In another form than text, standard output is the plan and nothing else. */
const outputOf = (shell: Shell, flags: ApplyFlags): Output => (formatOf(flags) === 'text' ? shell.out : shell.err);

/** How often a plan that is stale when its servers are held is made anew; a farm that changes faster is not ours alone. */
const mostPlans = 3;

const fromFarm = async (
  shell: Shell,
  paths: readonly string[],
  flags: ApplyFlags,
  approved: Approved | null,
): Promise<ExitCode> => {
  const farm = await load(shell, paths, flags);
  const origin = originOf(shell, paths);
  const options = planOptionsOf(flags);
  checkNames(farm, options, shell);
  const secrets = await secretsToWrite(shell, namedByFarm(farm, options));
  const control = controlOf(
    shell,
    farm.pools.flatMap((p) => p.servers),
  );
  try {
    for (let tries = 1; ; tries++) {
      const source = { ...flags, waited: waitingFor(shell, control) };
      const plan = await planFarm(shell, farm, options, control, secrets, source);
      await present(shell, plan, flags, { paths });
      checkApproved(plan, approved);
      if (plan.operations.length === 0) return codeOf(plan, exit.done);
      await confirm(shell, plan, flags.yes);
      const code = await carryOut(
        shell,
        plan,
        { control, secrets, origin },
        { ...flags, from: paths },
        outputOf(shell, flags),
      );
      if (code !== exit.stale || approved?.is === 'digest' || tries === mostPlans) {
        return code === exit.done ? codeOf(plan, code) : code;
      }
      // What an earlier run left running has ended by now, and may be what made the difference.
      outputOf(shell, flags).write('\nPlanning anew.\n\n');
    }
  } finally {
    await control.close();
  }
};

const fromPlan = async (
  shell: Shell,
  path: string,
  flags: ApplyFlags,
  approved: Approved | null,
): Promise<ExitCode> => {
  const plan: Plan = await loadPlan(shell, path, flags);
  checkApproved(plan, approved);
  await present(shell, plan, flags, { paths: null, saved: path });
  if (plan.operations.length === 0) return codeOf(plan, exit.done);
  const look = lookOf(shell, shell.out, flags.color);
  shell.out.write(renderOperations(plan, digestOf(plan), (op) => xl.commands(op), look));
  const secrets = await secretsToWrite(shell, namedByPlan(plan));
  await confirm(shell, plan, flags.yes);
  const control = controlOf(shell, serversOf(plan, path));
  const origin = Promise.resolve({ commit: null, dirty: false, plan: digestOf(plan) });
  try {
    const code = await carryOut(shell, plan, { control, secrets, origin }, flags, outputOf(shell, flags));
    return code === exit.done ? codeOf(plan, code) : code;
  } finally {
    await control.close();
  }
};

/** `given`: the options that were written, to refuse those that a saved plan does not take. */
export const apply = async (
  shell: Shell,
  paths: readonly string[],
  flags: ApplyFlags,
  given: readonly string[],
): Promise<ExitCode> => {
  const approved = await approvedOf(shell, flags);
  if (!isPlanFile(paths)) return fromFarm(shell, paths, flags, approved);
  const [path] = paths;
  if (path === undefined || paths.length > 1) {
    throw new ExitError(exit.error, 'a saved plan is applied alone', 'name one PLAN.json and no other path');
  }
  const extra = given.find((name) => !['yes', 'expect', 'expectClass', 'events', 'wait', 'color'].includes(name));
  if (extra !== undefined) {
    throw new ExitError(
      exit.error,
      `a saved plan is done as it was reviewed: it does not take --${extra}`,
      'it takes --yes, --expect, --wait and --events; make a new plan for anything else',
    );
  }
  return fromPlan(shell, path, flags, approved);
};
