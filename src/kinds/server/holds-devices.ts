/** Whether a condition on a domain's devices holds, and where it does not, why. */
import type { Condition } from '../../core/step.ts';
import type { Domain } from '../vm/live.ts';
import type { ServerSeen } from './live.ts';

type Of<Is extends Condition['is']> = Extract<Condition, { readonly is: Is }>;

export const called = (d: Domain): string => `domain ${d.domid} (${d.name})`;

/**
 * The lowest XenBus state of a backend that counts as attached. Waiting (2) means that dom0's part is done: a paused guest
 * cannot answer yet, while a disk that nobody serves stays in 1.
 */
const diskReady = (d: Domain): number => (d.state === 'paused' ? 2 : 4);

const stateOf = (state: number): string =>
  state === 0 ? 'it has no backend' : `its backend is in state ${state}, not 4 (connected)`;

export const hasDisk = ({ vdev, path, access, format }: Of<'disk'>, d: Domain): true | string => {
  const disk = d.disks.find((x) => x.vdev === vdev);
  if (!disk) return `${called(d)} has no disk ${vdev}`;
  if (disk.path !== path) return `the disk ${vdev} of ${called(d)} is ${disk.path}, not ${path}`;
  if (disk.access !== access) return `the disk ${vdev} of ${called(d)} is ${disk.access}, not ${access}`;
  if (disk.format !== format) return `the disk ${vdev} of ${called(d)} is ${disk.format}, not ${format}`;
  if (disk.state >= diskReady(d) && disk.state <= 4) return true;
  return `the disk ${vdev} of ${called(d)} is not connected: ${stateOf(disk.state)}`;
};

export const hasNoDisk = ({ vdev }: Of<'no-disk'>, d: Domain): true | string => {
  const disk = d.disks.find((x) => x.vdev === vdev);
  return disk === undefined || `${called(d)} has a disk ${disk.vdev}: ${disk.path}`;
};

const medium = (path: string): string => (path === '' ? 'empty' : `holding ${path}`);

export const hasCd = ({ vdev, path }: Of<'cd'>, d: Domain): true | string => {
  const drive = d.cdroms[vdev];
  if (!drive) return `${called(d)} has no CD drive ${vdev}`;
  const wanted = path ?? '';
  return (
    drive.path === wanted || `the CD drive ${vdev} of ${called(d)} is ${medium(drive.path)}, not ${medium(wanted)}`
  );
};

/** Whether it is Open vSwitch's: a VLAN may stand behind the bridge's name, and trunks behind that: `ovs0.20`, `ovs0:20:30`. */
export const hasOvs = (name: string, { ovs }: Pick<ServerSeen, 'ovs'>): boolean =>
  ovs.includes(name) || ovs.includes(name.replace(/(?:\.\d+)?(?::\d+)*$/, ''));

export interface BridgeName {
  /** As a cfg writes it. */
  readonly name: string;
  /** The script that hangs the vif on it; null or not there: the one that the server's xl.conf names, which no reading shows. */
  readonly script?: string | null;
}

/** Only Open vSwitch's script takes a name apart, and only Linux's takes it as it stands; another may do either. */
export const hasBridge = ({ name, script = null }: BridgeName, seen: Pick<ServerSeen, 'bridges' | 'ovs'>): boolean => {
  // Those of Open vSwitch are told among the bridges, too.
  if (script === 'vif-bridge') return seen.bridges.includes(name) && !seen.ovs.includes(name);
  if (script === 'vif-openvswitch') return hasOvs(name, seen);
  return seen.bridges.includes(name) || hasOvs(name, seen);
};

const nicOf = (mac: string, d: Domain): Domain['nics'][number] | undefined =>
  d.nics.find((x) => x.mac.toLowerCase() === mac.toLowerCase());

export const hasNic = ({ mac, bridge, rate, script }: Of<'nic'>, d: Domain, seen: ServerSeen): true | string => {
  const nic = nicOf(mac, d);
  if (!nic) return `${called(d)} has no vif with the MAC ${mac}`;
  if (nic.bridge !== bridge)
    return `the vif ${mac} of ${called(d)} hangs on ${nic.bridge ?? 'no bridge'}, not on ${bridge}`;
  if (rate !== null && nic.rate !== rate)
    return `the vif ${mac} of ${called(d)} has ${nic.rate === null ? 'no rate' : `the rate ${nic.rate}`}, not ${rate}`;
  if (script !== null && nic.script !== script)
    return `the vif ${mac} of ${called(d)} was set up by ${nic.script ?? 'no script'}, not by ${script}`;
  // It hangs on its bridge before the guest has brought it up; a ghost waits, too, for a bridge that is not there.
  const waits = nic.state >= 1 && nic.state < 4 && hasBridge({ name: bridge, script: nic.script }, seen);
  if (nic.state === 4 || waits) return true;
  return `the vif ${mac} of ${called(d)} is not connected: ${stateOf(nic.state)}`;
};

export const hasNoNic = ({ mac }: Of<'no-nic'>, d: Domain): true | string =>
  nicOf(mac, d) === undefined || `${called(d)} has a vif with the MAC ${mac}`;
