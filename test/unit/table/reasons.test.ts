/** The table of reason codes in `src/README.md`, made from the code: `npm run schema` writes it anew. Every code is one that something can give. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Trouble } from '../../../src/apply/hands.ts';
import type { Difference } from '../../../src/apply/world.ts';
import { exit, ExitError } from '../../../src/cli/exit.ts';
import type { Diagnostic } from '../../../src/core/diagnostic.ts';
import type { Event } from '../../../src/core/event.ts';
import type { Unknown } from '../../../src/core/port.ts';
import { reasonsOf, type Meaning } from '../../../src/core/reason.ts';
import { ref } from '../../../src/core/ref.ts';
import type { Refusal } from '../../../src/kinds/plan.ts';

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

/** Where a value is given as a code: behind `code` or `reason`, as an argument, in a tuple, or as one side of a choice. */
const given = (code: string): RegExp =>
  new RegExp(
    `\\b(?:code|reason)\\b.*'${code}'|[([]\\s*'${code}',|, '${code}'[,)]|^\\s*'${code}',$|\\?\\?? '${code}'`,
    'm',
  );

it('has no code twice, none that nothing gives, and is sorted', () => {
  const all = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.startsWith('sim/') && path !== join('core', 'reason.ts'))
    .map((path) => readFileSync(join(src, path), 'utf8'))
    .join('\n');
  expect(codes.filter((code) => !given(code).test(all))).toEqual([]);
  expect(codes.filter((code, i) => codes.indexOf(code) !== i)).toEqual([]);
  for (const [, group] of groups) expect(Object.keys(group)).toEqual(Object.keys(group).sort());
});

/** `npm run check` fails where one of these lines is no error. */
it('is asked for by the types of all that refuses', () => {
  const why = 'no';
  // @ts-expect-error exit code 5 says which refusal
  const ended = new ExitError(exit.refused, why, undefined);
  // @ts-expect-error
  const refused: Refusal = { subject: ref('vm', 'web'), what: 'x', why, help: null, needs: null };
  // @ts-expect-error
  const trouble: Trouble = { why };
  // @ts-expect-error
  const skipped: Event = { ev: 'skipped', at: '', op: 'web/start', why };
  // @ts-expect-error
  const stale: Difference = { subject: 'web', server: 'dom01', why };
  // @ts-expect-error a code of another group
  const wrong: Diagnostic = { severity: 'error', code: 'over-budget', message: why };
  // @ts-expect-error
  const unread: Unknown = { is: 'unknown', reason: 'over-budget', why };
  expect([ended, refused, trouble, skipped, stale, wrong, unread]).toHaveLength(7);
});
