/** What moves are held against: every state of a tiny farm, searched without any of the planner's ideas; and wild runs of a graph. */
import type { MoveStep, Problem } from '../../src/plan/place/solver/problem.ts';

interface Body {
  /** -1: nowhere. */
  readonly at: number;
  readonly size: readonly number[];
  readonly suspended: boolean;
}

const inSet = (p: Problem, set: number, s: number): boolean => set < 0 || [...(p.sets[set]?.list ?? [])].includes(s);
const groupsOf = (p: Problem, v: number): readonly number[] =>
  Array.from(p.groups.subarray(p.groupsFrom[v] ?? 0, p.groupsFrom[v + 1] ?? 0));
const vector = (p: Problem, of: Float64Array, v: number): readonly number[] =>
  Array.from(of.subarray(v * p.dims, (v + 1) * p.dims));

const used = (p: Problem, bodies: readonly Body[], s: number): readonly number[] =>
  bodies.reduce<readonly number[]>(
    (sum, b) => (b.at === s ? sum.map((x, d) => x + (b.size[d] ?? 0)) : sum),
    Array.from({ length: p.dims }, () => 0),
  );

const fits = (p: Problem, bodies: readonly Body[], s: number, more: readonly number[]): boolean =>
  used(p, bodies, s).every((x, d) => (more[d] ?? 0) === 0 || x + (more[d] ?? 0) <= (p.room[s * p.dims + d] ?? 0));

const meets = (p: Problem, bodies: readonly Body[], v: number, s: number): boolean =>
  bodies.some((b, w) => w !== v && b.at === s && groupsOf(p, w).some((g) => groupsOf(p, v).includes(g)));

const done = (p: Problem, bodies: readonly Body[]): boolean =>
  bodies.every((b, v) => {
    if (p.runs[v] !== 1) return b.at < 0;
    const full = vector(p, p.next, v).every((x, d) => x === (b.size[d] ?? 0));
    return b.at >= 0 && full && p.keeps[b.at] === 1 && inSet(p, p.wanted[v] ?? -1, b.at) && !meets(p, bodies, v, b.at);
  }) &&
  Array.from(
    { length: p.servers },
    (_, s) =>
      fits(
        p,
        bodies,
        s,
        used(p, bodies, s).map(() => 0),
      ) && used(p, bodies, s).every((x, d) => x <= (p.room[s * p.dims + d] ?? 0)),
  ).every(Boolean);

/** The least suspensions, and with those the least moves (a suspension is none of them); null: the goal cannot be reached. */
export const fewestMoves = (p: Problem): { readonly suspends: number; readonly moves: number } | null => {
  const first: readonly Body[] = Array.from({ length: p.vms }, (_, v) => ({
    at: p.at[v] ?? -1,
    size: vector(p, p.now, v),
    suspended: false,
  }));
  const key = (b: readonly Body[]): string =>
    b.map((x) => `${x.at}${x.suspended ? 's' : ''}:${x.size.join(',')}`).join(' ');
  // By cost: suspensions, then moves.
  let layer = new Map<string, readonly Body[]>([[key(first), first]]);
  const seen = new Set<string>();
  const limit = 40;
  const costs: Map<string, readonly Body[]>[] = [layer];
  const perSuspend = limit;
  for (let cost = 0; cost < perSuspend * 4; cost++) {
    layer = costs[cost] ?? new Map();
    const todo = [...layer.values()];
    const push = (bodies: readonly Body[], more: number): void => {
      const k = key(bodies);
      if (seen.has(k)) return;
      if (more === 0) {
        seen.add(k);
        todo.push(bodies);
        return;
      }
      const at = costs[cost + more] ?? new Map<string, readonly Body[]>();
      costs[cost + more] = at;
      at.set(k, bodies);
    };
    for (const b of layer.values()) seen.add(key(b));
    for (const bodies of todo) {
      if (done(p, bodies)) return { suspends: Math.floor(cost / perSuspend), moves: cost % perSuspend };
      bodies.forEach((b, v) => {
        const change = (next: Partial<Body>): readonly Body[] =>
          bodies.map((x, i) => (i === v ? { ...x, ...next } : x));
        const target = vector(p, p.next, v);
        if (p.runs[v] !== 1) {
          if (b.at >= 0) push(change({ at: -1 }), 0);
          return;
        }
        const may = (s: number): boolean => p.open[s] === 1 && inSet(p, p.able[v] ?? -1, s) && !meets(p, bodies, v, s);
        if (b.at < 0) {
          for (let s = 0; s < p.servers; s++) {
            // What is resumed may go back to where it was, if only it is a place for it.
            const size = b.suspended ? b.size : target;
            if (may(s) && (b.suspended || inSet(p, p.wanted[v] ?? -1, s)) && fits(p, bodies, s, size))
              push(change({ at: s, size, suspended: false }), 0);
          }
          return;
        }
        const smaller = b.size.map((x, d) => Math.min(x, target[d] ?? 0));
        if (smaller.some((x, d) => x < (b.size[d] ?? 0))) push(change({ size: smaller }), 0);
        const growth = target.map((x, d) => Math.max(0, x - (b.size[d] ?? 0)));
        if (growth.some((x) => x > 0) && fits(p, bodies, b.at, growth))
          push(change({ size: b.size.map((x, d) => Math.max(x, target[d] ?? 0)) }), 0);
        for (let s = 0; s < p.servers; s++)
          if (s !== b.at && may(s) && fits(p, bodies, s, b.size)) push(change({ at: s }), 1);
        if (p.suspend[v] === 1) push(change({ at: -1, suspended: true }), perSuspend);
      });
    }
    if (costs.slice(cost + 1).every((m) => !m || m.size === 0)) return null;
  }
  return null;
};

/**
 * Runs the steps in any order that their needs allow, each for a random time: a moving VM is on both servers meanwhile, what is taken
 * is taken at the beginning and what is given back is given at the end. What went wrong, or null.
 */
export const runWildly = (p: Problem, steps: readonly MoveStep[], random: () => number): string | null => {
  const mid = (v: number): readonly number[] =>
    vector(p, p.now, v).map((x, d) => Math.min(x, vector(p, p.next, v)[d] ?? 0));
  const room = Array.from({ length: p.servers }, (_, s) =>
    Array.from({ length: p.dims }, (__, d) => p.room[s * p.dims + d] ?? 0),
  );
  const load = room.map((r) => r.map(() => 0));
  const members = new Map<string, number>();
  const change = (s: number, size: readonly number[], sign: number): void =>
    size.forEach((x, d) => {
      const row = load[s];
      if (row) row[d] = (row[d] ?? 0) + sign * x;
    });
  const join = (v: number, s: number, sign: number): void => {
    for (const g of groupsOf(p, v)) members.set(`${g} ${s}`, (members.get(`${g} ${s}`) ?? 0) + sign);
  };
  for (let v = 0; v < p.vms; v++) {
    const s = p.at[v] ?? -1;
    if (s < 0) continue;
    change(s, vector(p, p.now, v), 1);
    join(v, s, 1);
  }
  const worst = load.map((r, s) => r.map((x, d) => Math.max(x, room[s]?.[d] ?? 0)));
  const crowd = new Map([...members].map(([k, n]) => [k, Math.max(1, n)] as const));
  const check = (): string | null => {
    for (const [s, r] of load.entries())
      for (const [d, x] of r.entries())
        if (x > (worst[s]?.[d] ?? 0)) return `server ${s} has ${x}, over ${worst[s]?.[d]}`;
    for (const [k, n] of members) if (n > (crowd.get(k) ?? 1)) return `group and server ${k} have ${n}`;
    return null;
  };
  const left = new Set(steps.keys());
  const running: { i: number; ends: number }[] = [];
  const ended = new Set<number>();
  let now = 0;
  while (left.size > 0 || running.length > 0) {
    for (const i of [...left].sort(() => random() - 0.5)) {
      const s = steps[i];
      if (!s || !s.needs.every((n) => ended.has(n)) || random() < 0.3) continue;
      left.delete(i);
      running.push({ i, ends: now + random() });
      if (s.kind === 'grow')
        change(
          s.to,
          vector(p, p.next, s.vm).map((x, d) => x - (mid(s.vm)[d] ?? 0)),
          1,
        );
      else if (s.kind !== 'shrink' && s.to >= 0) {
        change(s.to, (p.at[s.vm] ?? -1) < 0 ? vector(p, p.next, s.vm) : mid(s.vm), 1);
        join(s.vm, s.to, 1);
      }
      const wrong = check();
      if (wrong) return `as step ${i} begins: ${wrong}`;
    }
    running.sort((a, b) => a.ends - b.ends);
    const next = running.shift();
    if (!next) continue;
    now = next.ends;
    ended.add(next.i);
    const s = steps[next.i];
    if (!s || s.from < 0) continue;
    if (s.kind === 'shrink')
      change(
        s.from,
        vector(p, p.now, s.vm).map((x, d) => x - (mid(s.vm)[d] ?? 0)),
        -1,
      );
    else if (s.kind !== 'grow') {
      change(s.from, p.runs[s.vm] === 1 ? mid(s.vm) : vector(p, p.now, s.vm), -1);
      join(s.vm, s.from, -1);
    }
  }
  return null;
};
