/** Devices as libxl makes them of a configuration: backends, loop devices, bridges, scripts. */
import type { DomainConfig } from './config.ts';
import { devidOf, type Backend, type DiskConfig } from './disk-spec.ts';
import type { NicConfig } from './nic-spec.ts';
import { nicType } from './print-json.ts';
import type { Disk, Nic, World } from './world.ts';

const failed = (line: string): string => `libxl: error: libxl_device.c:${line}\n`;

/** The backend that serves it, or libxl's words where none can. */
export const backendOf = (
  world: World,
  disk: DiskConfig,
  type: DomainConfig['type'],
): Backend | { readonly error: string } => {
  const at = 'libxl__device_disk_set_backend:';
  if (disk.format === 'empty') {
    if (!disk.cdrom) return { error: failed(`440:${at} Disk vdev=${disk.vdev} is empty but not cdrom`) };
    return 'qdisk';
  }
  // A CD drive of an HVM guest is QEMU's where nothing else is said.
  const asked = disk.backend ?? (disk.cdrom && type === 'hvm' ? 'qdisk' : null);
  if (asked !== 'qdisk' && asked !== 'tap' && disk.script === null && !world.files.exists(disk.path))
    return {
      error: failed(`455:${at} Disk vdev=${disk.vdev} failed to stat: ${disk.path}: No such file or directory`),
    };
  const phy = disk.format === 'raw';
  const fits =
    asked === null
      ? phy
        ? 'phy'
        : disk.script === null
          ? 'qdisk'
          : null
      : asked === 'qdisk' || (asked === 'phy' && phy)
        ? asked
        : null;
  return fits ?? { error: failed(`475:${at} no suitable backend for disk ${disk.vdev}`) };
};

export const makeDisk = (world: World, config: DiskConfig, backend: Backend): Disk => ({
  devid: devidOf(config.vdev) ?? 0,
  vdev: config.vdev,
  path: config.path,
  format: config.format,
  readwrite: config.readwrite,
  cdrom: config.cdrom,
  backend,
  script: config.script,
  directIo: config.directIo,
  discard: config.discard ?? config.readwrite,
  loop: backend === 'phy' && !config.path.startsWith('/dev/') ? (world.nextLoop += 1) - 1 : null,
  // QEMU gives an empty drive no backend of its own.
  back: config.format === 'empty' ? 1 : 2,
  front: 1,
});

const scriptPath = (script: string | null): string =>
  script === null ? '/etc/xen/scripts/vif-bridge' : script.startsWith('/') ? script : `/etc/xen/scripts/${script}`;

/** The bridge behind `ovs0.20` or `ovs0:20:30`, which only Open vSwitch's script takes apart. */
const bridgeBehind = (script: string, bridge: string): string =>
  script.endsWith('/vif-openvswitch') ? (/^[^.:]+/.exec(bridge)?.[0] ?? bridge) : bridge;

/** What the hotplug script says where it fails; null where the vif comes up. */
export const scriptTrouble = (world: World, nic: Pick<NicConfig, 'bridge' | 'script'>): string | null => {
  const script = scriptPath(nic.script);
  const bridge = nic.bridge ?? 'xenbr0';
  if (script.endsWith('/vif-openvswitch')) {
    if (world.server.ovs === undefined) return 'Unable to find ovs-vsctl tool';
    const name = bridgeBehind(script, bridge);
    return world.ovs.has(name) ? null : `ovs-vsctl --timeout=30 -- --if-exists del-port -- add-port ${name} failed`;
  }
  return script.endsWith('/vif-bridge') && !world.bridges.has(bridge) ? `Could not find bridge device ${bridge}` : null;
};

export const makeNic = (world: World, type: DomainConfig['type'], config: DomainConfig['nics'][number]): Nic => {
  const bridge = config.bridge ?? 'xenbr0';
  const script = scriptPath(config.script);
  const trouble = scriptTrouble(world, config);
  return {
    devid: config.devid,
    mac: config.mac,
    bridge,
    type: nicType(type, config),
    script,
    rate: config.rate === null ? null : `${config.rate.bytes},${config.rate.micros}`,
    vlan: config.vlan,
    ip: config.ip,
    mtu: config.mtu,
    master: trouble === null ? bridgeBehind(script, bridge) : null,
    ifindex: (world.nextIfindex += 1) - 1,
    ghost: trouble !== null,
    back: 2,
    front: 1,
  };
};
