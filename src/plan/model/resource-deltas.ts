/** What a list of operations takes and gives back on each server: the net of their effects, place by place. */
import type { Op } from '../../kinds/plan.ts';
import { effectsOf, isVmOp } from '../../kinds/operations.ts';
import type { Overhead } from '../../kinds/vm/effects.ts';
import type { Room } from './server-capacity.ts';

/** `memory` in KiB; `vcpus`. */
export interface Amounts {
  readonly memory: number;
  readonly vcpus: number;
}

/** Who claims what on one server by now; changed as operations are counted. */
export interface Claims {
  readonly memory: Map<string, number>;
  readonly vcpus: Map<string, number>;
}

export const claimsOf = (room: Room | undefined): Claims => ({
  memory: new Map(room?.claims),
  vcpus: new Map(room?.vcpus),
});

/** By server: what the operation adds there in the end; less than nothing where it gives back. */
export const deltasOf = (
  op: Op,
  claims: (server: string) => Claims | undefined,
  overhead: Overhead,
): ReadonlyMap<string, Amounts> => {
  const out = new Map<string, Amounts>();
  if (!isVmOp(op)) return out;
  // Of several effects on one key the last counts: a restart gives back and takes again.
  const last = new Map<string, { on: string; dim: 'memory' | 'vcpus'; key: string; amount: number }>();
  for (const e of effectsOf(op, overhead)) {
    if ((e.fx !== 'claim' && e.fx !== 'release') || e.dim === 'disk-writer') continue;
    const amount = e.fx === 'claim' ? e.amount : 0;
    last.set(`${e.on}\n${e.dim}\n${e.key}`, { on: e.on, dim: e.dim, key: e.key, amount });
  }
  for (const { on, dim, key, amount } of last.values()) {
    const at = claims(on)?.[dim];
    if (!at) continue;
    const more = amount - (at.get(key) ?? 0);
    at.set(key, amount);
    const known = out.get(on) ?? { memory: 0, vcpus: 0 };
    out.set(on, { ...known, [dim]: known[dim] + more });
  }
  return out;
};

/** What the operations of one VM add to one server in the end. */
export const netOf = (ops: readonly Op[], server: string, room: Room | undefined, overhead: Overhead): Amounts => {
  const claims = claimsOf(room);
  let memory = 0;
  let vcpus = 0;
  for (const op of ops) {
    const d = deltasOf(op, (s) => (s === server ? claims : undefined), overhead).get(server);
    memory += d?.memory ?? 0;
    vcpus += d?.vcpus ?? 0;
  }
  return { memory, vcpus };
};
