/** Prints a domain's configuration as libxl's JSON: what `xl -N create` shows, what userdata stores, what `list -l` merges. */
import type { DomainConfig } from './config.ts';
import type { Domain } from './world.ts';

type Json = string | number | readonly Json[] | { readonly [key: string]: Json | undefined };

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

/** `dry`: nothing decided yet; `stored`: with what libxl filled in; `merged`: with the scheduler's live values. */
type Flavour = 'dry' | 'stored' | 'merged';

const schedule = (c: DomainConfig, flavour: Flavour): Json =>
  flavour === 'merged'
    ? { sched: 'credit2', weight: c.weight ?? 256, cap: 0 }
    : c.weight === null
      ? {}
      : { weight: c.weight };

const typed = (c: DomainConfig): Json =>
  c.type === 'hvm'
    ? { viridian: undefined, vga: {}, vnc: {}, sdl: {}, spice: {}, rdm: {} }
    : c.bootloader === null
      ? {}
      : { bootloader: c.bootloader };

const record = (c: DomainConfig, flavour: Flavour): Json => ({
  c_info: {
    type: c.type,
    name: c.name,
    domid: flavour === 'dry' ? undefined : 4294967295,
    uuid: c.uuid,
    run_hotplug_scripts: 'True',
  },
  b_info: {
    max_vcpus: c.maxVcpus,
    avail_vcpus: Array.from({ length: c.vcpus }, (_, i) => i),
    max_memkb: c.maxKiB,
    target_memkb: c.targetKiB,
    video_memkb: flavour === 'dry' ? undefined : 0,
    sched_params: schedule(c, flavour),
    claim_mode: 'True',
    kernel: c.kernel ?? undefined,
    cmdline: c.cmdline ?? undefined,
    ramdisk: c.ramdisk ?? undefined,
    [`type.${c.type}`]: typed(c),
    arch_arm: {},
    arch_x86: flavour === 'dry' ? {} : { msr_relaxed: 'False' },
  },
  disks:
    c.disks.length === 0
      ? undefined
      : c.disks.map((d, i) => ({
          pdev_path: d.path,
          vdev: d.vdev,
          format: d.format,
          removable: d.cdrom ? 1 : undefined,
          readwrite: d.readwrite ? 1 : undefined,
          is_cdrom: d.cdrom ? 1 : undefined,
          colo_restore_enable: flavour !== 'dry' && i === 0 ? 'False' : undefined,
        })),
  nics:
    c.nics.length === 0
      ? undefined
      : c.nics.map((n) => ({
          devid: n.devid,
          mac: n.mac,
          bridge: n.bridge ?? undefined,
          nictype: flavour === 'dry' ? undefined : 'vif',
        })),
  on_poweroff: c.on.poweroff === 'destroy' ? undefined : c.on.poweroff.replace('-', '_'),
  on_reboot: c.on.reboot === 'destroy' ? undefined : c.on.reboot.replace('-', '_'),
  on_crash: c.on.crash === 'destroy' ? undefined : c.on.crash.replace('-', '_'),
  on_soft_reset: 'soft_reset',
});

/** With a newline at its end. */
export const libxlJson = (c: DomainConfig, flavour: 'dry' | 'stored'): string => `${layOut(record(c, flavour))}\n`;

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
  const merged = (d: Domain): DomainConfig => ({
    ...d.config,
    name: d.name ?? d.config.name,
    targetKiB: d.targetKiB,
    vcpus: d.onlineVcpus,
    disks: d.config.disks.filter((x) => d.disks.some((y) => y.vdev === x.vdev)),
    nics: d.config.nics.filter((x) => d.nics.some((y) => y.devid === x.devid)),
  });
  return `${layOut([...host, ...domains.map((d) => ({ domid: d.domid, config: record(merged(d), 'merged') }))])}\n\n`;
};
