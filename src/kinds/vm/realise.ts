/** A VM's transition → its operations, in the order in which they must run. */
import type { How } from '../../core/change.ts';
import { sameValue } from '../../core/digest.ts';
import { ref } from '../../core/ref.ts';
import { differsInCfg } from './compare.ts';
import { draft, homeAfter, liesAstray, type NewDisk, type VmTransition } from './draft.ts';
import { settingOf } from './fields.ts';
import { memoryOf, vcpusOf } from './follows.ts';
import type { CfgDraft, MakeDisk, VmOp } from './ops.ts';
import { autoFolder, macNow } from './resolve.ts';
import type { NicConfig, VmConfig } from './spec.ts';
import { journeyOps } from './journey.ts';
import { isVolumeGroup } from '../repository/live.ts';
import { volumesAmong, volumesOf } from './lease.ts';
import { rankOf } from './rank.ts';
import { lifeOf } from './state.ts';

/** Whether the file has changed what stands in no cfg: its marker alone tells a hand's change of it from the file's. */
const remembersAnew = ({ live, want, state, take }: VmTransition): boolean => {
  const anew = (field: string): boolean => !sameValue(live?.marker?.applied[field], want.applied[field]);
  return (state !== null && anew('state')) || (take.some((x) => x.change.field === 'autostart') && anew('autostart'));
};

/** Whether the cfg has to be written: it differs in a taken or deferred field, or it is not (rightly) marked yet. */
const writes = (t: VmTransition): boolean => {
  const { live, want } = t;
  if (t.journey) return true;
  if (!live?.record?.config || live.marker === null || liesAstray(live.record)) return true;
  const { home, protect, vm } = live.marker;
  if (home !== t.server || protect !== want.protect || vm !== want.key) return true;
  if (live.record.config.uuid !== want.uuid || remembersAnew(t)) return true;
  return [...t.take.map((x) => x.change), ...t.defer].some(differsInCfg);
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
  const { memory, vcpus } = want.config;
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
  const oldMac = macNow(want, live?.marker ?? null, member);
  const detachNic = (): VmOp => ({ ...base, verb: 'detach-nic', nic: member, mac: oldMac });
  const attachNic = (verb: 'attach-nic' | 'move-nic'): readonly VmOp[] => {
    const n = wantedNic();
    if (!n || n.mac === null || n.bridge === null) return [];
    const nic = { ...base, nic: member, mac: n.mac, bridge: n.bridge };
    if (verb === 'attach-nic') return [{ ...nic, verb, device: n }];
    return [{ ...nic, verb, from: d?.nics.find((x) => x.mac === n.mac)?.bridge ?? null }];
  };
  switch (how) {
    case 'set-memory':
      return [{ ...base, verb: how, kib: memory.target, from: d ? memoryOf(d, memory.target) : 0 }];
    case 'set-vcpus':
      return [{ ...base, verb: how, count: vcpus.count, from: d ? vcpusOf(d) : 0 }];
    case 'set-sched': {
      const [weight, cap] = [
        settingOf(want.config.settings, 'sched.weight'),
        settingOf(want.config.settings, 'sched.cap'),
      ];
      return [{ ...base, verb: how, weight, cap, scheduler: t.scheduler }];
    }
    case 'set-affinity': {
      const { settings } = want.config;
      return [
        { ...base, verb: how, hard: settingOf(settings, 'affinity.hard'), soft: settingOf(settings, 'affinity.soft') },
      ];
    }
    case 'set-cpupool': {
      const from = settingOf(d?.settings ?? {}, 'cpupool');
      return [{ ...base, verb: how, pool: settingOf(want.config.settings, 'cpupool'), from }];
    }
    case 'rename':
      return [{ ...base, verb: how, to: want.config.name }];
    case 'change-cd': {
      const path = want.config.cdroms[member]?.path ?? '';
      return [
        { ...base, verb: how, vdev: member, path: path === '' ? null : path, from: d?.cdroms[member]?.path ?? '' },
      ];
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
    case 'grow-disk':
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
  const wake: readonly VmOp[] = life === 'paused' ? [{ ...base, verb: 'unpause', saved: t.saved }] : [];
  const clear = life === 'crashed' || life === 'ended' || life === 'dying';
  const held = t.lease && t.lease.replaces !== 'absent' ? { path: t.lease.path, digest: t.lease.replaces } : null;
  const stop: Extract<VmOp, { verb: 'stop' }> = {
    ...base,
    verb: 'stop',
    deadlineMs: t.want.shutdownMs,
    force: t.force || clear,
    ended: clear,
    lease: held,
    volumes: volumesAmong(t.live?.domain?.disks ?? []),
  };
  switch (t.state) {
    case 'start': {
      const named = { ...base, name: config.name, path, config, lease: t.lease };
      const paused = t.want.state === 'paused';
      // What an interrupted resume left of it goes first.
      const half: readonly VmOp[] = life === 'dying' ? [{ ...stop, lease: null, volumes: [] }] : [];
      if (t.saved !== null && !paused) return [...half, { ...named, verb: 'resume', file: t.saved }];
      return [{ ...named, verb: 'start', paused, clear }];
    }
    case 'unpause':
      return wake;
    case 'pause':
      return [{ ...base, verb: 'pause' }];
    case 'stop':
    case 'delete': {
      // A paused guest cannot hear that it is to shut down.
      const down: readonly VmOp[] = t.live?.domain ? [...wake, stop] : [];
      const record = t.live?.record;
      if (t.state === 'stop' || !record) return down;
      const { path: cfg, digest, autostart, via } = record;
      // A lease of one that went down by itself goes with it.
      const alone = held && !t.live?.domain ? held : null;
      const group = alone !== null && isVolumeGroup(alone.path);
      const left = alone && !group ? [alone.path] : [];
      const untagged: readonly VmOp[] =
        t.lease && group
          ? [{ ...base, verb: 'deactivate', folder: t.lease.folder, paths: volumesOf(t.lease), lease: alone }]
          : [];
      const links = [...autostart, ...(via === undefined ? [] : [via]), ...left, ...t.strays];
      return [...down, ...untagged, { ...base, verb: 'undefine', path: cfg, digest, links }];
    }
    case null:
    case 'configure':
    case 'grow-disk':
    case 'restart':
    case 'set-memory':
    case 'set-vcpus':
    case 'set-sched':
    case 'set-affinity':
    case 'set-cpupool':
    case 'rename':
    case 'change-cd':
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

/** Changes of one operation, by how: a weight and a cap are set together. */
const togetherHows: ReadonlySet<How> = new Set(['set-sched', 'set-affinity']);

/** Whether the VM gets its weight and cap again: another cpupool's scheduler begins with its own. */
export const reweighs = (t: VmTransition): boolean => {
  const hows = new Set(t.take.map((x) => x.way.how));
  const { settings } = t.want.config;
  const own = settingOf(settings, 'sched.weight') === 256 && settingOf(settings, 'sched.cap') === 0;
  return hows.has('set-cpupool') && !hows.has('set-sched') && !own;
};

const allHotOps = (t: VmTransition): readonly VmOp[] => {
  const done = new Set<How>();
  const again = reweighs(t) ? hotOps(t, 'sched.weight', 'set-sched') : [];
  const ops = t.take.flatMap(({ change, way }) => {
    if (done.has(way.how)) return [];
    if (togetherHows.has(way.how)) done.add(way.how);
    return hotOps(t, change.field, way.how);
  });
  return [...ops, ...again];
};

/** The links that start it with its server: made, moved after a cfg that has a new path, or taken away. */
const linkOps = (t: VmTransition, record: CfgDraft): readonly VmOp[] => {
  const links = t.live?.record?.autostart ?? [];
  // It comes with the cfg that somebody left elsewhere.
  const followed = t.live?.record ? [] : (t.live?.stray?.record.autostart ?? []);
  const asked = t.take.some((x) => x.change.field.startsWith('autostart'));
  const on = asked || t.live === null ? t.want.autostart === true : links.length + followed.length > 0;
  const changes = asked || (t.live === null && on) || (record.from !== null && links.length > 0) || followed.length > 0;
  if (!changes && t.strays.length === 0) return [];
  const same = liesAstray(t.live?.record) ? links[0] : followed[0];
  const usual = t.want.link ?? same ?? `${autoFolder}${record.path.slice(record.path.lastIndexOf('/') + 1)}`;
  const left = t.live?.record?.via;
  const base: VmOp = {
    ...baseOf(t),
    verb: 'autostart',
    path: record.path,
    on,
    link: usual,
    links: t.strays,
    via: null,
  };
  // What leads to it is right; only what leads to its old name goes.
  if (!changes) return [{ ...base, link: links[0] ?? usual, via: left ?? null }];
  // Where it leads over a repository that is left, that end goes as well.
  const gone =
    left !== undefined && left !== t.via
      ? [...links, left]
      : on
        ? links
        : [...links, ...(left === undefined ? [] : [left])];
  return [{ ...base, links: [...gone, ...t.strays], via: on ? t.via : null }];
};

/** Sorted by what must come first; the plan makes a chain of them. */
export const realise = (t: VmTransition): readonly VmOp[] => {
  const base = baseOf(t);
  const record = draft(t);
  const { path } = record;
  const image: readonly VmOp[] = t.outlived === null ? [] : [{ ...base, verb: 'drop-image', file: t.outlived }];
  const unleased = t.spare.map(({ folder, ...lease }): VmOp => ({ ...base, verb: 'unlease', folder, lease }));
  if (t.mode === 'delete') {
    // The cfg goes last: what it names is known until then.
    const ops = stateOps(t, path, record.config);
    const last = ops.filter((op) => op.verb === 'undefine');
    return [...image, ...ops.filter((op) => op.verb !== 'undefine'), ...unleased, ...last];
  }
  const named = <D extends { readonly vdev: string; readonly path: string }>(disks: readonly D[]): readonly D[] =>
    disks.filter((d) => record.config.disks[d.vdev]?.path === d.path);
  const madeOf = (disks: readonly NewDisk[]): readonly MakeDisk[] =>
    named(disks).map((d) => ({ ...base, verb: 'make-disk', farm: t.farm, ...d }));
  const fresh: readonly VmOp[] = [
    ...madeOf(t.make),
    ...named(t.seed ? [t.seed] : []).map((d): VmOp => ({ ...base, verb: 'make-seed', farm: t.farm, ...d })),
    ...named(t.adopt).map((d): VmOp => ({ ...base, verb: 'adopt-disk', farm: t.farm, ...d })),
  ];
  const grown = t.grow.map((disk): VmOp => ({ ...base, verb: 'grow-disk', farm: t.farm, ...disk }));
  if (t.journey) {
    // Only what lies in shared stores travels: what is new there is made before any cfg names it, by the server that opens it first.
    const server = homeAfter(t);
    return [
      ...image,
      ...fresh.map((op) => ({ ...op, server })),
      ...grown,
      ...journeyOps(t, t.journey, record, allHotOps(t)),
      ...unleased,
    ];
  }
  const ops: VmOp[] = [];
  const write = writes(t);
  const links = linkOps(t, record);
  const copies = madeOf(t.move);
  ops.push(...fresh, ...(t.mode === 'restart' ? [] : copies));
  ops.push(...grown);
  if (t.mode === 'restart') {
    if (lifeOf(t.live) === 'paused') ops.push({ ...base, verb: 'unpause', saved: t.saved });
    ops.push({
      ...base,
      verb: 'restart',
      record,
      write,
      deadlineMs: t.want.shutdownMs,
      force: t.force,
      copies,
      lease: t.lease,
    });
    if (t.state === 'pause') ops.push({ ...base, verb: 'pause' });
  } else {
    const update = t.defer.length > 0 && t.live?.domain?.monitored !== false;
    if (write || t.give) ops.push({ ...base, verb: 'define', record, update });
    const lease: VmOp = { ...base, verb: 'settle', path, lease: t.lease, link: null, via: null, update: false };
    const settled = (how: VmTransition['unleased']): readonly VmOp[] =>
      t.unleased === how && t.state !== 'stop' ? [lease] : [];
    // A disk that goes is named until it is gone, and one that comes before it is there.
    ops.push(...settled('wholly'), ...allHotOps(t), ...settled('in-part'), ...stateOps(t, path, record.config));
  }
  ops.push(...unleased);
  const { ready } = t.want;
  const starts = t.mode === 'restart' || (t.state === 'start' && t.want.state === 'running');
  if (starts && ready && t.want.state === 'running')
    ops.push({ ...base, name: record.config.name, verb: 'ready', ready });
  // A link leads to what is there: a restart writes the cfg of the new name, or that of a VM which had none, itself.
  const late = t.mode === 'restart' && (record.from !== null || !t.live?.record);
  const first = late ? [] : links;
  return [...[...image, ...first, ...ops].sort((a, b) => rankOf(a) - rankOf(b)), ...(late ? links : [])];
};
