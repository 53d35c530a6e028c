/** A sample of all faults at all steps, in process: fresh controllers reach the goal, and nothing is lost, doubled or forgotten. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { disturb, faultsAt, prepare } from '../faults/explore.ts';
import { intrude, intrusions } from '../faults/intrude.ts';
import { sortOut } from '../faults/named.ts';
import { throwPairs } from '../faults/pairs.ts';
import { scenarios } from '../faults/scenarios.ts';

/** The same sample in each run: `npm run bench -- faults` looks at all of it. */
const seed = fc.readConfigureGlobal().seed ?? 20261122;

/** Numbers from 0 up to, not including, 1. */
const diceOf = (from: number): (() => number) => {
  let state = ((from * 7919) % 2147483646) + 1;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
};

it.each(scenarios.map((s, n) => [s.name, s, n] as const))('%s', async (_, scenario, n) => {
  const u = await prepare(scenario);
  const throwDice = diceOf(seed + n);
  const one = <T>(all: readonly T[]): T | undefined => all[Math.floor(throwDice() * all.length)];
  const at = one(u.steps.flatMap((sent, step) => faultsAt(sent).map((fault) => ({ step, fault }))));
  const by = one(
    u.steps.flatMap((sent, step) => intrusions.flatMap((i) => (i.at(sent, u) ? [{ step, intrusion: i }] : []))),
  );
  const fault = at && sortOut(await disturb(u, at), u).wrong;
  const intruded = by && sortOut(await intrude(u, by.step, by.intrusion), u).wrong;
  expect([seed, at, fault]).toEqual([seed, at, []]);
  expect([seed, by?.step, by?.intrusion.name, intruded]).toEqual([seed, by?.step, by?.intrusion.name, []]);
});

it.each(
  scenarios.filter((s) => ['create', 'restart', 'lun: migrate'].includes(s.name)).map((s) => [s.name, s] as const),
)('two controllers: %s', async (_, scenario) => {
  const u = await prepare(scenario);
  expect(await throwPairs(u, u.former ?? u.order, 2, diceOf(seed))).toEqual([]);
});

it('a rename whose server goes down between its two cfgs leaves one of them, and one link', async () => {
  const scenario = scenarios.find((s) => s.name === 'rename');
  if (!scenario) throw new Error('there is no such scenario');
  const u = await prepare(scenario);
  const step = u.steps.findIndex((s) => s.what === 'write' && s.note.startsWith('write /etc/xen/b.cfg'));
  const at = { step, fault: { is: 'reboot', when: 'after' } } as const;
  const { wrong } = await disturb(u, at);
  expect([step >= 0, sortOut({ at, wrong }, u)]).toMatchObject([true, { open: null, wrong: [] }]);
});
