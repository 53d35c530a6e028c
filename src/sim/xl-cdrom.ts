/** `xl cd-insert` and `xl cd-eject`: another medium, or none, in a drive of an HVM guest. */
import { saveRecord, wake } from './lives.ts';
import { failed, fine, type Result, type Running } from './process.ts';
import { draw, isRecorded, type Domain, type World } from './world.ts';

const changeMedium = async (
  world: World,
  process: Running,
  d: Domain | undefined,
  word: string,
  vdev: string,
  path: string,
): Promise<Result> => {
  if (path !== '' && !world.files.exists(path)) return failed(1, `Cannot stat file: ${path}\n`);
  const bad = (line: string): Result => failed(1, `libxl: error: ${line}\n`);
  if (d === undefined) return bad(`libxl_dom.c:37:libxl__domain_type: unable to get domain type for domid=${word}`);
  const at = `libxl_cdrom_insert: Domain ${d.domid}:`;
  if (d.type !== 'hvm') return bad(`libxl_disk.c:840:${at}cdrom-insert requires an HVM domain`);
  const drive = d.disks.find((x) => x.cdrom && x.vdev === vdev);
  if (drive === undefined || !isRecorded(world, d)) return bad(`libxl_disk.c:868:${at}Virtual device not found`);
  await process.sleep(draw(world, 'medium'));
  const noQemu = (why: string): Result =>
    bad(`libxl_qmp.c:1334:qmp_ev_lock_aquired: Domain ${d.domid}:Failed to connect to QMP socket: ${why}`);
  if (d.qemu === null || d.qemu.dead) return noQemu('Connection refused');
  // QEMU made nothing of a drive that began empty, and dies as libxl changes it; an eject does not notice.
  if (drive.format === 'empty' && drive.emptied !== true) {
    d.qemu.dead = true;
    d.disks = d.disks.map((x) => (x === drive ? { ...drive, emptied: true } : x));
    return path === '' ? fine : noQemu('Connection reset by peer');
  }
  const format = path === '' ? 'empty' : 'raw';
  d.disks = d.disks.map((x) =>
    x === drive ? { ...drive, path, format, emptied: path === '', back: path === '' ? 1 : drive.back } : x,
  );
  const stored = {
    path,
    vdev,
    format,
    backend: null,
    readwrite: false,
    cdrom: true,
    script: null,
    discard: null,
    directIo: false,
    hot: true as const,
  };
  d.config = { ...d.config, disks: d.config.disks.map((x) => (x.vdev === vdev ? stored : x)) };
  saveRecord(world, d);
  wake(world, d);
  return fine;
};

type OnDomain = (
  world: World,
  process: Running,
  d: Domain | undefined,
  word: string,
  args: readonly string[],
) => Promise<Result>;

export const cdInsert: OnDomain = (world, process, d, word, [vdev = '', path = '']) =>
  changeMedium(world, process, d, word, vdev, path);

export const cdEject: OnDomain = (world, process, d, word, [vdev = '']) =>
  changeMedium(world, process, d, word, vdev, '');
