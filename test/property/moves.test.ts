/** Placing and ordering: safe in every interleaving, at the goal, and as good as an exhaustive search on tiny farms. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { movesIn, solve } from '../../src/plan/place/solver/index.ts';
import { mayStay, moveBy, type Problem } from '../../src/plan/place/solver/problem.ts';
import { meetsAll, wrongWith } from '../../src/plan/place/solver/verify-moves.ts';
import { lacking } from '../../src/plan/place/solver/n-plus-one.ts';
import { permuted, problemOf, randomOf, type Guest } from '../bench/problems.ts';
import { fewestMoves, runWildly } from './oracle.ts';

interface Tiny {
  readonly room: readonly (readonly number[])[];
  readonly guests: readonly Guest[];
  readonly drained: readonly number[];
  readonly suspend: boolean;
}

const tiny = (mostServers: number, mostVms: number): fc.Arbitrary<Tiny> =>
  fc.integer({ min: 2, max: mostServers }).chain((servers) => {
    const server = fc.integer({ min: 0, max: servers - 1 });
    const size = fc.integer({ min: 1, max: 4 });
    const guest = fc.record({
      at: fc.oneof({ weight: 8, arbitrary: server }, { weight: 1, arbitrary: fc.constant(-1) }),
      size: size.map((s) => [s]),
      next: fc.option(
        size.map((s) => [s]),
        { nil: undefined, freq: 4 },
      ),
      wanted: fc.option(fc.uniqueArray(server, { minLength: 1, maxLength: 2 }), { nil: undefined, freq: 2 }),
      group: fc.option(fc.integer({ min: 0, max: 1 }), { nil: undefined, freq: 3 }),
    });
    return fc
      .record({
        guests: fc.array(guest, { minLength: 1, maxLength: mostVms }),
        slack: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: servers, maxLength: servers }),
        drained: fc.uniqueArray(server, { maxLength: 1 }),
        suspend: fc.boolean(),
      })
      .map(({ guests, slack, drained, suspend }) => ({
        // Every server holds what is there now, and a little more.
        room: slack.map((more, s) => [more + guests.reduce((n, g) => n + (g.at === s ? (g.size[0] ?? 0) : 0), 0)]),
        guests: guests.map(({ next, wanted, ...g }): Guest => ({
          ...g,
          ...(next && g.at >= 0 ? { next } : {}),
          ...(wanted ? { wanted } : {}),
        })),
        drained,
        suspend,
      }));
  });

const problem = (t: Tiny): Problem => {
  const p = problemOf(t.room, t.guests, new Set(t.drained));
  return t.suspend ? { ...p, suspend: p.suspend.fill(1) } : p;
};

/** A suspension is dearer than any number of moves. */
const costOf = (steps: Parameters<typeof movesIn>[0]): number =>
  steps.filter((s) => s.kind === 'suspend').length * 1000 + movesIn(steps);

describe('moves of a tiny farm', () => {
  it('are safe, end where they say, and fulfil every wish that is not told as unmet', () => {
    fc.assert(
      fc.property(tiny(5, 7), (t) => {
        const p = problem(t);
        const { steps, to, unmet, bound } = solve(p);
        expect(wrongWith(p, steps, to)).toBeNull();
        // Whoever is not told of has got where it may be.
        const told = new Set(unmet.map((u) => u.vm));
        const others = [...to.keys()].filter((v) => !told.has(v));
        expect(others.filter((v) => !mayStay(p, v, to[v] ?? -1))).toEqual([]);
        if (unmet.length > 0) return;
        expect(meetsAll(p, to)).toBe(true);
        expect(movesIn(steps)).toBeGreaterThanOrEqual(bound);
      }),
      { numRuns: 2000 },
    );
  });

  it('are as few as an exhaustive search finds, and impossible where it finds none', () => {
    fc.assert(
      fc.property(tiny(4, 5), (t) => {
        const p = problem(t);
        const best = fewestMoves(p);
        const { steps, unmet } = solve(p);
        expect(unmet.length === 0).toBe(best !== null);
        if (best === null) return;
        const suspends = steps.filter((s) => s.kind === 'suspend').length;
        expect([suspends, movesIn(steps) - 2 * suspends]).toEqual([best.suspends, best.moves]);
      }),
      { numRuns: 600 },
    );
  });

  it('are none for a growth that is not fulfilled', () => {
    const beside: readonly Guest[] = [
      { at: 0, size: [6], wanted: [0] },
      { at: 0, size: [4] },
    ];
    for (const next of [11, 12, 13, 20]) {
      const { steps } = solve(problemOf([[16], [16]], [{ at: 0, size: [2], next: [next], wanted: [0] }, ...beside]));
      expect([next, steps]).toEqual([next, []]);
    }
    // With ten it is: the one that may go does.
    const some = solve(problemOf([[16], [16]], [{ at: 0, size: [2], next: [10], wanted: [0] }, ...beside]));
    expect(some.steps.map((s) => [s.kind, s.vm])).toEqual([
      ['move', 2],
      ['grow', 0],
    ]);
  });

  it('hold in whatever order the graph lets them run, however long each takes', () => {
    fc.assert(
      fc.property(tiny(5, 7), fc.integer(), (t, seed) => {
        const p = problem(t);
        expect(runWildly(p, solve(p).steps, randomOf(seed))).toBeNull();
      }),
      { numRuns: 1000 },
    );
  });

  it('are none where nothing is wanted, and the same for the same input', () => {
    fc.assert(
      fc.property(tiny(5, 7), (t) => {
        const p = problem(t);
        const { steps, to, unmet } = solve(p);
        expect(solve(p)).toEqual({ ...solve(p), steps });
        if (unmet.length > 0) return;
        const after: Problem = { ...p, at: to, now: p.next };
        expect(solve(after).steps).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('go on from any point at which they broke off', () => {
    fc.assert(
      fc.property(tiny(4, 6), fc.integer({ min: 0, max: 12 }), (t, n) => {
        const p = { ...problem(t), suspend: new Uint8Array(t.guests.length) };
        const { steps, unmet } = solve(p);
        if (unmet.length > 0) return;
        const at = Int32Array.from(p.at);
        const now = Float64Array.from(p.now);
        for (const s of steps.slice(0, n)) {
          at[s.vm] = s.to;
          const [a, b] = [p.now[s.vm] ?? 0, p.next[s.vm] ?? 0];
          if (s.kind === 'shrink' || s.kind === 'grow' || s.kind === 'start') now[s.vm] = b;
          else if (s.kind === 'move' || s.kind === 'hop') now[s.vm] = Math.min(a, b);
        }
        const rest = solve({ ...p, at, now });
        expect(rest.unmet).toEqual([]);
        expect(movesIn(rest.steps)).toBeLessThanOrEqual(movesIn(steps) + 2);
      }),
      { numRuns: 500 },
    );
  });

  it('scale with all sizes, and lose nothing by an idle server more', () => {
    fc.assert(
      fc.property(tiny(4, 6), fc.integer({ min: 2, max: 1000 }), (t, by) => {
        const p = problem(t);
        const scaled: Problem = {
          ...p,
          room: p.room.map((x) => x * by),
          now: p.now.map((x) => x * by),
          next: p.next.map((x) => x * by),
        };
        const { steps, unmet } = solve(p);
        expect(solve(scaled).steps).toEqual(steps);
        if (unmet.length > 0) return;
        const roomier = solve(problem({ ...t, room: [...t.room, [8]] }));
        expect(roomier.unmet).toEqual([]);
        expect(costOf(roomier.steps)).toBeLessThanOrEqual(costOf(steps));
      }),
      { numRuns: 500 },
    );
  });

  it('cost the same in whatever order servers and VMs are told', () => {
    fc.assert(
      fc.property(tiny(5, 6), fc.infiniteStream(fc.nat()), (t, dice) => {
        const shuffled = <T>(list: readonly T[]): readonly T[] =>
          list
            .map((x) => [Number(dice.next().value), x] as const)
            .sort(([a], [b]) => a - b)
            .map(([, x]) => x);
        const order = shuffled(t.room.map((_, s) => s));
        const now = (s: number): number => order.indexOf(s);
        const other: Tiny = {
          ...t,
          room: order.map((s) => t.room[s] ?? []),
          drained: t.drained.map(now),
          guests: shuffled(t.guests).map((g) => ({
            ...g,
            at: g.at < 0 ? -1 : now(g.at),
            ...(g.wanted ? { wanted: g.wanted.map(now) } : {}),
          })),
        };
        const [a, b] = [solve(problem(t)), solve(problem(other))];
        expect(b.unmet.length === 0).toBe(a.unmet.length === 0);
        if (a.unmet.length > 0) return;
        expect(costOf(b.steps)).toBe(costOf(a.steps));
      }),
      { numRuns: 500 },
    );
  });

  it('have no step that could be left out', () => {
    fc.assert(
      fc.property(tiny(4, 6), fc.nat(), (t, which) => {
        const p = problem(t);
        const { steps, to, unmet } = solve(p);
        // A growth or a shrinking is a wish of its own.
        const travels = [...steps.keys()].filter((i) => steps[i]?.kind !== 'grow' && steps[i]?.kind !== 'shrink');
        const out = travels[which % Math.max(1, travels.length)];
        if (unmet.length > 0 || out === undefined) return;
        const shift = (n: number): number => (n > out ? n - 1 : n);
        const cut = steps.flatMap((s, i) =>
          i === out
            ? []
            : [
                {
                  ...s,
                  needs: [...new Set(s.needs.flatMap((n) => (n === out ? (steps[out]?.needs ?? []) : [n])))].map(shift),
                },
              ],
        );
        expect(wrongWith(p, cut, to)).not.toBeNull();
      }),
      { numRuns: 500 },
    );
  });
});

const ring = (k: number, spare: number, suspend: boolean): Problem => {
  const guests = Array.from({ length: k }, (_, i): Guest => ({ at: i, size: [4], wanted: [(i + 1) % k] }));
  const p = problemOf(
    Array.from({ length: k + spare }, () => [4]),
    guests,
  );
  return suspend ? { ...p, suspend: p.suspend.fill(1) } : p;
};

describe('a ring of equal VMs on full servers', () => {
  it('takes one move more where one server is spare', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), (k) => {
        const { steps, unmet, bound } = solve(ring(k, 1, false));
        expect([unmet, movesIn(steps), bound]).toEqual([[], k + 1, k + 1]);
      }),
    );
  });

  it('suspends one where none is, or says that it cannot be', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), (k) => {
        const { steps, unmet } = solve(ring(k, 0, true));
        expect(unmet).toEqual([]);
        expect(steps.filter((s) => s.kind === 'suspend')).toHaveLength(1);
        expect(steps.filter((s) => s.kind === 'move')).toHaveLength(k - 1);
        expect(solve(ring(k, 0, false)).unmet.map((u) => u.why)).toEqual(Array.from({ length: k }, () => 'stuck'));
      }),
    );
  });
});

describe('larger farms', () => {
  it('are left as they are but for what must move', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const p = permuted(40, 10, 1, 0.1, 2, randomOf(seed));
        const { steps, to, unmet, bound } = solve(p);
        expect([unmet, wrongWith(p, steps, to)]).toEqual([[], null]);
        // Whoever has no wish stays, unless it is the way out of a circle.
        const free = steps.filter((s) => (p.wanted[s.vm] ?? -1) < 0);
        expect(free.length).toBeLessThanOrEqual(movesIn(steps) - bound + 6);
        expect(steps.reduce((n, s) => n + s.needs.length, 0)).toBeLessThanOrEqual(2 * steps.length + p.vms);
      }),
      { numRuns: 60 },
    );
  });

  it('show every edge that is left out of a tight plan, unless no order of the others can do harm', () => {
    let caught = 0;
    let harmless = 0;
    fc.assert(
      fc.property(fc.integer(), fc.nat(), (seed, which) => {
        const p = permuted(12, 4, 1, 0.5, 1, randomOf(seed));
        const { steps, to } = solve(p);
        const edges = steps.flatMap((s, i) => s.needs.map((n) => [i, n] as const));
        const gone = edges[which % Math.max(1, edges.length)];
        if (!gone) return;
        const cut = steps.map((s, i) => (i === gone[0] ? { ...s, needs: s.needs.filter((n) => n !== gone[1]) } : s));
        if (wrongWith(p, cut, to) !== null) {
          caught++;
          return;
        }
        harmless++;
        for (let n = 0; n < 40; n++) expect(runWildly(p, cut, randomOf(seed + n))).toBeNull();
      }),
      { numRuns: 200 },
    );
    expect(caught).toBeGreaterThan(harmless * 5);
  });
});

describe('the loss of a server', () => {
  it('is survived exactly where some placement of its VMs exists', () => {
    fc.assert(
      fc.property(tiny(4, 6), (t) => {
        const p = { ...problemOf(t.room, t.guests), move: new Uint8Array(t.guests.length).fill(moveBy.live) };
        const { to, unmet } = solve(p);
        if (unmet.length > 0) return;
        const survives = (lost: number): boolean => {
          const free = t.room.map((r) => r[0] ?? 0);
          const groups = t.room.map(() => new Set<number>());
          const homeless: number[] = [];
          to.forEach((s, v) => {
            if (s === lost) homeless.push(v);
            else if (s >= 0) {
              free[s] = (free[s] ?? 0) - (p.next[v] ?? 0);
              const g = t.guests[v]?.group;
              if (g !== undefined) groups[s]?.add(g);
            }
          });
          const go = (i: number): boolean => {
            const v = homeless[i];
            if (v === undefined) return true;
            const g = t.guests[v]?.group;
            return free.some((room, s) => {
              const wanted = t.guests[v]?.wanted;
              const size = p.next[v] ?? 0;
              if (
                s === lost ||
                room < size ||
                (wanted && !wanted.includes(s)) ||
                (g !== undefined && groups[s]?.has(g))
              )
                return false;
              free[s] = room - size;
              if (g !== undefined) groups[s]?.add(g);
              const rest = go(i + 1);
              free[s] = room;
              if (g !== undefined) groups[s]?.delete(g);
              return rest;
            });
          };
          return go(0);
        };
        expect(lacking(p, to, 1) === null).toBe(t.room.every((_, s) => survives(s)));
      }),
      { numRuns: 500 },
    );
  });
});
