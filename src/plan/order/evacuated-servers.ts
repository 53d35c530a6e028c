/** Servers that leave their pool: once they are empty, what they were given is taken back, and they forget it. */
import { sortedBy } from '../../core/order.ts';
import { idOf } from '../../kinds/operations.ts';
import type { PoolSpec } from '../../kinds/farm.ts';
import { seenOn, type Observed } from '../../kinds/server/live.ts';
import type { RepositoryOp } from '../../kinds/repository/ops.ts';
import type { Decision } from '../decide/decide.ts';
import { detachFrom } from '../storage/detach.ts';
import type { Node } from '../model/operation-graph.ts';
import { standingOf } from '../storage/repository-state.ts';

/** The servers that nothing will be on once these decisions are carried out. */
export const emptied = (
  pool: PoolSpec,
  observed: Observed,
  decisions: readonly Decision[],
  forgotten: ReadonlySet<string>,
): ReadonlySet<string> =>
  new Set(
    pool.servers.flatMap((s) => {
      const seen = seenOn(observed, s.name);
      if (s.state !== 'absent' || !seen) return [];
      const goes = new Set(
        decisions.flatMap((x) => {
          const t = x.transition;
          const away = t && x.server === s.name && (t.journey !== null || t.mode === 'delete');
          return away ? [t.want.uuid] : [];
        }),
      );
      const left = [
        ...seen.domains.map((d) => d.uuid),
        ...seen.records.map((r) => (forgotten.has(`${s.name}\n${r.path}`) ? '' : (r.config?.uuid ?? r.path))),
      ].filter((uuid) => uuid !== '' && !goes.has(uuid));
      return left.length === 0 ? [s.name] : [];
    }),
  );

/** What detaches the repositories from a server that leaves. */
export const detachments = (
  pool: PoolSpec,
  observed: Observed,
  farm: string,
  leaving: ReadonlySet<string>,
): readonly Node[] =>
  [...leaving].sort().flatMap((server) => {
    const seen = seenOn(observed, server);
    if (!seen) return [];
    return sortedBy(Object.values(pool.repositories), (r) => r.name).flatMap((r) =>
      detachFrom(r, pool, standingOf(r, farm, server, seen), farm).map((op: RepositoryOp) => ({ id: idOf(op), op })),
    );
  });
