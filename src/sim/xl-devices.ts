/** `xl block-attach`, `block-detach`, `network-attach` and `network-detach`. */
import { makeDisk, makeNic, missingDisk } from './bring-up.ts';
import { devidOf, parseDisk, parseNicOption, type NicOptions } from './config.ts';
import { saveRecord, wake } from './lives.ts';
import { failed, fine, type Result, type Running } from './process.ts';
import { behaviourOf, draw, isRecorded, type Domain, type World } from './world.ts';

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
  const missing = missingDisk(world, config);
  if (missing !== null) return bad(missing);
  if (d.disks.some((x) => x.devid === devid))
    return bad(`libxl: error: libxl_disk.c:343:device_disk_add: Domain ${d.domid}:device already exists in xenstore\n`);
  const disk = makeDisk(world, config);
  // Nobody serves a qdisk that comes later to a guest without QEMU: xl says nothing, the backend never connects.
  if (disk.backend === 'qdisk' && d.type !== 'hvm') disk.back = 1;
  await process.sleep(draw(world, 'hotplug'));
  d.disks = [...d.disks, disk];
  d.config = { ...d.config, disks: [...d.config.disks.filter((x) => x.vdev !== config.vdev), config] };
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
  const vdev = args[0] ?? '';
  const devid = /^\d+$/.test(vdev) ? Number(vdev) : devidOf(vdev);
  const disk = d.disks.find((x) => x.devid === devid);
  if (disk === undefined)
    return failed(
      1,
      `${devid === undefined ? '' : `libxl: error: libxl_disk.c:516:libxl__disk_from_xenstore: disk /libxl/${d.domid}/device/vbd/${devid} does not exist (no backend path\n`}Error: Device ${vdev} not connected.\n`,
    );
  await process.sleep(draw(world, 'detach'));
  const stuck = (kind: string): Result =>
    failed(
      1,
      `libxl: error: libxl_device.c:1138:device_backend_callback: Domain ${d.domid}:unable to remove device with path /local/domain/0/backend/${kind}/${d.domid}/${disk.devid}\nlibxl: error: libxl_device.c:1486:device_addrm_aocomplete: unable to remove device\nlibxl_device_disk_remove failed.\n`,
    );
  if (disk.backend === 'qdisk' && disk.back === 1) {
    await process.sleep(10_000);
    return stuck('qdisk');
  }
  if (d.paused || !behaviourOf(world, d).detach) {
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
  // Each option is an argument of its own: what follows a comma in one is not looked at.
  for (const a of args) if (!parseNicOption(a, options)) return failed(1, `unrecognized argument \`${a}'\n`);
  if (!isRecorded(world, d)) return failed(1, `${notAdded}libxl_device_nic_add failed.\n`);
  const devid = d.nics.reduce((n, x) => Math.max(n, x.devid + 1), 0);
  const mac = options.mac ?? `00:16:3e:${world.random.hex(2)}:${world.random.hex(2)}:${world.random.hex(2)}`;
  const config = { devid, mac, bridge: options.bridge ?? null };
  const nic = makeNic(world, config);
  await process.sleep(draw(world, 'hotplug'));
  d.nics = [...d.nics, nic];
  d.config = { ...d.config, nics: [...d.config.nics.filter((x) => x.devid !== devid), config] };
  saveRecord(world, d);
  if (nic.ghost)
    return failed(
      1,
      `libxl: error: libxl_exec.c:117:libxl_report_child_exitstatus: /etc/xen/scripts/vif-bridge online [${(world.nextPid += 1)}] exited with error status 1\nlibxl: error: libxl_device.c:1337:device_hotplug_child_death_cb: script: Could not find bridge device ${nic.bridge}\n${notAdded}libxl_device_nic_add failed.\n`,
    );
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
