/** libxl's words where a domain cannot be made, and what each depends on. */
import type { DomainConfig } from './config.ts';
import type { World } from './world.ts';

/** libxl's last words when a domain that it was making goes away again. */
export const gone = (domid: number): string =>
  `libxl: error: libxl_domain.c:1183:libxl__destroy_domid: Domain ${domid}:Non-existant domain\n` +
  `libxl: error: libxl_domain.c:1137:domain_destroy_callback: Domain ${domid}:Unable to destroy guest\n` +
  `libxl: error: libxl_domain.c:1064:domain_destroy_cb: Domain ${domid}:Destruction of domain failed\n`;

const unbuilt = (domid: number, code: number): string =>
  `libxl: error: libxl_create.c:1640:domcreate_rebuild_done: Domain ${domid}:cannot (re-)build domain: ${code}\n`;

/** No domid was given yet. */
const nobody = 4294967295;

const caps = (world: World): ReadonlySet<string> => new Set((world.server.virtCaps ?? 'pv hvm hap').split(/\s+/));

/** What is wrong before there is a domain at all: xl's exit code is libxl's then. */
export const defaultsTrouble = (
  world: World,
  c: DomainConfig,
): { readonly error: string; readonly rc: number } | null => {
  const has = caps(world);
  if (c.type !== 'pv' && !has.has('hap') && !has.has('shadow'))
    return {
      error:
        'libxl: error: libxl_create.c:46:libxl__domain_create_info_setdefault: neither hap nor shadow paging available\n',
      rc: 6,
    };
  if (c.type === 'hvm' && c.kernel === null && (c.ramdisk !== null || c.cmdline !== null))
    return {
      error:
        'libxl: error: libxl_create.c:172:libxl__domain_build_info_setdefault: direct boot parameters specified but kernel missing\n',
      rc: 6,
    };
  if (c.pool !== null && !world.pools.includes(c.pool))
    return {
      error: `libxl: error: libxl_create.c:1134:libxl__domain_config_setdefault: Domain ${nobody}:Illegal pool specified: ${c.pool}\n`,
      rc: 6,
    };
  return null;
};

/** The hypervisor does not make domains of this sort; null where it does. */
export const makeTrouble = (world: World, c: DomainConfig): string | null =>
  caps(world).has(c.type === 'pv' ? 'pv' : 'hvm')
    ? null
    : `libxl: error: libxl_create.c:711:libxl__domain_make: Domain ${nobody}:domain creation fail: Invalid argument\n` +
      `libxl: error: libxl_create.c:1296:initiate_domain_create: Domain ${nobody}:cannot make domain: -3\n${gone(nobody)}`;

export const nameTaken = (domid: number, name: string): string =>
  `libxl: error: libxl_domain.c:81:libxl__domain_rename: Domain ${domid}:Domain with name "${name}" already exists.\n` +
  `libxl: error: libxl_create.c:1296:initiate_domain_create: Domain ${domid}:cannot make domain: -6\n` +
  `libxl: error: libxl_xshelp.c:206:libxl__xs_read_mandatory: xenstore read failed: \`/libxl/${domid}/type': No such file or directory\n` +
  `libxl: warning: libxl_dom.c:49:libxl__domain_type: unable to get domain type for domid=${domid}, assuming HVM\n` +
  gone(domid);

export const badDisk = (domid: number, index: number, why: string): string =>
  `${why}libxl: error: libxl_create.c:1318:initiate_domain_create: Domain ${domid}:Unable to set disk defaults for disk ${index}\n${gone(domid)}`;

/** Only QEMU has emulated cards, and only HVM guests see them. */
export const emulatedCard = (domid: number, index: number): string =>
  `libxl: error: libxl_nic.c:107:libxl__device_nic_setdefault: Domain ${domid}:trying to create PV or PVH guest with an emulated interface\n` +
  `libxl: error: libxl_nic.c:568:libxl__device_nic_set_devids: Domain ${domid}:Unable to set nic defaults for nic ${index}\n${gone(domid)}`;

/** The bootloader runs in dom0 and looks into the first disk; null where it finds a kernel. */
export const bootloaderTrouble = (world: World, c: DomainConfig, domid: number): string | null => {
  if (c.bootloader === null || c.type === 'hvm') return null;
  const [major = '4', minor = '17'] = (world.server.xenVersion ?? '4.17.7').split('.');
  const path = c.bootloader.startsWith('/') ? c.bootloader : `/usr/lib/xen-${major}.${minor}/bin/${c.bootloader}`;
  const failed = (words: string): string => `${words}${unbuilt(domid, -3)}${gone(domid)}`;
  if (c.disks.length === 0)
    return failed(
      `libxl: error: libxl_bootloader.c:427:libxl__bootloader_run: Domain ${domid}:cannot run bootloader with no boot disk\n`,
    );
  // Debian also has a link in /usr/bin, which is not among the simulated files.
  if (world.files.exists(path) || c.bootloader === '/usr/bin/pygrub') return null;
  return failed(
    `libxl: error: libxl_bootloader.c:768:bootloader_finished: Domain ${domid}:bootloader failed - consult logfile /var/log/xen/bootloader.${domid}.log\n` +
      `libxl: error: libxl_exec.c:117:libxl_report_child_exitstatus: bootloader [${(world.nextPid += 1)}] exited with error status 255\n`,
  );
};

export const kernelTrouble = (world: World, c: DomainConfig, domid: number): string | null => {
  const failed = (path: string, what: 'kernel' | 'ramdisk'): string =>
    `xc: error: panic: xg_dom_core.c:205: failed to open file '${path}': No such file or directory: Internal error\n` +
    (c.type === 'pv'
      ? `libxl: error: libxl_dom.c:${what === 'kernel' ? 689 : 704}:libxl__build_pv: xc_dom_${what}_file failed: No such file or directory\n`
      : `libxl: error: libxl_dom.c:${what === 'kernel' ? 909 : 926}:libxl__domain_firmware: xc_dom_${what}_file failed: No such file or directory\n` +
        'libxl: error: libxl_dom.c:1075:libxl__build_hvm: initializing domain firmware failed\n') +
    unbuilt(domid, -1) +
    gone(domid);
  // An HVM guest's kernel is QEMU's business, a bootloader's kernel comes out of the disk.
  if (c.type === 'hvm' || (c.bootloader !== null && c.disks.length > 0)) return null;
  if (c.kernel !== null && !world.files.exists(c.kernel)) return failed(c.kernel, 'kernel');
  if (c.ramdisk !== null && !world.files.exists(c.ramdisk)) return failed(c.ramdisk, 'ramdisk');
  return null;
};

/** What the hypervisor says to the scheduling and the affinity that a domain is to have. */
export const placeTrouble = (world: World, c: DomainConfig, domid: number): string | null => {
  const bad = (line: string, code: number): string => `libxl: error: ${line}\n${unbuilt(domid, code)}${gone(domid)}`;
  const { weight, cap } = c.sched;
  if (weight !== undefined && (weight < 1 || weight > 65535)) return bad(weightRange(domid), -6);
  if (cap !== undefined && (cap < 0 || cap > 100 * c.maxVcpus)) return bad(capRange(domid, c.maxVcpus), -6);
  if ((c.hard ?? []).some((cpus) => cpus.every((n) => n >= world.server.cpus)))
    return bad(`libxl_sched.c:62:libxl__set_vcpuaffinity: Domain ${domid}:Setting vcpu affinity: Invalid argument`, -3);
  return null;
};

export const weightRange = (domid: number): string =>
  `libxl_sched.c:445:sched_credit2_domain_set: Domain ${domid}:Cpu weight out of range, valid values are within range from 1 to 65535`;

export const capRange = (domid: number, vcpus: number): string =>
  `libxl_sched.c:455:sched_credit2_domain_set: Domain ${domid}:Cpu cap out of range, valid range is from 0 to ${vcpus * 100} for specified number of vcpus`;

export const noMemory = (domid: number): string =>
  "xc: error: panic: xg_dom_boot.c:119: xc_dom_boot_mem_init: can't allocate low memory for domain: Out of memory\n" +
  'libxl: error: libxl_dom.c:586:libxl__build_dom: xc_dom_boot_mem_init failed: Cannot allocate memory\n' +
  unbuilt(domid, -3) +
  gone(domid);

/** What libxl says of a hotplug script that failed. */
export const scriptFailed = (world: World, script: string, verb: string, why: string): string =>
  `libxl: error: libxl_exec.c:117:libxl_report_child_exitstatus: ${script} ${verb} [${(world.nextPid += 1)}] exited with error status 1\n` +
  `libxl: error: libxl_device.c:1337:device_hotplug_child_death_cb: script: ${why}\n`;

export const noVif = (world: World, domid: number, script: string, why: string): string =>
  `${scriptFailed(world, script, 'online', why)}libxl: error: libxl_create.c:1921:domcreate_attach_devices: Domain ${domid}:unable to add vif devices\n${scriptFailed(world, script, 'offline', why)}${gone(domid)}`;

/** QEMU has no such file: the backend of a PV guest's disk stays where it is until libxl gives up. */
export const noBackend = (domid: number, devid: number): string =>
  `libxl: error: libxl_device.c:1111:device_backend_callback: Domain ${domid}:unable to add device with path /local/domain/0/backend/qdisk/${domid}/${devid}\n` +
  `libxl: error: libxl_create.c:1921:domcreate_attach_devices: Domain ${domid}:unable to add disk devices\n${gone(domid)}`;
