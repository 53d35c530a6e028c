import { expect, test } from 'vitest';
import { codesOf, home, load, vmOf } from './load.ts';

test('an HVM guest, whole', async () => {
  const vm = await vmOf(`vms:
  web:
    name: www
    formerly: apache
    type: hvm
    boot: { firmware: uefi, order: [cdrom, disk, network] }
    cdrom: { hdc: { path: /srv/iso/a.iso }, hdb: {} }
    disks: { hda: { path: /dev/vg0/web }, sdb: { path: /srv/b.qcow2, format: qcow2, backend: qdisk, access: ro } }
    nics: { eth0: { network: lan, model: e1000, rate: 10Mb/s, script: vif-route } }
    display:
      vnc: { listen: "::", port: 5901, password: "\${env:VNC}" }
      spice: { port: 6000, password: "\${file:/etc/spice pw}" }
    serial: pty
    tablet: true
    sched: { weight: 512, cap: 150 }
    affinity: { hard: "7,0-2,3", soft: all }
    cpupool: fast
    on: { poweroff: destroy, reboot: restart, crash: coredump-restart }
`);
  expect([vm.name, vm.formerly, vm.type]).toEqual(['www', 'apache', 'hvm']);
  expect(vm.settings).toEqual({
    'boot.firmware': 'uefi',
    'boot.order': ['cdrom', 'disk', 'network'],
    'display.vnc': true,
    'display.vnc.listen': '::',
    'display.vnc.port': 5901,
    'display.vnc.password': { secret: '${env:VNC}', digest: null },
    'display.spice': true,
    'display.spice.port': 6000,
    'display.spice.password': { secret: '${file:/etc/spice pw}', digest: null },
    serial: 'pty',
    tablet: true,
    'sched.weight': 512,
    'sched.cap': 150,
    'affinity.hard': '0-3,7',
    'affinity.soft': 'all',
    cpupool: 'fast',
    'on.poweroff': 'destroy',
    'on.reboot': 'restart',
    'on.crash': 'coredump-restart',
  });
  expect(vm.cdroms).toEqual({ hdb: { path: null }, hdc: { path: '/srv/iso/a.iso' } });
  expect(vm.disks).toEqual({
    hda: { path: '/dev/vg0/web', access: 'rw', format: undefined, backend: undefined },
    sdb: { path: '/srv/b.qcow2', access: 'ro', format: 'qcow2', backend: 'qdisk' },
  });
  expect(vm.nics).toEqual({
    eth0: { network: 'lan', mac: undefined, rate: '1250000B/s@50000us', model: 'e1000', script: 'vif-route' },
  });
});

test.each([
  ['vnc: false', 'vnc: { port: 5901 }', { 'display.vnc': false }],
  ['vnc: true', 'vnc: { port: 5901 }', { 'display.vnc': true, 'display.vnc.port': 5901 }],
  ['vnc: {}', 'vnc: false', { 'display.vnc': true }],
  [
    'vnc: { listen: 0.0.0.0 }',
    'vnc: { port: 5901 }, spice: { port: 1 }',
    {
      'display.vnc': true,
      'display.vnc.listen': '0.0.0.0',
      'display.vnc.port': 5901,
      'display.spice': true,
      'display.spice.port': 1,
    },
  ],
  ['spice: false', 'spice: true', { 'display.spice': false }],
])('a screen: %s over %s', async (own, defaults, settings) => {
  const vm = await vmOf(`defaults: { display: { ${defaults} } }\nvms: { web: { display: { ${own} } } }\n`);
  expect(vm.settings).toEqual(settings);
});

test('an affinity of the VM itself leaves the soft one of its defaults', async () => {
  const vm = await vmOf(`defaults: { affinity: { hard: "0", soft: "1,2" } }\nvms: { web: { affinity: 4-5 } }\n`);
  expect(vm.settings).toEqual({ 'affinity.hard': '4-5', 'affinity.soft': '1-2' });
});

test.each([
  ['pygrub', { kernel: undefined, ramdisk: undefined, cmdline: 'quiet' }],
  // Each Xen has it in a folder of its own, where xl finds it.
  ['/usr/lib/xen/bin/pygrub', { kernel: undefined, ramdisk: undefined, cmdline: 'quiet' }],
])('bootloader: %s', async (bootloader, boot) => {
  const vm = await vmOf(`vms: { web: { type: pv, boot: { bootloader: ${bootloader}, cmdline: quiet } } }\n`);
  expect(vm.settings).toEqual({ 'boot.bootloader': 'pygrub' });
  expect(vm.boot).toEqual(boot);
});

test('xl: values are texts and lists of texts, and the nearest of a key wins', async () => {
  const vm = await vmOf(`defaults: { xl: { viridian: 1, hap: false } }
vms: { web: { xl: { hap: true, a.b_c: -1.5, pci: ["01:00.0", 7, [x, []]], empty: "", hex: 0x1f, quoted: "0x1f" } } }
`);
  expect(vm.xl).toEqual({
    viridian: '1',
    hap: '1',
    'a.b_c': '-1.5',
    pci: ['01:00.0', '7', ['x', []]],
    empty: '',
    hex: '31',
    quoted: '0x1f',
  });
});

test('a drive is as its nearest layer says: empty, too', async () => {
  const vm = await vmOf(`defaults: { cdrom: { hdc: { path: /a.iso }, hdd: { path: /b.iso } } }
vms: { web: { cdrom: { hdc: {} } } }
`);
  expect(vm.cdroms).toEqual({ hdc: { path: null }, hdd: { path: '/b.iso' } });
});

test.each([
  ['{ tcp: "10.1.2.3:443" }', { host: '10.1.2.3', port: 443, from: 'dom0', withinMs: 60_000 }],
  ['{ tcp: "[2001:db8::1]:22", from: here }', { host: '2001:db8::1', port: 22, from: 'here', withinMs: 60_000 }],
  [
    '{ tcp: "web.lan:65535", from: dom0, within: 1.5m }',
    { host: 'web.lan', port: 65535, from: 'dom0', withinMs: 90_000 },
  ],
])('ready: %s', async (text, ready) => {
  expect((await vmOf(`vms: { web: { ready: ${text} } }\n`)).ready).toEqual(ready);
});

test('defaults say how long, and the VM what to wait for', async () => {
  const text = `defaults: { ready: { within: 5m } }\nvms: { web: { ready: { tcp: "{n}:1" } }, db: {} }\n`;
  expect((await vmOf(text.replace('{n}', 'web'))).ready?.withinMs).toBe(300_000);
  expect((await vmOf(text.replace('{n}', 'web'), 'db')).ready).toBeUndefined();
});

test('how long it may take to go down', async () => {
  const text = `defaults: { shutdown: { within: 10m } }\nvms: { web: {}, db: { shutdown: { within: 30s } } }\n`;
  expect((await vmOf(text, 'web')).shutdownMs).toBe(600_000);
  expect((await vmOf(text, 'db')).shutdownMs).toBe(30_000);
});

test('after: sorted, each once, and a list of its own replaces that of the defaults', async () => {
  const text =
    'defaults: { after: [web, db] }\nvms: { web: { after: [] }, db: { after: [web] }, a: {}, "b-[1-2]": { after: [a, db] } }\n';
  const { farm } = await load(home + text);
  expect(farm.vms.map((v) => [v.key, v.after])).toEqual([
    ['a', ['db', 'web']],
    ['b-1', ['a', 'db']],
    ['b-2', ['a', 'db']],
    ['db', ['web']],
    ['web', []],
  ]);
});

test('a long chain of VMs is no circle', async () => {
  const vms = Array.from({ length: 5000 }, (_, i) => `v-${i}: { after: [v-${i + 1}] }`);
  const { farm } = await load(`${home}vms: { ${vms.join(', ')}, v-5000: {} }\n`);
  expect(farm.vms.length).toBe(5001);
});

test('the members of a pattern have a name, a former key and a password of their own', async () => {
  const { farm } = await load(`${home}vms:
  "web-[1-2]": { name: "www{n}", formerly: "old-{n}", type: hvm, display: { vnc: { password: "\${env:PW_{n}}" } } }
`);
  expect(farm.vms.map((v) => [v.name, v.formerly, v.settings['display.vnc.password']?.secret])).toEqual([
    ['www1', 'old-1', '${env:PW_1}'],
    ['www2', 'old-2', '${env:PW_2}'],
  ]);
});

test('a VLAN is of a network of a pool, or of the farm', async () => {
  const { farm } = await load(`farm: acme
pools: { p: { servers: { s: { address: a } }, networks: { own: { bridge: ovs0, vlan: 20 } } } }
networks: { all: { bridge: br0, vlan: 4094 } }
`);
  expect(farm.pools[0]?.networks).toEqual({
    all: { name: 'all', bridge: 'br0', vlan: 4094 },
    own: { name: 'own', bridge: 'ovs0', vlan: 20 },
  });
});

test.each([
  ['words of no type yet', 'a: { tablet: true, boot: { bootloader: pygrub }, disks: { sda: { path: /d } } }'],
  ['pv with pygrub', 'a: { type: pv, boot: { bootloader: pygrub } }'],
  ['pv with nothing to boot yet', 'a: { type: pv }'],
  ['pvh with a paravirtual NIC', 'a: { type: pvh, nics: { eth0: { network: lan, model: pv } } }'],
  ['hvm with a kernel and UEFI', 'a: { type: hvm, boot: { kernel: /k, firmware: uefi } }'],
  [
    'hvm that boots a CD or the network',
    'a: { type: hvm, disks: {}, cdrom: { hda: {} } }, b: { type: hvm, disks: {}, boot: { order: [network] } }',
  ],
  [
    'a read-only disk that is no IDE disk',
    'a: { type: hvm, disks: { xvde: { path: /d, access: ro }, sda: { path: /e, access: ro } } }',
  ],
  [
    'a disk beside a CD drive with AHCI',
    'a: { disks: { xvdc: { path: /d } }, cdrom: { hdc: {} }, xl: { hdtype: ahci } }',
  ],
  ['a SCSI and an IDE disk of one letter', 'a: { type: hvm, disks: { sda: { path: /d }, hda: { path: /e } } }'],
  ['a CD drive and xvdc of a pv', 'a: { type: pv, disks: { xvdc: { path: /d } }, cdrom: {} }'],
  [
    'a raw disk of the kernel',
    'a: { disks: { xvda: { path: /d, format: raw, backend: phy }, xvdb: { path: /e, format: vhd, backend: tap } } }',
  ],
  ['PCI devices of a pv', 'a: { type: pv, memory: { target: 1GiB, max: 2GiB }, xl: { pci: ["01:00.0"] } }'],
  ['no PCI devices', 'a: { type: hvm, memory: { target: 1GiB, max: 2GiB }, xl: { pci: [] } }'],
  [
    'NICs of the defaults that are replaced',
    'a: { type: pv, networks: [lan] }',
    'nics: { eth0: { network: lan, model: e1000 } }',
  ],
  [
    'one disk that both share',
    'a: { disks: { xvda: { path: /d, access: shared } } }, b: { disks: { xvdb: { path: /d, access: shared } } }',
  ],
])('nothing is wrong with %s', async (_, vms, defaults = '') => {
  expect(await codesOf(`defaults: { ${defaults} }\nvms: { ${vms} }\n`)).toEqual([]);
});

test.each([
  ['ro', 'shared'],
  ['shared', 'ro'],
  ['rw', 'shared'],
  ['shared', 'rw'],
])('one disk, %s and %s, is an error', async (one, other) => {
  const vm = (access: string): string => `{ disks: { xvda: { path: /d, access: ${access} } } }`;
  expect(await codesOf(`vms: { a: ${vm(one)}, b: ${vm(other)} }\n`)).toEqual(['shared']);
});

test('the line that may hold a password is shown by no error', async () => {
  const text = 'vms: { web: { display: { vnc: { password: hunter2 } }, memori: 1GiB } }\n';
  await expect(load(home + text)).rejects.toThrow(/no reference[^]*memori/);
  await expect(load(home + text)).rejects.not.toThrow(/hunter2/);
});

test('the new words know their lines', async () => {
  const { places } = await load(`${home}profiles:
  screen: { display: { vnc: { port: 5901 } }, affinity: "0" }
vms:
  web:
    profile: screen
    type: hvm
    xl: { viridian: 1 }
    cdrom: { hdc: {} }
`);
  const line = (field: string): number | undefined => {
    const origin = places.origin('web', field);
    return origin && places.position(origin)?.line;
  };
  expect(['display.vnc', 'display.vnc.port', 'affinity.hard', 'xl.viridian', 'cdrom.hdc', 'tablet'].map(line)).toEqual([
    5, 5, 5, 10, 11, 7,
  ]);
});

test('a disk by its size is made in the repository that is named, or in the only one', async () => {
  const stores = 'repositories: { store: { type: dir, path: /srv/store }, fast: { type: dir, path: /srv/fast } }\n';
  const one = 'repositories: { store: { type: dir, path: /srv/store } }\n';
  const vm = (body: string): string => `vms: { web: { disks: { xvda: { ${body} } } } }\n`;
  expect((await vmOf(one + vm('size: 20GiB'))).disks).toEqual({
    xvda: {
      path: '',
      made: { repository: 'store', folder: '/srv/store', from: null, size: 20 * 1024 ** 2 },
      access: 'rw',
      format: undefined,
      backend: undefined,
    },
  });
  expect((await vmOf(stores + vm('size: 512MiB, repository: fast, format: qcow2'))).disks?.['xvda']).toMatchObject({
    made: { repository: 'fast', folder: '/srv/fast', size: 512 * 1024 },
    format: 'qcow2',
  });
});

test('what cloud-init reads is a text, a map written out, or a reference', async () => {
  const { farm } = await load(`${home}vms: { web: { cloudInit: {
    userData: { hostname: www, packages: [nginx] }, metaData: "\${file:meta.yaml}", networkConfig: "version: 2" } } }`);
  expect(farm.vms[0]?.cloudInit).toEqual({
    userData: { inline: true },
    metaData: { secret: '${file:meta.yaml}' },
    networkConfig: { inline: true },
  });
  expect(farm.written).toEqual({
    'vms/web/cloudInit/userData': '#cloud-config\nhostname: www\npackages:\n  - nginx\n',
    'vms/web/cloudInit/networkConfig': 'version: 2',
  });
  expect(await codesOf('vms: { web: { cloudInit: { userData: "hostname: x" } } }')).toEqual(['bad-value']);
  expect(await codesOf('vms: { web: { cloudInit: {} } }')).toEqual(['missing-key']);
});
