/**
 * Two controllers on one farm: which of them goes on next, whether time passes, and whether the first one loses its connections, is chosen at
 * every step. The states that can be reached are explored by replay, each once as far as it can be told from others.
 */
import { createHash } from 'node:crypto';
import type { InProcessFarm } from '../../src/sim/in-process.ts';
import { Hung, startRun, type Order, type Run } from './controller.ts';
import { afterwards, type Undisturbed } from './explore.ts';
import { watch } from './history.ts';
import { pictureOf } from './picture.ts';

type Choice = 'first' | 'second' | 'time' | 'drop';

interface Parked {
  readonly sent: string;
  readonly go: () => void;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** More than any two runs take. */
const mostSteps = 5000;

/** What tells this state from others: the farm, its locks and operations, and what each controller has done and seen. */
const stateOf = (farm: InProcessFarm, told: readonly string[]): string => {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([...pictureOf(farm)]));
  for (const { controls } of farm.dom0s.values())
    for (const c of controls.values())
      hash.update(
        JSON.stringify([c.epoch, c.holder !== null, [...c.operations].map(([id, o]) => [id, o.over, o.waits()])]),
      );
  hash.update(told.join('\n'));
  return hash.digest('hex');
};

export interface Explored {
  readonly states: number;
  readonly runs: number;
  readonly ends: number;
  /** True: every state was reached that can be, before the bound. */
  readonly whole: boolean;
  readonly wrong: readonly { readonly choices: readonly Choice[]; readonly wrong: readonly string[] }[];
}

interface Path {
  /** At each place where there was one: what was chosen, of what, in which state. */
  readonly chosen: readonly { readonly choice: Choice; readonly of: readonly Choice[]; readonly state: string }[];
  readonly wrong: readonly string[];
  readonly end: string;
}

/** One run of the pair, with these choices first, and the first one there is after them. `seen`: states whose sequel is known. */
const follow = async (
  u: Undisturbed,
  orders: readonly [Order, Order],
  first: readonly Choice[],
  pick: (of: readonly Choice[], at: number) => Choice,
): Promise<Path> => {
  const farm = u.ready.fork();
  const history = watch(farm);
  const parked: [Parked[], Parked[]] = [[], []];
  const told: [string[], string[]] = [[], []];
  const over = [false, false];
  const start = (n: 0 | 1): Run =>
    startRun(farm, orders[n], null, (sent) => {
      const text = `${sent.server} ${sent.what} ${sent.note}`;
      return new Promise((go) => parked[n].push({ sent: text, go }));
    });
  farm.time.byHand(true);
  const runs = [start(0), start(1)] as const;
  for (const n of [0, 1] as const)
    runs[n].ended.then(
      () => (over[n] = true),
      () => (over[n] = true),
    );
  const chosen: { choice: Choice; of: readonly Choice[]; state: string }[] = [];
  const wrong: string[] = [];
  let dropped = false;
  let end = '';
  try {
    for (let steps = 0; !(over[0] && over[1]); steps++) {
      if (steps > mostSteps) throw new Hung();
      for (let n = 0; n < 3; n++) await turn();
      const of: Choice[] = [
        ...(parked[0].length > 0 ? ['first' as const] : []),
        ...(parked[1].length > 0 ? ['second' as const] : []),
        ...(farm.time.idle() ? [] : ['time' as const]),
      ];
      if (of.length === 0) {
        if (over[0] && over[1]) break;
        continue;
      }
      if (!dropped && !over[0] && told[0].some((t) => t.includes(' hold '))) of.push('drop');
      let [choice = 'time'] = of;
      if (of.length > 1) {
        const state = stateOf(farm, [...told[0], '--', ...told[1], String(dropped)]);
        choice = first[chosen.length] ?? pick(of, chosen.length);
        chosen.push({ choice, of, state });
      }
      if (choice === 'time') farm.time.step();
      else if (choice === 'drop') {
        dropped = true;
        for (const server of farm.dom0s.keys()) runs[0].link.drop(server);
      } else {
        const n = choice === 'first' ? 0 : 1;
        const next = parked[n].shift();
        if (next) told[n].push(next.sent);
        next?.go();
      }
    }
    farm.time.byHand(false);
    for (const { ended } of runs) await ended;
    const after = await afterwards(u, farm, history);
    wrong.push(...after.wrong);
    end = createHash('sha256')
      .update(JSON.stringify([...after.end]))
      .digest('hex');
  } catch (error) {
    wrong.push(`exception: ${(error as Error).stack ?? String(error)}`);
  }
  history.end();
  return { chosen, wrong: [...wrong, ...history.harm], end };
};

/** Every state that two runs can reach, up to so many runs. `first` goes for the goal, and so does what comes after. */
export const explorePair = async (u: Undisturbed, other: Order, mostRuns: number): Promise<Explored> => {
  const seen = new Set<string>();
  const ends = new Set<string>();
  const wrong: { choices: readonly Choice[]; wrong: readonly string[] }[] = [];
  const open: (readonly Choice[])[] = [[]];
  let runs = 0;
  while (runs < mostRuns) {
    // From both sides: deep ones and early ones.
    const prefix = runs % 2 === 0 ? open.pop() : open.shift();
    if (prefix === undefined) break;
    runs += 1;
    const path = await follow(u, [u.order, other], prefix, ([one = 'time']) => one);
    ends.add(path.end);
    const choices = path.chosen.map((c) => c.choice);
    if (path.wrong.length > 0) wrong.push({ choices, wrong: path.wrong });
    for (const [i, { of, state, choice }] of path.chosen.entries()) {
      if (i < prefix.length) continue;
      if (seen.has(state)) break;
      seen.add(state);
      for (const c of of) if (c !== choice) open.push([...choices.slice(0, i), c]);
    }
  }
  return { states: seen.size, runs, ends: ends.size, whole: open.length === 0, wrong };
};

/** So many pairs whose choices are thrown. */
export const throwPairs = async (
  u: Undisturbed,
  other: Order,
  count: number,
  dice: () => number,
): Promise<readonly string[]> => {
  for (let n = 0; n < count; n++) {
    const path = await follow(u, [u.order, other], [], (of) => {
      // Losing its connections is not for each step.
      const usual = of.filter((c) => c !== 'drop' || dice() < 0.1);
      return usual[Math.floor(dice() * usual.length)] ?? 'time';
    });
    if (path.wrong.length > 0) return [...path.wrong, path.chosen.map((c) => c.choice).join(' ')];
  }
  return [];
};
