/** Room for images: counted in the plan where their size is known, looked at before the fetch where only the web server tells it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesToHex } from '@noble/hashes/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { renderPlan } from '../../src/report/plan-text.ts';
import { load } from '../unit/config/load.ts';
import { openRig, type Rig } from './rig.ts';

const source = 'filer:/vmstore';
const url = 'https://images.example.com/debian.raw';
const MiB = 1024 ** 2;
const mib = (n: number): Uint8Array => new Uint8Array(n * MiB).fill(7);
const sumOf = (bytes: Uint8Array): string => bytesToHex(sha256(bytes));

let rig: Rig;
beforeEach(async () => {
  const dom = { memoryMiB: 4096, dom0MiB: 1024, cpus: 4, bridges: ['xenbr0'], paths: ['/srv/vmlinuz'] };
  rig = await openRig({
    servers: [{ ...dom, name: 'dom01' }],
    exports: [{ source, sizeKiB: 20 * 1024 }],
    speed: Infinity,
    seed: 'space',
  });
  await rig.apply((await planOf(farm())).plan);
});
afterEach(async () => rig.close());

const farm = (more = 'vms: {}'): string => `farm: p
servers: { dom01: { address: a } }
networks: { lan: { bridge: xenbr0 } }
repositories: { vmstore: { type: nfs, source: "${source}", path: /srv/vmstore } }
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan] }
${more}
`;
const template = (from: string, bytes: Uint8Array): string =>
  `templates: { debian: { source: "${from}", sha256: "${sumOf(bytes)}" } }`;
const planOf = async (text: string, files: Readonly<Record<string, string>> = {}) => {
  const plan = await rig.plan((await load({ 'farm.yaml': text, ...files }, ['farm.yaml'])).farm);
  return { plan, text: renderPlan(plan, { color: false, width: 200, commands: false }) };
};
const fails = async (text: string): Promise<string> =>
  (await rig.apply((await planOf(text)).plan)).failed.map((f) => `${f.why}; ${f.help}`).join('\n');
const images = (): readonly string[] => rig.sim.export(source).files.list('/images');

it('of a file on the web is looked at before it is fetched, and what does not fit leaves nothing', async () => {
  rig.sim.web.set(url, { bytes: mib(30) });
  const big = farm(template(url, mib(30)));
  expect((await planOf(big)).text).toMatch(/size {2}not known before: it is compared with the free space when/);
  expect(await fails(big)).toBe(
    '30MiB are to come, and there is room for 19MiB in /srv/vmstore/images: 11MiB are lacking; free some there, or give the repository more',
  );
  expect(images()).toEqual([]);
});

it('of one that came in part is that for the rest', async () => {
  rig.sim.web.set(url, { bytes: mib(18), cutAfter: 10 * MiB });
  const half = farm(template(url, mib(18)));
  expect(await fails(half)).toMatch(/the connection broke/);
  expect(images()).toHaveLength(1);
  rig.sim.web.set(url, { bytes: mib(18) });
  expect(await fails(half)).toBe('');
  expect(images()).toHaveLength(2);
});

it('of a file here is counted by the plan, before the disks', async () => {
  const path = '/images/debian.raw';
  const here = { [path]: 'x'.repeat(12 * MiB) };
  const vms = 'vms: { web: { disks: { xvda: { size: 6MiB } } }, big: { disks: { xvda: { size: 10MiB } } } }';
  const bytes = new TextEncoder().encode(here[path]);
  const { plan, text } = await planOf(farm(`${template(path, bytes)}\n${vms}`), here);
  expect(text).toMatch(/size {2}12MiB/);
  expect(plan.refused.map((r) => [r.subject.name, r.why])).toEqual([
    ['big', 'repository vmstore has 7MiB free, and 10MiB are needed'],
  ]);
  const more = { [path]: 'x'.repeat(30 * MiB) };
  const from = 'vms: { web: { disks: { xvda: { size: 1MiB, from: debian } } } }';
  const full = await planOf(farm(`${template(path, bytes)}\n${from}`), more);
  expect(full.plan.operations.filter((o) => o.target.kind !== 'server')).toEqual([]);
  expect(full.plan.refused.map((r) => `${r.what}: ${r.why}`)).toEqual([
    'template debian would be fetched: repository vmstore has 19MiB free, and 30MiB are needed',
    expect.stringMatching(/^web .*repository vmstore has 19MiB free, and 30MiB are needed/),
  ]);
});

it('that earlier runs have promised to sparse disks is not promised again', async () => {
  const disks = (...sizes: readonly number[]): string =>
    farm(`vms: { ${sizes.map((n, i) => `v${i}: { disks: { xvda: { size: ${n}MiB } } }`).join(', ')} }`);
  const first = await planOf(disks(12));
  expect([first.plan.refused, (await rig.apply(first.plan)).failed]).toEqual([[], []]);
  // Nothing is written yet: the file system has all but the markers free.
  const { plan } = await planOf(disks(12, 10));
  expect(plan.refused.map((r) => [r.subject.name, r.code, r.why])).toEqual([
    [
      'v1',
      'no-space',
      'repository vmstore has 7MiB free beside the 12MiB that its sparse disks may still take, and 10MiB are needed',
    ],
  ]);
  expect((await planOf(disks(12, 7))).plan.refused).toEqual([]);
  // What grows asks for the rest only, and what is written is not counted twice.
  expect((await planOf(disks(19))).plan.refused).toEqual([]);
  expect((await planOf(disks(21))).plan.refused.map((r) => r.code)).toEqual(['no-space']);
  const [name = ''] = rig.sim.export(source).files.list('/disks');
  rig.sim.export(source).files.write(`/disks/${name}`, 'x'.repeat(12 * MiB));
  expect((await planOf(disks(12, 10))).plan.refused.map((r) => r.why)).toEqual([
    'repository vmstore has 7MiB free, and 10MiB are needed',
  ]);
});

it('of a file here is looked at once more before it is sent', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-space-'));
  const path = join(folder, 'debian.raw');
  writeFileSync(path, mib(30));
  try {
    expect(await fails(farm(template(path, mib(30))))).toMatch(/30MiB are to come, .*: 11MiB are lacking/);
    expect(images()).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
