/** How many VMs of a pool a plan may have down together, and whether two of one group, in any order that its graph allows. */
import { restartsAtOnce } from '../../kinds/farm.ts';
import { isVmOp } from '../../kinds/operations.ts';
import { applyEffects, viewOf } from '../../kinds/vm/effects.ts';
import { uncovered, type FlowStep } from '../place/solver/flow-check.ts';
import { hardGroups, type Step, type World } from './world.ts';

type Views = ReturnType<typeof viewOf>;

/** Of a VM that runs before and after: the step that takes it down, and the last that it is waited for with. */
interface Outage {
  readonly vm: string;
  readonly first: number;
  readonly last: number;
}

const runs = ({ running }: Views): boolean => running?.['state'] === 'running' || running?.['state'] === 'paused';

/** It is gone, or stands still in a file, at some moment of the step. */
const breaks = ({ effects }: Step): boolean =>
  effects.some(
    (e) =>
      e.fx === 'set' &&
      e.layer === 'running' &&
      ((e.field === '*' && e.value === null) || (e.field === 'state' && e.value === 'suspended')),
  );

/** Those that are brought back, step by step as listed; whoever is down at the end was meant to be. */
const outagesOf = (steps: readonly Step[], { live }: World): readonly Outage[] => {
  const views = new Map<string, Views>();
  const since = new Map<string, number>();
  const out: Outage[] = [];
  const latest = new Map<string, number>();
  steps.forEach((step, i) => {
    const { op } = step.o;
    if (!isVmOp(op)) return;
    const vm = op.vm.name;
    const before = views.get(vm) ?? viewOf(live.get(vm) ?? null);
    const after = applyEffects(step.effects, before);
    views.set(vm, after);
    if (runs(before) && breaks(step)) since.set(vm, i);
    const first = since.get(vm);
    const known = latest.get(vm);
    if (first !== undefined && runs(after)) {
      since.delete(vm);
      latest.set(vm, out.push({ vm, first, last: i }) - 1);
    } else if (op.verb === 'ready' && known !== undefined) {
      const outage = out[known];
      if (outage) out[known] = { ...outage, last: i };
    }
  });
  return out;
};

/** Where some interleaving takes down one too many; null: none does. */
export const tooManyDown = (steps: readonly Step[], world: World): string | null => {
  const outages = outagesOf(steps, world);
  if (outages.length < 2) return null;
  const index = new Map(steps.map((s, i) => [s.o.id, i] as const));
  const poolOf = new Map(world.farm.vms.map((v) => [v.key, v.pool] as const));
  const groups = hardGroups(world);
  const atOnce = restartsAtOnce(world.farm.policy);
  /** Pools, and groups. */
  const places = new Map<string, number>();
  const names: string[] = [];
  const placeOf = (name: string): number => {
    const known = places.get(name) ?? names.push(name) - 1;
    places.set(name, known);
    return known;
  };
  const takes = new Map<number, (readonly [number, number])[]>();
  const gives = new Map<number, (readonly [number, number])[]>();
  const more = (list: typeof takes, i: number, place: number): void => {
    list.set(i, [...(list.get(i) ?? []), [place, 1]]);
  };
  for (const { vm, first, last } of outages)
    for (const name of [`pool ${poolOf.get(vm) ?? ''}`, ...(groups.get(vm) ?? []).map((g) => `group ${g}`)]) {
      more(takes, first, placeOf(name));
      more(gives, last, placeOf(name));
    }
  const flow = steps.map((s, i): FlowStep => ({
    needs: s.o.needs.flatMap((n) => index.get(n) ?? []),
    takes: takes.get(i) ?? [],
    gives: gives.get(i) ?? [],
  }));
  const short = uncovered(flow, (place) => (names[place]?.startsWith('pool ') ? atOnce : 1));
  return short && `${steps[short.step]?.o.id} may take down one VM too many of ${names[short.place]}`;
};

/** Outages of one pool that one lane does not hold: where one fails, the others would go on. */
export const outOfLane = (steps: readonly Step[], world: World): readonly string[] => {
  const poolOf = new Map(world.farm.vms.map((v) => [v.key, v.pool] as const));
  const byPool = new Map<string, Outage[]>();
  for (const o of outagesOf(steps, world)) {
    const pool = poolOf.get(o.vm) ?? '';
    byPool.set(pool, [...(byPool.get(pool) ?? []), o]);
  }
  return [...byPool.values()].flatMap((list) => {
    const lane = steps[list[0]?.first ?? -1]?.o.lane ?? null;
    const held = (i: number): boolean => lane !== null && steps[i]?.o.lane === lane;
    const loose = list.length < 2 ? [] : list.filter((o) => !held(o.first) || !held(o.last));
    return loose.map((o) => `${steps[o.first]?.o.id} is in no lane with the others of its pool`);
  });
};
