/** Brings a domain up as libxl does, step by step, with libxl's messages and clean-up where a step fails. */
import { devidOf, type DiskConfig, type DomainConfig, type NicConfig } from './config.ts';
import { draw, freeKiB, overheadKiB, type Disk, type Domain, type Nic, type World } from './world.ts';

/** Whatever can be waited in: a process that may be killed, or the dom0's clock. */
export interface Sleeper {
  sleep(ms: number): Promise<void>;
}

/** libxl's last words when a domain that it was making goes away again. */
const gone = (domid: number): string =>
  `libxl: error: libxl_domain.c:1183:libxl__destroy_domid: Domain ${domid}:Non-existant domain\n` +
  `libxl: error: libxl_domain.c:1137:domain_destroy_callback: Domain ${domid}:Unable to destroy guest\n` +
  `libxl: error: libxl_domain.c:1064:domain_destroy_cb: Domain ${domid}:Destruction of domain failed\n`;

const unbuilt = (domid: number, code: number): string =>
  `libxl: error: libxl_create.c:1640:domcreate_rebuild_done: Domain ${domid}:cannot (re-)build domain: ${code}\n`;

/** The words for a backing file that is not there; null where it is. */
export const missingDisk = (world: World, disk: DiskConfig): string | null =>
  disk.path === '' || world.files.exists(disk.path)
    ? null
    : `libxl: error: libxl_device.c:455:libxl__device_disk_set_backend: Disk vdev=${disk.vdev} failed to stat: ${disk.path}: No such file or directory\n`;

export const makeDisk = (world: World, config: DiskConfig): Disk => {
  const phy = config.format === 'raw' && !config.cdrom;
  return {
    ...config,
    devid: devidOf(config.vdev) ?? 0,
    backend: phy ? 'phy' : 'qdisk',
    loop: phy && !config.path.startsWith('/dev/') ? (world.nextLoop += 1) - 1 : null,
    back: 2,
    front: 1,
  };
};

export const makeNic = (world: World, config: NicConfig): Nic => {
  const bridge = config.bridge ?? 'xenbr0';
  const there = world.bridges.has(bridge);
  return {
    devid: config.devid,
    mac: config.mac,
    bridge,
    master: there ? bridge : null,
    ifindex: (world.nextIfindex += 1) - 1,
    ghost: !there,
    back: 2,
    front: 1,
  };
};

const kernelTrouble = (world: World, config: DomainConfig, domid: number): string | null => {
  const hvm = config.type !== 'pv';
  const failed = (path: string, what: 'kernel' | 'ramdisk'): string =>
    `xc: error: panic: xg_dom_core.c:205: failed to open file '${path}': No such file or directory: Internal error\n` +
    (hvm
      ? `libxl: error: libxl_dom.c:${what === 'kernel' ? 909 : 926}:libxl__domain_firmware: xc_dom_${what}_file failed: No such file or directory\n` +
        'libxl: error: libxl_dom.c:1075:libxl__build_hvm: initializing domain firmware failed\n'
      : `libxl: error: libxl_dom.c:${what === 'kernel' ? 689 : 704}:libxl__build_pv: xc_dom_${what}_file failed: No such file or directory\n`) +
    unbuilt(domid, -1) +
    gone(domid);
  if (config.kernel !== null && !world.files.exists(config.kernel)) return failed(config.kernel, 'kernel');
  if (config.ramdisk !== null && !world.files.exists(config.ramdisk)) return failed(config.ramdisk, 'ramdisk');
  return null;
};

const noMemory = (domid: number): string =>
  "xc: error: panic: xg_dom_boot.c:119: xc_dom_boot_mem_init: can't allocate low memory for domain: Out of memory\n" +
  'libxl: error: libxl_dom.c:586:libxl__build_dom: xc_dom_boot_mem_init failed: Cannot allocate memory\n' +
  unbuilt(domid, -3) +
  gone(domid);

const noBridge = (world: World, domid: number, bridge: string): string => {
  const script = (verb: string): string =>
    `libxl: error: libxl_exec.c:117:libxl_report_child_exitstatus: /etc/xen/scripts/vif-bridge ${verb} [${(world.nextPid += 1)}] exited with error status 1\n` +
    `libxl: error: libxl_device.c:1337:device_hotplug_child_death_cb: script: Could not find bridge device ${bridge}\n`;
  return `${script('online')}libxl: error: libxl_create.c:1921:domcreate_attach_devices: Domain ${domid}:unable to add vif devices\n${script('offline')}${gone(domid)}`;
};

const introduce = (world: World, config: DomainConfig, domid: number): Domain => {
  const domain: Domain = {
    domid,
    uuid: config.uuid,
    type: config.type,
    name: config.name,
    config,
    built: false,
    booted: false,
    paused: true,
    ended: null,
    leaving: false,
    stubborn: false,
    request: null,
    maxVcpus: config.maxVcpus,
    wantVcpus: config.vcpus,
    onlineVcpus: config.vcpus,
    maxKiB: config.maxKiB,
    targetKiB: config.targetKiB,
    actualKiB: 0,
    disks: [],
    nics: [],
    startedAt: world.clock.now(),
  };
  world.domains.set(domid, domain);
  return domain;
};

/** The domain, paused; or the messages of a failure, after which nothing is left of it. */
export const bringUp = async (
  world: World,
  process: Sleeper,
  config: DomainConfig,
): Promise<{ readonly domain: Domain } | { readonly error: string }> => {
  const domid = (world.nextDomid += 1) - 1;
  if ([...world.domains.values()].some((d) => d.name === config.name) || config.name === 'Domain-0')
    return {
      error:
        `libxl: error: libxl_domain.c:81:libxl__domain_rename: Domain ${domid}:Domain with name "${config.name}" already exists.\n` +
        `libxl: error: libxl_create.c:1296:initiate_domain_create: Domain ${domid}:cannot make domain: -6\n` +
        `libxl: error: libxl_xshelp.c:206:libxl__xs_read_mandatory: xenstore read failed: \`/libxl/${domid}/type': No such file or directory\n` +
        `libxl: warning: libxl_dom.c:49:libxl__domain_type: unable to get domain type for domid=${domid}, assuming HVM\n` +
        gone(domid),
    };
  const domain = introduce(world, config, domid);
  const fail = (error: string): { readonly error: string } => {
    world.domains.delete(domid);
    return { error };
  };
  for (const [index, disk] of config.disks.entries()) {
    const missing = missingDisk(world, disk);
    if (missing !== null)
      return fail(
        `${missing}libxl: error: libxl_create.c:1318:initiate_domain_create: Domain ${domid}:Unable to set disk defaults for disk ${index}\n${gone(domid)}`,
      );
  }
  await process.sleep(draw(world, 'build'));
  const trouble = kernelTrouble(world, config, domid);
  if (trouble !== null) return fail(trouble);
  if (freeKiB(world) < config.targetKiB + overheadKiB(config)) return fail(noMemory(domid));
  domain.built = true;
  domain.actualKiB = config.targetKiB;
  await process.sleep(draw(world, 'hotplug'));
  const astray = config.nics.find((n) => !world.bridges.has(n.bridge ?? 'xenbr0'));
  if (astray !== undefined) return fail(noBridge(world, domid, astray.bridge ?? 'xenbr0'));
  domain.disks = config.disks.map((d) => makeDisk(world, d));
  domain.nics = config.nics.map((n) => makeNic(world, n));
  return { domain };
};
