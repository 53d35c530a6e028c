/** What sets servers that join a pool apart from the others there: said once, before any plan stumbles over it. */
import { andMore } from '../../core/listing.ts';
import { groupBy } from '../../core/order.ts';
import type { Farm, PoolSpec } from '../../kinds/farm.ts';
import { hasBridge } from '../../kinds/server/holds-devices.ts';
import { seenOn, type Observed, type ServerSeen } from '../../kinds/server/live.ts';
import { featuresLost, featureText } from '../../kinds/vm/cpu.ts';
import { barsAlive, breedOf } from '../model/live-migration-compat.ts';

interface Member {
  readonly name: string;
  readonly seen: ServerSeen;
  readonly joins: boolean;
}

const most = 4;

const namesOf = (members: readonly Member[]): string =>
  andMore(
    members.map((m) => m.name),
    most,
  );

/** What the CPUs or the Xen of those keep a VM from, that would go there alive; null: nothing, or nobody of them joins. */
const between = (from: readonly Member[], to: readonly Member[]): string | null => {
  const [a, b] = [from[0]?.seen, to[0]?.seen];
  if (!a || !b || barsAlive(a, b) === null) return null;
  const [come, are] = [from.filter((m) => m.joins), to.filter((m) => m.joins)];
  if (come.length === 0 && are.length === 0) return null;
  const lost = featureText(featuresLost(a.features, b.features));
  // Told of those that join; where both do, of those that cannot receive.
  if (are.length > 0) {
    const why = lost === '' ? `Xen ${b.xen.version}` : `a CPU without ${lost}`;
    const others = lost === '' ? `Xen ${a.xen.version} is on ${namesOf(from)}` : `${namesOf(from)} have that`;
    return `${namesOf(are)}: ${why}; ${others}, and no VM moves from there alive`;
  }
  const why = lost === '' ? `Xen ${a.xen.version}` : `a CPU with ${lost}`;
  const others = lost === '' ? `Xen ${b.xen.version} is on ${namesOf(to)}` : `${namesOf(to)} lack that`;
  return `${namesOf(come)}: ${why}; ${others}, and no VM moves there alive`;
};

const bridgeless = (pool: PoolSpec, members: readonly Member[]): readonly string[] =>
  members.flatMap((m) =>
    Object.values(pool.networks).flatMap((n) =>
      !m.joins || hasBridge({ name: n.bridge }, m.seen)
        ? []
        : [`${m.name}: no bridge ${n.bridge}, which network ${n.name} of pool ${pool.name} needs on every server`],
    ),
  );

const inPool = (pool: PoolSpec, observed: Observed): readonly string[] => {
  const members = pool.servers.flatMap((s): Member[] => {
    const seen = seenOn(observed, s.name);
    const stays = s.state !== 'absent' && s.state !== 'lost';
    return seen && stays ? [{ name: s.name, seen, joins: seen.membership === null }] : [];
  });
  if (members.length < 2 || !members.some((m) => m.joins)) return [];
  const breeds = [...groupBy(members, (m) => breedOf(m.seen)).values()];
  const pairs = breeds.flatMap((from) => breeds.flatMap((to) => (from === to ? [] : (between(from, to) ?? []))));
  return [...pairs, ...bridgeless(pool, members)];
};

export const joinWarnings = (farm: Farm, observed: Observed, covers: (pool: string) => boolean): readonly string[] =>
  farm.pools.filter((p) => covers(p.name)).flatMap((p) => inPool(p, observed));
