import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { VmConfig } from '../../../../src/kinds/vm/spec.ts';
import { effective, parseCfg } from '../../../../src/toolstacks/xl/cfg-grammar.ts';
import { vmOfCfg } from '../../../../src/toolstacks/xl/cfg-vm.ts';
import { expectedJson, sameXlJson } from '../../../../src/toolstacks/xl/expected-json.ts';

const read = (text: string): VmConfig => {
  const parsed = parseCfg(text);
  const vm = parsed.ok ? vmOfCfg(effective(parsed.entries)) : { ok: false as const, why: parsed.error.message };
  if (!vm.ok) throw new Error(vm.why);
  return vm.config;
};

const small = read('name="a"\ntype="pvh"\nmemory=64\ndisk=["/d,raw,xvda,ro"]\nvif=["bridge=b"]\n');
const printed = {
  c_info: { type: 'pvh', name: 'a', uuid: 'made up', run_hotplug_scripts: 'True' },
  b_info: { max_vcpus: 1, avail_vcpus: [0], max_memkb: 65536, target_memkb: 65536, 'type.pvh': {} },
  disks: [{ pdev_path: '/d', vdev: 'xvda', format: 'raw' }],
  nics: [{ devid: 0, bridge: 'b' }],
};

describe('what xl prints', () => {
  it('is as expected, whatever else it tells', () => {
    expect(sameXlJson(expectedJson(small), printed)).toEqual([]);
  });

  it.each<[string, unknown, readonly string[]]>([
    [
      'another value',
      { ...printed, b_info: { ...printed.b_info, max_vcpus: 2 } },
      ['b_info.max_vcpus: expected 1, found 2'],
    ],
    [
      'a value where none is',
      { ...printed, disks: [{ ...printed.disks[0], readwrite: 1 }] },
      ['disks[0].readwrite: expected null, found 1'],
    ],
    [
      'a device too many',
      { ...printed, nics: [...printed.nics, { devid: 1 }] },
      ['nics[1]: nothing was expected, found {"devid":1}'],
    ],
    [
      'no device',
      { ...printed, nics: undefined },
      ['nics[0].devid: expected 0, found null', 'nics[0].bridge: expected "b", found null'],
    ],
  ])('differs by %s', (_, found, differences) => {
    expect(sameXlJson(expectedJson(small), found)).toEqual(differences);
  });
});

const corpus = new URL('../../../../../shared/corpus/xlcfg', import.meta.url).pathname;

/** A cfg of ours names its vCPUs and memory, and gives an empty drive no target; others leave defaults out. */
const leftOut =
  /^b_info\.(?:max_vcpus|avail_vcpus|max_memkb|target_memkb): .* found null$|pdev_path: expected null, found ""$/;

describe('real files, against what xl makes of them', () => {
  it.skipIf(!existsSync(corpus))('agrees on the corpus (skipped where ../shared/corpus/xlcfg is missing)', () => {
    const files = readdirSync(join(corpus, 'xl-json'));
    expect(files.length).toBeGreaterThan(100);
    for (const file of files) {
      const config = read(readFileSync(join(corpus, 'files', file.replace(/\.json$/, '')), 'latin1'));
      const found: unknown = JSON.parse(readFileSync(join(corpus, 'xl-json', file), 'utf8'));
      const differences = sameXlJson(expectedJson(config), found).filter((d) => !leftOut.test(d));
      expect([file, differences]).toEqual([file, []]);
    }
  });
});
