/** The rest of a whole VM on the simulated dom0: ends, renames, updates, bootloaders, NICs, files, probes. */
import { describe, expect, it } from 'vitest';
import { end } from '../../../src/sim/lives.ts';
import { ipLink, processes } from '../../../src/sim/print-host.ts';
import { xenstore } from '../../../src/sim/print-xenstore.ts';
import { cfg, failing, guestOf, withGuest, type Bench } from './farm.ts';

const record = (b: Bench): string =>
  b.world.files.text(`/var/lib/xen/userdata-d.${guestOf(b).domid}.${guestOf(b).uuid}.libxl-json`) ?? '';

describe('what happens when a guest ends', () => {
  const after = async (reason: 'poweroff' | 'reboot' | 'crash', action: string) => {
    const b = await withGuest({ [`on_${reason}`]: `"${action}"` });
    end(b.world, guestOf(b), reason);
    await b.settle();
    return {
      b,
      rows: (await b.run('xl list')).out
        .split('\n')
        .slice(2, -1)
        .map((l) =>
          l
            .replace(/ +\d+\.\d$/, '')
            .replace(/ +/g, ' ')
            .trim(),
        ),
    };
  };
  it('restarts at poweroff where it is told so, and stays away after a reboot', async () => {
    expect((await after('poweroff', 'restart')).rows).toEqual([expect.stringMatching(/^a 2 128 1 -b----$/)]);
    expect((await after('reboot', 'destroy')).rows).toEqual([]);
  });
  it('keeps the old domain under another name with rename-restart', async () => {
    const { b, rows } = await after('crash', 'rename-restart');
    expect(rows).toEqual([
      expect.stringMatching(/^a-\d{8}T\d{4}Z 1 128 0 ---sc-$/),
      expect.stringMatching(/^a 2 128 1 -b----$/),
    ]);
    expect([...b.world.monitors.values()].map((m) => m.domid)).toEqual([2]);
    expect(record(b)).toContain('"on_crash": "restart_rename"');
  });
  it('leaves a core with coredump-restart and coredump-destroy', async () => {
    const again = await after('crash', 'coredump-restart');
    expect(again.rows).toHaveLength(1);
    expect(again.b.world.files.exists('/var/lib/xen/dump/a')).toBe(true);
    expect((await after('crash', 'coredump-destroy')).rows).toEqual([]);
  });
  it('does nothing where the monitor is gone', async () => {
    const b = await withGuest();
    b.world.monitors.clear();
    expect(processes(b.world)).not.toContain('xl create');
    await b.run('xl shutdown a');
    await b.settle();
    expect((await b.run('xl list a')).out).toContain('---s--');
  });
  it('refuses an action that xl does not know', async () => {
    expect(await failing({ on_crash: '"explode"' })).toMatchObject({
      rc: 1,
      err: 'Unknown on_crash action "explode" specified\n',
    });
  });
});

describe('a new name', () => {
  it('is in xenstore and in the list, not in the record, and outlives a reboot', async () => {
    const b = await withGuest();
    await b.run('xl rename a z');
    expect(xenstore(b.world)).toContain('/local/domain/1/name = "z"\n');
    expect(record(b)).toContain('"name": "a"');
    expect((await b.run('xl rename z z')).rc).toBe(0);
    await b.run('xl reboot z');
    await b.settle();
    expect(guestOf(b)).toMatchObject({ name: 'z', domid: 2 });
    expect(record(b)).toContain('"name": "z"');
    expect(processes(b.world)).toContain('xl create -q /etc/xen/a.cfg');
  });
});

describe('config-update', () => {
  it('is taken whole at the next reboot', async () => {
    const b = await withGuest();
    const changes = {
      cpu_weight: '300',
      cpus: '"1"',
      on_crash: '"preserve"',
      vif: '["mac=02:16:3e:00:00:aa,bridge=xenbr1,rate=10Mb/s"]',
    };
    b.put('/etc/xen/a.cfg', cfg('a', changes));
    await b.run('xl config-update a /etc/xen/a.cfg');
    expect(guestOf(b).weight).toBe(256);
    await b.run('xl reboot a');
    await b.settle();
    expect(guestOf(b)).toMatchObject({ weight: 300, hard: [[1], [1]], config: { on: { crash: 'preserve' } } });
    expect(guestOf(b).nics[0]).toMatchObject({ master: 'xenbr1', rate: '62500,50000' });
    expect(b.world.files.list('/var/lib/xen').filter((n) => n.endsWith('.xl'))).toEqual([]);
  });
});

describe('a bootloader', () => {
  const grub = { type: '"pv"', kernel: null, ramdisk: null, bootloader: '"pygrub"' };
  it('takes the kernel from the disk', async () => {
    const b = await withGuest(grub);
    expect(guestOf(b)).toMatchObject({ type: 'pv', booted: true });
    expect(record(b)).toContain('"bootloader": "pygrub"');
  });
  it('needs a disk, and must be there', async () => {
    expect((await failing({ ...grub, disk: '[]' })).err).toContain('cannot run bootloader with no boot disk');
    const none = await failing({ ...grub, bootloader: '"/opt/none"' });
    expect(none).toMatchObject({ rc: 3, left: 0 });
    expect(none.err).toContain('bootloader failed - consult logfile /var/log/xen/bootloader.1.log');
  });
});

describe('a PV guest', () => {
  it('needs a hypervisor that makes such', async () => {
    const result = await failing({ type: '"pv"' }, { virtCaps: 'hvm hap' });
    expect(result).toMatchObject({ rc: 3, left: 0 });
    expect(result.err).toContain('domain creation fail: Invalid argument');
  });
  it('has a QEMU for its display', async () => {
    const b = await withGuest({ type: '"pv"', vnc: '1' });
    expect(xenstore(b.world)).toContain('/local/domain/1/console/vnc-port = "5900"\n');
    expect(xenstore(b.world)).toContain('/libxl/1/device/vfb/0/state = "1"\n');
    expect(record(b)).toContain('"vfbs": [');
  });
});

describe('NICs', () => {
  it('take rate, script, model and ip, as libxl writes them', async () => {
    const b = await withGuest({
      vif: '["mac=02:16:3e:00:00:aa,bridge=xenbr0,rate=1MB/s@20ms,script=vif-bridge,model=e1000,ip=10.0.0.2"]',
    });
    const text = xenstore(b.world);
    expect(text).toContain('/libxl/1/device/vif/0/rate = "20000,20000"\n');
    expect(text).toContain('/libxl/1/device/vif/0/ip = "10.0.0.2"\n');
    expect(record(b)).toContain(
      '"model": "e1000",\n            "mac": "02:16:3e:00:00:aa",\n            "ip": "10.0.0.2"',
    );
    expect(record(b)).toContain('"rate_bytes_per_interval": 20000,\n            "rate_interval_usecs": 20000\n');
  });
  it('come hot with the same options, one argument each', async () => {
    const b = await withGuest();
    expect((await b.run('xl network-attach a mac=02:16:3e:00:00:bb bridge=xenbr1 rate=8Mb/s')).rc).toBe(0);
    await b.settle();
    expect(guestOf(b).nics[1]).toMatchObject({ rate: '50000,50000', back: 4, type: 'vif' });
    expect(await b.run('xl network-attach a rate=fast')).toMatchObject({
      rc: 1,
      err: "command line: config parsing error in vif: invalid rate in `fast'\n",
    });
    expect((await b.run('xl network-attach a type=ioemu')).err).toContain('PV or PVH guest with an emulated interface');
    expect((await b.run('xl network-attach a mac=zz')).err).toBe("Invalid parameter `mac'.\n");
  });
  it('know a VLAN since Xen 4.19: before, a warning in a cfg and an error hot', async () => {
    const vif = { vif: '["mac=02:16:3e:00:00:aa,bridge=xenbr0,vlan=20"]' };
    const old = await withGuest(vif);
    expect((await old.run('xl -N create /etc/xen/a.cfg')).err).toContain("unrecognized argument `vlan=20'\n");
    expect((await old.run('xl network-attach a vlan=20')).rc).toBe(1);
    expect(xenstore(old.world)).not.toContain('vlan');
    const now = await withGuest(vif, { xenVersion: '4.19.1' });
    expect(xenstore(now.world)).toContain('/libxl/1/device/vif/0/vlan = "20"\n');
  });
  it('hang on Open vSwitch with its script, a VLAN behind the name', async () => {
    const vif = { vif: '["mac=02:16:3e:00:00:aa,bridge=ovs0.20,script=vif-openvswitch"]' };
    const b = await withGuest(vif, { ovs: ['ovs0'] });
    expect(guestOf(b).nics[0]).toMatchObject({ bridge: 'ovs0.20', master: 'ovs0' });
    expect(xenstore(b.world)).toContain('/libxl/1/device/vif/0/script = "/etc/xen/scripts/vif-openvswitch"\n');
    const links = JSON.parse(ipLink(b.world)) as { ifname: string; master?: string }[];
    expect(links.find((l) => l.ifname === 'vif1.0')?.master).toBe('ovs-system');
    expect((await b.run('ovs-vsctl list-br')).out).toBe('ovs0\n');
    expect((await failing(vif)).err).toContain('script: Unable to find ovs-vsctl tool\n');
    expect((await failing({ vif: '["bridge=ovs0.20"]' }, { ovs: ['ovs0'] })).err).toContain(
      'Could not find bridge device ovs0.20\n',
    );
  });
});

describe('keys that nobody knows', () => {
  it('are ignored, and PCI devices are kept in the record', async () => {
    const b = await withGuest({ frobnicate: '1', pci: '["01:1b.2,permissive=1"]', localtime: '1' });
    expect(record(b)).toContain('"localtime": "True"');
    expect(record(b)).toContain(
      '"dev": 27,\n            "bus": 1,\n            "vfunc_mask": 1,\n            "permissive": true\n',
    );
    expect(record(b)).not.toContain('frobnicate');
  });
});

describe('the dom0', () => {
  it("has Debian's xendomains, another text, or none", async () => {
    const path = '/etc/default/xendomains';
    expect((await withGuest()).world.files.text(path)).toContain('\nXENDOMAINS_SAVE=/var/lib/xen/save\n');
    expect((await withGuest({}, { xendomains: 'XENDOMAINS_RESTORE=false\n' })).world.files.text(path)).toBe(
      'XENDOMAINS_RESTORE=false\n',
    );
    expect((await withGuest({}, { xendomains: null })).world.files.exists(path)).toBe(false);
  });
  it('moves files and shows their ends', async () => {
    const b = await withGuest();
    b.put('/tmp/x', '1\n2\n3\n');
    expect((await b.run('tail -n 2 /tmp/x')).out).toBe('2\n3\n');
    expect((await b.run('mv /tmp/x /tmp/y')).rc).toBe(0);
    expect((await b.run('tail /tmp/x')).rc).toBe(1);
    expect((await b.run('tail -1 /tmp/y')).out).toBe('3\n');
  });
  const probe = (b: Bench, port: string) => b.argv(['bash', '-c', 'exec 3<>"/dev/tcp/$0/$1"', '10.0.0.2', port]);
  it('reaches what a guest listens at once it has booted', async () => {
    const b = await withGuest({}, {}, { listens: ['10.0.0.2:22'] });
    expect((await probe(b, '22')).rc).toBe(0);
    expect(await probe(b, '80')).toMatchObject({ rc: 1, err: expect.stringContaining('Connection refused') });
    b.world.listening.set('10.0.0.2:80', true);
    expect((await probe(b, '80')).rc).toBe(0);
    await b.run('xl destroy a');
    expect((await probe(b, '22')).rc).toBe(1);
    await b.run('xl create -q /etc/xen/a.cfg');
    expect((await probe(b, '22')).rc).toBe(1);
    await b.settle();
    expect((await probe(b, '22')).rc).toBe(0);
    expect((await b.argv(['bash', '-c', 'rm -rf /'])).rc).toBe(127);
  });
});
