/** Damaged inputs by the hundred thousand through each decoder of text from outside: `npm run bench -- fuzz [CASES [SEED]]`. */
import { afterAll, test } from 'vitest';
import { fuzz } from '../property/fuzz/run.ts';
import { targets } from '../property/fuzz/targets.ts';
import { printTable, type Row } from './figures.ts';

const [cases = 100_000, seed = Date.now() % 1_000_000_000] = (
  JSON.parse(process.env['BENCH_ARGS'] ?? '[]') as string[]
).map(Number);
const rows: Row[] = [];

test.each(targets.map((t) => [t.name, t] as const))('%s', { timeout: 7_200_000 }, async (_name, target) => {
  const s = await fuzz(target, cases, seed);
  rows.push({
    decoder: s.name,
    cases: s.cases,
    'understood, %': Math.round((100 * s.understood) / s.cases),
    s: Math.round(s.ms / 1000),
    'slowest, ms': Math.round(s.slowest.ms),
    characters: s.slowest.size,
    'its seed': s.slowest.seed,
  });
});

afterAll(() => printTable(`seed ${seed}`, rows));
