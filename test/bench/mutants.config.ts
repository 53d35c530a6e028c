/** How main.mjs runs the mutants: the sequencer and the verifier with a switch at each place, and the tests collected instead of run. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { mutate, type Mutant } from './mutate.ts';

const root = new URL('../..', import.meta.url).pathname;
const texts = new Map<string, string>();
const mutants: Mutant[] = [];
for (const folder of ['src/plan/order', 'src/plan/verify'])
  for (const file of readdirSync(join(root, folder)).sort()) {
    const path = join(folder, file);
    const made = mutate(path, readFileSync(join(root, path), 'utf8'), mutants.length + 1);
    texts.set(join(root, path), made.text);
    mutants.push(...made.mutants);
  }

export default defineConfig({
  plugins: [
    {
      name: 'mutants',
      enforce: 'pre',
      transform: (code, id) => {
        const instrumented = texts.get(id.split('?')[0] ?? '');
        if (instrumented !== undefined) return { code: instrumented, map: null };
        if (/\/test\/(?:unit\/plan|property)\/[\w-]+\.test\.ts/.test(id))
          return { code: code.replace(`from 'vitest'`, `from '${join(root, 'test/bench/collected.ts')}'`), map: null };
        return null;
      },
    },
  ],
  test: {
    root,
    include: ['test/bench/mutants.bench.ts'],
    globalSetup: ['test/build.ts'],
    testTimeout: 7_200_000,
    fileParallelism: false,
    disableConsoleIntercept: true,
    provide: { mutants },
  },
});
