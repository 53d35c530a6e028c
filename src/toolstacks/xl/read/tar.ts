/** A tar archive in memory: ustar and GNU's long names, as GNU tar and BusyBox write them. */
import { latin1, printed } from './bytes.ts';

export type TarEntry =
  | { readonly is: 'file'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly is: 'link'; readonly name: string; readonly target: string }
  | { readonly is: 'other'; readonly name: string };

const block = 512;

const field = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0);
  return printed(end < 0 ? bytes : bytes.subarray(0, end));
};

/** Octal digits, or base 256 where the first bit is set. */
const size = (bytes: Uint8Array): number => {
  const first = bytes[0] ?? 0;
  if (first < 0x80) return parseInt(latin1(bytes).replaceAll('\0', ' ').trim() || '0', 8);
  return bytes.subarray(1).reduce((n, b) => n * 256 + b, first & 0x7f);
};

const sumIsRight = (header: Uint8Array): boolean => {
  const sum = header.reduce((n, b, i) => n + (i >= 148 && i < 156 ? 32 : b), 0);
  return sum === size(header.subarray(148, 156));
};

/** Everything in order, or why it is no whole archive. A hard link gives the bytes of what it is linked to. */
export const readTar = (archive: Uint8Array): readonly TarEntry[] | { readonly why: string } => {
  const entries: TarEntry[] = [];
  const files = new Map<string, Uint8Array>();
  let longName: string | null = null;
  let longTarget: string | null = null;
  let at = 0;
  for (;;) {
    const header = archive.subarray(at, at + block);
    if (header.length < block) return { why: 'the archive has no end' };
    if (header.every((b) => b === 0)) return entries;
    if (!sumIsRight(header)) return { why: `the archive is damaged at byte ${at}` };
    const length = size(header.subarray(124, 136));
    const bytes = archive.subarray(at + block, at + block + length);
    if (!(bytes.length === length)) return { why: 'the archive ends inside a file' };
    at += block + Math.ceil(length / block) * block;
    const kind = String.fromCharCode(header[156] ?? 0);
    if (kind === 'L') longName = field(bytes);
    else if (kind === 'K') longTarget = field(bytes);
    else {
      const ustar = latin1(header.subarray(257, 263)) === 'ustar\0';
      const folder = ustar ? field(header.subarray(345, 500)) : '';
      const short = field(header.subarray(0, 100));
      const name = longName ?? (folder === '' ? short : `${folder}/${short}`);
      const target = longTarget ?? field(header.subarray(157, 257));
      longName = longTarget = null;
      if (kind === '0' || kind === '\0') {
        files.set(name, bytes);
        entries.push({ is: 'file', name, bytes });
      } else if (kind === '1') entries.push({ is: 'file', name, bytes: files.get(target) ?? new Uint8Array() });
      else if (kind === '2') entries.push({ is: 'link', name, target });
      else entries.push({ is: 'other', name });
    }
  }
};

/** No cfg, no list of keys and no fstab is larger (bytes). */
export const mostBytes = 1024 * 1024;

export const tooLarge = (path: string): string => `${path} is larger than 1MiB, and was not read`;

/** What can be looked into, and in words what cannot. */
export const withoutLarge = (
  all: readonly TarEntry[],
): { readonly entries: readonly TarEntry[]; readonly large: readonly string[] } => {
  const isLarge = (e: TarEntry): boolean => e.is === 'file' && e.bytes.length > mostBytes;
  return {
    entries: all.filter((e) => !isLarge(e)),
    large: all.filter(isLarge).map((e) => tooLarge(`/${e.name}`)),
  };
};
