/** Templates, ISOs, volume groups and disks that come and go by explicit word, on the simulated farm, from the file to the dom0. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesToHex } from '@noble/hashes/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PlanOptions } from '../../src/kinds/plan.ts';
import { renderPlan } from '../../src/report/plan-text.ts';
import { load } from '../unit/config/load.ts';
import { openRig, type Rig } from './rig.ts';

const source = 'filer:/vmstore';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** As the simulated qemu-img knows it. */
const qcow2 = Uint8Array.from([0x51, 0x46, 0x49, 0xfb, ...bytes('debian')]);
const sum = bytesToHex(sha256(qcow2));
const url = 'https://images.example.com/debian.qcow2';
const iso = { url: 'https://images.example.com/netinst.iso', bytes: bytes('netinst') };

let rig: Rig;
beforeEach(async () => {
  const server = (name: string) => ({
    name,
    memoryMiB: 4096,
    dom0MiB: 1024,
    cpus: 4,
    bridges: ['xenbr0'],
    paths: ['/srv/vmlinuz'],
    volumeGroups: { vg0: 10 * 1024 * 1024 },
  });
  rig = await openRig({
    servers: [server('dom01'), server('dom02')],
    exports: [source],
    speed: Infinity,
    seed: 'images',
  });
  rig.sim.web.set(url, { bytes: qcow2 });
  rig.sim.web.set(iso.url, { bytes: iso.bytes });
});
afterEach(async () => rig.close());

const heads = (more = ''): string => `farm: p
servers: { dom01: { address: a }, dom02: { address: b } }
networks: { lan: { bridge: xenbr0 } }
${more}
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan], shutdown: { within: 10s } }
`;
const nfs = `repositories: { vmstore: { type: nfs, source: "${source}", path: /srv/vmstore } }`;
const lvm = 'repositories: { vg0: { type: lvm } }';
const debian = `templates: { debian: { source: "${url}", sha256: "${sum}" } }`;
const allow = { allow: [{ disruption: 'recreate' as const, pattern: '*' }] };

const planOf = async (text: string, options: Partial<PlanOptions> = {}) => {
  const { farm } = await load(text);
  const plan = await rig.plan(farm, { ...allow, ...options });
  return { plan, text: renderPlan(plan, { color: false, width: 100, commands: false }) };
};
/** Until nothing is left to do. */
const converge = async (text: string, options: Partial<PlanOptions> = {}): Promise<string> => {
  const { plan, text: shown } = await planOf(text, options);
  const { failed, skipped } = await rig.apply(plan);
  expect({ failed, skipped, refused: plan.refused }).toEqual({ failed: [], skipped: [], refused: [] });
  await rig.sim.settle();
  const again = await planOf(text);
  expect([again.plan.operations.map((o) => o.id), again.plan.refused]).toEqual([[], []]);
  return shown;
};
/** Runs a plan of which something fails, and says what. */
const fails = async (text: string): Promise<string> => {
  const { plan } = await planOf(text);
  const { failed } = await rig.apply(plan);
  return failed.map((f) => f.why).join('\n');
};
const stored = (folder: string): readonly string[] => rig.sim.export(source).files.list(folder);
const read = (path: string): string | undefined => rig.sim.export(source).files.read(path);
const cfg = (server: string, name: string): string => rig.sim.files(server).read(`/etc/xen/${name}.cfg`) ?? '';
const diskOf = (server: string, name: string): string => /target=([^,"']+)/.exec(cfg(server, name))?.[1] ?? '';
const volumes = async (server: string): Promise<string> => (await rig.sim.hand(server, ['lvs'])).out;

const one = (disk: string, more = ''): string => `vms: { web: { server: dom01, disks: { xvda: ${disk} }${more} } }\n`;

describe('a template', () => {
  it('is fetched once into the shared store, and disks are made from it', async () => {
    const vms = `vms:
  web: { server: dom01, disks: { xvda: { size: 1GiB, from: debian } } }
  db: { server: dom02, disks: { xvda: { size: 1GiB, from: debian, format: qcow2 } } }
`;
    const shown = await converge(heads(`${nfs}\n${debian}`) + vms);
    expect(shown).toMatch(/\+ template debian of pool p: fetch it on dom01/);
    expect(shown).toMatch(/new: 1GiB in repository vmstore, from template debian/);
    expect(stored('/images')).toEqual([
      `debian-${sum.slice(0, 8)}.qcow2`,
      `debian-${sum.slice(0, 8)}.qcow2.reeve.json`,
    ]);
    expect(read(diskOf('dom01', 'web').replace('/srv/vmstore', ''))).toBe('debian');
    expect(read(diskOf('dom02', 'db').replace('/srv/vmstore', ''))?.endsWith('debian')).toBe(true);
  });

  it('is fetched by a server with the role utility, and its VM goes to one with the role vm', async () => {
    const roles = (text: string): string =>
      text
        .replace('{ address: a }', '{ address: a, roles: [vm] }')
        .replace('{ address: b }', '{ address: b, roles: [utility] }');
    const shown = await converge(
      roles(heads(`${nfs}\n${debian}`)) + 'vms: { web: { disks: { xvda: { size: 1GiB, from: debian } } } }\n',
    );
    expect(shown).toMatch(/template debian of pool p: fetch it on dom02/);
    expect(shown).toMatch(/web on dom01: create and start/);
    const named = roles(heads(nfs)) + 'vms: { web: { server: dom02 } }\n';
    await expect(load(named)).rejects.toThrow(/server dom02 runs no VMs: its roles are utility/);
  });

  it('that becomes another leaves what was made from it alone; the old one goes on --prune', async () => {
    await converge(heads(`${nfs}\n${debian}`) + one('{ size: 1GiB, from: debian }'));
    const at = diskOf('dom01', 'web');
    const next = bytes('QFI new');
    const nextSum = bytesToHex(sha256(next));
    rig.sim.web.set(url, { bytes: next });
    const changed = heads(`${nfs}\n${debian.replace(sum, nextSum)}`) + one('{ size: 1GiB, from: debian }');
    await converge(changed);
    expect(stored('/images').filter((n) => n.endsWith('.qcow2'))).toHaveLength(2);
    expect([diskOf('dom01', 'web'), read(at.replace('/srv/vmstore', ''))]).toEqual([at, 'debian']);
    expect(await converge(changed, { prune: true })).toMatch(/- template debian of pool p: remove it from dom01/);
    expect(stored('/images').filter((n) => n.endsWith('.qcow2'))).toEqual([`debian-${nextSum.slice(0, 8)}.qcow2`]);
  });

  it('of wrong bytes is thrown away, and nothing is made from it', async () => {
    rig.sim.web.set(url, { bytes: bytes('QFI evil') });
    expect(await fails(heads(`${nfs}\n${debian}`) + one('{ size: 1GiB, from: debian }'))).toMatch(
      /sha256sum.*exit code 1.*did NOT match.*put right by: rm -rf/s,
    );
    expect([stored('/images'), stored('/disks')]).toEqual([[], []]);
    expect(cfg('dom01', 'web')).toBe('');
    rig.sim.web.set(url, { bytes: qcow2 });
    await converge(heads(`${nfs}\n${debian}`) + one('{ size: 1GiB, from: debian }'));
  });

  it.each([
    ['404', { bytes: qcow2, status: 404 }, /ERROR 404: Not Found/],
    ['no answer', { bytes: qcow2, dead: true }, /timed out/],
    ['no such host', null, /unable to resolve host address 'images.example.com'/],
  ] as const)('that cannot be had is said: %s', async (_, file, why) => {
    if (file === null) rig.sim.web.delete(url);
    else rig.sim.web.set(url, file);
    expect(await fails(heads(`${nfs}\n${debian}`) + one('{ size: 1GiB, from: debian }'))).toMatch(why);
    expect(stored('/disks')).toEqual([]);
    rig.sim.web.set(url, { bytes: qcow2 });
    await converge(heads(`${nfs}\n${debian}`) + one('{ size: 1GiB, from: debian }'));
  });

  it('that is cut short goes on where it broke off', async () => {
    rig.sim.web.set(url, { bytes: qcow2, cutAfter: 6 });
    expect(await fails(heads(`${nfs}\n${debian}`))).toMatch(/exit code 4.*: the connection broke/);
    expect(stored('/images')).toEqual([`debian-${sum.slice(0, 8)}.qcow2.part`]);
    await converge(heads(`${nfs}\n${debian}`));
    expect(stored('/images')).toEqual([
      `debian-${sum.slice(0, 8)}.qcow2`,
      `debian-${sum.slice(0, 8)}.qcow2.reeve.json`,
    ]);
  });

  it('tells how far its download has come', async () => {
    const told: number[] = [];
    const bytesOf = 12 * 1024 ** 2;
    // The simulated time is faster than any look: the download waits for the first one.
    const stalls = (): boolean => told.length === 0;
    rig.sim.web.set(url, { bytes: Uint8Array.from([...qcow2, ...new Uint8Array(bytesOf)]), stalls });
    const big = debian.replace(sum, bytesToHex(sha256(rig.sim.web.get(url)?.bytes ?? qcow2)));
    const { plan } = await planOf(heads(`${nfs}\n${big}`));
    const totals = new Set<number | undefined>();
    const words: string[] = [];
    await rig.apply(plan, Infinity, (e) => {
      if (e.ev !== 'progress' || e.bytes === undefined) return;
      told.push(e.bytes);
      totals.add(e.total);
      words.push(e.text);
    });
    expect(told.length).toBeGreaterThan(0);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(Math.max(...told)).toBeLessThanOrEqual(bytesOf + qcow2.length);
    expect([...totals]).toEqual([bytesOf + qcow2.length]);
    expect(words[0]).toMatch(/^\d+(?:MiB|KiB) of 13MiB \(\d+%\)$/);
  });

  it('is fetched all the same where its server does not tell how long it is', async () => {
    const words: string[] = [];
    const stalls = (): boolean => words.length === 0;
    const large = Uint8Array.from([...qcow2, ...new Uint8Array(12 * 1024 ** 2)]);
    rig.sim.web.set(url, { bytes: large, unsized: true, stalls });
    const big = debian.replace(sum, bytesToHex(sha256(rig.sim.web.get(url)?.bytes ?? qcow2)));
    const { plan } = await planOf(heads(`${nfs}\n${big}`));
    const { failed } = await rig.apply(plan, Infinity, (e) => {
      if (e.ev === 'progress' && e.bytes !== undefined) words.push(`${e.text} ${e.total}`);
    });
    expect([failed, words.length > 0]).toEqual([[], true]);
    for (const w of words) expect(w).toMatch(/ so far undefined$/);
  });

  it('is uploaded from here in pieces, goes on where it broke off, and is checked', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'reeve-upload-'));
    const path = join(folder, 'debian.qcow2');
    const whole = Uint8Array.from([...qcow2, ...new Uint8Array(9 * 1024 ** 2).fill(7)]);
    writeFileSync(path, whole);
    const local = `templates: { debian: { source: "${path}", sha256: "${bytesToHex(sha256(whole))}" } }`;
    try {
      const { plan, text } = await planOf(heads(`${nfs}\n${local}`));
      expect(text).toMatch(/upload it to dom01/);
      // The export is full when the second piece comes.
      await rig.apply(plan, Infinity, (e) => {
        if (e.ev === 'progress' && e.bytes !== undefined) rig.sim.export(source).full(true);
      });
      rig.sim.export(source).full(false);
      const sent: number[] = [];
      const again = await planOf(heads(`${nfs}\n${local}`));
      await rig.apply(again.plan, Infinity, (e) => {
        if (e.ev === 'progress' && e.bytes !== undefined) sent.push(e.bytes);
      });
      expect(sent).toEqual([8 * 1024 ** 2, whole.length]);
      expect(stored('/images').filter((n) => !n.endsWith('.json'))).toEqual([
        `debian-${bytesToHex(sha256(whole)).slice(0, 8)}.qcow2`,
      ]);
      await converge(heads(`${nfs}\n${local}`));
      writeFileSync(path, 'other');
      const gone = heads(`${nfs}\n${local.replace('debian:', 'other:')}`);
      expect(await fails(gone)).toMatch(/did NOT match/);
      rmSync(path);
      expect(await fails(gone)).toMatch(/debian\.qcow2 cannot be read here: ENOENT/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('that is larger than the disk is not cut off', async () => {
    rig.sim.web.set(url, { bytes: Uint8Array.from([...qcow2, ...new Uint8Array(3 * 1024 * 1024)]) });
    const big = debian.replace(sum, bytesToHex(sha256(rig.sim.web.get(url)?.bytes ?? qcow2)));
    expect(await fails(heads(`${nfs}\n${big}`) + one('{ size: 1MiB, from: debian }'))).toMatch(/--shrink/);
    expect(stored('/disks')).toEqual([]);
  });

  it('that nobody marked is not believed', async () => {
    const { files } = rig.sim.export(source);
    await converge(heads(nfs));
    await rig.sim.hand('dom01', ['mkdir', '-p', '/srv/vmstore/images']);
    files.write(`/images/debian-${sum.slice(0, 8)}.qcow2`, 'mine');
    const { plan } = await planOf(heads(`${nfs}\n${debian}`) + one('{ size: 1GiB, from: debian }'));
    expect(plan.operations).toEqual([]);
    expect(plan.refused.map((r) => r.why).join()).toMatch(/is there, and not marked as template debian/);
    expect(read(`/images/debian-${sum.slice(0, 8)}.qcow2`)).toBe('mine');
  });

  it('fills no store: what was there before is whole', async () => {
    await converge(heads(nfs));
    rig.sim.export(source).files.write('/keep', 'precious');
    rig.sim.export(source).full(true);
    expect(await fails(heads(`${nfs}\n${debian}`))).toMatch(/No space left on device/);
    expect(read('/keep')).toBe('precious');
    rig.sim.export(source).full(false);
    await converge(heads(`${nfs}\n${debian}`));
  });
});

describe('an ISO', () => {
  const isos = (state = ''): string =>
    `isos: { netinst: { source: "${iso.url}", sha256: "${bytesToHex(sha256(iso.bytes))}"${state} } }`;
  const win = (drive: string): string =>
    `vms: { win: { type: hvm, server: dom01, boot: { kernel: /srv/vmlinuz }, memory: 256MiB, cdrom: { hdc: ${drive} } } }\n`;

  it('is fetched and put into a drive, and is not removed while it lies there', async () => {
    await converge(heads(`${nfs}\n${isos()}`) + win('{ iso: netinst }'));
    expect(cfg('dom01', 'win')).toMatch(/\/srv\/vmstore\/images\/netinst-[0-9a-f]{8}\.iso/);
    const { plan } = await planOf(heads(`${nfs}\n${isos(', state: absent')}`) + 'vms: {}\n');
    expect(plan.refused.map((r) => r.why).join()).toMatch(/win on dom01.* has it/);
    await converge(heads(`${nfs}\n${isos()}`) + win('{}'));
    await converge(heads(`${nfs}\n${isos(', state: absent')}`) + win('{}'));
    expect(stored('/images')).toEqual([]);
  });
});

describe('a volume group', () => {
  it('is the smallest farm’s only repository: templates lie with each server', async () => {
    await converge(heads(`${lvm}\n${debian}`) + one('{ size: 1GiB, from: debian }'));
    const at = diskOf('dom01', 'web');
    expect(at).toMatch(/^\/dev\/vg0\/web-xvda-[0-9a-f]{8}$/);
    expect(rig.sim.files('dom01').read(at)).toBe('debian');
    expect(rig.sim.files('dom01').list('/var/lib/reeve/images')).toHaveLength(2);
    expect(rig.sim.files('dom02').list('/var/lib/reeve/images')).toEqual([]);
    expect(await volumes('dom01')).toMatch(/reeve\.disk=p\/web\//);
  });

  it('gives no VM another one’s bytes', async () => {
    await converge(heads(lvm) + one('{ size: 1GiB }'));
    rig.sim.files('dom01').write(diskOf('dom01', 'web'), 'secret');
    await converge(heads(lvm) + one('{ size: 1GiB }', ', state: absent, deleteDisks: true'));
    expect(await volumes('dom01')).not.toMatch(/web/);
    await converge(heads(lvm) + one('{ size: 1GiB }').replace('web', 'db'));
    expect(rig.sim.files('dom01').read(diskOf('dom01', 'db'))).toBe('');
  });

  it('gives a disk that grows no other one’s bytes either, though it be broken off in the middle', async () => {
    await converge(heads(lvm) + one('{ size: 4MiB }'));
    const at = diskOf('dom01', 'web');
    rig.sim.files('dom01').write(at, 'mine');
    await rig.sim.hand('dom01', ['lvcreate', '-y', '-n', 'old', '-L', '4096k', 'vg0']);
    rig.sim.files('dom01').write('/dev/vg0/old', 'secret');
    await rig.sim.hand('dom01', ['lvremove', '-f', 'vg0/old']);
    const { plan } = await planOf(heads(lvm) + one('{ size: 8MiB }'));
    expect(plan.operations.flatMap((o) => o.commands).join('\n')).toMatch(
      /lvcreate .*\.part -L 4096k vg0\nblkdiscard -z \S+\.part\nlvremove .*\.part\nlvextend .*-L 8192k vg0\/web/,
    );
    // It grew, and is not zeroed yet.
    await rig.sim.hand('dom01', ['lvcreate', '-y', '-n', `${at.slice('/dev/vg0/'.length)}.part`, '-L', '4096k', 'vg0']);
    await converge(heads(lvm) + one('{ size: 8MiB }'));
    expect(rig.sim.files('dom01').read(at)).toBe('mine');
    expect(await volumes('dom01')).not.toMatch(/part/);
  });

  it('grows a disk while its guest runs, never shrinks one, and never takes more than it has', async () => {
    await converge(heads(lvm) + one('{ size: 1GiB }'));
    expect(await converge(heads(lvm) + one('{ size: 2GiB }'))).toMatch(/the volume grows at once/);
    const less = await planOf(heads(lvm) + one('{ size: 1GiB }'));
    expect(less.plan.refused[0]?.why).toMatch(/would shrink from 2GiB to 1GiB/);
    const most = await planOf(heads(lvm) + one('{ size: 20GiB }'));
    expect(most.plan.refused[0]?.why).toMatch(/repository vg0 on dom01 has 8GiB free, and 18GiB are needed/);
  });

  it('that is not there is said', async () => {
    const { plan } = await planOf(heads('repositories: { vg9: { type: lvm } }') + one('{ size: 1GiB }'));
    expect(plan.operations.filter((o) => o.target.kind !== 'server')).toEqual([]);
    expect(plan.refused.map((r) => r.why).join()).toMatch(/there is no volume group vg9/);
  });

  it('has a volume of that name already: another name is taken, and its bytes stay', async () => {
    await converge(heads(lvm) + one('{ size: 1GiB }'));
    const at = diskOf('dom01', 'web');
    rig.sim.files('dom01').write(at, 'old');
    await converge(heads(lvm) + one('{ size: 1GiB }', ', state: absent'));
    await converge(heads(lvm) + one('{ size: 1GiB }'));
    expect(diskOf('dom01', 'web')).not.toBe(at);
    expect(rig.sim.files('dom01').read(at)).toBe('old');
  });
});

describe.each([
  ['nfs', nfs],
  ['lvm', lvm],
])('a disk that its VM left, on %s', (_, repository) => {
  const gone = (more = ''): string => heads(repository) + one('{ size: 1GiB }', `, state: absent${more}`);
  const bytesOf = (at: string): string | undefined =>
    at.startsWith('/dev/') ? rig.sim.files('dom01').read(at) : read(at.replace('/srv/vmstore', ''));

  it('is adopted by another, with its bytes', async () => {
    await converge(heads(repository) + one('{ size: 1GiB }'));
    const at = diskOf('dom01', 'web');
    await rig.sim.hand('dom01', ['true']);
    if (at.startsWith('/dev/')) rig.sim.files('dom01').write(at, 'kept');
    else rig.sim.export(source).files.write(at.replace('/srv/vmstore', ''), 'kept');
    const taken = `vms: { new: { server: dom01, disks: { xvda: { adopt: ${at} } } } }\n`;
    const early = await planOf(heads(repository) + taken);
    expect(early.plan.refused.map((r) => r.why).join()).toMatch(/is a disk of web on dom01/);
    await converge(gone());
    await converge(heads(repository) + taken);
    expect([diskOf('dom01', 'new'), bytesOf(at)]).toEqual([at, 'kept']);
  });

  it('is deleted only by name, and not while somebody has it', async () => {
    await converge(heads(repository) + one('{ size: 1GiB }'));
    const at = diskOf('dom01', 'web');
    const file = at.slice(at.lastIndexOf('/') + 1);
    const used = await planOf(heads(repository) + one('{ size: 1GiB }'), { deleteDisks: [file] });
    expect(used.plan.refused.map((r) => r.why).join()).toMatch(/web on dom01.* has it/);
    await converge(gone());
    expect(bytesOf(at)).toBe('');
    const shown = await converge(gone(), { deleteDisks: [file] });
    expect(shown).toMatch(/delete disk web-xvda-\S+ \(1GiB\): its bytes are lost/);
    expect(bytesOf(at)).toBeUndefined();
  });

  it('goes with it where the file says so', async () => {
    await converge(heads(repository) + one('{ size: 1GiB }'));
    const at = diskOf('dom01', 'web');
    expect(await converge(gone(', deleteDisks: true'))).toMatch(/its disks go with it: THEIR BYTES ARE LOST/);
    expect(bytesOf(at)).toBeUndefined();
  });
});

describe('a seed for cloud-init', () => {
  const seeded = (user: string): string =>
    one('{ size: 1GiB }', `, cloudInit: { userData: ${user}, networkConfig: { version: 2 } }`);
  it.each([
    ['beside the disk', nfs, /\/srv\/vmstore\/disks\/web-seed-[0-9a-f]{8}\.iso/],
    ['with the server, where disks are volumes', lvm, /\/var\/lib\/reeve\/disks\/web-seed-[0-9a-f]{8}\.iso/],
  ])('is made with its VM, %s, and never replayed', async (_, repository, where) => {
    await converge(heads(repository) + seeded('{ hostname: www }'));
    const text = cfg('dom01', 'web');
    expect(text).toMatch(where);
    const [at = ''] = where.exec(text) ?? [];
    const image = at.startsWith('/srv') ? read(at.slice('/srv/vmstore'.length)) : rig.sim.files('dom01').read(at);
    expect(image).toContain('#cloud-config\nhostname: www\n');
    expect(image).toMatch(/instance-id: [0-9a-f-]{36}\nlocal-hostname: web\n/);
    // What its texts say is a secret, which nothing is told of: only which of them there are.
    const other = await planOf(heads(repository) + seeded('{ hostname: other }'));
    expect(other.plan.warnings.join()).not.toContain('cloudInit');
    const { plan } = await planOf(heads(repository) + seeded('"${file:web.yaml}"'));
    expect(plan.operations).toEqual([]);
    expect(plan.warnings).toContain(
      'web: its cloudInit is not what it was made with, and is not replayed: it counts when a VM is made',
    );
  });
});

describe('a disk that is to lie elsewhere', () => {
  const both = `repositories: { vmstore: { type: nfs, source: "${source}", path: /srv/vmstore }, vg0: { type: lvm } }`;
  const at = (repository: string, more = '', state = ''): string =>
    heads(both) + one(`{ repository: ${repository}, size: 1GiB${more} }`, state);
  const restarts = { allow: [...allow.allow, { disruption: 'restart' as const, pattern: 'web' }] };
  const fill = (text: string): void => {
    const path = diskOf('dom01', 'web');
    if (path.startsWith('/dev/')) rig.sim.files('dom01').write(path, text);
    else rig.sim.export(source).files.write(path.replace('/srv/vmstore', ''), text);
  };
  const bytesOf = (path: string): string | undefined =>
    path.startsWith('/dev/') ? rig.sim.files('dom01').read(path) : read(path.replace('/srv/vmstore', ''));

  it('is copied while its VM is down, the VM started from the copy, and the old one removed', async () => {
    await converge(at('vmstore'));
    fill('mine');
    const old = diskOf('dom01', 'web');
    const asked = await planOf(at('vg0'), { allow: [] });
    expect(asked.plan.operations).toEqual([]);
    expect(asked.plan.refused[0]).toMatchObject({ needs: 'restart', help: '--allow restart=web' });
    const shown = await converge(at('vg0'), restarts);
    expect(shown).toMatch(/web on dom01: restart; about 47 s down/);
    expect(shown).toMatch(/remove disk web-xvda-\S+ once it is copied to \/dev\/vg0\/web-xvda/);
    expect(shown).toMatch(/1 disk to move/);
    expect(shown).toMatch(/the disk is copied while the VM is down/);
    const now = diskOf('dom01', 'web');
    expect([now.startsWith('/dev/vg0/web-xvda-'), bytesOf(now), bytesOf(old)]).toEqual([true, 'mine', undefined]);
    await converge(at('vmstore', ', format: qcow2'), restarts);
    expect(bytesOf(diskOf('dom01', 'web'))?.endsWith('mine')).toBe(true);
    expect(await volumes('dom01')).not.toMatch(/web/);
  });

  it('is copied at once where its VM does not run', async () => {
    await converge(at('vmstore'));
    fill('mine');
    await converge(at('vmstore', '', ', state: stopped'), { allow: [{ disruption: 'stop', pattern: 'web' }] });
    await converge(at('vg0', '', ', state: stopped'));
    expect(bytesOf(diskOf('dom01', 'web'))).toBe('mine');
  });

  it('stays where it is when the copy finds no room, and its VM runs on from it', async () => {
    await converge(at('vg0'));
    fill('mine');
    const old = diskOf('dom01', 'web');
    const { plan } = await planOf(at('vmstore'), restarts);
    rig.sim.export(source).full(true);
    const { failed } = await rig.apply(plan);
    expect(failed.map((f) => f.why).join()).toMatch(/No space left on device/);
    await rig.sim.settle();
    expect([diskOf('dom01', 'web'), bytesOf(old)]).toEqual([old, 'mine']);
    expect((await rig.sim.hand('dom01', ['xl', 'list'])).out).toMatch(/^web /m);
    rig.sim.export(source).full(false);
    await converge(at('vmstore'), restarts);
    expect(bytesOf(diskOf('dom01', 'web'))).toBe('mine');
  });

  it.each([3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16])(
    'is whole in one place, whenever the run is killed (after %s events)',
    async (leaveAt) => {
      await converge(at('vmstore'));
      fill('mine');
      const { plan } = await planOf(at('vg0'), restarts);
      await rig.apply(plan, leaveAt);
      await rig.sim.settle();
      let tries = 0;
      for (; tries < 3; tries++) {
        const again = await planOf(at('vg0'), restarts);
        if (again.plan.operations.length === 0) break;
        await rig.apply(again.plan);
        await rig.sim.settle();
      }
      await converge(at('vg0'), restarts);
      expect(bytesOf(diskOf('dom01', 'web'))).toBe('mine');
      expect((await rig.sim.hand('dom01', ['xl', 'list'])).out).toMatch(/^web /m);
    },
  );
});

describe('whatever breaks on the way from an image to a running VM', () => {
  const whole = heads(`${nfs}\n${debian}`) + one('{ size: 1GiB, from: debian }', ', cloudInit: { userData: { a: 1 } }');
  const converges = async (): Promise<void> => {
    for (let tries = 0; tries < 3; tries++) {
      const { plan } = await planOf(whole);
      if (plan.operations.length === 0) break;
      await rig.apply(plan);
      await rig.sim.settle();
    }
    await converge(whole);
    expect(read(diskOf('dom01', 'web').replace('/srv/vmstore', ''))).toBe('debian');
    expect(stored('/images').filter((n) => n.endsWith('.part'))).toEqual([]);
    expect(stored('/disks').filter((n) => n.endsWith('.part'))).toEqual([]);
    expect((await rig.sim.hand('dom01', ['xl', 'list'])).out).toMatch(/^web /m);
  };

  it.each((['op', 'wait', 'write', 'observe'] as const).flatMap((what) => [0, 3].map((n) => [what, n] as const)))(
    'a connection that is lost at a %s, %s of them before it',
    async (what, before) => {
      const { plan } = await planOf(whole);
      for (let n = 0; n < 4; n++) rig.sim.faults('dom01').cut({ what, after: n * 2 + before });
      await rig.apply(plan);
      await rig.sim.faults('dom01').clear();
      await converges();
    },
  );

  it.each([3, 6, 9, 11, 13, 15, 18, 22])('a run that is killed after %s events', async (leaveAt) => {
    const { plan } = await planOf(whole);
    await rig.apply(plan, leaveAt);
    await converges();
  });

  it('a template that is to go while a new VM wants it is an error of the file, and one that is gone from the store comes back', async () => {
    await converge(whole);
    const [file = ''] = stored('/images');
    rig.sim.export(source).files.remove(`/images/${file}`);
    await converge(whole);
    expect(stored('/images')).toContain(file);
    await expect(planOf(whole.replace('sha256:', 'state: absent, sha256:'))).rejects.toThrow(
      /template debian shall be absent/,
    );
  });
});

describe('a disk that somebody outside the file uses', () => {
  it.each([
    ['nfs', nfs],
    ['lvm', lvm],
  ])('is neither adopted, deleted nor moved away, on %s', async (_, repository) => {
    await converge(heads(repository) + one('{ size: 1GiB }'));
    const at = diskOf('dom01', 'web');
    await converge(heads(repository) + one('{ size: 1GiB }', ', state: absent'));
    rig.sim.files('dom02').write('/etc/xen/theirs.cfg', 'name = "theirs"\n');
    const theirs = `name = "theirs"\ntype = "pvh"\nmemory = 64\nkernel = "/srv/vmlinuz"\ndisk = [ "${at},raw,xvda,rw" ]\n`;
    rig.sim.files('dom01').write('/etc/xen/theirs.cfg', theirs);
    const file = at.slice(at.lastIndexOf('/') + 1);
    const deleting = await planOf(heads(repository) + 'vms: {}\n', { deleteDisks: [file] });
    expect(deleting.plan.refused.map((r) => r.why).join()).toMatch(/theirs on dom01 has it/);
    const taking = await planOf(heads(repository) + one(`{ adopt: ${at} }`));
    expect(taking.plan.refused.map((r) => r.why).join()).toMatch(/is a disk of theirs on dom01/);
    expect([deleting.plan.operations, taking.plan.operations]).toEqual([[], []]);
  });
});
