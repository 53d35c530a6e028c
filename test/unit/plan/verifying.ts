/** What a test asks of the verifier: a plan's operations against the farm that they were made for. */
import type { Farm } from '../../../src/kinds/farm.ts';
import type { Operation } from '../../../src/kinds/plan.ts';
import type { Observed } from '../../../src/kinds/server/live.ts';
import { match } from '../../../src/plan/match/match.ts';
import { verify } from '../../../src/plan/verify/verify.ts';

/** What is wrong with these operations, whatever they are to reach. */
export const verified = (f: Farm, seen: Observed, operations: readonly Operation[]): readonly string[] => {
  const matched = match(f, seen, []);
  const live = new Map([...matched.of].map(([key, m]) => [key, m.is === 'matched' ? m.found.live : null] as const));
  return verify(operations, [], { farm: f, observed: seen, matched, live, roofs: new Map(), overhead: () => 0 });
};

/** The operations without one edge: what `id` needs, save `need`. */
export const without = (operations: readonly Operation[], id: string, need: string): readonly Operation[] =>
  operations.map((o) => (o.id === id ? { ...o, needs: o.needs.filter((n) => n !== need) } : o));
