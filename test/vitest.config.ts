/** The tests that need nothing but Node: units, properties, golden files and the contract suite on the simulator. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/{unit,property,golden,contract}/**/*.test.ts'],
    globalSetup: ['test/build.ts'],
    setupFiles: ['test/seed.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
