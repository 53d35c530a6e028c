/** What the file names and the server has not: nothing half made stays behind, and once it is there all comes right. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, awake, domidOf, expectCode, expectSettled, vifs } from './check.ts';
import { direct, hand, here, openDesk, reset, type Desk } from './farm.ts';

let desk: Desk;
const web = { boot: direct, nics: { eth0: { network: 'lan' } } };

beforeAll(async () => {
  await reset();
  desk = openDesk();
});
afterAll(() => desk?.close());

describe('a kernel that does not exist', () => {
  it('refuses the VM, and makes nothing', async () => {
    desk.write({ vms: { web: { ...web, boot: { ...direct, kernel: '/srv/guest/nosuch' } } } });
    const ran = await desk.reeve(['apply', '--yes']);
    expect([1, 5, 7]).toContain(ran.code);
    expect(ran.stdout + ran.stderr).toContain('/srv/guest/nosuch');
    expect(await domidOf(here, 'web')).toBeNull();
    expect(await hand(here, 'xl list | wc -l')).toBe('2');
  });

  it('and the VM is made once the path is right', async () => {
    desk.write({ vms: { web } });
    await apply(desk);
    expect(await awake(here, 'web')).toMatch(/guest up/);
    await expectSettled(desk);
  });
});

describe('a bridge that does not exist', () => {
  const both = { ...web, nics: { eth0: { network: 'lan' }, eth1: { network: 'dmz' } } };

  it('gets no NIC, and no ghost vif stays', async () => {
    desk.write({ vms: { web: both }, networks: { lan: 'xenbr0', dmz: 'nosuchbr' } });
    const ran = await desk.reeve(['apply', '--yes']);
    expect([1, 5, 7]).toContain(ran.code);
    expect(ran.stdout + ran.stderr).toContain('nosuchbr');
    expect(await vifs(here, 'web')).toEqual({ 0: 'xenbr0' });
  });

  it('not even where it goes away between plan and apply', async () => {
    desk.write({ vms: { web: both } });
    await expectCode(desk, 0, 'plan', '--out', 'plan.json');
    await hand(here, 'ip link del xenbr1');
    const ran = await desk.reeve(['apply', '--yes', 'plan.json']);
    expect(ran.code).not.toBe(0);
    expect(await vifs(here, 'web')).toEqual({ 0: 'xenbr0' });
  });

  it('and the NIC is attached once it is there', async () => {
    await hand(here, 'ip link add xenbr1 type bridge && ip link set xenbr1 up');
    await apply(desk);
    expect(await vifs(here, 'web')).toEqual({ 0: 'xenbr0', 1: 'xenbr1' });
    await expectSettled(desk);
  });
});
