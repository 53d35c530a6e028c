/** What `reeve explain` tells of one VM. */
import type { Way } from '../core/change.ts';
import type { PlanVm, Refusal } from './plan.ts';

export interface Account {
  readonly key: string;
  readonly pool: string;
  /** Where it is; null: nowhere. */
  readonly server: string | null;
  readonly running: boolean;
  /** By which it was found: a given UUID, its marker, or its name. */
  readonly found: string | null;
  readonly cfg: string | null;
  /** Every server of its pool, and what keeps the VM from it; null: nothing does. */
  readonly servers: readonly { readonly name: string; readonly lacks: string | null }[];
  /** Why it cannot stay where it is, where that is so. */
  readonly leaves: string | null;
  /** Why it may not be moved, where that is so. */
  readonly stays: string | null;
  /** What this plan would do to it. */
  readonly planned: PlanVm | null;
  readonly refused: readonly Refusal[];
  /** What changing each field of the running VM costs, all ways, the cheapest first. */
  readonly costs: readonly { readonly field: string; readonly ways: readonly Way[] }[];
}
