/** `holds`: every condition, met and unmet, with the words a person reads. */
import { noStorage } from '../../../src/kinds/repository/live.ts';
import { describe, expect, test } from 'vitest';
import type { Condition } from '../../../src/core/step.ts';
import { holds } from '../../../src/kinds/server/holds.ts';
import type { ServerSeen } from '../../../src/kinds/server/live.ts';
import type { Domain } from '../../../src/kinds/vm/live.ts';
import { plainNic } from '../../../src/kinds/vm/spec.ts';

const uuid = '11111111-1111-4111-8111-111111111111';
const other = '22222222-2222-4222-8222-222222222222';
const cfg = '/etc/xen/web.cfg';
const mac = '02:5a:7c:00:00:01';
const gib = 1024 ** 2;

const domain: Domain = {
  domid: 5,
  uuid,
  name: 'web',
  type: 'pvh',
  state: 'running',
  vcpus: { online: 2, max: 4 },
  memory: { target: gib, actual: gib, max: 2 * gib },
  boot: { kernel: '/k', ramdisk: null, cmdline: null },
  disks: [{ vdev: 'xvda', path: '/dev/vg0/web', access: 'rw', format: 'raw', backend: 'phy', state: 4 }],
  settings: { 'sched.weight': 512, 'affinity.hard': '0-1' },
  cdroms: { hdc: { path: '/x.iso' }, hdd: { path: '' } },
  nics: [{ ...plainNic, devid: 0, mac, bridge: 'xenbr0', state: 4 }],
  monitored: true,
  qemu: false,
  balloon: true,
  pvDrivers: true,
  pendingUpdate: null,
};
const moves = { operation: null, ofRun: false, doing: 'xl migrate', uuid };
const server = (domains: readonly Domain[], more: Partial<ServerSeen> = {}): ServerSeen => ({
  is: 'seen',
  storage: noStorage,
  host: 'dom1',
  bootId: 'b',
  xen: { major: 4, minor: 17, version: '4.17.5', virtCaps: ['pv', 'hvm', 'hap'] },
  cpus: 4,
  memory: { total: 8 * gib, free: 2 * gib, reclaimable: 0 },
  scheduler: 'credit2',
  bridges: ['xenbr0', 'br1.5'],
  ovs: ['ovs0'],
  cpupools: ['Pool-0', 'fast'],
  qemu: true,
  xendomains: null,
  domains,
  records: [
    {
      path: cfg,
      text: '',
      digest: 'aa',
      exact: 'aa',
      config: undefined,
      problem: undefined,
      marker: null,
      autostart: ['/etc/xen/auto/web.cfg'],
    },
    {
      path: '/etc/xen/db.cfg',
      text: '',
      digest: 'bb',
      exact: 'bb',
      config: undefined,
      problem: undefined,
      marker: null,
      autostart: [],
    },
  ],
  paths: { '/k': 'there', '/gone': 'missing', '/nfs/k': 'unknown' },
  monitors: [],
  problems: [],
  ...more,
});
const up = server([domain]);
const is = (state: Domain['state']): ServerSeen => server([{ ...domain, state }]);
const disk = (state: number, more: Partial<Domain> = {}): ServerSeen =>
  server([{ ...domain, ...more, disks: domain.disks.map((d) => ({ ...d, state })) }]);
const nic = (state: number, bridge: string | null = 'xenbr0'): ServerSeen =>
  server([{ ...domain, nics: [{ ...plainNic, devid: 0, mac, bridge, state }] }]);
const caps = (...virtCaps: string[]): ServerSeen => server([], { xen: { ...server([]).xen, virtCaps } });
const set = (settings: Domain['settings']): ServerSeen => server([{ ...domain, settings }]);

const wantLink = { is: 'autostart', path: cfg, link: '/etc/xen/auto/web.cfg', via: null, gone: [] } as const;
const wantDisk = { is: 'disk', uuid, vdev: 'xvda', path: '/dev/vg0/web', access: 'rw', format: 'raw' } as const;
const wantNic = { is: 'nic', uuid, mac: mac.toUpperCase(), bridge: 'xenbr0', rate: null, script: null } as const;
const memory = (kib: number): Condition => ({ is: 'memory', uuid, kib });

describe('a condition that holds', () => {
  test.each<[string, Condition, ServerSeen]>([
    ['a domain that is gone', { is: 'domain', uuid, state: 'gone' }, server([])],
    ['a running domain is up', { is: 'domain', uuid, state: 'up' }, up],
    ['a paused domain is up', { is: 'domain', uuid, state: 'up' }, is('paused')],
    ['running', { is: 'domain', uuid, state: 'running' }, up],
    ['paused', { is: 'domain', uuid, state: 'paused' }, is('paused')],
    ['a crashed domain has ended', { is: 'domain', uuid, state: 'ended' }, is('crashed')],
    ['a shut-down domain has ended', { is: 'domain', uuid, state: 'ended' }, is('shutdown')],
    ['a crashed domain is down', { is: 'domain', uuid, state: 'down' }, is('crashed')],
    ['a domain that is there in part runs no more', { is: 'domain', uuid, state: 'over' }, is('dying')],
    ['a domain that is gone is down', { is: 'domain', uuid, state: 'down' }, server([])],
    ['weight, and the cap that Xen gives', { is: 'sched', uuid, weight: 512, cap: 0 }, up],
    ['affinity', { is: 'affinity', uuid, hard: '0-1', soft: 'all' }, up],
    [
      'an affinity of all CPUs',
      { is: 'affinity', uuid, hard: '0-3', soft: '0-3' },
      set({ 'affinity.hard': 'all', 'affinity.soft': '0-3' }),
    ],
    [
      'an affinity of the only CPU',
      { is: 'affinity', uuid, hard: '0', soft: 'all' },
      server([{ ...domain, settings: {} }], { cpus: 1 }),
    ],
    ['features that were not told', { is: 'features', names: ['avx'] }, up],
    ['features', { is: 'features', names: ['avx'] }, server([], { features: ['aes', 'avx'] })],
    ['cpupool', { is: 'cpupool', uuid, pool: 'Pool-0' }, up],
    ['another cpupool', { is: 'cpupool', uuid, pool: 'fast' }, set({ cpupool: 'fast' })],
    ['a cpupool that the server has', { is: 'has-cpupool', name: 'fast' }, up],
    ['cpupools that were not told', { is: 'has-cpupool', name: 'fast' }, server([], { cpupools: [] })],
    ['named', { is: 'named', uuid, name: 'web' }, up],
    ['a medium', { is: 'cd', uuid, vdev: 'hdc', path: '/x.iso' }, up],
    ['an empty drive', { is: 'cd', uuid, vdev: 'hdd', path: null }, up],
    ['pv runs', { is: 'runs', type: 'pv' }, up],
    ['hvm runs', { is: 'runs', type: 'hvm' }, up],
    ['pvh runs with shadow paging', { is: 'runs', type: 'pvh' }, caps('hvm', 'shadow')],
    ['an old Xen does not tell all', { is: 'runs', type: 'hvm' }, caps('hvm', 'hvm_directio')],
    ['an old Xen runs pv', { is: 'runs', type: 'pv' }, caps('hvm')],
    ['what was not told', { is: 'runs', type: 'hvm' }, caps()],
    ['a QEMU is there', { is: 'has-qemu' }, up],
    ['a QEMU may be there', { is: 'has-qemu' }, server([], { qemu: undefined })],
    ['a QEMU serves it', { is: 'qemu', uuid }, server([{ ...domain, qemu: true }])],
    ['nothing moves it', { is: 'at-rest', uuid }, server([domain], { underWay: [{ ...moves, uuid: other }] })],
    ['no memory of it is kept', { is: 'unsaved', name: 'web' }, { ...up, saved: ['/var/lib/xen/save/web2'] }],
    ['the name is its own', { is: 'name-free', name: 'web', uuid }, up],
    ['memory', memory(gib), up],
    [
      'memory within 1 MiB and 1 %',
      memory(gib),
      server([{ ...domain, memory: { target: gib, actual: gib - 1024 - 10485, max: gib } }]),
    ],
    [
      'memory of HVM, whose balloon leaves the video RAM out',
      memory(gib),
      server([{ ...domain, type: 'hvm', memory: { target: gib, actual: gib - 8192 - 10485, max: gib } }]),
    ],
    ['vcpus', { is: 'vcpus', uuid, online: 2 }, up],
    [
      'vcpus of a paused guest, as it was told',
      { is: 'vcpus', uuid, online: 3 },
      server([{ ...domain, state: 'paused', vcpusAsked: 3 }]),
    ],
    [
      'memory of a paused guest, as it was told',
      memory(gib),
      server([{ ...domain, state: 'paused', memory: { target: gib, actual: 2 * gib, max: 2 * gib } }]),
    ],
    ['disk', wantDisk, up],
    ['a disk of a paused guest waits for it', wantDisk, disk(2, { state: 'paused' })],
    ['no such disk', { is: 'no-disk', uuid, vdev: 'xvdb' }, up],
    ['nic, whatever the case of its MAC', wantNic, up],
    ['a nic that the guest has not brought up', wantNic, nic(2)],
    ['no such nic', { is: 'no-nic', uuid, mac: '02:5a:7c:00:00:02' }, up],
    ['bridge', { is: 'bridge', name: 'xenbr0' }, up],
    ['a bridge with a dot', { is: 'bridge', name: 'br1.5' }, up],
    ['an Open vSwitch bridge', { is: 'bridge', name: 'ovs0' }, up],
    ['a VLAN of an Open vSwitch bridge', { is: 'bridge', name: 'ovs0.20' }, up],
    ['trunks of an Open vSwitch bridge', { is: 'bridge', name: 'ovs0.20:30:40' }, up],
    ['trunks for the script of Open vSwitch', { is: 'bridge', name: 'ovs0:20:30', script: 'vif-openvswitch' }, up],
    ['a Linux bridge for its script', { is: 'bridge', name: 'br1.5', script: 'vif-bridge' }, up],
    ['a VLAN for a script that nobody knows', { is: 'bridge', name: 'ovs0.20', script: 'vif-own' }, up],
    ['a nic that waits on a VLAN', { ...wantNic, bridge: 'ovs0.20' }, nic(2, 'ovs0.20')],
    ['path', { is: 'path', path: '/k' }, up],
    ['record', { is: 'record', path: cfg, digest: 'aa' }, up],
    ['no record', { is: 'record', path: '/etc/xen/new.cfg', digest: 'absent' }, up],
    ['autostart', { ...wantLink, gone: ['/etc/xen/auto/old.cfg'] }, up],
    ['no autostart', { is: 'no-autostart', path: '/etc/xen/db.cfg' }, up],
    ['no autostart where there is no cfg', { is: 'no-autostart', path: '/etc/xen/new.cfg' }, up],
    ['a cfg for the next reboot', { is: 'given', uuid, digest: 'bb' }, server([{ ...domain, pendingUpdate: 'bb' }])],
    ['room', { is: 'room', kib: 2 * gib }, up],
    [
      'room that xl takes from dom0',
      { is: 'room', kib: 3 * gib },
      server([], { memory: { total: 8 * gib, free: 2 * gib, reclaimable: gib } }),
    ],
  ])('%s', (_, condition, seen) => {
    expect(holds(condition, seen)).toBe(true);
  });
});

describe('a condition that does not hold says why', () => {
  test.each<[Condition, ServerSeen, string]>([
    [{ is: 'domain', uuid, state: 'gone' }, is('dying'), 'domain 5 (web) is still there: it is being taken down'],
    [{ is: 'domain', uuid, state: 'down' }, up, 'domain 5 (web) is still there: it is running'],
    [{ is: 'domain', uuid, state: 'over' }, up, 'domain 5 (web) is still there: it is running'],
    [{ is: 'sched', uuid, weight: 256, cap: 0 }, up, 'the weight of domain 5 (web) is 512, not 256'],
    [{ is: 'sched', uuid, weight: 512, cap: 50 }, up, 'the cap of domain 5 (web) is 0, not 50'],
    [{ is: 'affinity', uuid, hard: '0-2', soft: 'all' }, up, 'the affinity of domain 5 (web) is 0-1, not 0-2'],
    [{ is: 'affinity', uuid, hard: '0-1', soft: '2' }, up, 'the soft affinity of domain 5 (web) is all, not 2'],
    [{ is: 'cpupool', uuid, pool: 'fast' }, up, 'domain 5 (web) is in cpupool Pool-0, not in fast'],
    [{ is: 'has-cpupool', name: 'slow' }, up, 'the server has no cpupool slow; it has Pool-0, fast'],
    [{ is: 'named', uuid, name: 'web-1' }, up, 'domain 5 (web) is not called web-1'],
    [{ is: 'cd', uuid, vdev: 'hdb', path: null }, up, 'domain 5 (web) has no CD drive hdb'],
    [
      { is: 'cd', uuid, vdev: 'hdc', path: null },
      up,
      'the CD drive hdc of domain 5 (web) is holding /x.iso, not empty',
    ],
    [
      { is: 'cd', uuid, vdev: 'hdd', path: '/x.iso' },
      up,
      'the CD drive hdd of domain 5 (web) is empty, not holding /x.iso',
    ],
    [
      { is: 'features', names: ['aes', 'avx', 'avx2'] },
      server([], { features: ['aes'] }),
      "the server's CPU is without avx, avx2, which the VM may use",
    ],
    [{ is: 'runs', type: 'pv' }, caps('hvm', 'hap'), 'the server runs no pv guests (virt_caps: hvm hap)'],
    [{ is: 'runs', type: 'pvh' }, caps('pv'), 'the server runs no pvh guests (virt_caps: pv)'],
    [{ is: 'runs', type: 'hvm' }, caps('pv', 'hvm'), 'the server runs no hvm guests (virt_caps: pv hvm)'],
    [{ is: 'has-qemu' }, server([], { qemu: false }), 'the server has no QEMU for Xen (Debian: qemu-system-xen)'],
    [{ is: 'qemu', uuid }, up, 'domain 5 (web) runs without a QEMU, which it can be given at a start only'],
    [{ is: 'bridge', name: 'br1.6' }, up, 'the server has no bridge br1.6'],
    [{ is: 'bridge', name: 'ovs0.20', script: 'vif-bridge' }, up, 'the server has no bridge ovs0.20'],
    [{ is: 'bridge', name: 'ovs0', script: 'vif-bridge' }, up, 'the server has no bridge ovs0'],
    [{ is: 'bridge', name: 'br1.5', script: 'vif-openvswitch' }, up, 'the server has no bridge br1.5'],
    [{ is: 'domain', uuid, state: 'up' }, server([]), `no domain has the UUID ${uuid}`],
    [{ is: 'domain', uuid, state: 'up' }, is('shutdown'), 'domain 5 (web) has shut down and waits to be cleared away'],
    [{ is: 'domain', uuid, state: 'running' }, is('paused'), 'domain 5 (web) is paused'],
    [{ is: 'domain', uuid, state: 'paused' }, up, 'domain 5 (web) is running'],
    [{ is: 'domain', uuid, state: 'ended' }, up, 'domain 5 (web) is running'],
    [{ is: 'at-rest', uuid }, server([domain], { underWay: [moves] }), 'xl migrate still moves it'],
    [
      { is: 'at-rest', uuid },
      server([domain], { underWay: null }),
      'nobody can tell whether something moves it: the processes could not be read',
    ],
    [
      { is: 'unsaved', name: 'web' },
      { ...up, saved: ['/s/web'] },
      'its memory lies in /s/web, and it would boot beside that',
    ],
    [{ is: 'name-free', name: 'web', uuid: other }, up, `the name is taken: domain 5 (web) has the UUID ${uuid}`],
    [memory(2 * gib), up, 'the memory target of domain 5 (web) is 1GiB, not 2GiB'],
    [
      memory(gib),
      server([{ ...domain, memory: { target: gib, actual: gib - 1024 - 10486, max: gib } }]),
      'domain 5 (web) has 1037066KiB of memory; its target is 1GiB (does its balloon driver run?)',
    ],
    [
      memory(gib),
      server([{ ...domain, type: 'hvm', memory: { target: gib, actual: gib + 16384, max: 2 * gib } }]),
      'domain 5 (web) has 1040MiB of memory; its target is 1GiB (does its balloon driver run?)',
    ],
    [{ is: 'vcpus', uuid, online: 3 }, up, 'domain 5 (web) has 2 vCPUs online, not 3'],
    [
      { is: 'vcpus', uuid, online: 2 },
      server([{ ...domain, vcpus: { online: 3, max: 4 }, vcpusAsked: 2 }]),
      'domain 5 (web) runs 3 vCPUs; it was told to run 2 (does its kernel unplug vCPUs?)',
    ],
    [
      { is: 'vcpus', uuid, online: 3 },
      server([{ ...domain, vcpusAsked: 3 }]),
      'domain 5 (web) runs 2 vCPUs; it was told to run 3 (does its kernel start what is plugged?)',
    ],
    [
      { is: 'vcpus', uuid, online: 2 },
      server([{ ...domain, state: 'paused', vcpusAsked: 3 }]),
      'domain 5 (web) is paused, and is to run 3 vCPUs, not 2',
    ],
    [{ ...wantDisk, vdev: 'xvdb' }, up, 'domain 5 (web) has no disk xvdb'],
    [{ ...wantDisk, path: '/x' }, up, 'the disk xvda of domain 5 (web) is /dev/vg0/web, not /x'],
    [{ ...wantDisk, access: 'ro' }, up, 'the disk xvda of domain 5 (web) is rw, not ro'],
    [
      wantDisk,
      disk(1),
      'the disk xvda of domain 5 (web) is not connected: its backend is in state 1, not 4 (connected)',
    ],
    [
      wantDisk,
      disk(2),
      'the disk xvda of domain 5 (web) is not connected: its backend is in state 2, not 4 (connected)',
    ],
    [
      wantDisk,
      disk(1, { state: 'paused' }),
      'the disk xvda of domain 5 (web) is not connected: its backend is in state 1, not 4 (connected)',
    ],
    [{ is: 'no-disk', uuid, vdev: 'xvda' }, up, 'domain 5 (web) has a disk xvda: /dev/vg0/web'],
    [{ ...wantNic, mac: '02:00:00:00:00:09' }, up, 'domain 5 (web) has no vif with the MAC 02:00:00:00:00:09'],
    [wantNic, nic(4, 'other'), `the vif ${mac.toUpperCase()} of domain 5 (web) hangs on other, not on xenbr0`],
    [wantNic, nic(4, null), `the vif ${mac.toUpperCase()} of domain 5 (web) hangs on no bridge, not on xenbr0`],
    [wantNic, nic(0), `the vif ${mac.toUpperCase()} of domain 5 (web) is not connected: it has no backend`],
    [
      wantNic,
      nic(6),
      `the vif ${mac.toUpperCase()} of domain 5 (web) is not connected: its backend is in state 6, not 4 (connected)`,
    ],
    [
      { is: 'nic', uuid, mac, bridge: 'nobr', rate: null, script: null },
      nic(2, 'nobr'),
      `the vif ${mac} of domain 5 (web) is not connected: its backend is in state 2, not 4 (connected)`,
    ],
    [{ is: 'no-nic', uuid, mac }, up, `domain 5 (web) has a vif with the MAC ${mac}`],
    [{ is: 'bridge', name: 'nobr' }, up, 'the server has no bridge nobr'],
    [{ is: 'path', path: '/gone' }, up, '/gone is not on the server'],
    [
      { is: 'path', path: '/nfs/k' },
      up,
      '/nfs/k could not be looked at: the server took too long over it (a dead NFS server?)',
    ],
    [{ is: 'path', path: '/else' }, up, '/else was not looked at'],
    [{ is: 'record', path: cfg, digest: 'absent' }, up, '/etc/xen/web.cfg is there'],
    [{ is: 'record', path: '/etc/xen/new.cfg', digest: 'aa' }, up, '/etc/xen/new.cfg is not there'],
    [
      { is: 'record', path: cfg, digest: 'cc' },
      up,
      '/etc/xen/web.cfg is not what was expected: it was edited meanwhile',
    ],
    [{ is: 'no-autostart', path: cfg }, up, '/etc/xen/web.cfg is still started at boot: /etc/xen/auto/web.cfg'],
    [{ ...wantLink, path: '/etc/xen/db.cfg' }, up, '/etc/xen/auto/web.cfg does not lead to /etc/xen/db.cfg'],
    [
      { ...wantLink, link: '/etc/xen/auto/01-web.cfg' },
      up,
      '/etc/xen/auto/01-web.cfg does not lead to /etc/xen/web.cfg',
    ],
    [{ ...wantLink, via: '/srv/s' }, up, '/etc/xen/auto/web.cfg does not lead over /srv/s to /etc/xen/web.cfg'],
    [{ ...wantLink, gone: [wantLink.link] }, up, '/etc/xen/auto/web.cfg still leads to /etc/xen/web.cfg'],
    [{ is: 'given', uuid, digest: 'bb' }, up, 'domain 5 (web) was not given the new cfg for its next reboot'],
    [{ ...wantDisk, format: 'qcow2' }, up, 'the disk xvda of domain 5 (web) is raw, not qcow2'],
    [
      { ...wantNic, mac, rate: '1250000B/s@50000us' },
      up,
      'the vif 02:5a:7c:00:00:01 of domain 5 (web) has no rate, not 1250000B/s@50000us',
    ],
    [
      { ...wantNic, mac, script: 'vif-route' },
      up,
      'the vif 02:5a:7c:00:00:01 of domain 5 (web) was set up by no script, not by vif-route',
    ],
    [{ is: 'room', kib: 3 * gib }, up, 'the server has 2GiB of memory free; 3GiB are needed'],
  ])('%j', (condition, seen, why) => {
    expect(holds(condition, seen)).toBe(why);
  });
});
