import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadFarm } from '../../src/config/index.ts';
import { renderDiagnostics } from '../../src/report/diagnostics.ts';
import { memoryIo } from '../unit/config/memory-io.ts';

const scalar = fc.oneof(
  fc.constantFrom(
    null,
    true,
    0,
    -1,
    1.5,
    '',
    '{}',
    '512MiB',
    '1',
    'a b',
    '../x',
    '/dev/vg0/x',
    'eth0',
    '__proto__',
    'lan',
    'a',
    'pv',
    'hvm',
    'nfs',
    'dir',
    'filer:/x',
    'absent',
    './x {vm} {n}',
    '${env:A}',
  ),
  fc.string({ maxLength: 6 }),
);
const topKeys = [
  'farm',
  'pools',
  'servers',
  'networks',
  'repositories',
  'profiles',
  'defaults',
  'vms',
  'policy',
  'ssh',
] as const;
const keys = fc.constantFrom(
  ...topKeys,
  'address',
  'bridge',
  'memory',
  'target',
  'max',
  'vcpus',
  'count',
  'disks',
  'xvda',
  'path',
  'source',
  'options',
  'shared',
  'nics',
  'eth0',
  'network',
  'mac',
  'uuid',
  'profile',
  'pool',
  'server',
  'boot',
  'kernel',
  'cmdline',
  'type',
  'display',
  'vnc',
  'password',
  'cdrom',
  'hdc',
  'affinity',
  'xl',
  'after',
  'ready',
  'tcp',
  'formerly',
  'apart',
  'group',
  'soft',
  'state',
  'migration',
  'fence',
  'status',
  'spare',
  'overcommit',
  'before',
  'restart',
  'a',
  'web-[1-3]',
  'constructor',
  '__proto__',
  'lan',
  '<<',
);
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(keys, tie('tree'), { maxKeys: 5, noNullPrototype: false }),
  ),
}));

/** A file of the right top keys, with anything in them. */
const file = fc.dictionary(fc.constantFrom(...topKeys), fc.oneof(fc.dictionary(keys, tree, { maxKeys: 4 }), tree));

/** What is wrong with how the files are loaded; nothing, however wrong they are themselves. */
const faults = async (files: Readonly<Record<string, string>>): Promise<readonly string[]> => {
  const loaded = await loadFarm(Object.keys(files), memoryIo(files));
  const said = loaded.ok ? loaded.warnings : loaded.diagnostics;
  const found: string[] = [];
  if (loaded.ok === said.some((d) => d.severity === 'error')) found.push(`ok is ${loaded.ok}`);
  for (const { at, message } of said) {
    if (!at) continue;
    const line = files[at.file]?.split(/\r?\n/)[at.line - 1] ?? '';
    // What may be a password is covered with stars, and moves nothing.
    const is = at.text.length === line.length && at.text.split('').every((c, i) => c === '*' || c === line[i]);
    if (!is) found.push(`${message}: line ${at.line} is another`);
    const end = at.column - 1 + at.width;
    if (end > at.text.length && at.width > 1) found.push(`${message}: the caret leaves the line`);
  }
  const text = renderDiagnostics(said, { color: false });
  if (/[\x00-\x09\x0b-\x1f]/.test(text)) found.push('a control character is printed');
  return found;
};

test('whatever a file holds, it loads or says where it is wrong', async () => {
  await fc.assert(
    fc.asyncProperty(file, file, async (a, b) => {
      expect(await faults({ 'a.yaml': JSON.stringify(a, null, 1), 'b.yaml': JSON.stringify(b) })).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test('whatever a text is, it loads or says where it is wrong', async () => {
  const word = fc.constantFrom(
    'farm',
    ': ',
    '\n',
    '  ',
    '- ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '&a ',
    '*a',
    '|',
    '>',
    '#',
    '\t',
    '!x ',
    '---\n',
    ',',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 25 }), async (words) => {
      expect(await faults({ 'a.yaml': words.join('') })).toEqual([]);
    }),
    { numRuns: 1500 },
  );
});
