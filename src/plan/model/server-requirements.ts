/** What a server lacks for a VM: what every start of it there would fail for. */
import type { ReasonCode } from '../../core/reason.ts';
import { runsType, type ServerSeen } from '../../kinds/server/live.ts';
import { pathsOfConfig } from '../../kinds/server/users.ts';
import { driverDomainsOf, isServed } from '../../kinds/vm/bound.ts';
import { needsQemu } from '../../kinds/vm/device-ways.ts';
import { settingOf } from '../../kinds/vm/fields.ts';
import { astray } from '../../kinds/repository/owner.ts';
import { hasBridge } from '../../kinds/server/holds-devices.ts';
import type { NicConfig, VmConfig } from '../../kinds/vm/spec.ts';
import { type Roof, roofOver } from './path-availability.ts';

export interface Lack {
  /** Behind the server's name: `has no bridge xenbr0`. */
  readonly what: string;
  readonly code: ReasonCode;
  readonly help: string | null;
}

const typeLack = ({ type }: VmConfig, seen: ServerSeen): Lack | null => {
  if (runsType(type, seen)) return null;
  const caps = seen.xen.virtCaps.join(' ');
  const firmware = type === 'pv' ? '' : "; or switch the CPU's virtualisation on in the firmware";
  return {
    what: `runs no ${type} guests (virt_caps: ${caps})`,
    code: 'guest-type-unsupported',
    help: `give the VM another type, or another server${firmware}`,
  };
};

const qemuLack = (config: VmConfig, seen: ServerSeen): Lack | null => {
  if (seen.qemu !== false) return null;
  const disk = Object.entries(config.disks).find(([, d]) => needsQemu(d))?.[0];
  const why = config.type === 'hvm' ? 'every hvm guest needs one' : disk && `disk ${disk} needs one`;
  return why
    ? { what: `has no QEMU for Xen, and ${why}`, code: 'qemu-missing', help: 'install it (Debian: qemu-system-xen)' }
    : null;
};

const bridgeLack = ({ bridge, script }: NicConfig, seen: ServerSeen): Lack => {
  const ovs = script === 'vif-openvswitch';
  const plain = ovs && bridge !== null && seen.bridges.includes(bridge);
  return {
    what: `has no ${ovs ? 'Open vSwitch ' : ''}bridge ${bridge}${plain ? ', but a Linux bridge of that name' : ''}`,
    code: 'bridge-missing',
    help: 'correct the network, or make the bridge',
  };
};

const pathLack = ({ boot, cdroms }: VmConfig, path: string): Lack => {
  const grub = path === boot.kernel && path.includes('grub');
  const drive = Object.entries(cdroms).find(([, d]) => d.path === path)?.[0];
  if (drive !== undefined)
    return {
      what: `has no ${path}, which lies in drive ${drive}`,
      code: 'path-missing',
      help: `eject it (\`cdrom: { ${drive}: {} }\`), or put the file there`,
    };
  return {
    what: `has no ${path}`,
    code: 'path-missing',
    help: grub
      ? 'install grub-xen-host on the server, or give the VM a kernel'
      : 'correct the path, or put the file there',
  };
};

const barredLack = ({ repository, path: of, code, why, help }: Roof & { is: 'barred' }, path: string): Lack => ({
  what:
    of === path ? `has no ${repository}: ${why}` : `has no use of repository ${repository}, where ${path} lies: ${why}`,
  code,
  help,
});

/** Null where it has all. `roofs`: the repositories there; what is still to be attached is not missed. */
export const lackOf = (config: VmConfig, seen: ServerSeen, roofs: readonly Roof[]): Lack | null => {
  const none = typeLack(config, seen) ?? qemuLack(config, seen);
  if (none) return none;
  for (const path of pathsOfConfig(config)) {
    const roof = roofOver(roofs, path);
    if (roof?.is === 'barred') return barredLack(roof, path);
    const link = roof && astray(path, roof.path, seen.special);
    if (link)
      return {
        what: `has no safe ${path}: ${link} is a link or a device, and may lead out of repository ${roof.repository}`,
        code: 'path-astray',
        help: 'name what is meant by its own path, or remove the link',
      };
    if (roof?.is === 'coming' || seen.paths[path] !== 'missing') continue;
    return pathLack(config, path);
  }
  const driver = driverDomainsOf(config).find(
    (name) => !seen.domains.some((d) => d.name === name || String(d.domid) === name),
  );
  if (driver !== undefined)
    return {
      what: `has no driver domain ${driver}, which serves a disk or a NIC`,
      code: 'driver-domain-missing',
      help: `start ${driver} there, or give the VM a backend that every server has`,
    };
  const bridgeless = config.nics.find(
    (n) => n.bridge !== null && !isServed(n) && !hasBridge({ name: n.bridge, script: n.script }, seen),
  );
  if (bridgeless) return bridgeLack(bridgeless, seen);
  const pool = settingOf(config.settings, 'cpupool');
  if (seen.cpupools.length > 0 && !seen.cpupools.includes(pool)) {
    return {
      what: `has no cpupool ${pool}`,
      code: 'cpupool-missing',
      help: `it has ${seen.cpupools.join(', ')}; make it with xl cpupool-create, or correct \`cpupool\``,
    };
  }
  return null;
};
