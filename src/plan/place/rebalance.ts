/** What would make a pool more even, and the farm in which it is: `reeve balance` plans that. */
import type { Farm } from '../../kinds/farm.ts';
import { evenMoves, spreadOf } from './solver/rebalance.ts';
import type { PoolPlan } from './place-pool.ts';

export interface Balance {
  readonly moves: readonly { readonly vm: string; readonly from: string; readonly to: string }[];
  /** Between the fullest and the emptiest server, as shares of their memory: now, and after. */
  readonly spread: number;
  readonly after: number;
}

export const balanceOf = (plan: PoolPlan, most: number): Balance => {
  const { problem, solution, bodies, servers } = plan;
  const found = evenMoves(problem, solution.to, most);
  const to = Int32Array.from(solution.to);
  for (const m of found) to[m.vm] = m.to;
  return {
    moves: found.flatMap((m) => {
      const key = bodies[m.vm]?.spec?.key;
      const from = servers[solution.to[m.vm] ?? -1];
      const there = servers[m.to];
      return key === undefined || from === undefined || there === undefined ? [] : [{ vm: key, from, to: there }];
    }),
    spread: spreadOf(problem, solution.to),
    after: spreadOf(problem, to),
  };
};

/** The same farm, whose file wants these VMs where they are to go. */
export const balanced = (farm: Farm, moves: Balance['moves']): Farm => {
  const to = new Map(moves.map((m) => [m.vm, m.to] as const));
  return {
    ...farm,
    vms: farm.vms.map((v) => {
      const server = to.get(v.key);
      return server === undefined ? v : { ...v, servers: [server] };
    }),
  };
};
