/** What a VM needs of its server to start: its files, and the conditions that are looked at just before. */
import type { Condition } from '../../../core/step.ts';
import { isImageOp, isServerOp, isVmOp } from '../../../kinds/operations.ts';
import type { Op } from '../../../kinds/plan.ts';
import { ownerPaths } from '../../../kinds/server/owner-key.ts';
import type { VmOp } from '../../../kinds/vm/ops.ts';
import { isServed } from '../../../kinds/vm/bound.ts';
import { needsQemu } from '../../../kinds/vm/device-ways.ts';
import { settingOf } from '../../../kinds/vm/fields.ts';
import { isVolumeGroup } from '../../../kinds/repository/live.ts';
import type { ServerSeen } from '../../../kinds/server/live.ts';
import type { LeaseDraft } from '../../../kinds/vm/lease.ts';
import type { DiskSource, VmConfig } from '../../../kinds/vm/spec.ts';
import { memoryNeed } from './memory-need.ts';
import { groupsOf } from '../read/volumes.ts';

/** What is no path (`pygrub`, an empty drive, a target of a network block device) is not looked for. */
const isPath = (p: string | null): p is string => p !== null && p.startsWith('/');

/** Files that a VM of this configuration is started from. */
const filesOf = (c: VmConfig): readonly string[] => {
  const devices = [...Object.values(c.disks), ...Object.values(c.cdroms)];
  const { kernel, ramdisk } = c.boot;
  const paths = [kernel, ramdisk, settingOf(c.settings, 'boot.bootloader'), ...devices.map((d) => d.path)];
  return [...new Set(paths.filter(isPath))];
};

/** What a VM of this configuration has open while it runs. */
export const runningPaths = (c: VmConfig): readonly string[] =>
  [...new Set([...Object.values(c.disks), ...Object.values(c.cdroms)].map((d) => d.path))].filter(isPath);

/** The volume group among whose volumes a lease is a tag. */
const leaseGroup = (lease: { readonly path: string } | null): readonly string[] =>
  lease === null ? [] : groupsOf([lease.path]);

const leaseStore = ({ lease }: { readonly lease: LeaseDraft | null }): readonly string[] =>
  lease === null ? [] : [`${lease.folder}/`];

const sourcePaths = ({ path, folder }: DiskSource): readonly string[] => [
  path,
  ...new Set([...groupsOf([path]), ...(folder === undefined ? [] : [`${folder}/`])]),
];

/** What a reading must be asked for, so that `lower`'s conditions can be decided. */
export const pathsOf = (op: Op): readonly string[] => {
  if (isImageOp(op)) return [op.path, `${op.folder}/`];
  if (isServerOp(op)) return [];
  if (!isVmOp(op)) return [`${op.path}/`, ...(op.verb === 'delete-disk' ? [op.disk] : [])];
  switch (op.verb) {
    case 'start':
      return [op.path, ...filesOf(op.config), ...leaseStore(op), ...groupsOf(runningPaths(op.config))];
    case 'restart':
      return [
        ...filesOf(op.record.config),
        ...leaseStore(op),
        ...groupsOf(runningPaths(op.record.config)),
        ...op.copies.flatMap(pathsOf),
      ];
    case 'grow-disk':
      return [`${op.folder}/`];
    case 'migrate':
      return [
        ...runningPaths(op.config),
        ...groupsOf(runningPaths(op.config)),
        ...(op.key === null ? [] : ownerPaths(op.key)),
      ];
    case 'activate':
    case 'deactivate':
      return [...new Set([...groupsOf(op.paths), ...leaseGroup(op.lease)])];
    case 'unlease':
      return [`${op.folder}/`];
    case 'stop':
      return [...new Set([...groupsOf(op.volumes), ...leaseGroup(op.lease)])];
    case 'forget':
      return groupsOf(op.volumes);
    case 'discard':
      return [];
    case 'drop-image':
      return [op.file];
    case 'settle':
      return leaseStore(op);
    case 'suspend':
      return [op.file, `${op.folder}/`, ...groupsOf(runningPaths(op.config))];
    case 'unpause':
      return op.saved === null ? [] : [op.saved];
    case 'resume':
      return [op.file, ...runningPaths(op.config), ...leaseStore(op), ...groupsOf(runningPaths(op.config))];
    case 'make-disk':
      return [op.path, ...(op.from === null ? [] : sourcePaths(op.from)), `${op.folder}/`];
    case 'make-seed':
    case 'adopt-disk':
      return [op.path, `${op.folder}/`];
    case 'attach-disk':
      return [op.disk.path, ...groupsOf([op.disk.path])].filter(isPath);
    case 'detach-disk':
      return groupsOf([op.path]);
    case 'change-cd':
      return [op.path].filter(isPath);
    case 'define':
    case 'autostart':
    case 'pause':
    case 'set-memory':
    case 'set-vcpus':
    case 'set-sched':
    case 'set-affinity':
    case 'set-cpupool':
    case 'rename':
    case 'ready':
    case 'attach-nic':
    case 'detach-nic':
    case 'move-nic':
    case 'release':
    case 'undefine':
      return [];
  }
};

/** What must be there; what is made on the way need not. */
export const pathConditions = (op: VmOp): readonly Condition[] => {
  const made = new Set(op.verb === 'restart' ? op.copies.map((c) => c.path) : []);
  // Of a store it is asked whose it is.
  return pathsOf(op).flatMap((path) => (made.has(path) || path.endsWith('/') ? [] : [{ is: 'path', path } as const]));
};

/** None of these leads out of the repository that it lies in: a store is written to by others. */
export const withinStores = (paths: readonly string[], { storage }: ServerSeen): readonly Condition[] => {
  const book = storage.book?.value;
  const folders = book && book !== 'odd' ? Object.values(book.repositories).map((r) => r.path) : [];
  return folders
    .filter((folder) => !isVolumeGroup(folder))
    .flatMap((folder) =>
      paths.flatMap((path) => (path.startsWith(`${folder}/`) ? [{ is: 'within', folder, path } as const] : [])),
    );
};

/** Whether a QEMU serves a VM of this configuration from its start on. */
export const hasQemu = (c: VmConfig): boolean => c.type === 'hvm' || Object.values(c.disks).some(needsQemu);

export const bridgeFor = (name: string, script: string | null): Condition => ({
  is: 'bridge',
  name,
  ...(script === null ? {} : { script }),
});

/** What its NICs hang on. */
export const bridgesOf = (c: VmConfig): readonly Condition[] =>
  c.nics.flatMap((n) => (n.bridge === null || isServed(n) ? [] : [bridgeFor(n.bridge, n.script)]));

/**
 * The server runs such guests and has what the VM is made of; its name is free; and there is memory enough. `back`: what is
 * given back first, in KiB.
 */
export const canStart = (op: VmOp, c: VmConfig, back: number, seen: ServerSeen): readonly Condition[] => [
  { is: 'runs', type: c.type },
  ...(hasQemu(c) ? [{ is: 'has-qemu' } as const] : []),
  ...(c.settings.cpupool === undefined ? [] : [{ is: 'has-cpupool', name: c.settings.cpupool } as const]),
  { is: 'name-free', name: c.name, uuid: op.uuid },
  ...withinStores(filesOf(c), seen),
  ...pathConditions(op),
  ...bridgesOf(c),
  { is: 'room', kib: Math.max(0, memoryNeed(c) - back) },
];
