/** Prints a domain's configuration as libxl's JSON: what `xl -N create` shows, what userdata stores, what `list -l` merges. */
import type { Json } from './build-keys.ts';
import { videoKiB, type DomainConfig } from './config.ts';
import type { Domain } from './world.ts';
import { table } from '../core/table.ts';

/** yajl's layout: four spaces, and an empty map or array has an empty line inside. */
const layOut = (v: Json, indent = ''): string => {
  if (typeof v !== 'object') return JSON.stringify(v);
  const inner = `${indent}    `;
  const lines = Array.isArray(v)
    ? (v as readonly Json[]).map((x) => `${inner}${layOut(x, inner)}`)
    : Object.entries(v as Record<string, Json | undefined>).flatMap(([k, x]) =>
        x === undefined ? [] : [`${inner}${JSON.stringify(k)}: ${layOut(x, inner)}`],
      );
  const [open, close] = Array.isArray(v) ? '[]' : '{}';
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
};

/** `dry`: nothing decided yet; `stored`: with what libxl filled in; `merged`: with live values. */
type Flavour = 'dry' | 'stored' | 'merged';

type Fields = Readonly<Record<string, Json | undefined>>;

/** In libxl's own order; names are separated by blanks. */
const ordered = (order: string, fields: Fields): Json => {
  const out: Record<string, Json | undefined> = table();
  for (const name of order.split(/\s+/)) out[name] = fields[name];
  return out;
};

const createOrder = 'type hap oos ssid_label name domid uuid pool_name run_hotplug_scripts driver_domain passthrough';

const buildOrder = `max_vcpus avail_vcpus vcpu_hard_affinity vcpu_soft_affinity numa_placement tsc_mode max_memkb
  target_memkb video_memkb shadow_memkb rtc_timeoffset localtime disable_migrate max_grant_frames max_maptrack_frames
  device_model_version device_model device_model_user extra extra_pv extra_hvm sched_params claim_mode event_channels kernel
  cmdline ramdisk device_tree acpi bootloader bootloader_args timer_mode nested_hvm apic dm_restrict tee type.pv type.pvh
  type.hvm arch_arm arch_x86`;

const hvmOrder = `firmware bios pae acpi_s3 acpi_s4 acpi_laptop_slate nx viridian viridian_enable hpet vpt_align altp2m
  system_firmware smbios_firmware acpi_firmware hdtype nographic vga vnc keymap sdl spice serial boot usb usbversion usbdevice
  vkb_device soundhw xen_platform_pci usbdevice_list vendor_device serial_list rdm`;

const diskJson = (d: DomainConfig['disks'][number], flavour: Flavour): Json => ({
  pdev_path: d.pathless === true ? undefined : d.path,
  vdev: d.vdev,
  backend: d.backend ?? undefined,
  format: d.format,
  script: d.script ?? undefined,
  removable: d.cdrom ? 1 : undefined,
  readwrite: d.readwrite ? 1 : undefined,
  is_cdrom: d.cdrom ? 1 : undefined,
  direct_io_safe: d.directIo ? true : undefined,
  discard_enable: d.discard === null ? undefined : d.discard ? 'True' : 'False',
  colo_restore_enable: flavour !== 'dry' && d.hot === undefined ? 'False' : undefined,
});

/** The sort of a NIC: QEMU shows an emulated card to an HVM guest that starts, never to one that runs. */
export const nicType = (type: DomainConfig['type'], n: DomainConfig['nics'][number]): 'vif' | 'vif_ioemu' =>
  n.type ?? (type === 'hvm' && n.hot === undefined ? 'vif_ioemu' : 'vif');

const nicJson = (c: DomainConfig, n: DomainConfig['nics'][number], flavour: Flavour): Json => ({
  devid: n.devid,
  mtu: n.mtu ?? undefined,
  vlan: n.vlan ?? undefined,
  model: n.model ?? undefined,
  mac: flavour === 'dry' && n.madeUp === true ? undefined : n.mac,
  ip: n.ip ?? undefined,
  bridge: n.bridge ?? undefined,
  ifname: n.ifname ?? undefined,
  script: n.script ?? undefined,
  nictype: flavour === 'dry' ? (n.type ?? undefined) : nicType(c.type, n),
  rate_bytes_per_interval: n.rate?.bytes,
  rate_interval_usecs: n.rate?.micros,
  gatewaydev: n.gatewaydev ?? undefined,
});

const some = <T>(items: readonly T[], print: (item: T) => Json): Json | undefined =>
  items.length === 0 ? undefined : items.map(print);

const action = (a: DomainConfig['on']['crash']): Json | undefined =>
  a === 'destroy' ? undefined : ({ 'rename-restart': 'restart_rename' }[a as string] ?? a.replace('-', '_'));

const record = (c: DomainConfig, flavour: Flavour, avail: readonly number[]): Json => ({
  c_info: ordered(createOrder, {
    ...c.more.create,
    type: c.type,
    name: c.name,
    domid: flavour === 'dry' ? undefined : 4294967295,
    uuid: c.uuid,
    pool_name: c.pool ?? undefined,
    run_hotplug_scripts: 'True',
  }),
  b_info: ordered(buildOrder, {
    ...c.more.build,
    max_vcpus: c.said.maxVcpus ? c.maxVcpus : undefined,
    avail_vcpus: c.said.vcpus ? avail : undefined,
    vcpu_hard_affinity: c.hard?.map((x) => [...x]),
    vcpu_soft_affinity: c.soft?.map((x) => [...x]),
    numa_placement: c.placed ? undefined : 'False',
    max_memkb: c.said.max ? c.maxKiB : undefined,
    target_memkb: c.said.target ? c.targetKiB : undefined,
    video_memkb: flavour === 'dry' ? c.more.build['video_memkb'] : videoKiB(c),
    sched_params: { ...c.sched },
    claim_mode: 'True',
    kernel: c.kernel ?? undefined,
    cmdline: c.cmdline ?? undefined,
    ramdisk: c.ramdisk ?? undefined,
    bootloader: c.bootloader ?? undefined,
    [`type.${c.type}`]: c.type === 'hvm' ? ordered(hvmOrder, c.more.typed) : c.more.typed,
    arch_arm: {},
    arch_x86: flavour === 'dry' ? {} : { msr_relaxed: 'False' },
  }),
  disks: some(c.disks, (d) => diskJson(d, flavour)),
  nics: some(c.nics, (n) => nicJson(c, n, flavour)),
  pcidevs: some(c.pci, (p) => p),
  vfbs: c.vfb === null ? undefined : [c.vfb],
  vkbs: c.vfb === null ? undefined : [{ devid: 0 }],
  on_poweroff: action(c.on.poweroff),
  on_reboot: action(c.on.reboot),
  on_watchdog: action(c.on.watchdog),
  on_crash: action(c.on.crash),
  on_soft_reset: 'soft_reset',
});

const firstVcpus = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i);

/** With a newline at its end. */
export const libxlJson = (c: DomainConfig, flavour: 'dry' | 'stored'): string =>
  `${layOut(record(c, flavour, firstVcpus(c.vcpus)))}\n`;

/** What libxl knows of a running domain: its record, and what it reads back of name, memory, vCPUs, scheduler and devices. */
export const mergedConfig = (d: Domain): DomainConfig => ({
  ...d.config,
  name: d.name ?? d.config.name,
  targetKiB: d.targetKiB,
  said: { vcpus: true, maxVcpus: true, target: true, max: true },
  vcpus: d.type === 'hvm' ? d.pluggedVcpus : d.wantVcpus,
  sched: { sched: 'credit2', weight: d.weight, cap: d.cap },
  disks: d.config.disks.filter((x) => d.disks.some((y) => y.vdev === x.vdev)),
  nics: d.config.nics.filter((x) => d.nics.some((y) => y.devid === x.devid)),
});

/** What `xl list -l` prints. */
export const listJson = (domains: readonly Domain[], dom0: { readonly memoryKiB: number } | null): string => {
  const host: readonly Json[] =
    dom0 === null
      ? []
      : [
          {
            domid: 0,
            config: {
              c_info: { type: 'pv', name: 'Domain-0' },
              b_info: {
                max_memkb: dom0.memoryKiB,
                target_memkb: dom0.memoryKiB - 1,
                sched_params: { sched: 'credit2', weight: 256, cap: 0 },
                'type.pv': {},
                arch_arm: {},
                arch_x86: {},
              },
            },
          },
        ];
  const rows = domains.map((d): Json => {
    const c = mergedConfig(d);
    return { domid: d.domid, config: record(c, 'merged', firstVcpus(c.vcpus)) };
  });
  return `${layOut([...host, ...rows])}\n\n`;
};
