/** unread servers. */
import type { PoolSpec } from '../../kinds/farm.ts';
import { type Observed, seenOn } from '../../kinds/server/live.ts';
import { isUnknown } from '../../core/port.ts';

/** Those that may have what nobody else has: one that is lost has nothing any more. */
export const unreadIn = (pool: PoolSpec, observed: Observed): readonly string[] => [
  ...pool.servers.flatMap((s) => (s.state === 'lost' || seenOn(observed, s.name) ? [] : [s.name])),
  ...[...observed].flatMap(([name, s]) => (isUnknown(s) && s.memberOf === pool.name ? [name] : [])),
];

/** What would let them be read. */
export const whenRead = (unread: readonly string[], pool: PoolSpec | undefined): string => {
  const off = unread.filter((name) => pool?.servers.some((s) => s.name === name && s.state === 'off'));
  return off.length > 0
    ? `power ${off.join(' and ')} on for that, or let it leave the pool: it is off`
    : `try again when ${unread.join(' and ')} answers`;
};
