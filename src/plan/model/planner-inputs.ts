/** What planning is given besides the farm: a toolstack, the version for the record, secrets, and the options that shape it. */
import type { PlanOptions } from '../../kinds/plan.ts';
import type { Secrets, Toolstack } from '../../kinds/toolstack.ts';

export interface Tools {
  readonly toolstack: Toolstack;
  /** Reeve's version, for markers and the document. */
  readonly version: string;
  /** Compared by digest; none of them reaches the plan. */
  readonly secrets: Secrets;
}

export const defaultOptions: PlanOptions = {
  targets: [],
  pools: [],
  cause: 'all',
  prune: false,
  pending: false,
  allow: [],
  takeover: [],
  deleteDisks: [],
  deleteData: [],
};
