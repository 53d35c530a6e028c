/** What the verifier starts from: the file, what was observed, and the operations with their effects. */
import type { Effect } from '../../core/effect.ts';
import type { Farm } from '../../kinds/farm.ts';
import { effectsOf, isVmOp } from '../../kinds/operations.ts';
import type { Operation } from '../../kinds/plan.ts';
import { seenOn, type Observed } from '../../kinds/server/live.ts';
import type { Overhead } from '../../kinds/vm/effects.ts';
import type { LiveVm } from '../../kinds/vm/live.ts';
import type { Matched } from '../match/match.ts';
import type { Roof } from '../model/path-availability.ts';
import { endsOf, holdingOf, type End, type Holding } from './holdings.ts';

export interface World {
  readonly farm: Pick<Farm, 'name' | 'pools' | 'vms' | 'policy'>;
  readonly observed: Observed;
  readonly matched: Pick<Matched, 'of' | 'left'>;
  /** By VM key. */
  readonly live: ReadonlyMap<string, LiveVm | null>;
  readonly overhead: Overhead;
  /** By server: the repositories that the paths there lie in. */
  readonly roofs: ReadonlyMap<string, readonly Roof[]>;
}

/** An operation with all that the verifier asks of its effects. */
export interface Step {
  readonly o: Operation;
  readonly effects: readonly Effect[];
  readonly ends: readonly End[];
}

export const stepsOf = (operations: readonly Operation[], overhead: Overhead): readonly Step[] =>
  operations.map((o) => {
    const effects = effectsOf(o.op, overhead);
    return { o, effects, ends: endsOf(effects) };
  });

/** Of the servers that the steps have to do with, those that were read. */
export const holdingsOf = (steps: readonly Step[], world: World): ReadonlyMap<string, Holding> => {
  const names = new Set(steps.flatMap((s) => [s.o.server, ...s.effects.flatMap((e) => ('on' in e ? [e.on] : []))]));
  const overcommit = new Map(world.farm.pools.flatMap((p) => p.servers.map((s) => [s.name, p.overcommit.vcpus])));
  return new Map(
    [...names].flatMap((name) => {
      const seen = seenOn(world.observed, name);
      return seen ? [[name, holdingOf(seen, world.overhead, overcommit.get(name))] as const] : [];
    }),
  );
};

/** By VM key: the groups of which no two may be on one server; a soft one is a wish only. */
export const hardGroups = ({ farm }: World): ReadonlyMap<string, readonly string[]> =>
  new Map(
    farm.vms.flatMap((v) => {
      const hard = v.apart.flatMap((a) => (a.soft ? [] : [`${v.pool}/${a.group}`]));
      return hard.length === 0 ? [] : [[v.key, hard] as const];
    }),
  );

/** UUID → VM key, of all that the file has, whether the plan touches them or not. */
export const keysByUuid = (steps: readonly Step[], { farm, matched }: World): ReadonlyMap<string, string> =>
  new Map([
    ...matched.left.flatMap((f) =>
      f.uuid !== null && f.marker?.farm === farm.name ? [[f.uuid, f.marker.vm] as const] : [],
    ),
    ...[...matched.of].flatMap(([key, m]) =>
      m.is === 'matched' && m.found.uuid !== null ? [[m.found.uuid, key] as const] : [],
    ),
    ...steps.flatMap(({ o: { op } }) => (isVmOp(op) ? [[op.uuid, op.vm.name] as const] : [])),
  ]);
