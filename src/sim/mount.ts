/** mount(8) and umount(8) with mount.nfs: their arguments, what they mount, and what they say where they fail. */
import { normal } from './files.ts';
import { readFstab, type FstabLine } from './fstab.ts';
import { makeExport, within, type Mount } from './mounts.ts';
import { failed, fine, said, type Program, type Result, type Running } from './process.ts';
import { draw, isRecorded, type Domain, type World } from './world.ts';
import { table } from '../core/table.ts';

/** Addresses of documentation: who asks, and who answers. */
const [client, filer] = ['192.0.2.11', '192.0.2.10'];

const meant = new Set([
  'defaults',
  '_netdev',
  'nofail',
  'auto',
  'noauto',
  'user',
  'nouser',
  'rw',
  'ro',
  'soft',
  'hard',
]);

/** NFS options as /proc/self/mounts shows them: those that were given among those that the kernel fills in. */
const shown = (options: readonly string[]): { readonly type: string; readonly options: string } => {
  const value = (...names: readonly string[]): string | undefined =>
    options.findLast((o) => names.includes(o.split('=')[0] ?? ''))?.split('=')[1];
  const last = (a: string, b: string): string => options.findLast((o) => o === a || o === b) ?? a;
  const version = value('vers', 'nfsvers') ?? '4.2';
  const filled: Readonly<Record<string, string>> = table({
    rsize: '1048576',
    wsize: '1048576',
    namlen: '255',
    proto: 'tcp',
    timeo: '600',
    retrans: '2',
    sec: 'sys',
    local_lock: 'none',
  });
  const known = ([name, usual]: readonly [string, string]): string => `${name}=${value(name) ?? usual}`;
  const more = options.filter((o) => {
    const name = o.split('=')[0] ?? '';
    return !meant.has(o) && !(name in filled) && name !== 'vers' && name !== 'nfsvers' && !name.startsWith('x-');
  });
  const [sizes, rest] = [Object.entries(filled).slice(0, 3), Object.entries(filled).slice(3)];
  const atimes = options.includes('noatime') ? [] : ['relatime'];
  return {
    type: version.startsWith('3') ? 'nfs' : 'nfs4',
    options: [
      last('rw', 'ro'),
      ...atimes,
      `vers=${version}`,
      ...sizes.map(known),
      last('hard', 'soft'),
      ...more,
      ...rest.map(known).slice(0, -1),
      ...(version.startsWith('3') ? [`mountaddr=${filer}`, 'mountvers=3', 'mountport=20048', 'mountproto=udp'] : []),
      ...(version.startsWith('3') ? [] : [`clientaddr=${client}`]),
      ...rest.map(known).slice(-1),
      `addr=${filer}`,
    ].join(','),
  };
};

const isNfs = ({ type, source }: FstabLine): boolean =>
  type === 'nfs' || type === 'nfs4' || (type === '' && /^[^/]+:\//.test(source));

const nfsMount = (world: World, { source, path, options }: FstabLine): Mount | undefined => {
  const found = world.exports.get(source);
  return found && { source, path: normal(path), ...shown(options.split(',').filter((o) => o !== '')), export: found };
};

/** What lets it fail before its server is asked for its files; null: it can be asked. */
const nfsTrouble = (world: World, { source, path }: FstabLine): string | null => {
  const point = world.files.resolve(path);
  if (point === undefined) return `mount point ${path} does not exist`;
  if (point.is !== 'dir') return `mount point ${path} is not a directory`;
  const colon = source.indexOf(':');
  if (colon < 0) return "remote share not in 'host:dir' format";
  const host = source.slice(0, colon);
  if (![...world.exports.keys()].some((s) => s.startsWith(`${host}:`)))
    return `Failed to resolve server ${host}: Name or service not known`;
  return world.exports.has(source)
    ? null
    : `mounting ${source} failed, reason given by server: No such file or directory`;
};

const mountNfs = async (world: World, process: Running, line: FstabLine): Promise<Result> => {
  const trouble = nfsTrouble(world, line);
  if (trouble !== null) return failed(32, `mount.${line.type === 'nfs4' ? 'nfs4' : 'nfs'}: ${trouble}\n`);
  const made = nfsMount(world, line);
  // Nobody answers: it tries for longer than anybody waits.
  while (made?.export.dead === true) await process.sleep(60_000);
  await process.sleep(draw(world, 'mount'));
  // What is mounted there already stays, beneath: the kernel stacks them.
  if (made !== undefined) world.files.mount(made);
  return fine;
};

/** mount(8) itself failed, not its helper. */
const refused = (path: string, why: string): Result =>
  failed(32, `mount: ${path}: ${why}.\n       dmesg(1) may have more information after failed mount system call.\n`);

/** An empty file system of its own, of half a GiB. */
const mountTmpfs = (world: World, { source, path }: FstabLine): Result => {
  const point = world.files.resolve(path);
  if (point?.is !== 'dir')
    return refused(path, `mount point ${point === undefined ? 'does not exist' : 'is not a directory'}`);
  const options = 'rw,relatime,inode64';
  world.files.mount({ source, path: normal(path), type: 'tmpfs', options, export: makeExport(512 * 1024) });
  return fine;
};

interface Asked {
  readonly type: string;
  readonly options: readonly string[];
  readonly words: readonly string[];
}

const long: Readonly<Record<string, string>> = table({ '--types': '-t', '--options': '-o', '--read-only': '-r' });

const asked = (argv: readonly string[]): Asked | Result => {
  let type = '';
  const options: string[] = [];
  const words: string[] = [];
  for (let i = 0; i < argv.length; i += 1) {
    const word = argv[i] ?? '';
    const [, name = '', joined] = /^(--\w[\w-]*)=(.*)$/.exec(word) ?? /^(-[to])(.+)$/.exec(word) ?? ['', word];
    const flag = long[name] ?? name;
    if (flag === '-t' || flag === '-o') {
      const value = joined ?? argv[(i += 1)] ?? '';
      if (flag === '-t') type = value;
      else options.push(...value.split(','));
    } else if (flag === '-r') options.push('ro');
    else if (!flag.startsWith('-')) words.push(flag);
    else if (flag !== '-v' && flag !== '-w' && flag !== '-n')
      return failed(1, `mount: invalid option -- '${flag.slice(1)}'\nTry 'mount --help' for more information.\n`);
  }
  return { type, options, words };
};

/** `mount [-t TYPE] [-o OPTIONS] SOURCE PATH`; with one of the two, /etc/fstab has the rest. */
export const mount: Program = async (world, process, argv) => {
  const got = asked(argv);
  if ('rc' in got) return got;
  const [first, second] = got.words;
  const table = world.files.text('/proc/self/mounts') ?? '';
  if (first === undefined) return said(table.replace(/^(\S+) (\S+) (\S+) (\S+) 0 0$/gm, '$1 on $2 type $3 ($4)'));
  const tidy = (path: string): string => path.replace(/(?<=.)\/+$/, '');
  let line: FstabLine = { source: first, path: tidy(second ?? ''), type: got.type, options: got.options.join(',') };
  if (second === undefined) {
    const lines = readFstab(world.files.text('/etc/fstab') ?? '');
    const found = lines.findLast((l) => l.path === tidy(first)) ?? lines.findLast((l) => l.source === first);
    if (found === undefined) return failed(1, `mount: ${first}: can't find in /etc/fstab.\n`);
    line = { ...found, options: [found.options, ...got.options].join(',') };
  }
  if (isNfs(line)) return mountNfs(world, process, line);
  if (line.type === 'tmpfs') return mountTmpfs(world, line);
  if (line.path === '/') return refused('/', `${line.source} already mounted on /`);
  return refused(
    line.path,
    line.type === '' ? `special device ${line.source} does not exist` : `unknown filesystem type '${line.type}'`,
  );
};

/** What a domain has open; before libxl has written its record, what it is about to open. */
export const pathsOf = (world: World, d: Domain): readonly string[] =>
  d.name === null ? [] : (isRecorded(world, d) ? d.disks : d.config.disks).map((x) => x.path);

/** `umount [-f] [-l] PATH`, or the source instead. */
export const umount: Program = async (world, process, argv) => {
  const word = argv.find((a) => !a.startsWith('-'));
  if (word === undefined) return failed(1, "umount: bad usage\nTry 'umount --help' for more information.\n");
  const bad = (why: string): Result => failed(32, `umount: ${word}: ${why}.\n`);
  const path = normal(word);
  const { files } = world;
  const lazy = argv.some((a) => /^-[a-z]*l/.test(a) || a === '--lazy');
  const found = files.mounts.findLast((m) => m.path === path) ?? files.mounts.findLast((m) => m.source === word);
  if (found === undefined) {
    if (['/', '/proc', '/run'].includes(path)) return bad('target is busy');
    return bad(files.get(path) === undefined ? 'no mount point specified' : 'not mounted');
  }
  const inner = files.mounts.some((m) => m.path.startsWith(`${found.path}/`));
  // Of two that are stacked, the upper one hides the lower: what is open may be in either, and is taken to be in the upper.
  const open = [...world.domains.values()].some((d) => pathsOf(world, d).some((p) => within(p, found.path)));
  if ((inner || open) && !lazy) return bad('target is busy');
  const forced = lazy || argv.some((a) => /^-[a-z]*f/.test(a) || a === '--force');
  if (!forced) while (found.export.dead) await process.sleep(60_000);
  await process.sleep(draw(world, 'mount'));
  if (files.mounts.includes(found)) files.unmount(found);
  return fine;
};

/** What a boot mounts: the NFS of /etc/fstab. What is not there then, or does not answer, is left out. */
export const mountAtBoot = (world: World): void => {
  for (const line of readFstab(world.files.text('/etc/fstab') ?? '')) {
    if (!isNfs(line) || line.options.split(',').includes('noauto')) continue;
    const made = nfsMount(world, line);
    if (made === undefined || made.export.dead) continue;
    // systemd makes the mount point.
    if (world.files.mkdir(made.path) === null) world.files.mount(made);
  }
};
