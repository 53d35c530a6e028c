/** Who is where in a pool's plan, now and in the end: what explaining asks for each VM that moves or is refused, server by server. */
import type { Body } from './workload.ts';
import { oncePer } from '../model/memoize.ts';
import type { PoolPlan } from './place-pool.ts';
import { groupsOf, type Problem } from './solver/problem.ts';

/** The first other VM of one of its groups that is at the place. */
type Beside<P> = (body: Body, place: P) => Body | undefined;

export interface Whereabouts {
  /** Server → its index. */
  readonly indexOf: ReadonlyMap<string, number>;
  /** Body → the index of its server in the end; -1: it has none. */
  readonly endOf: ReadonlyMap<Body, number>;
  /** Server → memory that the VMs which run there now are to have. */
  readonly wants: ReadonlyMap<string, number>;
  /** By server, as they are now. */
  readonly besideNow: Beside<string>;
  /** By index of the server, as they are in the end. */
  readonly besideThen: Beside<number>;
}

/** By the groups that placing kept apart: of a soft one those that could be. */
const besideBy = <P>(bodies: readonly Body[], problem: Problem, placeOf: (v: number) => P): Beside<P> => {
  const members = new Map<number, Map<P, number[]>>();
  const indexOf = new Map(bodies.map((b, v) => [b, v] as const));
  bodies.forEach((_, v) => {
    for (const group of new Set(groupsOf(problem, v))) {
      const places = members.get(group) ?? new Map<P, number[]>();
      const list = places.get(placeOf(v)) ?? [];
      // The first two are enough: one of them is another than whoever asks.
      if (list.length < 2) list.push(v);
      members.set(group, places.set(placeOf(v), list));
    }
  });
  return (body, place) => {
    const others = [...groupsOf(problem, indexOf.get(body) ?? -1)].flatMap(
      (g) =>
        members
          .get(g)
          ?.get(place)
          ?.find((v) => bodies[v] !== body) ?? [],
    );
    return others.length === 0 ? undefined : bodies[Math.min(...others)];
  };
};

export const whereaboutsOf: (plan: PoolPlan) => Whereabouts = oncePer(({ bodies, servers, solution, problem }) => {
  const wants = new Map<string, number>();
  for (const { server, next } of bodies) if (server !== null) wants.set(server, (wants.get(server) ?? 0) + next.memory);
  return {
    indexOf: new Map(servers.map((s, i) => [s, i] as const)),
    endOf: new Map(bodies.map((b, v) => [b, solution.to[v] ?? -1] as const)),
    wants,
    besideNow: besideBy(bodies, problem, (v) => bodies[v]?.server ?? ''),
    besideThen: besideBy(bodies, problem, (v) => solution.to[v] ?? -1),
  };
});
