/** The keys of an xl.cfg that Reeve has words for: `xl:` may not name them, and each has its word to use instead. */
import { table } from '../../core/table.ts';
import type { CfgValue } from './spec.ts';

export const ownedXlKeys: Readonly<Record<string, string>> = table({
  name: 'name',
  uuid: 'uuid',
  type: 'type',
  builder: 'type',
  memory: 'memory',
  maxmem: 'memory.max',
  vcpus: 'vcpus',
  maxvcpus: 'vcpus.max',
  kernel: 'boot.kernel',
  ramdisk: 'boot.ramdisk',
  cmdline: 'boot.cmdline',
  root: 'boot.cmdline',
  extra: 'boot.cmdline',
  bootloader: 'boot.bootloader',
  bios: 'boot.firmware',
  boot: 'boot.order',
  disk: 'disks',
  cdrom: 'cdrom',
  vif: 'nics',
  vnc: 'display.vnc',
  vnclisten: 'display.vnc.listen',
  vncdisplay: 'display.vnc.port',
  vncunused: 'display.vnc.port',
  vncpasswd: 'display.vnc.password',
  spice: 'display.spice',
  spicehost: 'display.spice.listen',
  spiceport: 'display.spice.port',
  spicepasswd: 'display.spice.password',
  spicedisable_ticketing: 'display.spice.password',
  serial: 'serial',
  usbdevice: 'tablet',
  cpu_weight: 'sched.weight',
  cap: 'sched.cap',
  cpus: 'affinity',
  cpus_soft: 'affinity.soft',
  pool: 'cpupool',
  on_poweroff: 'on.poweroff',
  on_reboot: 'on.reboot',
  on_crash: 'on.crash',
});

/** In the one way in which equal values are compared: xl reads numbers to the base that they are written in, and splits these arguments itself. */
export const plainXl = (key: string, value: CfgValue): CfgValue => {
  if (typeof value !== 'string') return value;
  if (key === 'bootloader_args') return value.split(/[ \t\n]+/).filter((word) => word !== '');
  return /^0x[0-9a-f]{1,12}$/i.test(value) ? String(Number(value)) : value;
};
