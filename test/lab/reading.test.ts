/** The property of the cfg: what Reeve writes, the real xl reads as Reeve means it. One SSH run for all. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Marker } from '../../src/kinds/vm/live.ts';
import type { VmConfig } from '../../src/kinds/vm/spec.ts';
import { expectedJson, sameXlJson } from '../../src/toolstacks/xl/cfg/expected-json.ts';
import { renderCfg } from '../../src/toolstacks/xl/cfg/render.ts';
import { rate, secretOf, settingsFor } from '../property/vm-config.ts';
import { hand, here } from './farm.ts';

const count = 200;

const path = fc.stringMatching(/^(\/[A-Za-z0-9][A-Za-z0-9 ._+=:@-]{0,20}){1,3}$/);
/** Everything that libxlu's strings can hold, and what quoting gets wrong. */
const cmdline = fc.oneof(
  fc.stringMatching(/^[a-z0-9=/ ._-]{0,40}$/),
  fc.string({
    unit: fc.constantFrom('"', "'", '\\', '#', ';', '$', '`', ',', '=', '[', ']', ' ', '\t', 'x', '0', 'ü'),
  }),
);
const mib = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max }).map((n) => n * 1024);

const config: fc.Arbitrary<VmConfig> = fc.constantFrom('pv' as const, 'pvh' as const, 'hvm' as const).chain((type) =>
  fc.record({
    name: fc.stringMatching(/^[A-Za-z][A-Za-z0-9_+-]{0,40}$/),
    uuid: fc.uuid(),
    type: fc.constant(type),
    vcpus: fc.tuple(fc.integer({ min: 1, max: 64 }), fc.nat(64)).map(([n, more]) => ({ count: n, max: n + more })),
    memory: fc.tuple(mib(16, 1 << 20), mib(0, 4096)).map(([target, more]) => ({ target, max: target + more })),
    boot: fc.record({ kernel: path, ramdisk: fc.option(path), cmdline: fc.option(cmdline) }),
    settings: settingsFor(type),
    disks: fc.dictionary(
      fc.stringMatching(/^xvd[a-z]$/),
      fc.record({
        path,
        access: fc.constantFrom('rw' as const, 'ro' as const),
        shared: fc.boolean(),
        format: fc.constantFrom('raw', 'qcow2', 'vhd'),
        backend: fc.constantFrom(null, 'phy' as const, 'qdisk' as const),
        extra: fc.constant([]),
      }),
      { maxKeys: 5, noNullPrototype: true },
    ),
    cdroms: fc.dictionary(fc.stringMatching(/^hd[a-d]$/), fc.record({ path: fc.oneof(path, fc.constant('')) }), {
      maxKeys: 2,
      noNullPrototype: true,
    }),
    nics: fc.array(
      fc.record({
        mac: fc.stringMatching(/^02(:[0-9a-f]{2}){5}$/),
        bridge: fc.stringMatching(/^[a-z][a-z0-9._-]{0,14}$/),
        // Xen 4.17 has no word for it.
        vlan: fc.constant(null),
        rate: fc.option(rate),
        model: fc.option(fc.constantFrom('pv', 'e1000', 'virtio-net')),
        script: fc.option(fc.constantFrom('vif-openvswitch', '/srv/vif-own')),
        extra: fc.constant([]),
      }),
      { maxLength: 4 },
    ),
    extra: fc.constant([]),
  }),
);

const marker = (c: VmConfig): Marker => ({
  farm: 'lab',
  vm: c.name,
  uuid: c.uuid ?? '',
  home: 'dom01',
  generation: 1,
  origin: 'created',
  protect: false,
  macs: Object.fromEntries(c.nics.map((n, i) => [`eth${i}`, n.mac ?? ''])),
  applied: { 'boot.cmdline': c.boot.cmdline, 'memory.target': c.memory.target },
  by: '0.0.0',
});

/** Each cfg through `xl -N create`: what it printed, or what it complained of. */
const readByXl = async (texts: readonly string[]): Promise<readonly string[]> => {
  const dir = mkdtempSync(join(tmpdir(), 'reeve-cfgs-'));
  mkdirSync(join(dir, 'cfgs'));
  texts.forEach((text, i) => writeFileSync(join(dir, 'cfgs', `${i}.cfg`), text));
  const tar = execFileSync('tar', ['-C', join(dir, 'cfgs'), '-cf', '-', '.'], { maxBuffer: 1 << 26 });
  rmSync(dir, { recursive: true });
  const end = '@@@ end of one';
  const out = await hand(
    here,
    `d=$(mktemp -d) && cd $d && tar -xf - && i=0 && while [ $i -lt ${texts.length} ]; do ` +
      `xl -N create -q $i.cfg 2> err || { echo "exit $?"; cat err; }; echo "${end}"; i=$((i + 1)); done; rm -rf $d`,
    tar,
  );
  return out.split(end).slice(0, texts.length);
};

it(`${count} random VMs: xl reads each cfg as Reeve means it`, async () => {
  const seed = process.env['CI'] === undefined ? Date.now() : 20261122;
  const configs = fc.sample(config, { numRuns: count, seed });
  const texts = configs.map((c) => {
    const written = renderCfg(marker(c), c, secretOf);
    if (!written.ok) throw new Error(`${written.why}: ${JSON.stringify(c)}`);
    return written.text;
  });
  const answers = await readByXl(texts);
  const wrong = configs.flatMap((c, i) => {
    const answer = answers[i] ?? '';
    const wanted = expectedJson(c, secretOf);
    const differences = answer.trimStart().startsWith('{') ? sameXlJson(wanted, JSON.parse(answer)) : [answer];
    return differences.length === 0 ? [] : [{ seed, cfg: texts[i], differences }];
  });
  expect(answers).toHaveLength(count);
  expect(wrong.slice(0, 3)).toEqual([]);
});
