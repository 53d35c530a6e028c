/** One change of each field of a VM, for the table of what it costs: the field's name, and the VM before and after. */
import type { Settings, VmSpec, VmType } from '../../../src/kinds/vm/spec.ts';
import { disk, GiB, nic, spec } from '../plan/world.ts';

type More = Partial<VmSpec>;

export interface Row {
  /** As the file writes it. */
  readonly field: string;
  /** Besides its name, where one field changes in several ways. */
  readonly note?: string;
  readonly types: readonly VmType[];
  readonly before: More;
  readonly after: More;
}

const all: readonly VmType[] = ['pv', 'pvh', 'hvm'];
const hvm: readonly VmType[] = ['hvm'];

/** The VM that each row changes. */
export const base = (type: VmType, more: More): VmSpec =>
  spec('web', {
    type,
    vcpus: { count: 1, max: 2 },
    memory: { target: GiB, max: 2 * GiB },
    boot: { kernel: '/boot/vmlinuz', ramdisk: undefined, cmdline: undefined },
    disks: { xvda: disk('/dev/vg0/web') },
    cdroms: type === 'hvm' ? { hdc: { path: null } } : undefined,
    nics: { eth0: nic('lan') },
    ...more,
  });

const row = (field: string, before: More, after: More, types = all, note?: string): Row => ({
  field,
  types,
  before,
  after,
  ...(note === undefined ? {} : { note }),
});

/** A setting, from Xen's own to another value. */
const set = (name: keyof Settings, value: unknown, types = all, beside: Settings = {}): Row =>
  row(name, { settings: beside }, { settings: { ...beside, [name]: value } }, types);

const boot = (more: Partial<NonNullable<VmSpec['boot']>>): More => ({
  boot: { kernel: '/boot/vmlinuz', ramdisk: undefined, cmdline: undefined, ...more },
});
const disks = (more: VmSpec['disks']): More => ({ disks: { xvda: disk('/dev/vg0/web'), ...more } });
const data = disks({ xvdb: disk('/dev/vg0/data') });
const nics = (more: VmSpec['nics']): More => ({ nics: { eth0: nic('lan'), ...more } });

export const rows: readonly Row[] = [
  row('name', {}, { name: 'www' }),
  row('type', {}, { type: 'pvh', cdroms: undefined }, ['pv', 'hvm']),
  row('vcpus.count', {}, { vcpus: { count: 2, max: 2 } }, all, 'more, up to the maximum'),
  row('vcpus.count', { vcpus: { count: 2, max: 2 } }, { vcpus: { count: 1, max: 2 } }, all, 'fewer'),
  row('vcpus.max', {}, { vcpus: { count: 1, max: 4 } }),
  row('memory.target', {}, { memory: { target: 1.5 * GiB, max: 2 * GiB } }, all, 'up to the maximum'),
  row('memory.max', {}, { memory: { target: GiB, max: 4 * GiB } }),
  row('boot.kernel', {}, boot({ kernel: '/boot/vmlinuz-2' })),
  row('boot.ramdisk', {}, boot({ ramdisk: '/boot/initrd' })),
  row('boot.cmdline', {}, boot({ cmdline: 'quiet' })),
  row('boot.bootloader', {}, { boot: undefined, settings: { 'boot.bootloader': 'pygrub' } }, ['pv']),
  set('boot.firmware', 'uefi', hvm),
  set('boot.order', ['cdrom', 'disk'], hvm),
  row('disks', {}, data, all, 'one more'),
  row('disks', {}, disks({ xvdb: disk('/dev/vg0/q', 'rw', { format: 'qcow2' }) }), all, 'one more, qcow2'),
  row('disks', {}, disks({ hdb: disk('/dev/vg0/ide') }), hvm, 'one more, emulated'),
  row('disks', data, disks({}), all, 'one less'),
  row('disks', data, disks({ xvdb: disk('/dev/vg0/other') }), all, 'another path, access, format or backend'),
  row('disks', {}, { disks: { xvda: disk('/dev/vg0/other') } }, all, 'the one it boots from'),
  row(
    'cdrom',
    { cdroms: { hdc: { path: '/srv/a.iso' } } },
    { cdroms: { hdc: { path: '/srv/b.iso' } } },
    hvm,
    'another medium',
  ),
  row('cdrom', {}, { cdroms: { hdc: { path: '/srv/a.iso' } } }, hvm, 'a drive that has been empty since the start'),
  row('cdrom', {}, { cdroms: { hdc: { path: null }, hdd: { path: null } } }, hvm, 'another drive'),
  row('nics', {}, nics({ eth1: nic('lan') }), all, 'one more'),
  row('nics', nics({ eth1: nic('lan') }), nics({}), all, 'one less'),
  row('nics.network', {}, nics({ eth0: nic('dmz') })),
  row('nics.mac', {}, nics({ eth0: nic('lan', { mac: '02:00:00:00:00:09' }) })),
  row('nics.rate', {}, nics({ eth0: nic('lan', { rate: '1250000B/s@50000us' }) })),
  row('nics.script', {}, nics({ eth0: nic('lan', { script: 'vif-route' }) })),
  row('nics.model', {}, nics({ eth0: nic('lan', { model: 'e1000' }) }), hvm, 'an emulated card'),
  set('display.vnc', false, hvm),
  set('display.vnc.listen', '0.0.0.0', hvm),
  set('display.vnc.port', 5905, hvm),
  set('display.vnc.password', { secret: '${env:VNC}', digest: null }, hvm),
  row('display.spice', {}, { settings: { 'display.spice': true, 'display.spice.port': 6000 } }, hvm),
  set('display.spice.listen', '127.0.0.1', hvm, { 'display.spice': true, 'display.spice.port': 6000 }),
  set('display.spice.port', 6001, hvm, { 'display.spice': true, 'display.spice.port': 6000 }),
  set('display.spice.password', { secret: '${env:VNC}', digest: null }, hvm, {
    'display.spice': true,
    'display.spice.port': 6000,
  }),
  set('serial', 'pty', hvm),
  set('tablet', true, hvm),
  set('sched.weight', 512),
  set('sched.cap', 50),
  set('affinity.hard', '0-1'),
  set('affinity.soft', '0'),
  set('cpupool', 'other'),
  set('on.poweroff', 'restart'),
  set('on.reboot', 'destroy'),
  set('on.crash', 'restart'),
  row('xl', {}, { xl: { localtime: '1' } }, all, 'any key'),
  row('autostart', {}, { autostart: false }),
  row('protect', {}, { protect: true }),
  row('state', { autostart: false }, { state: 'paused' }, all, 'paused'),
  row('state', { autostart: false }, { state: 'stopped' }, all, 'stopped'),
];
