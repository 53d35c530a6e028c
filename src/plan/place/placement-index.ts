/** Who is where in a pool's plan, now and in the end: what explaining asks for each VM that moves or is refused, server by server. */
import type { Body } from './workload.ts';
import { oncePer } from '../model/memoize.ts';
import type { PoolPlan } from './place-pool.ts';

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

const groupsOf = (b: Body): readonly string[] => b.known?.apart.map((a) => a.group) ?? [];

const besideBy = <P>(bodies: readonly Body[], placeOf: (v: number) => P): Beside<P> => {
  const members = new Map<string, Map<P, number[]>>();
  bodies.forEach((b, v) => {
    for (const group of new Set(groupsOf(b))) {
      const places = members.get(group) ?? new Map<P, number[]>();
      const list = places.get(placeOf(v)) ?? [];
      // The first two are enough: one of them is another than whoever asks.
      if (list.length < 2) list.push(v);
      members.set(group, places.set(placeOf(v), list));
    }
  });
  return (body, place) => {
    const others = groupsOf(body).flatMap(
      (g) =>
        members
          .get(g)
          ?.get(place)
          ?.find((v) => bodies[v] !== body) ?? [],
    );
    return others.length === 0 ? undefined : bodies[Math.min(...others)];
  };
};

export const whereaboutsOf: (plan: PoolPlan) => Whereabouts = oncePer(({ bodies, servers, solution }) => {
  const wants = new Map<string, number>();
  for (const { server, next } of bodies) if (server !== null) wants.set(server, (wants.get(server) ?? 0) + next.memory);
  return {
    indexOf: new Map(servers.map((s, i) => [s, i] as const)),
    endOf: new Map(bodies.map((b, v) => [b, solution.to[v] ?? -1] as const)),
    wants,
    besideNow: besideBy(bodies, (v) => bodies[v]?.server ?? ''),
    besideThen: besideBy(bodies, (v) => solution.to[v] ?? -1),
  };
});
