/**
 * The benchmarks, on what `npm run build` makes of the source; they print tables, and beside a figure that has a target whether it is reached.
 *
 *   npm run bench                              all parts
 *   npm run bench -- btrplace [FILE…]          BtrPlace's published instances; those of ../shared/bench/btrplace unless said
 *   npm run bench -- hbal [NODES VMS DRAINED]  beside Ganeti's hbal and hail, on one generated cluster (100 1500 5 unless said)
 *   npm run bench -- synthetic                 full farms whose VMs change places, and 5,000 servers with 100,000 VMs
 *   npm run bench -- planning                   a whole farm with nothing to do, planned from end to end
 *   npm run bench -- fuzz [CASES [SEED]]        damaged inputs through each decoder of text from outside; 100,000 each unless said
 *   npm run bench -- reading                   reading a farm, beside a bare ssh2 client
 *   npm run bench -- mutants [SHARE [FILE]]   the sequencer and the verifier with one thing wrong at a time (a share of them: 0.1; files named so)
 *   npm run bench -- faults [SHARE] [SCENARIO…] every fault at every step of the scenarios of test/faults, in process (a share of them: 0.1)
 *
 * The columns: planning in a fresh process for the first time, and the best and the median of five times; its verification; the peak of
 * the process's memory, Node and the problem included; moves (hops, suspensions and resumptions among them) and how many no plan can do
 * without; wishes unmet and why; the longest chain of steps; the time that all take where each move takes one unit and a server takes
 * part in c at a time; and what the verifier, and random runs of the smaller graphs, found wrong.
 *
 * Each case of moves is planned in a process of its own (measure.mjs): a test runner's loader slows hot loops, and the peak of memory
 * belongs to one case. What is not on this machine (the instances, the generator, hbal) is said and left out.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const root = join(here, '../..');
const parts = readdirSync(here).flatMap((f) => (f.endsWith('.bench.ts') ? [f.slice(0, -'.bench.ts'.length)] : []));
const [part, ...args] = process.argv.slice(2);
if (part !== undefined && !parts.includes(part)) {
  console.error(`bench: no part "${part}"; there are ${parts.join(', ')}`);
  process.exit(2);
}
const { status } = spawnSync(
  join(root, 'node_modules/.bin/vitest'),
  [
    'run',
    '--config',
    `test/bench/${part === 'mutants' ? 'mutants' : 'vitest'}.config.ts`,
    `test/bench/${part === undefined ? '' : `${part}.bench.ts`}`,
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, BENCH_ARGS: JSON.stringify(args) } },
);
process.exitCode = status ?? 1;
