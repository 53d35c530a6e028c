/** The tests that need nothing but Node: units, properties, golden files and the contract suite on the simulator. */
import { defineConfig } from 'vitest/config';
import { longestFirst } from './order.ts';

/** With these begun first, no worker is left alone with one of them in the end. */
const longest = [
  'contract/interrupted',
  'contract/shared-volumes',
  'property/pairs',
  'unit/transport/control',
  'contract/images',
  'contract/swallowed',
  'contract/pools',
  'contract/faults',
  'unit/transport/file',
  'property/hands',
];

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/{unit,property,golden,contract}/**/*.test.ts'],
    globalSetup: ['test/build.ts'],
    setupFiles: ['test/seed.ts'],
    // Most of the time goes by in waiting for shells and connections: one worker less than there are CPUs leaves a small machine idle.
    maxWorkers: 4,
    sequence: { sequencer: longestFirst(longest) },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
