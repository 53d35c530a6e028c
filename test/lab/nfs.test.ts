/** An NFS repository that one dom0 exports and both mount: attached, used, lost in every way, and detached. Needs the whole farm. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, awake, disks, domidOf, expectCode, expectSettled } from './check.ts';
import { direct, hand, openDesk, resetWithStore, server, ssh, until, type Desk, type VmYaml } from './farm.ts';

const path = '/srv/vmstore';
let web: VmYaml = { server: 'dom02', boot: direct, disks: { xvda: { size: '16MiB' } }, autostart: false };
let desk: Desk;

const write = (vms: Readonly<Record<string, VmYaml>>, more: VmYaml = {}): void =>
  desk.write({
    servers: [1, 2],
    vms,
    repositories: {
      vmstore: {
        type: 'nfs',
        source: `${server(1).privateAddress}:/export`,
        path,
        options: 'vers=4.2,actimeo=1',
        ...more,
      },
    },
  });

/** `HOST:/EXPORT`, or '' where nothing is mounted. */
const mounted = (i: number): Promise<string> =>
  hand(i, `awk '$2 == "${path}" { s = $1 } END { print s }' /proc/mounts`);
/** Those that VMs may have. */
const diskFiles = async (): Promise<readonly string[]> =>
  (await hand(1, 'ls /export/disks | grep -v json')).split('\n');
const uuidOf = (i: number): Promise<string> =>
  hand(i, `grep -o '"uuid": "[^"]*"' /etc/reeve/repositories.json || true`);

beforeAll(async () => {
  await resetWithStore();
  desk = openDesk();
});
afterAll(() => desk?.close());

describe('a shared store', () => {
  it('is mounted on both servers, marked by one and known to both', async () => {
    write({});
    await apply(desk);
    const source = `${server(1).privateAddress}:/export`;
    expect([await mounted(1), await mounted(2)]).toEqual([source, source]);
    expect(await hand(1, 'cat /export/.reeve.json')).toContain('"repository":"vmstore"');
    expect(await uuidOf(1)).toBe(await uuidOf(2));
    await expectSettled(desk);
  });

  it('holds the disk that is made for a VM, and is not detached while it does', async () => {
    write({ web });
    await apply(desk);
    const [image] = await diskFiles();
    expect(image).toMatch(/^web-xvda-[0-9a-f]{8}\.raw$/);
    expect(await hand(1, `stat -c %s /export/disks/${image}`)).toBe(String(16 << 20));
    await awake(2, 'web');
    expect(await disks(2, 'web')).toEqual([`xvda ${path}/disks/${image}`]);
    await expectSettled(desk);
    // A VM of the file may not be in a repository that is to go; one that left the file may still be.
    write({}, { state: 'absent' });
    expect(await expectCode(desk, 5, 'apply', '--yes')).toMatch(/web on dom02 uses it/);
    expect(await mounted(2)).not.toBe('');
  });

  it('has the disk grown, which the guest sees when it starts again', async () => {
    web = { ...web, disks: { xvda: { size: '32MiB' } } };
    write({ web });
    await apply(desk);
    const [image] = await diskFiles();
    expect(await hand(1, `stat -c %s /export/disks/${image}`)).toBe(String(32 << 20));
    await expectSettled(desk);
  });

  it('is mounted again where a hand took it down', async () => {
    write({ web });
    await hand(1, `umount ${path}`);
    expect(await expectCode(desk, 2, 'drift')).toMatch(/vmstore/);
    await apply(desk);
    expect(await mounted(1)).not.toBe('');
    await expectSettled(desk);
  });
});

describe('nothing is written into', () => {
  it('what has lost its marker', async () => {
    await hand(1, 'mv /export/.reeve.json /export/was');
    expect(await expectCode(desk, 5, 'apply', '--yes')).toMatch(/dom01[\s\S]*has not the marker/);
    expect(await ssh(1, 'test -e /export/.reeve.json')).toMatchObject({ code: 1 });
    await hand(1, 'mv /export/was /export/.reeve.json');
    await expectSettled(desk);
  });

  it('another store that is mounted there', async () => {
    await hand(1, `umount ${path} && mount -t tmpfs other ${path}`);
    expect(await expectCode(desk, 5, 'apply', '--yes')).toMatch(/other is mounted/);
    expect(await hand(1, `ls -A ${path}`)).toBe('');
    await hand(1, `umount ${path}`);
    await apply(desk);
    await expectSettled(desk);
  });
});

describe('a store whose server is gone', () => {
  it('is told, and nothing hangs', async () => {
    await hand(1, 'systemctl stop nfs-server');
    expect(await expectCode(desk, 5, 'plan')).toMatch(/vmstore[\s\S]*does not answer/);
    await hand(1, 'systemctl start nfs-server');
    await until('it answers again', async () => (await desk.reeve(['plan'])).code === 0);
    await expectSettled(desk);
  });
});

describe('a server that reboots', () => {
  it('has it again before xendomains starts its VM from it', async () => {
    // Else xendomains brings back what it saved, whatever autostart says.
    await hand(
      2,
      `sed -i -E 's/^(XENDOMAINS_SAVE|XENDOMAINS_RESTORE)=.*/\\1=/' /etc/default/xendomains && ls /etc/default/xendomains`,
    );
    write({ web: { ...web, autostart: true } });
    await apply(desk);
    expect(await hand(2, 'systemctl daemon-reload; systemctl show -p Before srv-vmstore.mount')).toMatch(
      /xendomains\.service/,
    );
    const boot = await hand(2, 'cat /proc/sys/kernel/random/boot_id');
    await ssh(2, 'systemd-run --quiet --on-active=1 reboot');
    await until(
      'it is up again',
      async () => {
        const now = await ssh(2, `cat /proc/sys/kernel/random/boot_id && xl list > /dev/null && mountpoint -q ${path}`);
        return now.code === 0 && now.stdout.trim() !== boot;
      },
      800,
    );
    await hand(2, 'timeout 300 sh -c "until systemctl is-active -q xendomains; do sleep 1; done"');
    expect(await domidOf(2, 'web')).not.toBeNull();
    await expectSettled(desk);
  });
});

describe('detached', () => {
  it('is forgotten, and its data stay', async () => {
    write({ web: { ...web, state: 'absent' } });
    await apply(desk, '--allow', 'data-loss=web');
    write({}, { state: 'absent' });
    await apply(desk);
    expect([await mounted(1), await mounted(2)]).toEqual(['', '']);
    expect(await hand(2, 'cat /etc/fstab')).not.toContain('vmstore');
    expect(await hand(1, 'ls -A /export')).toBe('.reeve.json\nautostart\ndisks\nleases');
    expect(await diskFiles()).toHaveLength(1);
    await expectSettled(desk);
  });

  it('and brought back, it is the same one', async () => {
    write({});
    await apply(desk);
    expect(await hand(1, 'cat /export/.reeve.json')).toContain((await uuidOf(2)).slice('"uuid": "'.length, -1));
    await expectSettled(desk);
  });

  it('a VM of a name that was there before gets a disk of its own', async () => {
    await hand(1, 'echo old > /export/disks/$(ls /export/disks | grep raw$)');
    write({ web: { ...web, state: 'stopped' } });
    expect(await expectCode(desk, 0, 'status')).toMatch(/1 disk that no VM has/);
    await apply(desk);
    expect(await diskFiles()).toHaveLength(2);
    expect(await hand(1, 'cat /export/disks/*.raw | tr -d "\\0"')).toBe('old');
    await expectSettled(desk);
  });
});
