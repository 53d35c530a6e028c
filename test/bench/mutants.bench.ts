/** Mutants of the sequencer and the verifier, one at a time: which tests, or the verifier itself, notice that something is wrong. */
import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { inject, it } from 'vitest';
import { benchArgs, printTable } from './figures.ts';
import { taken } from './collected.ts';
import type { Mutant } from './mutate.ts';

declare module 'vitest' {
  interface ProvidedContext {
    mutants: readonly Mutant[];
  }
}

/** A mutant that asks so often is one that does not end. */
const mostAsked = 3_000_000;

const state = globalThis as { mutantIsOn?: (id: number) => boolean };
let asked = 0;
let reached = false;
const turnOn = (on: number): void => {
  state.mutantIsOn = (id) => {
    if (++asked > mostAsked) throw new Error('it does not end');
    if (id !== on) return false;
    reached = true;
    return true;
  };
};

const suites = [
  '../unit/plan/verify.test.ts',
  '../unit/plan/lanes.test.ts',
  '../unit/plan/place.test.ts',
  '../unit/plan/short.test.ts',
  '../unit/plan/whole.test.ts',
  '../unit/plan/storage.test.ts',
  '../unit/plan/removals.test.ts',
  '../unit/plan/disks.test.ts',
  '../unit/plan/plan.test.ts',
  '../unit/plan/unverified.test.ts',
  '../property/lanes.test.ts',
  '../property/plan.test.ts',
];

/** `file — what`, as the table of those that may live has it. */
const keyOf = (m: Mutant): string => `${m.file.replace('src/plan/', '')}: ${m.what}`;

it('mutants', async () => {
  const [share = '1', only = ''] = benchArgs();
  fc.configureGlobal({ seed: 20261122, interruptAfterTimeLimit: 1500 });
  for (const suite of suites)
    await import(/* @vite-ignore */ suite).catch((e: unknown) => console.log(suite, String(e)));
  const tests = taken();
  const fails = async (): Promise<string | null> => {
    for (const [i, t] of order.entries()) {
      asked = 0;
      try {
        await t.run();
      } catch (error) {
        // What has just noticed something is asked first next time.
        order.splice(i, 1);
        order.unshift(t);
        return `${t.name}: ${error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : ''}`;
      }
    }
    return null;
  };
  turnOn(0);
  // A test that needs its runner fails without any mutant.
  const order: (typeof tests)[number][] = [];
  for (const t of tests) {
    asked = Number.NEGATIVE_INFINITY;
    const ok = await t.run().then(
      () => true,
      () => false,
    );
    if (ok) order.push(t);
    else console.log(`not run here: ${t.name}`);
  }
  console.log(`${order.length} tests of ${tests.length} can be run here`);
  const explained = new Map(
    readFileSync(new URL('mutants.md', import.meta.url), 'utf8')
      .split('\n')
      .flatMap((line) => {
        const m = /^\| `(.+)` \| (.+) \|$/.exec(line);
        return m ? [[(m[1] ?? '').replaceAll('\\|', '|'), m[2] ?? ''] as const] : [];
      }),
  );
  const all = inject('mutants').filter((m) => m.file.includes(only));
  const every = Math.max(1, Math.round(1 / Number(share)));
  const chosen = all.filter((_, i) => i % every === 0);
  const rows = new Map<string, { killed: number; survived: number; unreached: number; 'by the verifier': number }>();
  const survivors: Mutant[] = [];
  for (const m of chosen) {
    turnOn(m.id);
    reached = false;
    const by = await fails();
    const row = rows.get(m.file) ?? { killed: 0, survived: 0, unreached: 0, 'by the verifier': 0 };
    rows.set(m.file, row);
    if (by === null) {
      row.survived++;
      if (!reached) row.unreached++;
      survivors.push(m);
      console.log(`survived: ${m.file}:${m.line} ${m.what}${reached ? '' : ' (never reached)'}`);
    } else {
      row.killed++;
      if (/verifier|the check that Reeve makes/.test(by)) row['by the verifier']++;
    }
  }
  turnOn(0);
  printTable(
    `${chosen.length} of ${all.length} mutants`,
    [...rows].map(([file, r]) => ({ file, ...r, '%': ((r.killed * 100) / (r.killed + r.survived)).toFixed(1) })),
  );
  const same = survivors.filter((m) => explained.has(keyOf(m)));
  for (const m of survivors)
    console.log(`${m.file}:${m.line} ${m.what}\n    ${explained.get(keyOf(m)) ?? 'NOT EXPLAINED in mutants.md'}`);
  const killed = chosen.length - survivors.length;
  console.log(
    `${killed} of ${chosen.length} killed: ${((killed * 100) / chosen.length).toFixed(1)} %; ${same.length} of ${survivors.length} survivors explained`,
  );
});
