/** A PV guest that pygrub boots from its own disk: each kind of change once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { affinity, apply, awake, disks, domidOf, expectSettled, shape, vifs, weight } from './check.ts';
import { guest, hand, here, openDesk, reset, until, type Desk, type VmYaml } from './farm.ts';

let desk: Desk;
let domid: number | null;
let pv: VmYaml = {
  type: 'pv',
  boot: { bootloader: 'pygrub' },
  vcpus: { count: 1, max: 2 },
  memory: { target: '192MiB', max: '224MiB' },
  disks: { xvda: { path: guest.bootDisk } },
  nics: { eth0: { network: 'lan' } },
};
const change = (more: VmYaml): void => {
  pv = { ...pv, ...more };
  desk.write({ vms: { pv } });
};

beforeAll(async () => {
  await reset();
  desk = openDesk();
  change({});
  await apply(desk);
  domid = await domidOf(here, 'pv');
});
afterAll(() => desk?.close());

describe('a PV guest', () => {
  it('boots through pygrub', async () => {
    expect(await awake(here, 'pv')).toMatch(/from=disk/);
    await expectSettled(desk);
  });

  it('takes every live change in one apply', async () => {
    change({
      memory: { target: '208MiB', max: '224MiB' },
      vcpus: { count: 2, max: 2 },
      disks: { xvda: { path: guest.bootDisk }, xvdb: { path: guest.disk(1) } },
      nics: { eth0: { network: 'dmz' }, eth1: { network: 'lan', rate: '10Mb/s' } },
      sched: { weight: 300 },
      affinity: { soft: '1' },
    });
    await apply(desk);
    // To start a plugged vCPU is up to the guest.
    await until('two vCPUs run', async () => (await shape(here, 'pv')).vcpus === 2);
    expect(await shape(here, 'pv')).toMatchObject({ mib: 208 });
    expect(await disks(here, 'pv')).toEqual([`xvda ${guest.bootDisk}`, `xvdb ${guest.disk(1)}`]);
    expect(await vifs(here, 'pv')).toEqual({ 0: 'xenbr1', 1: 'xenbr0' });
    expect(await weight(here, 'pv')).toMatch(/^300 /);
    expect(await affinity(here, 'pv')).toEqual(['all', 'all']);
    expect(await domidOf(here, 'pv')).toBe(domid);
    await expectSettled(desk);
  });

  it('lets a disk and a NIC go where that is allowed', async () => {
    change({ disks: { xvda: { path: guest.bootDisk } }, nics: { eth0: { network: 'dmz' } } });
    await apply(desk, '--allow', 'device=pv');
    expect(await disks(here, 'pv')).toEqual([`xvda ${guest.bootDisk}`]);
    expect(await vifs(here, 'pv')).toEqual({ 0: 'xenbr1' });
    expect(await domidOf(here, 'pv')).toBe(domid);
    await expectSettled(desk);
  });

  it('keeps a change that needs a restart waiting, and `apply --pending` makes it', async () => {
    change({ memory: { target: '208MiB', max: '240MiB' }, on: { crash: 'restart' }, xl: { localtime: 1 } });
    await apply(desk);
    expect(await domidOf(here, 'pv')).toBe(domid);
    expect(await expectSettled(desk)).toMatch(/memory max[\s\S]*localtime/);
    await apply(desk, '--pending');
    expect(await domidOf(here, 'pv')).not.toBe(domid);
    expect(await hand(here, 'xenstore-read /local/domain/$(xl domid pv)/memory/static-max')).toBe(String(240 * 1024));
    expect(await expectSettled(desk)).not.toMatch(/Waiting/);
  });
});
