/**
 * The order: a chain per VM, and edges that make room safe in every interleaving. Room is tracked in lots (`moves/lots.ts`), in the
 * order that placing found; disks have one writer, and a group one member on each server.
 */
import type { ReasonCode } from '../../core/reason.ts';
import { formatSize } from '../../core/quantity.ts';
import type { Op } from '../../kinds/plan.ts';
import { effectsOf, isVmOp } from '../../kinds/operations.ts';
import { all, type Overhead } from '../../kinds/vm/effects.ts';
import type { Ranks } from '../place/place-pool.ts';
import { Lots } from '../place/solver/capacity-lots.ts';
import type { Room } from '../model/server-capacity.ts';
import { claimsOf, deltasOf, type Amounts } from '../model/resource-deltas.ts';
import { type Node, type Chain, presence } from '../model/operation-graph.ts';
import { placeOf, type Apart } from './server-operations.ts';

export interface Short {
  /** The operation that finds no room. */
  readonly id: string;
  readonly server: string;
  readonly code: ReasonCode;
  readonly why: string;
  readonly help: string | null;
}

const helpRoom = 'free some on that server first, or give it less';

export interface Sequenced {
  readonly needs: ReadonlyMap<string, readonly string[]>;
  readonly short: readonly Short[];
  /** Operations whose room or disk, once given back, is taken by another VM. */
  readonly relied: ReadonlySet<string>;
}

/** What sequencing is told beside the chains. */
export interface Guide {
  /** Pairs of an operation and one that it waits for, for reasons other than room. */
  readonly edges?: readonly (readonly [id: string, needs: string])[];
  /** By VM key: the places of its steps in the order that placing found. */
  readonly ranks?: ReadonlyMap<string, Ranks>;
  readonly apart?: Apart;
}

interface Held {
  readonly writers: Map<string, { holder: string; freedBy: string | null }>;
  readonly names: ReadonlyMap<string, string>;
}

const heldOf = (room: Room): Held => ({
  writers: new Map([...room.writers].map(([path, holder]) => [path, { holder, freedBy: null }])),
  names: room.names,
});

interface Work {
  readonly node: Node;
  readonly index: number;
  readonly deltas: ReadonlyMap<string, Amounts>;
  readonly rank: number;
}

/** Departures first and arrivals last, where placing has said nothing; a VM's own operations in their order. */
const ranked = (
  chains: readonly Chain[],
  deltas: ReadonlyMap<string, Work['deltas']>,
  ranks: Guide['ranks'],
): Work[] => {
  const works: Work[] = [];
  for (const chain of chains) {
    const [first] = chain;
    const mine = first && isVmOp(first.op) ? ranks?.get(first.op.vm.name) : undefined;
    const moves = [...(mine?.moves ?? [])];
    let at = Number.NEGATIVE_INFINITY;
    for (const node of chain) {
      const d = deltas.get(node.id) ?? new Map<string, Amounts>();
      const { comes, goes } = presence(node.op);
      const amounts = [...d.values()].flatMap((a) => [a.memory, a.vcpus]);
      const counts = amounts.some((a) => a !== 0) || comes !== null || goes !== null;
      const takes = amounts.some((a) => a > 0);
      // A step that shrinks may be several operations, and one that moves is the one that comes or goes.
      const own = comes !== null || goes !== null ? moves.shift() : takes ? mine?.grow : mine?.shrink;
      if (counts) at = Math.max(at, own ?? (takes ? Number.MAX_VALUE : -1));
      works.push({ node, index: works.length, deltas: d, rank: at });
    }
  }
  return works.sort((a, b) => a.rank - b.rank || a.index - b.index);
};

export const sequence = (
  chains: readonly Chain[],
  rooms: ReadonlyMap<string, Room>,
  overhead: Overhead,
  { edges = [], ranks, apart }: Guide = {},
): Sequenced => {
  if (chains.every((chain) => chain.length === 0)) return { needs: new Map(), short: [], relied: new Set() };
  const claims = new Map([...rooms].map(([server, room]) => [server, claimsOf(room)] as const));
  const held = new Map([...rooms].map(([server, room]) => [server, heldOf(room)] as const));
  const needs = new Map<string, Set<string>>();
  const deltas = new Map<string, Work['deltas']>();
  for (const chain of chains) {
    chain.forEach((node, i) => {
      const before = chain[i - 1];
      needs.set(node.id, new Set(before ? [before.id] : []));
      deltas.set(
        node.id,
        deltasOf(node.op, (s) => claims.get(s), overhead),
      );
      releaseDisks(node, held, overhead);
    });
  }
  for (const [id, before] of edges) needs.get(id)?.add(before);
  const relied = new Set<string>();
  const short = takeRoom(ranked(chains, deltas, ranks), rooms, needs, relied, apart);
  for (const chain of chains) for (const node of chain) claimDisks(node, held, needs, short, relied, overhead);
  return { needs: new Map([...needs].map(([id, set]) => [id, [...set].sort()])), short, relied };
};

const vmOf = (op: Op): string | null => (isVmOp(op) ? op.vm.name : null);

const takeRoom = (
  works: readonly Work[],
  rooms: ReadonlyMap<string, Room>,
  needs: ReadonlyMap<string, Set<string>>,
  relied: Set<string>,
  apart: Guide['apart'],
): Short[] => {
  const short: Short[] = [];
  const servers = [...rooms.keys()];
  const placeOf = new Map(
    servers.flatMap((s, i) => [[`${s}\nmemory`, 2 * i] as const, [`${s}\nvcpus`, 2 * i + 1] as const]),
  );
  const lots = new Lots();
  for (const [server, room] of rooms) {
    lots.open(placeOf.get(`${server}\nmemory`) ?? 0, Math.max(0, room.free));
    lots.open(placeOf.get(`${server}\nvcpus`) ?? 0, Math.max(0, room.freeVcpus));
  }
  const depth = new Map<string, number>();
  const groups = groupKeeper(apart, needs);
  works.forEach(({ node, deltas }, i) => {
    const owners = new Set<number>();
    for (const [server, d] of deltas) {
      for (const dim of ['memory', 'vcpus'] as const) {
        const missing = d[dim] > 0 ? lots.take(placeOf.get(`${server}\n${dim}`) ?? -1, d[dim], owners) : 0;
        if (missing > 0)
          short.push({
            id: node.id,
            server,
            code: 'no-room',
            why: `${server} lacks ${amountText(dim, missing)} for it`,
            help: helpRoom,
          });
      }
    }
    const mine = needs.get(node.id);
    for (const o of owners) {
      const from = works[o]?.node;
      if (!from) continue;
      mine?.add(from.id);
      if (vmOf(from.op) !== vmOf(node.op)) relied.add(from.id);
    }
    short.push(...groups(node));
    const own = 1 + Math.max(-1, ...[...(mine ?? [])].map((id) => depth.get(id) ?? -1));
    depth.set(node.id, own);
    for (const [server, d] of deltas)
      for (const dim of ['memory', 'vcpus'] as const)
        if (d[dim] < 0) lots.give(placeOf.get(`${server}\n${dim}`) ?? -1, -d[dim], i, own);
  });
  return short;
};

/** Whoever comes waits for those of its groups that leave; one that meets another there, which stays, is short of a place. */
const groupKeeper = (
  { groups, on }: Apart = { groups: new Map(), on: new Map() },
  needs: ReadonlyMap<string, Set<string>>,
): ((node: Node) => readonly Short[]) => {
  const here = new Map([...on].map(([place, vms]) => [place, new Set(vms)] as const));
  const left = new Map<string, Set<string>>();
  return ({ id, op }) => {
    const vm = vmOf(op);
    const mine = vm === null ? undefined : groups.get(vm);
    if (vm === null || !mine) return [];
    const { comes, goes } = presence(op);
    const short: Short[] = [];
    for (const group of mine) {
      if (comes !== null) {
        const place = placeOf(group, comes);
        for (const before of left.get(place) ?? []) if (before !== id) needs.get(id)?.add(before);
        const mates = here.get(place) ?? new Set();
        const met = [...mates].find((other) => other !== vm);
        if (met !== undefined)
          short.push({
            id,
            server: comes,
            code: 'no-server-fits',
            why: `${comes} keeps ${met} of its group`,
            help: null,
          });
        here.set(place, mates.add(vm));
      }
      if (goes !== null) {
        const place = placeOf(group, goes);
        left.set(place, (left.get(place) ?? new Set()).add(id));
        here.get(place)?.delete(vm);
      }
    }
    return short;
  };
};

const amountText = (dim: 'memory' | 'vcpus', amount: number): string =>
  dim === 'memory' ? `${formatSize(Math.ceil(amount / 1024) * 1024)} of memory` : `${Math.ceil(amount)} vCPUs`;

const releaseDisks = (node: Node, held: ReadonlyMap<string, Held>, overhead: Overhead): void => {
  for (const e of effectsOf(node.op, overhead)) {
    if (e.fx !== 'release' || e.dim !== 'disk-writer') continue;
    for (const [path, w] of held.get(e.on)?.writers ?? []) {
      if (w.holder === e.key && (e.at.name === all || e.at.name === path)) w.freedBy ??= node.id;
    }
  }
};

const claimDisks = (
  node: Node,
  held: ReadonlyMap<string, Held>,
  needs: Map<string, Set<string>>,
  short: Short[],
  relied: Set<string>,
  overhead: Overhead,
): void => {
  for (const e of effectsOf(node.op, overhead)) {
    if (e.fx !== 'claim' || e.dim !== 'disk-writer') continue;
    const at = held.get(e.on);
    if (!at) continue;
    const w = at.writers.get(e.at.name);
    if (w && w.holder !== e.key) {
      if (w.freedBy === null) {
        const who = at.names.get(w.holder) ?? w.holder;
        short.push({
          id: node.id,
          server: e.on,
          code: 'in-use',
          why: `${e.at.name} is written to by ${who} on ${e.on}`,
          help: helpRoom,
        });
        continue;
      }
      needs.get(node.id)?.add(w.freedBy);
      relied.add(w.freedBy);
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
