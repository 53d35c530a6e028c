/** A sample of what `npm run bench -- fuzz` does at length. */
import { expect, test } from 'vitest';
import { fuzz } from './fuzz/run.ts';
import { targets } from './fuzz/targets.ts';

const seed = process.env['CI'] === undefined ? Date.now() % 1_000_000_000 : 20261122;

test.each(targets.map((t) => [t.name, t] as const))(
  '%s: a value or a clear error, whatever it holds',
  async (_name, target) => {
    // Where its samples are refused, nothing behind the first check is tried.
    const said = await Promise.all(target.samples.map(async (sample) => target.take(sample)));
    expect(said).toContain(null);
    const { cases } = await fuzz(target, 1000, seed);
    expect(cases).toBe(1000);
  },
);
