/** HVM guests and QEMU: how they start and fail, what they say without PV drivers, their CD drive, their display. */
import { describe, expect, it } from 'vitest';
import { processes } from '../../../src/sim/print-host.ts';
import { xenstore } from '../../../src/sim/print-xenstore.ts';
import { failing, guestOf, hvm, withGuest } from './farm.ts';

describe('an HVM guest', () => {
  it('has a QEMU, a display, and less memory than it was given once its balloon is up', async () => {
    const b = await withGuest({ ...hvm, maxmem: '160' });
    const text = xenstore(b.world);
    expect(text).toContain('/local/domain/0/device-model/1/state = "running"\n');
    expect(text).toContain('/local/domain/1/console/vnc-port = "5900"\n');
    expect(text).toContain(`/local/domain/1/memory/target = "${119 * 1024}"\n`);
    expect(text).toContain('/local/domain/1/memory/videoram = "8192"\n');
    expect(processes(b.world)).toMatch(/xen-qemu-system-i386 -xen-domid 1 /);
    expect((await b.run('xl list a')).out).toMatch(/^a +1 +120 +1 /m);
  });
  it('takes the next display that is free, and gives its own back', async () => {
    const b = await withGuest(hvm);
    const second = { ...hvm, name: '"c"', uuid: null, disk: '[]', vif: '[]' };
    b.put(
      '/etc/xen/c.cfg',
      Object.entries(second)
        .flatMap(([k, v]) => (v === null ? [] : [`${k}=${v}\n`]))
        .join(''),
    );
    await b.run('xl create -q /etc/xen/c.cfg');
    expect(xenstore(b.world)).toContain('/local/domain/2/console/vnc-port = "5901"\n');
    await b.run('xl destroy a');
    await b.run('xl create -q /etc/xen/a.cfg');
    expect(xenstore(b.world)).toContain('/local/domain/3/console/vnc-port = "5900"\n');
  });
  it.each([
    ['no QEMU', hvm, { qemu: false }, 3, 'qemu-dm is not executable: No such file or directory'],
    ['no hap', hvm, { virtCaps: 'pv' }, 6, 'neither hap nor shadow paging available'],
    ['no hvm', hvm, { virtCaps: 'pv hap' }, 3, 'domain creation fail: Invalid argument'],
    [
      'a cmdline without kernel',
      { ...hvm, extra: '"quiet"' },
      {},
      6,
      'direct boot parameters specified but kernel missing',
    ],
    ['a kernel that is not there', { ...hvm, kernel: '"/srv/none"' }, {}, 3, 'spawn failed (rc=-3)'],
    [
      'two disks in one IDE place',
      { ...hvm, disk: '["/srv/a.img,raw,xvda,rw", "/srv/b.img,raw,hda,rw"]' },
      {},
      3,
      'device model did not start: -3',
    ],
    ['a read-only IDE disk', { ...hvm, disk: '["/srv/a.img,raw,hda,r"]' }, {}, 3, 'read-only IDE disk'],
    [
      'a password without DES',
      { ...hvm, vncpasswd: '"secret"' },
      { qemuDes: false },
      3,
      'device model did not start: -26',
    ],
  ])('does not start with %s', async (_, changes, on, rc, words) => {
    const result = await failing(changes, on);
    expect(result.err).toContain(words);
    expect({ rc: result.rc, left: result.left }).toEqual({ rc, left: 0 });
  });
  it("leaves QEMU's own words in its log", async () => {
    const { b } = await failing({ ...hvm, vncpasswd: '"secret"' }, { qemuDes: false });
    const { out } = await b.run('tail -n 1 /var/log/xen/qemu-dm-b.log');
    expect(out).toBe('Cipher backend does not support DES algorithm\n');
    const clash = await failing({ ...hvm, disk: '["/srv/a.img,raw,xvda,rw", "/srv/b.img,raw,hda,rw"]' });
    expect((await clash.b.run('tail -n 5 /var/log/xen/qemu-dm-b.log')).out).toContain(
      'drive with bus=0, unit=0 (index=0) exists',
    );
  });
  it('boots a kernel of its own where it has one', async () => {
    const b = await withGuest({ ...hvm, kernel: '"/srv/vmlinuz"', extra: '"quiet"' });
    expect(guestOf(b)).toMatchObject({ booted: true });
    expect(processes(b.world)).toContain('-kernel /srv/vmlinuz -append quiet');
  });
  it('starts a QEMU anew at each reboot, and lets no vCPU go while it runs', async () => {
    const b = await withGuest(hvm);
    const first = guestOf(b).qemu?.pid;
    await b.run('xl vcpu-set a 2');
    await b.settle();
    await b.run('xl vcpu-set a 1');
    await b.settle();
    expect(guestOf(b)).toMatchObject({ onlineVcpus: 2 });
    expect(xenstore(b.world)).toContain('/local/domain/1/cpu/1/availability = "offline"\n');
    expect((await b.run('xl list -l a')).out).toMatch(/"avail_vcpus": \[\n +0,\n +1\n/);
    await b.run('xl reboot a');
    await b.settle();
    expect(guestOf(b)).toMatchObject({ domid: 2, booted: true, onlineVcpus: 2 });
    expect(guestOf(b).qemu?.pid).not.toBe(first);
  });
});

describe('an HVM guest without PV drivers', () => {
  const plain = (more: { acpi?: boolean } = {}) => withGuest(hvm, {}, { pvDrivers: false, ...more });
  it('is not asked to shut down, but obeys its power button', async () => {
    const b = await plain();
    expect(await b.run('xl shutdown a')).toEqual({
      rc: 1,
      out: '',
      err:
        'Shutting down domain 1\n' +
        'PV control interface not available: external graceful shutdown not possible.\n' +
        'Use "-F" to fallback to ACPI power event.\nshutdown failed (rc=-10)\n',
    });
    expect((await b.run('xl shutdown -F a')).err).toContain('sending ACPI power button event.\n');
    await b.settle();
    expect(b.world.domains.size).toBe(0);
  });
  it('does not hear the button where it is made so, nor while it boots', async () => {
    const b = await plain({ acpi: false });
    expect((await b.run('xl shutdown -F a')).rc).toBe(0);
    await b.settle();
    expect(guestOf(b).ended).toBe(null);
    b.world.behaviours.set('a', { pvDrivers: false });
    await b.run('xl reboot -F a');
    await b.run('sleep 6');
    await b.run('xl list a');
    const again = await plain();
    await again.run('xl destroy a');
    await again.run('xl create -q /etc/xen/a.cfg');
    await again.run('xl trigger a power');
    await again.settle();
    expect(guestOf(again)).toMatchObject({ booted: true, ended: null });
  });
  it('shows no features, connects no PV device, does not balloon', async () => {
    const b = await plain();
    const text = xenstore(b.world);
    expect(text).toContain('/local/domain/1/control/feature-poweroff = ""\n');
    expect(text).toContain('/local/domain/0/backend/vif/1/0/state = "2"\n');
    expect(guestOf(b)).toMatchObject({ booted: true, actualKiB: 128 * 1024 });
    await b.run('xl mem-set a 100m');
    await b.settle();
    expect(guestOf(b)).toMatchObject({ targetKiB: 100 * 1024, actualKiB: 128 * 1024 });
    expect((await b.run('xl block-detach a hda')).rc).toBe(1);
  });
});

describe('a CD drive', () => {
  it('takes a medium and gives it back; the record says which', async () => {
    const b = await withGuest({ ...hvm, disk: hvm['disk']?.replace(',raw,', '/srv/a.img,raw,') ?? '' });
    const at = '/libxl/1/device/vbd/5632/params = ';
    expect(xenstore(b.world)).toContain(`${at}"aio:/srv/a.img"\n`);
    expect((await b.run('xl cd-insert a hdc /srv/b.img')).rc).toBe(0);
    expect(xenstore(b.world)).toContain(`${at}"aio:/srv/b.img"\n`);
    expect(guestOf(b).config.disks[1]).toMatchObject({ path: '/srv/b.img', format: 'raw', cdrom: true });
    expect((await b.run('xl cd-eject a hdc')).rc).toBe(0);
    expect(guestOf(b).disks[1]).toMatchObject({ path: '', format: 'empty', back: 1 });
    expect(xenstore(b.world)).toContain(`${at}""\n`);
    const record = b.world.files.text('/var/lib/xen/userdata-d.1.5f0c0c5e-1111-5c0e-9a5d-6d0f3a3c0001.libxl-json');
    expect(record).toContain('"pdev_path": "",\n            "vdev": "hdc",\n            "format": "empty"');
  });
  it.each([
    ['xl cd-eject a hdc', 0, ''],
    ['xl cd-insert a hdc /srv/b.img', 1, 'Failed to connect to QMP socket: Connection reset by peer\n'],
  ])('that began empty is the end of QEMU: %s', async (line, rc, words) => {
    const b = await withGuest(hvm);
    expect(xenstore(b.world)).toContain('/libxl/1/device/vbd/5632/params = "aio:"\n');
    const result = await b.run(line);
    expect(result.rc).toBe(rc);
    expect(result.err).toContain(words);
    expect(guestOf(b).qemu).toMatchObject({ dead: true });
    const again = await b.run('xl cd-insert a hdc /srv/b.img');
    expect([again.rc, again.err]).toEqual([1, expect.stringContaining('Connection refused')]);
  });
  it.each([
    ['xl cd-insert a hdd /srv/b.img', 'Virtual device not found\n'],
    ['xl cd-insert a hdc /srv/none.iso', 'Cannot stat file: /srv/none.iso\n'],
    ['xl cd-eject z hdc', 'z is an invalid domain identifier (rc=-6)\n'],
  ])('fails: %s', async (line, words) => {
    const result = await (await withGuest(hvm)).run(line);
    expect(result.rc).toBe(1);
    expect(result.err).toContain(words);
  });
  it('is for HVM guests', async () => {
    const b = await withGuest();
    expect((await b.run('xl cd-eject a hdc')).err).toContain('cdrom-insert requires an HVM domain\n');
  });
});

describe('disks that QEMU serves', () => {
  const qcow2 = { disk: '["format=qcow2,vdev=xvda,access=rw,target=/srv/c.qcow2"]' };
  it('give a PVH guest a QEMU, which then takes more of them hot', async () => {
    const b = await withGuest(qcow2);
    expect(guestOf(b).disks[0]).toMatchObject({ backend: 'qdisk', back: 4 });
    expect(xenstore(b.world)).toContain('/local/domain/0/device-model/1/state = "running"\n');
    expect(xenstore(b.world)).not.toContain('vnc-port');
    await b.run('xl block-attach a format=qcow2,vdev=xvdb,access=rw,target=/srv/c.qcow2');
    await b.settle();
    expect(guestOf(b).disks[1]).toMatchObject({ backend: 'qdisk', back: 4 });
  });
  it('cannot be created without QEMU', async () => {
    const result = await failing(qcow2, { qemu: false });
    expect(result).toMatchObject({ rc: 3, left: 0 });
    expect(result.err).toContain('device model did not start: -3');
  });
  it('are refused hot where they are asked for by name and no QEMU is there', async () => {
    const b = await withGuest();
    const result = await b.run('xl block-attach a format=raw,backendtype=qdisk,vdev=xvdb,access=rw,target=/srv/b.img');
    expect(result.rc).toBe(1);
    expect(result.err).toContain('device model required but not running\n');
  });
  it('do not come up where their file is not there: libxl looks at no qdisk before', async () => {
    const result = await failing({ disk: '["format=raw,backendtype=qdisk,vdev=xvda,access=rw,target=/srv/none"]' });
    expect(result).toMatchObject({ rc: 3, left: 0 });
    expect(result.err).toContain('unable to add device with path /local/domain/0/backend/qdisk/1/51712\n');
  });
  it.each([
    ['format=qcow2,backendtype=phy,vdev=xvda,access=rw,target=/srv/c.qcow2', 'no suitable backend for disk xvda'],
    ['format=raw,backendtype=tap,vdev=xvda,access=rw,target=/srv/a.img', 'no suitable backend for disk xvda'],
  ])('or another backend that does not fit: %s', async (spec, words) => {
    const result = await failing({ disk: `["${spec}"]` });
    expect(result.rc).toBe(3);
    expect(result.err).toContain(words);
  });
});
