/** `holds`: every condition, met and unmet, with the words a person reads. */
import { describe, expect, test } from 'vitest';
import type { Condition } from '../../../src/core/step.ts';
import { holds } from '../../../src/kinds/server/holds.ts';
import type { ServerSeen } from '../../../src/kinds/server/live.ts';
import type { Domain } from '../../../src/kinds/vm/live.ts';

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
  nics: [{ devid: 0, mac, bridge: 'xenbr0', state: 4 }],
  monitored: true,
  pendingUpdate: null,
};
const server = (domains: readonly Domain[], more: Partial<ServerSeen> = {}): ServerSeen => ({
  is: 'seen',
  host: 'dom1',
  bootId: 'b',
  xen: { major: 4, minor: 17, version: '4.17.5', virtCaps: ['hvm'] },
  cpus: 4,
  memory: { total: 8 * gib, free: 2 * gib, reclaimable: 0 },
  bridges: ['xenbr0'],
  domains,
  records: [
    {
      path: cfg,
      text: '',
      digest: 'aa',
      config: undefined,
      problem: undefined,
      marker: null,
      autostart: ['/etc/xen/auto/web.cfg'],
    },
    {
      path: '/etc/xen/db.cfg',
      text: '',
      digest: 'bb',
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
  server([{ ...domain, nics: [{ devid: 0, mac, bridge, state }] }]);

const wantDisk: Condition = { is: 'disk', uuid, vdev: 'xvda', path: '/dev/vg0/web', access: 'rw' };
const wantNic: Condition = { is: 'nic', uuid, mac: mac.toUpperCase(), bridge: 'xenbr0' };
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
    ['the name is its own', { is: 'name-free', name: 'web', uuid }, up],
    ['memory', memory(gib), up],
    [
      'memory within 1 MiB and 1 %',
      memory(gib),
      server([{ ...domain, memory: { target: gib, actual: gib - 1024 - 10485, max: gib } }]),
    ],
    ['vcpus', { is: 'vcpus', uuid, online: 2 }, up],
    ['vcpus that the guest left off', { is: 'vcpus', uuid, online: 2 }, server([{ ...domain, vcpusUp: 1 }])],
    ['vcpus of a paused guest', { is: 'vcpus', uuid, online: 2 }, server([{ ...domain, state: 'paused', vcpusUp: 3 }])],
    ['disk', wantDisk, up],
    ['a disk of a paused guest waits for it', wantDisk, disk(2, { state: 'paused' })],
    ['no such disk', { is: 'no-disk', uuid, vdev: 'xvdb' }, up],
    ['nic, whatever the case of its MAC', wantNic, up],
    ['a nic that the guest has not brought up', wantNic, nic(2)],
    ['no such nic', { is: 'no-nic', uuid, mac: '02:5a:7c:00:00:02' }, up],
    ['bridge', { is: 'bridge', name: 'xenbr0' }, up],
    ['path', { is: 'path', path: '/k' }, up],
    ['record', { is: 'record', path: cfg, digest: 'aa' }, up],
    ['no record', { is: 'record', path: '/etc/xen/new.cfg', digest: 'absent' }, up],
    ['autostart', { is: 'autostart', path: cfg, on: true }, up],
    ['no autostart', { is: 'autostart', path: '/etc/xen/db.cfg', on: false }, up],
    ['no autostart where there is no cfg', { is: 'autostart', path: '/etc/xen/new.cfg', on: false }, up],
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
    [{ is: 'domain', uuid, state: 'up' }, server([]), `no domain has the UUID ${uuid}`],
    [{ is: 'domain', uuid, state: 'up' }, is('shutdown'), 'domain 5 (web) has shut down and waits to be cleared away'],
    [{ is: 'domain', uuid, state: 'running' }, is('paused'), 'domain 5 (web) is paused'],
    [{ is: 'domain', uuid, state: 'paused' }, up, 'domain 5 (web) is running'],
    [{ is: 'domain', uuid, state: 'ended' }, up, 'domain 5 (web) is running'],
    [{ is: 'name-free', name: 'web', uuid: other }, up, `the name is taken: domain 5 (web) has the UUID ${uuid}`],
    [memory(2 * gib), up, 'the memory target of domain 5 (web) is 1GiB, not 2GiB'],
    [
      memory(gib),
      server([{ ...domain, memory: { target: gib, actual: gib - 1024 - 10486, max: gib } }]),
      'domain 5 (web) has 1037066KiB of memory; its target is 1GiB (does its balloon driver run?)',
    ],
    [{ is: 'vcpus', uuid, online: 3 }, up, 'domain 5 (web) has 2 vCPUs online, not 3'],
    [
      { is: 'vcpus', uuid, online: 2 },
      server([{ ...domain, vcpusUp: 3 }]),
      'domain 5 (web) still runs 3 vCPUs; it was told to run 2 (does its kernel unplug vCPUs?)',
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
      { is: 'nic', uuid, mac, bridge: 'nobr' },
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
    [{ is: 'autostart', path: cfg, on: false }, up, '/etc/xen/web.cfg is still started at boot: /etc/xen/auto/web.cfg'],
    [{ is: 'autostart', path: '/etc/xen/db.cfg', on: true }, up, 'nothing in /etc/xen/auto leads to /etc/xen/db.cfg'],
    [{ is: 'room', kib: 3 * gib }, up, 'the server has 2GiB of memory free; 3GiB are needed'],
  ])('%j', (condition, seen, why) => {
    expect(holds(condition, seen)).toBe(why);
  });
});
