/** What each setting of a VM is: which guests have it, what Xen takes where nobody set it, and how a running VM takes a new value. */
import type { How } from '../../core/change.ts';
import type { AllSettings, SettingName, Settings, VmType } from './spec.ts';

export interface Field<N extends SettingName = SettingName> {
  readonly name: N;
  /** In a plan. */
  readonly label: string;
  /** The guest types that have it. */
  readonly types: readonly VmType[];
  /** Xen's own value where the cfg is silent. */
  readonly fallback: AllSettings[N];
  /** The operation that changes it while the VM runs; null: it is fixed when a VM starts. */
  readonly live: How | null;
  /** Why it takes that, for the plan's reader. */
  readonly why: string;
}

const every: readonly VmType[] = ['pv', 'pvh', 'hvm'];
const hvm: readonly VmType[] = ['hvm'];

const row = <N extends SettingName>(
  name: N,
  label: string,
  types: readonly VmType[],
  fallback: AllSettings[N],
  why: string,
  live: How | null = null,
): Field => ({ name, label, types, fallback, live, why });

const read = 'it is read when the VM starts';
const qemu = 'QEMU takes it when the VM starts';

export const fields: readonly Field[] = [
  row('boot.bootloader', 'bootloader', ['pv', 'pvh'], null, read),
  row('boot.firmware', 'firmware', hvm, 'bios', read),
  row('boot.order', 'boot order', hvm, ['disk', 'cdrom'], read),
  row('display.vnc', 'vnc', hvm, true, qemu),
  row('display.vnc.listen', 'vnc listen', hvm, '127.0.0.1', qemu),
  row('display.vnc.port', 'vnc port', hvm, null, qemu),
  row('display.vnc.password', 'vnc password', hvm, null, qemu),
  row('display.spice', 'spice', hvm, false, qemu),
  row('display.spice.listen', 'spice listen', hvm, '0.0.0.0', qemu),
  row('display.spice.port', 'spice port', hvm, null, qemu),
  row('display.spice.password', 'spice password', hvm, null, qemu),
  row('serial', 'serial', hvm, null, qemu),
  row('tablet', 'USB tablet', hvm, false, qemu),
  row('sched.weight', 'weight', every, 256, 'the scheduler takes it at once', 'set-sched'),
  row('sched.cap', 'cap', every, 0, 'the scheduler takes it at once', 'set-sched'),
  row('affinity.hard', 'affinity', every, 'all', 'its vCPUs are pinned while it runs', 'set-affinity'),
  row('affinity.soft', 'soft affinity', every, 'all', 'its vCPUs are pinned while it runs', 'set-affinity'),
  row('cpupool', 'cpupool', every, 'Pool-0', 'it moves to the other pool while it runs', 'set-cpupool'),
  row('on.poweroff', 'on poweroff', every, 'destroy', 'its monitor reads it when the VM starts'),
  row('on.reboot', 'on reboot', every, 'restart', 'its monitor reads it when the VM starts'),
  row('on.crash', 'on crash', every, 'destroy', 'its monitor reads it when the VM starts'),
];

const byName = new Map(fields.map((f) => [f.name as string, f]));

/** Undefined where `name` is no setting (a disk, `memory.max`, `xl.viridian`). */
export const fieldOf = (name: string): Field | undefined => byName.get(name);

/** The value that counts: as set, or Xen's own. */
export const settingOf = <N extends SettingName>(settings: Settings, name: N): AllSettings[N] =>
  (settings[name] as AllSettings[N] | undefined) ??
  ((byName.get(name) as Field<N> | undefined)?.fallback as AllSettings[N]);
