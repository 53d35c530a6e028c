/** From nothing to a running VM and back, on real Xen; and what a killed Reeve leaves behind. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, awake, domidOf, expectCode, expectSettled, shape } from './check.ts';
import { direct, guest, hand, here, openDesk, reset, until, type Desk } from './farm.ts';

describe('a VM from nothing', () => {
  let desk: Desk;
  const web = {
    vcpus: { count: 1, max: 2 },
    memory: { target: '128MiB', max: '160MiB' },
    boot: direct,
    disks: { xvda: { path: guest.disk(1) } },
    networks: ['lan'],
  };

  beforeAll(async () => {
    await reset();
    desk = openDesk();
    desk.write({ vms: { web } });
  });
  afterAll(() => desk?.close());

  it('is planned, and nothing is changed by planning', async () => {
    const text = await expectCode(desk, 2, 'plan', '--detailed-exitcode');
    expect(text).toMatch(/web.*create/);
    expect(await hand(here, 'ls /etc/xen/*.cfg /run/reeve 2> /dev/null || true')).toBe('');
    expect(await domidOf(here, 'web')).toBeNull();
  });

  it('is not made unasked', async () => {
    const text = await expectCode(desk, 1, 'apply');
    expect(text).toMatch(/--yes/);
    expect(await domidOf(here, 'web')).toBeNull();
  });

  it('is made, with a cfg that says whose it is', async () => {
    await apply(desk);
    expect(await shape(here, 'web')).toEqual({ mib: 128, vcpus: 1 });
    expect(await hand(here, 'head -n 1 /etc/xen/web.cfg')).toMatch(/^# reeve: \{.*"farm":"lab".*\}$/);
    expect(await hand(here, 'readlink -f /etc/xen/auto/*')).toBe('/etc/xen/web.cfg');
    await expectSettled(desk);
  });

  it('answers', async () => {
    expect(await awake(here, 'web')).toMatch(/guest up: plain, 1 vCPU/);
    await expectSettled(desk);
  });

  it('is paused, unpaused and stopped as the file says', async () => {
    desk.write({ vms: { web: { ...web, state: 'paused' } } });
    await expectCode(desk, 5, 'plan');
    await apply(desk, '--allow', 'stop=web');
    expect(await hand(here, 'xl list web | tail -n 1')).toMatch(/ --p--- /);
    await expectSettled(desk);
    desk.write({ vms: { web } });
    await apply(desk);
    expect(await hand(here, 'xl list web | tail -n 1')).not.toMatch(/ --p--- /);
    await expectSettled(desk);
    desk.write({ vms: { web: { ...web, state: 'stopped' } } });
    await apply(desk, '--allow', 'stop=web');
    expect(await domidOf(here, 'web')).toBeNull();
    await expectSettled(desk);
  });

  it('is deleted on `state: absent`, its disk is kept', async () => {
    desk.write({ vms: { web: { ...web, state: 'absent' } } });
    await apply(desk);
    expect(await hand(here, `ls /etc/xen/*.cfg /etc/xen/auto 2> /dev/null; ls ${guest.disk(1)}`)).not.toContain('web');
    await expectSettled(desk);
  });
});

describe('a VM that boots its own disk', () => {
  it('starts through pvhgrub', async () => {
    await reset();
    const desk = openDesk();
    desk.write({ vms: { grub: { disks: { xvda: { path: guest.bootDisk } }, networks: ['lan'] } } });
    await apply(desk);
    expect(await awake(here, 'grub')).toMatch(/from=disk/);
    await expectSettled(desk);
    desk.close();
  });
});

describe('Reeve is killed while it creates a VM', () => {
  it('and the next run finishes what it began, once', async () => {
    await reset();
    const desk = openDesk();
    desk.write({ vms: { web: { boot: direct, networks: ['lan'], disks: { xvda: { path: guest.disk(1) } } } } });
    const run = desk.start(['apply', '--yes', '--events', 'events.ndjson']);
    await until('xl create runs', async () => (await hand(here, 'pgrep -fc "[x]l create.*web" || true')) !== '0');
    run.child.kill('SIGKILL');
    expect((await run.ended).code).toBe(-1);
    await apply(desk);
    await expectSettled(desk);
    expect(await hand(here, "xl list | grep -c '^web '")).toBe('1');
    expect(await awake(here, 'web')).toMatch(/guest up/);
    desk.close();
  });
});
