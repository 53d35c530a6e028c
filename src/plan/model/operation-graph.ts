/** operation graph. */
import type { Op } from '../../kinds/plan.ts';

/** An operation and one that it waits for. */
export type Edge = readonly [id: string, needs: string];

export interface Node {
  readonly id: string;
  readonly op: Op;
}

/** One VM's operations, in the order in which they must run. */
export type Chain = readonly Node[];

/** Where an operation brings its VM to run, and whence it takes it. */
export const presence = (op: Op): { readonly comes: string | null; readonly goes: string | null } => {
  if (op.verb === 'start' || op.verb === 'resume') return { comes: op.server, goes: null };
  if (op.verb === 'stop' || op.verb === 'suspend') return { comes: null, goes: op.server };
  return op.verb === 'migrate' ? { comes: op.peer, goes: op.server } : { comes: null, goes: null };
};
