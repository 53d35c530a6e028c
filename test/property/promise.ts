/** What each difference between two VMs of the file costs the running one: the table of `src/README.md`, said once more and independently of the planner. */
import { worst, type Disruption } from '../../src/core/disruption.ts';
import { sameValue } from '../../src/core/digest.ts';
import type { VmSpec } from '../../src/kinds/vm/spec.ts';

const differ = (a: unknown, b: unknown): boolean => !sameValue(a ?? null, b ?? null);

/** Xen's own where the file is silent. */
const own: Readonly<Record<string, unknown>> = {
  'boot.firmware': 'bios',
  'boot.order': ['disk', 'cdrom'],
  'display.vnc': true,
  tablet: false,
  'sched.weight': 256,
  'sched.cap': 0,
  'affinity.hard': 'all',
  'affinity.soft': 'all',
  cpupool: 'Pool-0',
  'on.poweroff': 'destroy',
  'on.reboot': 'restart',
  'on.crash': 'destroy',
};
const liveSettings = /^(?:sched\.|affinity\.|cpupool)/;

const settings = (a: VmSpec, b: VmSpec): readonly Disruption[] => {
  const at = (v: VmSpec, name: string): unknown =>
    (v.settings as Readonly<Record<string, unknown>>)[name] ?? own[name] ?? null;
  const names = new Set([...Object.keys(a.settings), ...Object.keys(b.settings)]);
  return [...names].flatMap((name): readonly Disruption[] =>
    differ(at(a, name), at(b, name)) ? [liveSettings.test(name) ? 'live' : 'restart'] : [],
  );
};

/** Whether the guest runs with a QEMU that could serve a qcow2 disk. */
const hasQemu = (v: VmSpec): boolean =>
  v.type === 'hvm' || Object.values(v.disks ?? {}).some((d) => (d.format ?? 'raw') !== 'raw');

const disks = (a: VmSpec, b: VmSpec): readonly Disruption[] => {
  const [from, to] = [a.disks ?? {}, b.disks ?? {}];
  const root = Object.keys(from).sort()[0];
  return [...new Set([...Object.keys(from), ...Object.keys(to)])].flatMap((vdev): readonly Disruption[] => {
    const [old, want] = [from[vdev], to[vdev]];
    if (!differ(old, want)) return [];
    if (!vdev.startsWith('xvd') || (old && vdev === root)) return ['restart'];
    if (want && (want.format ?? 'raw') !== 'raw' && !hasQemu(a)) return ['restart'];
    return [old ? 'device' : 'live'];
  });
};

const nics = (a: VmSpec, b: VmSpec): readonly Disruption[] => {
  const [from, to] = [a.nics ?? {}, b.nics ?? {}];
  return [...new Set([...Object.keys(from), ...Object.keys(to)])].flatMap((key): readonly Disruption[] => {
    const [old, want] = [from[key], to[key]];
    if (!differ(old, want)) return [];
    if (!old) return ['live'];
    return [want && !differ(old.rate, want.rate) ? 'live' : 'device'];
  });
};

const drives = (a: VmSpec, b: VmSpec): readonly Disruption[] => {
  const [from, to] = [a.cdroms ?? {}, b.cdroms ?? {}];
  return [...new Set([...Object.keys(from), ...Object.keys(to)])].flatMap((vdev): readonly Disruption[] =>
    // Into what was empty from the start, QEMU takes nothing.
    !differ(from[vdev], to[vdev]) ? [] : [from[vdev]?.path && to[vdev] ? 'live' : 'restart'],
  );
};

/** Both run, and are one VM. Maxima are said in both. */
export const promise = (a: VmSpec, b: VmSpec): Disruption => {
  const when = (differs: boolean, cost: Disruption): readonly Disruption[] => (differs ? [cost] : []);
  // What comes back whenever it shuts down can only be destroyed.
  const revived = a.settings['on.poweroff'] === 'restart';
  const fewer = (b.vcpus.count ?? 1) < (a.vcpus.count ?? 1);
  const all = worst([
    ...when(a.type !== b.type, 'restart'),
    ...when(differ(a.name, b.name), 'live'),
    ...when(differ(a.vcpus.count, b.vcpus.count), fewer && a.type === 'hvm' ? 'restart' : 'live'),
    ...when(differ(a.vcpus.max, b.vcpus.max), 'restart'),
    ...when(differ(a.memory.target, b.memory.target), 'live'),
    ...when(differ(a.memory.max, b.memory.max), 'restart'),
    ...when(differ(a.boot, b.boot), 'restart'),
    ...when(differ(a.xl, b.xl), 'restart'),
    ...settings(a, b),
    ...disks(a, b),
    ...nics(a, b),
    ...drives(a, b),
  ]);
  return all === 'restart' && revived ? 'data-loss' : all;
};
