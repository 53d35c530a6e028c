/** `reeve validate` of files with very many mistakes: counted in text, whole in JSON. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { run } from '../../../src/cli/program.ts';
import { fakeShell } from './shell.ts';

const folder = mkdtempSync(join(tmpdir(), 'reeve-validate-'));
afterAll(() => rmSync(folder, { recursive: true }));

const validate = async (text: string, ...more: readonly string[]) => {
  const path = join(folder, 'farm.yaml');
  writeFileSync(path, text);
  const heard = fakeShell();
  const code = await run(['validate', path, ...more], heard.shell);
  return { code, out: heard.out(), err: heard.err() };
};
const vms = (n: number): string => Array.from({ length: n }, (_, i) => `  v${i}: { memry: 1GiB }\n`).join('');
const head = 'farm: home\nservers: { xen: { address: xen.lan } }\n';

test('361 mistakes', async () => {
  const text = await validate(`${head}vms:\n${vms(361)}`);
  expect(text.code).toBe(3);
  expect(text.err).toContain('and 341 more; `reeve validate --json` lists all');
  const { code, out, err } = await validate(`${head}vms:\n${vms(361)}`, '--json');
  const told = JSON.parse(out) as { valid: boolean; diagnostics: { code: string; at: object }[] };
  expect({ code, err, valid: told.valid, n: told.diagnostics.length }).toEqual({
    code: 3,
    err: '',
    valid: false,
    n: 361,
  });
  expect(told.diagnostics[0]).toMatchObject({ code: 'unknown-key', at: { line: 4, column: 9, width: 5 } });
  expect(told.diagnostics[0]?.at).not.toHaveProperty('text');
});

test('a file without one', async () => {
  const { code, out } = await validate(`${head}vms: {}\n`, '--json');
  expect({ code, told: JSON.parse(out) as unknown }).toEqual({
    code: 0,
    told: { format: 'reeve-validate/1', valid: true, diagnostics: [] },
  });
});

test.each([
  ['a line of 10 MB', `${head}vms: {${'v: {memry: 1}, '.repeat(130_000)} x: "${'x'.repeat(8_000_000)}"}\n`],
  ['a text of 10 MB', `${head}vms: { v: { boot: { cmdline: "${'a:@'.repeat(3_300_000)}" } } }\n`],
  ['a mistake before 900,000 others', `${head}vms: {${','.repeat(900_000)}\n`],
  ['deep lists', `${head}vms: ${'['.repeat(100_000)}${']'.repeat(100_000)}\n`],
  ['deep maps', `${head}vms: ${'{a: '.repeat(100_000)}\n`],
  [
    'aliases of aliases',
    `a0: &a0 [x]\n${Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]\n`).join('')}`,
  ],
])('%s is an error or a farm, and ends', async (_name, text) => {
  const { code, err } = await validate(text);
  expect([0, 3]).toContain(code);
  expect(err.length).toBeLessThan(20_000);
});
