/** What is done to servers themselves in a plan: they join, leave, and come to migrate to each other; and what waits for what. */
import { sortedBy } from '../../core/order.ts';
import { ref } from '../../core/ref.ts';
import type { Farm } from '../../kinds/farm.ts';
import { idOf, isServerOp, reasonOf } from '../../kinds/operations.ts';
import type { Op, PlanDom0, PlanOptions } from '../../kinds/plan.ts';
import type { Observed } from '../../kinds/server/live.ts';
import { aliasOf } from '../../kinds/server/describe.ts';
import type { Body } from '../place/workload.ts';
import type { Decision } from '../decide/decide.ts';
import type { Edge, Chain, Node } from '../model/operation-graph.ts';
import { detachments, emptied } from './evacuated-servers.ts';
import { dropOps, memberOps, migrationOps } from '../match/pool-membership.ts';
import { movesOf, type PoolPlan } from '../place/place-pool.ts';
import type { StoragePlan } from '../storage/repositories.ts';

export interface ServerWork {
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge[];
}

interface Scene {
  readonly farm: Farm;
  readonly observed: Observed;
  readonly options: PlanOptions;
  readonly covers: (pool: string) => boolean;
  readonly storage: Pick<StoragePlan, 'chains'>;
}

const nodeOf = (op: Op): Node => ({ id: idOf(op), op });

/** `kept`: what is carried out; `chains`: its operations, by VM. */
export const serverWork = (
  { farm, observed, options, covers, storage }: Scene,
  kept: readonly Decision[],
  chains: ReadonlyMap<string, Chain>,
): ServerWork => {
  const nodes: Node[] = [];
  const edges: Edge[] = [];
  const ofVms = [...chains.values()].flat();
  const planned = new Set(storage.chains.flat().map((n) => n.id));
  const forgotten = new Set(
    ofVms.flatMap(({ op }) => (op.verb === 'forget' || op.verb === 'undefine' ? [`${op.server}\n${op.path}`] : [])),
  );
  for (const pool of farm.pools.filter((p) => covers(p.name))) {
    const whole = options.targets.length === 0 && options.cause !== 'drift';
    const leaving = whole ? emptied(pool, observed, kept, forgotten) : new Set<string>();
    const names = new Set(pool.servers.map((s) => s.name));
    const migrations = ofVms.filter(({ op }) => op.verb === 'migrate' && names.has(op.server));
    const pairs = migrations.flatMap(({ op }) => (op.verb === 'migrate' ? [[op.server, op.peer] as const] : []));
    const given = migrationOps(pairs, pool, observed, farm.name, aliasOf);
    const keys = given.map(nodeOf);
    const detaches = detachments(pool, observed, farm.name, leaving);
    const drops = whole ? dropOps(pool, observed, farm.name, leaving, given).map(nodeOf) : [];
    const members = whole ? memberOps(pool, observed, farm, leaving).map(nodeOf) : [];
    const leaves = members.filter((n) => n.op.verb === 'leave-pool');
    for (const n of [...detaches, ...leaves]) {
      for (const v of ofVms) if (v.op.server === n.op.server) edges.push([n.id, v.id]);
      if (n.op.verb !== 'leave-pool') continue;
      for (const other of detaches) if (other.op.server === n.op.server) edges.push([n.id, other.id]);
      for (const other of members) if (other.op.verb === 'join-pool') edges.push([other.id, n.id]);
    }
    // What leaves goes with the keys that it has until then.
    for (const n of drops) {
      for (const v of ofVms) {
        const from = v.op.server === n.op.server && leaving.has(n.op.server);
        const to = v.op.verb === 'migrate' && v.op.peer === n.op.server && leaving.has(v.op.server);
        if (from || to) edges.push([n.id, v.id]);
      }
      for (const k of keys) if (k.op.server === n.op.server) edges.push([n.id, k.id]);
    }
    const keyOf = (verb: string, server: string): string | undefined =>
      keys.find((k) => k.op.verb === verb && k.op.server === server)?.id;
    for (const k of keys) {
      if (k.op.verb !== 'take-migrations') continue;
      for (const from of k.op.peers) {
        const send = keyOf('send-migrations', from);
        if (send !== undefined) edges.push([k.id, send]);
      }
    }
    for (const { id, op } of migrations) {
      if (op.verb !== 'migrate') continue;
      for (const k of [keyOf('send-migrations', op.server), keyOf('take-migrations', op.peer)])
        if (k !== undefined) edges.push([id, k]);
    }
    // A repository that leaves its pool is detached here, too, whoever of the two goes first.
    nodes.push(...keys, ...drops, ...detaches.filter((n) => !planned.has(n.id)), ...members);
  }
  return { nodes, edges };
};

export const blocksOf = (nodes: readonly Node[], farm: Farm): readonly PlanDom0[] => {
  const poolOf = new Map(farm.pools.flatMap((p) => p.servers.map((s) => [s.name, p.name] as const)));
  const own = nodes.filter((n) => isServerOp(n.op));
  return sortedBy(new Set(own.map((n) => n.op.server)), (s) => s).map((server) => {
    const mine = own.filter((n) => n.op.server === server);
    return {
      subject: ref('server', server),
      name: server,
      pool: poolOf.get(server) ?? '',
      does: mine.map((n) => reasonOf(n.op)),
      operations: mine.map((n) => n.id),
    };
  });
};

/** Its key; of one that this run does not plan, whatever is no other's. */
const nameOf = (b: Body): string => b.spec?.key ?? b.uuid;

/** Who may not be together: by VM its hard groups, and by group and server those of it that run there. */
export interface Apart {
  readonly groups: ReadonlyMap<string, readonly string[]>;
  readonly on: ReadonlyMap<string, ReadonlySet<string>>;
}

export const placeOf = (group: string, server: string): string => `${group}\n${server}`;

export const apartOf = (pools: readonly PoolPlan[]): Apart => {
  const groups = new Map<string, readonly string[]>();
  const on = new Map<string, Set<string>>();
  for (const { scene, bodies } of pools)
    for (const b of bodies) {
      const hard = (b.known?.apart ?? []).flatMap((a) => (a.soft ? [] : [`${scene.pool.name}/${a.group}`]));
      if (hard.length === 0) continue;
      groups.set(nameOf(b), hard);
      for (const g of b.server === null ? [] : hard) {
        const place = placeOf(g, b.server ?? '');
        on.set(place, (on.get(place) ?? new Set()).add(nameOf(b)));
      }
    }
  return { groups, on };
};

/** A move is at least a cfg written and a migration. */
const opsOfMove = 2;

/** Moves that any plan needs beyond those of the VMs that were moved; less than nothing where some of those may not have been needed. */
export const movesBeyond = (pools: readonly PoolPlan[]): number =>
  pools.reduce((n, p) => {
    const moved = new Set(p.solution.steps.flatMap((s) => (['move', 'hop', 'suspend'].includes(s.kind) ? [s.vm] : [])))
      .size;
    const more = movesOf(p).bound - moved;
    return n + (more < 0 ? more * opsOfMove : more);
  }, 0);
