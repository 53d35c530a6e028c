/** What the simulated tools print, against what a real Xen 4.17 printed for the like guest. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ipLink, processes } from '../../../src/sim/print-host.ts';
import { xenstore } from '../../../src/sim/print-xenstore.ts';
import { xlInfo } from '../../../src/sim/print-xl.ts';
import { tar } from '../../../src/sim/tar.ts';
import { bench, cfg, hvm, withGuest } from './farm.ts';

const web1 = {
  uuid: '"0b9d6f0a-6f5e-5c0e-9a5d-6d0f3a3c0001"',
  memory: '128',
  cpu_weight: '512',
  kernel: '"/srv/guest/vmlinuz"',
  ramdisk: '"/srv/guest/initrd.gz"',
  disk: '["/srv/images/web-1.img,raw,xvda,rw"]',
  vif: '["mac=00:16:3e:00:00:02,bridge=xenbr0"]',
  on_crash: '"preserve"',
};

/** The guest of the sample: its second disk attached and its memory shrunk while it ran. */
const sampleGuest = async () => {
  const b = bench({
    paths: ['/srv/guest/vmlinuz', '/srv/guest/initrd.gz', '/srv/images/web-1.img', '/dev/vg0/data'],
  });
  b.put('/etc/xen/web-1.cfg', cfg('web-1', web1));
  await b.run('xl create -q /etc/xen/web-1.cfg');
  await b.run('xl block-attach web-1 /dev/vg0/data,raw,xvdb,rw');
  await b.run('xl mem-set web-1 120m');
  await b.run('xl vcpu-set web-1 2');
  await b.settle();
  return b;
};

/** The other guest of the sample: HVM, at its second life, not booted yet. */
const sampleHvm = async () => {
  const b = bench({ paths: ['/srv/images/win-1.qcow2', '/srv/images/cd.iso'] });
  b.world.behaviours.set('win-1', { pvDrivers: false });
  b.world.nextDomid = 3;
  const changes = {
    ...hvm,
    uuid: '"0b9d6f0a-6f5e-5c0e-9a5d-6d0f3a3c0003"',
    maxmem: null,
    boot: '"dc"',
    viridian: '1',
    vif: '["mac=00:16:3e:00:00:05,bridge=xenbr0"]',
    disk: '["format=qcow2,vdev=hda,access=rw,target=/srv/images/win-1.qcow2", "format=raw,vdev=hdc,devtype=cdrom,access=ro,target=/srv/images/cd.iso"]',
    vnc: '1',
    vnclisten: '"127.0.0.1"',
    usbdevice: '"tablet"',
  };
  b.put('/etc/xen/win-1.cfg', cfg('win-1', changes));
  await b.run('xl create -q /etc/xen/win-1.cfg');
  await b.run('xl trigger win-1 reset');
  await b.settle();
  return b;
};

const sample = new URL('../../../../shared/samples/xen-4.17-observed/observe.txt', import.meta.url);

describe.skipIf(!existsSync(sample))('beside a real dom0 (../shared/samples; skipped where it is missing)', () => {
  const real = existsSync(sample) ? readFileSync(sample, 'utf8') : '';

  it('stores the same bytes of JSON', async () => {
    const b = await sampleGuest();
    const ours = b.world.files.text('/var/lib/xen/userdata-d.1.0b9d6f0a-6f5e-5c0e-9a5d-6d0f3a3c0001.libxl-json');
    expect(ours).toContain('"weight": 512');
    expect(real.includes(`\n${ours}`)).toBe(true);
  });

  it('stores the same bytes of an HVM guest, after a reboot with what the scheduler said', async () => {
    const b = await sampleHvm();
    const ours = b.world.files.text('/var/lib/xen/userdata-d.4.0b9d6f0a-6f5e-5c0e-9a5d-6d0f3a3c0003.libxl-json');
    expect(ours).toContain('"type.hvm"');
    expect(real.includes(`\n${ours}`)).toBe(true);
  });

  it('shows of an HVM guest in xenstore what libxl and QEMU wrote', async () => {
    const b = await sampleHvm();
    const ours = new Set(xenstore(b.world).split('\n'));
    const theirs = real
      .split('\n')
      .filter((l) => /^\/(?:libxl|local\/domain|local\/domain\/0\/(?:device-model|backend\/\w+))\/4\//.test(l))
      // Addresses, numbers of processes, what the kernel's drivers tell of themselves.
      .filter(
        (l) =>
          !/ring-ref|device-model-pid|console\/tty|\/(?:feature|discard)-(?!s[34]|poweroff|reboot|suspend|enable)|sectors/.test(
            l,
          ),
      );
    expect(theirs.length).toBeGreaterThan(140);
    expect(theirs.filter((l) => !ours.has(l))).toEqual([]);
  });

  it('shows nothing in xenstore that a real one does not', async () => {
    const b = await sampleGuest();
    const theirs = new Set(real.split('\n'));
    // Ports, terminals, times, loop devices and sizes are of no meaning, and the sample leaves out /vm and the pools.
    const vague =
      /\/(?:tty|port|ring-ref|physical-device|physical-device-path|sectors|start_time|xenstored|info)"? = |^\/(?:vm|tool|local\/pool|@)/;
    const lines = xenstore(b.world).trimEnd().split('\n');
    const ours = lines.filter(
      (l) => !vague.test(l) && !['/libxl = ""', '/local = ""', '/local/domain = ""'].includes(l),
    );
    expect(ours.length).toBeGreaterThan(120);
    expect(ours.filter((l) => !theirs.has(l))).toEqual([]);
  });

  it('has what libxl itself wrote of the guest, all of it', async () => {
    const b = await sampleGuest();
    const ours = new Set(xenstore(b.world).split('\n'));
    const theirs = real.split('\n').filter((l) => l.startsWith('/libxl/1/'));
    expect(theirs.length).toBeGreaterThan(50);
    expect(theirs.filter((l) => !ours.has(l))).toEqual([]);
  });

  it('lays xl list out alike', async () => {
    const b = await sampleGuest();
    const shape = (text: string): string => text.replace(/\d+\.\d/g, 'T').replace(/ +T/g, ' T');
    const ours = (await b.run('xl list -v')).out.split('\n');
    const theirs = real.split('\n');
    expect(theirs).toContain(ours[0]);
    const row = (lines: readonly string[]): string => shape(lines.find((l) => l.startsWith('web-1 ')) ?? '');
    expect(row(ours).replace(' 2     -b', ' 1     -b')).toBe(row(theirs));
  });

  it('has the keys of xl info in their order', () => {
    const keys = (text: string): readonly string[] => [...text.matchAll(/^([a-z_]+) +: /gm)].map((m) => m[1] ?? '');
    const theirs = keys(real.slice(real.indexOf(' xl-info '), real.indexOf(' xl-list-v ')));
    expect(keys(xlInfo(bench().world))).toEqual(theirs.filter((k) => !['cpu_topology', 'numa_info'].includes(k)));
  });
});

describe('xenstore-ls', () => {
  it('is sorted by path component, each line once', async () => {
    const b = await withGuest();
    const paths = xenstore(b.world)
      .trimEnd()
      .split('\n')
      .map((l) => l.slice(0, l.indexOf(' = ')));
    const sorted = [...paths].sort((a, c) => (a.split('/').join('\0') < c.split('/').join('\0') ? -1 : 1));
    expect(paths).toEqual(sorted);
    expect(new Set(paths).size).toBe(paths.length);
  });
  it('shows a device that is not connected yet in state 2', async () => {
    const b = await withGuest();
    await b.run('xl block-attach a format=raw,vdev=xvdb,access=ro,target=/srv/b.img');
    expect(xenstore(b.world)).toContain('/local/domain/0/backend/vbd/1/51728/state = "2"\n');
    expect(xenstore(b.world)).toContain('/libxl/1/device/vbd/51728/mode = "r"\n');
  });
  it('has no line of a domain that has lost its name', async () => {
    const b = await withGuest();
    const domain = b.world.domains.get(1);
    if (domain !== undefined) domain.name = null;
    expect(xenstore(b.world)).not.toContain('/libxl/1');
    expect((await b.run('xl list')).out).toContain('(null)                                       1');
  });
});

describe('host tools', () => {
  it('ip tells where each vif hangs', async () => {
    const b = await withGuest();
    const links = JSON.parse(ipLink(b.world)) as {
      ifname: string;
      master?: string;
      linkinfo?: { info_kind?: string };
    }[];
    expect(links.map((l) => [l.ifname, l.master, l.linkinfo?.info_kind])).toEqual([
      ['lo', undefined, undefined],
      ['eth0', 'xenbr0', undefined],
      ['xenbr0', undefined, 'bridge'],
      ['xenbr1', undefined, 'bridge'],
      ['vif1.0', 'xenbr0', undefined],
    ]);
  });
  it('ps shows the monitors', async () => {
    const b = await withGuest();
    expect(processes(b.world)).toMatch(/^ +\d+ \/usr\/lib\/xen-4\.17\/bin\/xl create -q \/etc\/xen\/a\.cfg$/m);
  });
  it('tar can be read by the real tar', async () => {
    const b = await withGuest();
    await b.run('ln -sfn /etc/xen/a.cfg /etc/xen/auto/a.cfg');
    b.put('/etc/xen/long.cfg', 'x'.repeat(3000));
    const archive = tar(b.world.files, ['etc/xen', 'etc/reeve']);
    expect(archive.rc).toBe(2);
    expect(archive.out.length % 10240).toBe(0);
    const read = (...args: readonly string[]): string => execFileSync('tar', args, { input: archive.out }).toString();
    expect(read('-tf', '-').trim().split('\n')).toEqual([
      'etc/xen/',
      'etc/xen/a.cfg',
      'etc/xen/auto/',
      'etc/xen/auto/a.cfg',
      'etc/xen/long.cfg',
      'etc/xen/scripts/',
      'etc/xen/xl.conf',
    ]);
    expect(read('-tvf', '-')).toContain('-> /etc/xen/a.cfg');
    expect(read('-xOf', '-', 'etc/xen/a.cfg')).toBe(cfg('a'));
    expect(read('-xOf', '-', 'etc/xen/long.cfg')).toHaveLength(3000);
  });
});
