/** Which VM starts before which: the file's `after`, as places in the order of starts, and as ties between chains of operations. */
import { sortedBy } from '../../core/order.ts';
import type { Farm } from '../../kinds/farm.ts';
import type { Op } from '../../kinds/plan.ts';
import type { Decision } from '../decide/decide.ts';
import type { Chain } from '../model/operation-graph.ts';
import { outageOf } from './outages.ts';

/** VM key → the VMs that start before it and stop after it. */
export type Ties = ReadonlyMap<string, readonly string[]>;

export const tiesOf = (farm: Farm): Ties =>
  new Map(farm.vms.filter((v) => v.after.length > 0).map((v) => [v.key, v.after] as const));

/** VM key → its place from 1 on, of those that are tied. Links of autostart are started in the order of their names. */
export const startOrder = (ties: Ties): ReadonlyMap<string, number> => {
  const places = new Map<string, number>();
  const place = (key: string, below: readonly string[]): number => {
    const known = places.get(key);
    if (known !== undefined) return known;
    // A circle is an error of the file; here it only must end.
    const before = (ties.get(key) ?? []).filter((b) => b !== key && !below.includes(b));
    const n = 1 + Math.max(0, ...before.map((b) => place(b, [...below, key])));
    places.set(key, n);
    return n;
  };
  for (const [key, before] of sortedBy(ties, ([k]) => k)) for (const k of [...before, key]) place(k, []);
  return places;
};

const brings = (op: Op): boolean => op.verb === 'start' || op.verb === 'restart' || op.verb === 'ready';
const waits = (op: Op): boolean => op.verb === 'start' || op.verb === 'restart';
const ends = (op: Op): boolean => op.verb === 'stop';

/**
 * VMs that run already and have a `ready`, before others that this plan starts: they are looked at first, so that a run
 * that takes up a broken one does not overtake them.
 */
export const awaited = (decisions: readonly Decision[], ties: Ties): ReadonlySet<string> => {
  const before = decisions.flatMap((d) => (d.transition?.state === 'start' ? (ties.get(d.spec.key) ?? []) : []));
  if (before.length === 0) return new Set();
  const byKey = new Map(decisions.map((d) => [d.spec.key, d] as const));
  const up = (d: Decision): boolean => {
    const t = d.transition;
    const stays = t === null || (t.mode === 'in-place' && (t.state === null || t.state === 'unpause'));
    return stays && d.live?.domain?.state === 'running' && d.spec.ready !== undefined;
  };
  return new Set(
    before.filter((key) => {
      const d = byKey.get(key);
      return d !== undefined && up(d);
    }),
  );
};

/**
 * Pairs [operation, what it needs]: a VM starts when those before it are up, and stops before them. It does not stop for one that comes
 * back: as in a restart in place, it is taken down itself once that is up.
 */
export const tieEdges = (
  chains: ReadonlyMap<string, Chain>,
  ties: Ties,
): readonly (readonly [id: string, needs: string])[] =>
  [...ties].flatMap(([key, before]) => {
    const mine = chains.get(key) ?? [];
    return before.flatMap((other) => {
      const theirs = chains.get(other) ?? [];
      const up = theirs.findLast((n) => brings(n.op));
      const start = mine.find((n) => waits(n.op));
      const down = mine.findLast((n) => ends(n.op));
      const stop = outageOf(theirs) ? undefined : theirs.find((n) => ends(n.op));
      return [
        ...(up && start ? [[start.id, up.id] as const] : []),
        ...(down && stop ? [[stop.id, down.id] as const] : []),
      ];
    });
  });
