/** A whole HVM Linux: what its PV drivers take while it runs, what a restart brings, and how it goes down without them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, awake, disks, domidOf, expectSettled, shape, vifs } from './check.ts';
import { direct, guest, here, openDesk, reset, until, type Desk, type VmYaml } from './farm.ts';

let desk: Desk;
let domid: number | null;
const root = { path: guest.disk(1) };
let lin: VmYaml = {
  type: 'hvm',
  boot: direct,
  vcpus: { count: 1, max: 2 },
  memory: '256MiB',
  disks: { xvda: root },
  nics: { eth0: { network: 'lan' } },
};
const change = (more: VmYaml): void => {
  lin = { ...lin, ...more };
  desk.write({ vms: { lin } });
};

beforeAll(async () => {
  await reset();
  desk = openDesk();
  change({});
  await apply(desk);
  await awake(here, 'lin');
  domid = await domidOf(here, 'lin');
});
afterAll(() => desk?.close());

describe('with PV drivers', () => {
  it('takes every live change in one apply', async () => {
    change({
      memory: { target: '224MiB', max: '256MiB' },
      vcpus: { count: 2, max: 2 },
      disks: { xvda: root, xvdb: { path: guest.disk(2) } },
      nics: { eth0: { network: 'lan' }, eth1: { network: 'dmz' } },
    });
    await apply(desk);
    // To start a plugged vCPU is up to the guest.
    await until('two vCPUs run', async () => (await shape(here, 'lin')).vcpus === 2);
    expect(await disks(here, 'lin')).toContain(`xvdb ${guest.disk(2)}`);
    expect(await vifs(here, 'lin')).toEqual({ 0: 'xenbr0', 1: 'xenbr1' });
    expect(await domidOf(here, 'lin')).toBe(domid);
    await expectSettled(desk);
  });

  it('lets a disk and a NIC go where that is allowed', async () => {
    change({ disks: { xvda: root }, nics: { eth0: { network: 'lan' } } });
    await apply(desk, '--allow', 'device=lin');
    expect(await disks(here, 'lin')).not.toContain(`xvdb ${guest.disk(2)}`);
    expect(await vifs(here, 'lin')).toEqual({ 0: 'xenbr0' });
    expect(await domidOf(here, 'lin')).toBe(domid);
    await expectSettled(desk);
  });

  it('restarts for what only a start brings', async () => {
    change({
      vcpus: { count: 1, max: 2 },
      boot: { ...direct, cmdline: 'console=ttyS0 quiet xen_nopv' },
      serial: 'file:/var/log/xen/console/guest-lin.log',
    });
    await apply(desk, '--allow', 'restart=lin');
    expect(await domidOf(here, 'lin')).not.toBe(domid);
    // QEMU begins the file anew.
    expect(await awake(here, 'lin')).toMatch(/1 vCPU.*xen_nopv/);
    await expectSettled(desk);
  });
});

describe('without them', () => {
  it('obeys the power button', async () => {
    change({ state: 'stopped' });
    await apply(desk, '--allow', 'stop=lin');
    expect(await domidOf(here, 'lin')).toBeNull();
    await expectSettled(desk);
  });
});
