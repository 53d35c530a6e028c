/**
 * An independent replay of a finished plan, by an adversary who runs what takes room as early and what gives it back
 * as late as the graph allows. Refuses a plan that overfills a server, gives a disk two writers, starts a VM twice,
 * uses what is not there, or does not reach the goal.
 */
import { sameValue } from '../core/digest.ts';
import type { Op, Operation } from '../kinds/plan.ts';
import { effectsOf, isVmOp } from '../kinds/operations.ts';
import { all, applyEffects, effects, viewOf, type Overhead } from '../kinds/vm/effects.ts';
import type { LiveVm } from '../kinds/vm/live.ts';
import type { Room } from './room.ts';
import type { Roof } from './parts.ts';
import { beneath } from './storage.ts';

export interface Goal {
  readonly vm: string;
  readonly layer: 'configured' | 'running';
  readonly field: string;
  /** Undefined: the field must not be there. */
  readonly value: unknown;
}

export interface World {
  readonly rooms: ReadonlyMap<string, Room>;
  /** By VM key. */
  readonly live: ReadonlyMap<string, LiveVm | null>;
  readonly overhead: Overhead;
  /** VM → those that it starts after, and stops before. */
  readonly ties: ReadonlyMap<string, readonly string[]>;
  /** By server: the repositories that the paths there lie in. */
  readonly roofs: ReadonlyMap<string, readonly Roof[]>;
}

interface State {
  free: number;
  readonly claims: Map<string, number>;
  readonly writers: Map<string, string>;
  /** Paths of repositories and images that may not be used, and the operation that opens them; null: none does. */
  readonly closed: Map<string, string | null>;
}

type Views = Map<string, ReturnType<typeof viewOf>>;

const memoryDelta = (o: Operation, s: State, overhead: Overhead): { delta: number; after: Map<string, number> } => {
  const after = new Map<string, number>();
  for (const e of effectsOf(o.op, overhead)) {
    if ((e.fx === 'claim' || e.fx === 'release') && e.dim === 'memory')
      after.set(e.key, e.fx === 'claim' ? e.amount : 0);
  }
  let delta = 0;
  for (const [key, amount] of after) delta += amount - (s.claims.get(key) ?? 0);
  return { delta, after };
};

/** What can be done to a VM that does not run. */
const withoutDomain: ReadonlySet<Op['verb']> = new Set([
  'start',
  'define',
  'autostart',
  'undefine',
  'forget',
  'release',
  'make-disk',
  'adopt-disk',
  'make-seed',
  'grow-disk',
]);

/** What forbids this operation in this state, or null; changes the state where nothing does. */
const run = (o: Operation, s: State, views: Views, overhead: Overhead): string | null => {
  const { op } = o;
  for (const e of effectsOf(op, overhead)) {
    if (e.fx !== 'needs' || e.ref.kind !== 'image') continue;
    const path = e.ref.name;
    const under = [...s.closed.keys()].find((closed) => path === closed || beneath(path, closed));
    if (under !== undefined) return `${o.id} uses ${path} before ${under} is there`;
  }
  if (!isVmOp(op)) {
    if (op.verb === 'detach-repository' || op.verb === 'remove-image') s.closed.set(op.path, null);
    return null;
  }
  const before = views.get(op.vm.name) ?? { configured: null, running: null };
  if (op.verb === 'start' && before.running && !op.clear) return `${o.id} starts a VM that runs already`;
  if (!withoutDomain.has(op.verb) && !before.running) {
    return `${o.id} works on a VM that does not run`;
  }
  if (op.verb === 'undefine' && before.running) return `${o.id} removes the cfg of a VM that runs`;
  if (op.verb === 'start' && !before.configured) return `${o.id} starts a VM that has no cfg`;
  const { delta, after } = memoryDelta(o, s, overhead);
  if (delta > 0 && delta > s.free) return `${o.id} overfills ${o.server} by ${delta - s.free} KiB`;
  s.free -= delta;
  for (const [key, amount] of after) s.claims.set(key, amount);
  for (const e of effects(op, overhead)) {
    if ((e.fx !== 'claim' && e.fx !== 'release') || e.dim !== 'disk-writer') continue;
    if (e.fx === 'release') {
      for (const [path, who] of s.writers)
        if (who === e.key && (e.at.name === all || e.at.name === path)) s.writers.delete(path);
    } else {
      const who = s.writers.get(e.at.name);
      if (who !== undefined && who !== e.key) return `${o.id} gives ${e.at.name} a second writer`;
      s.writers.set(e.at.name, e.key);
    }
  }
  views.set(op.vm.name, applyEffects(effects(op, overhead), before));
  return null;
};

const stateOf = (room: Room | undefined, roofs: readonly Roof[] = []): State => ({
  free: room?.free ?? 0,
  claims: new Map(room?.claims),
  writers: new Map(room?.writers),
  closed: new Map(
    roofs.flatMap((r) => (r.is === 'ready' ? [] : [[r.path, r.is === 'coming' ? r.after : null] as const])),
  ),
});

/** `eager`: growth first (the adversary); otherwise the listed order. Returns what is wrong, or the final views. */
const replay = (operations: readonly Operation[], world: World, eager: boolean): string | Views => {
  const states = new Map(
    [...world.rooms].map(([server, room]) => [server, stateOf(room, world.roofs.get(server))] as const),
  );
  const views: Views = new Map([...world.live].map(([vm, live]) => [vm, viewOf(live)] as const));
  const done = new Set<string>();
  const left = new Map(operations.map((o) => [o.id, o]));
  while (left.size > 0) {
    const ready = [...left.values()].filter((o) => o.needs.every((n) => done.has(n)));
    const weight = (o: Operation): number =>
      memoryDelta(o, states.get(o.server) ?? stateOf(undefined), world.overhead).delta;
    const next = eager ? ready.sort((a, b) => weight(b) - weight(a))[0] : ready[0];
    if (!next) return `the operations ${[...left.keys()].join(', ')} wait for each other or for what is not there`;
    const state = states.get(next.server);
    if (!state) return `${next.id} is on ${next.server}, which was not read`;
    const wrong = run(next, state, views, world.overhead);
    if (wrong !== null) return wrong;
    for (const { closed } of states.values()) for (const [path, by] of closed) if (by === next.id) closed.delete(path);
    done.add(next.id);
    left.delete(next.id);
  }
  return views;
};

/** Starts and stops that some interleaving would make in the wrong order. */
const outOfOrder = (operations: readonly Operation[], ties: World['ties']): readonly string[] => {
  if (ties.size === 0) return [];
  const needs = new Map(operations.map((o) => [o.id, o.needs] as const));
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    (needs.get(from) ?? []).some((n) => n === to || (!seen.has(n) && reaches(n, to, seen.add(n))));
  const of = (vm: string, verb: Op['verb']): string | undefined =>
    needs.has(`${vm}/${verb}`) ? `${vm}/${verb}` : undefined;
  return [...ties].flatMap(([vm, before]) =>
    before.flatMap((other) => {
      const [start, first] = [of(vm, 'start'), of(other, 'ready') ?? of(other, 'start')];
      const [stop, last] = [of(other, 'stop'), of(vm, 'stop')];
      return [
        ...(start && first && !reaches(start, first) ? [`${start} does not wait for ${first}`] : []),
        ...(stop && last && !reaches(stop, last) ? [`${stop} does not wait for ${last}`] : []),
      ];
    }),
  );
};

/** Everything that is wrong with the plan; empty for a good one. */
export const verify = (operations: readonly Operation[], goals: readonly Goal[], world: World): readonly string[] => {
  const ids = new Set(operations.map((o) => o.id));
  if (ids.size !== operations.length) return ['two operations have one id'];
  const listed = replay(operations, world, false);
  if (typeof listed === 'string') return [listed];
  const adverse = replay(operations, world, true);
  if (typeof adverse === 'string') return [adverse];
  const disorder = outOfOrder(operations, world.ties);
  if (disorder.length > 0) return disorder;
  return goals.flatMap((g) => {
    const layer = listed.get(g.vm)?.[g.layer];
    if (layer === null || layer === undefined)
      return g.value === undefined ? [] : [`${g.vm} does not reach ${g.layer} ${g.field}`];
    return sameValue(layer[g.field], g.value) ? [] : [`${g.vm} does not reach ${g.layer} ${g.field}`];
  });
};
