import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestText } from '../../../../src/core/digest.ts';
import type { Secret, VmConfig } from '../../../../src/kinds/vm/spec.ts';
import { effective, parseCfg } from '../../../../src/toolstacks/xl/cfg/grammar.ts';
import { cfgOfVm, vmOfCfg } from '../../../../src/toolstacks/xl/cfg/vm.ts';
import { expectedJson, sameXlJson } from '../../../../src/toolstacks/xl/cfg/expected-json.ts';

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
  on_reboot: 'restart',
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

/**
 * A cfg of ours names its vCPUs and memory, and gives an empty drive no target; others leave those out. Others say what is
 * Xen's own anyway, and name pygrub by an old path: ours do not.
 */
const leftOut = [
  /^b_info\.(?:max_vcpus|avail_vcpus|max_memkb|target_memkb): .* found null$/,
  /pdev_path: expected null, found ""$/,
  /^b_info\.type\.hvm\.vnc\.(?:enable|findunused): expected null, found "True"$/,
  /^b_info\.type\.hvm\.vnc\.listen: expected null, found "127.0.0.1"$/,
  /^b_info\.type\.hvm\.spice\.host: expected null, found "0.0.0.0"$/,
  /^b_info\.sched_params\.weight: expected null, found 256$/,
  /^b_info\.type\.hvm\.vnc\.passwd: expected null, found ""$/,
  /^b_info\.type\.hvm\.bios: expected null, found "seabios"$/,
  /^b_info\.type\.hvm\.spice\.disable_ticketing: expected null, found "False"$/,
  /^b_info\.bootloader: expected "pygrub", found "\/usr\/[^"]*\/pygrub"$/,
];

type Vdevs = readonly { readonly vdev: string }[];
const byVdev = (x: unknown): unknown => {
  const { disks = [] } = x as { disks?: Vdevs };
  return { ...(x as object), disks: [...disks].sort((a, b) => (a.vdev < b.vdev ? -1 : 1)) };
};

describe('real files, against what xl makes of them', () => {
  it.skipIf(!existsSync(corpus))('agrees on the corpus (skipped where ../shared/corpus/xlcfg is missing)', () => {
    const files = readdirSync(join(corpus, 'xl-json'));
    expect(files.length).toBeGreaterThan(100);
    let passwords = 0;
    for (const file of files) {
      const text = readFileSync(join(corpus, 'files', file.replace(/\.json$/, '')), 'latin1');
      const config = read(text);
      const given = /^ *(?:vnc|spice)passwd *= *(["'])(.*)\1/m.exec(text)?.[2];
      const secretOf = (s: Secret): string | null =>
        given !== undefined && s.digest === digestText(given) ? given : null;
      if (config.settings['display.vnc.password'] ?? config.settings['display.spice.password']) passwords += 1;
      const found: unknown = JSON.parse(readFileSync(join(corpus, 'xl-json', file), 'utf8'));
      const differences = sameXlJson(byVdev(expectedJson(config, secretOf)), byVdev(found));
      expect([file, differences.filter((d) => !leftOut.some((x) => x.test(d)))]).toEqual([file, []]);
    }
    expect(passwords).toBeGreaterThan(5);
  });

  it.skipIf(!existsSync(corpus))('comes out the same once written by us', () => {
    for (const file of readdirSync(join(corpus, 'xl-json'))) {
      const config = read(readFileSync(join(corpus, 'files', file.replace(/\.json$/, '')), 'latin1'));
      const written = cfgOfVm(config, () => 'secret');
      expect([file, written]).toMatchObject([file, { ok: true }]);
      const again = read(written.ok ? written.text : '');
      const secretOf = (): string => 'secret';
      expect([file, expectedJson(again, secretOf)]).toEqual([file, expectedJson(config, secretOf)]);
      expect([file, again.extra]).toEqual([file, config.extra]);
    }
  });
});
