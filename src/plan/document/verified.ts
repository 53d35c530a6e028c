/** The plan that stands up to the verifier: a VM whose operations do not is left out and told of, and the rest is planned without it. */
import type { Operation, Refusal } from '../../kinds/plan.ts';
import { refusal } from '../model/refusal.ts';
import { orderAll, type Draft, type Ordered } from '../order/order.ts';
import { goalsOf } from '../verify/goals.ts';
import { verify } from '../verify/verify.ts';
import { operationsOf } from './operations.ts';

interface Verified {
  /** Without those that were left out. */
  readonly draft: Draft;
  readonly ordered: Ordered;
  readonly operations: readonly Operation[];
  /** One for each that was left out. */
  readonly refused: readonly Refusal[];
}

const wrongWith = (d: Draft, { chains }: Ordered, operations: readonly Operation[]): readonly string[] => {
  const kept = d.decisions.filter((x) => chains.has(x.spec.key));
  return verify(operations, kept.flatMap(goalsOf), {
    farm: d.farm,
    observed: d.observed,
    matched: d.matched,
    live: new Map(kept.map((x) => [x.spec.key, x.transition ? x.transition.live : x.live])),
    overhead: d.overhead,
    roofs: d.roofs,
  });
};

/** By key, what is wrong with it: the first VM that each fault names, by itself or by an operation; all where none is named. */
const blamed = (wrong: readonly string[], { chains }: Ordered): ReadonlyMap<string, string> => {
  const times = new Map<string, number>();
  for (const chain of chains.values()) for (const { id } of chain) times.set(id, (times.get(id) ?? 0) + 1);
  const out = new Map<string, string>();
  for (const fault of wrong) {
    const words = new Set(fault.split(/[\s,;()]+/));
    const named = [...chains].find(([key, chain]) => words.has(key) || chain.some(({ id }) => words.has(id)));
    const doubled = [...chains].find(([, chain]) => chain.some(({ id }) => (times.get(id) ?? 0) > 1));
    const key = (named ?? doubled)?.[0];
    if (key !== undefined && !out.has(key)) out.set(key, fault);
  }
  if (out.size === 0) for (const key of chains.keys()) out.set(key, wrong.join('; '));
  return out;
};

const leftOut = (key: string, fault: string): Refusal =>
  refusal(key, `${key} cannot be changed`, {
    code: 'unverified',
    why: `the plan with it does not pass the check that Reeve makes of its own plans: ${fault}`,
    help: 'report it, with what `reeve snapshot` writes; the rest of the plan is checked without it',
  });

/** Throws where not even what concerns no VM stands up to it. */
export const verified = (whole: Draft): Verified => {
  const left = new Map<string, string>();
  for (;;) {
    const draft = { ...whole, decisions: whole.decisions.filter((x) => !left.has(x.spec.key)) };
    const ordered = orderAll(draft);
    const operations = operationsOf(draft, ordered);
    const wrong = wrongWith(draft, ordered, operations);
    if (wrong.length === 0)
      return { draft, ordered, operations, refused: [...left].map(([key, fault]) => leftOut(key, fault)) };
    const out = blamed(wrong, ordered);
    if (out.size === 0) throw new Error(`the plan does not stand up to its own verifier: ${wrong.join('; ')}`);
    for (const [key, fault] of out) left.set(key, fault);
  }
};
