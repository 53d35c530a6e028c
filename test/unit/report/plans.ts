/** Plans as `makePlan` would make them, built by hand: what the reports are shown. */
import { defaultOptions } from '../../../src/plan/index.ts';
import { type Seen, absent, value } from '../../../src/core/change.ts';
import type { Operation, Plan, PlanChange, PlanVm } from '../../../src/kinds/plan.ts';
import { estimateOf, idOf, reasonOf } from '../../../src/kinds/vm/describe.ts';
import type { CfgDraft, VmOp } from '../../../src/kinds/vm/ops.ts';
import { plainDisk, plainNic } from '../../../src/kinds/vm/spec.ts';
import { configure } from '../../../src/kinds/vm/way.ts';

const MiB = 1024;
const GiB = 1024 * MiB;
const sha = `sha256:${'a1'.repeat(32)}`;

export const empty: Plan = {
  format: 'reeve-plan/1',
  tool: '0.1.0',
  farm: 'acme',
  options: defaultOptions,
  desired: sha,
  touched: [],
  scope: [],
  servers: [],
  dom0s: [],
  fences: [],
  lanes: [],
  repositories: [],
  images: [],
  vms: [],
  operations: [],
  refused: [],
  unmanaged: [],
  unreadable: [],
  warnings: [],
  counted: { servers: 3, vms: 50 },
  bound: 0,
};

export const uuid = '6d3c9b1e-0f6a-5b7e-9c41-2f8d5a7b1c02';

export const draft = (vm: string, generation: number): CfgDraft => ({
  path: `/etc/xen/${vm}.cfg`,
  marker: {
    farm: 'acme',
    vm,
    uuid,
    home: 'dom02',
    generation,
    origin: 'created',
    protect: false,
    macs: { eth0: '02:5a:7c:00:00:01', eth1: '02:5a:7c:00:00:02' },
    applied: { 'memory.target': GiB },
    by: '0.1.0',
  },
  config: {
    name: vm,
    uuid,
    type: 'pvh',
    vcpus: { count: 2, max: 4 },
    memory: { target: GiB, max: 2 * GiB },
    boot: { kernel: '/srv/guest/vmlinuz', ramdisk: '/srv/guest/initrd.gz', cmdline: 'console=hvc0 quiet' },
    settings: {},
    disks: {
      xvda: { ...plainDisk, path: `/dev/vg0/${vm}` },
      xvdb: { ...plainDisk, path: '/srv/iso/tools.img', access: 'ro' },
    },
    cdroms: {},
    nics: [
      { ...plainNic, mac: '02:5a:7c:00:00:01', bridge: 'xenbr0' },
      { ...plainNic, mac: '02:5a:7c:00:00:02', bridge: 'xenbr1', rate: '1250000B/s@50000us' },
    ],
    extra: [{ key: 'localtime', value: '1' }],
  },
  replaces: generation === 1 ? 'absent' : 'b2'.repeat(32),
  from: null,
});

export const base = (vm: string, server: string) => ({ vm: { kind: 'vm', name: vm } as const, server, uuid, name: vm });

export const operation = (
  op: VmOp,
  disruption: Operation['disruption'],
  commands: readonly string[],
  needs: readonly string[] = [],
): Operation => ({
  id: idOf(op),
  op,
  target: op.vm,
  server: op.server,
  needs,
  lane: null,
  before: null,
  disruption,
  reason: reasonOf(op),
  estimate: estimateOf(op),
  commands,
});

export const change = (field: string, from: unknown, to: unknown, more: Partial<PlanChange> = {}): PlanChange => {
  const s = (v: unknown): Seen<unknown> => (v === undefined ? absent : value(v));
  return {
    field,
    want: s(to),
    have: { applied: s(from), configured: s(from), running: s(from) },
    cause: 'config',
    fate: 'take',
    way: configure,
    ways: [configure],
    ...more,
  };
};

export const vm = (name: string, more: Partial<PlanVm>): PlanVm => ({
  subject: { kind: 'vm', name },
  name,
  server: 'dom01',
  to: null,
  action: 'none',
  disruption: 'none',
  changes: [],
  operations: [],
  placed: null,
  ...more,
});

const start = { how: 'start', disruption: 'none', why: 'it is not running' } as const;
const setMemory = {
  how: 'set-memory',
  disruption: 'live',
  why: 'the balloon driver moves it while the VM runs',
} as const;
const restart = { how: 'restart', disruption: 'restart', why: 'it is read when the VM starts' } as const;
const fixedMax = { ...restart, why: 'the memory maximum is fixed when a VM starts' };
const detach = { how: 'detach-disk', disruption: 'device', why: 'the disk goes away under the running VM' } as const;

const created: readonly Operation[] = [
  operation({ ...base('web-4', 'dom02'), verb: 'define', record: draft('web-4', 1), update: false }, 'none', [
    'write /etc/xen/web-4.cfg',
  ]),
  operation(
    {
      ...base('web-4', 'dom02'),
      verb: 'autostart',
      via: null,
      path: '/etc/xen/web-4.cfg',
      on: true,
      link: '/etc/xen/auto/web-4.cfg',
      links: [],
    },
    'none',
    ['ln -s /etc/xen/web-4.cfg /etc/xen/auto/web-4.cfg'],
    ['web-4/define'],
  ),
  operation(
    {
      ...base('web-4', 'dom02'),
      verb: 'start',
      lease: null,
      path: '/etc/xen/web-4.cfg',
      paused: false,
      clear: false,
      config: draft('web-4', 1).config,
    },
    'none',
    ['xl create -q /etc/xen/web-4.cfg'],
    ['web-4/autostart'],
  ),
];

const live: readonly Operation[] = [
  operation({ ...base('web-1', 'dom01'), verb: 'set-memory', kib: 2 * GiB, from: GiB }, 'live', [
    'xl mem-set web-1 2048m',
  ]),
  operation(
    {
      ...base('web-1', 'dom01'),
      verb: 'move-nic',
      nic: 'eth0',
      mac: '02:5a:7c:00:00:01',
      bridge: 'xenbr1',
      from: 'xenbr0',
    },
    'live',
    ['ip link set vif7.0 master xenbr1'],
    ['web-1/set-memory'],
  ),
];

const restarted: readonly Operation[] = [
  operation(
    {
      ...base('db-1', 'dom03'),
      verb: 'restart',
      lease: null,
      copies: [],
      record: draft('db-1', 4),
      write: true,
      deadlineMs: 120_000,
      force: false,
    },
    'restart',
    ['xl shutdown -w db-1', 'xl create -q /etc/xen/db-1.cfg'],
  ),
];

/** A normal day: one to create, one to change live, one to restart. */
export const usual: Plan = {
  ...empty,
  touched: [
    { subject: { kind: 'vm', name: 'web-1' }, server: 'dom01', uuid, name: 'web-1', seen: { state: 'running' } },
  ],
  scope: ['dom01', 'dom02', 'dom03'],
  vms: [
    vm('db-1', {
      server: 'dom03',
      action: 'restart',
      disruption: 'restart',
      operations: ['db-1/restart'],
      changes: [
        change('memory.max', 2 * GiB, 4 * GiB, { way: fixedMax, ways: [fixedMax] }),
        change('memory.target', 2 * GiB, 4 * GiB, {
          way: fixedMax,
          ways: [{ ...setMemory, illegal: 'the running maximum is 2GiB' }, fixedMax],
        }),
        change(
          'disks.xvdc',
          undefined,
          { path: '/dev/vg0/db-1-wal', access: 'rw' },
          {
            way: { ...restart, why: 'the disk is there when the VM starts again' },
            ways: [{ how: 'attach-disk', disruption: 'live', why: 'the disk is attached while the VM runs' }, restart],
          },
        ),
        change(
          'boot.cmdline',
          'root=/dev/xvda1 ro console=hvc0 quiet transparent_hugepage=always',
          'root=/dev/xvda1 ro console=hvc0 quiet transparent_hugepage=never',
          { way: restart, ways: [restart] },
        ),
      ],
    }),
    vm('web-1', {
      action: 'update',
      disruption: 'live',
      operations: ['web-1/set-memory', 'web-1/move-nic/eth0'],
      changes: [
        change('memory.target', GiB, 2 * GiB, { way: setMemory, ways: [setMemory] }),
        change(
          'nics.eth0',
          { mac: '02:5a:7c:00:00:01', bridge: 'xenbr0' },
          { mac: '02:5a:7c:00:00:01', bridge: 'xenbr1' },
          { way: { how: 'move-nic', disruption: 'live', why: 'the vif is hung on the other bridge' } },
        ),
      ],
    }),
    vm('web-4', {
      server: 'dom02',
      action: 'create',
      operations: created.map((o) => o.id),
      placed: 'most room in pool ams1: 12GiB free',
      changes: [
        change('state', undefined, 'running', {
          have: { applied: absent, configured: absent, running: absent },
          way: start,
          ways: [start],
        }),
      ],
    }),
  ],
  operations: [...live, ...restarted, ...created],
  bound: 6,
};

const reset = operation({ ...base('web-1', 'dom01'), verb: 'set-memory', kib: GiB, from: 512 * MiB }, 'live', [
  'xl mem-set web-1 1024m',
]);
const redefine = operation(
  { ...base('web-2', 'dom02'), verb: 'define', record: draft('web-2', 3), update: true },
  'none',
  ['write /etc/xen/web-2.cfg', 'xl config-update web-2 /etc/xen/web-2.cfg'],
);
const revive = operation(
  {
    ...base('web-3', 'dom03'),
    verb: 'start',
    lease: null,
    path: '/etc/xen/web-3.cfg',
    paused: false,
    clear: false,
    config: draft('web-3', 1).config,
  },
  'none',
  ['xl create -q /etc/xen/web-3.cfg'],
);

/** A hand was at work: drift of every kind, a conflict, a deferred change, and one found pending. */
export const drifted: Plan = {
  ...empty,
  vms: [
    vm('web-1', {
      action: 'update',
      disruption: 'live',
      operations: [reset.id],
      changes: [
        change('memory.target', GiB, GiB, {
          have: { applied: value(GiB), configured: value(GiB), running: value(512 * MiB) },
          cause: 'drift-running',
          way: setMemory,
          ways: [setMemory],
        }),
      ],
    }),
    vm('web-2', {
      server: 'dom02',
      action: 'update',
      operations: [redefine.id],
      changes: [
        change('vcpus.count', 1, 2, {
          have: { applied: value(1), configured: value(3), running: value(1) },
          cause: 'conflict',
          way: { how: 'set-vcpus', disruption: 'live', why: 'vCPUs are plugged while the VM runs' },
        }),
        change('autostart', false, true, {
          have: { applied: value(true), configured: value(false), running: value(true) },
          cause: 'drift-configured',
        }),
        change('boot.cmdline', 'quiet', 'quiet panic=10', { fate: 'defer', way: null, ways: [restart] }),
        change('disks.xvdb', { path: '/srv/scratch.img', access: 'rw' }, undefined, {
          fate: 'defer',
          way: null,
          ways: [detach, restart],
        }),
      ],
    }),
    vm('web-3', {
      server: 'dom03',
      action: 'start',
      operations: [revive.id],
      changes: [
        change('state', undefined, 'running', {
          have: { applied: value('running'), configured: absent, running: value('stopped') },
          cause: 'drift-running',
          way: start,
          ways: [start],
        }),
      ],
    }),
    vm('web-5', {
      changes: [
        change('boot.kernel', '/srv/guest/vmlinuz-6.1', '/srv/guest/vmlinuz-6.12', {
          cause: 'pending',
          fate: 'pending',
          way: null,
          ways: [restart],
        }),
      ],
    }),
  ],
  operations: [reset, redefine, revive],
  bound: 3,
};

const stop = { how: 'stop', disruption: 'stop', why: 'it is down after' } as const;
const gone: readonly Operation[] = [
  operation(
    {
      ...base('old-1', 'dom02'),
      verb: 'stop',
      ended: false,
      lease: null,
      volumes: [],
      deadlineMs: 120_000,
      force: false,
    },
    'stop',
    ['xl shutdown -w old-1'],
  ),
  operation(
    { ...base('old-1', 'dom02'), verb: 'undefine', path: '/etc/xen/old-1.cfg', digest: 'c3'.repeat(32), links: [] },
    'none',
    ['rm /etc/xen/old-1.cfg'],
    ['old-1/stop'],
  ),
];
const adopt = operation({ ...base('mail', 'dom01'), verb: 'define', record: draft('mail', 1), update: false }, 'none', [
  'write /etc/xen/mail.cfg',
]);

/** Trouble: a server that does not answer, refusals, a deletion, an adoption, things that are not ours. */
export const troubled: Plan = {
  ...empty,
  vms: [
    vm('batch', {
      changes: [change('state', 'running', 'stopped', { fate: 'refuse', way: null, ways: [stop] })],
    }),
    vm('mail', {
      action: 'adopt',
      operations: [adopt.id],
      changes: [change('memory.max', GiB, 2 * GiB, { cause: 'adopt', fate: 'defer', way: null, ways: [fixedMax] })],
    }),
    vm('old-1', {
      server: 'dom02',
      action: 'delete',
      disruption: 'stop',
      operations: gone.map((o) => o.id),
      changes: [
        change('state', 'running', 'absent', {
          way: { how: 'delete', disruption: 'stop', why: 'it is shut down and its cfg removed; its disks stay' },
        }),
      ],
    }),
  ],
  operations: [adopt, ...gone],
  refused: [
    {
      subject: { kind: 'vm', name: 'batch' },
      what: 'batch would be stopped',
      code: 'over-budget',
      why: 'it is down after',
      help: '--allow stop=batch',
      needs: 'stop',
      allow: [{ option: '--allow stop=batch' }],
    },
    {
      subject: { kind: 'vm', name: 'web-9' },
      what: 'web-9 would be created',
      code: 'server-unread',
      why: 'it was seen nowhere, but dom03 could not be read: it may be there',
      help: 'try again when dom03 answers',
      needs: null,
      allow: [],
    },
  ],
  unmanaged: [
    { server: 'dom01', name: 'legacy-print', what: 'vm', detail: '/etc/xen/legacy-print.cfg' },
    { server: 'dom02', name: 'other', what: 'foreign', detail: 'of farm lab, /etc/xen/other.cfg' },
  ],
  unreadable: [
    {
      server: 'dom03',
      pool: 'ams1',
      code: 'timeout',
      why: 'dom03.ams1.example.com did not answer within 10 s',
      help: 'ssh root@dom03.ams1.example.com xl info',
    },
  ],
  warnings: ['dom01: ovs-vsctl is not there, so only Linux bridges were looked at'],
  counted: { servers: 3, vms: 4 },
  bound: 2,
};

/** Nothing to do, but something waits. */
export const waiting: Plan = { ...empty, vms: drifted.vms.filter((x) => x.subject.name === 'web-5') };
