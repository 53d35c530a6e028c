/** Whether every order in which a plan's graph may run is a good one: for room, for groups, and for VMs that start after others. */
import type { Op, Operation } from '../../kinds/plan.ts';
import { isVmOp } from '../../kinds/operations.ts';
import { uncovered, type FlowStep } from '../place/solver/flow-check.ts';
import { dims, growthOf, settle, whereabouts } from './holdings.ts';
import { hardGroups, holdingsOf, keysByUuid, type Step, type World } from './world.ts';

/** Numbers for places, and what is free at each at the start. */
class Places {
  private readonly numbers = new Map<string, number>();
  private readonly names: string[] = [];
  private readonly free: number[] = [];

  of(name: string, free: number): number {
    const known = this.numbers.get(name);
    if (known !== undefined) return known;
    this.numbers.set(name, this.free.length);
    this.names.push(name);
    return this.free.push(free) - 1;
  }

  freeAt(place: number): number {
    return this.free[place] ?? 0;
  }

  nameOf(place: number): string {
    return this.names[place] ?? '';
  }
}

/** vCPUs where the pool sets no limit: more than anybody has. */
const unlimited = 1e9;

/** Where some interleaving finds no room, or two of a group on one server; null: none does. */
export const unsafe = (steps: readonly Step[], world: World): string | null => {
  const holdings = holdingsOf(steps, world);
  const index = new Map(steps.map((s, i) => [s.o.id, i] as const));
  const places = new Places();
  const groups = hardGroups(world);
  const keys = keysByUuid(steps, world);
  const groupsOf = (uuid: string): readonly string[] => groups.get(keys.get(uuid) ?? '') ?? [];
  const members = new Map<string, number>();
  for (const [server, { held, free }] of holdings) {
    for (const dim of dims) places.of(`${server}: ${dim}`, Math.min(free[dim], dim === 'vcpus' ? unlimited : Infinity));
    if (groups.size === 0) continue;
    for (const uuid of held.memory.keys())
      for (const g of groupsOf(uuid)) members.set(`${server}\n${g}`, (members.get(`${server}\n${g}`) ?? 0) + 1);
  }
  const token = (server: string, group: string): number =>
    places.of(`${server}: group ${group}`, 1 - (members.get(`${server}\n${group}`) ?? 0));
  const flow = steps.map(({ o, ends }): FlowStep => {
    const takes: (readonly [number, number])[] = [];
    const gives: (readonly [number, number])[] = [];
    for (const [server, growth] of growthOf(ends, holdings))
      for (const dim of dims) {
        const place = places.of(`${server}: ${dim}`, 0);
        if (growth[dim] > 0) takes.push([place, growth[dim]]);
        if (growth[dim] < 0) gives.push([place, -growth[dim]]);
      }
    if (isVmOp(o.op)) {
      const { comes, goes } = whereabouts(ends, o.op.uuid, holdings);
      for (const g of groupsOf(o.op.uuid)) {
        for (const server of comes) takes.push([token(server, g), 1]);
        for (const server of goes) gives.push([token(server, g), 1]);
      }
    }
    settle(ends, holdings);
    return { needs: o.needs.flatMap((n) => index.get(n) ?? []), takes, gives };
  });
  const short = uncovered(flow, (place) => places.freeAt(place));
  return short && `${steps[short.step]?.o.id} may find too little room (${places.nameOf(short.place)})`;
};

/** Starts and stops that some interleaving would make in the wrong order. One that comes back need not be waited for with a stop. */
export const outOfOrder = (operations: readonly Operation[], { farm }: Pick<World, 'farm'>): readonly string[] => {
  const ties = farm.vms.filter((v) => v.after.length > 0);
  if (ties.length === 0) return [];
  const needs = new Map(operations.map((o) => [o.id, o.needs] as const));
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    (needs.get(from) ?? []).some((n) => n === to || (!seen.has(n) && reaches(n, to, seen.add(n))));
  const of = (vm: string, ...verbs: readonly Op['verb'][]): string | undefined =>
    verbs.map((verb) => `${vm}/${verb}`).find((id) => needs.has(id));
  return ties.flatMap(({ key: vm, after }) =>
    after.flatMap((other) => {
      const start = of(vm, 'start', 'restart');
      const up = of(other, 'start', 'restart');
      const first = up && (of(other, 'ready') ?? up);
      const [stop, last] = [up ? undefined : of(other, 'stop'), of(vm, 'stop')];
      return [
        ...(start && first && !reaches(start, first) ? [`${start} does not wait for ${first}`] : []),
        ...(stop && last && !reaches(stop, last) ? [`${stop} does not wait for ${last}`] : []),
      ];
    }),
  );
};
