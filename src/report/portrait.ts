/** What a new VM will be, from the cfg that is to be written; and what a VM's start waits for. */
import type { Operation } from '../kinds/plan.ts';
import { fields, settingOf } from '../kinds/vm/fields.ts';
import type { CfgDraft } from '../kinds/vm/ops.ts';
import type { DiskSource, SettingName, Settings, VmConfig } from '../kinds/vm/spec.ts';
import type { ChangeText } from './change-text.ts';
import { clean, count, time } from './text.ts';
import { fieldLabel, valueText } from './value-text.ts';

export const row = (label: string, to: string, note = ''): ChangeText => ({ label, from: to, to: '', note });

const words = (field: string, v: unknown): string => valueText(field, { is: 'value', value: v });

const upTo = (now: string, most: string, same: boolean): string => (same ? now : `${now} (at most ${most})`);

/** How it comes up: an HVM's firmware and order, a bootloader, or a kernel. */
const bootRows = ({ type, boot, settings }: VmConfig): readonly ChangeText[] => {
  const { kernel, ramdisk, cmdline } = boot;
  const bootloader = settings['boot.bootloader'] ?? null;
  const order = words('boot.order', settingOf(settings, 'boot.order'));
  return [
    ...(type === 'hvm' && kernel === null
      ? [row('boot', `${settingOf(settings, 'boot.firmware')}, from ${order}`)]
      : []),
    ...(bootloader === null ? [] : [row('bootloader', clean(bootloader))]),
    ...(kernel === null
      ? []
      : [row('kernel', [kernel, ramdisk].flatMap((p) => (p === null ? [] : [clean(p)])).join(', '))]),
    ...(cmdline === null ? [] : [row('cmdline', clean(cmdline))]),
  ];
};

const screen = (settings: Settings, name: 'vnc' | 'spice'): readonly string[] => {
  if (!settingOf(settings, `display.${name}`)) return [];
  const port = settingOf(settings, `display.${name}.port`);
  const password = settingOf(settings, `display.${name}.password`);
  return [
    `${name} on ${clean(settingOf(settings, `display.${name}.listen`))}, ${port === null ? 'any free port' : `port ${port}`}` +
      (password === null ? ', no password' : `, password ${words('', password)}`),
  ];
};

/** Shown by rows of their own. */
const told = (name: SettingName): boolean => name.startsWith('boot.') || name.startsWith('display.');

const settingRows = ({ type, settings }: VmConfig): readonly ChangeText[] => [
  ...(type === 'hvm'
    ? [row('display', [...screen(settings, 'vnc'), ...screen(settings, 'spice')].join('; ') || 'none')]
    : []),
  ...fields.flatMap(({ name }) => {
    const v = settings[name];
    return told(name) || v === undefined || v === null ? [] : [row(fieldLabel(name), words(name, v))];
  }),
];

const draftRows = (record: CfgDraft, autostart: boolean, made: ReadonlyMap<string, string>): readonly ChangeText[] => {
  const c: VmConfig = record.config;
  const size = (kib: number): string => words('memory.target', kib);
  const nicName = (mac: string | null, i: number): string =>
    Object.entries(record.marker.macs).find(([, m]) => m === mac)?.[0] ?? `eth${i}`;
  const machine = [
    c.type,
    upTo(count(c.vcpus.count, 'vCPU'), String(c.vcpus.max), c.vcpus.count === c.vcpus.max),
    upTo(size(c.memory.target), size(c.memory.max), c.memory.target === c.memory.max),
    ...(autostart ? ['autostart'] : []),
  ];
  return [
    row('machine', machine.join(', ')),
    ...bootRows(c),
    ...Object.entries(c.disks).map(([vdev, d]) =>
      row(fieldLabel(`disks.${vdev}`), words('disks.', d), made.get(vdev) ?? ''),
    ),
    ...Object.entries(c.cdroms).map(([vdev, d]) => row(fieldLabel(`cdrom.${vdev}`), words('cdrom.', d))),
    ...c.nics.map((n, i) => row(`nic ${clean(nicName(n.mac, i))}`, words('nics.', n))),
    ...settingRows(c),
    ...c.extra.map(({ key, value }) => row(fieldLabel(`xl.${key}`), words('xl.', value))),
  ];
};

const sourceText = (from: DiskSource | null): string => {
  if (from === null) return '';
  return from.template === null ? `, a copy of ${clean(from.path)}` : `, from template ${clean(from.template)}`;
};

/** By vdev: what is made for the VM, and of what. */
export const madeNotes = (operations: readonly Operation[]): ReadonlyMap<string, string> =>
  new Map(
    operations.flatMap(({ op }) =>
      op.verb === 'make-disk'
        ? [
            [
              op.vdev,
              `new: ${words('size.', op.size)} in repository ${clean(op.repository)}${sourceText(op.from)}`,
            ] as const,
          ]
        : [],
    ),
  );

/** Empty where no cfg is written. */
export const portrait = (operations: readonly Operation[]): readonly ChangeText[] => {
  const define = operations.find((o) => o.op.verb === 'define')?.op;
  const auto = operations.find((o) => o.op.verb === 'autostart')?.op;
  const made = madeNotes(operations);
  return define?.verb === 'define' ? draftRows(define.record, auto?.verb === 'autostart' && auto.on, made) : [];
};

/** VMs whose start comes first, and how it is told that this one is up. */
export const whenRows = (vm: string, operations: readonly Operation[]): readonly ChangeText[] => {
  const starts = operations.filter((o) => ['start', 'restart', 'unpause'].includes(o.op.verb));
  // The order of a lane is told where the lane is.
  const before = starts.flatMap((o) =>
    (o.lane === null ? o.needs : []).flatMap((id) => {
      const other = /^(.+)\/(?:start|ready|unpause)$/.exec(id)?.[1];
      return other === undefined || other === vm ? [] : [clean(other)];
    }),
  );
  const forced = operations.flatMap(({ op }) =>
    (op.verb === 'stop' && !op.ended && op.force) || (op.verb === 'restart' && op.force) ? [op] : [],
  );
  const probes = operations.flatMap(({ op }) => (op.verb === 'ready' ? [op.ready] : []));
  return [
    ...forced.map((op) => row('shutdown', `DESTROYED where it does not go down within ${time(op.deadlineMs)}`)),
    ...(before.length === 0 ? [] : [row('starts after', [...new Set(before)].join(', '))]),
    ...probes.map((r) => {
      const host = r.host.includes(':') ? `[${r.host}]` : r.host;
      return row(
        'ready',
        `${clean(host)}:${r.port} answers ${r.from === 'here' ? 'from here' : 'from dom0'}, within ${time(r.withinMs)}`,
      );
    }),
  ];
};
