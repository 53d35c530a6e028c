/** Prints what `xenstore-ls -f /` shows: libxl's own tree, the backends, the domains, /vm. */
import { handed, handedText } from './build-keys.ts';
import { startMs } from './clock.ts';
import { videoKiB } from './config.ts';
import { hasDrivers } from './lives.ts';
import {
  diskBackend,
  diskFrontend,
  hasKeyboard,
  keyboardBackend,
  keyboardFrontend,
  keyboardRecord,
  libxlDisk,
  libxlNic,
  nicBackend,
  nicFrontend,
} from './print-devices.ts';
import { keyed, lines, type Tree } from './tree.ts';
import { versionOf, type Disk, type Domain, type Nic, type World } from './world.ts';
import { table } from '../core/table.ts';

/** A folder by device number; none where there are no devices. */
const numbered = <T extends Disk | Nic>(name: string, devices: readonly T[], tree: (x: T) => Tree): Tree =>
  devices.length === 0 ? {} : { [name]: keyed(devices, (x) => [x.devid, tree(x)]) };

const screens = (d: Domain): readonly ('vkbd' | 'vfb')[] => [
  ...(hasKeyboard(d) ? (['vkbd'] as const) : []),
  ...(d.qemu !== null && d.config.vfb !== null ? (['vfb'] as const) : []),
];

const consoleOf = (d: Domain): Tree => ({
  backend: `/local/domain/0/backend/console/${d.domid}/0`,
  'backend-id': '0',
  limit: '1048576',
  output: 'pty',
  port: '2',
  tty: `/dev/pts/${d.domid}`,
  type: 'xenconsoled',
  ...(d.qemu?.vnc == null ? {} : { 'vnc-listen': d.qemu.vnc.listen, 'vnc-port': String(d.qemu.vnc.port) }),
});

/** What only guests with a QEMU have. */
const modelled = (d: Domain): Tree => {
  if (d.qemu === null) return {};
  const image: Tree = { image: { 'device-model-pid': String(d.qemu.pid) } };
  if (d.type !== 'hvm') return image;
  const said = (name: string): string => (handed(d.config.more.typed, name) === 'False' ? '0' : '1');
  return {
    ...image,
    hvmloader: { 'allow-memory-relocate': '0', bios: handedText(d.config.more.typed, 'seabios', 'bios') },
    platform: {
      acpi: d.config.more.build['acpi'] === 'False' ? '0' : '1',
      acpi_laptop_slate: '0',
      acpi_s3: said('acpi_s3'),
      acpi_s4: said('acpi_s4'),
      'device-model': 'qemu_xen',
    },
    ...(d.qemu.serials.length === 0 ? {} : { serial: keyed(d.qemu.serials.entries(), ([n, tty]) => [n, { tty }]) }),
  };
};

const guest = (world: World, d: Domain): Tree => {
  const drivers = hasDrivers(world, d);
  const feature = drivers && !d.moved ? '1' : '';
  return {
    attr: '',
    console: consoleOf(d),
    control: {
      'feature-poweroff': feature,
      'feature-reboot': feature,
      ...(d.type === 'hvm' ? { 'feature-s3': '', 'feature-s4': '' } : {}),
      'feature-suspend': feature,
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
      ...numbered('vbd', d.disks, (x) => diskFrontend(d, x)),
      ...numbered('vif', d.nics, (x) => nicFrontend(d, x)),
      ...keyed(screens(d), (kind) => [kind, { 0: keyboardFrontend(d, kind, drivers) }]),
    },
    domid: String(d.domid),
    drivers: '',
    error: '',
    feature: '',
    ...modelled(d),
    memory: {
      'static-max': String(d.maxKiB),
      target: String(d.targetKiB - d.unsetKiB - videoKiB(d.config)),
      videoram: String(videoKiB(d.config)),
    },
    name: d.name ?? '',
    store: { port: '1', 'ring-ref': '1044476' },
    vm: `/vm/${d.uuid}`,
  };
};

const consoleRecord = (d: Domain): Tree => ({
  frontend: `/local/domain/${d.domid}/console`,
  'frontend-id': String(d.domid),
  online: '1',
  protocol: 'vt100',
  state: '1',
});

const libxl = (d: Domain): Tree => ({
  device: {
    console: { 0: { backend: `/local/domain/0/backend/console/${d.domid}/0`, ...consoleRecord(d) } },
    ...numbered('vbd', d.disks, (x) => libxlDisk(d, x)),
    ...numbered('vif', d.nics, (x) => libxlNic(d, x)),
    ...keyed(screens(d), (kind) => [kind, { 0: keyboardRecord(d, kind) }]),
  },
  'dm-version': 'qemu_xen',
  type: d.type,
});

const start = startMs / 1000;

const model: Tree = { backends: { '9pfs': '', console: '', qusb: '', vkbd: '' }, state: 'running' };

const backends = (world: World, live: readonly Domain[]): Tree => {
  const per = <T extends Disk | Nic>(devices: (d: Domain) => readonly T[], tree: (d: Domain, x: T) => Tree): Tree =>
    keyed(
      live.filter((d) => devices(d).length > 0),
      (d) => [d.domid, keyed(devices(d), (x) => [x.devid, tree(d, x)])],
    );
  const screen = (kind: 'vkbd' | 'vfb'): Tree =>
    keyed(
      live.filter((d) => screens(d).includes(kind)),
      (d) => [d.domid, { 0: keyboardBackend(d, kind, hasDrivers(world, d)) }],
    );
  const all: Readonly<Record<string, Tree>> = table({
    console: keyed(live, (d) => [d.domid, { 0: consoleRecord(d) }]),
    vbd: per((d) => d.disks.filter((x) => x.backend !== 'qdisk'), diskBackend),
    qdisk: per((d) => d.disks.filter((x) => x.backend === 'qdisk'), diskBackend),
    vif: per((d) => d.nics, nicBackend),
    vkbd: screen('vkbd'),
    vfb: screen('vfb'),
  });
  return table(Object.entries(all).filter(([, t]) => Object.keys(t).length > 0));
};

/** Domains that lost their name have lost their part of the tree, too. */
export const xenstore = (world: World): string => {
  const live = [...world.domains.values()].filter((d) => d.name !== null);
  const [major, minor] = versionOf(world.server);
  const own: Tree =
    world.server.qemu === false
      ? {}
      : { 0: { backends: { '9pfs': '', console: '', qnic: '', qusb: '', vfb: '', vkbd: '' }, state: 'running' } };
  const models: Tree = {
    ...own,
    ...keyed(
      live.filter((d) => d.qemu !== null),
      (d) => [d.domid, model],
    ),
  };
  const tree: Tree = {
    '@introduceDomain': '',
    '@releaseDomain': '',
    libxl: keyed(live, (d) => [d.domid, libxl(d)]),
    local: {
      domain: {
        0: {
          backend: backends(world, live),
          control: { 'feature-poweroff': '1', 'feature-reboot': '1', 'feature-suspend': '1' },
          ...(Object.keys(models).length === 0 ? {} : { 'device-model': models }),
          domid: '0',
          name: 'Domain-0',
        },
        ...keyed(live, (d) => [d.domid, guest(world, d)]),
      },
      pool: keyed(world.pools.entries(), ([n, name]) => [n, { name }]),
    },
    tool: { xenstored: `/usr/lib/xen-${major}.${minor}/bin/oxenstored` },
    vm: keyed(live, (d) => [
      d.uuid,
      { name: d.name ?? '', start_time: (start + d.startedAt / 1000).toFixed(2), uuid: d.uuid },
    ]),
  };
  const out: string[] = [];
  lines(tree, '', out);
  return out.join('');
};
