/** Prints what `xenstore-ls -f /` shows: libxl's own tree, the backends, the domains, /vm. */
import type { Disk, Domain, Nic, World } from './world.ts';

/** A leaf is its value, a folder its children; a folder's own value is empty. */
type Tree = { readonly [name: string]: string | Tree };

const byCode = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

const lines = (tree: Tree, path: string, out: string[]): void => {
  for (const [name, child] of Object.entries(tree).sort(byCode)) {
    const at = `${path}/${name}`;
    out.push(`${at} = "${typeof child === 'string' ? child : ''}"\n`);
    if (typeof child !== 'string') lines(child, at, out);
  }
};

const keyed = <T>(items: Iterable<T>, entry: (item: T) => readonly [string | number, string | Tree]): Tree =>
  Object.fromEntries([...items].map(entry));

const backendPath = (d: Domain, device: Disk | Nic): string =>
  `/local/domain/0/backend/${'vdev' in device ? (device.backend === 'phy' ? 'vbd' : 'qdisk') : 'vif'}/${d.domid}/${device.devid}`;
const frontendPath = (d: Domain, device: Disk | Nic): string =>
  `/local/domain/${d.domid}/device/${'vdev' in device ? 'vbd' : 'vif'}/${device.devid}`;

/** What libxl writes of a disk, both under /libxl and for the backend. */
const diskBase = (d: Domain, disk: Disk): Tree => ({
  bootable: '1',
  dev: disk.vdev,
  'device-type': disk.cdrom ? 'cdrom' : 'disk',
  'discard-enable': disk.readwrite ? '1' : '0',
  frontend: frontendPath(d, disk),
  'frontend-id': String(d.domid),
  mode: disk.readwrite ? 'w' : 'r',
  online: '1',
  params: disk.backend === 'phy' ? disk.path : `${disk.format === 'raw' ? 'aio' : disk.format}:${disk.path}`,
  removable: disk.cdrom ? '1' : '0',
  ...(disk.backend === 'phy' ? { script: '/etc/xen/scripts/block' } : {}),
  specification: 'xen',
  type: disk.backend,
});

const diskBackend = (d: Domain, disk: Disk): Tree => ({
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
  ...(disk.back === 4
    ? { 'feature-flush-cache': '1', 'feature-persistent': '1', info: '0', 'sector-size': '512', sectors: '16384' }
    : {}),
  state: String(disk.back),
});

const nicBase = (d: Domain, nic: Nic): Tree => ({
  bridge: nic.bridge,
  frontend: frontendPath(d, nic),
  'frontend-id': String(d.domid),
  handle: String(nic.devid),
  mac: nic.mac,
  online: '1',
  script: '/etc/xen/scripts/vif-bridge',
  type: 'vif',
});

const nicBackend = (d: Domain, nic: Nic): Tree => ({
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

const guest = (d: Domain): Tree => ({
  attr: '',
  console: {
    backend: `/local/domain/0/backend/console/${d.domid}/0`,
    'backend-id': '0',
    limit: '1048576',
    output: 'pty',
    port: '2',
    tty: `/dev/pts/${d.domid}`,
    type: 'xenconsoled',
  },
  control: {
    'feature-poweroff': d.booted ? '1' : '',
    'feature-reboot': d.booted ? '1' : '',
    'feature-suspend': d.booted ? '1' : '',
    'platform-feature-multiprocessor-suspend': '1',
    'platform-feature-xs_reset_watches': '1',
    shutdown: d.request ?? '',
    sysrq: '',
  },
  cpu: keyed(Array.from({ length: d.maxVcpus }).keys(), (n) => [
    n,
    { availability: n < d.wantVcpus ? 'online' : 'offline' },
  ]),
  data: '',
  device: {
    suspend: { 'event-channel': '' },
    ...(d.disks.length === 0
      ? {}
      : {
          vbd: keyed(d.disks, (x) => [
            x.devid,
            frontend(d, x, { 'device-type': x.cdrom ? 'cdrom' : 'disk', 'virtual-device': String(x.devid) }),
          ]),
        }),
    ...(d.nics.length === 0
      ? {}
      : { vif: keyed(d.nics, (x) => [x.devid, frontend(d, x, { handle: String(x.devid), mac: x.mac, mtu: '1500' })]) }),
  },
  domid: String(d.domid),
  drivers: '',
  error: '',
  feature: '',
  memory: { 'static-max': String(d.maxKiB), target: String(d.targetKiB), videoram: '0' },
  name: d.name ?? '',
  store: { port: '1', 'ring-ref': '1044476' },
  vm: `/vm/${d.uuid}`,
});

const libxl = (d: Domain): Tree => ({
  device: {
    console: {
      0: {
        backend: `/local/domain/0/backend/console/${d.domid}/0`,
        frontend: `/local/domain/${d.domid}/console`,
        'frontend-id': String(d.domid),
        online: '1',
        protocol: 'vt100',
        state: '1',
      },
    },
    ...(d.disks.length === 0
      ? {}
      : { vbd: keyed(d.disks, (x) => [x.devid, { ...diskBase(d, x), backend: backendPath(d, x), state: '1' }]) }),
    ...(d.nics.length === 0
      ? {}
      : {
          vif: keyed(d.nics, (x) => [
            x.devid,
            { ...nicBase(d, x), backend: backendPath(d, x), 'hotplug-status': '', state: '1' },
          ]),
        }),
  },
  'dm-version': 'qemu_xen',
  type: d.type,
});

const start = 1_795_384_477;

/** Domains that lost their name have lost their part of the tree, too. */
export const xenstore = (world: World): string => {
  const live = [...world.domains.values()].filter((d) => d.name !== null);
  const per = <T extends Disk | Nic>(devices: (d: Domain) => readonly T[], tree: (d: Domain, x: T) => Tree): Tree =>
    keyed(
      live.filter((d) => devices(d).length > 0),
      (d) => [d.domid, keyed(devices(d), (x) => [x.devid, tree(d, x)])],
    );
  const backends: Record<string, Tree> = {
    console: keyed(live, (d) => [
      d.domid,
      {
        0: {
          frontend: `/local/domain/${d.domid}/console`,
          'frontend-id': String(d.domid),
          online: '1',
          protocol: 'vt100',
          state: '1',
        },
      },
    ]),
    vbd: per((d) => d.disks.filter((x) => x.backend === 'phy'), diskBackend),
    qdisk: per((d) => d.disks.filter((x) => x.backend !== 'phy'), diskBackend),
    vif: per((d) => d.nics, nicBackend),
  };
  const tree: Tree = {
    '@introduceDomain': '',
    '@releaseDomain': '',
    libxl: keyed(live, (d) => [d.domid, libxl(d)]),
    local: {
      domain: {
        0: {
          backend: Object.fromEntries(Object.entries(backends).filter(([, t]) => Object.keys(t).length > 0)),
          control: { 'feature-poweroff': '1', 'feature-reboot': '1', 'feature-suspend': '1' },
          'device-model': { 0: { backends: { qnic: '', vfb: '', vkbd: '' }, state: 'running' } },
          domid: '0',
          name: 'Domain-0',
        },
        ...keyed(live, (d) => [d.domid, guest(d)]),
      },
      pool: { 0: { name: 'Pool-0' } },
    },
    tool: { xenstored: '/usr/lib/xen-4.17/bin/oxenstored' },
    vm: keyed(live, (d) => [
      d.uuid,
      { name: d.name ?? '', start_time: (start + d.startedAt / 1000).toFixed(2), uuid: d.uuid },
    ]),
  };
  const out: string[] = [];
  lines(tree, '', out);
  return out.join('');
};
