/** Decisions → the plan document: operations in order, verified, with everything that a reader asks about. */
import { worst } from '../../core/disruption.ts';
import { byText, groupBy, sortedBy } from '../../core/order.ts';
import { isUnknown, unreadCode } from '../../core/port.ts';
import type { Action, Operation, Plan, PlanVm } from '../../kinds/plan.ts';
import { seenOn } from '../../kinds/server/live.ts';
import { homeAfter } from '../../kinds/vm/draft.ts';
import { leastOperations } from '../order/lower-bound.ts';
import type { Decision } from '../decide/decide.ts';
import { prunedText } from '../decide/deletion-guards.ts';
import { imageBlocks } from '../storage/images.ts';
import { awaited } from '../order/start-order.ts';
import type { Draft } from '../order/order.ts';
import { withRemovals } from '../storage/disk-removals.ts';
import { blocksOf, movesBeyond } from '../order/server-operations.ts';
import { allowOf } from './allow.ts';
import { fencesOf } from './fences.ts';
import { imageTouched, scopeByPool, serverTouched, storesTouched, touchedOf } from './touched.ts';
import { verified } from './verified.ts';
import { warningsOf } from './warnings.ts';

/** `cleans`: it only forgets what was left elsewhere. */
const actionOf = (x: Decision, cleans: boolean): Action => {
  const t = x.transition;
  if (!t) return cleans ? 'update' : 'await';
  if (t.mode === 'delete') return 'delete';
  if (!t.live) return 'create';
  if (t.journey?.how === 'live') return 'migrate';
  if (t.journey?.how === 'suspend') return 'suspend';
  if (t.mode === 'restart') return 'restart';
  if (t.state === 'start' || t.state === 'stop' || t.state === 'pause' || t.state === 'unpause') return t.state;
  return t.live.marker === null ? 'adopt' : 'update';
};

const vmsOf = (d: Draft, operations: readonly Operation[], dropped: ReadonlySet<string>): readonly PlanVm[] => {
  const byVm = groupBy(
    operations.filter((o) => o.target.kind === 'vm'),
    (o) => o.target.name,
  );
  const loses = new Set(
    operations.flatMap(({ op }) => (op.verb === 'delete-disk' && op.copied === null ? [op.of] : [])),
  );
  return d.decisions.flatMap((x): PlanVm[] => {
    const mine = byVm.get(x.spec.key) ?? [];
    if (dropped.has(x.spec.key) || (mine.length === 0 && x.changes.length === 0)) return [];
    const t = x.transition;
    return [
      {
        subject: { kind: 'vm', name: x.spec.key },
        name: x.spec.name,
        server: x.server,
        to: t && homeAfter(t) !== x.server ? homeAfter(t) : null,
        action:
          mine.length === 0
            ? 'none'
            : actionOf(
                x,
                mine.every((o) => o.op.verb === 'forget' || o.op.verb === 'discard'),
              ),
        disruption: t
          ? worst([
              x.disruption,
              ...mine.map((o) => o.disruption),
              ...(loses.has(x.spec.key) ? (['data-loss'] as const) : []),
            ])
          : 'none',
        changes: x.changes,
        operations: mine.map((o) => o.id),
        placed: d.placed.get(x.spec.key) ?? null,
      },
    ];
  });
};

const unmanagedOf = (d: Draft): Plan['unmanaged'] =>
  d.matched.left
    .filter((f) => !d.prunedFound.has(f) && d.covers(f.pool))
    .map((f) => {
      const m = f.marker;
      const where = f.live.record?.path ?? 'no cfg';
      if (m && m.farm !== d.farm.name)
        return { server: f.server, name: f.name, what: 'foreign' as const, detail: `of farm ${m.farm}, ${where}` };
      // Found more than once, or refused for another reason: what is to be done stands there.
      const kept = m && d.farm.vms.some((v) => v.key === m.vm);
      const ours = m ? `${where}; ${kept ? `ours, of ${m.vm}` : prunedText(m.protect, d.farm)}` : where;
      return { server: f.server, name: f.name, what: f.live.domain ? ('vm' as const) : ('cfg' as const), detail: ours };
    });

/** Throws where not even what concerns no VM stands up to the verifier. */
export const assemble = (whole: Draft): Plan => {
  const { draft: d, ordered, operations, refused } = verified(whole);
  const early = [...awaited(d.decisions, d.ties)].filter((key) => ordered.chains.has(key));
  const dropped = new Set(ordered.refused.map((r) => r.subject.name));
  const kept = d.decisions.filter((x) => ordered.chains.has(x.spec.key));
  const repositories = withRemovals(d.storage.repositories, [...ordered.singles, ...ordered.work.nodes]);
  const dom0s = blocksOf(ordered.work.nodes, d.farm);
  const stored = [...ordered.singles, ...d.storage.chains.flat()];
  const images = imageBlocks(stored);
  const poolOf = new Map(d.farm.pools.flatMap((p) => p.servers.map((s) => [s.name, p.name] as const)));
  const busy = new Set([
    ...operations.flatMap((o) => poolOf.get(o.server) ?? []),
    ...kept.map((x) => x.spec.pool),
    ...[...repositories, ...images, ...dom0s].map((r) => r.pool),
  ]);
  const readable = d.farm.pools
    .filter((p) => busy.has(p.name) && operations.length > 0)
    .flatMap((p) => p.servers.map((s) => s.name))
    .filter((s) => seenOn(d.observed, s))
    .sort(byText);
  const scopes = scopeByPool(d.farm, readable);
  const inRun = d.farm.pools.filter((p) => d.covers(p.name));
  const fences = fencesOf(d, operations);
  const asked = new Set([...readable, ...fences.map((f) => f.server)]);
  return {
    format: 'reeve-plan/1',
    tool: d.tools.version,
    farm: d.farm.name,
    options: d.options,
    desired: d.desired,
    touched: [
      ...repositories.flatMap((r) => storesTouched(r, d)),
      ...stored.flatMap((n) => imageTouched(n, d)),
      ...dom0s.flatMap((s) => serverTouched(s, d)),
      ...kept.flatMap((x) => touchedOf(x, d, scopes)),
    ],
    scope: readable,
    servers: sortedBy(
      d.farm.pools.flatMap((p) => p.servers).filter((s) => asked.has(s.name)),
      (s) => s.name,
    ).map(({ name, pool, address, ssh }) => ({ name, pool, address, ssh })),
    dom0s,
    repositories,
    images,
    vms: vmsOf(d, operations, dropped),
    fences,
    lanes: ordered.lanes.lanes,
    operations,
    refused: sortedBy([...d.refused, ...ordered.refused, ...refused], (r) => r.subject.name).map((r) => ({
      ...r,
      allow: allowOf(r, d.farm, d.options, d.deletes),
    })),
    unmanaged: unmanagedOf(d),
    unreadable: inRun.flatMap((p) =>
      p.servers.flatMap((s) => {
        const seen = d.observed.get(s.name);
        // What was declared off or lost is as the file says.
        if ((seen && !isUnknown(seen)) || s.state === 'off' || s.state === 'lost') return [];
        return [
          {
            server: s.name,
            pool: p.name,
            code: unreadCode(seen),
            why: seen?.why ?? 'it was not read',
            help: seen?.help ?? null,
          },
        ];
      }),
    ),
    warnings: [...d.warnings, ...warningsOf(d)],
    counted: {
      servers: inRun.reduce((n, p) => n + p.servers.length, 0),
      vms: d.farm.vms.filter((v) => d.covers(v.pool)).length,
    },
    bound: kept.reduce(
      (n, x) =>
        n + leastOperations(x) + (d.forgets.get(x.spec.key)?.length ?? 0) + (d.discards.get(x.spec.key)?.length ?? 0),
      early.length +
        d.storage.chains.flat().length +
        ordered.singles.length +
        ordered.work.nodes.length +
        movesBeyond(d.pools),
    ),
  };
};
