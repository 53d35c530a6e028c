/**
 * The tests on real Xen: two files side by side, each on a dom0 of its own, then those that need the whole farm. Every
 * deadline is generous, since emulation is slow.
 */
import { defineConfig } from 'vitest/config';

const together = ['test/lab/pair.test.ts', 'test/lab/nfs.test.ts'];
const patience = { testTimeout: 900_000, hookTimeout: 900_000 };

export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    globalSetup: ['test/lab/bring-up.ts'],
    projects: [
      {
        test: {
          ...patience,
          name: 'one dom0',
          include: ['test/lab/**/*.test.ts'],
          exclude: together,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: { ...patience, name: 'two dom0s', include: together, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
