/** Every fault at every step of a scenario's run; after each, fresh controllers without memory must reach the goal, and nothing is lost on the way. */
import type { InProcessFarm } from '../../src/sim/in-process.ts';
import { makeInProcessFarm } from '../../src/sim/in-process.ts';
import type { Plan } from '../../src/kinds/plan.ts';
import { load } from '../unit/config/load.ts';
import { apply, type Order } from './controller.ts';
import { watch, type History } from './history.ts';
import type { Fault, FaultAt, Sent } from './link.ts';
import { differences, holdsBytes, pictureOf, type Picture } from './picture.ts';
import type { Said, Scenario } from './scenarios.ts';

/** So many fresh controllers may be needed. */
const mostRuns = 5;

const orderOf = async ({ text, options = {} }: Said): Promise<Order> => ({ farm: (await load(text)).farm, options });

/** The longest that anything takes on a dom0 is a timeout of hours that nobody meets any more. */
const settle = async (farm: InProcessFarm): Promise<void> => farm.clock.settle();

const leftOver = (plan: Plan): string => plan.refused.map((r) => `${r.what}: ${r.why}`).join('\n');

export interface Undisturbed {
  readonly scenario: Scenario;
  readonly order: Order;
  /** What was asked for before; null: nothing. */
  readonly former: Order | null;
  /** Just before the run; to be forked. */
  readonly ready: InProcessFarm;
  readonly steps: readonly Sent[];
  readonly end: Picture;
  readonly refused: string;
  readonly boots: ReadonlyMap<string, number>;
  /** VMs that ran before are booted anew by it. */
  readonly restarts: boolean;
  /** Keys of what guests wrote and is still there. */
  readonly kept: ReadonlySet<string>;
}

/** Runs until nothing is left to do; how many runs that took, or why it does not end. */
const converge = async (
  farm: InProcessFarm,
  order: Order,
): Promise<{ readonly runs: number; readonly plan: Plan } | string> => {
  let why = '';
  for (let runs = 0; runs < mostRuns; runs++) {
    const { done } = await apply(farm, order);
    if (done === 'killed') throw new Error('nobody kills this one');
    const failures = done.outcomes.flatMap((o) => o.failed).map((f) => `${f.id}: ${f.why}`);
    why = [...failures, leftOver(done.plan), ...done.plan.unreadable.map((u) => u.why)]
      .filter((x) => x !== '')
      .join('\n');
    if (done.plan.operations.length === 0 && done.outcomes.length === 0 && done.plan.unreadable.length === 0)
      return { runs, plan: done.plan };
  }
  return `no end after ${mostRuns} runs: ${why}`;
};

export const prepare = async (scenario: Scenario): Promise<Undisturbed> => {
  const farm = makeInProcessFarm({ ...scenario.spec, seed: scenario.name }, scenario.web);
  const first = watch(farm);
  for (const step of scenario.before) {
    if (typeof step === 'function') step(farm);
    else {
      const got = await converge(farm, await orderOf(step));
      if (typeof got === 'string') throw new Error(`${scenario.name}, before: ${got}`);
    }
    await settle(farm);
  }
  first.end();
  const order = await orderOf(scenario.goal);
  const said = scenario.before.findLast((b): b is Said => typeof b !== 'function');
  const run = farm.fork();
  const history = watch(run);
  const { link, done } = await apply(run, order);
  await settle(run);
  if (done === 'killed') throw new Error('nobody kills this one');
  const failed = done.outcomes.flatMap((o) => o.failed.map((f) => `${f.id}: ${f.why}`));
  if (failed.length > 0) throw new Error(`${scenario.name}: ${failed.join('\n')}`);
  const again = await converge(run, order);
  if (typeof again === 'string') throw new Error(`${scenario.name}: ${again}`);
  await settle(run);
  history.end();
  if (history.harm.length > 0) throw new Error(`${scenario.name}: ${history.harm.join('\n')}`);
  const holds = holdsBytes(run);
  return {
    scenario,
    order,
    former: said === undefined ? null : await orderOf(said),
    ready: farm,
    steps: link.sent,
    end: pictureOf(run),
    refused: leftOver(again.plan),
    boots: history.boots,
    restarts: [...history.boots.keys()].some((uuid) => first.boots.has(uuid)),
    kept: new Set([...history.written].flatMap(([key, tag]) => (holds(tag) ? [key] : []))),
  };
};

/** Every fault that makes sense at this step: what only looks leaves nothing behind, whether its answer came or not. */
export const faultsAt = ({ what, waits }: Sent): readonly Fault[] => {
  const ways = ['lost', 'gone', 'killed', 'reboot'] as const;
  const at = (when: 'before' | 'after'): readonly Fault[] => ways.map((is) => ({ is, when }));
  if (what === 'observe' || what === 'wait') return at('before');
  if (what !== 'op') return [...at('before'), ...at('after')];
  const within = Array.from({ length: waits() }, (_, n) => n);
  return [
    ...at('before'),
    ...at('after'),
    ...(['unborn', 'begun', 'unwritten'] as const).map((death) => ({ is: 'death', death, too: false }) as const),
    ...within.flatMap((n): readonly Fault[] => [
      { is: 'death', death: { at: n }, too: false },
      { is: 'death', death: { at: n }, too: true },
      ...(n === 0 ? [] : [{ is: 'power', at: n } as const]),
    ]),
  ];
};

export interface Verdict {
  readonly at: FaultAt;
  /** Empty: it went well. */
  readonly wrong: readonly string[];
  readonly runs: number;
  /** Of the end. */
  readonly end: Picture | null;
  readonly history: History;
}

const bootsWrong = (u: Undisturbed, history: History, fault: Fault): readonly string[] => {
  if (fault.is === 'reboot' || fault.is === 'power') return [];
  return [...history.boots].flatMap(([uuid, n]) => {
    const usual = u.boots.get(uuid) ?? 0;
    return n > usual ? [`booted ${n} times, and not ${usual}: ${uuid}`] : [];
  });
};

/** What is not as after an undisturbed run, once fresh controllers have done what is left. */
export const afterwards = async (
  u: Undisturbed,
  farm: InProcessFarm,
  history: History,
): Promise<{ readonly wrong: readonly string[]; readonly runs: number; readonly end: Picture }> => {
  const wrong: string[] = [];
  const got = await converge(farm, u.order);
  const runs = typeof got === 'string' ? mostRuns : got.runs;
  if (typeof got === 'string') wrong.push(got);
  else {
    await settle(farm);
    const again = await converge(farm, u.order);
    if (typeof again === 'string' || again.runs > 0) wrong.push('what was reached does not stay');
    else if (leftOver(again.plan) !== u.refused) wrong.push(`refused: ${leftOver(again.plan)}`);
  }
  await settle(farm);
  const end = pictureOf(farm);
  wrong.push(...differences(u.end, end));
  const holds = holdsBytes(farm);
  for (const [key, tag] of history.written)
    if (u.kept.has(key) && !holds(tag)) wrong.push(`what its guest wrote last is lost: ${tag}`);
  return { wrong, runs, end };
};

/** One fault, and what comes of it. */
export const disturb = async (u: Undisturbed, at: FaultAt): Promise<Verdict> => {
  const farm = u.ready.fork();
  const history = watch(farm);
  const wrong: string[] = [];
  let runs = 0;
  let end: Picture | null = null;
  try {
    const { link } = await apply(farm, u.order, at);
    if (link.sent[at.step] === undefined) wrong.push('the fault did not come about: the run is not as it was without');
    const after = await afterwards(u, farm, history);
    ({ runs, end } = after);
    wrong.push(...after.wrong);
  } catch (error) {
    wrong.push(`exception: ${(error as Error).stack ?? String(error)}`);
  }
  history.end();
  wrong.push(...history.harm, ...bootsWrong(u, history, at.fault));
  return { at, wrong, runs, end, history };
};
