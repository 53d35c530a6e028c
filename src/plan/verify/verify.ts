/**
 * An independent replay of a finished plan, by an adversary who runs what takes room as early and what gives it back
 * as late as the graph allows. Refuses a plan that overfills a server, gives a disk two writers, starts a VM twice,
 * uses what is not there, or does not reach the goal.
 */
import { sameValue } from '../../core/digest.ts';
import type { Op, Operation } from '../../kinds/plan.ts';
import { effectsOf, isVmOp } from '../../kinds/operations.ts';
import { all, applyEffects, effects, viewOf, type Overhead } from '../../kinds/vm/effects.ts';
import type { LiveVm } from '../../kinds/vm/live.ts';
import { uncovered } from '../place/solver/flow-check.ts';
import type { Room } from '../model/server-capacity.ts';
import { type Roof, beneath } from '../model/path-availability.ts';
import { presence } from '../model/operation-graph.ts';
import { claimsOf, deltasOf, type Amounts, type Claims } from '../model/resource-deltas.ts';

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
  /** VM → the groups of which no two may be on one server; and where those VMs run that do. */
  readonly apart: ReadonlyMap<string, readonly string[]>;
  readonly where: ReadonlyMap<string, string>;
}

interface State {
  readonly claims: Claims;
  /** KiB, and vCPUs, beyond what is claimed. */
  free: Amounts;
  /** Disk path → who writes it. */
  readonly writers: Map<string, string>;
  /** Paths of repositories and images that may not be used, and the operation that opens them; null: none does. */
  readonly closed: Map<string, string | null>;
}

type Views = Map<string, ReturnType<typeof viewOf>>;
type States = ReadonlyMap<string, State>;

/** What can be done to a VM that does not run. */
const withoutDomain: ReadonlySet<Op['verb']> = new Set([
  'start',
  'resume',
  'discard',
  'activate',
  'deactivate',
  'unlease',
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

/** A path that is used before it is there. */
const usesTooEarly = (o: Operation, states: States, overhead: Overhead): string | null => {
  for (const e of effectsOf(o.op, overhead)) {
    if (e.fx !== 'needs' || e.ref.kind !== 'image') continue;
    const path = e.ref.name;
    const under = [...(states.get(e.on)?.closed.keys() ?? [])].find((c) => path === c || beneath(path, c));
    if (under !== undefined) return `${o.id} uses ${path} before ${under} is there`;
  }
  return null;
};

/** Takes and gives back room, or says on which server there is too little. */
const takesRoom = (o: Operation, states: States, overhead: Overhead): string | null => {
  for (const [server, d] of deltasOf(o.op, (s) => states.get(s)?.claims, overhead)) {
    const s = states.get(server);
    if (!s) continue;
    if (d.memory > 0 && d.memory > s.free.memory)
      return `${o.id} overfills ${server} by ${d.memory - s.free.memory} KiB`;
    if (d.vcpus > 0 && d.vcpus > s.free.vcpus) return `${o.id} overfills ${server} by ${d.vcpus - s.free.vcpus} vCPUs`;
    s.free = { memory: s.free.memory - d.memory, vcpus: s.free.vcpus - d.vcpus };
  }
  return null;
};

const takesDisks = (o: Operation, states: States, overhead: Overhead): string | null => {
  for (const e of effectsOf(o.op, overhead)) {
    if ((e.fx !== 'claim' && e.fx !== 'release') || e.dim !== 'disk-writer') continue;
    const writers = states.get(e.on)?.writers;
    if (!writers) continue;
    if (e.fx === 'release') {
      for (const [path, who] of writers)
        if (who === e.key && (e.at.name === all || e.at.name === path)) writers.delete(path);
    } else {
      const who = writers.get(e.at.name);
      if (who !== undefined && who !== e.key) return `${o.id} gives ${e.at.name} a second writer`;
      writers.set(e.at.name, e.key);
    }
  }
  return null;
};

/** What forbids this operation in this state, or null; changes the state where nothing does. */
const run = (o: Operation, states: States, views: Views, overhead: Overhead): string | null => {
  const { op } = o;
  const early = usesTooEarly(o, states, overhead);
  if (early !== null) return early;
  if (!isVmOp(op)) {
    if (op.verb === 'detach-repository' || op.verb === 'remove-image') states.get(o.server)?.closed.set(op.path, null);
    return null;
  }
  const before = views.get(op.vm.name) ?? { configured: null, running: null };
  const suspended = before.running?.['state'] === 'suspended';
  if (op.verb === 'start' && before.running && !op.clear) return `${o.id} starts a VM that runs already`;
  if (op.verb === 'resume' && before.running && !suspended) return `${o.id} resumes a VM that runs already`;
  if (!withoutDomain.has(op.verb) && (!before.running || suspended)) return `${o.id} works on a VM that does not run`;
  if (op.verb === 'undefine' && before.running) return `${o.id} removes the cfg of a VM that runs`;
  if (op.verb === 'start' && !before.configured) return `${o.id} starts a VM that has no cfg`;
  const wrong = takesRoom(o, states, overhead) ?? takesDisks(o, states, overhead);
  if (wrong !== null) return wrong;
  views.set(op.vm.name, applyEffects(effects(op, overhead), before));
  return null;
};

const stateOf = (room: Room, roofs: readonly Roof[] = []): State => ({
  claims: claimsOf(room),
  free: { memory: room.free, vcpus: room.freeVcpus },
  writers: new Map(room.writers),
  closed: new Map(
    roofs.flatMap((r) => (r.is === 'ready' ? [] : [[r.path, r.is === 'coming' ? r.after : null] as const])),
  ),
});

/** Beyond so many the adversary's choice of the next operation takes too long; the proof by flow has no such limit. */
const mostEager = 400;

/** `eager`: growth first (the adversary); otherwise the listed order. Returns what is wrong, or the final views. */
const replay = (operations: readonly Operation[], world: World, eager: boolean): string | Views => {
  const states = new Map([...world.rooms].map(([s, room]) => [s, stateOf(room, world.roofs.get(s))] as const));
  const views: Views = new Map([...world.live].map(([vm, live]) => [vm, viewOf(live)] as const));
  const done = new Set<string>();
  const left = new Map(operations.map((o) => [o.id, o]));
  const isReady = (o: Operation): boolean => o.needs.every((n) => done.has(n));
  const scratch = (s: string): Claims | undefined => {
    const c = states.get(s)?.claims;
    return c && { memory: new Map(c.memory), vcpus: new Map(c.vcpus) };
  };
  const weight = (o: Operation): number =>
    [...deltasOf(o.op, scratch, world.overhead).values()].reduce((n, d) => n + d.memory, 0);
  const greediest = (): Operation | undefined =>
    [...left.values()].filter(isReady).sort((a, b) => weight(b) - weight(a))[0];
  let at = 0;
  while (left.size > 0) {
    const next = eager ? greediest() : operations[at++];
    if (!next || !isReady(next))
      return `the operations ${[...left.keys()].join(', ')} wait for each other or for what is not there`;
    if (!states.has(next.server)) return `${next.id} is on ${next.server}, which was not read`;
    const wrong = run(next, states, views, world.overhead);
    if (wrong !== null) return wrong;
    for (const { closed } of states.values()) for (const [path, by] of closed) if (by === next.id) closed.delete(path);
    done.add(next.id);
    left.delete(next.id);
  }
  return views;
};

/** Numbers for places, and what is free at each at the start. */
class Places {
  private readonly numbers = new Map<string, number>();
  private readonly free: number[] = [];

  of(name: string, free: number): number {
    const known = this.numbers.get(name);
    if (known !== undefined) return known;
    this.numbers.set(name, this.free.length);
    return this.free.push(free) - 1;
  }

  freeAt(place: number): number {
    return this.free[place] ?? 0;
  }

  nameOf(place: number): string {
    return [...this.numbers].find(([, n]) => n === place)?.[0] ?? '';
  }
}

/** Where some interleaving finds no room, or two of a group on one server; null: none does. */
const unsafe = (operations: readonly Operation[], world: World): string | null => {
  const claims = new Map([...world.rooms].map(([s, room]) => [s, claimsOf(room)] as const));
  const index = new Map(operations.map((o, i) => [o.id, i] as const));
  const places = new Places();
  const members = new Map<string, number>();
  for (const [vm, groups] of world.apart) {
    const live = world.where.get(vm);
    for (const g of groups)
      if (live !== undefined) members.set(`${live}\n${g}`, (members.get(`${live}\n${g}`) ?? 0) + 1);
  }
  const token = (server: string, group: string): number =>
    places.of(`${server}: group ${group}`, 1 - (members.get(`${server}\n${group}`) ?? 0));
  const steps = operations.map((o) => {
    const takes: (readonly [number, number])[] = [];
    const gives: (readonly [number, number])[] = [];
    for (const [server, d] of deltasOf(o.op, (s) => claims.get(s), world.overhead)) {
      const room = world.rooms.get(server);
      const at = { memory: room?.free ?? 0, vcpus: Math.min(1e9, room?.freeVcpus ?? 0) };
      for (const dim of ['memory', 'vcpus'] as const) {
        const place = places.of(`${server}: ${dim}`, at[dim]);
        if (d[dim] > 0) takes.push([place, d[dim]]);
        if (d[dim] < 0) gives.push([place, -d[dim]]);
      }
    }
    const { comes, goes } = presence(o.op);
    for (const g of (isVmOp(o.op) ? world.apart.get(o.op.vm.name) : undefined) ?? []) {
      if (comes !== null) takes.push([token(comes, g), 1]);
      if (goes !== null) gives.push([token(goes, g), 1]);
    }
    return { needs: o.needs.flatMap((n) => index.get(n) ?? []), takes, gives };
  });
  const short = uncovered(steps, (place) => places.freeAt(place));
  return short && `${operations[short.step]?.id} may find too little room (${places.nameOf(short.place)})`;
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
  if (operations.length === 0 && goals.length === 0) return [];
  const ids = new Set(operations.map((o) => o.id));
  if (ids.size !== operations.length) return ['two operations have one id'];
  const listed = replay(operations, world, false);
  if (typeof listed === 'string') return [listed];
  const adverse = operations.length <= mostEager ? replay(operations, world, true) : null;
  if (typeof adverse === 'string') return [adverse];
  const short = unsafe(operations, world);
  if (short !== null) return [short];
  const disorder = outOfOrder(operations, world.ties);
  if (disorder.length > 0) return disorder;
  return goals.flatMap((g) => {
    const layer = listed.get(g.vm)?.[g.layer];
    if (layer === null || layer === undefined)
      return g.value === undefined ? [] : [`${g.vm} does not reach ${g.layer} ${g.field}`];
    return sameValue(layer[g.field], g.value) ? [] : [`${g.vm} does not reach ${g.layer} ${g.field}`];
  });
};
