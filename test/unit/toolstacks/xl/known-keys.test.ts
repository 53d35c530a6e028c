import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ownedXlKeys } from '../../../../src/kinds/vm/xl-keys.ts';
import { xl } from '../../../../src/toolstacks/xl/index.ts';

const xen = (minor: number, major = 4): Parameters<typeof xl.unknownKeys>[1] => ({
  major,
  minor,
  version: `${major}.${minor}`,
  virtCaps: [],
});

describe('keys that xl does not know', () => {
  it.each<[string, number, readonly string[]]>([
    ['4.14', 14, ['vpmu', 'virtio', 'nr_spis', 'llc_colors', 'arm_sci', 'typo']],
    ['4.17', 17, ['virtio', 'nr_spis', 'llc_colors', 'arm_sci', 'typo']],
    ['4.21', 21, ['typo']],
    ['4.22, newer than the lists', 22, []],
  ])('of %s', (_, minor, unknown) => {
    const keys = ['viridian', 'vpmu', 'virtio', 'nr_spis', 'llc_colors', 'arm_sci', 'typo'];
    expect(xl.unknownKeys(keys, xen(minor))).toEqual(unknown);
  });

  it('of another major version are not known to us either', () => {
    expect(xl.unknownKeys(['typo'], xen(0, 5))).toEqual([]);
    expect(xl.unknownKeys(['typo', 'vpmu', 'vnc'], xen(4, 3))).toEqual(['typo', 'vpmu']);
  });

  it('are none of those that Reeve writes', () => {
    const written = Object.keys(ownedXlKeys).filter((key) => key !== 'cdrom');
    expect(xl.unknownKeys(written, xen(14))).toEqual([]);
  });

  const lists = new URL('../../../../../shared/samples/xl-cfg-keys', import.meta.url).pathname;
  it.skipIf(!existsSync(lists))('are as xl’s source has them (skipped where ../shared/samples is missing)', () => {
    const read = (file: string): readonly string[] => readFileSync(join(lists, file), 'utf8').trim().split('\n');
    const files = readdirSync(lists);
    const every = [...new Set(files.flatMap(read))];
    expect(files.length).toBeGreaterThan(5);
    for (const file of files) {
      const minor = Number(/4\.(\d+)/.exec(file)?.[1]);
      const known = new Set(read(file));
      expect([file, xl.unknownKeys(every, xen(minor))]).toEqual([file, every.filter((key) => !known.has(key))]);
    }
  });
});

it('opens a console by name', () => {
  expect(xl.console('web-1')).toEqual(['xl', 'console', 'web-1']);
});
