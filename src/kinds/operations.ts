/** What an operation of any kind says of itself: whose it is, its name, its reason, its cost, its effects. */
import type { Disruption } from '../core/disruption.ts';
import type { Effect } from '../core/effect.ts';
import type { Ref } from '../core/ref.ts';
import * as image from './image/describe.ts';
import type { ImageOp } from './image/ops.ts';
import type { Op, Operation } from './plan.ts';
import * as repository from './repository/describe.ts';
import * as server from './server/describe.ts';
import type { ServerOp } from './server/ops.ts';
import * as vm from './vm/describe.ts';
import { effects as vmEffects, type Overhead } from './vm/effects.ts';
import type { VmOp } from './vm/ops.ts';

export const isVmOp = (op: Op): op is VmOp => 'vm' in op;

export const isImageOp = (op: Op): op is ImageOp => 'image' in op;

export const isServerOp = (op: Op): op is ServerOp => 'dom0' in op;

export const targetOf = (op: Op): Ref =>
  isVmOp(op) ? op.vm : isImageOp(op) ? op.image : isServerOp(op) ? op.dom0 : op.repository;

/** The other servers that it needs to be looked at. */
export const peersOf = (op: Op): readonly string[] => {
  if (isServerOp(op)) return 'peers' in op ? op.peers : [];
  if (op.verb === 'delete-disk') return op.peers;
  if (op.verb === 'define' || op.verb === 'restart') return op.record.keptOn === undefined ? [] : [op.record.keptOn];
  return op.verb === 'migrate' ? [op.peer] : op.verb === 'discard' ? [op.home] : [];
};

/** Unique within a plan, stable between plans. */
export const idOf = (op: Op): string =>
  isVmOp(op) ? vm.idOf(op) : isImageOp(op) ? image.idOf(op) : isServerOp(op) ? server.idOf(op) : repository.idOf(op);

export const reasonOf = (op: Op): string =>
  isVmOp(op)
    ? vm.reasonOf(op)
    : isImageOp(op)
      ? image.reasonOf(op)
      : isServerOp(op)
        ? server.reasonOf(op)
        : repository.reasonOf(op);

/** Both in ms; `downtimeMs` is how long a guest does not run. */
const estimateOf = (op: Op): { readonly ms: number; readonly downtimeMs: number } =>
  isVmOp(op)
    ? vm.estimateOf(op)
    : isImageOp(op)
      ? image.estimateOf(op)
      : isServerOp(op)
        ? server.estimateOf(op)
        : repository.estimateOf(op);

/** What it costs a VM that runs, or the bytes of one that is gone. */
const disruptionOf = (op: Op): Disruption => {
  if (isVmOp(op)) return vm.disruptionOf(op);
  const loses =
    (op.verb === 'delete-disk' && op.copied === null) || (op.verb === 'unmark-repository' && op.suspended > 0);
  return loses ? 'data-loss' : 'none';
};

/** VMs that go down on one server to come up on another. */
export const betweenOf = (ops: readonly Op[]): ReadonlySet<string> => {
  const down = new Set(ops.flatMap((op) => (op.verb === 'stop' && !op.ended ? [op.vm.name] : [])));
  return new Set(ops.flatMap((op) => (op.verb === 'start' && down.has(op.vm.name) ? [op.vm.name] : [])));
};

export type Cost = Pick<Operation, 'disruption' | 'estimate'>;

/** What an operation costs in its plan. */
export const costOf = (op: Op, between: ReadonlySet<string>): Cost => {
  const estimate = estimateOf(op);
  const disruption = disruptionOf(op);
  if (!isVmOp(op) || !between.has(op.vm.name) || (op.verb !== 'stop' && op.verb !== 'start'))
    return { disruption, estimate };
  return {
    disruption: op.verb === 'stop' ? 'restart' : disruption,
    estimate: { ms: estimate.ms, downtimeMs: estimate.ms },
  };
};

export const effectsOf = (op: Op, overhead: Overhead): readonly Effect[] =>
  isVmOp(op)
    ? vmEffects(op, overhead)
    : isImageOp(op)
      ? image.effects(op)
      : isServerOp(op)
        ? []
        : repository.effects(op);
