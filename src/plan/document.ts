/** Decisions → the plan document: operations in order, verified, with everything that a reader asks about. */
import { worst } from '../core/disruption.ts';
import { byText, groupBy, sortedBy } from '../core/order.ts';
import { isUnknown } from '../core/port.ts';
import { ref } from '../core/ref.ts';
import type { Farm } from '../kinds/farm.ts';
import type { Action, Op, Operation, Plan, PlanOptions, PlanRepository, PlanVm, Refusal } from '../kinds/plan.ts';
import { seenOn, type Observed } from '../kinds/server/live.ts';
import { disruptionOf, estimateOf, idOf, isImageOp, isVmOp, reasonOf, targetOf } from '../kinds/operations.ts';
import type { Overhead } from '../kinds/vm/effects.ts';
import { realise } from '../kinds/vm/realise.ts';
import { lifeOf } from '../kinds/vm/state.ts';
import type { Decision } from './decide.ts';
import { digestTouched } from './digest.ts';
import { leastOperations } from './bound.ts';
import { fetchesFor, removalsFor, roofEdges } from './edges.ts';
import { goalsOf } from './goals.ts';
import type { Found, Matched } from './match.ts';
import { awaited, tieEdges, type Ties } from './order.ts';
import { refusal } from './refusal.ts';
import type { Room } from './room.ts';
import { imageBlocks, type ImagePlan } from './images.ts';
import { withRemovals, type Removal } from './removals.ts';
import { sequence, topological, type Chain, type Node } from './sequence.ts';
import type { Roof } from './parts.ts';
import { storageEdges, type StoragePlan } from './storage.ts';
import type { Tools } from './tools.ts';
import { verify } from './verify.ts';
import { warningsOf } from './warnings.ts';

export interface Draft {
  readonly farm: Farm;
  readonly observed: Observed;
  readonly options: PlanOptions;
  readonly tools: Tools;
  readonly overhead: Overhead;
  readonly rooms: ReadonlyMap<string, Room>;
  readonly storage: StoragePlan;
  readonly images: ImagePlan;
  readonly removals: readonly Removal[];
  /** By VM key. */
  readonly forgets: ReadonlyMap<string, readonly Op[]>;
  /** By server: repositories and images. */
  readonly roofs: ReadonlyMap<string, readonly Roof[]>;
  readonly ties: Ties;
  /** VM key → why it was put there. */
  readonly placed: ReadonlyMap<string, string>;
  readonly matched: Matched;
  readonly refused: readonly Refusal[];
  readonly decisions: readonly Decision[];
  readonly desired: string;
  readonly prunedFound: ReadonlySet<Found>;
  readonly warnings: readonly string[];
  readonly covers: (pool: string) => boolean;
}

interface Ordered {
  readonly chains: ReadonlyMap<string, Chain>;
  /** Images and disks that come or go. */
  readonly singles: readonly Node[];
  readonly needs: ReadonlyMap<string, readonly string[]>;
  readonly order: readonly string[];
  readonly refused: readonly Refusal[];
}

const readyOf = ({ spec, server, live }: Decision): readonly Op[] =>
  spec.ready && live?.domain
    ? [
        {
          vm: ref('vm', spec.key),
          server,
          uuid: live.domain.uuid,
          name: live.domain.name,
          verb: 'ready',
          ready: spec.ready,
        },
      ]
    : [];

/** A VM that finds no room, or waits in a circle, is refused as a whole; the others are ordered without it. */
const orderAll = (d: Draft): Ordered => {
  const chains = new Map<string, Chain>();
  const early = awaited(d.decisions, d.ties);
  for (const x of d.decisions) {
    const left = d.forgets.get(x.spec.key) ?? [];
    const ops = [...(x.transition ? realise(x.transition) : []), ...(early.has(x.spec.key) ? readyOf(x) : []), ...left];
    if (x.transition || ops.length > 0)
      chains.set(
        x.spec.key,
        ops.map((op) => ({ id: idOf(op), op })),
      );
  }
  const refused: Refusal[] = [];
  const drop = (id: string, why: string, help: string): void => {
    const key = [...chains].find(([, chain]) => chain.some((n) => n.id === id))?.[0];
    if (key === undefined || !chains.delete(key)) return;
    refused.push(refusal(key, `${key} cannot be changed: ${id.slice(key.length + 1)}`, why, help));
  };
  for (;;) {
    const needing = roofEdges([...chains.values()], d);
    const fetches = fetchesFor(needing, d);
    const removals = removalsFor(chains, d);
    const singles = [...fetches, ...d.images.removals, ...removals.map((r) => r.node)];
    const list = [...d.storage.chains, ...singles.map((n) => [n]), ...chains.values()];
    const edges = [
      ...tieEdges(chains, d.ties),
      ...storageEdges(d.storage.chains),
      ...needing,
      ...roofEdges([fetches], d),
      ...removals.flatMap(({ node, after }) => (after === null ? [] : [[node.id, after] as const])),
    ];
    const { needs, short } = sequence(list, d.rooms, d.overhead, edges);
    const { order, stuck } = topological(
      list.flat().map((n) => n.id),
      needs,
    );
    const first = short[0];
    const knot = stuck[0];
    if (first) drop(first.id, first.why, 'free some on that server first, or give it less');
    else if (knot !== undefined)
      drop(knot, 'it waits for a disk of a VM that waits for one of its own', 'stop one of the two first');
    else return { chains, singles, needs, order, refused };
  }
};

/** `cleans`: it only forgets what was left elsewhere. */
const actionOf = (x: Decision, cleans: boolean): Action => {
  const t = x.transition;
  if (!t) return cleans ? 'update' : 'await';
  if (t.mode === 'delete') return 'delete';
  if (!t.live) return 'create';
  if (t.mode === 'restart') return 'restart';
  if (t.state === 'start' || t.state === 'stop' || t.state === 'pause' || t.state === 'unpause') return t.state;
  return t.live.marker === null ? 'adopt' : 'update';
};

const operationsOf = (d: Draft, ordered: Ordered): readonly Operation[] => {
  const nodes = new Map(
    [...d.storage.chains, ordered.singles, ...ordered.chains.values()].flat().map((n) => [n.id, n.op]),
  );
  const dead = new Set(d.decisions.filter((x) => ['crashed', 'ended'].includes(lifeOf(x.live))).map((x) => x.spec.key));
  return ordered.order.flatMap((id): Operation[] => {
    const op = nodes.get(id);
    if (!op) return [];
    return [
      {
        id,
        op,
        target: targetOf(op),
        server: op.server,
        needs: ordered.needs.get(id) ?? [],
        lane: null,
        disruption: isVmOp(op) && dead.has(op.vm.name) ? 'none' : disruptionOf(op),
        reason: reasonOf(op),
        estimate: estimateOf(op),
        commands: d.tools.toolstack.commands(op),
      },
    ];
  });
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
        action:
          mine.length === 0
            ? 'none'
            : actionOf(
                x,
                mine.every((o) => o.op.verb === 'forget'),
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
      const ours = m ? `${where}; ours, no longer in the file: --prune deletes it` : where;
      return { server: f.server, name: f.name, what: f.live.domain ? ('vm' as const) : ('cfg' as const), detail: ours };
    });

export const assemble = (d: Draft): Plan => {
  const ordered = orderAll(d);
  const early = [...awaited(d.decisions, d.ties)].filter((key) => ordered.chains.has(key));
  const operations = operationsOf(d, ordered);
  const dropped = new Set(ordered.refused.map((r) => r.subject.name));
  const kept = d.decisions.filter((x) => ordered.chains.has(x.spec.key));
  const live = new Map(kept.map((x) => [x.spec.key, x.transition ? x.transition.live : x.live]));
  const wrong = verify(operations, kept.flatMap(goalsOf), {
    rooms: d.rooms,
    live,
    overhead: d.overhead,
    ties: d.ties,
    roofs: d.roofs,
  });
  if (wrong.length > 0) throw new Error(`the plan does not stand up to its own verifier: ${wrong.join('; ')}`);
  const repositories = withRemovals(d.storage.repositories, ordered.singles);
  const images = imageBlocks(ordered.singles);
  const busy = new Set([...kept.map((x) => x.spec.pool), ...[...repositories, ...images].map((r) => r.pool)]);
  const readable = d.farm.pools
    .filter((p) => busy.has(p.name) && operations.length > 0)
    .flatMap((p) => p.servers.map((s) => s.name))
    .filter((s) => seenOn(d.observed, s))
    .sort(byText);
  const inRun = d.farm.pools.filter((p) => d.covers(p.name));
  return {
    format: 'reeve-plan/1',
    tool: d.tools.version,
    farm: d.farm.name,
    options: d.options,
    desired: d.desired,
    touched: [
      ...repositories.flatMap((r) => storesTouched(r, d)),
      ...ordered.singles.flatMap((n) => imageTouched(n, d)),
      ...kept.flatMap((x) => touchedOf(x, d, readable)),
    ],
    scope: readable,
    servers: sortedBy(
      d.farm.pools.flatMap((p) => p.servers).filter((s) => readable.includes(s.name)),
      (s) => s.name,
    ).map(({ name, pool, address, ssh }) => ({ name, pool, address, ssh })),
    repositories,
    images,
    vms: vmsOf(d, operations, dropped),
    operations,
    refused: sortedBy([...d.refused, ...ordered.refused], (r) => r.subject.name),
    unmanaged: unmanagedOf(d),
    unreadable: inRun.flatMap((p) =>
      p.servers.flatMap((s) => {
        const seen = d.observed.get(s.name);
        // What was declared off or lost is as the file says.
        if ((seen && !isUnknown(seen)) || s.state === 'off' || s.state === 'lost') return [];
        return [{ server: s.name, pool: p.name, why: seen?.why ?? 'it was not read', help: seen?.help ?? null }];
      }),
    ),
    warnings: [...d.warnings, ...warningsOf(d)],
    counted: {
      servers: inRun.reduce((n, p) => n + p.servers.length, 0),
      vms: d.farm.vms.filter((v) => d.covers(v.pool)).length,
    },
    bound: kept.reduce(
      (n, x) => n + leastOperations(x) + (d.forgets.get(x.spec.key)?.length ?? 0),
      early.length + d.storage.chains.flat().length + ordered.singles.length,
    ),
  };
};

const storesTouched = (r: PlanRepository, d: Draft): Plan['touched'] =>
  r.servers.flatMap(({ server }) => {
    const seen = seenOn(d.observed, server);
    if (!seen) return [];
    return [{ subject: r.subject, server, uuid: '', name: r.path, digest: digestTouched(r.subject, seen, '', r.path) }];
  });

const imageTouched = ({ op }: Node, d: Draft): Plan['touched'] => {
  const seen = seenOn(d.observed, op.server);
  if (!isImageOp(op) || !seen) return [];
  const digest = digestTouched(op.image, seen, '', op.path);
  return [{ subject: op.image, server: op.server, uuid: '', name: op.path, digest }];
};

/** A VM that is to be made must stay unknown to every server of its pool; others are watched where they are. */
const touchedOf = (x: Decision, d: Draft, scope: readonly string[]): Plan['touched'] => {
  const t = x.transition;
  const live = t ? t.live : x.live;
  const pool = d.farm.pools.find((p) => p.name === x.spec.pool)?.servers.map((s) => s.name) ?? [];
  const servers = live ? [x.server] : scope.filter((s) => pool.includes(s));
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
        digest: digestTouched(ref('vm', x.spec.key), seen, uuid, name),
      },
    ];
  });
};
