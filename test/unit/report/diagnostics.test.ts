import { expect, test } from 'vitest';
import { onScreen } from '../../../src/report/text.ts';
import type { Diagnostic } from '../../../src/core/diagnostic.ts';
import { renderDiagnostics } from '../../../src/report/diagnostics.ts';

const at = { file: 'farm.yaml', line: 12, column: 5, text: '    memry: 1GiB', width: 5 };
const unknown: Diagnostic = { severity: 'error', code: 'unknown-key', message: 'unknown key', at, hint: 'memory?' };

test('place, line, caret and help', () => {
  expect(renderDiagnostics([unknown], { color: false })).toBe(`farm.yaml:12:5: error: unknown key (unknown-key)
 12 |     memry: 1GiB
    |     ^^^^^
    help: memory?

1 error
`);
});

test('what belongs to it is shown as well, and both kinds are counted', () => {
  const related = [{ message: 'the first is here', at: { ...at, file: 'b.yaml', line: 7 } }];
  const warning: Diagnostic = { severity: 'warning', code: 'syntax', message: 'nowhere' };
  expect(renderDiagnostics([{ ...unknown, related }, warning, warning], { color: false }))
    .toBe(`farm.yaml:12:5: error: unknown key (unknown-key)
 12 |     memry: 1GiB
    |     ^^^^^
    b.yaml:7:5: the first is here
  7 |     memry: 1GiB
    |     ^^^^^
    help: memory?

warning: nowhere (syntax)

warning: nowhere (syntax)

1 error, 2 warnings
`);
});

test('a tab keeps the caret under its word, and nothing steers the terminal', () => {
  const text = '\t\u001b[2Jmemry: 1';
  const shown = renderDiagnostics([{ ...unknown, at: { ...at, text, column: 6 } }], { color: false });
  expect(shown.split('\n').slice(1, 3)).toEqual([' 12 |  \\u001b[2Jmemry: 1', '    |           ^^^^^']);
});

test('of a long line, what is around the caret', () => {
  const text = `${'x'.repeat(500)}memry${'y'.repeat(500)}`;
  const [, line = '', caret = ''] = renderDiagnostics([{ ...unknown, at: { ...at, text, column: 501 } }], {
    color: false,
  }).split('\n');
  expect(line.length).toBeLessThan(125);
  expect(line.slice(caret.indexOf('^'), caret.lastIndexOf('^') + 1)).toBe('memry');
});

test('in colours only where asked', () => {
  expect(onScreen(renderDiagnostics([unknown], { color: true }))).toContain('\u001b[31m^^^^^\u001b[39m');
  expect(renderDiagnostics([], { color: true })).toBe('');
});

test('of very many the first are shown, errors before warnings, and the others are counted', () => {
  const many = (n: number, severity: 'error' | 'warning'): readonly Diagnostic[] =>
    Array.from({ length: n }, (_, i) => ({ severity, code: 'syntax', message: `${severity} ${i}` }));
  const text = renderDiagnostics([...many(200, 'warning'), ...many(161, 'error')], { color: false });
  expect(text.match(/^error: /gm)).toHaveLength(20);
  expect(text).not.toContain('warning: ');
  expect(text).toContain('\n\nand 341 more; `reeve validate --json` lists all\n\n161 errors, 200 warnings\n');
  expect(renderDiagnostics(many(20, 'error'), { color: false })).not.toContain('more');
});
