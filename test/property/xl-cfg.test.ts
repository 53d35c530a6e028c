import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CfgSetting, CfgValue, VmConfig } from '../../src/kinds/vm/spec.ts';
import { effective, parseCfg } from '../../src/toolstacks/xl/cfg-grammar.ts';
import { cfgOfVm, vmOfCfg } from '../../src/toolstacks/xl/cfg-vm.ts';
import { writeCfg } from '../../src/toolstacks/xl/cfg-write.ts';

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('"', "'", '\\', '\n', '\t', '#', ',', '=', '[', 'x', '0', ' ', 'ü') }),
);
const value: fc.Arbitrary<CfgValue> = fc.letrec<{ value: CfgValue }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, text, fc.nat().map(String), fc.array(tie('value'), { maxLength: 4 })),
})).value;
const key = fc.stringMatching(/^[a-z][._0-9a-z]{0,8}$/);
const settings: fc.Arbitrary<readonly CfgSetting[]> = fc.uniqueArray(fc.record({ key, value }), {
  selector: (s) => s.key,
});

const word = fc.stringMatching(/^[a-z0-9/._-]{1,12}$/);
const mac = fc.stringMatching(/^02(:[0-9a-f]{2}){5}$/);
const mib = fc.integer({ min: 1, max: 1 << 20 }).map((n) => n * 1024);
const disk = fc.record({
  path: fc.stringMatching(/^\/[a-z0-9/._:, =-]{0,20}[a-z]$/),
  access: fc.constantFrom('rw' as const, 'ro' as const),
  format: fc.constantFrom('raw', 'qcow2'),
  extra: fc.subarray(['discard', 'script=block-x', 'backendtype=phy']),
});
const config: fc.Arbitrary<VmConfig> = fc.record({
  name: fc.stringMatching(/^[a-z][a-z0-9._-]{0,20}$/),
  uuid: fc.option(fc.uuid()),
  type: fc.constantFrom('pv' as const, 'pvh' as const, 'hvm' as const),
  vcpus: fc.tuple(fc.integer({ min: 1, max: 64 }), fc.nat(8)).map(([count, more]) => ({ count, max: count + more })),
  memory: fc.tuple(mib, fc.nat(64)).map(([target, more]) => ({ target, max: target + more * 1024 })),
  boot: fc.record({ kernel: fc.option(word), ramdisk: fc.option(text), cmdline: fc.option(text) }),
  disks: fc.dictionary(fc.stringMatching(/^xvd[a-z]$/), disk, { maxKeys: 4, noNullPrototype: true }),
  nics: fc.array(
    fc.record({ mac: fc.option(mac), bridge: fc.option(word), extra: fc.subarray(['rate=10Mb/s', 'type=vif']) }),
    { maxLength: 3 },
  ),
  extra: settings.map((all) => all.map((s) => ({ key: `x_${s.key}`, value: s.value }))),
});

describe('an xl.cfg that is written', () => {
  it('is read back as the very same settings', () => {
    fc.assert(
      fc.property(settings, (given) => {
        const written = writeCfg(given);
        fc.pre(written.ok);
        const parsed = parseCfg(written.ok ? written.text : '');
        expect(parsed.ok && parsed.entries.map(({ key, value }) => ({ key, value }))).toEqual(given);
      }),
      { numRuns: 500 },
    );
  });

  it('is read back as the very same VM', () => {
    fc.assert(
      fc.property(config, (given) => {
        const written = cfgOfVm(given);
        expect(written).toMatchObject({ ok: true });
        const parsed = parseCfg(written.ok ? written.text : '');
        expect(parsed.ok && vmOfCfg(effective(parsed.entries))).toEqual({ ok: true, config: given });
      }),
      { numRuns: 300 },
    );
  });
});
