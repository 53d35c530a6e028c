/** What stands between a plan and carrying it out: what was approved, and a person's yes. */
import { digestOf } from '../core/digest.ts';
import { approvalOf, beyond, parseApproval, type Approval } from '../kinds/approval.ts';
import type { Plan } from '../kinds/plan.ts';
import { count } from '../report/text.ts';
import { exit, ExitError } from './exit.ts';
import type { CommonFlags } from './options.ts';
import { loadPlan } from './saved-plan.ts';
import type { Shell } from './shell.ts';

/** What an approval holds a plan to: it is that very plan, or does no more than one that a person saw. */
export type Approved =
  | { readonly is: 'digest'; readonly digest: string }
  /** `farm`: of the plan that it was taken from; null: it was written as a text. */
  | { readonly is: 'class'; readonly approval: Approval; readonly farm: string | null };

interface ApprovalFlags extends CommonFlags {
  readonly expect?: string;
  readonly expectClass?: string;
}

/** `--expect` and `--expect-class`, before anything is read of the servers; null: neither. */
export const approvedOf = async (shell: Shell, flags: ApprovalFlags): Promise<Approved | null> => {
  const { expect, expectClass } = flags;
  if (expect !== undefined && expectClass !== undefined)
    throw new ExitError(exit.error, '--expect names one plan, and --expect-class many', 'give one of them');
  if (expect !== undefined) {
    if (/^sha256:[0-9a-f]{64}$/.test(expect)) return { is: 'digest', digest: expect };
    throw new ExitError(
      exit.error,
      `--expect ${expect} is no digest`,
      'it is sha256: and 64 hex digits, as `reeve plan --out` prints it',
    );
  }
  if (expectClass === undefined) return null;
  if (expectClass.endsWith('.json')) {
    const plan = await loadPlan(shell, expectClass, flags);
    return { is: 'class', approval: approvalOf(plan), farm: plan.farm };
  }
  const approval = parseApproval(expectClass);
  if (approval !== null) return { is: 'class', approval, farm: null };
  throw new ExitError(
    exit.error,
    `--expect-class ${expectClass} is no approval`,
    "it is the PLAN.json that was reviewed, or a text like 'restart=web-1 live=db-1,db-2', as the Markdown of a plan has it",
  );
};

const mostTold = 12;

/** Throws where the plan is not what was approved. */
export const checkApproved = (plan: Plan, approved: Approved | null): void => {
  if (approved === null) return;
  if (approved.is === 'digest') {
    if (digestOf(plan) === approved.digest) return;
    throw new ExitError(
      exit.stale,
      `this is not the plan that was approved: its digest is ${digestOf(plan)}`,
      'look at what is new, and approve that',
      'plan-not-approved',
    );
  }
  const over = [
    ...(approved.farm === null || approved.farm === plan.farm
      ? []
      : [`it is of farm ${plan.farm}, not of ${approved.farm}`]),
    ...beyond(approvalOf(plan), approved.approval),
  ];
  if (over.length === 0) return;
  const more = over.length > mostTold ? `; and ${over.length - mostTold} more` : '';
  throw new ExitError(
    exit.stale,
    `this plan does more than was approved: ${over.slice(0, mostTold).join('; ')}${more}`,
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
