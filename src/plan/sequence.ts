/**
 * The order: a chain per VM, and edges that make room safe in every interleaving. Room is tracked in lots: what is
 * free at the start has no owner, each departure leaves a lot behind, and an arrival waits for the owners of the lots
 * that it takes. Every unit of room so belongs to exactly one arrival.
 */
import { formatSize } from '../core/quantity.ts';
import type { Op } from '../kinds/plan.ts';
import { effectsOf } from '../kinds/operations.ts';
import { all, type Overhead } from '../kinds/vm/effects.ts';
import type { Room } from './room.ts';

export interface Node {
  readonly id: string;
  readonly op: Op;
}

/** One VM's operations, in the order in which they must run. */
export type Chain = readonly Node[];

export interface Short {
  /** The operation that finds no room. */
  readonly id: string;
  readonly server: string;
  readonly why: string;
}

export interface Sequenced {
  readonly needs: ReadonlyMap<string, readonly string[]>;
  readonly short: readonly Short[];
}

interface Lot {
  amount: number;
  readonly owner: string | null;
}

interface Held {
  readonly claims: Map<string, number>;
  readonly lots: Lot[];
  readonly writers: Map<string, { holder: string; freedBy: string | null }>;
  readonly names: ReadonlyMap<string, string>;
}

const heldOf = (room: Room): Held => ({
  claims: new Map(room.claims),
  lots: [{ amount: Math.max(0, room.free), owner: null }],
  writers: new Map([...room.writers].map(([path, holder]) => [path, { holder, freedBy: null }])),
  names: room.names,
});

/** What the operation adds to its server's memory in the end, in KiB: negative where it gives back. */
const memoryDelta = (op: Op, held: Held, overhead: Overhead): number => {
  const now = new Map<string, number>();
  for (const e of effectsOf(op, overhead)) {
    if ((e.fx !== 'claim' && e.fx !== 'release') || e.dim !== 'memory') continue;
    now.set(e.key, e.fx === 'claim' ? e.amount : 0);
  }
  let delta = 0;
  for (const [key, amount] of now) {
    delta += amount - (held.claims.get(key) ?? 0);
    held.claims.set(key, amount);
  }
  return delta;
};

/** What the operations of one VM add to their server's memory in the end, in KiB. */
export const netMemory = (ops: readonly Op[], room: Room | undefined, overhead: Overhead): number => {
  if (!room) return 0;
  const held = heldOf(room);
  return ops.reduce((sum, op) => sum + memoryDelta(op, held, overhead), 0);
};

/** Departures before arrivals: shrinks and stops leave their lots before anybody looks for one. */
export const sequence = (
  chains: readonly Chain[],
  rooms: ReadonlyMap<string, Room>,
  overhead: Overhead,
  /** Pairs of an operation and one that it waits for, for reasons other than room. */
  edges: readonly (readonly [id: string, needs: string])[] = [],
): Sequenced => {
  const held = new Map([...rooms].map(([server, room]) => [server, heldOf(room)] as const));
  const needs = new Map<string, Set<string>>();
  const short: Short[] = [];
  const arrivals: { node: Node; amount: number; at: Held }[] = [];
  for (const chain of chains) {
    chain.forEach((node, i) => {
      const before = chain[i - 1];
      needs.set(node.id, new Set(before ? [before.id] : []));
      const at = held.get(node.op.server);
      if (!at) return;
      const delta = memoryDelta(node.op, at, overhead);
      if (delta < 0) at.lots.push({ amount: -delta, owner: node.id });
      if (delta > 0) arrivals.push({ node, amount: delta, at });
      releaseDisks(node, at, overhead);
    });
  }
  for (const [id, before] of edges) needs.get(id)?.add(before);
  for (const { node, amount, at } of arrivals) takeLots(node, amount, at, needs, short);
  for (const chain of chains) for (const node of chain) claimDisks(node, held, needs, short, overhead);
  return { needs: new Map([...needs].map(([id, set]) => [id, [...set].sort()])), short };
};

const takeLots = (node: Node, amount: number, at: Held, needs: Map<string, Set<string>>, short: Short[]): void => {
  let missing = amount;
  for (const lot of at.lots) {
    if (missing === 0) break;
    if (lot.amount === 0 || lot.owner === node.id) continue;
    const taken = Math.min(lot.amount, missing);
    lot.amount -= taken;
    missing -= taken;
    if (lot.owner !== null) needs.get(node.id)?.add(lot.owner);
  }
  if (missing > 0) {
    const size = formatSize(Math.ceil(missing / 1024) * 1024);
    short.push({ id: node.id, server: node.op.server, why: `${node.op.server} lacks ${size} of memory for it` });
  }
};

const releaseDisks = (node: Node, at: Held, overhead: Overhead): void => {
  for (const e of effectsOf(node.op, overhead)) {
    if (e.fx !== 'release' || e.dim !== 'disk-writer') continue;
    for (const [path, w] of at.writers) {
      if (w.holder === e.key && (e.at.name === all || e.at.name === path)) w.freedBy ??= node.id;
    }
  }
};

const claimDisks = (
  node: Node,
  held: ReadonlyMap<string, Held>,
  needs: Map<string, Set<string>>,
  short: Short[],
  overhead: Overhead,
): void => {
  const at = held.get(node.op.server);
  for (const e of effectsOf(node.op, overhead)) {
    if (!at || e.fx !== 'claim' || e.dim !== 'disk-writer') continue;
    const w = at.writers.get(e.at.name);
    if (w && w.holder !== e.key) {
      if (w.freedBy === null) {
        const who = at.names.get(w.holder) ?? w.holder;
        short.push({
          id: node.id,
          server: node.op.server,
          why: `${e.at.name} is written to by ${who} on ${node.op.server}`,
        });
        continue;
      }
      needs.get(node.id)?.add(w.freedBy);
    }
    at.writers.set(e.at.name, { holder: e.key, freedBy: null });
  }
};

/** Every operation behind all that it needs, ties in the given order; `stuck` are those that wait for each other in a circle. */
export const topological = (
  ids: readonly string[],
  needs: ReadonlyMap<string, readonly string[]>,
): { readonly order: readonly string[]; readonly stuck: readonly string[] } => {
  const known = new Set(ids);
  const waiting = new Map(ids.map((id) => [id, (needs.get(id) ?? []).filter((n) => known.has(n)).length]));
  const dependents = new Map<string, string[]>();
  for (const id of ids) {
    for (const n of needs.get(id) ?? []) {
      const list = dependents.get(n);
      if (list) list.push(id);
      else dependents.set(n, [id]);
    }
  }
  const order: string[] = [];
  const ready = ids.filter((id) => waiting.get(id) === 0);
  for (let i = 0; i < ready.length; i++) {
    const id = ready[i] ?? '';
    order.push(id);
    for (const d of dependents.get(id) ?? []) {
      const left = (waiting.get(d) ?? 0) - 1;
      waiting.set(d, left);
      if (left === 0) ready.push(d);
    }
  }
  const placed = new Set(order);
  return { order, stuck: ids.filter((id) => !placed.has(id)) };
};
