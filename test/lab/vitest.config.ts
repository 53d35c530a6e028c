/**
 * The tests on real Xen: two files side by side, each on a dom0 of its own, then those that need the whole farm. Every
 * deadline is generous, since emulation is slow.
 */
import { defineConfig } from 'vitest/config';
import { longestFirst } from '../order.ts';

const together = [
  'test/lab/pair.test.ts',
  'test/lab/nfs.test.ts',
  'test/lab/leases.test.ts',
  'test/lab/shared-volumes.test.ts',
];
/**
 * Live migration. CI leaves them out: under emulated nested virtualisation a guest triple-faults now and then ("Triple fault" in
 * `xl dmesg`), most of all while it is moved, and a run that is red for that says nothing.
 */
const moving = [
  'test/lab/pool.test.ts',
  'test/lab/roll.test.ts',
  'test/lab/target-dies.test.ts',
  'test/lab/broken-moves.test.ts',
];
/**
 * CI leaves them out for the time that they take: the contract suite has the same operations, and `pv` and `create` the same
 * way from the file to the dom0. Run them when something changes that they show.
 */
const byHand = ['live', 'restart', 'hvm', 'hvm-linux', 'images', 'order', 'nfs', 'broken-runs', 'unharmed'].map(
  (name) => `test/lab/${name}.test.ts`,
);
const leftOut = process.env['CI'] === undefined ? [] : [...moving, ...byHand];
/** The longest first, so that both dom0s are done at about the same time. */
const longest = [
  'contract-hvm',
  'hvm-linux',
  'live',
  'contract-pvh',
  'hvm',
  'restart',
  'create',
  'contract-images',
  'contract-storage',
  'pv',
  'contract-pv',
].map((name) => `lab/${name}`);

const common = { testTimeout: 1_500_000, hookTimeout: 1_500_000, setupFiles: ['test/lab/faults.ts'] };

export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    globalSetup: ['test/lab/bring-up.ts'],
    sequence: { sequencer: longestFirst(longest) },
    projects: [
      {
        test: {
          ...common,
          name: 'one dom0',
          include: ['test/lab/**/*.test.ts'],
          exclude: [...together, ...moving, ...leftOut],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'two dom0s',
          env: { REEVE_LAB_WHOLE: 'yes' },
          include: [...together, ...moving],
          exclude: leftOut,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
