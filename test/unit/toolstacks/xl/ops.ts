/** A VM, its server and operations on it, and steps as a person reads them: for the tests of lowering. */
import { digestCfg } from '../../../../src/toolstacks/xl/read/mask.ts';
import { noStorage } from '../../../../src/kinds/repository/live.ts';
import { digestText } from '../../../../src/core/digest.ts';
import { ref } from '../../../../src/core/ref.ts';
import type { Lowered, Step } from '../../../../src/core/step.ts';
import type { ServerSeen } from '../../../../src/kinds/server/live.ts';
import type { Secrets } from '../../../../src/kinds/toolstack.ts';
import type { CfgRecord, Domain, Marker } from '../../../../src/kinds/vm/live.ts';
import type { CfgDraft, VmOp } from '../../../../src/kinds/vm/ops.ts';
import { plainDisk, plainNic, type VmConfig } from '../../../../src/kinds/vm/spec.ts';
import { lower } from '../../../../src/toolstacks/xl/lower/index.ts';

export const MiB = 1024;
export const uuid = '0b9d6f0a-6f5e-5c0e-9a5d-6d0f3a3c0001';
export const path = '/etc/xen/web.cfg';
export const base = { vm: ref('vm', 'web'), server: 'dom1', uuid, name: 'web' };
const mac = '02:00:00:00:00:01';

export const config: VmConfig = {
  name: 'web',
  uuid,
  type: 'pvh',
  vcpus: { count: 1, max: 2 },
  memory: { target: 128 * MiB, max: 128 * MiB },
  boot: { kernel: '/k', ramdisk: '/r', cmdline: null },
  settings: {},
  disks: { xvda: { ...plainDisk, path: '/d' } },
  cdroms: {},
  nics: [{ ...plainNic, mac, bridge: 'br0' }],
  extra: [],
};
export const hvmConfig: VmConfig = {
  ...config,
  type: 'hvm',
  boot: { kernel: null, ramdisk: null, cmdline: null },
  cdroms: { hdc: { path: '/x.iso' }, hdd: { path: '' } },
};
const marker: Marker = {
  farm: 'f',
  vm: 'web',
  uuid,
  home: 'dom1',
  generation: 1,
  origin: 'created',
  protect: false,
  macs: {},
  applied: {},
  by: '0',
};
export const domain: Domain = {
  domid: 7,
  uuid,
  name: 'web',
  type: 'pvh',
  state: 'running',
  vcpus: { online: 1, max: 2 },
  memory: { target: 128 * MiB, actual: 128 * MiB, max: 128 * MiB },
  boot: config.boot,
  settings: {},
  disks: [{ vdev: 'xvda', path: '/d', access: 'rw', format: 'raw', backend: 'phy', state: 4 }],
  cdroms: {},
  nics: [{ ...plainNic, devid: 3, mac, bridge: 'br0', state: 4 }],
  monitored: true,
  qemu: false,
  balloon: true,
  pvDrivers: true,
  pendingUpdate: null,
};
export const hvm: Domain = { ...domain, type: 'hvm', qemu: true, cdroms: { hdc: { path: '/x.iso' } } };

export const server = (
  domains: readonly Domain[],
  records: readonly CfgRecord[] = [],
  more: Partial<ServerSeen> = {},
): ServerSeen => ({
  is: 'seen',
  storage: noStorage,
  host: 'dom1',
  bootId: 'b',
  xen: { major: 4, minor: 17, version: '4.17', virtCaps: ['pv', 'hvm', 'hap'] },
  cpus: 2,
  memory: { total: 4096 * MiB, free: 1024 * MiB, reclaimable: 0 },
  scheduler: 'credit2',
  bridges: ['br0'],
  ovs: [],
  cpupools: ['Pool-0'],
  qemu: true,
  xendomains: null,
  domains,
  records,
  paths: {},
  monitors: [],
  problems: [],
  ...more,
});
export const up = server([domain]);
/** Nothing but another VM. */
export const none = server([{ ...domain, domid: 4, uuid: uuid.replace('1', '2'), name: 'other' }]);

export const lowered = (op: VmOp, seen: ServerSeen, secrets: Secrets = new Map()): Lowered => {
  const l = lower(op, seen, secrets);
  if ('unsupported' in l) throw new Error(l.unsupported);
  return l;
};
/** Why it cannot be done. */
export const refused = (op: VmOp, seen: ServerSeen, secrets: Secrets = new Map()): string => {
  const l = lower(op, seen, secrets);
  return 'unsupported' in l ? l.unsupported : 'it can be done';
};

/** Steps as a person reads them; what follows a deadline stands behind it. */
export const words = (steps: readonly Step[]): readonly unknown[] =>
  steps.map((s) => {
    if (s.do === 'exec') return `${s.mayFail ? 'try ' : ''}${s.argv.join(' ')}`;
    if (s.do === 'probe') return `probe ${s.host} ${s.port}`;
    if (s.do !== 'await') return `${s.do} ${s.path}`;
    const what = 'state' in s.until ? s.until.state : s.until.is;
    return s.otherwise.length === 0 ? `until ${what}` : [`until ${what}, or`, ...words(s.otherwise)];
  });
export const steps = (op: VmOp, seen: ServerSeen): readonly unknown[] => words(lowered(op, seen).steps);

/** The text that is written to `at`. */
export const textOf = (all: readonly Step[], at: string): string => {
  const write = all.find((s) => s.do === 'write' && s.path === at);
  return write?.do === 'write' ? new TextDecoder().decode(write.bytes) : '';
};

export const recordOf = (text: string, at = path): CfgRecord => ({
  path: at,
  text,
  digest: digestCfg(new TextEncoder().encode(text)),
  exact: digestText(text),
  config: undefined,
  problem: undefined,
  marker: null,
  autostart: [],
});

export const start = (more: Partial<Extract<VmOp, { verb: 'start' }>> = {}): VmOp => ({
  ...base,
  verb: 'start',
  lease: null,
  path,
  paused: false,
  clear: false,
  config,
  ...more,
});
export const stop = (force: boolean): VmOp => ({
  ...base,
  verb: 'stop',
  ended: false,
  lease: null,
  volumes: [],
  deadlineMs: 60_000,
  force,
});
export const record: CfgDraft = { path, marker, config, replaces: 'old', from: null };
export const restart = (more: Partial<Extract<VmOp, { verb: 'restart' }>> = {}): VmOp => ({
  ...base,
  verb: 'restart',
  lease: null,
  copies: [],
  record,
  write: true,
  deadlineMs: 60_000,
  force: false,
  ...more,
});
/** Its VM is renamed, and its cfg with it. */
export const newPath = '/etc/xen/www.cfg';
export const moved: CfgDraft = {
  ...record,
  path: newPath,
  config: { ...config, name: 'www' },
  replaces: 'absent',
  from: { path, digest: digestText('old') },
};
