/** Who may run beside whom: a task waits for a turn at each of its limits, and holds them all while it runs. */
import PQueue from 'p-queue';
import { isImageOp, isVmOp } from '../kinds/operations.ts';
import type { Operation } from '../kinds/plan.ts';

/** `key`: what is shared; `width`: how many may hold it at once. */
export interface Limit {
  readonly key: string;
  readonly width: number;
}

export type Turns = <T>(limits: readonly Limit[], task: () => Promise<T>) => Promise<T>;

/**
 * Beside each other on one server. sshd allows ten sessions on a connection, and the lock and a reading take one each.
 */
const perServer = 8;

/** What comes to a server races for dom0's memory and loads it most, and so does what leaves one: they take turns. */
const comesTo = ({ op, server }: Operation): string | null => {
  if (op.verb === 'start' || op.verb === 'restart' || op.verb === 'resume') return server;
  return op.verb === 'migrate' ? op.peer : null;
};
const leaves = ({ op }: Operation): boolean => op.verb === 'migrate' || op.verb === 'suspend';

/** Waiting for guests to come up takes minutes, and a connection now and then: it keeps nobody from the server. */
const probesPerServer = 4;

/** Downloads and copies into one repository load it and its network: few at a time. */
const copiesPerStore = 2;

/** The stores that an operation copies into. */
const fillsOf = ({ op, server }: Operation): readonly string[] => {
  if (op.verb === 'fetch-image') return [`copies ${op.repository ?? server}`];
  const copies = op.verb === 'restart' ? op.copies : op.verb === 'make-disk' && op.from ? [op] : [];
  return [...new Set(copies.map((c) => `copies ${c.repository}`))].sort();
};

/** Narrow before wide, in this order for every operation: nobody waits in a circle, nor takes a server's turn while it waits. */
export const limitsOf = (o: Operation): readonly Limit[] => [
  ...(isVmOp(o.op)
    ? [{ key: `vm ${o.op.uuid}`, width: 1 }]
    : isImageOp(o.op)
      ? []
      : [{ key: `storage ${o.server}`, width: 1 }]),
  ...(leaves(o) ? [{ key: `leave ${o.server}`, width: 1 }] : []),
  ...(comesTo(o) === null ? [] : [{ key: `create ${comesTo(o)}`, width: 1 }]),
  ...fillsOf(o).map((key) => ({ key, width: copiesPerStore })),
  o.op.verb === 'ready'
    ? { key: `ready ${o.server}`, width: probesPerServer }
    : { key: `server ${o.server}`, width: perServer },
];

export const takeTurns = (): Turns => {
  const queues = new Map<string, PQueue>();
  const queueOf = ({ key, width }: Limit): PQueue => {
    const queue = queues.get(key) ?? new PQueue({ concurrency: width });
    queues.set(key, queue);
    return queue;
  };
  const turns: Turns = async (limits, task) => {
    const [first, ...rest] = limits;
    return first ? queueOf(first).add(() => turns(rest, task)) : task();
  };
  return turns;
};
