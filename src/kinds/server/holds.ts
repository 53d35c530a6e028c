/** Whether a condition holds in one server's answer, and where it does not, why: in words that a failed operation shows. */
import { formatSize } from '../../core/quantity.ts';
import type { Condition } from '../../core/step.ts';
import type { Domain } from '../vm/live.ts';
import type { ServerSeen } from './live.ts';

type DomainState = Extract<Condition, { is: 'domain' }>['state'];

const saysOf: Readonly<Record<Domain['state'], string>> = {
  running: 'is running',
  paused: 'is paused',
  shutdown: 'has shut down and waits to be cleared away',
  crashed: 'has crashed',
  dying: 'is being taken down',
};

const wantsOf: Readonly<Record<Exclude<DomainState, 'gone'>, readonly Domain['state'][]>> = {
  up: ['running', 'paused'],
  running: ['running'],
  paused: ['paused'],
  ended: ['shutdown', 'crashed'],
};

const lacksOf: Readonly<Record<'missing' | 'unknown', string>> = {
  missing: 'is not on the server',
  unknown: 'could not be looked at: the server took too long over it (a dead NFS server?)',
};

const called = (d: Domain): string => `domain ${d.domid} (${d.name})`;

/** How far a guest's memory may be from its balloon's target: 1 MiB and 1 %, in KiB. */
const slack = (kib: number): number => 1024 + kib / 100;

/**
 * The lowest XenBus state of a backend that counts as attached. Waiting (2) means that dom0's part is done: a paused guest
 * cannot answer yet, while a disk that nobody serves stays in 1.
 */
const diskReady = (d: Domain): number => (d.state === 'paused' ? 2 : 4);

const stateOf = (state: number): string =>
  state === 0 ? 'it has no backend' : `its backend is in state ${state}, not 4 (connected)`;

/** True, or why not. */
export const holds = (condition: Condition, seen: ServerSeen): true | string => {
  const ofVm = (uuid: string, check: (d: Domain) => true | string): true | string => {
    const domain = seen.domains.find((d) => d.uuid === uuid);
    return domain ? check(domain) : `no domain has the UUID ${uuid}`;
  };
  switch (condition.is) {
    case 'domain': {
      const { uuid, state } = condition;
      if (state === 'gone') {
        const domain = seen.domains.find((d) => d.uuid === uuid);
        return domain === undefined || `${called(domain)} is still there: it ${saysOf[domain.state]}`;
      }
      return ofVm(uuid, (d) => wantsOf[state].includes(d.state) || `${called(d)} ${saysOf[d.state]}`);
    }
    case 'name-free': {
      const other = seen.domains.find((d) => d.name === condition.name && d.uuid !== condition.uuid);
      return other === undefined || `the name is taken: ${called(other)} has the UUID ${other.uuid}`;
    }
    case 'memory':
      return ofVm(condition.uuid, (d) => {
        const { target, actual } = d.memory;
        const { kib } = condition;
        if (target !== kib) return `the memory target of ${called(d)} is ${formatSize(target)}, not ${formatSize(kib)}`;
        return (
          Math.abs(actual - kib) <= slack(kib) ||
          `${called(d)} has ${formatSize(actual)} of memory; its target is ${formatSize(kib)} (does its balloon driver run?)`
        );
      });
    case 'vcpus':
      return ofVm(condition.uuid, (d) => {
        const { online } = condition;
        if (d.vcpus.online !== online) return `${called(d)} has ${d.vcpus.online} vCPUs online, not ${online}`;
        // A paused guest cannot follow before it goes on. To start a plugged vCPU is up to the guest, and many leave it off.
        if (d.state === 'paused' || (d.vcpusUp ?? 0) <= online) return true;
        return `${called(d)} still runs ${d.vcpusUp} vCPUs; it was told to run ${online} (does its kernel unplug vCPUs?)`;
      });
    case 'disk':
      return ofVm(condition.uuid, (d) => {
        const { vdev, path, access } = condition;
        const disk = d.disks.find((x) => x.vdev === vdev);
        if (!disk) return `${called(d)} has no disk ${vdev}`;
        if (disk.path !== path) return `the disk ${vdev} of ${called(d)} is ${disk.path}, not ${path}`;
        if (disk.access !== access) return `the disk ${vdev} of ${called(d)} is ${disk.access}, not ${access}`;
        if (disk.state >= diskReady(d) && disk.state <= 4) return true;
        return `the disk ${vdev} of ${called(d)} is not connected: ${stateOf(disk.state)}`;
      });
    case 'no-disk':
      return ofVm(condition.uuid, (d) => {
        const disk = d.disks.find((x) => x.vdev === condition.vdev);
        return disk === undefined || `${called(d)} has a disk ${disk.vdev}: ${disk.path}`;
      });
    case 'nic':
      return ofVm(condition.uuid, (d) => {
        const { mac, bridge } = condition;
        const nic = d.nics.find((x) => x.mac.toLowerCase() === mac.toLowerCase());
        if (!nic) return `${called(d)} has no vif with the MAC ${mac}`;
        if (nic.bridge !== bridge)
          return `the vif ${mac} of ${called(d)} hangs on ${nic.bridge ?? 'no bridge'}, not on ${bridge}`;
        // It hangs on its bridge before the guest has brought it up; a ghost waits, too, for a bridge that is not there.
        const waits = nic.state >= 1 && nic.state < 4 && seen.bridges.includes(bridge);
        if (nic.state === 4 || waits) return true;
        return `the vif ${mac} of ${called(d)} is not connected: ${stateOf(nic.state)}`;
      });
    case 'no-nic':
      return ofVm(condition.uuid, (d) => {
        const nic = d.nics.find((x) => x.mac.toLowerCase() === condition.mac.toLowerCase());
        return nic === undefined || `${called(d)} has a vif with the MAC ${condition.mac}`;
      });
    case 'bridge':
      return seen.bridges.includes(condition.name) || `the server has no bridge ${condition.name}`;
    case 'path': {
      const found = seen.paths[condition.path];
      if (found === undefined) return `${condition.path} was not looked at`;
      return found === 'there' || `${condition.path} ${lacksOf[found]}`;
    }
    case 'record': {
      const record = seen.records.find((r) => r.path === condition.path);
      if (condition.digest === 'absent') return record === undefined || `${condition.path} is there`;
      if (!record) return `${condition.path} is not there`;
      return (
        record.digest === condition.digest || `${condition.path} is not what was expected: it was edited meanwhile`
      );
    }
    case 'autostart': {
      const record = seen.records.find((r) => r.path === condition.path);
      const on = (record?.autostart.length ?? 0) > 0;
      if (on === condition.on) return true;
      return on
        ? `${condition.path} is still started at boot: ${record?.autostart.join(', ')}`
        : `nothing in /etc/xen/auto leads to ${condition.path}`;
    }
    case 'room': {
      const free = seen.memory.free + seen.memory.reclaimable;
      return (
        free >= condition.kib ||
        `the server has ${formatSize(free)} of memory free; ${formatSize(condition.kib)} are needed`
      );
    }
  }
};
