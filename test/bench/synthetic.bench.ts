/** Farms that are made here: full ones whose VMs change places, very large ones, and tiny ones beside an exhaustive search. */
import { it } from 'vitest';
import { movesIn, solve } from '../../src/plan/place/solver/index.ts';
import type { Problem } from '../../src/plan/place/solver/problem.ts';
import { fewestMoves } from '../property/oracle.ts';
import {
  measureMoves,
  measureSpare,
  median,
  ms,
  printTable,
  printTarget,
  refuseHarm,
  rowOf,
  type Row,
} from './figures.ts';
import { filledFarm, permuted, problemOf, randomOf, tinyFarm } from './problems.ts';

const perServer = 20;
const share = 0.1;

it('synthetic: full farms', async () => {
  const rows: Row[] = [];
  const add = async (name: string, p: Problem): Promise<void> => {
    const m = await measureMoves(p);
    rows.push(rowOf(name, p, m));
    if (name !== '100 %, 20 spare') return;
    const moved = m.result.to.filter((s, v) => s !== p.at[v]).length;
    const ratio = movesIn(m.result.steps) / moved;
    targets.push(
      () =>
        printTarget(
          median(m.times) < 2000,
          '5,000 servers 100 % full, 20 spare: under 2 s',
          `${ms(median(m.times))} ms`,
        ),
      () => printTarget(ratio <= 1.005, 'the same: operations at most 1.005 of the moves', ratio.toFixed(4)),
    );
  };
  const targets: (() => void)[] = [];
  for (const servers of [200, 1000, 5000])
    for (const fill of [0.95, 0.97, 1])
      for (const spare of [0, 1, Math.max(2, servers / 250)])
        await add(`${fill * 100} %, ${spare} spare`, permuted(servers, perServer, fill, share, spare, randomOf(1)));
  const tight = permuted(1000, perServer, 1, share, 0, randomOf(1));
  await add('100 %, 0 spare, all may be suspended', { ...tight, suspend: tight.suspend.map(() => 1) });
  printTable(`${perServer} VMs a server, ${share * 100} % of them pinned to each other's places`, rows);
  for (const print of targets) print();
  refuseHarm(rows);
});

it('synthetic: 5,000 servers, 100,000 VMs', async () => {
  const rows: Row[] = [];
  const { room, guests } = filledFarm(5000, perServer, 0.8, randomOf(2));
  const random = randomOf(3);
  const drained = new Set(Array.from({ length: 250 }, (_, i) => i * 20));
  const size = (): number => Math.floor(random() * 4) + 1;
  const resized = guests.map((g) => ({ ...g, next: [Math.max(1, (g.size[0] ?? 0) + Math.floor(random() * 3) - 1)] }));
  const more = Array.from({ length: 5000 }, () => ({ at: -1, size: [size()] }));
  const unchanged = problemOf(room, guests);
  const still = await measureMoves(unchanged);
  rows.push(rowOf('unchanged', unchanged, still));
  for (const [name, p] of [
    ['5 % of the servers drained', problemOf(room, guests, drained)],
    ['all resized by -1, 0 or 1', problemOf(room, resized)],
    ['5,000 new VMs', problemOf(room, [...guests, ...more])],
  ] as const)
    rows.push(rowOf(name, p, await measureMoves(p)));
  printTable('Servers 80 % full', rows);
  const nothing = still.result.steps.length === 0 && median(still.times) < 1000;
  printTarget(nothing, 'unchanged: nothing to do, said in under 1 s', `${ms(median(still.times))} ms (moves alone)`);
  refuseHarm(rows);

  const loose = filledFarm(5000, perServer, 0.6, randomOf(4));
  const m = await measureSpare(problemOf(loose.room, loose.guests));
  const told = m.result === null ? 'survives' : `server ${m.result.server} is not survived`;
  printTarget(
    median(m.times) < 200,
    'N+1 of 5,000 servers 60 % full: under 0.2 s',
    `${ms(m.times[0])} ms at first, ${ms(median(m.times))} then; ${told}`,
  );
});

it('synthetic: tiny farms beside an exhaustive search', () => {
  const farms = 3000;
  let equal = 0;
  let impossible = 0;
  let agreed = 0;
  for (let seed = 0; seed < farms; seed++) {
    const p = tinyFarm(randomOf(seed));
    const best = fewestMoves(p);
    const { steps, unmet } = solve(p);
    if (best === null) impossible++;
    if ((best === null) !== unmet.length > 0) continue;
    agreed++;
    const suspends = steps.filter((s) => s.kind === 'suspend').length;
    if (best && (suspends !== best.suspends || movesIn(steps) - 2 * suspends !== best.moves)) continue;
    equal++;
  }
  printTarget(
    agreed === farms,
    'tiny farms: impossible exactly where the search says so',
    `${agreed} of ${farms} (${impossible} are)`,
  );
  printTarget(equal === farms, 'tiny farms: as few suspends and moves as the search finds', `${equal} of ${farms}`);
});
