/** What planning is given besides the farm: a toolstack, the version for the record, and the options that shape it. */
import type { PlanOptions } from '../kinds/plan.ts';
import type { Toolstack } from '../kinds/toolstack.ts';

export interface Tools {
  readonly toolstack: Toolstack;
  /** Reeve's version, for markers and the document. */
  readonly version: string;
}

export const defaultOptions: PlanOptions = {
  targets: [],
  pools: [],
  cause: 'all',
  prune: false,
  pending: false,
  allow: [],
  takeover: [],
};
