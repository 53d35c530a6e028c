import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CfgSetting, CfgValue, VmConfig } from '../../src/kinds/vm/spec.ts';
import { effective, parseCfg } from '../../src/toolstacks/xl/cfg/grammar.ts';
import { toWrite } from '../../src/toolstacks/xl/cfg/settings.ts';
import { cfgOfVm, vmOfCfg } from '../../src/toolstacks/xl/cfg/vm.ts';
import { writeCfg } from '../../src/toolstacks/xl/cfg/write.ts';
import { rate, secretOf, settingsFor } from './vm-config.ts';

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
  shared: fc.constant(false),
  backend: fc.constantFrom(null, 'phy' as const, 'qdisk' as const, 'tap' as const),
  path: fc.stringMatching(/^\/[a-z0-9/._:, =-]{0,20}[a-z]$/),
  access: fc.constantFrom('rw' as const, 'ro' as const),
  format: fc.constantFrom('raw', 'qcow2'),
  extra: fc.subarray(['discard', 'script=block-x', 'backendtype=standalone']),
});
const nic = fc.record({
  mac: fc.option(mac),
  bridge: fc.option(word),
  vlan: fc.option(fc.integer({ min: 1, max: 4094 })),
  rate: fc.option(rate),
  model: fc.option(fc.constantFrom('pv', 'e1000', 'rtl8139')),
  script: fc.option(fc.constantFrom('vif-openvswitch', '/srv/vif-own')),
  extra: fc.subarray(['ip=10.0.0.1', 'type=netfront2', 'trusted=1']),
});
/** An empty one is none. */
const said = text.filter((t) => t !== '');
const config: fc.Arbitrary<VmConfig> = fc.constantFrom('pv' as const, 'pvh' as const, 'hvm' as const).chain((type) =>
  fc.record({
    name: fc.stringMatching(/^[a-z][a-z0-9._-]{0,20}$/),
    uuid: fc.option(fc.uuid()),
    type: fc.constant(type),
    vcpus: fc.tuple(fc.integer({ min: 1, max: 64 }), fc.nat(8)).map(([count, more]) => ({ count, max: count + more })),
    memory: fc.tuple(mib, fc.nat(64)).map(([target, more]) => ({ target, max: target + more * 1024 })),
    boot: fc.record({ kernel: fc.option(word), ramdisk: fc.option(said), cmdline: fc.option(said) }),
    settings: settingsFor(type),
    disks: fc.dictionary(fc.stringMatching(/^xvd[a-z]$/), disk, { maxKeys: 4, noNullPrototype: true }),
    cdroms: fc.dictionary(
      fc.stringMatching(/^hd[a-d]$/),
      fc.record({ path: fc.constantFrom('', '/srv/iso/a.iso', '/srv/a, b=c.iso') }),
      { maxKeys: 2, noNullPrototype: true },
    ),
    nics: fc.array(nic, { maxLength: 3 }),
    extra: settings.map((all) => all.map((s) => ({ key: `x_${s.key}`, value: s.value }))),
  }),
);

/** What is Xen's own anyway, and the card's other words, are not written. */
const canonical = (c: VmConfig): VmConfig => ({
  ...c,
  settings: toWrite(c.settings, c.type),
  nics: c.nics.map((n) => ({ ...n, extra: n.extra.filter((x) => n.model !== 'pv' || !x.startsWith('type=')) })),
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
        const written = cfgOfVm(given, secretOf);
        expect(written).toMatchObject({ ok: true });
        const parsed = parseCfg(written.ok ? written.text : '');
        const vm = parsed.ok ? vmOfCfg(effective(parsed.entries)) : null;
        expect(vm?.ok && canonical(vm.config)).toEqual(canonical(given));
      }),
      { numRuns: 300 },
    );
  });
});
