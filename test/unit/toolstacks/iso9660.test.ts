/** The seed image, read back by a small reader of its own; its bytes are those that real tools were shown (see the digest). */
import { bytesToHex } from '@noble/hashes/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { assert, nat, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seedImage, type SeedFile } from '../../../src/toolstacks/xl/lower/iso9660.ts';

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

/** The files of the tree that Linux shows: the one whose descriptor has UCS-2 names. */
const readBack = (image: Uint8Array): readonly SeedFile[] => {
  const view = new DataView(image.buffer);
  let root = 0;
  for (let s = 16; image[s * 2048] !== 255; s++)
    if (image[s * 2048] === 2) root = view.getUint32(s * 2048 + 158, true) * 2048;
  const files: SeedFile[] = [];
  for (let i = root; image[i] !== 0; i += image[i] ?? 0) {
    const length = image[i + 32] ?? 0;
    if (length === 1) continue;
    const name = Array.from({ length: length / 2 }, (_, n) => String.fromCharCode(view.getUint16(i + 33 + 2 * n))).join(
      '',
    );
    const from = view.getUint32(i + 2, true) * 2048;
    files.push({ name, bytes: image.slice(from, from + view.getUint32(i + 10, true)) });
  }
  return files;
};

describe('a seed', () => {
  it('has its files under just these names, and its label', () => {
    const files = [
      { name: 'meta-data', bytes: text('instance-id: web\n') },
      { name: 'network-config', bytes: text('') },
      { name: 'user-data', bytes: text('#cloud-config\n'.repeat(300)) },
    ];
    const image = seedImage(files);
    expect(readBack(image)).toEqual(files);
    expect(new TextDecoder().decode(image.slice(16 * 2048 + 40, 16 * 2048 + 46))).toBe('cidata');
    // Whoever changes a byte of it looks at it with real tools again: blkid, isoinfo -J, bsdtar, a mount on a dom0.
    expect(bytesToHex(sha256(image))).toMatchInlineSnapshot(
      `"d82848ef0647a71c7f76ab30473cbe6042eda11f2de2462007f1f2b7ef7d05ce"`,
    );
  });

  it('gives back files of any size', () => {
    // Sizes are drawn, not bytes: a failure shrinks at once. The period is prime, so no two sectors are alike.
    const file = (name: string, size: number, from: number): SeedFile => ({
      name,
      bytes: Uint8Array.from({ length: size }, (_, i) => (from + i) % 251),
    });
    const digests = (files: readonly SeedFile[]) =>
      files.map(({ name, bytes }) => [name, bytes.length, bytesToHex(sha256(bytes))]);
    const size = nat({ max: 10_000 });
    assert(
      property(size, size, (a, b) => {
        const files = [file('meta-data', a, 0), file('user-data', b, 100)];
        expect(digests(readBack(seedImage(files.toReversed())))).toEqual(digests(files));
      }),
      { examples: [2047, 2048, 2049].map((n) => [n, n]) },
    );
  });
});
