/** Plans one problem, in a process of its own and with what was built: reads it from stdin, and writes times, memory and moves to stdout. */
import { readFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { solve } from '../../dist/plan/moves/index.js';
import { wrongWith } from '../../dist/plan/moves/replay.js';
import { lacking } from '../../dist/plan/moves/spare.js';

const { problem, runs, what } = deserialize(readFileSync(0));
const work = what === 'lacking' ? () => lacking(problem, problem.at, 1) : () => solve(problem);
const timed = (f) => {
  globalThis.gc?.();
  const begin = performance.now();
  const result = f();
  return { result, ms: performance.now() - begin };
};
const first = timed(work);
const peakKiB = process.resourceUsage().maxRSS;
const times = [first.ms, ...Array.from({ length: runs - 1 }, () => timed(work).ms)];
const { result } = first;
const verified =
  what === 'lacking' ? { result: null, ms: 0 } : timed(() => wrongWith(problem, result.steps, result.to));
process.stdout.write(serialize({ times, peakKiB, result, wrong: verified.result, verifyMs: verified.ms }));
