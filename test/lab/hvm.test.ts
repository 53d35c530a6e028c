/** An HVM guest whose CPU halts at once: what QEMU and the hypervisor change while it runs, and how a guest without drivers goes down. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { affinity, apply, domidOf, expectCode, expectPutRight, expectSettled, medium, weight } from './check.ts';
import { guest, hand, here, openDesk, reset, until, type Desk, type VmYaml } from './farm.ts';

let desk: Desk;
let domid: number | null;
let win: VmYaml = {
  type: 'hvm',
  boot: { order: ['disk', 'cdrom'] },
  disks: { xvda: { path: guest.haltDisk } },
  cdrom: { hdc: { path: guest.iso(1) } },
  display: { vnc: { port: 5911 } },
  tablet: true,
  shutdown: { within: '20s' },
  nics: { eth0: { network: 'lan' } },
};
const change = (more: VmYaml): void => {
  win = { ...win, ...more };
  desk.write({ vms: { win } });
};

beforeAll(async () => {
  await reset();
  desk = openDesk();
  change({});
  await apply(desk);
  domid = await domidOf(here, 'win');
});
afterAll(() => desk?.close());

describe('while it runs', () => {
  it('is as the file says, CD and all', async () => {
    await expectSettled(desk);
    expect(await medium(here, 'win')).toBe(guest.iso(1));
    expect(await hand(here, `ps -eo args= | grep '[x]en-domid ${domid} '`)).toMatch(/-vnc 127\.0\.0\.1:11\b/);
  });

  it('its CD is changed, and taken out', async () => {
    change({ cdrom: { hdc: { path: guest.iso(2) } } });
    await apply(desk);
    expect(await medium(here, 'win')).toBe(guest.iso(2));
    await expectSettled(desk);
    change({ cdrom: { hdc: {} } });
    await apply(desk);
    expect(await medium(here, 'win')).toBe('');
    await expectSettled(desk);
  });

  it('a CD that a hand put in is taken out again', async () => {
    await hand(here, `xl cd-insert win hdc ${guest.iso(1)}`);
    await expectPutRight(desk, /cd hdc/);
    expect(await medium(here, 'win')).toBe('');
  });

  it('its weight, cap, affinity and name are changed', async () => {
    change({ sched: { weight: 400, cap: 50 }, affinity: '0', name: 'windows' });
    await apply(desk);
    expect(await weight(here, 'windows')).toBe('400 50');
    expect(await affinity(here, 'windows')).toEqual(['0']);
    expect(await hand(here, 'readlink -f /etc/xen/auto/*; ls /etc/xen/win*.cfg')).toBe(
      '/etc/xen/windows.cfg\n/etc/xen/windows.cfg',
    );
    await expectSettled(desk);
  });

  it('what a hand did to them is put right', async () => {
    await hand(here, 'xl vcpu-pin windows 0 1 && xl sched-credit2 -d windows -w 256 && xl rename windows w');
    await expectPutRight(desk, /weight[\s\S]*affinity|affinity[\s\S]*weight/);
    expect(await weight(here, 'windows')).toBe('400 50');
    expect(await affinity(here, 'windows')).toEqual(['0']);
  });

  it('was never restarted', async () => expect(await domidOf(here, 'windows')).toBe(domid));
});

describe('without drivers and deaf to the power button', () => {
  it('is not stopped unasked, and that is said', async () => {
    change({ state: 'stopped' });
    const text = await expectCode(desk, 7, 'apply', '--yes', '--allow', 'stop=win');
    expect(text).toMatch(/win[\s\S]*still there/);
    expect(await domidOf(here, 'windows')).toBe(domid);
    change({ state: 'running' });
  });

  it('a password that its QEMU cannot take is reported, and the old cfg is started again', async () => {
    change({ display: { vnc: { port: 5911, password: '${env:VNC_PASSWORD}' } } });
    const text = await expectCode(desk, 7, 'apply', '--yes', '--allow', 'data-loss=win');
    expect(text).toMatch(/DES/);
    expect(text).not.toContain('geheim');
    // An emulated guest may crash as it boots, and begin anew.
    await until('it is whole again', async () => {
      const id = await domidOf(here, 'windows');
      return id !== null && (await hand(here, `ps -eo args= | grep -c '[x]en-domid ${id} ' || true`)) === '1';
    });
    const now = await domidOf(here, 'windows');
    expect(now).not.toBeNull();
    expect(now).not.toBe(domid);
    expect(await hand(here, 'cat /etc/xen/windows.cfg')).not.toContain('vncpasswd');
    change({ display: { vnc: { port: 5911 } } });
    await expectSettled(desk);
  });

  it('is destroyed where lost data is allowed', async () => {
    change({ state: 'stopped' });
    await apply(desk, '--allow', 'data-loss=win');
    expect(await domidOf(here, 'windows')).toBeNull();
    await expectSettled(desk);
  });
});
