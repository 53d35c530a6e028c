/** Every fault at every step of every scenario, others' doings between the steps, and pairs of controllers, in process; and how much was looked at. */
import { expect, it } from 'vitest';
import { disturb, faultsAt, prepare, type Undisturbed } from '../faults/explore.ts';
import { intrude, intrusions } from '../faults/intrude.ts';
import type { FaultAt, Sent } from '../faults/link.ts';
import { sortOut } from '../faults/named.ts';
import { explorePair } from '../faults/pairs.ts';
import { scenarios } from '../faults/scenarios.ts';

/** A share of all of it, and names of scenarios; all unless said. */
const [share = '1', ...wanted] = JSON.parse(process.env['BENCH_ARGS'] ?? '[]') as readonly string[];

/** Of each pair; the whole of what can be reached is more. */
const pairRuns = Math.ceil(200 * Number(share));

/** The same ones each time. */
let dice = 1;
const thrown = (): boolean => {
  dice = (dice * 48271) % 2147483647;
  return dice / 2147483647 <= Number(share);
};

const counts = { scenarios: 0, steps: 0, runs: 0, applies: 0, intrusions: 0, pairs: 0, states: 0, failures: 0 };
const ends = new Set<string>();
const named = new Map<string, number>();
const open = new Map<string, number>();
const add = (to: Map<string, number>, name: string): void => void to.set(name, (to.get(name) ?? 0) + 1);

const judge = (
  u: Undisturbed,
  where: string,
  what: { readonly at: FaultAt; readonly wrong: readonly string[] },
): void => {
  const sorted = sortOut(what, u);
  for (const name of sorted.named) add(named, name);
  if (sorted.open !== null) add(open, sorted.open);
  if (sorted.wrong.length === 0) return;
  counts.failures += 1;
  console.log(`FAILED ${u.scenario.name}, ${where}`);
  for (const line of sorted.wrong.slice(0, 8)) console.log(`    ${line.slice(0, 500)}`);
};

const stepText = (step: number, { server, what, note }: Sent): string =>
  `step ${step} (${server} ${what} ${note.slice(0, 80)})`;

const faults = async (u: Undisturbed): Promise<void> => {
  for (const [step, sent] of u.steps.entries())
    for (const fault of faultsAt(sent)) {
      if (!thrown()) continue;
      const verdict = await disturb(u, { step, fault });
      counts.runs += 1;
      counts.applies += 1 + verdict.runs;
      ends.add(`${u.scenario.name} ${JSON.stringify([...(verdict.end ?? [])])}`);
      judge(u, `${stepText(step, sent)} ${JSON.stringify(fault)}`, verdict);
    }
};

const others = async (u: Undisturbed): Promise<void> => {
  for (const intrusion of intrusions)
    for (const [step, sent] of u.steps.entries()) {
      if (!intrusion.at(sent, u) || !thrown()) continue;
      counts.intrusions += 1;
      judge(u, `${stepText(step, sent)}: ${intrusion.name} (${intrusion.pattern})`, await intrude(u, step, intrusion));
    }
};

const pairs = async (u: Undisturbed): Promise<void> => {
  for (const other of [u.order, u.former]) {
    if (other === null) continue;
    const explored = await explorePair(u, other, pairRuns);
    counts.pairs += explored.runs;
    counts.states += explored.states;
    for (const { choices, wrong } of explored.wrong)
      judge(u, `a pair: ${choices.join(' ')}`, { at: { step: 0, fault: { is: 'gone', when: 'before' } }, wrong });
  }
};

it('faults', { timeout: 24 * 3_600_000 }, async () => {
  for (const scenario of scenarios.filter((s) => wanted.length === 0 || wanted.includes(s.name))) {
    const began = performance.now();
    const before = { ...counts };
    const u = await prepare(scenario);
    counts.scenarios += 1;
    counts.steps += u.steps.length;
    await faults(u);
    await others(u);
    await pairs(u);
    const told = (['steps', 'runs', 'intrusions', 'pairs', 'states', 'failures'] as const).map(
      (what) => `${counts[what] - before[what]} ${what}`,
    );
    console.log(`${scenario.name}: ${told.join(', ')}, ${Math.round((performance.now() - began) / 1000)} s`);
  }
  const all = Object.entries(counts).map(([what, n]) => `${n} ${what}`);
  console.log(`\n${all.join(', ')}, ${ends.size} distinct end states`);
  for (const [title, of] of [['named differences', named] as const, ['known bugs', open] as const])
    for (const [name, n] of of) console.log(`${title}: ${n} × ${name}`);
  expect(counts.failures).toBe(0);
});
