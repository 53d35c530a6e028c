import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstBadByte } from '../../../src/config/encoding.ts';

const fits = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
};

test('the first bad byte: what stands before it is UTF-8, and with it is not', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 3 }).map((s) => new TextEncoder().encode(s)),
    fc.uint8Array({ maxLength: 3 }),
    fc
      .constantFrom([0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc0, 0x80], [0xe0, 0x80, 0x80])
      .map(Uint8Array.from.bind(Uint8Array)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 4 }), (pieces) => {
      const bytes = Uint8Array.from(pieces.flatMap((p) => Array.from(p as Uint8Array)));
      const bad = firstBadByte(bytes);
      expect(bad === -1).toBe(fits(bytes));
      expect(fits(bytes.subarray(0, Math.max(0, bad)))).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
