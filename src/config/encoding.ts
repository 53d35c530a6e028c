/** Bytes → text, or the first byte that is not UTF-8. */
import type { Problem } from './problem.ts';

const lengthAt = (bytes: Uint8Array, i: number): number => {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(i, i + 4);
  const next = (x: number): boolean => x >= 0x80 && x <= 0xbf;
  if (a < 0x80) return 1;
  if (a >= 0xc2 && a <= 0xdf && next(b)) return 2;
  const second = a === 0xe0 ? b >= 0xa0 && b <= 0xbf : a === 0xed ? b >= 0x80 && b <= 0x9f : next(b);
  if (a >= 0xe0 && a <= 0xef && second && next(c)) return 3;
  const wide = a === 0xf0 ? b >= 0x90 && b <= 0xbf : a === 0xf4 ? b >= 0x80 && b <= 0x8f : next(b);
  if (a >= 0xf0 && a <= 0xf4 && wide && next(c) && next(d)) return 4;
  return 0;
};

/** Where the first byte stands that is not UTF-8; -1: all is. */
export const firstBadByte = (bytes: Uint8Array): number => {
  for (let i = 0; i < bytes.length;) {
    const n = lengthAt(bytes, i);
    if (n === 0) return i;
    i += n;
  }
  return -1;
};

export const decode = (file: string, bytes: Uint8Array): { readonly text: string } | { readonly problem: Problem } => {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    const bad = firstBadByte(bytes);
    const before = new TextDecoder().decode(bytes.subarray(0, bad));
    const lineStart = before.lastIndexOf('\n') + 1;
    const newline = bytes.indexOf(10, bad);
    const rest = new TextDecoder().decode(bytes.subarray(bad, newline === -1 ? bytes.length : newline));
    const hex = (bytes[bad] ?? 0).toString(16).padStart(2, '0');
    const utf16 = bad === 0 && (bytes[0] === 0xff || bytes[0] === 0xfe);
    return {
      problem: {
        code: 'not-utf-8',
        message: `the file is not UTF-8: byte ${bad} (0x${hex}) begins no character`,
        at: {
          file,
          line: before.split('\n').length,
          column: before.length - lineStart + 1,
          text: before.slice(lineStart) + rest,
          width: 1,
        },
        hint: utf16 ? 'it looks like UTF-16; save it as UTF-8' : 'save it as UTF-8, like `iconv -f latin1 -t utf-8`',
      },
    };
  }
};
