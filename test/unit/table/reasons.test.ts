/** The table of reason codes in `src/README.md`, made from the code: `npm run schema` writes it anew. Every code is one that something can give. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { reasonsOf, type Meaning } from '../../../src/core/reason.ts';

const src = join(import.meta.dirname, '../../../src');
const readme = join(src, 'README.md');
const [begin, end] = ['<!-- reasons: written by `npm run schema` -->\n', '<!-- end of reasons -->\n'];

const groups = Object.entries<Readonly<Record<string, Meaning>>>(reasonsOf);
const codes = groups.flatMap(([, group]) => Object.keys(group));
const rows = groups
  .flatMap(([by, group]) =>
    Object.entries(group).map(
      ([code, { means, allow }]) => `| ${by} | \`${code}\` | ${means} | ${allow === null ? '–' : `\`${allow}\``} |\n`,
    ),
  )
  .join('');
const page = `| in | code | what it stands for | allowed by |\n|---|---|---|---|\n${rows}`;

it('stands in src/README.md', async () => {
  const text = readFileSync(readme, 'utf8');
  const [head, rest] = text.split(begin);
  const tail = rest?.split(end)[1];
  if (head === undefined || tail === undefined) throw new Error(`src/README.md lacks ${begin} or ${end}`);
  await expect(`${head}${begin}\n${page}\n${end}${tail}`).toMatchFileSnapshot(readme);
});

it('has no code twice, none that nothing gives, and is sorted', () => {
  const all = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && path !== join('core', 'reason.ts'))
    .map((path) => readFileSync(join(src, path), 'utf8'))
    .join('\n');
  expect(codes.filter((code) => !all.includes(`'${code}'`))).toEqual([]);
  expect(codes.filter((code, i) => codes.indexOf(code) !== i)).toEqual([]);
  for (const [, group] of groups) expect(Object.keys(group)).toEqual(Object.keys(group).sort());
});
