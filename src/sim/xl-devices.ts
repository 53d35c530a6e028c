/** `xl block-attach`, `block-detach`, `network-attach` and `network-detach`. */
import { scriptFailed } from './build-errors.ts';
import { backendOf, makeDisk, makeNic, scriptTrouble } from './devices.ts';
import { devidOf, parseDisk } from './disk-spec.ts';
import { saveRecord, wake } from './lives.ts';
import { nicOf, parseNicOption, type NicOptions } from './nic-spec.ts';
import { failed, fine, type Result, type Running } from './process.ts';
import { behaviourOf, draw, hostOf, isRecorded, type Domain, type World } from './world.ts';

const notAdded = 'libxl: error: libxl_device.c:1486:device_addrm_aocomplete: unable to add device\n';

const noSuchDomain = (word: string): Result =>
  failed(1, `libxl: error: libxl_domain.c:1183: Domain ${word}:Non-existant domain\n`);

export const blockAttach = async (
  world: World,
  process: Running,
  d: Domain | undefined,
  word: string,
  args: readonly string[],
): Promise<Result> => {
  if (d === undefined) return noSuchDomain(word);
  const config = parseDisk(args.join(','));
  if ('error' in config) return failed(1, `command line: ${config.error}`);
  const bad = (words: string): Result => failed(1, `${words}${notAdded}libxl_device_disk_add failed.\n`);
  if (!isRecorded(world, d)) return bad('');
  const devid = devidOf(config.vdev);
  if (devid === undefined)
    return bad(
      `libxl: error: libxl_disk.c:304:device_disk_add: Domain ${d.domid}:Invalid or unsupported virtual disk identifier ${config.vdev}\n`,
    );
  // Only a backend that was asked for is looked at here; the one that libxl chooses is known later.
  if (config.backend === 'qdisk' && d.qemu === null)
    return bad(
      `libxl: error: libxl_dm.c:3844:libxl__dm_check_start: Domain ${d.domid}:device model required but not running\n`,
    );
  const backend = backendOf(world, config, d.type);
  if (typeof backend === 'object') return bad(backend.error);
  if (d.disks.some((x) => x.devid === devid))
    return bad(`libxl: error: libxl_disk.c:343:device_disk_add: Domain ${d.domid}:device already exists in xenstore\n`);
  const disk = makeDisk(world, config, backend);
  // Nobody serves a qdisk that comes later to a guest without QEMU: xl says nothing, the backend never connects.
  if ((disk.backend === 'qdisk' && d.qemu?.dead !== false) || world.swallows.has('block-attach/wish')) disk.back = 1;
  await process.sleep(draw(world, 'hotplug'));
  d.disks = [...d.disks, disk];
  d.config = {
    ...d.config,
    disks: [...d.config.disks.filter((x) => x.vdev !== config.vdev), { ...config, hot: true }],
  };
  saveRecord(world, d);
  wake(world, d);
  return fine;
};

export const blockDetach = async (
  world: World,
  process: Running,
  d: Domain | undefined,
  word: string,
  args: readonly string[],
): Promise<Result> => {
  if (d === undefined) return noSuchDomain(word);
  const force = args.includes('-f') || args.includes('--force');
  const vdev = args.find((a) => !a.startsWith('-')) ?? '';
  const devid = /^\d+$/.test(vdev) ? Number(vdev) : devidOf(vdev);
  const disk = d.disks.find((x) => x.devid === devid);
  if (disk === undefined)
    return failed(
      1,
      `${devid === undefined ? '' : `libxl: error: libxl_disk.c:516:libxl__disk_from_xenstore: disk /libxl/${d.domid}/device/vbd/${devid} does not exist (no backend path\n`}Error: Device ${vdev} not connected.\n`,
    );
  await process.sleep(draw(world, 'detach'));
  if (force) {
    d.disks = d.disks.filter((x) => x !== disk);
    return fine;
  }
  const stuck = (kind: string): Result =>
    failed(
      1,
      `libxl: error: libxl_device.c:1138:device_backend_callback: Domain ${d.domid}:unable to remove device with path /local/domain/0/backend/${kind}/${d.domid}/${disk.devid}\nlibxl: error: libxl_device.c:1486:device_addrm_aocomplete: unable to remove device\nlibxl_device_disk_remove failed.\n`,
    );
  if (disk.backend === 'qdisk' && disk.back === 1) {
    await process.sleep(10_000);
    return stuck('qdisk');
  }
  const { detach, pvDrivers } = behaviourOf(world, d);
  if (d.paused || !detach || (d.type === 'hvm' && !pvDrivers)) {
    // It stays pending, and happens when the guest comes round.
    disk.back = 5;
    await process.sleep(10_000);
    return stuck('vbd');
  }
  // libxl's stored record keeps the disk.
  d.disks = d.disks.filter((x) => x !== disk);
  return fine;
};

export const networkAttach = async (
  world: World,
  process: Running,
  d: Domain | undefined,
  word: string,
  args: readonly string[],
): Promise<Result> => {
  if (d === undefined) return noSuchDomain(word);
  const options: NicOptions = {};
  const host = hostOf(world);
  // Each option is an argument of its own: what follows a comma in one is not looked at.
  for (const a of args) {
    const why = parseNicOption(a, options, host.minor);
    if (why !== null) return failed(1, why);
  }
  if (!isRecorded(world, d)) return failed(1, `${notAdded}libxl_device_nic_add failed.\n`);
  if (options.type === 'vif_ioemu' && d.type !== 'hvm')
    return failed(
      1,
      `libxl: error: libxl_nic.c:107:libxl__device_nic_setdefault: Domain ${d.domid}:trying to create PV or PVH guest with an emulated interface\n${notAdded}libxl_device_nic_add failed.\n`,
    );
  const next = d.nics.reduce((n, x) => Math.max(n, x.devid + 1), 0);
  const config = { ...nicOf(options, next, host.hex), hot: true as const };
  const trouble = scriptTrouble(world, config);
  const nic = makeNic(world, d.type, config);
  // The vif is in xenstore, and on no bridge.
  if (world.swallows.has('network-attach/wish')) nic.master = null;
  await process.sleep(draw(world, 'hotplug'));
  d.nics = [...d.nics, nic];
  d.config = { ...d.config, nics: [...d.config.nics.filter((x) => x.devid !== nic.devid), config] };
  saveRecord(world, d);
  if (trouble !== null)
    return failed(1, `${scriptFailed(world, nic.script, 'online', trouble)}${notAdded}libxl_device_nic_add failed.\n`);
  wake(world, d);
  return fine;
};

export const networkDetach = async (
  world: World,
  process: Running,
  d: Domain | undefined,
  word: string,
  args: readonly string[],
): Promise<Result> => {
  if (d === undefined) return noSuchDomain(word);
  const which = args[0] ?? '';
  const nic = d.nics.find((x) => (/^\d+$/.test(which) ? x.devid === Number(which) : x.mac === which.toLowerCase()));
  if (nic === undefined) return failed(1, `Unknown device ${which}.\n`);
  await process.sleep(draw(world, nic.ghost ? 'hotplug' : 'nicDetach'));
  d.nics = d.nics.filter((x) => x !== nic);
  return fine;
};
