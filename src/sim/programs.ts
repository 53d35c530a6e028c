/** The programs of the simulated dom0, found by argv: xl and the few tools that operations and hands use. */
import { df } from './df.ts';
import { journalPrograms } from './journal.ts';
import { cp, qemuImg, truncate } from './images.ts';
import { lvmPrograms, takeOver } from './lvm.ts';
import { mount, umount } from './mount.ts';
import { Stuck } from './mounts.ts';
import { ovsBridges } from './print-host.ts';
import { failed, fine, said, type Program, type Result } from './process.ts';
import { sshKeygen } from './ssh-keys.ts';
import { sha256sum, wget } from './web.ts';
import { behaviourOf, type World } from './world.ts';
import { xl } from './xl.ts';
import { table } from '../core/table.ts';

const flagless = (argv: readonly string[]): readonly string[] => argv.filter((a) => !a.startsWith('-'));

const each = (paths: readonly string[], verb: string, act: (path: string) => string | null): Result => {
  const errors = paths.flatMap((path) => {
    const why = act(path);
    return why === null ? [] : [`${verb} '${path}': ${why}\n`];
  });
  return errors.length === 0 ? fine : failed(1, errors.join(''));
};

/** `if=FROM of=TO bs=N seek=N conv=notrunc`. */
const dd: Program = async ({ files }, _process, argv) => {
  const option = (name: string): string => argv.find((a) => a.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  const [from, to] = [files.resolve(option('if')), files.resolve(option('of'))];
  if (from?.is !== 'file') return failed(1, `dd: failed to open '${option('if')}': No such file or directory\n`);
  const old = to?.is === 'file' ? to.bytes : new Uint8Array();
  const at = Number(option('bs')) * Number(option('seek'));
  const bytes = new Uint8Array(Math.max(old.length, at + from.bytes.length));
  bytes.set(old);
  bytes.set(from.bytes, at);
  const why = files.write(option('of'), bytes);
  return why === null ? fine : failed(1, `dd: error writing '${option('of')}': ${why}\n`);
};

/** `-c %s PATH`. */
const stat: Program = async ({ files }, _process, argv) => {
  const path = argv.at(-1) ?? '';
  const node = files.resolve(path);
  if (node?.is === 'dir') return said('4096\n');
  return node?.is === 'file'
    ? said(`${node.bytes.length}\n`)
    : failed(1, `stat: cannot statx '${path}': No such file or directory\n`);
};

const ln: Program = async ({ files }, _process, argv) => {
  const [target, path] = flagless(argv);
  if (target === undefined || path === undefined) return failed(1, 'ln: missing file operand\n');
  const force = argv.some((a) => /^-[a-z]*f/.test(a));
  if (files.get(path) !== undefined && !force)
    return failed(1, `ln: failed to create symbolic link '${path}': File exists\n`);
  return each([path], 'ln: failed to create symbolic link', () => files.link(target, path));
};

/** It says nothing and goes down a moment later. */
const rebootNow: Program = async (world) => {
  world.clock.after(1000, () => world.power());
  return fine;
};

const removeAll = (files: World['files'], path: string): string | null => {
  if (files.get(path)?.is !== 'dir') return files.remove(path);
  for (const name of files.list(path)) {
    const why = removeAll(files, `${path}/${name}`);
    if (why !== null) return why;
  }
  return files.rmdir(path);
};

/** `-f`, `-rf`. */
const rm: Program = async ({ files }, _process, argv) => {
  const flags = argv.filter((a) => a.startsWith('-')).join('');
  return each(flagless(argv), 'rm: cannot remove', (path) => {
    if (files.get(path) === undefined && flags.includes('f')) return null;
    return flags.includes('r') ? removeAll(files, path) : files.remove(path);
  });
};

const mv: Program = async ({ files }, _process, argv) => {
  const [from = '', at = ''] = flagless(argv);
  const to =
    files.resolve(at)?.is === 'dir' ? `${at.replace(/\/+$/, '')}/${from.slice(from.lastIndexOf('/') + 1)}` : at;
  const node = files.get(from);
  if (node === undefined) return failed(1, `mv: cannot stat '${from}': No such file or directory\n`);
  if (node.is === 'dir') return failed(1, `mv: cannot move '${from}' to '${to}': Is a directory\n`);
  if (argv.includes('-n') && files.get(to) !== undefined) return fine;
  const written = node.is === 'link' ? files.link(node.target, to) : files.write(to, node.bytes, node.mode, node.size);
  const why = written ?? files.remove(from);
  return why === null ? fine : failed(1, `mv: cannot move '${from}' to '${to}': ${why}\n`);
};

/** `-n N` or `-N` lines, ten unless said, of one file. */
const tail: Program = async ({ files }, _process, argv) => {
  const at = argv.findIndex((a) => a === '-n' || a === '-c');
  const short = argv.find((a) => /^-(?:n|c)?\d+$/.test(a));
  const count = Number(at < 0 ? (short ?? '10').replace(/\D/g, '') : (argv[at + 1] ?? '10'));
  const bytes = at < 0 ? (short ?? '').startsWith('-c') : argv[at] === '-c';
  const path = argv.find((a, i) => !a.startsWith('-') && (at < 0 || i !== at + 1)) ?? '';
  const text = files.text(path);
  if (text === undefined) return failed(1, `tail: cannot open '${path}' for reading: No such file or directory\n`);
  if (bytes) return said(text.slice(-count));
  const lines = text.split(/(?<=\n)/);
  return said(lines.slice(Math.max(0, lines.length - count)).join(''));
};

const answers = (world: World, place: string): boolean =>
  world.listening.get(place) ??
  [...world.domains.values()].some(
    (d) => d.booted && !d.paused && d.ended === null && behaviourOf(world, d).listens.includes(place),
  );

/** Of bash only this: `bash -c 'exec 3<>"/dev/tcp/$0/$1"' HOST PORT`, which connects and ends. */
const bash: Program = async (world, process, [flag, text, host = '', port = '']) => {
  if (flag !== '-c' || text !== 'exec 3<>"/dev/tcp/$0/$1"')
    return failed(127, 'bash: the simulated dom0 has no shell\n');
  await process.sleep(20);
  if (answers(world, `${host}:${port}`)) return fine;
  return failed(
    1,
    `${host}: connect: Connection refused\n${host}: line 1: /dev/tcp/${host}/${port}: Connection refused\n`,
  );
};

/** `[-p] [-m MODE] PATH…` */
const mkdir: Program = async ({ files }, _process, argv) =>
  each(flagless(argv.filter((_, i) => argv[i - 1] !== '-m')), 'mkdir: cannot create directory', (path) => {
    const above = path.replace(/\/[^/]*\/*$/, '') || '/';
    if (argv.includes('-p')) return files.mkdir(path);
    if (files.get(path) !== undefined) return 'File exists';
    return files.exists(above) ? files.mkdir(path) : 'No such file or directory';
  });

const rmdir: Program = async ({ files }, _process, argv) =>
  each(flagless(argv), 'rmdir: failed to remove', (path) => files.rmdir(path));

const cat: Program = async ({ files }, _process, argv) => {
  const missing = argv.find((path) => files.text(path) === undefined);
  if (missing !== undefined) return failed(1, `cat: ${missing}: No such file or directory\n`);
  return said(argv.map((path) => files.text(path)).join(''));
};

const test: Program = async ({ files }, _process, [op = '', path = '']) => {
  const node = op === '-L' || op === '-h' ? files.get(path) : files.resolve(path);
  const holds =
    op === '-e' ||
    (op === '-f' && node?.is === 'file') ||
    (op === '-d' && node?.is === 'dir') ||
    ((op === '-L' || op === '-h') && node?.is === 'link');
  return node !== undefined && holds ? fine : failed(1, '');
};

/** `ip link set [dev] vifD.N master BR`: moves a running vif; libxl's record does not hear of it. */
const ip: Program = async (world, _process, argv) => {
  const [object, verb, name = '', master, bridge = ''] = argv.filter((a) => a !== 'dev');
  if (object !== 'link' || verb !== 'set' || master !== 'master')
    return failed(255, `Command "${verb ?? ''}" is unknown, try "ip link help".\n`);
  const m = /^vif(\d+)\.(\d+)$/.exec(name);
  const nic = m === null ? undefined : world.domains.get(Number(m[1]))?.nics.find((n) => n.devid === Number(m[2]));
  if (nic === undefined || nic.ghost) return failed(1, `Cannot find device "${name}"\n`);
  if (world.ovs.has(bridge)) return failed(2, 'RTNETLINK answers: Operation not supported\n');
  if (!world.bridges.has(bridge)) return failed(255, `Error: argument "${bridge}" is wrong: Device does not exist\n`);
  nic.master = bridge;
  return fine;
};

/** A folder of one's own, kept where it is one. */
const keptFolder: Program = async (world, process, [folder = '', name = '']) => {
  const kept = world.files.get(folder)?.is === 'dir' && world.files.get(`${folder}/${name}`)?.is !== 'link';
  if (kept) return fine;
  const removed = await rm(world, process, ['-rf', folder]);
  return removed.rc === 0 ? mkdir(world, process, [folder]) : removed;
};

const publish: Program = async (world, process, [folder = '', name = '', to = '']) => {
  const moved = await mv(world, process, ['-n', `${folder}/${name}`, `${to}/`]);
  return moved.rc === 0 ? rmdir(world, process, [folder]) : moved;
};

/** The simulated dom0 has no shell: it knows these texts. */
const texts: ReadonlyMap<string, Program> = new Map([
  [
    'set -f; r=$(lvs --noheadings -o seg_pe_ranges "$0") && lvremove -q -f "$0" && exec lvextend -q -L "$2" "$1" $r',
    takeOver,
  ],
  [
    'if [ -L "$0" ] || [ ! -d "$0" ] || [ ! -O "$0" ] || [ -L "$0/$1" ]; then rm -rf "$0" && mkdir -m 700 "$0"; fi',
    keptFolder,
  ],
  ['mv -n "$0/$1" "$2/" && rmdir "$0"', publish],
  ...journalPrograms,
]);

const sh: Program = async (world, process, [flag, text = '', ...args]) => {
  const known = flag === '-c' ? texts.get(text) : undefined;
  return known ? known(world, process, args) : failed(127, 'sh: the simulated dom0 has no shell\n');
};

const programs: Readonly<Record<string, Program>> = table({
  xl,
  ln,
  rm,
  mv,
  tail,
  bash,
  mkdir,
  reboot: rebootNow,
  rmdir,
  df,
  mount,
  umount,
  truncate,
  stat,
  dd,
  cp,
  wget,
  sha256sum,
  ...lvmPrograms,
  sh,
  'ssh-keygen': sshKeygen,
  'qemu-img': qemuImg,
  chmod: async ({ files }, _process, argv) =>
    each(argv.slice(1), 'chmod: cannot access', (path) => (files.exists(path) ? null : 'No such file or directory')),
  cat,
  test,
  ip,
  'ovs-vsctl': async (world, _process, argv) => {
    const { rc, out } = ovsBridges(world);
    if (rc !== 0) return failed(rc, `timeout: failed to run command 'ovs-vsctl': No such file or directory\n`);
    return argv.at(-1) === 'list-br' ? said(out) : failed(1, `ovs-vsctl: unknown command '${argv.at(-1) ?? ''}'\n`);
  },
  true: async () => fine,
  false: async () => failed(1, ''),
  sleep: async (_world, process, [seconds = '0']) => {
    await process.sleep(Number(seconds) * 1000);
    return fine;
  },
});

const never = (): Promise<Result> => new Promise(() => {});

/** Runs argv; 127 where there is no such program. One that comes upon a dead export sleeps there for ever. */
export const runProgram: Program = async (world, process, argv) => {
  const [name = '', ...args] = argv;
  const program = programs[name.replace(/^\/(?:usr\/)?s?bin\//, '')];
  if (program === undefined)
    return failed(127, `timeout: failed to run command '${name}': No such file or directory\n`);
  // What `xl -N` only tries is no change.
  const word = program === xl ? (args[0] === '-N' ? '' : (args[0] ?? '')) : name.replace(/^.*\//, '');
  if (world.swallows.has(word)) return fine;
  try {
    return await program(world, process, args);
  } catch (error) {
    if (error instanceof Stuck) {
      process.stuck = true;
      return never();
    }
    throw error;
  }
};
