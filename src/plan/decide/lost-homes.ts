/** On which servers that are declared lost, and did not answer, a VM may still run that is to start elsewhere. */
import { isSilent, isUnknown } from '../../core/port.ts';
import type { Reason } from '../../core/reason.ts';
import type { Farm } from '../../kinds/farm.ts';
import { seenOn, type Observed } from '../../kinds/server/live.ts';
import type { ServerSpec } from '../../kinds/server/spec.ts';
import { homeOf } from '../../kinds/vm/lease.ts';
import type { Decision } from './decide.ts';
import { marked, newestLease, wasUp } from './lease-guards.ts';

/**
 * Its lease names one of them, or its marker; or nothing can tell where it was: it is seen nowhere, its lease is of a server that no
 * longer has it, or it has no disk in a store that would hold its lease.
 */
export const lostHomes = (d: Decision, farm: Farm, observed: Observed): readonly string[] => {
  const t = d.transition;
  // Where it is seen, ended or not, it is nowhere else.
  if (!t || t.state !== 'start' || t.live?.domain) return [];
  const seenOf = (server: string) => seenOn(observed, server);
  const isLost = (s: ServerSpec): boolean => s.state === 'lost' && !seenOf(s.name);
  const all = farm.pools.flatMap((p) => p.servers.filter(isLost).map((s) => s.name));
  if (all.length === 0) return [];
  const pool = farm.pools.find((p) => p.name === d.spec.pool);
  const near = pool?.servers.filter(isLost).map((s) => s.name) ?? [];
  const newest = newestLease(d.spec, t.want.uuid, farm, seenOf);
  if (newest && all.includes(newest.lease.server)) return [newest.lease.server];
  if (t.live) {
    const home = t.live.marker?.home;
    if (home !== undefined && all.includes(home)) return [home];
    return home !== d.server || wasUp({ server: d.server, uuid: t.live.uuid }, seenOf) ? near : [];
  }
  if (newest || !pool || marked(d.spec, pool, farm, seenOf).length > 0) return near;
  const shared = Object.values(pool.repositories).filter((r) => r.shared && r.state === 'present');
  return homeOf(t.want.config.disks, shared) ? [] : near;
};

/** A lost server that says anything at all is up: nothing that may run there is started elsewhere. */
export const answersAfterAll = (homes: readonly string[], observed: Observed): Reason | null => {
  for (const name of homes) {
    const seen = observed.get(name);
    if (!seen)
      return {
        code: 'left-out',
        why: `it may run on ${name}, which is lost and was not asked`,
        help: 'plan its pool, too',
      };
    if (isUnknown(seen) && !isSilent(seen))
      return {
        code: 'lost-server-answers',
        why: `it may run on ${name}, which is declared lost, and answers: ${seen.why}`,
        help: `take \`state: lost\` out, or power ${name} off`,
      };
  }
  return null;
};
