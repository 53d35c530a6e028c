/**
 * The tests on real Xen: two files side by side, each on a dom0 of its own, then those that need the whole farm. Every
 * deadline is generous, since emulation is slow.
 */
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

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
const moving = ['test/lab/pool.test.ts', 'test/lab/target-dies.test.ts', 'test/lab/broken-moves.test.ts'];
/** Runs that break, on one dom0 each. CI leaves them out for the time that they take. */
const byHand = ['test/lab/broken-runs.test.ts', 'test/lab/unharmed.test.ts'];
/** The longest first, so that both dom0s are done at about the same time. */
const longest = ['contract-hvm', 'contract-pvh', 'live', 'restart', 'hvm', 'hvm-linux', 'pv', 'create', 'contract-pv'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = longest.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return at < 0 ? longest.length : at;
    };
    return files.toSorted((a, b) => place(a) - place(b));
  }
}

const common = { testTimeout: 1_500_000, hookTimeout: 1_500_000, setupFiles: ['test/lab/faults.ts'] };

export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    globalSetup: ['test/lab/bring-up.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...common,
          name: 'one dom0',
          include: ['test/lab/**/*.test.ts'],
          exclude: [...together, ...moving, ...(process.env['CI'] === undefined ? [] : byHand)],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'two dom0s',
          env: { REEVE_LAB_WHOLE: 'yes' },
          include: process.env['CI'] === undefined ? [...together, ...moving] : together,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
