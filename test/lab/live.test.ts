/** What can be changed while the VM runs, and what a hand changed there: on one guest that never restarts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  affinity,
  apply,
  awake,
  disks,
  domidOf,
  expectCode,
  expectPutRight,
  expectSettled,
  shape,
  vifs,
  weight,
} from './check.ts';
import { direct, guest, hand, here, openDesk, reset, type Desk, type VmYaml } from './farm.ts';

let desk: Desk;
let domid: number | null;
/** Grows with each change; what one test has set, the next ones keep. */
let web: VmYaml = {
  vcpus: { count: 1, max: 2 },
  memory: { target: '128MiB', max: '192MiB' },
  boot: direct,
  disks: { xvda: { path: guest.disk(1) } },
  nics: { eth0: { network: 'lan' } },
};
const change = (more: VmYaml): void => {
  web = { ...web, ...more };
  desk.write({ vms: { web } });
};

beforeAll(async () => {
  await reset();
  desk = openDesk();
  change({});
  await apply(desk);
  await awake(here, 'web');
  domid = await domidOf(here, 'web');
});
afterAll(() => desk?.close());

describe('a live change', () => {
  it('of memory', async () => {
    change({ memory: { target: '160MiB', max: '192MiB' } });
    await apply(desk);
    expect(await shape(here, 'web')).toEqual({ mib: 160, vcpus: 1 });
    await expectSettled(desk);
  });

  it('of vCPUs', async () => {
    change({ vcpus: { count: 2, max: 2 } });
    await apply(desk);
    expect(await shape(here, 'web')).toEqual({ mib: 160, vcpus: 2 });
    await expectSettled(desk);
  });

  it('attaches a disk', async () => {
    change({ disks: { xvda: { path: guest.disk(1) }, xvdb: { path: guest.disk(2) } } });
    await apply(desk);
    expect(await disks(here, 'web')).toEqual([`xvda ${guest.disk(1)}`, `xvdb ${guest.disk(2)}`]);
    await expectSettled(desk);
  });

  it('attaches a NIC', async () => {
    change({ nics: { eth0: { network: 'lan' }, eth1: { network: 'lan' } } });
    await apply(desk);
    expect(await vifs(here, 'web')).toEqual({ 0: 'xenbr0', 1: 'xenbr0' });
    await expectSettled(desk);
  });

  it('hangs a NIC on another bridge', async () => {
    change({ nics: { eth0: { network: 'lan' }, eth1: { network: 'dmz' } } });
    await apply(desk);
    expect(await vifs(here, 'web')).toEqual({ 0: 'xenbr0', 1: 'xenbr1' });
    await expectSettled(desk);
  });

  it('gives weight, affinity and another name', async () => {
    change({ sched: { weight: 300 }, affinity: '1', name: 'www' });
    await apply(desk);
    expect(await weight(here, 'www')).toBe('300 0');
    expect(await affinity(here, 'www')).toEqual(['1', '1']);
    await expectSettled(desk);
    const { name: _, sched: __, affinity: ___, ...rest } = web;
    web = rest;
    change({});
    await apply(desk);
    expect(await weight(here, 'web')).toBe('256 0');
    await expectSettled(desk);
  });

  it('of a qcow2 disk is not tried while no QEMU serves the VM', async () => {
    const before = web['disks'] as VmYaml;
    change({ disks: { ...before, xvde: { path: guest.qcow2, format: 'qcow2' } } });
    expect(await apply(desk)).toMatch(/xvde[\s\S]*needs a QEMU/);
    expect(await disks(here, 'web')).toHaveLength(2);
    expect(await expectSettled(desk)).toMatch(/xvde/);
    change({ disks: before });
    await apply(desk);
    await expectSettled(desk);
  });

  it('never restarted it', async () => expect(await domidOf(here, 'web')).toBe(domid));
});

describe('what a hand did is found as drift and put right', () => {
  it('xl mem-set', async () => {
    await hand(here, 'xl mem-set web 130m');
    await expectPutRight(desk, /memory/);
    expect(await shape(here, 'web')).toMatchObject({ mib: 160 });
  });

  it('xl vcpu-set', async () => {
    await hand(here, 'xl vcpu-set web 1');
    await expectPutRight(desk, /vcpus/);
    expect(await shape(here, 'web')).toMatchObject({ vcpus: 2 });
  });

  it('xl block-detach', async () => {
    await hand(here, 'xl block-detach web xvdb');
    await expectPutRight(desk, /disk xvdb/);
    expect(await disks(here, 'web')).toEqual([`xvda ${guest.disk(1)}`, `xvdb ${guest.disk(2)}`]);
  });

  it('an edited cfg', async () => {
    await hand(here, `sed -i 's/^memory *=.*/memory = 96/; /^cmdline/s/quiet/debug/' /etc/xen/web.cfg`);
    await expectPutRight(desk, /memory[\s\S]*cmdline|cmdline[\s\S]*memory/);
    expect(await hand(here, 'cat /etc/xen/web.cfg')).toContain('console=hvc0 quiet');
    expect(await domidOf(here, 'web')).toBe(domid);
  });

  it('xl destroy', async () => {
    await hand(here, 'xl destroy web');
    await expectPutRight(desk, /stopped/);
    expect(await awake(here, 'web', 2)).toMatch(/guest up: plain, 2 vCPU/);
    expect(await disks(here, 'web')).toEqual([`xvda ${guest.disk(1)}`, `xvdb ${guest.disk(2)}`]);
    expect(await vifs(here, 'web')).toEqual({ 0: 'xenbr0', 1: 'xenbr1' });
  });
});

describe('a device goes away under the running VM only where that is allowed', () => {
  it('a disk', async () => {
    change({ disks: { xvda: { path: guest.disk(1) } } });
    await apply(desk);
    expect(await disks(here, 'web')).toHaveLength(2);
    expect(await expectSettled(desk)).toMatch(/xvdb/);
    await apply(desk, '--allow', 'device=web/xvdb');
    expect(await disks(here, 'web')).toEqual([`xvda ${guest.disk(1)}`]);
    expect(await expectSettled(desk)).not.toMatch(/xvdb/);
  });

  it('a NIC', async () => {
    change({ nics: { eth0: { network: 'lan' } } });
    await expectCode(desk, 2, 'plan', '--detailed-exitcode');
    await apply(desk, '--allow', 'device=web');
    expect(await vifs(here, 'web')).toEqual({ 0: 'xenbr0' });
    await expectSettled(desk);
  });
});
