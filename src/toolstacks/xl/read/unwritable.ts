/** What a cfg that is made from libxl's record of a domain would lack of what it was started with. Pure. */
import { isObject, type JsonObject } from '../../../core/json.ts';
import { table } from '../../../core/table.ts';

/** What stands in a cfg for a key of the record, where that is another word. */
const words: Readonly<Record<string, string>> = table({
  pcidevs: 'pci',
  usbctrls: 'usbctrl',
  usbdevs: 'usbdev',
  vfbs: 'vfb',
  vkbs: 'vkb',
  vtpms: 'vtpm',
  p9s: 'p9',
  pvcallsifs: 'pvcalls',
  channels: 'channel',
  vdispls: 'vdispl',
  vsnds: 'vsnd',
  dtdevs: 'dtdev',
  virtios: 'virtio',
  extra: 'device_model_args',
  extra_pv: 'device_model_args_pv',
  extra_hvm: 'device_model_args_hvm',
  disable_migrate: 'nomigrate',
  nested_hvm: 'nestedhvm',
  viridian_enable: 'viridian',
  video_memkb: 'videoram',
  event_channels: 'max_event_channels',
  ssid_label: 'seclabel',
  ssidref: 'seclabel',
  discard_enable: 'discard',
  backend: 'backendtype=',
  backend_domname: 'backend=',
  script: 'script=',
  ip: 'ip=',
  ifname: 'vifname=',
  gatewaydev: 'gatewaydev=',
  mtu: 'mtu=',
});

/** Those that are written back. */
const written = {
  top: 'c_info b_info disks nics on_poweroff on_reboot on_crash',
  create: 'type name uuid domid pool_name',
  build: `max_vcpus avail_vcpus max_memkb target_memkb kernel ramdisk cmdline bootloader vcpu_hard_affinity
    vcpu_soft_affinity sched_params arch_arm arch_x86 type.pv type.pvh type.hvm`,
  sched: 'sched weight cap',
  hvm: 'bios boot serial serial_list usbdevice usbdevice_list vnc spice vga sdl rdm',
  vnc: 'enable listen display findunused passwd',
  spice: 'enable host port passwd disable_ticketing',
  disk: 'pdev_path vdev format readwrite is_cdrom removable',
  nic: 'devid mac bridge nictype model vlan script rate_bytes_per_interval rate_interval_usecs',
} as const;

/** What libxl or xl puts there by itself, and what says the default in so many words. */
const usual: Readonly<Record<string, readonly unknown[]>> = table({
  on_soft_reset: ['soft_reset'],
  on_watchdog: ['destroy'],
  run_hotplug_scripts: ['True'],
  claim_mode: ['True', 'False'],
  passthrough: ['disabled', 'unknown'],
  video_memkb: [0, 8192],
  shadow_memkb: [0],
  numa_placement: ['True', 'False'],
  msr_relaxed: ['False'],
  colo_restore_enable: ['False'],
  colo_enable: ['False'],
  backend_domname: ['Domain-0', '0'],
  backend_domid: [0],
  localtime: ['False'],
  disable_migrate: ['False'],
  nested_hvm: ['False'],
  viridian: ['False'],
  usb: ['False'],
  ioapic: ['True'],
  apic: ['True'],
  acpi: ['True'],
  acpi_s3: ['True'],
  acpi_s4: ['True'],
  pae: ['True'],
  nx: ['True'],
  hpet: ['True'],
  vpt_align: ['True'],
  xen_platform_pci: ['True'],
  pirq: ['False'],
});

const isNothing = (x: unknown): boolean =>
  x === null ||
  x === undefined ||
  (Array.isArray(x) && x.length === 0) ||
  (isObject(x) && Object.values(x).every(isNothing));

const mapOf = (of: JsonObject, key: string): JsonObject => {
  const x = of[key];
  return isObject(x) ? x : table();
};
const listOf = (of: JsonObject, key: string): readonly JsonObject[] => {
  const x = of[key];
  return Array.isArray(x) ? x.filter(isObject) : [];
};

const nameOf = ({ vdev, mac }: JsonObject): string =>
  typeof vdev === 'string' ? vdev : typeof mac === 'string' ? mac : '';

const beyond = (of: JsonObject, keys: string): readonly string[] => {
  const known = new Set(keys.split(/\s+/));
  return Object.entries(of).flatMap(([key, x]) =>
    known.has(key) || isNothing(x) || usual[key]?.includes(x) ? [] : [words[key] ?? key],
  );
};

/** `said`: settings of the record that Reeve has no word for. Sorted, each once, as a cfg calls it. */
export const unwritable = (json: JsonObject, said: readonly string[]): readonly string[] => {
  const [create, build] = [mapOf(json, 'c_info'), mapOf(json, 'b_info')];
  const hvm = mapOf(build, 'type.hvm');
  const tablet = hvm['usbdevice'] === 'tablet';
  const devices = (kind: string, list: readonly JsonObject[], keys: string): readonly string[] =>
    list.flatMap((d) => beyond(d, keys).map((what) => `${kind} ${nameOf(d)}: ${what}`));
  const all = [
    ...said,
    ...beyond(json, written.top),
    ...beyond(create, written.create),
    ...beyond(build, written.build),
    ...beyond(mapOf(build, 'sched_params'), written.sched),
    ...['arch_arm', 'arch_x86', 'type.pv', 'type.pvh'].flatMap((key) => beyond(mapOf(build, key), '')),
    ...beyond(hvm, written.hvm).filter((key) => !(key === 'usb' && tablet)),
    ...beyond(mapOf(hvm, 'vnc'), written.vnc).map((key) => `vnc ${key}`),
    ...beyond(mapOf(hvm, 'spice'), written.spice).map((key) => `spice ${key}`),
    ...['vga', 'sdl', 'rdm'].filter((key) => beyond(mapOf(hvm, key), '').length > 0),
    ...devices('disk', listOf(json, 'disks'), written.disk),
    ...devices('NIC', listOf(json, 'nics'), written.nic),
  ];
  return [...new Set(all)].sort();
};
