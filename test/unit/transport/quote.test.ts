import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { commandLine, quote } from '../../../src/transport/quote.ts';

test('any strings survive sh -c inside sh -c unchanged', () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }).map((s) => s.replaceAll('\0', '')),
    fc.string({
      unit: fc.constantFrom("'", '"', '\\', '$', '`', '\n', ' ', ';', '!', '*', '-', '\r', 'é'),
      maxLength: 12,
    }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (words) => {
      const text = 'for w in "$0" "$@"; do printf "%s\\0" "$w"; done';
      const out = execFileSync('sh', ['-c', commandLine('observe', text, words, false)]);
      expect(out).toEqual(Buffer.from(['reeve-observe', ...words, ''].join('\0')));
    }),
    { numRuns: 150 },
  );
});

test('the form on the wire', () => {
  expect(commandLine('op', 'echo "$1"', ["it's", ''], true)).toBe(
    String.raw`exec sudo -n sh -c 'echo "$1"' reeve-op 'it'\''s' ''`,
  );
  expect(commandLine('wait', 'x', [], false)).toBe("exec sh -c 'x' reeve-wait");
});

test('a NUL is a bug of the caller', () => {
  expect(() => quote('a\0b')).toThrow(RangeError);
});
