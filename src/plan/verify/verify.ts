/**
 * An independent look at a finished plan. It knows the file, what was observed and the `effects` of the operations, and nothing of how
 * the plan was made. Refuses a plan that overfills a server, gives a disk two writers, starts a VM twice, brings two of one group
 * together, has too many VMs down at once, uses what is not there, or does not reach the goal: in the listed order, or in any other
 * that its graph allows.
 */
import { sameValue } from '../../core/digest.ts';
import type { Operation } from '../../kinds/plan.ts';
import { outOfOrder, unsafe } from './interleavings.ts';
import { outOfLane, tooManyDown } from './outages.ts';
import { replay } from './replay.ts';
import { stepsOf, type World } from './world.ts';

export interface Goal {
  readonly vm: string;
  readonly layer: 'configured' | 'running';
  readonly field: string;
  /** Undefined: the field must not be there. */
  readonly value: unknown;
}

/** Beyond so many the adversary's choice of the next operation takes too long; the proof by flow has no such limit. */
const mostEager = 400;

/** Everything that is wrong with the plan; empty for a good one. */
export const verify = (operations: readonly Operation[], goals: readonly Goal[], world: World): readonly string[] => {
  if (operations.length === 0 && goals.length === 0) return [];
  const ids = new Set(operations.map((o) => o.id));
  if (ids.size !== operations.length) return ['two operations have one id'];
  const steps = stepsOf(operations, world.overhead);
  const listed = replay(steps, world, false);
  if (typeof listed === 'string') return [listed];
  const adverse = steps.length <= mostEager ? replay(steps, world, true) : null;
  if (typeof adverse === 'string') return [adverse];
  const short = unsafe(steps, world);
  if (short !== null) return [short];
  const crowd = tooManyDown(steps, world);
  if (crowd !== null) return [crowd];
  const disorder = [...outOfOrder(operations, world), ...outOfLane(steps, world)];
  if (disorder.length > 0) return disorder;
  return goals.flatMap((g) => {
    const layer = listed.get(g.vm)?.[g.layer];
    if (layer === null || layer === undefined)
      return g.value === undefined ? [] : [`${g.vm} does not reach ${g.layer} ${g.field}`];
    return sameValue(layer[g.field], g.value) ? [] : [`${g.vm} does not reach ${g.layer} ${g.field}`];
  });
};
