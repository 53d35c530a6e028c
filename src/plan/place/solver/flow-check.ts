/**
 * Whether room suffices in every interleaving that a graph of steps allows, proved by flow: what each step takes must be covered by
 * what was free and by what steps before it gave back, each unit once. Where it is, every set of steps that is closed under `needs` fits.
 */

/** What a step takes and gives, by place: a server and a dimension, a server and a group. */
export interface FlowStep {
  readonly needs: readonly number[];
  readonly takes: readonly (readonly [place: number, amount: number])[];
  readonly gives: readonly (readonly [place: number, amount: number])[];
}

export interface Uncovered {
  readonly place: number;
  /** The step that may find too little. */
  readonly step: number;
}

interface Site {
  /** By step. */
  readonly takes: Map<number, number>;
  readonly gives: Map<number, number>;
}

/** `free`: by place, what is free at the start; where it is less than nothing it only must not get worse. */
export const uncovered = (steps: readonly FlowStep[], free: (place: number) => number): Uncovered | null => {
  const sites = new Map<number, Site>();
  const siteOf = (place: number): Site => {
    const known = sites.get(place);
    if (known) return known;
    const fresh: Site = { takes: new Map(), gives: new Map() };
    sites.set(place, fresh);
    return fresh;
  };
  const add = (map: Map<number, number>, i: number, amount: number): void => {
    if (amount > 0) map.set(i, (map.get(i) ?? 0) + amount);
  };
  steps.forEach((s, i) => {
    for (const [place, amount] of s.takes) add(siteOf(place).takes, i, amount);
    for (const [place, amount] of s.gives) add(siteOf(place).gives, i, amount);
  });
  for (const [place, site] of sites) {
    if (site.takes.size === 0) continue;
    const spare = Math.max(0, free(place));
    const direct = (t: number): readonly number[] => (steps[t]?.needs ?? []).filter((n) => site.gives.has(n));
    if (cover(site, spare, direct) < 0) continue;
    // What is waited for over others counts as well; it is looked at only where it matters.
    const failed = cover(site, spare, (t) => ancestors(t, steps, site.gives));
    if (failed >= 0) return { place, step: failed };
  }
  return null;
};

/** All steps that must be done before this one, of those that give something here. */
const ancestors = (step: number, steps: readonly FlowStep[], gives: ReadonlyMap<number, number>): readonly number[] => {
  const seen = new Set<number>();
  const todo = [...(steps[step]?.needs ?? [])];
  for (let i = todo.pop(); i !== undefined; i = todo.pop()) {
    if (seen.has(i)) continue;
    seen.add(i);
    todo.push(...(steps[i]?.needs ?? []));
  }
  return [...gives.keys()].filter((g) => seen.has(g));
};

/** -1, or a taker that is not covered. */
const cover = (site: Site, free: number, before: (taker: number) => readonly number[]): number => {
  const left = new Map(site.gives);
  /** By giver: who has how much of it. */
  const given = new Map<number, Map<number, number>>();
  const waits = new Map<number, readonly number[]>();
  const owned = new Map<number, number>();
  let spare = free;
  for (const [taker, amount] of site.takes) {
    waits.set(taker, before(taker));
    let need = amount;
    while (need > 0) {
      const path = augment(taker, { waits, left, given, owned, spare });
      if (!path) return taker;
      const moved = Math.min(need, path.amount);
      const last = path.chain.at(-1) ?? -1;
      // -1 at the end: what was free at the start.
      if (last === -1) spare -= moved;
      else left.set(last, (left.get(last) ?? 0) - moved);
      for (let i = 0; i + 1 < path.chain.length; i += 2) {
        const [t = -1, g = -1, next] = path.chain.slice(i, i + 3);
        hold(t, g, moved, given, owned);
        if (next !== undefined) hold(next, g, -moved, given, owned);
      }
      need -= moved;
    }
  }
  return -1;
};

const hold = (
  taker: number,
  giver: number,
  by: number,
  given: Map<number, Map<number, number>>,
  owned: Map<number, number>,
): void => {
  if (giver === -1) {
    owned.set(taker, (owned.get(taker) ?? 0) + by);
    return;
  }
  const map = given.get(giver) ?? new Map<number, number>();
  given.set(giver, map.set(taker, (map.get(taker) ?? 0) + by));
};

interface Flows {
  readonly waits: ReadonlyMap<number, readonly number[]>;
  readonly left: ReadonlyMap<number, number>;
  readonly given: ReadonlyMap<number, ReadonlyMap<number, number>>;
  /** By taker: how much it has of what was free. */
  readonly owned: ReadonlyMap<number, number>;
  readonly spare: number;
}

/** Taker, giver, taker, giver…: each giver but the last is taken over from the next taker. */
const augment = (
  first: number,
  { waits, left, given, owned, spare }: Flows,
): { readonly chain: readonly number[]; readonly amount: number } | null => {
  const seen = new Set<number>([first]);
  const queue: { chain: readonly number[]; amount: number }[] = [{ chain: [first], amount: Number.POSITIVE_INFINITY }];
  for (const { chain, amount } of queue) {
    const taker = chain.at(-1) ?? -1;
    if (spare > 0) return { chain: [...chain, -1], amount: Math.min(amount, spare) };
    for (const giver of waits.get(taker) ?? []) {
      const rest = left.get(giver) ?? 0;
      if (rest > 0) return { chain: [...chain, giver], amount: Math.min(amount, rest) };
      for (const [other, held] of given.get(giver) ?? []) {
        if (held <= 0 || seen.has(other)) continue;
        seen.add(other);
        queue.push({ chain: [...chain, giver, other], amount: Math.min(amount, held) });
      }
    }
    // Whoever has what was free may have waited for something else instead.
    for (const [other, held] of owned) {
      if (held <= 0 || seen.has(other)) continue;
      seen.add(other);
      queue.push({ chain: [...chain, -1, other], amount: Math.min(amount, held) });
    }
  }
  return null;
};
