/** What attaches, detaches and changes the devices of a running domain. */
import type { Condition, Lowered } from '../../../core/step.ts';
import { bornEmpty, needsQemu } from '../../../kinds/vm/device-ways.ts';
import { writeDisk } from '../cfg/disk-string.ts';
import { deviceMs, exec, quickMs, until } from './domain-steps.ts';
import { onDomain, type At, type Of, type Unsupported } from './lowering.ts';
import { bridgeFor, pathConditions, withinStores } from './needs.ts';
import { closed, reopened, sharedAmong } from './shared-volumes.ts';

export const attachDisk = (op: Of<'attach-disk'>, at: At): Lowered | Unsupported => {
  const { vdev, uuid, disk } = op;
  const spec = writeDisk(vdev, disk);
  if (spec === null) return { unsupported: `xl's disk syntax cannot name ${disk.path}` };
  // Where no QEMU serves it, xl exits 0 all the same, and the disk never connects.
  const qemu: readonly Condition[] = needsQemu(disk) ? [{ is: 'qemu', uuid }] : [];
  return onDomain(op, at, {
    before: [...pathConditions(op), ...withinStores([disk.path], at.seen), ...qemu, { is: 'no-disk', uuid, vdev }],
    steps: (_, dom) => [
      ...reopened(sharedAmong([disk.path], at.seen.storage)),
      exec(['xl', 'block-attach', dom, spec], deviceMs),
    ],
    after: [{ is: 'disk', uuid, vdev, path: disk.path, access: disk.access, format: disk.format }],
    afterMs: quickMs,
  });
};

export const detachDisk = (op: Of<'detach-disk'>, at: At): Lowered | Unsupported => {
  const { vdev, uuid } = op;
  const disk = at.domain?.disks.find((k) => k.vdev === vdev);
  if (disk && disk.path !== op.path) return { unsupported: `${vdev} is ${disk.path} by now, not ${op.path}` };
  const shared = sharedAmong([op.path], at.seen.storage);
  const left = shared.length === 0 ? [] : [until({ is: 'no-disk', uuid, vdev }, quickMs), ...closed(shared)];
  return onDomain(op, at, {
    steps: (_, dom) => (disk ? [exec(['xl', 'block-detach', dom, vdev], deviceMs), ...left] : []),
    after: [{ is: 'no-disk', uuid, vdev }],
    afterMs: quickMs,
  });
};

/** The drive is QEMU's and stays; only what lies in it changes. `dom` may be the VM's name. */
export const cdArgv = (op: Of<'change-cd'>, dom: string): readonly string[] =>
  op.path === null ? ['xl', 'cd-eject', dom, op.vdev] : ['xl', 'cd-insert', dom, op.vdev, op.path];

export const changeCd = (op: Of<'change-cd'>, at: At): Lowered | Unsupported => {
  const { vdev, uuid, path } = op;
  const drive = at.domain?.cdroms[vdev];
  if (at.domain && !drive)
    return { unsupported: `${at.domain.name} has no CD drive ${vdev}, and a running VM cannot be given one` };
  if (drive?.fixed && drive.path !== (path ?? '')) return { unsupported: `${at.domain?.name}: ${bornEmpty(vdev)}` };
  return onDomain(op, at, {
    before: [{ is: 'qemu', uuid }, ...pathConditions(op), ...withinStores(path === null ? [] : [path], at.seen)],
    steps: (_, dom) => (drive?.path === (path ?? '') ? [] : [exec(cdArgv(op, dom), deviceMs)]),
    // xenstore names the medium where QEMU has died of it, too.
    after: [
      { is: 'cd', uuid, vdev, path },
      { is: 'qemu', uuid },
    ],
    afterMs: quickMs,
  });
};

/** The arguments behind the domain: a running guest is given PV NICs only. */
export const nicArgs = ({ mac, bridge, device }: Of<'attach-nic'>): readonly string[] => [
  `mac=${mac}`,
  `bridge=${bridge}`,
  ...(device.vlan === null ? [] : [`vlan=${device.vlan}`]),
  ...(device.model === null ? [] : device.model === 'pv' ? ['type=vif'] : [`model=${device.model}`]),
  ...(device.rate === null ? [] : [`rate=${device.rate}`]),
  ...(device.script === null ? [] : [`script=${device.script}`]),
  ...device.extra,
];

export const attachNic = (op: Of<'attach-nic'>, at: At): Lowered => {
  const { mac, bridge, uuid } = op;
  return onDomain(op, at, {
    before: [bridgeFor(bridge, op.device.script), { is: 'no-nic', uuid, mac }],
    steps: (_, dom) => [exec(['xl', 'network-attach', dom, ...nicArgs(op)], deviceMs)],
    after: [{ is: 'nic', uuid, mac, bridge, rate: op.device.rate, script: op.device.script }],
    afterMs: quickMs,
  });
};

export const detachNic = (op: Of<'detach-nic'>, at: At): Lowered => {
  const nic = at.domain?.nics.find((n) => n.mac === op.mac);
  return onDomain(op, at, {
    steps: (_, dom) => (nic ? [exec(['xl', 'network-detach', dom, String(nic.devid)], deviceMs)] : []),
    after: [{ is: 'no-nic', uuid: op.uuid, mac: op.mac }],
    afterMs: quickMs,
  });
};

export const moveNic = (op: Of<'move-nic'>, at: At): Lowered | Unsupported => {
  const { mac, bridge, uuid } = op;
  const { domain } = at;
  const nic = domain?.nics.find((n) => n.mac === mac);
  if (domain && !nic) return { unsupported: `${domain.name} has no vif with the MAC ${mac} any more` };
  return onDomain(op, at, {
    before: [{ is: 'bridge', name: bridge }],
    steps: (_, dom) => (nic ? [exec(['ip', 'link', 'set', 'dev', `vif${dom}.${nic.devid}`, 'master', bridge])] : []),
    after: [{ is: 'nic', uuid, mac, bridge, rate: null, script: null }],
    afterMs: quickMs,
  });
};
