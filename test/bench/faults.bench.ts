/** Every fault at every step of every scenario, in process; what comes of it, and how much was looked at. */
import { expect, it } from 'vitest';
import { disturb, faultsAt, prepare } from '../faults/explore.ts';
import { sortOut } from '../faults/named.ts';
import { scenarios } from '../faults/scenarios.ts';

/** A share of the faults, and names of scenarios; all unless said. */
const [share = '1', ...wanted] = JSON.parse(process.env['BENCH_ARGS'] ?? '[]') as readonly string[];

/** The same ones each time. */
let dice = 1;
const thrown = (): boolean => {
  dice = (dice * 48271) % 2147483647;
  return dice / 2147483647 <= Number(share);
};

it('faults', { timeout: 24 * 3_600_000 }, async () => {
  const counts = { scenarios: 0, steps: 0, runs: 0, applies: 0, failures: 0 };
  const ends = new Set<string>();
  const named = new Map<string, number>();
  const open = new Map<string, number>();
  const add = (to: Map<string, number>, name: string): void => void to.set(name, (to.get(name) ?? 0) + 1);
  for (const scenario of scenarios.filter((s) => wanted.length === 0 || wanted.includes(s.name))) {
    const u = await prepare(scenario);
    counts.scenarios += 1;
    counts.steps += u.steps.length;
    const [runs, failures, began] = [counts.runs, counts.failures, performance.now()];
    for (const [step, sent] of u.steps.entries()) {
      for (const fault of faultsAt(sent)) {
        if (!thrown()) continue;
        const verdict = await disturb(u, { step, fault });
        const sorted = sortOut(verdict, u);
        counts.runs += 1;
        counts.applies += 1 + verdict.runs;
        ends.add(`${scenario.name} ${JSON.stringify([...(verdict.end ?? [])])}`);
        for (const name of sorted.named) add(named, name);
        if (sorted.open !== null) add(open, sorted.open);
        if (sorted.wrong.length === 0) continue;
        counts.failures += 1;
        const where = `${scenario.name}, step ${step} (${sent.server} ${sent.what} ${sent.note.slice(0, 80)})`;
        console.log(`FAILED ${where} ${JSON.stringify(fault)}`);
        for (const line of sorted.wrong.slice(0, 8)) console.log(`    ${line.slice(0, 500)}`);
        if (wanted.length > 0) for (const line of verdict.history.told) console.log(`      ${line}`);
      }
    }
    const ms = Math.round((performance.now() - began) / Math.max(1, counts.runs - runs));
    console.log(
      `${scenario.name}: ${u.steps.length} steps, ${counts.runs - runs} runs of ${ms} ms, ${counts.failures - failures} failures`,
    );
  }
  console.log(
    `\n${Object.entries(counts)
      .map(([what, n]) => `${n} ${what}`)
      .join(', ')}, ${ends.size} distinct end states`,
  );
  for (const [title, of] of [
    ['named differences', named],
    ['known bugs', open],
  ] as const)
    for (const [name, n] of of) console.log(`${title}: ${n} × ${name}`);
  expect(counts.failures).toBe(0);
});
