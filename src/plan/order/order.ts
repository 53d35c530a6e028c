/** What is planned, brought into one order: chains of operations, what waits for what, and who is left out for want of room. */
import type { Reason } from '../../core/reason.ts';
import { ref } from '../../core/ref.ts';
import { idOf } from '../../kinds/operations.ts';
import type { Farm } from '../../kinds/farm.ts';
import type { Op, PlanOptions, Refusal } from '../../kinds/plan.ts';
import type { Observed } from '../../kinds/server/live.ts';
import type { Overhead } from '../../kinds/vm/effects.ts';
import { realise } from '../../kinds/vm/realise.ts';
import type { Decision } from '../decide/decide.ts';
import type { Deletes } from '../decide/deletion-guards.ts';
import { fetchesFor, removalEdges, removalsFor, roofEdges } from './image-edges.ts';
import type { ImagePlan } from '../storage/images.ts';
import { lanesOf, type Lanes } from './lanes.ts';
import type { Found, Matched } from '../match/match.ts';
import { awaited, tieEdges, type Ties } from './start-order.ts';
import type { Roof } from '../model/path-availability.ts';
import { ranksOf, type PoolPlan } from '../place/place-pool.ts';
import { refusal } from '../model/refusal.ts';
import type { Removal } from '../storage/disk-removals.ts';
import type { Room } from '../model/server-capacity.ts';
import { sequence, topological } from './sequence.ts';
import type { Chain, Node } from '../model/operation-graph.ts';
import { apartOf, serverWork, type ServerWork } from './server-operations.ts';
import { leftOut } from './drop-unplaceable.ts';
import { storageEdges, type StoragePlan } from '../storage/repositories.ts';
import type { Tools } from '../model/planner-inputs.ts';

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
  readonly pools: readonly PoolPlan[];
  /** By VM key. */
  readonly forgets: ReadonlyMap<string, readonly Op[]>;
  /** By VM key: what goes before anything else is done to it. */
  readonly discards: ReadonlyMap<string, readonly Op[]>;
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
  readonly deletes: Deletes;
  readonly warnings: readonly string[];
  readonly covers: (pool: string) => boolean;
}

export interface Ordered {
  readonly chains: ReadonlyMap<string, Chain>;
  /** Images and disks that come or go. */
  readonly singles: readonly Node[];
  /** What is done to servers themselves. */
  readonly work: ServerWork;
  readonly needs: ReadonlyMap<string, readonly string[]>;
  readonly order: readonly string[];
  readonly lanes: Lanes;
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
export const orderAll = (d: Draft): Ordered => {
  const chains = new Map<string, Chain>();
  const early = awaited(d.decisions, d.ties);
  for (const x of d.decisions) {
    const left = d.forgets.get(x.spec.key) ?? [];
    const first = d.discards.get(x.spec.key) ?? [];
    const ops = [
      ...first,
      ...(x.transition ? realise(x.transition) : []),
      ...(early.has(x.spec.key) ? readyOf(x) : []),
      ...left,
    ];
    if (x.transition || ops.length > 0)
      chains.set(
        x.spec.key,
        ops.map((op) => ({ id: idOf(op), op })),
      );
  }
  const refused: Refusal[] = [];
  const ranks = new Map(d.pools.flatMap((p) => [...ranksOf(p)]));
  const apart = apartOf(d.pools);
  const keyOf = new Map([...chains].flatMap(([key, chain]) => chain.map((n) => [n.id, key] as const)));
  const drop = (id: string, reason: Reason): void => {
    const key = keyOf.get(id);
    if (key === undefined || !chains.delete(key)) return;
    refused.push(refusal(key, `${key} cannot be changed: ${id.slice(key.length + 1)}`, reason));
  };
  for (;;) {
    const needing = roofEdges([...chains.values()], d);
    const fetches = fetchesFor(needing, d);
    const removals = removalsFor(chains, d);
    const singles = [...fetches, ...d.images.removals, ...removals.map((r) => r.node)];
    const kept = d.decisions.filter((x) => chains.has(x.spec.key));
    const work = serverWork(d, kept, chains);
    const list = [...d.storage.chains, ...singles.map((n) => [n]), ...chains.values(), ...work.nodes.map((n) => [n])];
    const edges = [
      ...work.edges,
      ...tieEdges(chains, d.ties),
      ...storageEdges(d.storage.chains),
      ...needing,
      ...roofEdges([fetches], d),
      ...removalEdges(removals, chains),
    ];
    const sequenced = sequence(list, d.rooms, d.overhead, { edges, ranks, apart });
    const { needs } = sequenced;
    if (sequenced.short.length > 0) {
      for (const s of leftOut(sequenced, chains, keyOf)) drop(s.id, { code: s.code, why: s.why, help: s.help });
      continue;
    }
    const { order, stuck } = topological(
      list.flat().map((n) => n.id),
      needs,
    );
    const knot = stuck[0];
    if (knot !== undefined)
      drop(knot, {
        code: 'circular-wait',
        why: 'it waits for a disk of a VM that waits for one of its own',
        help: 'stop one of the two first',
      });
    else {
      const lanes = lanesOf(d.farm, chains, needs, order);
      if ('reason' in lanes) {
        drop(lanes.id, lanes.reason);
        continue;
      }
      if (lanes.edges.length === 0) return { chains, singles, work, needs, order, lanes, refused };
      const rolled = new Map(needs);
      for (const [id, before] of lanes.edges) rolled.set(id, [...new Set([...(rolled.get(id) ?? []), before])].sort());
      return { chains, singles, work, needs: rolled, order: topological(order, rolled).order, lanes, refused };
    }
  }
};
