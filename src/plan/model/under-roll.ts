/** What the roll of a pool means for planning: a server that it treats takes no VMs that were not there. */
import type { Farm, PoolSpec } from '../../kinds/farm.ts';
import { isTreated, rollOf, type PoolRoll } from '../../kinds/server/roll.ts';
import { seenOn, type Observed } from '../../kinds/server/live.ts';

/** Null: its servers remember none. */
export const rollIn = (pool: PoolSpec, observed: Observed): PoolRoll | null =>
  rollOf(
    pool.name,
    pool.servers.flatMap(({ name }) => {
      const record = seenOn(observed, name)?.roll;
      return record ? [{ server: name, record }] : [];
    }),
  );

/** The same farm, whose servers under treatment are closed to VMs that would come. */
export const underRoll = (farm: Farm, observed: Observed): Farm => {
  const treated = new Set(
    farm.pools.flatMap((p) => rollIn(p, observed)?.stages.flatMap((s) => (isTreated(s) ? [s.server] : [])) ?? []),
  );
  if (treated.size === 0) return farm;
  return {
    ...farm,
    pools: farm.pools.map((p) => ({
      ...p,
      servers: p.servers.map((s) => (treated.has(s.name) && !s.roll ? { ...s, roll: 'closed' as const } : s)),
    })),
  };
};
