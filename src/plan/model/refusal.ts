/** What a plan says of a VM that it leaves alone, for a reason other than its budget. */
import { ref } from '../../core/ref.ts';
import type { Refusal } from '../../kinds/plan.ts';

/** `what`: what would have been done; `help`: what would allow it. */
export const refusal = (vm: string, what: string, why: string, help: string | null): Refusal => ({
  subject: ref('vm', vm),
  what,
  why,
  help,
  needs: null,
});

export interface Bar {
  readonly why: string;
  readonly help: string;
}
