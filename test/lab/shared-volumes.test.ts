/** A VM on a volume group that both dom0s see: its lease is a tag, and its volume is open where it runs. Needs the whole farm. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, awake, disks, domidOf, expectCode, expectSettled, flat } from './check.ts';
import { direct, hand, openDesk, plugLun, reset, ssh, type Desk, type VmYaml } from './farm.ts';

let desk: Desk;
let volume = '';
let uuid = '';

const write = (vm: VmYaml, size = '16MiB'): void =>
  desk.write({
    servers: [1, 2],
    vms: { web: { boot: direct, disks: { xvda: { size } }, ...vm } },
    repositories: { lun0: { type: 'lvm', shared: true } },
  });
const tags = (i: number): Promise<string> => hand(i, 'lvs --noheadings -o lv_tags lun0');
const nodes = (i: number): Promise<string> => hand(i, 'ls /dev/lun0 2> /dev/null || true');

beforeAll(async () => {
  await Promise.all([reset(1), reset(2)]);
  desk = openDesk();
  await plugLun();
  // Old bytes, everywhere: nobody may ever see them.
  await hand(
    1,
    'yes old | dd of=/dev/sda bs=1M count=96 iflag=fullblock status=none; pvcreate -q -y -ff /dev/sda && vgcreate -q lun0 /dev/sda',
  );
});
afterAll(() => desk?.close());

describe('a VM on a shared volume group', () => {
  it('runs on one server, with a lease that the other one sees', async () => {
    write({ server: 'dom01' });
    await apply(desk);
    await awake(1, 'web');
    volume = await nodes(1);
    expect(await disks(1, 'web')).toEqual([`xvda /dev/lun0/${volume}`]);
    expect(await tags(2)).toMatch(/^reeve\.disk=lab\/web\/\S+\/xvda,reeve\.lease=lab\/web\/\S+\/dom01\/\S+\/\d+$/);
    uuid = (await tags(2)).split('/')[2] ?? '';
    expect([await nodes(2), await hand(1, 'ls /etc/xen/auto 2> /dev/null || true')]).toEqual(['', '']);
    await expectSettled(desk);
  });

  it('grows by zeros while it runs', async () => {
    await hand(1, `echo precious | dd of=/dev/lun0/${volume} conv=notrunc status=none`);
    write({ server: 'dom01' }, '24MiB');
    await apply(desk);
    expect(await hand(1, `blockdev --getsize64 /dev/lun0/${volume}`)).toBe(String(24 * 1024 ** 2));
    expect(await hand(1, `tail -c +10 /dev/lun0/${volume} | tr -d '\\0' | wc -c`)).toBe('0');
  });

  it('gives lease and volume back when it stops', async () => {
    write({ server: 'dom01', state: 'stopped' }, '24MiB');
    await apply(desk, '--allow', 'stop=web');
    expect([await nodes(1), await tags(2)]).toEqual(['', expect.stringMatching(/^reeve\.disk=\S+\/xvda$/)]);
  });

  it('is not started while another server holds its lease, and not by a hand where its volume is closed', async () => {
    const lease = `reeve.lease=lab/web/${uuid}/dom09/boot/7`;
    await hand(2, `lvchange -q --addtag ${lease} lun0/${volume}`);
    write({ server: 'dom01' }, '24MiB');
    expect(flat(await expectCode(desk, 5, 'plan'))).toMatch(
      /its lease says that it runs on dom09, which could not be read/,
    );
    expect((await ssh(1, 'xl create -q /etc/xen/web.cfg')).code).toBe(3);
    await hand(2, `lvchange -q --deltag ${lease} lun0/${volume}`);
  });

  it('starts on the other server, with every byte', async () => {
    write({ server: 'dom02' }, '24MiB');
    await apply(desk);
    await awake(2, 'web');
    expect([await nodes(1), await nodes(2), await domidOf(1, 'web')]).toEqual(['', volume, null]);
    expect(await tags(1)).toMatch(/reeve\.lease=lab\/web\/\S+\/dom02\//);
    expect(await hand(2, `head -c 9 /dev/lun0/${volume}`)).toBe('precious');
    await expectSettled(desk);
  });
});
