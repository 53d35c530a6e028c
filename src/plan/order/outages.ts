/** The VMs that a plan takes down and brings back, whatever takes them down: a restart, a cold move, a suspension on the way. */
import { isVmOp } from '../../kinds/operations.ts';
import type { Op } from '../../kinds/plan.ts';
import type { Chain } from '../model/operation-graph.ts';

/** One VM's time down, as the operations of its chain. */
export interface Outage {
  readonly vm: string;
  /** The operation that takes it down. */
  readonly first: string;
  /** Until this has been done it does not count as back. */
  readonly last: string;
  /** From the first to the last, with what is done to it in between. */
  readonly within: readonly string[];
  /** Of those, what takes it down, brings it back and waits for it. */
  readonly told: readonly string[];
}

const goesDown = (op: Op): boolean =>
  op.verb === 'restart' || op.verb === 'suspend' || (op.verb === 'stop' && !op.ended);
const comesBack = (op: Op): boolean => op.verb === 'restart' || op.verb === 'start' || op.verb === 'resume';

/** Null: it stays up, stays down, or was down already. */
export const outageOf = (chain: Chain): Outage | null => {
  const from = chain.findIndex((n) => goesDown(n.op));
  const back = chain.findIndex((n, i) => i >= from && comesBack(n.op));
  const [first, up] = [chain[from], chain[back]];
  if (!first || !up || !isVmOp(first.op)) return null;
  const ready = chain.findIndex((n, i) => i > back && n.op.verb === 'ready');
  const last = chain[ready] ?? up;
  const within = chain.slice(from, Math.max(back, ready) + 1).map((n) => n.id);
  return {
    vm: first.op.vm.name,
    first: first.id,
    last: last.id,
    within,
    told: [...new Set([first.id, up.id, last.id])],
  };
};
