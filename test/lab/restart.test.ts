/** Changes that only a restart brings: at once where that is allowed, else pending; and guests that will not go down. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, awake, domidOf, expectCode, expectSettled } from './check.ts';
import { direct, guest, hand, here, openDesk, reset, type Desk } from './farm.ts';

describe('a change of the command line', () => {
  let desk: Desk;
  const write = (cmdline: string): void =>
    desk.write({ vms: { web: { boot: { ...direct, cmdline }, networks: ['lan'] } } });
  let domid: number | null;

  beforeAll(async () => {
    await reset();
    desk = openDesk();
    write(guest.cmdline);
    await apply(desk);
    await awake(here, 'web');
    domid = await domidOf(here, 'web');
  });
  afterAll(() => desk?.close());

  it('waits for a restart that nobody allowed', async () => {
    write(`${guest.cmdline} take=1`);
    await apply(desk);
    expect(await domidOf(here, 'web')).toBe(domid);
    expect(await hand(here, 'cat /etc/xen/web.cfg')).toContain('take=1');
    expect(await expectSettled(desk)).toMatch(/restart/i);
  });

  it('is taken by a reboot inside the guest', async () => {
    await hand(here, 'xl reboot web');
    expect(await awake(here, 'web', 2)).toMatch(/take=1/);
    expect(await domidOf(here, 'web')).not.toBe(domid);
    expect(await expectSettled(desk)).not.toMatch(/restart/i);
  });

  it('restarts the VM where that is allowed', async () => {
    domid = await domidOf(here, 'web');
    write(`${guest.cmdline} take=2`);
    const text = await apply(desk, '--allow', 'restart=web');
    expect(text).toMatch(/restart/);
    expect(await awake(here, 'web', 3)).toMatch(/take=2/);
    expect(await domidOf(here, 'web')).not.toBe(domid);
    await expectSettled(desk);
  });

  it('is not tried with a kernel that is not there: the VM runs on', async () => {
    domid = await domidOf(here, 'web');
    desk.write({ vms: { web: { boot: { ...direct, kernel: '/srv/guest/nosuch' }, networks: ['lan'] } } });
    const ran = await desk.reeve(['apply', '--yes', '--allow', 'restart=web']);
    expect([1, 5, 7]).toContain(ran.code);
    expect(ran.stdout + ran.stderr).toContain('/srv/guest/nosuch');
    expect(await domidOf(here, 'web')).toBe(domid);
    write(`${guest.cmdline} take=2`);
    await apply(desk);
    await expectSettled(desk);
    expect(await domidOf(here, 'web')).toBe(domid);
  });
});

describe('a guest that ignores shutdown', () => {
  let desk: Desk;
  const deaf = { boot: { ...direct, ramdisk: guest.deaf }, networks: ['lan'], shutdown: { within: '20s' } };

  beforeAll(async () => {
    await reset();
    desk = openDesk();
    desk.write({ vms: { deaf } });
    await apply(desk);
    await awake(here, 'deaf');
  });
  afterAll(() => desk?.close());

  it('is not stopped by force unasked, and that is said', async () => {
    const domid = await domidOf(here, 'deaf');
    desk.write({ vms: { deaf: { ...deaf, state: 'stopped' } } });
    const text = await expectCode(desk, 7, 'apply', '--yes', '--allow', 'stop=deaf');
    expect(text).toMatch(/deaf/);
    expect(await domidOf(here, 'deaf')).toBe(domid);
  });

  it('is destroyed where lost data is allowed', async () => {
    await apply(desk, '--allow', 'data-loss=deaf');
    expect(await domidOf(here, 'deaf')).toBeNull();
    await expectSettled(desk);
  });
});
