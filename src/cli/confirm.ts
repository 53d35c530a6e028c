/** What stands between a plan and carrying it out: the approved digest, and a person's yes. */
import { digestOf } from '../core/digest.ts';
import type { Plan } from '../kinds/plan.ts';
import { count } from '../report/text.ts';
import { exit, ExitError } from './exit.ts';
import type { Shell } from './shell.ts';

/** `--expect`: its form, before anything is read. */
export const checkDigest = (expected: string | undefined): void => {
  if (expected === undefined || /^sha256:[0-9a-f]{64}$/.test(expected)) return;
  throw new ExitError(
    exit.error,
    `--expect ${expected} is no digest`,
    'it is sha256: and 64 hex digits, as `reeve plan --out` prints it',
  );
};

/** Throws where the plan is not the one that was approved. */
export const checkApproved = (plan: Plan, expected: string | undefined): void => {
  if (expected === undefined || digestOf(plan) === expected) return;
  throw new ExitError(
    exit.stale,
    `this is not the plan that was approved: its digest is ${digestOf(plan)}`,
    'look at what is new, and approve that',
    'plan-not-approved',
  );
};

/** Throws where nobody can be asked, or the answer is not yes. */
export const confirm = async (shell: Shell, plan: Plan, yes: boolean): Promise<void> => {
  if (yes) return;
  if (!shell.ask) {
    throw new ExitError(
      exit.error,
      'nothing was changed: there is no terminal to ask at',
      'add --yes to apply without being asked',
      'not-confirmed',
    );
  }
  const n = plan.operations.length;
  const off = plan.fences.flatMap((f) => (f.off === null ? [] : [f.server]));
  const first = off.length === 0 ? '' : `, and power ${off.join(' and ')} off first unless down`;
  const answer = await shell.ask(
    `\nApply ${n === 1 ? 'this operation' : `these ${count(n, 'operation')}`}${first}? [y/N] `,
    false,
  );
  if (answer === null) throw new ExitError(exit.cancelled, 'nothing was changed', undefined, 'not-confirmed');
  if (!/^y(es)?$/i.test(answer.trim()))
    throw new ExitError(exit.error, 'nothing was changed', undefined, 'not-confirmed');
};
