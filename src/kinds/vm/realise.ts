/** A VM's transition → its operations, in the order in which they must run. */
import type { Change, How, Way } from '../../core/change.ts';
import { ref } from '../../core/ref.ts';
import { differsInCfg } from './compare.ts';
import type { LiveVm, Marker } from './live.ts';
import type { CfgDraft, VmOp } from './ops.ts';
import type { Resolved } from './resolve.ts';
import { lifeOf } from './state.ts';
import type { NicConfig, VmConfig } from './spec.ts';

/** How long a guest may take to shut down before that counts as refused, in ms. */
const shutdownDeadlineMs = 120_000;

export interface VmTransition {
  readonly want: Resolved;
  readonly live: LiveVm | null;
  readonly server: string;
  readonly farm: string;
  /** Reeve's version, for the marker. */
  readonly tool: string;
  readonly mode: 'in-place' | 'restart' | 'define' | 'delete';
  readonly state: How | null;
  readonly take: readonly { readonly change: Change; readonly way: Way }[];
  readonly defer: readonly Change[];
  /** The running domain was not given the cfg with the deferred changes yet. */
  readonly give: boolean;
  /** Fields that stay as they are for now: the cfg keeps its old value. */
  readonly keep: ReadonlySet<string>;
  /** Whether a guest that will not shut down may be destroyed. */
  readonly force: boolean;
}

const cfgPath = (name: string): string => `/etc/xen/${name}.cfg`;

/** The wanted cfg, but with the old value of every field that is to be kept. */
const draftConfig = (t: VmTransition): VmConfig => {
  const want = t.want.config;
  const old = t.live?.record?.config;
  if (!old || t.keep.size === 0) return want;
  const pick = <T>(field: string, mine: T, theirs: T): T => (t.keep.has(field) ? theirs : mine);
  const disks: Record<string, VmConfig['disks'][string]> = {};
  for (const vdev of [...new Set([...Object.keys(want.disks), ...Object.keys(old.disks)])].sort()) {
    const d = pick(`disks.${vdev}`, want.disks[vdev], old.disks[vdev]);
    if (d) disks[vdev] = d;
  }
  const nicKept = [...t.keep].some((f) => f.startsWith('nics.'));
  return {
    ...want,
    type: pick('type', want.type, old.type),
    vcpus: {
      count: pick('vcpus.count', want.vcpus.count, old.vcpus.count),
      max: pick('vcpus.max', want.vcpus.max, old.vcpus.max),
    },
    memory: {
      target: pick('memory.target', want.memory.target, old.memory.target),
      max: pick('memory.max', want.memory.max, old.memory.max),
    },
    boot: {
      kernel: pick('boot.kernel', want.boot.kernel, old.boot.kernel),
      ramdisk: pick('boot.ramdisk', want.boot.ramdisk, old.boot.ramdisk),
      cmdline: pick('boot.cmdline', want.boot.cmdline, old.boot.cmdline),
    },
    disks,
    nics: nicKept ? old.nics : want.nics,
  };
};

const draftMarker = (t: VmTransition): Marker => {
  const old = t.live?.marker;
  const applied: Record<string, unknown> = { ...t.want.applied };
  for (const field of t.keep) {
    const top = field.startsWith('disks.') ? 'disks' : field.startsWith('nics.') ? 'nics' : field;
    if (old && top in old.applied) applied[top] = old.applied[top];
    else delete applied[top];
  }
  // What an adopted VM's owner took out of the file is forgotten here: from now on it was never set.
  return {
    farm: t.farm,
    vm: t.want.key,
    uuid: t.want.uuid,
    home: t.server,
    generation: (old?.generation ?? 0) + 1,
    origin: old?.origin ?? (t.live ? 'adopted' : 'created'),
    protect: t.want.protect,
    macs: t.want.macs,
    applied,
    by: t.tool,
  };
};

const draft = (t: VmTransition): CfgDraft => ({
  path: t.live?.record?.path ?? cfgPath(t.want.config.name),
  marker: draftMarker(t),
  config: draftConfig(t),
  replaces: t.live?.record?.digest ?? 'absent',
});

/** Whether the cfg has to be written: it differs in a taken or deferred field, or it is not (rightly) marked yet. */
const writes = (t: VmTransition): boolean => {
  const { live, want } = t;
  if (!live?.record?.config || live.marker === null) return true;
  if (live.marker.home !== t.server || live.marker.protect !== want.protect) return true;
  if (live.record.config.uuid !== want.uuid) return true;
  return [...t.take.map((x) => x.change), ...t.defer].some(differsInCfg);
};

/** Down first and up last, so that what a VM gives back is there for what it takes. */
const rankOf = (op: VmOp): number => {
  switch (op.verb) {
    case 'define':
    case 'autostart':
      return 0;
    case 'unpause':
      return 1;
    case 'detach-disk':
    case 'detach-nic':
      return 2;
    case 'set-memory':
      return op.kib < op.from ? 3 : 4;
    case 'set-vcpus':
      return op.count < op.from ? 3 : 4;
    case 'attach-disk':
    case 'attach-nic':
    case 'move-nic':
      return 5;
    case 'start':
    case 'stop':
    case 'pause':
    case 'restart':
    case 'undefine':
      return 6;
  }
};

/** What every operation says: whose it is, and by which name Xen knows it now. */
const baseOf = (t: VmTransition): Pick<VmOp, 'vm' | 'server' | 'uuid' | 'name'> => ({
  vm: ref('vm', t.want.key),
  server: t.server,
  uuid: t.want.uuid,
  name: t.live?.domain?.name ?? t.want.config.name,
});

const hotOps = (t: VmTransition, field: string, how: How): readonly VmOp[] => {
  const { want, live } = t;
  const base = baseOf(t);
  const member = field.slice(field.indexOf('.') + 1);
  const d = live?.domain;
  const detachDisk = (): VmOp => ({
    ...base,
    verb: 'detach-disk',
    vdev: member,
    path: d?.disks.find((k) => k.vdev === member)?.path ?? '',
  });
  const attachDisk = (): readonly VmOp[] => {
    const disk = want.config.disks[member];
    return disk ? [{ ...base, verb: 'attach-disk', vdev: member, disk }] : [];
  };
  const wantedNic = (): NicConfig | undefined => want.config.nics.find((n) => n.mac === want.macs[member]);
  const oldMac = member.startsWith('mac ') ? member.slice(4) : (live?.marker?.macs[member] ?? want.macs[member] ?? '');
  const detachNic = (): VmOp => ({ ...base, verb: 'detach-nic', nic: member, mac: oldMac });
  const attachNic = (verb: 'attach-nic' | 'move-nic'): readonly VmOp[] => {
    const n = wantedNic();
    if (!n || n.mac === null || n.bridge === null) return [];
    const nic = { ...base, nic: member, mac: n.mac, bridge: n.bridge };
    if (verb === 'attach-nic') return [{ ...nic, verb }];
    return [{ ...nic, verb, from: d?.nics.find((x) => x.mac === n.mac)?.bridge ?? null }];
  };
  switch (how) {
    case 'set-memory':
      return [{ ...base, verb: how, kib: want.config.memory.target, from: d?.memory.target ?? 0 }];
    case 'set-vcpus':
      return [{ ...base, verb: how, count: want.config.vcpus.count, from: d?.vcpus.online ?? 0 }];
    case 'attach-disk':
      return attachDisk();
    case 'detach-disk':
      return [detachDisk()];
    case 'replace-disk':
      return [detachDisk(), ...attachDisk()];
    case 'attach-nic':
    case 'move-nic':
      return attachNic(how);
    case 'detach-nic':
      return [detachNic()];
    case 'replace-nic':
      return [detachNic(), ...attachNic('attach-nic')];
    case 'configure':
    case 'start':
    case 'stop':
    case 'pause':
    case 'unpause':
    case 'restart':
    case 'delete':
      return [];
  }
};

const stateOps = (t: VmTransition, path: string, config: VmConfig): readonly VmOp[] => {
  const base = baseOf(t);
  const life = lifeOf(t.live);
  const wake: readonly VmOp[] = life === 'paused' ? [{ ...base, verb: 'unpause' }] : [];
  const clear = life === 'crashed' || life === 'ended';
  switch (t.state) {
    case 'start':
      return [{ ...base, name: config.name, verb: 'start', path, paused: t.want.state === 'paused', clear, config }];
    case 'unpause':
    case 'pause':
      return [{ ...base, verb: t.state }];
    case 'stop':
    case 'delete': {
      const stop: VmOp = { ...base, verb: 'stop', deadlineMs: shutdownDeadlineMs, force: t.force || clear };
      // A paused guest cannot hear that it is to shut down.
      const down: readonly VmOp[] = t.live?.domain ? [...wake, stop] : [];
      const record = t.live?.record;
      if (t.state === 'stop' || !record) return down;
      const { path: cfg, digest, autostart: links } = record;
      return [...down, { ...base, verb: 'undefine', path: cfg, digest, links }];
    }
    case null:
    case 'configure':
    case 'restart':
    case 'set-memory':
    case 'set-vcpus':
    case 'attach-disk':
    case 'detach-disk':
    case 'replace-disk':
    case 'attach-nic':
    case 'detach-nic':
    case 'replace-nic':
    case 'move-nic':
      return [];
  }
};

/** Sorted by what must come first; the plan makes a chain of them. */
export const realise = (t: VmTransition): readonly VmOp[] => {
  const base = baseOf(t);
  const record = draft(t);
  const { path } = record;
  if (t.mode === 'delete') return stateOps(t, path, record.config);
  const ops: VmOp[] = [];
  const write = writes(t);
  if (t.mode === 'restart') {
    if (lifeOf(t.live) === 'paused') ops.push({ ...base, verb: 'unpause' });
    ops.push({ ...base, verb: 'restart', record, write, deadlineMs: shutdownDeadlineMs, force: t.force });
    if (t.state === 'pause') ops.push({ ...base, verb: 'pause' });
  } else {
    const update = t.defer.length > 0 && t.live?.domain?.monitored !== false;
    if (write || t.give) ops.push({ ...base, verb: 'define', record, update });
    for (const { change, way } of t.take) ops.push(...hotOps(t, change.field, way.how));
    ops.push(...stateOps(t, path, record.config));
  }
  const link = t.live === null ? t.want.autostart === true : t.take.some((x) => x.change.field === 'autostart');
  if (link) {
    const links = t.live?.record?.autostart ?? [];
    ops.push({ ...base, verb: 'autostart', path, on: t.want.autostart === true, links });
  }
  return ops.sort((a, b) => rankOf(a) - rankOf(b));
};
