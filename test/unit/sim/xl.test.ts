/** The simulated xl: messages and exit codes of the real one, what it hides, and what happens a moment later. */
import { describe, expect, it } from 'vitest';
import { bench, cfg, withGuest } from './farm.ts';

const guest = (b: Awaited<ReturnType<typeof withGuest>>) => [...b.world.domains.values()][0];

describe('xl create', () => {
  const failing = async (changes: Readonly<Record<string, string | null>>) => {
    const b = bench();
    b.put('/etc/xen/b.cfg', cfg('b', changes));
    const result = await b.run('xl create -q /etc/xen/b.cfg');
    await b.settle();
    return { ...result, left: b.world.domains.size };
  };
  it('refuses a name that is taken with 3, and uses a domid up', async () => {
    const b = await withGuest();
    const again = await b.run('xl create -q /etc/xen/a.cfg');
    expect(again.rc).toBe(3);
    expect(again.err).toContain('Domain 2:Domain with name "a" already exists.\n');
    expect(b.world.nextDomid).toBe(3);
  });
  it.each([
    [{ kernel: '"/srv/none"' }, 3, "failed to open file '/srv/none': No such file or directory"],
    [{ ramdisk: '"/srv/none"' }, 3, 'xc_dom_ramdisk_file failed: No such file or directory'],
    [{ vif: '["bridge=nobr"]' }, 3, 'Could not find bridge device nobr\n'],
    [{ disk: '["/srv/none,raw,xvda,rw"]' }, 3, 'Disk vdev=xvda failed to stat: /srv/none: No such file or directory'],
    [{ memory: '9000', maxmem: '9000' }, 3, 'xc_dom_boot_mem_init failed: Cannot allocate memory'],
    [{ vcpus: '3' }, 1, 'xl: maxvcpus < vcpus\n'],
    [{ memory: '= 3' }, 1, '/etc/xen/b.cfg:4: config parsing error'],
  ])('fails on %j with %i and leaves nothing', async (changes, rc, words) => {
    const result = await failing(changes);
    expect(result.rc).toBe(rc);
    expect(result.err).toContain(words);
    expect(result.left).toBe(0);
  });
  it('says that there is no such file with 3', async () => {
    expect(await bench().run('xl create -q /none.cfg')).toEqual({
      rc: 3,
      out: '',
      err: 'Failed to read config file: /none.cfg: No such file or directory\n',
    });
  });
  it('lists a domain that it still builds as paused, without memory and vCPUs', async () => {
    const b = bench();
    b.put('/etc/xen/a.cfg', cfg('a'));
    const making = b.run('xl create -q /etc/xen/a.cfg');
    const { out } = await b.run('sleep 0.2').then(() => b.run('xl list'));
    expect(out).toContain('a                                            1     0     0     --p---       0.0\n');
    expect((await making).rc).toBe(0);
  });
  it('takes memory and overhead from what is free, and gives both back', async () => {
    const b = bench();
    const free = async () => Number(/free_memory +: (\d+)/.exec((await b.run('xl info')).out)?.[1]);
    const before = await free();
    b.put('/etc/xen/a.cfg', cfg('a'));
    await b.run('xl create -q /etc/xen/a.cfg');
    expect(before - (await free())).toBe(132);
    await b.run('xl destroy a');
    expect(await free()).toBe(before);
  });
  it('leaves a monitor, which goes with the domain', async () => {
    const b = await withGuest();
    expect([...b.world.monitors.values()].map((m) => m.args)).toEqual([
      '/usr/lib/xen-4.17/bin/xl create -q /etc/xen/a.cfg',
    ]);
    await b.run('xl destroy a');
    expect(b.world.monitors.size).toBe(0);
  });
  it('starts paused with -p, and boots when it is unpaused', async () => {
    const b = bench();
    b.put('/etc/xen/a.cfg', cfg('a'));
    await b.run('xl create -q -p /etc/xen/a.cfg');
    await b.settle();
    expect(guest(b)).toMatchObject({ paused: true, booted: false });
    await b.run('xl unpause a');
    await b.settle();
    expect(guest(b)).toMatchObject({ paused: false, booted: true });
  });
});

describe('xl save and xl restore', () => {
  it('leave the domain paused with -p, which has not run on, and goes on when it is unpaused', async () => {
    const b = await withGuest();
    await b.run('xl save -p a /srv/a.save');
    await b.settle();
    expect(guest(b)).toMatchObject({ paused: true, booted: true, ended: null });
    await b.run('xl destroy a');
    await b.run('xl restore -p /srv/a.save');
    await b.settle();
    expect(guest(b)).toMatchObject({ name: 'a', paused: true, booted: true });
    await b.run('xl unpause a');
    expect(guest(b)).toMatchObject({ paused: false, booted: true });
  });
});

describe('xl shutdown', () => {
  it('returns with -w while the domain is still there, so that a create right after it fails', async () => {
    const b = await withGuest();
    expect((await b.run('xl shutdown -w a')).rc).toBe(0);
    expect((await b.run('xl list a')).out).toContain('---s--');
    expect((await b.run('xl create -q /etc/xen/a.cfg')).err).toContain('already exists');
    await b.settle();
    expect((await b.run('xl create -q /etc/xen/a.cfg')).rc).toBe(0);
  });
  it('gives up after a minute on a paused guest, which shuts down when it is unpaused', async () => {
    const b = await withGuest();
    await b.run('xl pause a');
    const result = await b.run('xl shutdown a');
    expect(result).toMatchObject({ rc: 1 });
    expect(result.err).toBe(
      'Shutting down domain 1\n' +
        "libxl: error: libxl_domain.c:854:pvcontrol_cb: guest didn't acknowledge control request: -9\n" +
        'shutdown failed (rc=-9)\n',
    );
    await b.run('xl unpause a');
    await b.settle();
    expect(b.world.domains.size).toBe(0);
  });
  it('does nothing to a guest that only says yes', async () => {
    const b = await withGuest();
    b.world.behaviours.set('a', { shutdown: 'acknowledges' });
    expect((await b.run('xl shutdown a')).rc).toBe(0);
    await b.settle();
    expect(guest(b)?.ended).toBe(null);
  });
  it('is lost in the boot of a guest that is made so, for ever', async () => {
    const b = bench();
    b.put('/etc/xen/a.cfg', cfg('a'));
    b.world.behaviours.set('a', { shutdown: 'lost-in-boot' });
    await b.run('xl create -q /etc/xen/a.cfg');
    expect((await b.run('xl shutdown a')).rc).toBe(0);
    await b.settle();
    expect((await b.run('xl shutdown a')).rc).toBe(0);
    await b.settle();
    expect(guest(b)).toMatchObject({ booted: true, ended: null });
  });
});

describe('a reboot', () => {
  it('gives a new domid after a gap, keeps the monitor, the memory target and the UUID', async () => {
    const b = await withGuest();
    await b.run('xl mem-set a 100m');
    await b.run('xl reboot a');
    const seen = new Set<string>();
    for (let i = 0; i < 300; i += 1) {
      const { out } = await b.run('xl list -v');
      const row = out.split('\n').find((l) => l.includes('5f0c0c5e'));
      seen.add(row === undefined ? 'gone' : `${row.slice(0, 6).trim()} ${row.slice(40, 46).trim()}`);
    }
    expect([...seen]).toEqual(['a 1', '(null) 1', 'gone', 'a 2']);
    await b.settle();
    expect(guest(b)).toMatchObject({ domid: 2, targetKiB: 102400, uuid: '5f0c0c5e-1111-5c0e-9a5d-6d0f3a3c0001' });
    expect([...b.world.monitors.values()][0]?.domid).toBe(2);
  });
  it('takes the cfg that config-update gave', async () => {
    const b = await withGuest();
    b.put('/etc/xen/a.cfg', cfg('a', { memory: '144' }));
    const update = await b.run('xl config-update a /etc/xen/a.cfg');
    expect(update.err).toContain('setting dom1 configuration\n');
    await b.run('xl reboot a');
    await b.settle();
    expect(guest(b)?.targetKiB).toBe(144 * 1024);
  });
});

describe('hot changes', () => {
  it('sets memory at once and lets it arrive later', async () => {
    const b = await withGuest();
    expect((await b.run('xl mem-set a 96m')).rc).toBe(0);
    expect(guest(b)).toMatchObject({ targetKiB: 98304, actualKiB: 131072 });
    await b.settle();
    expect(guest(b)?.actualKiB).toBe(98304);
  });
  it('squeezes only as far as the guest goes, and not at all without a balloon driver', async () => {
    const b = await withGuest();
    await b.run('xl mem-set a 1');
    await b.settle();
    expect(guest(b)?.actualKiB).toBe(64 * 1024 + Math.floor(160 * 1024 * 0.12));
    b.world.behaviours.set('a', { balloon: false });
    await b.run('xl mem-set a 128m');
    await b.settle();
    expect(guest(b)?.actualKiB).toBeLessThan(100 * 1024);
  });
  it('refuses more than the static maximum', async () => {
    const b = await withGuest();
    expect(await b.run('xl mem-set a 170m')).toEqual({
      rc: 1,
      out: '',
      err: 'libxl: error: libxl_mem.c:278:libxl_set_memory_target: Domain 1:memory_dynamic_max must be less than or equal to memory_static_max\n\ncannot set domid 1 dynamic max memory to : 170m\n',
    });
  });
  it('takes a vCPU offline a while after the command', async () => {
    const b = await withGuest({ vcpus: '2' });
    await b.run('xl vcpu-set a 1');
    expect(guest(b)).toMatchObject({ wantVcpus: 1, onlineVcpus: 2 });
    await b.settle();
    expect(guest(b)?.onlineVcpus).toBe(1);
  });
  it('refuses more vCPUs than the host or the domain has', async () => {
    const b = await withGuest();
    expect((await b.run('xl vcpu-set a 5')).err).toBe(
      'You are overcommmitting! You have 4 physical CPUs and want 5 vCPUs! Aborting, use --ignore-host to continue\n',
    );
    expect((await b.run('xl vcpu-set a 3')).err).toContain('Requested 3 VCPUs, however maxcpus is 2!');
    expect((await b.run('xl vcpu-set a 0')).rc).toBe(1);
  });
  it('attaches a disk, connects it later, refuses it twice, detaches it, keeps it in the record', async () => {
    const b = await withGuest();
    const line = 'xl block-attach a format=raw,vdev=xvdb,access=rw,target=/srv/b.img';
    expect((await b.run(line)).rc).toBe(0);
    expect(guest(b)?.disks[1]).toMatchObject({ vdev: 'xvdb', back: 2 });
    await b.settle();
    expect(guest(b)?.disks[1]).toMatchObject({ back: 4, front: 4 });
    expect((await b.run(line)).err).toBe(
      'libxl: error: libxl_disk.c:343:device_disk_add: Domain 1:device already exists in xenstore\n' +
        'libxl: error: libxl_device.c:1486:device_addrm_aocomplete: unable to add device\nlibxl_device_disk_add failed.\n',
    );
    expect((await b.run('xl block-detach a xvdb')).rc).toBe(0);
    expect((await b.run('xl block-detach a xvdb')).err).toContain('Error: Device xvdb not connected.\n');
    expect(guest(b)?.config.disks).toHaveLength(2);
  });
  it('never connects a qcow2 disk on a guest without QEMU, and says nothing', async () => {
    const b = await withGuest();
    expect((await b.run('xl block-attach a format=qcow2,vdev=xvdb,access=rw,target=/srv/c.qcow2')).rc).toBe(0);
    await b.settle();
    expect(guest(b)?.disks[1]?.back).toBe(1);
    expect((await b.run('xl block-detach a xvdb')).rc).toBe(1);
  });
  it('reads each option of network-attach as an argument of its own, and nothing behind a comma', async () => {
    const b = await withGuest();
    await b.run('xl network-attach a mac=02:16:3e:00:00:cc,bridge=nobr');
    expect(guest(b)?.nics[1]).toMatchObject({ mac: '02:16:3e:00:00:cc', bridge: 'xenbr0', master: 'xenbr0' });
    await b.run('xl network-attach a mac=02:16:3e:00:00:dd bridge=xenbr1');
    await b.settle();
    expect(guest(b)?.nics[2]).toMatchObject({ devid: 2, bridge: 'xenbr1', back: 4 });
    expect((await b.run('xl network-detach a 02:16:3e:00:00:dd')).rc).toBe(0);
    expect((await b.run('xl network-detach a 02:16:3e:00:00:ee')).err).toBe('Unknown device 02:16:3e:00:00:ee.\n');
  });
  it('moves a running vif to another bridge', async () => {
    const b = await withGuest();
    expect((await b.run('ip link set dev vif1.0 master xenbr1')).rc).toBe(0);
    expect(guest(b)?.nics[0]).toMatchObject({ bridge: 'xenbr0', master: 'xenbr1' });
    expect((await b.run('ip link set dev vif1.0 master nobr')).rc).toBe(255);
    expect((await b.run('ip link set dev vif9.0 master xenbr1')).rc).toBe(1);
  });
});

describe('names and domids', () => {
  it.each([
    ['xl pause nosuch', 1, 'nosuch is an invalid domain identifier (rc=-6)\n'],
    ['xl list 77', 1, "Error: Domain '77' does not exist.\n"],
    ['xl destroy Domain-0', 1, 'Not destroying domain 0; use -f to force.'],
    ['xl frob', 1, 'command not implemented\n'],
    ['nonesuch', 127, 'No such file or directory'],
  ])('%s', async (line, rc, words) => {
    const result = await bench().run(line);
    expect(result.rc).toBe(rc);
    expect(result.err).toContain(words);
  });
  it('pauses by domid, and says 0 where that is nobody', async () => {
    const b = await withGuest();
    await b.run('xl pause 1');
    expect(guest(b)?.paused).toBe(true);
    expect((await b.run('xl pause 77')).rc).toBe(0);
  });
  it('renames, but not onto another', async () => {
    const b = await withGuest();
    expect((await b.run('xl rename a z')).rc).toBe(0);
    expect(guest(b)?.name).toBe('z');
    expect((await b.run('xl rename z Domain-0')).rc).toBe(1);
  });
});

describe('guests that end by themselves', () => {
  it('stay where on_crash says so, and start again where it says that', async () => {
    const { end } = await import('../../../src/sim/lives.ts');
    const kept = await withGuest({ on_crash: '"preserve"' });
    const first = guest(kept);
    if (first !== undefined) end(kept.world, first, 'crash');
    await kept.settle();
    expect((await kept.run('xl list a')).out).toContain('---sc-');
    const again = await withGuest({ on_crash: '"restart"' });
    const second = guest(again);
    if (second !== undefined) end(again.world, second, 'crash');
    await again.settle();
    expect(guest(again)).toMatchObject({ domid: 2, booted: true });
  });
});
