/** A sample of all faults at all steps, in process: fresh controllers reach the goal, and nothing is lost, doubled or forgotten. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { disturb, faultsAt, prepare } from '../faults/explore.ts';
import { sortOut } from '../faults/named.ts';
import { scenarios } from '../faults/scenarios.ts';

/** Of each scenario; `npm run bench -- faults` does all of them. */
const perScenario = 2;

const seed = fc.readConfigureGlobal().seed ?? Date.now() % 1_000_000_007;

/** Numbers from 0 up to, not including, 1. */
const diceOf = (from: number): (() => number) => {
  let state = (from % 2147483646) + 1;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
};

it.each(scenarios.map((s, n) => [s.name, s, n] as const))('%s', async (_, scenario, n) => {
  const u = await prepare(scenario);
  const all = u.steps.flatMap((sent, step) => faultsAt(sent).map((fault) => ({ step, fault })));
  const throwDice = diceOf(seed + n);
  throwDice();
  for (let i = 0; i < perScenario; i++) {
    const at = all[Math.floor(throwDice() * all.length)];
    if (!at) continue;
    const { wrong } = sortOut(await disturb(u, at), u);
    expect({ seed, at, step: u.steps[at.step]?.note, wrong }).toMatchObject({ wrong: [] });
  }
});
