/** A VM's transition → its operations, in the order in which they must run. */
import type { Change, How, Way } from '../../core/change.ts';
import { sameValue } from '../../core/digest.ts';
import { ref } from '../../core/ref.ts';
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
  const changed = [...t.take.map((x) => x.change), ...t.defer].filter(
    (c) => c.field !== 'state' && c.field !== 'autostart',
  );
  return changed.some((c) => !sameValue(c.want, c.have.configured));
};

type Doing = { readonly rank: number; readonly op: VmOp };

/** Down first and up last, so that what a VM gives back is there for what it takes. */
const rank = { configure: 0, wake: 1, detach: 2, shrink: 3, grow: 4, attach: 5, state: 6 } as const;

const hotOps = (t: VmTransition, field: string, how: How): readonly Doing[] => {
  const { want, live } = t;
  const base = {
    vm: ref('vm', want.key),
    server: t.server,
    uuid: want.uuid,
    name: live?.domain?.name ?? want.config.name,
  };
  const member = field.slice(field.indexOf('.') + 1);
  const d = live?.domain;
  const detachDisk = (): Doing => ({
    rank: rank.detach,
    op: { ...base, verb: 'detach-disk', vdev: member, path: d?.disks.find((k) => k.vdev === member)?.path ?? '' },
  });
  const attachDisk = (): readonly Doing[] => {
    const disk = want.config.disks[member];
    return disk ? [{ rank: rank.attach, op: { ...base, verb: 'attach-disk', vdev: member, disk } }] : [];
  };
  const wantedNic = (): NicConfig | undefined => want.config.nics.find((n) => n.mac === want.macs[member]);
  const oldMac = member.startsWith('mac ') ? member.slice(4) : (live?.marker?.macs[member] ?? want.macs[member] ?? '');
  const detachNic = (): Doing => ({ rank: rank.detach, op: { ...base, verb: 'detach-nic', nic: member, mac: oldMac } });
  const attachNic = (verb: 'attach-nic' | 'move-nic'): readonly Doing[] => {
    const n = wantedNic();
    if (!n || n.mac === null || n.bridge === null) return [];
    const nic = { ...base, nic: member, mac: n.mac, bridge: n.bridge };
    if (verb === 'attach-nic') return [{ rank: rank.attach, op: { ...nic, verb } }];
    return [{ rank: rank.attach, op: { ...nic, verb, from: d?.nics.find((x) => x.mac === n.mac)?.bridge ?? null } }];
  };
  switch (how) {
    case 'set-memory': {
      const from = d?.memory.target ?? 0;
      const kib = want.config.memory.target;
      return [{ rank: kib < from ? rank.shrink : rank.grow, op: { ...base, verb: how, kib, from } }];
    }
    case 'set-vcpus': {
      const from = d?.vcpus.online ?? 0;
      const count = want.config.vcpus.count;
      return [{ rank: count < from ? rank.shrink : rank.grow, op: { ...base, verb: how, count, from } }];
    }
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

const stateOps = (t: VmTransition, path: string, config: VmConfig): readonly Doing[] => {
  const base = {
    vm: ref('vm', t.want.key),
    server: t.server,
    uuid: t.want.uuid,
    name: t.live?.domain?.name ?? config.name,
  };
  const life = lifeOf(t.live);
  const wake: readonly Doing[] = life === 'paused' ? [{ rank: rank.wake, op: { ...base, verb: 'unpause' } }] : [];
  const gone = life === 'crashed' || life === 'ended';
  const stop: VmOp = { ...base, verb: 'stop', deadlineMs: shutdownDeadlineMs, force: t.force || gone };
  switch (t.state) {
    case 'start':
      return [
        {
          rank: rank.state,
          op: {
            ...base,
            name: config.name,
            verb: 'start',
            path,
            paused: t.want.state === 'paused',
            clear: gone,
            config,
          },
        },
      ];
    case 'unpause':
      return [{ rank: rank.wake, op: { ...base, verb: 'unpause' } }];
    case 'pause':
      return [{ rank: rank.state, op: { ...base, verb: 'pause' } }];
    case 'stop':
    case 'delete': {
      // A paused guest cannot hear that it is to shut down.
      const down: readonly Doing[] = t.live?.domain ? [...wake, { rank: rank.state, op: stop }] : [];
      const record = t.live?.record;
      if (t.state === 'stop' || !record) return down;
      const undefine: VmOp = {
        ...base,
        verb: 'undefine',
        path: record.path,
        digest: record.digest,
        links: record.autostart,
      };
      return [...down, { rank: rank.state, op: undefine }];
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
  const base = { vm: ref('vm', t.want.key), server: t.server, uuid: t.want.uuid, name: t.want.config.name };
  const record = draft(t);
  if (t.mode === 'delete') return stateOps(t, record.path, record.config).map((x) => x.op);
  const doing: Doing[] = [];
  const write = writes(t);
  if (t.mode === 'restart') {
    const op: VmOp = { ...base, verb: 'restart', record, write, deadlineMs: shutdownDeadlineMs, force: t.force };
    if (lifeOf(t.live) === 'paused') doing.push({ rank: rank.wake, op: { ...base, verb: 'unpause' } });
    doing.push({ rank: rank.state, op });
    if (t.state === 'pause') doing.push({ rank: rank.state, op: { ...base, verb: 'pause' } });
  } else {
    const unheard = t.defer.length > 0 && t.live?.domain?.monitored !== false;
    if (write || t.give) doing.push({ rank: rank.configure, op: { ...base, verb: 'define', record, update: unheard } });
    for (const { change, way } of t.take) doing.push(...hotOps(t, change.field, way.how));
    doing.push(...stateOps(t, record.path, record.config));
  }
  const links = t.live === null ? t.want.autostart === true : t.take.some((x) => x.change.field === 'autostart');
  if (links) {
    const op: VmOp = {
      ...base,
      verb: 'autostart',
      path: record.path,
      on: t.want.autostart === true,
      links: t.live?.record?.autostart ?? [],
    };
    doing.push({ rank: rank.configure, op });
  }
  return doing.sort((a, b) => a.rank - b.rank).map((x) => x.op);
};
