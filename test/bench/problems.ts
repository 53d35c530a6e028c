/** Problems of moves that are made here: a small language for whole farms of numbers. */
import { moveBy, serverSet, type Problem, type ServerSet } from '../../src/plan/place/solver/problem.ts';

/** A seeded generator of numbers in [0, 1) (mulberry32). */
export const randomOf = (seed: number): (() => number) => {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
};

export interface Guest {
  /** -1: it is to be started. */
  readonly at: number;
  readonly size: readonly number[];
  readonly next?: readonly number[];
  /** The servers where it may be in the end; any unless said. */
  readonly wanted?: readonly number[];
  readonly group?: number | undefined;
}

export const problemOf = (
  room: readonly (readonly number[])[],
  guests: readonly Guest[],
  drained: ReadonlySet<number> = new Set(),
): Problem => {
  const servers = room.length;
  const dims = room[0]?.length ?? 1;
  const sets: ServerSet[] = [];
  const known = new Map<string, number>();
  const setOf = (list: readonly number[] | undefined): number => {
    if (!list) return -1;
    const key = list.join(',');
    const i = known.get(key) ?? sets.length;
    if (i === sets.length) {
      known.set(key, i);
      sets.push(serverSet(list, servers));
    }
    return i;
  };
  const open = Uint8Array.from(room, (_, s) => (drained.has(s) ? 0 : 1));
  const groupsFrom = new Int32Array(guests.length + 1);
  const groups = guests.flatMap((g, v) => {
    const mine = g.group === undefined ? [] : [g.group];
    groupsFrom[v + 1] = (groupsFrom[v] ?? 0) + mine.length;
    return mine;
  });
  return {
    servers,
    vms: guests.length,
    dims,
    room: Float64Array.from(room.flat()),
    open,
    keeps: open,
    at: Int32Array.from(guests, (g) => g.at),
    runs: new Uint8Array(guests.length).fill(1),
    now: Float64Array.from(guests.flatMap((g) => (g.at < 0 ? g.size.map(() => 0) : g.size))),
    next: Float64Array.from(guests.flatMap((g) => g.next ?? g.size)),
    wanted: Int32Array.from(guests, (g) => setOf(g.wanted)),
    able: new Int32Array(guests.length).fill(-1),
    sets,
    prefers: new Int32Array(guests.length).fill(-1),
    move: new Uint8Array(guests.length).fill(moveBy.live),
    suspend: new Uint8Array(guests.length),
    groupsFrom,
    groups: Int32Array.from(groups),
  };
};

/** Ganeti's htools text format: memory and vCPUs count, offline nodes are drained, `anti:` tags keep apart. */
export const fromHtools = (text: string): Problem => {
  const [, nodeLines = '', vmLines = ''] = text.split('\n\n');
  const nodes = nodeLines
    .trim()
    .split('\n')
    .map((l) => l.split('|'));
  const index = new Map(nodes.map((n, i) => [n[0] ?? '', i] as const));
  const groups = new Map<string, number>();
  const guests = vmLines
    .trim()
    .split('\n')
    .map((l): Guest => {
      const f = l.split('|');
      const tag = (f[9] ?? '').split(',').find((t) => t.startsWith('anti:'));
      if (tag !== undefined && !groups.has(tag)) groups.set(tag, groups.size);
      return {
        at: index.get(f[6] ?? '') ?? -1,
        size: [Number(f[1]), Number(f[3])],
        group: tag === undefined ? undefined : groups.get(tag),
      };
    });
  // hbal's policy: sixteen vCPUs for each CPU.
  const room = nodes.map((n) => [Number(n[1]) - Number(n[2]), Number(n[6]) * 16]);
  return problemOf(room, guests, new Set(nodes.flatMap((n, i) => (n[7] === 'Y' ? [i] : []))));
};

/** A farm of `perServer` guests on each server, full to `fill`, of sizes 1 to 4 (GiB). */
export const filledFarm = (
  servers: number,
  perServer: number,
  fill: number,
  random: () => number,
): { room: number[][]; guests: Guest[] } => {
  const room: number[][] = [];
  const guests: Guest[] = [];
  for (let s = 0; s < servers; s++) {
    let sum = 0;
    for (let i = 0; i < perServer; i++) {
      const size = 1 + Math.floor(random() * 4);
      sum += size;
      guests.push({ at: s, size: [size] });
    }
    room.push([Math.floor(sum / fill)]);
  }
  return { room, guests };
};

/** The same servers, a share of whose guests change places among themselves, size for size, each pinned to its new one; and `spare` empty servers. */
export const permuted = (
  servers: number,
  perServer: number,
  fill: number,
  share: number,
  spare: number,
  random: () => number,
): Problem => {
  const { room, guests } = filledFarm(servers, perServer, fill, random);
  const bySize = new Map<number, number[]>();
  guests.forEach((g, v) => {
    if (random() >= share) return;
    const size = g.size[0] ?? 0;
    bySize.set(size, [...(bySize.get(size) ?? []), v]);
  });
  const moved = [...guests];
  for (const list of bySize.values()) {
    const places = list.map((v) => guests[v]?.at ?? 0);
    for (let i = places.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [places[i], places[j]] = [places[j] ?? 0, places[i] ?? 0];
    }
    list.forEach((v, i) => {
      const g = guests[v];
      if (g) moved[v] = { ...g, wanted: [places[i] ?? 0] };
    });
  }
  const mean = room.reduce((n, r) => n + (r[0] ?? 0), 0) / Math.max(1, room.length);
  return problemOf([...room, ...Array.from({ length: spare }, () => [Math.round(mean)])], moved);
};

/** Up to four nearly full servers and five guests: sizes, new sizes, pins, groups and a drained server as chance has it. */
export const tinyFarm = (random: () => number): Problem => {
  const below = (n: number): number => Math.floor(random() * n);
  const one = <T>(chance: number, of: () => T): T | undefined => (random() < chance ? of() : undefined);
  const servers = 2 + below(3);
  const guests = Array.from({ length: 1 + below(5) }, (): Guest => {
    const at = random() < 0.1 ? -1 : below(servers);
    const next = at < 0 ? undefined : one(0.25, () => [1 + below(4)]);
    const wanted = one(0.5, () => [...new Set([below(servers), below(servers)])]);
    return {
      at,
      size: [1 + below(4)],
      ...(next ? { next } : {}),
      ...(wanted ? { wanted } : {}),
      group: one(0.35, () => below(2)),
    };
  });
  const room = Array.from({ length: servers }, (_, s) => [
    below(4) + guests.reduce((n, g) => n + (g.at === s ? (g.size[0] ?? 0) : 0), 0),
  ]);
  const p = problemOf(room, guests, new Set(one(0.5, () => [below(servers)]) ?? []));
  return random() < 0.5 ? { ...p, suspend: p.suspend.fill(1) } : p;
};
