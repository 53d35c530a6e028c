/** Placing the VMs of one pool: from what was decided of each to where each goes, in which order, and why some cannot. */
import type { ServerSpec } from '../../kinds/server/spec.ts';
import type { VmConfig, VmSpec } from '../../kinds/vm/spec.ts';
import { breedOf } from '../model/live-migration-compat.ts';
import { barredAlive, bodiesOf, holdsVms, keepsVms, lackThere, needsKey } from './workloads.ts';
import type { Body, PoolScene } from './workload.ts';
import type { Decision } from '../decide/decide.ts';
import { movesIn, solve, standingStill, type Solution } from './solver/index.ts';
import { moveBy, serverSet, type MoveStep, type Problem, type ServerSet, type Unmet } from './solver/problem.ts';
import { lacking, type Lacking } from './solver/n-plus-one.ts';
import { wrongWith } from './solver/verify-moves.ts';
import { oncePer } from '../model/memoize.ts';
import { companyOf, keptTogether, loosened, softLayers, type Layers, type Standing } from './soft-groups.ts';

export interface Fresh {
  readonly spec: VmSpec;
  readonly uuid: string;
  readonly config: VmConfig;
  /** KiB by repository that each server has for itself. */
  readonly space: ReadonlyMap<string, number>;
}

/** What came of placing one pool. */
export interface PoolPlan {
  readonly scene: PoolScene;
  readonly bodies: readonly Body[];
  /** Names of the servers, by index. */
  readonly servers: readonly string[];
  /** Repositories that each server has for itself and that somebody needs space in: dimensions beyond memory and vCPUs. */
  readonly stores: readonly string[];
  readonly problem: Problem;
  readonly solution: Solution;
  /** A loss that the pool does not survive once all is done. */
  readonly lacking: Lacking | null;
}

/** Where nobody told how much there is: more than anybody has. */
const unlimited = 1e15;

/** `keyOf`: by what its members know a group; null: it does not count. */
const groupsBy = (
  bodies: readonly Body[],
  keyOf: (vm: number, group: string, soft: boolean) => string | null,
): Pick<Problem, 'groups' | 'groupsFrom'> => {
  const index = new Map<string, number>();
  const from = new Int32Array(bodies.length + 1);
  const list = bodies.flatMap((b, v) => {
    const mine = (b.known?.apart ?? []).flatMap((a) => {
      const key = keyOf(v, a.group, a.soft);
      if (key === null) return [];
      const i = index.get(key) ?? index.size;
      index.set(key, i);
      return [i];
    });
    from[v + 1] = (from[v] ?? 0) + mine.length;
    return mine;
  });
  return { groups: Int32Array.from(list), groupsFrom: from };
};

const problemOf = (
  scene: PoolScene,
  bodies: readonly Body[],
  servers: readonly string[],
  stores: readonly string[],
  layers: Layers,
): { readonly problem: Problem; readonly losing: () => Problem } => {
  const dims = 2 + stores.length;
  const indexOf = new Map(servers.map((s, i) => [s, i] as const));
  const spec = new Map(scene.pool.servers.map((s) => [s.name, s] as const));
  const room = new Float64Array(servers.length * dims);
  const amounts = (pick: (b: Body) => Body['now'], spaces: boolean): Float64Array => {
    const out = new Float64Array(bodies.length * dims);
    bodies.forEach((b, v) => {
      const { memory, vcpus } = pick(b);
      out[v * dims] = memory;
      out[v * dims + 1] = vcpus;
      if (spaces) stores.forEach((r, d) => (out[v * dims + 2 + d] = b.space.get(r) ?? 0));
    });
    return out;
  };
  // Where the pool sets no limit to vCPUs: more than anybody has.
  servers.forEach((s, i) => {
    const r = scene.rooms.get(s);
    room[i * dims] = r?.free ?? 0;
    room[i * dims + 1] = Math.min(1e9, r?.freeVcpus ?? 0);
    stores.forEach((store, d) => (room[i * dims + 2 + d] = scene.freeIn(s, store) ?? unlimited));
  });
  for (const b of bodies) {
    const i = indexOf.get(b.server ?? '');
    if (i === undefined) continue;
    room[i * dims] = (room[i * dims] ?? 0) + b.now.memory;
    room[i * dims + 1] = (room[i * dims + 1] ?? 0) + b.now.vcpus;
  }
  const sets: ServerSet[] = [];
  const known = new Map<string, number>();
  const setOf = (key: string, list: () => readonly number[]): number => {
    const found = known.get(key);
    if (found !== undefined) return found;
    known.set(key, sets.length);
    return sets.push(serverSet(list(), servers.length)) - 1;
  };
  const at = Int32Array.from(bodies, (b) => indexOf.get(b.server ?? '') ?? -1);
  const named = ({ known }: Body): number => {
    const list = known?.servers ?? [];
    return list.length === 0 ? -1 : setOf(list.join(' '), () => list.flatMap((s) => indexOf.get(s) ?? []));
  };
  const wanted = Int32Array.from(bodies, (b, v) => {
    if (b.stays && b.server === null) return setOf(`only ${b.prefers}`, () => [indexOf.get(b.prefers ?? '') ?? 0]);
    return b.spec ? named(b) : setOf(`only ${at[v]}`, () => [at[v] ?? 0]);
  });
  const anyRoofs = servers.map((s) => scene.roofs.get(s) ?? []).find((r) => r.length > 0) ?? [];
  const breeds = new Map<string, number>();
  const breed = new Map(
    servers.map((s) => {
      const seen = scene.seenOf(s);
      const text = seen ? breedOf(seen) : '';
      breeds.set(text, breeds.get(text) ?? breeds.size);
      return [s, breeds.get(text)] as const;
    }),
  );
  const mixed = breeds.size > 1;
  /** `runs`: for one that goes there as it runs; else for one that boots there. */
  const ables = (runs: boolean): Int32Array =>
    Int32Array.from(bodies, (b) => {
      if (!b.config || servers.length === 1 || (runs && b.move === moveBy.never)) return -1;
      const { config } = b;
      const alive = runs && mixed && b.move === moveBy.live;
      const from = alive ? `${breed.get(b.server ?? '')} ${b.masked.join(' ')}` : '';
      return setOf(`able ${from} ${needsKey(config, anyRoofs)}`, () =>
        servers.flatMap((s, i) =>
          lackThere(config, s, scene) === null && (!alive || barredAlive(b, s, scene) === null) ? [i] : [],
        ),
      );
    });
  const where = (holds: (s: ServerSpec) => boolean) =>
    Uint8Array.from(servers, (s) => {
      const x = spec.get(s);
      return x && holds(x) && scene.seenOf(s) ? 1 : 0;
    });
  const problem: Problem = {
    servers: servers.length,
    vms: bodies.length,
    dims,
    room,
    open: where(holdsVms),
    keeps: where(keepsVms),
    at,
    runs: Uint8Array.from(bodies, (b) => (b.runs ? 1 : 0)),
    now: amounts((b) => b.now, false),
    next: amounts((b) => b.next, true),
    wanted,
    able: ables(true),
    sets,
    prefers: Int32Array.from(bodies, (b) => indexOf.get(b.prefers ?? '') ?? -1),
    move: Uint8Array.from(bodies, (b) => b.move),
    suspend: Uint8Array.from(bodies, (b) => (b.suspend ? 1 : 0)),
    ...groupsBy(bodies, (v, group) => `${group}\n${layers.get(v)?.get(group) ?? 0}`),
  };
  // Whose server is lost boots on another: there it need not have run on, and whatever this run plans; with whom of a soft group, too.
  const losing = (): Problem => ({
    ...problem,
    wanted: Int32Array.from(bodies, named),
    able: ables(false),
    move: Uint8Array.from(bodies, (b) => (b.returns ? moveBy.cold : moveBy.never)),
    ...groupsBy(bodies, (_, group, soft) => (soft ? null : group)),
  });
  return { problem, losing };
};

/** One that finds no place alive, and may be restarted where it cannot go alive. */
const mayGoDown = (body: Body, scene: PoolScene, servers: readonly string[]): boolean =>
  body.move === moveBy.live && body.suspend && servers.some((s) => barredAlive(body, s, scene) !== null);

interface Ground {
  readonly scene: PoolScene;
  readonly servers: readonly string[];
  readonly stores: readonly string[];
}

interface Solved {
  readonly layers: Layers;
  readonly bodies: readonly Body[];
  readonly problem: Problem;
  readonly losing: () => Problem;
  readonly found: Solution;
}

/** With soft groups as loose as they have to be, and restarts where nothing else leads away. */
const solved = ({ scene, servers, stores }: Ground, all: readonly Body[], start: Layers): Solved => {
  const bodies = [...all];
  let layers = start;
  for (;;) {
    const { problem, losing } = problemOf(scene, bodies, servers, stores, layers);
    const found = solve(problem);
    const looser = loosened(
      layers,
      bodies,
      found.unmet.map((u) => u.vm),
    );
    if (looser) {
      layers = looser;
      continue;
    }
    const down = found.unmet.flatMap(({ vm, what }) => {
      const body = bodies[vm];
      return what === 'move' && body && mayGoDown(body, scene, servers) ? [[vm, body] as const] : [];
    });
    if (down.length === 0) return { layers, bodies, problem, losing, found };
    for (const [vm, body] of down) bodies[vm] = { ...body, move: moveBy.restart, suspend: false };
  }
};

const standingIn =
  ({ found }: Solved, servers: readonly string[]): Standing =>
  (_, v) =>
    servers[found.to[v] ?? -1] ?? null;

/** Fewer moves, for which nobody goes without, and nobody has more company. */
const isCalmer = (a: Solved, b: Solved, servers: readonly string[]): boolean =>
  movesIn(a.found.steps) < movesIn(b.found.steps) &&
  a.found.unmet.length <= b.found.unmet.length &&
  companyOf(a.bodies, standingIn(a, servers)) <= companyOf(b.bodies, standingIn(b, servers));

/** Null where no server of the pool was read. */
export const placePool = (
  scene: PoolScene,
  decisions: readonly Decision[],
  fresh: readonly Fresh[],
): PoolPlan | null => {
  const servers = scene.pool.servers.map((s) => s.name).filter((s) => scene.seenOf(s));
  if (servers.length === 0) return null;
  const all = bodiesOf(scene, decisions, fresh);
  const stores = [...new Set(all.flatMap((b) => [...b.space.keys()]))].sort();
  const open = new Set(scene.pool.servers.flatMap((s) => (holdsVms(s) && scene.seenOf(s.name) ? [s.name] : [])));
  const layers = softLayers(all, open);
  const farm: Ground = { scene, servers, stores };
  const first = solved(farm, all, layers);
  // Where a soft group has no room, moving one from another of it to a third serves nobody, and would be undone by the next run.
  const kept = first.layers === layers ? null : keptTogether(layers, all, standingIn(first, servers));
  const second = kept && solved(farm, all, kept);
  const { bodies, problem, losing, found } = second && isCalmer(second, first, servers) ? second : first;
  const wrong = wrongWith(problem, found.steps, found.to);
  const solution = wrong === null ? found : standingStill(problem);
  const lost = scene.pool.spare > 0 ? lacking(losing(), solution.to, scene.pool.spare) : null;
  return { scene, bodies, servers, stores, problem, solution, lacking: lost };
};

export interface Travel {
  readonly how: 'live' | 'suspend' | 'down';
  readonly through: readonly string[];
}

/** By index of the VM: how it comes to another server. Null in place of one that has to be refused: its way has both kinds. */
export const travels = (plan: PoolPlan): ReadonlyMap<number, Travel | null> => {
  const by = new Map<number, MoveStep[]>();
  for (const s of plan.solution.steps) {
    const list = by.get(s.vm);
    if (list) list.push(s);
    else by.set(s.vm, [s]);
  }
  const out = new Map<number, Travel | null>();
  for (const [vm, steps] of by) {
    const body = plan.bodies[vm];
    const moves = steps.filter((s) => s.to >= 0 && s.to !== s.from);
    const to = plan.solution.to[vm] ?? -1;
    const name = (s: number): string => plan.servers[s] ?? '';
    const from = body?.server ?? body?.decision?.server ?? null;
    if (!body || from === null || to < 0) continue;
    const suspends = steps.some((s) => s.kind === 'suspend');
    const alive = moves.every((s) => s.kind === 'move' || s.kind === 'hop');
    if (moves.length === 0 || (body.server === null && name(to) === from)) continue;
    if (suspends) out.set(vm, moves.length === 1 ? { how: 'suspend', through: [name(to)] } : null);
    else if (alive && body.move === 1) out.set(vm, { how: 'live', through: moves.map((s) => name(s.to)) });
    else out.set(vm, { how: 'down', through: [name(to)] });
  }
  return out;
};

/** The places of a VM's steps in the order that was found: where it shrinks, comes and goes, and grows; null: it does not. */
export interface Ranks {
  readonly shrink: number | null;
  readonly moves: readonly number[];
  readonly grow: number | null;
}

/** By VM key. */
export const ranksOf = (plan: PoolPlan): ReadonlyMap<string, Ranks> => {
  const out = new Map<string, { shrink: number | null; moves: number[]; grow: number | null }>();
  plan.solution.steps.forEach(({ vm, kind }, i) => {
    const key = plan.bodies[vm]?.spec?.key;
    if (key === undefined) return;
    const mine = out.get(key) ?? { shrink: null, moves: [], grow: null };
    out.set(key, mine);
    if (kind === 'shrink' || kind === 'grow') mine[kind] = i;
    else mine.moves.push(i);
  });
  return out;
};

export const unmetOf = (plan: PoolPlan): readonly { readonly body: Body; readonly unmet: Unmet }[] =>
  plan.solution.unmet.flatMap((unmet) => {
    const body = plan.bodies[unmet.vm];
    return body ? [{ body, unmet }] : [];
  });

/** `space`: KiB by repository of `stores`. */
export type Free = Body['next'] & Pick<Body, 'space'>;

/** What is free on each server once all is done: asked for every VM that is explained. */
export const freeAfter: (plan: PoolPlan) => ReadonlyMap<string, Free> = oncePer((plan) => {
  const { problem, solution, servers, stores } = plan;
  const { dims } = problem;
  const free = Float64Array.from(problem.room);
  solution.to.forEach((s, v) => {
    if (s < 0) return;
    for (let d = 0; d < dims; d++) free[s * dims + d] = (free[s * dims + d] ?? 0) - (problem.next[v * dims + d] ?? 0);
  });
  const at = (i: number, d: number): number => free[i * dims + d] ?? 0;
  return new Map(
    servers.map((s, i) => {
      const space = new Map(stores.map((r, d) => [r, at(i, 2 + d)] as const));
      return [s, { memory: at(i, 0), vcpus: at(i, 1), space }] as const;
    }),
  );
});

export const movesOf = (plan: PoolPlan): { readonly moves: number; readonly bound: number } => ({
  moves: movesIn(plan.solution.steps),
  bound: plan.solution.bound,
});
