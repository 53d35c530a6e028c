/** A plan with every kind of operation, and one that makes and changes VMs of all three types. */
import { absent, value } from '../../../src/core/change.ts';
import type { Operation, Plan } from '../../../src/kinds/plan.ts';
import type { CfgDraft, VmOp } from '../../../src/kinds/vm/ops.ts';
import { plainDisk, plainNic, type VmConfig } from '../../../src/kinds/vm/spec.ts';
import { restart } from '../../../src/kinds/vm/way.ts';
import { base, change, draft, empty, operation, vm } from './plans.ts';

const MiB = 1024;

const draftOf = (key: string, config: Partial<VmConfig>): CfgDraft => {
  const d = draft(key, 1);
  return { ...d, config: { ...d.config, extra: [], ...config } };
};

const hvm = draftOf('win-1', {
  type: 'hvm',
  vcpus: { count: 2, max: 2 },
  memory: { target: 4096 * MiB, max: 4096 * MiB },
  boot: { kernel: null, ramdisk: null, cmdline: null },
  settings: {
    'boot.firmware': 'uefi',
    'boot.order': ['disk', 'cdrom'],
    'display.vnc.port': 5905,
    'display.vnc.password': { secret: '${env:WIN_VNC}', digest: null },
    tablet: true,
    'sched.weight': 512,
    'sched.cap': 150,
    'affinity.hard': '0-3',
    'affinity.soft': '2,3',
    cpupool: 'batch',
    'on.crash': 'preserve',
  },
  disks: {
    xvda: { ...plainDisk, path: '/dev/vg0/win-1' },
    xvdb: { ...plainDisk, path: '/srv/data.qcow2', format: 'qcow2', backend: 'qdisk', shared: true },
  },
  cdroms: { hdc: { path: '/srv/iso/win.iso' }, hdd: { path: '' } },
  nics: [
    { ...plainNic, mac: '02:5a:7c:00:00:01', bridge: 'ovs0.20', script: 'vif-openvswitch' },
    { ...plainNic, mac: '02:5a:7c:00:00:02', bridge: 'xenbr1', vlan: 30, rate: '1250000B/s@20000us', model: 'e1000' },
  ],
  extra: [
    { key: 'pci', value: ['01:00.0', '02:00.0,msitranslate=1'] },
    { key: 'viridian', value: '1' },
  ],
});

const pv = draftOf('app-1', {
  type: 'pv',
  boot: { kernel: null, ramdisk: null, cmdline: 'ro quiet' },
  settings: { 'boot.bootloader': 'pygrub' },
  nics: [],
});

/** One of each: the compiler names what is missing. */
const each: { readonly [V in VmOp['verb']]: Omit<Extract<VmOp, { verb: V }>, 'vm' | 'server' | 'uuid' | 'name'> } = {
  define: {
    verb: 'define',
    record: { ...hvm, from: { path: '/etc/xen/win-0.cfg', digest: 'd4'.repeat(32) } },
    update: true,
  },
  autostart: {
    verb: 'autostart',
    via: null,
    path: '/etc/xen/win-1.cfg',
    on: true,
    link: '/etc/xen/auto/02-win-1.cfg',
    links: ['/etc/xen/auto/win-1.cfg'],
  },
  start: { verb: 'start', lease: null, path: '/etc/xen/win-1.cfg', paused: false, clear: true, config: hvm.config },
  stop: { verb: 'stop', ended: false, lease: null, volumes: [], deadlineMs: 120_000, force: true },
  restart: { verb: 'restart', lease: null, record: hvm, write: true, deadlineMs: 120_000, force: false, copies: [] },
  migrate: {
    verb: 'migrate',
    peer: 'dom02',
    address: '10.77.0.2',
    key: null,
    config: hvm.config,
    leaves: { path: '/etc/xen/win-1.cfg', digest: 'd4'.repeat(32), links: ['/etc/xen/auto/win-1.cfg'] },
  },
  unlease: {
    verb: 'unlease',
    folder: '/srv/old',
    lease: { path: '/srv/old/leases/win-1.json', digest: 'd7'.repeat(32) },
  },
  discard: { verb: 'discard', home: 'dom02' },
  'drop-image': { verb: 'drop-image', file: '/srv/vmstore/suspended/UUID.save' },
  activate: { verb: 'activate', folder: '/dev/vg0', paths: ['/dev/vg0/win'], lease: null },
  deactivate: {
    verb: 'deactivate',
    folder: '/dev/vg0',
    paths: ['/dev/vg0/win'],
    lease: { path: '/dev/vg0/win', digest: 'd6'.repeat(32) },
  },
  settle: {
    verb: 'settle',
    path: '/etc/xen/win-1.cfg',
    lease: null,
    link: '/etc/xen/auto/win-1.cfg',
    via: null,
    update: true,
  },
  suspend: {
    verb: 'suspend',
    file: '/srv/vmstore/suspended/win-1.save',
    folder: '/srv/vmstore',
    farm: 'acme',
    repository: 'vmstore',
    config: hvm.config,
    leaves: null,
  },
  resume: {
    verb: 'resume',
    file: '/srv/vmstore/suspended/win-1.save',
    path: '/etc/xen/win-1.cfg',
    config: hvm.config,
    lease: null,
  },
  pause: { verb: 'pause' },
  unpause: { verb: 'unpause', saved: '/srv/vmstore/suspended/win-1.save' },
  'set-memory': { verb: 'set-memory', kib: 512 * MiB, from: 256 * MiB },
  'set-vcpus': { verb: 'set-vcpus', count: 2, from: 1 },
  'set-sched': { verb: 'set-sched', weight: 512, cap: 50, scheduler: 'credit2' },
  'set-affinity': { verb: 'set-affinity', hard: '0-3,7', soft: 'all' },
  'set-cpupool': { verb: 'set-cpupool', pool: 'batch', from: 'Pool-0' },
  rename: { verb: 'rename', to: 'win-2' },
  'change-cd': { verb: 'change-cd', vdev: 'hdc', path: null, from: '/srv/iso/win.iso' },
  ready: { verb: 'ready', ready: { host: '10.1.2.3', port: 443, from: 'dom0', withinMs: 60_000 } },
  'make-disk': {
    verb: 'make-disk',
    from: null,
    vdev: 'xvde',
    path: '/srv/vmstore/disks/win-1-xvde-1a2b3c4d.qcow2',
    farm: 'acme',
    repository: 'vmstore',
    folder: '/srv/vmstore',
    size: 20 * 1024 ** 2,
    format: 'qcow2',
  },
  'make-seed': {
    verb: 'make-seed',
    vdev: 'xvdz',
    path: '/srv/vmstore/disks/win-1-seed-1a2b3c4d.iso',
    farm: 'acme',
    repository: 'vmstore',
    folder: '/srv/vmstore',
    seed: { userData: { inline: true }, metaData: null, networkConfig: { secret: '${file:net}' } },
  },
  'adopt-disk': {
    verb: 'adopt-disk',
    vdev: 'xvdg',
    path: '/dev/vg0/old',
    farm: 'acme',
    repository: 'vg0',
    folder: '/dev/vg0',
    size: 20 * 1024 ** 2,
    format: 'raw',
    was: {
      format: 1,
      farm: 'acme',
      vm: 'old',
      uuid: '2f1c5c0e-7d1b-5e0a-8c55-0a1b2c3d4e5f',
      vdev: 'xvda',
      size: 20 * 1024 ** 2,
      as: 'raw',
    },
  },
  'grow-disk': {
    verb: 'grow-disk',
    vdev: 'xvdf',
    path: '/srv/vmstore/disks/win-1-xvdf-1a2b3c4d.raw',
    farm: 'acme',
    repository: 'vmstore',
    folder: '/srv/vmstore',
    from: 20 * 1024 ** 2,
    size: 30 * 1024 ** 2,
    format: 'raw',
  },
  'attach-disk': { verb: 'attach-disk', vdev: 'xvdc', disk: { ...plainDisk, path: '/dev/vg0/x', backend: 'phy' } },
  'detach-disk': { verb: 'detach-disk', vdev: 'xvdd', path: '/dev/vg0/y' },
  'attach-nic': {
    verb: 'attach-nic',
    nic: 'eth1',
    mac: '02:5a:7c:00:00:02',
    bridge: 'xenbr0',
    device: { ...plainNic, mac: '02:5a:7c:00:00:02', bridge: 'xenbr0', rate: '1250000B/s@50000us' },
  },
  'detach-nic': { verb: 'detach-nic', nic: 'eth2', mac: '02:5a:7c:00:00:03' },
  'move-nic': { verb: 'move-nic', nic: 'eth0', mac: '02:5a:7c:00:00:01', bridge: 'xenbr1', from: null },
  release: { verb: 'release', path: '/etc/xen/win-1.cfg', digest: 'c3'.repeat(32) },
  forget: {
    verb: 'forget',
    path: '/etc/xen/win-1.cfg',
    digest: 'c3'.repeat(32),
    links: ['/etc/xen/auto/win-1.cfg'],
    volumes: ['/dev/lun0/win-1'],
    beside: false,
  },
  undefine: { verb: 'undefine', path: '/etc/xen/win-1.cfg', digest: 'c3'.repeat(32), links: [] },
};

const everything = Object.values(each).map((op) => operation({ ...base('win-1', 'dom01'), ...op }, 'none', []));

/** No plan of a real farm; but a file may hold any of it. */
export const everyVerb: Plan = {
  ...empty,
  vms: [vm('win-1', { action: 'update', operations: everything.map((o) => o.id) })],
  operations: everything,
};

const made = (record: CfgDraft, needs: readonly string[] = []): readonly Operation[] => {
  const key = record.marker.vm;
  const on = base(key, 'dom02');
  const { path, config } = record;
  return [
    operation({ ...on, verb: 'define', record, update: false }, 'none', []),
    operation(
      { ...on, verb: 'start', lease: null, path, paused: false, clear: false, config },
      'none',
      [],
      [`${key}/define`, ...needs],
    ),
  ];
};

const ready = operation(
  { ...base('app-1', 'dom02'), verb: 'ready', ready: { host: 'fd00::7', port: 443, from: 'here', withinMs: 60_000 } },
  'none',
  [],
  ['app-1/start'],
);

const fresh = { have: { applied: absent, configured: absent, running: absent } };
const moved = 'it is read when the VM starts';
const later = { fate: 'defer', way: null, ways: [restart(moved)] } as const;
const now = (how: 'rename' | 'set-sched' | 'set-affinity' | 'set-cpupool' | 'change-cd') => {
  const way = { how, disruption: 'live', why: 'while it runs' } as const;
  return { way, ways: [way] };
};
const nic = { mac: '02:5a:7c:00:00:01', bridge: 'xenbr0' };

const live = (['rename', 'set-sched', 'change-cd', 'set-affinity', 'set-cpupool'] as const).map((verb) =>
  operation({ ...base('web', 'dom01'), ...each[verb] }, 'live', []),
);

const release = operation({ ...base('old', 'dom01'), ...each.release }, 'none', ['write /etc/xen/old.cfg']);

/** VMs of all types are made, and all that can change does. */
export const whole: Plan = {
  ...empty,
  vms: [
    vm('app-1', {
      server: 'dom02',
      action: 'create',
      operations: ['app-1/define', 'app-1/start', 'app-1/ready'],
      changes: [change('state', undefined, 'running', fresh)],
    }),
    vm('old', { action: 'release', operations: [release.id] }),
    vm('web', {
      name: 'new',
      action: 'update',
      disruption: 'live',
      operations: live.map((o) => o.id),
      changes: [
        change('name', 'old', 'new', now('rename')),
        change('sched.weight', 256, 512, now('set-sched')),
        change('sched.cap', 0, 50, now('set-sched')),
        change('affinity.hard', 'all', '0-3', now('set-affinity')),
        change('cpupool', 'Pool-0', 'batch', now('set-cpupool')),
        change('cdrom.hdc', { path: '/srv/iso/a b.iso' }, { path: '' }, now('change-cd')),
        change('cdrom.hdd', undefined, { path: '' }, later),
        change('boot.order', ['disk', 'cdrom'], ['network', 'disk'], later),
        change('display.vnc', false, true, later),
        change('display.vnc.port', undefined, 5905, later),
        change('display.vnc.password', 'another password', '${env:WIN_VNC}', {
          ...later,
          have: {
            applied: value('${env:WIN_VNC}'),
            configured: value('another password'),
            running: value('${env:WIN_VNC}'),
          },
          cause: 'drift-configured',
        }),
        change('nics.eth0', nic, { ...nic, rate: '160B/s@50000us', model: 'e1000' }, later),
        change(
          'disks.xvdb',
          { path: '/srv/d.img', access: 'rw', format: 'raw' },
          {
            path: '/srv/d.img',
            access: 'rw',
            format: 'qcow2',
          },
          later,
        ),
        change('xl.viridian', undefined, '1', later),
        change('xl.pci', ['01:00.0'], ['01:00.0', '02:00.0'], later),
        change('autostart.link', undefined, '/etc/xen/auto/02-new.cfg', {
          have: {
            applied: value('/etc/xen/auto/02-new.cfg'),
            configured: value('/etc/xen/auto/new.cfg'),
            running: value('/etc/xen/auto/02-new.cfg'),
          },
          cause: 'drift-configured',
        }),
      ],
    }),
    vm('win-1', {
      server: 'dom02',
      action: 'create',
      operations: ['win-1/define', 'win-1/start'],
      changes: [change('state', undefined, 'running', fresh)],
    }),
  ],
  operations: [...live, release, ...made(pv), ready, ...made(hvm, ['app-1/ready'])],
  bound: 11,
};
