/** The command lines behind an operation, for the plan's reader: with the VM's name where the steps have its domid. */
import type { Op } from '../../kinds/plan.ts';
import { writeDisk } from './disk-string.ts';
import { createArgv, shutdownArgv } from './domain-steps.ts';
import { autostartLink, checkPath } from './lower.ts';

const word = (w: string): string => (/^[A-Za-z0-9_@%+=:,./-]+$/.test(w) ? w : `'${w.replaceAll("'", `'\\''`)}'`);

const linesOf = (op: Op): readonly (readonly string[])[] => {
  switch (op.verb) {
    case 'define':
      return [['write', op.record.path], ...(op.update ? [['xl', 'config-update', op.name, op.record.path]] : [])];
    case 'autostart':
      return op.on ? [['ln', '-sfn', op.path, autostartLink(op.path)]] : op.links.map((link) => ['rm', '-f', link]);
    case 'start':
      return [...(op.clear ? [['xl', 'destroy', op.name]] : []), createArgv(op.path, op.paused)];
    case 'stop':
      return [shutdownArgv(op.name), ...(op.force ? [['xl', 'destroy', op.name]] : [])];
    case 'restart':
      return [
        ['xl', '-N', 'create', op.write ? checkPath(op.uuid) : op.record.path],
        ...(op.write ? [['write', op.record.path]] : []),
        shutdownArgv(op.name),
        ...(op.force ? [['xl', 'destroy', op.name]] : []),
        createArgv(op.record.path, false),
      ];
    case 'pause':
    case 'unpause':
      return [['xl', op.verb, op.name]];
    case 'set-memory':
      return [['xl', 'mem-set', op.name, `${op.kib / 1024}m`]];
    case 'set-vcpus':
      return [['xl', 'vcpu-set', op.name, String(op.count)]];
    case 'attach-disk':
      return [['xl', 'block-attach', op.name, writeDisk(op.vdev, op.disk) ?? op.disk.path]];
    case 'detach-disk':
      return [['xl', 'block-detach', op.name, op.vdev]];
    case 'attach-nic':
      return [['xl', 'network-attach', op.name, `mac=${op.mac}`, `bridge=${op.bridge}`]];
    case 'detach-nic':
      return [['xl', 'network-detach', op.name, op.mac]];
    case 'move-nic':
      return [['ip', 'link', 'set', 'dev', 'vifDOMID.DEVID', 'master', op.bridge]];
    case 'undefine':
      return [...op.links.map((link) => ['rm', '-f', link]), ['rm', op.path]];
  }
};

export const commands = (op: Op): readonly string[] => linesOf(op).map((argv) => argv.map(word).join(' '));
