/** The table of reason codes in `src/README.md`, made from the code: `npm run schema` writes it anew. Every code is one that something can give. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { reasons } from '../../../src/core/reason.ts';

const src = join(import.meta.dirname, '../../../src');
const readme = join(src, 'README.md');
const [begin, end] = ['<!-- reasons: written by `npm run schema` -->\n', '<!-- end of reasons -->\n'];

const rows = Object.entries(reasons)
  .map(([code, { means, allow }]) => `| \`${code}\` | ${means} | ${allow === null ? '–' : `\`${allow}\``} |\n`)
  .join('');
const page = `| code | what is refused, and why | allowed by |\n|---|---|---|\n${rows}`;

it('stands in src/README.md', async () => {
  const text = readFileSync(readme, 'utf8');
  const [head, rest] = text.split(begin);
  const tail = rest?.split(end)[1];
  if (head === undefined || tail === undefined) throw new Error(`src/README.md lacks ${begin} or ${end}`);
  await expect(`${head}${begin}\n${page}\n${end}${tail}`).toMatchFileSnapshot(readme);
});

it('has no code that nothing gives, and is sorted', () => {
  const all = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && path !== join('core', 'reason.ts'))
    .map((path) => readFileSync(join(src, path), 'utf8'))
    .join('\n');
  expect(Object.keys(reasons).filter((code) => !all.includes(`'${code}'`))).toEqual([]);
  expect(Object.keys(reasons)).toEqual(Object.keys(reasons).sort());
});
