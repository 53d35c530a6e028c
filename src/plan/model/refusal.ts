/** What a plan says of a VM that it leaves alone, for a reason other than its budget. */
import type { Reason } from '../../core/reason.ts';
import { ref } from '../../core/ref.ts';
import type { Refusal } from '../../kinds/plan.ts';

/** `what`: what would have been done. */
export const refusal = (vm: string, what: string, { code, why, help }: Reason): Refusal => ({
  subject: ref('vm', vm),
  what,
  code,
  why,
  help,
  needs: null,
});
