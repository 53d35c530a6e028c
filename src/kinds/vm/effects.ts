/** What each operation on a VM takes, gives and sets: shared by sequencing, verifying and the law that the simulator is held to. */
import type { Effect } from '../../core/effect.ts';
import { ref } from '../../core/ref.ts';
import type { LiveVm } from './live.ts';
import { lifeOf } from './state.ts';
import { fields, settingOf } from './fields.ts';
import { memoryOf, vcpusOf } from './follows.ts';
import type { CfgDraft, VmOp } from './ops.ts';
import type { DiskConfig, Settings, VmConfig, VmType } from './spec.ts';
import { table } from '../../core/table.ts';

export type View = Readonly<Record<string, unknown>>;

/** Every setting that the type has; of a password only whether there is one. */
const settingsView = (type: VmType, settings: Settings): View =>
  table(
    fields
      .filter((f) => f.types.includes(type))
      .map(({ name }) => {
        const v = settingOf(settings, name);
        return [name, name.endsWith('.password') ? v !== null : v];
      }),
  );

const diskView = (d: Pick<DiskConfig, 'path' | 'access' | 'format'>): View => ({
  path: d.path,
  access: d.access,
  format: d.format,
});

/** Field → value, flat; NICs by MAC, since that is all that a server knows them by. */
const viewOfConfig = (c: VmConfig): View => ({
  name: c.name,
  type: c.type,
  'vcpus.count': c.vcpus.count,
  'vcpus.max': c.vcpus.max,
  'memory.target': c.memory.target,
  'memory.max': c.memory.max,
  'boot.kernel': c.boot.kernel,
  'boot.ramdisk': c.boot.ramdisk,
  'boot.cmdline': c.boot.cmdline,
  ...settingsView(c.type, c.settings),
  ...table(Object.entries(c.disks).map(([vdev, d]) => [`disks.${vdev}`, diskView(d)])),
  ...table(Object.entries(c.cdroms).map(([vdev, d]) => [`cdrom.${vdev}`, { path: d.path }])),
  ...table(c.nics.map((n) => [`nics.${n.mac}`, { bridge: n.bridge }])),
});

/** What no reading of a domain tells stands in the cfg's layer only. */
const cfgView = (c: VmConfig): View => ({
  ...viewOfConfig(c),
  ...table(c.extra.map(({ key, value }) => [`xl.${key}`, value])),
});

/** Both layers of a VM as effects speak of them; null where there is none. */
export const viewOf = (live: LiveVm | null): { configured: View | null; running: View | null } => {
  const d = live?.domain;
  const c = live?.record?.config;
  return {
    configured: c ? { ...cfgView(c), autostart: (live?.record?.autostart.length ?? 0) > 0 } : null,
    running: d
      ? {
          name: d.name,
          type: d.type,
          state: lifeOf(live),
          'vcpus.count': vcpusOf(d),
          'vcpus.max': d.vcpus.max,
          'memory.target': memoryOf(d, d.memory.target),
          'memory.max': d.memory.max,
          'boot.kernel': d.boot.kernel,
          'boot.ramdisk': d.boot.ramdisk,
          'boot.cmdline': d.boot.cmdline,
          ...settingsView(d.type, d.settings),
          ...table(d.disks.map((k) => [`disks.${k.vdev}`, diskView(k)])),
          ...table(Object.entries(d.cdroms).map(([vdev, k]) => [`cdrom.${vdev}`, { path: k.path }])),
          ...table(d.nics.map((n) => [`nics.${n.mac}`, { bridge: n.bridge }])),
        }
      : null,
  };
};

type Layer = 'configured' | 'running';

/** `field` `*` is the whole layer, `+` the same where there is none yet; a value of null takes the field (or the layer) away. */
export const applyEffects = (
  effects: readonly Effect[],
  before: ReturnType<typeof viewOf>,
): ReturnType<typeof viewOf> => {
  const layers: Record<Layer, View | null> = { ...before };
  for (const e of effects) {
    if (e.fx !== 'set') continue;
    const was = layers[e.layer];
    if (e.field === '+' && was) continue;
    if (e.field === '*' || e.field === '+') {
      const whole = e.value as View | null;
      const kept = whole && e.layer === 'configured' ? { autostart: was?.['autostart'] ?? false } : {};
      layers[e.layer] = whole && { ...kept, ...whole };
    } else if (was) {
      const { [e.field]: _, ...rest } = was;
      layers[e.layer] = e.value === null ? rest : { ...rest, [e.field]: e.value };
    }
  }
  return { configured: layers.configured, running: layers.running };
};

/** Memory of a VM beyond its target, in KiB. */
export type Overhead = (config: Pick<VmConfig, 'type' | 'vcpus' | 'memory'>) => number;

/** All that a VM holds: released under this name. */
export const all = '*';

export const effects = (op: VmOp, overhead: Overhead): readonly Effect[] => {
  const set = (layer: Layer, field: string, value: unknown): Effect => ({ fx: 'set', ref: op.vm, layer, field, value });
  const amountOf = (dim: 'memory' | 'vcpus', key: string, amount: number, on = op.server): Effect => ({
    fx: 'claim',
    at: ref('server', on),
    dim,
    key,
    amount,
    on,
  });
  const disk = (fx: 'claim' | 'release', path: string, on = op.server): Effect => ({
    fx,
    at: ref('disk', path),
    dim: 'disk-writer',
    key: op.uuid,
    amount: 1,
    on,
  });
  const needs = (kind: 'network' | 'image', name: string, on = op.server): Effect => ({
    fx: 'needs',
    ref: ref(kind, name),
    on,
  });
  /** What a VM of this configuration takes on a server while it runs there. */
  const taken = (c: VmConfig, on = op.server): readonly Effect[] => [
    amountOf('memory', op.uuid, c.memory.target, on),
    amountOf('memory', `${op.uuid}+overhead`, overhead(c), on),
    amountOf('vcpus', op.uuid, c.vcpus.count, on),
    ...Object.values(c.disks).flatMap((d) => (d.access === 'rw' && !d.shared ? [disk('claim', d.path, on)] : [])),
    ...c.nics.flatMap((n) => (n.bridge === null ? [] : [needs('network', n.bridge, on)])),
    ...[...Object.values(c.disks).map((d) => d.path), ...Object.values(c.cdroms).map((d) => d.path)].flatMap((p) =>
      p === '' ? [] : [needs('image', p, on)],
    ),
  ];
  const booted = ({ boot }: VmConfig): readonly Effect[] =>
    [boot.kernel, boot.ramdisk].flatMap((p) => (p === null || p === '' ? [] : [needs('image', p)]));
  const born = (c: VmConfig, state: string): readonly Effect[] => [
    ...taken(c),
    ...booted(c),
    set('running', '*', { ...viewOfConfig(c), state }),
  ];
  /** A link to the cfg of the old name leads nowhere. */
  const written = ({ config, from }: CfgDraft): readonly Effect[] => [
    set('configured', '*', cfgView(config)),
    ...(from === null ? [] : [set('configured', 'autostart', false)]),
  ];
  const released: readonly Effect[] = [
    ...([op.uuid, `${op.uuid}+overhead`] as const).map((key): Effect => ({
      fx: 'release',
      at: ref('server', op.server),
      dim: 'memory',
      key,
      amount: 0,
      on: op.server,
    })),
    { fx: 'release', at: ref('server', op.server), dim: 'vcpus', key: op.uuid, amount: 0, on: op.server },
    disk('release', all),
  ];
  const died: readonly Effect[] = [...released, set('running', '*', null)];
  switch (op.verb) {
    case 'define':
      return written(op.record);
    case 'autostart':
      return [set('configured', 'autostart', op.on)];
    case 'undefine':
      return [set('configured', '*', null)];
    case 'start':
      return born(op.config, op.paused ? 'paused' : 'running');
    case 'restart':
      return [
        ...(op.write ? written(op.record) : []),
        ...died,
        ...op.copies.flatMap((c): readonly Effect[] => [
          ...(c.from === null ? [] : [needs('image', c.from.path)]),
          { fx: 'makes', ref: ref('disk', c.path), on: op.server },
        ]),
        ...born(op.record.config, 'running'),
      ];
    case 'stop':
      return died;
    case 'pause':
      return [set('running', 'state', 'paused')];
    case 'unpause':
      return [set('running', 'state', 'running')];
    case 'set-memory':
      return [amountOf('memory', op.uuid, op.kib), set('running', 'memory.target', op.kib)];
    case 'set-vcpus':
      return [amountOf('vcpus', op.uuid, op.count), set('running', 'vcpus.count', op.count)];
    case 'set-sched':
      return [set('running', 'sched.weight', op.weight), set('running', 'sched.cap', op.cap)];
    case 'set-affinity':
      return [set('running', 'affinity.hard', op.hard), set('running', 'affinity.soft', op.soft)];
    case 'set-cpupool':
      // The other pool's scheduler knows nothing of the domain's weight and cap.
      return [
        set('running', 'cpupool', op.pool),
        set('running', 'sched.weight', settingOf({}, 'sched.weight')),
        set('running', 'sched.cap', settingOf({}, 'sched.cap')),
      ];
    case 'rename':
      return [set('running', 'name', op.to)];
    case 'change-cd':
      return [
        ...(op.path === null ? [] : [needs('image', op.path)]),
        set('running', `cdrom.${op.vdev}`, { path: op.path ?? '' }),
      ];
    // What is on another server is no part of what the VM is.
    case 'forget':
    case 'ready':
    case 'release':
    case 'activate':
    case 'deactivate':
    case 'unlease':
    case 'drop-image':
      return [];
    case 'settle':
      return op.link === null ? [] : [set('configured', 'autostart', true)];
    case 'discard':
      return released;
    case 'migrate':
      return [...taken(op.config, op.peer), ...released];
    case 'suspend':
      return [needs('image', op.file), ...released, set('running', 'state', 'suspended')];
    case 'resume':
      return [
        needs('image', op.file),
        ...taken(op.config),
        set('running', '+', viewOfConfig(op.config)),
        set('running', 'state', 'running'),
      ];
    case 'make-disk':
      return [
        needs('image', op.path),
        ...(op.from === null ? [] : [needs('image', op.from.path)]),
        { fx: 'makes', ref: ref('disk', op.path), on: op.server },
      ];
    case 'make-seed':
    case 'adopt-disk':
    case 'grow-disk':
      return [needs('image', op.path)];
    case 'attach-disk':
      return [
        ...(op.disk.access === 'rw' && !op.disk.shared ? [disk('claim', op.disk.path)] : []),
        needs('image', op.disk.path),
        set('running', `disks.${op.vdev}`, diskView(op.disk)),
      ];
    case 'detach-disk':
      return [disk('release', op.path), set('running', `disks.${op.vdev}`, null)];
    case 'attach-nic':
      return [needs('network', op.bridge), set('running', `nics.${op.mac}`, { bridge: op.bridge })];
    case 'detach-nic':
      return [set('running', `nics.${op.mac}`, null)];
    case 'move-nic':
      return [needs('network', op.bridge), set('running', `nics.${op.mac}`, { bridge: op.bridge })];
  }
};
