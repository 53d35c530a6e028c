/** The storage of a dom0: mount and umount, /proc/self/mounts, and what the reading tells of a store. */
import { mountOver, type Mount } from './mounts.ts';
import { failed, fine, type Program } from './process.ts';
import type { World } from './world.ts';

const flagsWithValue = new Set(['-t', '-o']);

/** `mount -t nfs -o OPTIONS SOURCE PATH`; other kinds of mounts are not known here. */
export const mount: Program = async (world, process, argv) => {
  const words = argv.filter((a, i) => !a.startsWith('-') && !flagsWithValue.has(argv[i - 1] ?? ''));
  const [source = '', path = ''] = words;
  if (argv[argv.indexOf('-t') + 1] !== 'nfs' || words.length !== 2)
    return failed(1, 'mount: the simulated dom0 mounts NFS only\n');
  const bad = (why: string): ReturnType<typeof failed> => failed(32, `mount.nfs: ${why}\n`);
  if (world.files.resolve(path)?.is !== 'dir') return bad(`mount point ${path} does not exist`);
  const found = world.exports.get(source);
  const host = source.slice(0, source.lastIndexOf(':/'));
  if (found === undefined && ![...world.exports.keys()].some((s) => s.startsWith(`${host}:/`)))
    return bad(`Failed to resolve server ${host}: Name or service not known`);
  if (found === undefined) return bad(`mounting ${source} failed, reason given by server: No such file or directory`);
  // Nobody answers: it tries for longer than anybody waits.
  while (found.dead) await process.sleep(60_000);
  await process.sleep(50);
  world.files.mounts.push({ source, path, type: 'nfs4', export: found });
  return fine;
};

export const umount: Program = async (world, process, [path = '']) => {
  const mounts = world.files.mounts;
  const at = mounts.findLastIndex((m) => m.path === path);
  if (at < 0) return failed(32, `umount: ${path}: not mounted.\n`);
  const used = [...world.domains.values()].some((d) => d.disks.some((x) => x.path.startsWith(`${path}/`)));
  if (used) return failed(32, `umount: ${path}: target is busy.\n`);
  await process.sleep(20);
  mounts.splice(at, 1);
  return fine;
};

/** `truncate -s SIZE PATH` and `qemu-img create … PATH SIZE`: what a disk is made of takes no room here. */
const made = (world: World, path: string): ReturnType<typeof failed> => {
  const why = world.files.exists(path) ? null : world.files.write(path, '');
  return why === null ? fine : failed(1, `cannot open '${path}' for writing: ${why}\n`);
};

export const truncate: Program = async (world, _process, argv) => made(world, argv.at(-1) ?? '');

export const qemuImg: Program = async (world, process, argv) => {
  if (argv[0] !== 'create') return failed(1, `qemu-img: Command not found: ${argv[0] ?? ''}\n`);
  await process.sleep(50);
  return made(world, argv.at(-2) ?? '');
};

const escaped = (word: string): string => word.replaceAll(' ', '\\040');

export const procMounts = (world: World): string =>
  [
    '/dev/xvda1 / ext4 rw,relatime,errors=remount-ro 0 0',
    'proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0',
    'tmpfs /run tmpfs rw,nosuid,nodev,noexec,size=65536k,mode=755 0 0',
    ...world.files.mounts.map((m) => `${escaped(m.source)} ${escaped(m.path)} ${m.type} rw,relatime,vers=4.2,hard 0 0`),
  ]
    .map((l) => `${l}\n`)
    .join('');

/** The last line of `df -Pk`. */
const df = (mount: Mount | undefined): string =>
  mount === undefined
    ? '/dev/xvda1         8125880 1826044   5865480      24% /'
    : `${mount.source} 104857600 1048576 103809024       2% ${mount.path}`;

/** The lines of the store number `n`, at a path that ends in a slash. */
export const storeLines = (world: World, n: number, store: string): readonly string[] => {
  const path = store.slice(0, -1);
  const { files } = world;
  const over = mountOver(files.mounts, path);
  const first = `store ${store}`;
  if (over?.export.dead) return [`${n} ${first}`];
  if (files.resolve(path)?.is !== 'dir') return [`${n} ${first}`, `${n} end`];
  const line = (at: string): string => (files.text(at) ?? '').split('\n')[0] ?? '';
  const marker = line(`${path}/.reeve.json`);
  const disks = files.list(`${path}/disks`).filter((name) => !name.startsWith('.'));
  return [
    first,
    'folder',
    ...(files.exists(`${path}/.reeve.json`) ? [`marker ${marker}`] : []),
    ...(files.list(path).length > 0 ? ['used'] : []),
    ...disks.flatMap((name) => [
      `disk ${name}`,
      ...(name.endsWith('.reeve.json') ? [`owner ${name} ${line(`${path}/disks/${name}`)}`] : []),
    ]),
    `df ${df(over)}`,
    'end',
  ].map((l) => `${n} ${l}`);
};

/** What the reading says of a plain path; '' where looking at it took too long. */
export const pathLine = ({ files }: World, path: string): string =>
  mountOver(files.mounts, path)?.export.dead ? '' : `${files.exists(path) ? 'there' : 'missing'} ${path}\n`;
