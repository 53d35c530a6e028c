/** The command lines behind an operation, for the plan's reader: with the VM's name where the steps have its domid. */
import { isImageOp, isServerOp, isVmOp } from '../../../kinds/operations.ts';
import { isVolumeGroup } from '../../../kinds/repository/live.ts';
import type { Op } from '../../../kinds/plan.ts';
import type { CfgDraft } from '../../../kinds/vm/ops.ts';
import { writeDisk } from '../cfg/disk-string.ts';
import { createArgv, shutdownArgv, wakeArgvs } from './domain-steps.ts';
import { checkPath, linkArgvs } from './cfg.ts';
import { diskLines } from './disk.ts';
import { imageLines } from './image.ts';
import { cdArgv, nicArgs } from './devices.ts';
import { repositoryLines } from './repository.ts';
import { migrateArgv, restoreArgv, saveArgv } from './migrate.ts';
import { serverLines } from './server.ts';
import { schedCommand } from './settings.ts';
import { activateArgv, deactivateArgv } from './shared-volumes.ts';

const word = (w: string): string => (/^[A-Za-z0-9_@%+=:,./-]+$/.test(w) ? w : `'${w.replaceAll("'", `'\\''`)}'`);

type Lines = readonly (readonly string[])[];

const placedLines = ({ path, from }: CfgDraft): Lines => [['write', path], ...(from ? [['rm', from.path]] : [])];

const linesOf = (op: Op): Lines => {
  if (isImageOp(op)) return imageLines(op);
  if (isServerOp(op)) return serverLines(op);
  if (!isVmOp(op)) return repositoryLines(op);
  switch (op.verb) {
    case 'define':
      return [...placedLines(op.record), ...(op.update ? [['xl', 'config-update', op.name, op.record.path]] : [])];
    case 'autostart':
      return linkArgvs(op);
    case 'start':
      return [...(op.clear ? [['xl', 'destroy', op.name]] : []), createArgv(op.path, op.paused)];
    case 'stop':
      return [shutdownArgv(op.name), ...(op.force ? [['xl', 'destroy', op.name]] : [])];
    case 'restart':
      return [
        ['xl', '-N', 'create', op.write ? checkPath(op.uuid) : op.record.path],
        ...(op.write && op.copies.length === 0 ? placedLines(op.record) : []),
        shutdownArgv(op.name),
        ...(op.force ? [['xl', 'destroy', op.name]] : []),
        ...op.copies.flatMap(diskLines),
        ...(op.write && op.copies.length > 0 ? placedLines(op.record) : []),
        createArgv(op.record.path, false),
      ];
    case 'pause':
      return [['xl', 'pause', op.name]];
    case 'unpause':
      return wakeArgvs(op.saved, op.name);
    case 'ready': {
      const { host, port, from } = op.ready;
      const address = host.includes(':') ? `[${host}]` : host;
      return [['wait', 'for', 'tcp', `${address}:${port}`, ...(from === 'dom0' ? ['from', op.server] : [])]];
    }
    case 'set-memory':
      return [['xl', 'mem-set', op.name, `${op.kib / 1024}m`]];
    case 'set-vcpus':
      return [['xl', 'vcpu-set', op.name, String(op.count)]];
    case 'set-sched': {
      const command = schedCommand(op.scheduler) ?? 'sched-credit2';
      return [['xl', command, '-d', op.name, '-w', String(op.weight), '-c', String(op.cap)]];
    }
    case 'set-affinity':
      return [['xl', 'vcpu-pin', op.name, 'all', op.hard, op.soft]];
    case 'set-cpupool':
      return [['xl', 'cpupool-migrate', op.name, op.pool]];
    case 'rename':
      return [['xl', 'rename', op.name, op.to]];
    case 'change-cd':
      return [cdArgv(op, op.name)];
    case 'make-seed':
      return [['write', op.path]];
    case 'make-disk':
    case 'adopt-disk':
    case 'grow-disk':
      return diskLines(op);
    case 'attach-disk':
      return [['xl', 'block-attach', op.name, writeDisk(op.vdev, op.disk) ?? op.disk.path]];
    case 'detach-disk':
      return [['xl', 'block-detach', op.name, op.vdev]];
    case 'attach-nic':
      return [['xl', 'network-attach', op.name, ...nicArgs(op)]];
    case 'detach-nic':
      return [['xl', 'network-detach', op.name, op.mac]];
    case 'move-nic':
      return [['ip', 'link', 'set', 'dev', 'vifDOMID.DEVID', 'master', op.bridge]];
    case 'release':
      return [['write', op.path]];
    case 'migrate':
      return [migrateArgv(op, op.name), ...(op.leaves ? [['rm', op.leaves.path]] : [])];
    case 'activate':
      return [activateArgv(op.paths)];
    case 'deactivate':
      return [deactivateArgv(op.paths)];
    case 'unlease':
      return isVolumeGroup(op.folder)
        ? [['lvchange', '--deltag', 'reeve.lease=…', op.lease.path.slice('/dev/'.length)]]
        : [['rm', '-f', op.lease.path]];
    case 'drop-image':
      return [['rm', '-f', op.file]];
    case 'discard':
      return [['xl', 'destroy', op.name]];
    case 'settle': {
      const { path, link, via, update, lease } = op;
      return [
        ...(lease === null
          ? []
          : isVolumeGroup(lease.folder)
            ? [['lvchange', '--addtag', lease.path]]
            : [['write', lease.path]]),
        ...(link === null ? [] : linkArgvs({ path, on: true, link, links: [], via })),
        ...(update ? [['xl', 'config-update', op.name, path]] : []),
      ];
    }
    case 'suspend':
      return [saveArgv(op, op.name), ['xl', 'destroy', op.name], ...(op.leaves ? [['rm', op.leaves.path]] : [])];
    case 'resume':
      return [restoreArgv(op), ...wakeArgvs(op.file, op.name)];
    case 'forget':
    case 'undefine':
      return [...op.links.map((link) => ['rm', '-f', link]), ['rm', op.path]];
  }
};

export const commands = (op: Op): readonly string[] => linesOf(op).map((argv) => argv.map(word).join(' '));
