/** One run of a plan, operation by operation: in the listed order, or by an adversary who takes as early and gives back as late as may be. */
import type { Op } from '../../kinds/plan.ts';
import { isVmOp } from '../../kinds/operations.ts';
import { applyEffects, viewOf } from '../../kinds/vm/effects.ts';
import type { Roof } from '../model/path-availability.ts';
import { dims, growthOf, settle, writeDisks, type Holding } from './holdings.ts';
import { holdingsOf, type Step, type World } from './world.ts';

/** By VM key: both layers, as effects speak of them. */
export type Views = Map<string, ReturnType<typeof viewOf>>;

interface State {
  readonly holdings: ReadonlyMap<string, Holding>;
  readonly views: Views;
  /** By server: paths of repositories and images that may not be used, and the operation that opens them; null: none does. */
  readonly closed: ReadonlyMap<string, Map<string, string | null>>;
}

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
const usesTooEarly = ({ o, effects }: Step, { closed }: State): string | null => {
  for (const e of effects) {
    if (e.fx !== 'needs' || e.ref.kind !== 'image') continue;
    const path = e.ref.name;
    const under = [...(closed.get(e.on)?.keys() ?? [])].find((c) => path === c || path.startsWith(`${c}/`));
    if (under !== undefined) return `${o.id} uses ${path} before ${under} is there`;
  }
  return null;
};

const overfills = ({ o, ends }: Step, { holdings }: State): string | null => {
  for (const [server, growth] of growthOf(ends, holdings))
    for (const dim of dims) {
      const over = growth[dim] - (holdings.get(server)?.free[dim] ?? 0);
      if (growth[dim] > 0 && over > 0)
        return `${o.id} overfills ${server} by ${over} ${dim === 'memory' ? 'KiB' : 'vCPUs'}`;
    }
  return null;
};

/** What forbids this operation in this state, or null; changes the state where nothing does. */
const run = (step: Step, state: State): string | null => {
  const { o, ends, effects } = step;
  const { op } = o;
  const early = usesTooEarly(step, state);
  if (early !== null) return early;
  if (!isVmOp(op)) {
    if (op.verb === 'detach-repository' || op.verb === 'remove-image') state.closed.get(o.server)?.set(op.path, null);
    return null;
  }
  const before = state.views.get(op.vm.name) ?? { configured: null, running: null };
  const suspended = before.running?.['state'] === 'suspended';
  if (op.verb === 'start' && before.running && !op.clear) return `${o.id} starts a VM that runs already`;
  if (op.verb === 'resume' && before.running && !suspended) return `${o.id} resumes a VM that runs already`;
  if (!withoutDomain.has(op.verb) && (!before.running || suspended)) return `${o.id} works on a VM that does not run`;
  if (op.verb === 'undefine' && before.running) return `${o.id} removes the cfg of a VM that runs`;
  if (op.verb === 'start' && !before.configured) return `${o.id} starts a VM that has no cfg`;
  const wrong = overfills(step, state);
  if (wrong !== null) return wrong;
  settle(ends, state.holdings);
  const shared = writeDisks(effects, state.holdings);
  if (shared !== null) return `${o.id} gives ${shared} a second writer`;
  state.views.set(op.vm.name, applyEffects(effects, before));
  return null;
};

const closedBy = (roofs: readonly Roof[] = []): Map<string, string | null> =>
  new Map(roofs.flatMap((r) => (r.is === 'ready' ? [] : [[r.path, r.is === 'coming' ? r.after : null] as const])));

/** `eager`: growth first (the adversary); otherwise the listed order. Returns what is wrong, or the final views. */
export const replay = (steps: readonly Step[], world: World, eager: boolean): string | Views => {
  const holdings = holdingsOf(steps, world);
  const state: State = {
    holdings,
    views: new Map([...world.live].map(([vm, live]) => [vm, viewOf(live)] as const)),
    closed: new Map([...holdings.keys()].map((s) => [s, closedBy(world.roofs.get(s))] as const)),
  };
  const done = new Set<string>();
  const left = new Map(steps.map((s) => [s.o.id, s]));
  const isReady = ({ o }: Step): boolean => o.needs.every((n) => done.has(n));
  const weight = ({ ends }: Step): number =>
    [...growthOf(ends, holdings).values()].reduce((n, growth) => n + growth.memory, 0);
  const greediest = (): Step | undefined =>
    [...left.values()]
      .filter(isReady)
      .map((s) => [weight(s), s] as const)
      .sort(([a], [b]) => b - a)[0]?.[1];
  let at = 0;
  while (left.size > 0) {
    const next = eager ? greediest() : steps[at++];
    if (!next || !isReady(next))
      return `the operations ${[...left.keys()].join(', ')} wait for each other or for what is not there`;
    const { id, server } = next.o;
    if (!holdings.has(server)) return `${id} is on ${server}, which was not read`;
    const wrong = run(next, state);
    if (wrong !== null) return wrong;
    for (const closed of state.closed.values()) for (const [path, by] of closed) if (by === id) closed.delete(path);
    done.add(id);
    left.delete(id);
  }
  return state.views;
};
