/** Never twice: a dom0 dies under a VM on NFS, is declared lost, the VM starts on the other one, and the dead one comes back. Needs the whole farm. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, awake, disks, domidOf, expectCode, expectSettled, flat } from './check.ts';
import { direct, hand, openDesk, resetWithStore, power, server, ssh, until, type Desk, type VmYaml } from './farm.ts';

const path = '/srv/vmstore';
const web: VmYaml = { boot: direct, disks: { xvda: { size: '16MiB' } } };
let desk: Desk;
let disk = '';

const write = (vm: VmYaml, second: VmYaml = {}): void =>
  desk.write({
    servers: [1, 2],
    more: { 2: second },
    vms: { web: vm },
    repositories: {
      vmstore: { type: 'nfs', source: `${server(1).privateAddress}:/export`, path, options: 'vers=4.2,actimeo=1' },
    },
  });
const lost = { state: 'lost' };
const impatient = { ssh: { connectTimeout: '20s' } };
const bytesOf = (): Promise<string> => hand(1, `sha256sum < /export/disks/${disk}`);
const lease = (): Promise<string> => hand(1, 'cat /export/leases/*.json 2> /dev/null || true');

beforeAll(async () => {
  await resetWithStore();
  desk = openDesk();
});
afterAll(async () => {
  // Whatever failed: the next file finds it awake.
  await power(2, true);
  desk?.close();
});

describe('a server that dies', () => {
  it('has a VM that holds a lease, and starts with it through the store', async () => {
    write({ ...web, server: 'dom02' });
    await apply(desk);
    await awake(2, 'web');
    disk = await hand(1, 'ls /export/disks | grep raw$');
    await hand(1, `echo precious | dd of=/export/disks/${disk} conv=notrunc status=none`);
    expect(await lease()).toMatch(/"vm":"web".*"server":"dom02"/);
    expect(await hand(2, 'readlink /etc/xen/auto/web.cfg')).toBe(`${path}/autostart/dom02/web.cfg`);
    await expectSettled(desk);
  });

  it('takes it along, until a person says that it is lost; then it starts elsewhere, from its own disk', async () => {
    const before = await bytesOf();
    await power(2, false);
    write(web, impatient);
    expect(flat(await expectCode(desk, 4, 'plan'))).toMatch(/web[\s\S]*seen nowhere, but dom02 could not be read/);
    write(web, lost);
    await apply(desk);
    await awake(1, 'web');
    expect(await disks(1, 'web')).toEqual([`xvda ${path}/disks/${disk}`]);
    expect(await bytesOf()).toBe(before);
    expect(await lease()).toMatch(/"server":"dom01"/);
    await expectSettled(desk);
  });

  it('comes back, and starts nothing that has moved', async () => {
    await power(2, true);
    await until(
      'it is up again',
      async () => (await ssh(2, `xl list > /dev/null && mountpoint -q ${path}`)).code === 0,
      900,
    );
    // What it starts at boot it has started by then.
    await hand(2, 'timeout 300 sh -c "until systemctl is-active -q xendomains; do sleep 1; done"');
    expect([await domidOf(2, 'web'), await hand(2, 'ls /etc/xen/auto')]).toEqual([null, 'web.cfg']);
    write(web);
    expect(flat(await expectCode(desk, 0, 'plan'))).toMatch(/web on dom01: remove the cfg that it left on dom02/);
    await apply(desk);
    expect(await hand(2, 'ls /etc/xen/auto; ls /etc/xen/web.cfg 2> /dev/null || true')).toBe('');
    await expectSettled(desk);
    expect(await domidOf(1, 'web')).not.toBeNull();
    expect(await domidOf(2, 'web')).toBeNull();
  });

  it('gives the lease back where the VM is stopped', async () => {
    write({ ...web, state: 'stopped' });
    await apply(desk, '--allow', 'stop=web');
    expect(await lease()).toBe('');
    await expectSettled(desk);
  });

  it('gives it back as well where the guest has gone down by itself', async () => {
    write(web);
    await apply(desk);
    await awake(1, 'web', 2);
    await hand(1, 'xl shutdown -w web');
    expect(await lease()).toMatch(/"server":"dom01"/);
    write({ ...web, state: 'stopped' });
    await apply(desk);
    expect(await lease()).toBe('');
    await expectSettled(desk);
  });
});
