/** The objects that a plan counts on, with what was seen of each. */
import { ref } from '../../core/ref.ts';
import type { Farm } from '../../kinds/farm.ts';
import { isImageOp } from '../../kinds/operations.ts';
import type { Plan, PlanDom0, PlanRepository } from '../../kinds/plan.ts';
import { seenOn } from '../../kinds/server/live.ts';
import type { Decision } from '../decide/decide.ts';
import { factsOf } from './facts.ts';
import type { Draft } from '../order/order.ts';
import type { Node } from '../model/operation-graph.ts';

export const storesTouched = (r: PlanRepository, d: Draft): Plan['touched'] =>
  r.servers.flatMap(({ server }) => {
    const seen = seenOn(d.observed, server);
    if (!seen) return [];
    return [{ subject: r.subject, server, uuid: '', name: r.path, seen: factsOf(r.subject, seen, '', r.path) }];
  });

export const serverTouched = (s: PlanDom0, d: Draft): Plan['touched'] => {
  const seen = seenOn(d.observed, s.name);
  if (!seen) return [];
  return [{ subject: s.subject, server: s.name, uuid: '', name: s.name, seen: factsOf(s.subject, seen, '', s.name) }];
};

export const imageTouched = ({ op }: Node, d: Draft): Plan['touched'] => {
  const seen = seenOn(d.observed, op.server);
  if (!isImageOp(op) || !seen) return [];
  return [
    { subject: op.image, server: op.server, uuid: '', name: op.path, seen: factsOf(op.image, seen, '', op.path) },
  ];
};

/** By pool: its servers that are in the scope, in the scope's order. */
export const scopeByPool = (farm: Farm, scope: readonly string[]): ReadonlyMap<string, readonly string[]> => {
  const out = new Map<string, string[]>(farm.pools.map((p) => [p.name, []] as const));
  const poolOf = new Map(farm.pools.flatMap((p) => p.servers.map((s) => [s.name, p.name] as const)));
  for (const s of scope) out.get(poolOf.get(s) ?? '')?.push(s);
  return out;
};

/** A VM that is to be made must stay unknown to every server of its pool; others are watched where they are. */
export const touchedOf = (x: Decision, d: Draft, scope: ReturnType<typeof scopeByPool>): Plan['touched'] => {
  const t = x.transition;
  const live = t ? t.live : x.live;
  const through = t?.journey ? [x.server, ...t.journey.through] : [x.server];
  const servers = live ? through : (scope.get(x.spec.pool) ?? []);
  return servers.flatMap((server) => {
    const seen = seenOn(d.observed, server);
    if (!seen) return [];
    const uuid = t?.want.uuid ?? live?.uuid ?? '';
    const name = live?.domain?.name ?? t?.want.config.name ?? x.spec.name;
    return [
      {
        subject: ref('vm', x.spec.key),
        server,
        uuid,
        name,
        seen: factsOf(ref('vm', x.spec.key), seen, uuid, name),
      },
    ];
  });
};
