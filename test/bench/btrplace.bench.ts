/** The instances that BtrPlace was published with: time, and moves against the bound. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { it } from 'vitest';
import { readInstance } from './btrplace.ts';
import {
  benchArgs,
  measureMoves,
  median,
  ms,
  printTable,
  printTarget,
  refuseHarm,
  rowOf,
  type Row,
} from './figures.ts';

const folder = join(import.meta.dirname, '../../../shared/bench/btrplace');
const limitMs = 1000;

const filesOf = (): readonly string[] => {
  const from = process.env['INIT_CWD'] ?? process.cwd();
  if (benchArgs().length > 0) return benchArgs().map((f) => resolve(from, f));
  return existsSync(folder)
    ? readdirSync(folder)
        .filter((f) => f.endsWith('.json.gz'))
        .sort()
        .map((f) => join(folder, f))
    : [];
};

it('btrplace', async (context) => {
  const files = filesOf();
  if (files.length === 0) {
    console.log(`btrplace: no instances in ${folder}, left out`);
    return context.skip();
  }
  const rows: Row[] = [];
  let slowest = 0;
  let most = 0;
  let other = 0;
  for (const file of files) {
    const p = readInstance(file);
    const m = await measureMoves(p);
    const row = rowOf(basename(file, '.json.gz'), p, m);
    rows.push(row);
    slowest = Math.max(slowest, ...m.times);
    most = Math.max(most, median(m.times));
    if (row['moves'] !== row['bound'] || row['unmet'] !== '0') other++;
  }
  printTable('BtrPlace instances', rows);
  console.log('BtrPlace, as published, 5,000 servers and 30,000 VMs: 3 min; in partitions of 2,500 servers: 30 s');
  printTarget(other === 0, 'moves equal to the bound, nothing unmet', `${files.length - other} of ${files.length}`);
  printTarget(
    slowest < limitMs,
    `each under ${limitMs} ms`,
    `the slowest run ${ms(slowest)}, the slowest median ${ms(most)}`,
  );
  refuseHarm(rows);
});
