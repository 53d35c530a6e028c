/** What xenstore shows of a guest's devices: libxl's own record, the backends, the frontends. */
import { handed } from './build-keys.ts';
import type { Tree } from './tree.ts';
import type { Disk, Domain, Nic } from './world.ts';

const kindOf = (device: Disk | Nic): string =>
  'vdev' in device ? (device.backend === 'qdisk' ? 'qdisk' : 'vbd') : 'vif';

const backendPath = (d: Domain, device: Disk | Nic): string =>
  `/local/domain/0/backend/${kindOf(device)}/${d.domid}/${device.devid}`;

const frontendPath = (d: Domain, device: Disk | Nic): string =>
  `/local/domain/${d.domid}/device/${'vdev' in device ? 'vbd' : 'vif'}/${device.devid}`;

/** `aio:/srv/a.img`; the kernel's driver takes the bare path. */
const params = (disk: Disk): string => {
  if (disk.backend === 'phy' || disk.emptied === true) return disk.path;
  return `${disk.format === 'raw' || disk.format === 'empty' ? 'aio' : disk.format}:${disk.path}`;
};

/** What libxl writes of a disk, both under /libxl and for the backend. */
const diskBase = (d: Domain, disk: Disk): Tree => ({
  bootable: '1',
  dev: disk.vdev,
  'device-type': disk.cdrom ? 'cdrom' : 'disk',
  ...(disk.directIo ? { 'direct-io-safe': '1' } : {}),
  'discard-enable': disk.discard ? '1' : '0',
  frontend: frontendPath(d, disk),
  'frontend-id': String(d.domid),
  mode: disk.readwrite ? 'w' : 'r',
  online: '1',
  params: params(disk),
  removable: disk.cdrom ? '1' : '0',
  ...(disk.backend === 'phy' ? { script: `/etc/xen/scripts/${disk.script ?? 'block'}` } : {}),
  specification: 'xen',
  type: disk.backend,
});

export const libxlDisk = (d: Domain, disk: Disk): Tree => ({
  ...diskBase(d, disk),
  backend: backendPath(d, disk),
  state: '1',
});

export const diskBackend = (d: Domain, disk: Disk): Tree => ({
  ...diskBase(d, disk),
  ...(disk.backend === 'phy' && disk.back > 1
    ? {
        'feature-max-indirect-segments': '256',
        'hotplug-status': 'connected',
        'max-ring-page-order': '4',
        'multi-queue-max-queues': '1',
        ...(disk.loop === null ? {} : { node: `/dev/loop${disk.loop}` }),
        'physical-device': disk.loop === null ? `fd:${(disk.devid % 256).toString(16)}` : `7:${disk.loop.toString(16)}`,
        'physical-device-path': disk.loop === null ? `/dev/dm-${disk.devid % 256}` : `/dev/loop${disk.loop}`,
      }
    : {}),
  ...(disk.backend === 'qdisk' && disk.back > 1
    ? {
        'feature-flush-cache': '1',
        'hotplug-status': 'connected',
        info: disk.cdrom ? '5' : '0',
        'max-ring-page-order': '4',
        'sector-size': '512',
        sectors: '131072',
      }
    : {}),
  ...(disk.backend === 'phy' && disk.back === 4
    ? { 'feature-flush-cache': '1', 'feature-persistent': '1', info: '0', 'sector-size': '512', sectors: '16384' }
    : {}),
  state: String(disk.back),
});

const nicBase = (d: Domain, nic: Nic): Tree => ({
  bridge: nic.bridge,
  frontend: frontendPath(d, nic),
  'frontend-id': String(d.domid),
  handle: String(nic.devid),
  ...(nic.ip === null ? {} : { ip: nic.ip }),
  mac: nic.mac,
  ...(nic.mtu === null ? {} : { mtu: String(nic.mtu) }),
  online: '1',
  ...(nic.rate === null ? {} : { rate: nic.rate }),
  script: nic.script,
  type: nic.type,
  ...(nic.vlan === null ? {} : { vlan: nic.vlan }),
});

export const libxlNic = (d: Domain, nic: Nic): Tree => ({
  ...nicBase(d, nic),
  backend: backendPath(d, nic),
  'hotplug-status': '',
  state: '1',
});

export const nicBackend = (d: Domain, nic: Nic): Tree => ({
  ...nicBase(d, nic),
  'feature-ctrl-ring': '1',
  'feature-rx-copy': '1',
  'feature-sg': '1',
  'feature-split-event-channels': '1',
  'hotplug-status': 'connected',
  'multi-queue-max-queues': '1',
  state: String(nic.back),
});

const frontend = (d: Domain, device: Disk | Nic, more: Tree): Tree => ({
  backend: backendPath(d, device),
  'backend-id': '0',
  ...more,
  state: String(device.front),
  trusted: '1',
});

export const diskFrontend = (d: Domain, x: Disk): Tree =>
  frontend(d, x, { 'device-type': x.cdrom ? 'cdrom' : 'disk', 'virtual-device': String(x.devid) });

export const nicFrontend = (d: Domain, x: Nic): Tree =>
  frontend(d, x, { handle: String(x.devid), mac: x.mac, mtu: String(x.mtu ?? 1500) });

/** The keyboard and pointer that QEMU gives an HVM guest and a PV guest with a display. */
export const hasKeyboard = (d: Domain): boolean =>
  d.qemu !== null && (d.type === 'hvm' ? handed(d.config.more.typed, 'vkb_device') !== 'False' : d.config.vfb !== null);

const ends = (d: Domain, kind: 'vkbd' | 'vfb'): Tree => ({
  frontend: `/local/domain/${d.domid}/device/${kind}/0`,
  'frontend-id': String(d.domid),
  online: '1',
});

export const keyboardRecord = (d: Domain, kind: 'vkbd' | 'vfb'): Tree => ({
  ...ends(d, kind),
  backend: `/local/domain/0/backend/${kind}/${d.domid}/0`,
  state: '1',
});

export const keyboardBackend = (d: Domain, kind: 'vkbd' | 'vfb', drivers: boolean): Tree => ({
  ...ends(d, kind),
  ...(kind === 'vkbd' ? { 'feature-abs-pointer': '1', 'feature-raw-pointer': '1' } : {}),
  'hotplug-status': 'connected',
  state: drivers ? '4' : '2',
});

export const keyboardFrontend = (d: Domain, kind: 'vkbd' | 'vfb', drivers: boolean): Tree => ({
  backend: `/local/domain/0/backend/${kind}/${d.domid}/0`,
  'backend-id': '0',
  state: drivers ? '4' : '1',
});
