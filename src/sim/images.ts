/** What makes and copies the files of disks: `truncate`, `cp` and `qemu-img`. A disk has the bytes that were written, and a size. */
import { failed, fine, said, type Program, type Result } from './process.ts';
import type { World } from './world.ts';

/** A qcow2 is its magic number and the guest's bytes: no clusters, which nobody here looks at. */
const magic = Uint8Array.of(0x51, 0x46, 0x49, 0xfb);

const isQcow2 = (bytes: Uint8Array): boolean => magic.every((b, i) => bytes[i] === b);

const wrapped = (bytes: Uint8Array): Uint8Array => Uint8Array.from([...magic, ...bytes]);

interface Disk {
  readonly bytes: Uint8Array;
  /** KiB. */
  readonly size: number;
}

const diskAt = ({ files }: World, path: string): Disk | null => {
  const node = files.resolve(path);
  if (node?.is !== 'file') return null;
  return { bytes: node.bytes, size: node.size ?? Math.ceil(node.bytes.length / 1024) };
};

/** What stands before the unit: `98304K`. */
const kib = (word: string | undefined): number => Number((word ?? '').replace(/K$/, ''));

const noRoom = 'No space left on device';

/** `who` is said of a file that cannot be made; of one that is there, but whose bytes find no room, `late`. */
const written = (world: World, path: string, { bytes, size }: Disk, who: string, late = who): Result => {
  const there = diskAt(world, path) !== null;
  const why = world.files.write(path, bytes, undefined, size);
  return why === null ? fine : failed(1, `${there && why === noRoom ? late : who}${why}\n`);
};

/** As `written`, for what changes no byte: a hole that grows takes no room. */
const sized = (world: World, path: string, disk: Disk, who: string): Result => {
  const node = world.files.get(path);
  if (node?.is !== 'file' || world.files.refused(path, false) !== null) return written(world, path, disk, who);
  world.files.put(path, disk.bytes, node.mode, disk.size);
  return fine;
};

const isDevice = (path: string): boolean => path.startsWith('/dev/');

/** `truncate -s SIZE PATH`. */
export const truncate: Program = async (world, _process, argv) => {
  const path = argv.at(-1) ?? '';
  const size = kib(argv[argv.indexOf('-s') + 1]);
  const old = diskAt(world, path);
  if (old && isDevice(path))
    return failed(1, `truncate: failed to truncate '${path}' at ${size * 1024} bytes: Invalid argument\n`);
  const bytes = old?.bytes.slice(0, size * 1024) ?? new Uint8Array();
  return sized(world, path, { bytes, size }, `truncate: cannot open '${path}' for writing: `);
};

/** `cp [--reflink=auto] [--sparse=always] FROM TO`. */
export const cp: Program = async (world, process, argv) => {
  const [from = '', to = ''] = argv.filter((a) => !a.startsWith('-'));
  const disk = diskAt(world, from);
  if (!disk && world.files.exists(from)) return failed(1, `cp: -r not specified; omitting directory '${from}'\n`);
  if (!disk) return failed(1, `cp: cannot stat '${from}': No such file or directory\n`);
  await process.sleep(200);
  return written(world, to, disk, `cp: cannot create regular file '${to}': `, `cp: error writing '${to}': `);
};

const cannotOpen = (path: string): string => `qemu-img: Could not open '${path}': `;

const missing = (path: string): Result =>
  failed(1, `${cannotOpen(path)}Could not open '${path}': No such file or directory\n`);

const noQcow2 = (path: string): Result => failed(1, `${cannotOpen(path)}Image is not in qcow2 format\n`);

/** The options that have a value, and the words beside them. */
const parse = (
  argv: readonly string[],
): { readonly option: (name: string) => string | undefined; readonly words: readonly string[] } => {
  const valued = new Set(['-f', '-O']);
  const words = argv.filter((a, i) => !a.startsWith('-') && !valued.has(argv[i - 1] ?? ''));
  return { option: (name) => (argv.includes(name) ? argv[argv.indexOf(name) + 1] : undefined), words };
};

const resize: Program = async (world, _process, argv) => {
  const { option, words } = parse(argv);
  const [path = '', size] = words;
  const disk = diskAt(world, path);
  if (!disk) return missing(path);
  if (option('-f') === 'qcow2' && !isQcow2(disk.bytes)) return noQcow2(path);
  if (isDevice(path)) return failed(1, 'qemu-img: Cannot resize device files\n');
  if (kib(size) < disk.size) {
    return failed(
      1,
      'qemu-img: Use the --shrink option to perform a shrink operation.\n' +
        "qemu-img: warning: Shrinking an image will delete all data beyond the shrunken image's end. " +
        'Before performing such an operation, make sure there is no important data there.\n',
    );
  }
  const who = `${cannotOpen(path)}Could not open '${path}': `;
  const done = sized(world, path, { bytes: disk.bytes, size: kib(size) }, who);
  return done.rc === 0 && !argv.includes('-q') ? said('Image resized.\n') : done;
};

const convert: Program = async (world, process, argv) => {
  const { option, words } = parse(argv);
  const [from = '', to = ''] = words;
  const source = diskAt(world, from);
  if (!source) return missing(from);
  const [is, becomes] = [option('-f'), option('-O')];
  if (is === 'qcow2' && !isQcow2(source.bytes)) return noQcow2(from);
  await process.sleep(500);
  const plain = is === 'qcow2' ? source.bytes.slice(magic.length) : source.bytes;
  const bytes = becomes === 'qcow2' ? wrapped(plain) : plain;
  const who = `qemu-img: ${to}: error while converting ${becomes}: Could not create '${to}': `;
  const late = 'qemu-img: error while writing at byte 0: ';
  if (!argv.includes('-n')) return written(world, to, { bytes, size: source.size }, who, late);
  const target = diskAt(world, to);
  if (!target) return missing(to);
  if (target.size < source.size) return failed(1, 'qemu-img: output file is smaller than input file\n');
  const disk = { bytes, size: target.size };
  if (!isDevice(to)) return written(world, to, disk, `${cannotOpen(to)}Could not open '${to}': `, late);
  // A device has its room, however full the dom0 is.
  world.files.put(to, bytes, 0o660, target.size);
  return fine;
};

const compare: Program = async (world, process, argv) => {
  const { option, words } = parse(argv.map((a) => (a === '-F' ? '-O' : a)));
  const [a = '', b = ''] = words;
  const [one, two] = [diskAt(world, a), diskAt(world, b)];
  // 1 says that they differ.
  if (!one || !two) return { ...missing(one ? b : a), rc: 2 };
  if (option('-f') === 'qcow2' && !isQcow2(one.bytes)) return { ...noQcow2(a), rc: 2 };
  if (option('-O') === 'qcow2' && !isQcow2(two.bytes)) return { ...noQcow2(b), rc: 2 };
  await process.sleep(300);
  const plain = (bytes: Uint8Array, format: string | undefined): string =>
    Array.from(format === 'qcow2' ? bytes.slice(magic.length) : bytes).join();
  const same = plain(one.bytes, option('-f')) === plain(two.bytes, option('-O'));
  const out = same ? 'Images are identical.\n' : 'Content mismatch at offset 0!\n';
  return { rc: same ? 0 : 1, out: argv.includes('-q') ? '' : out, err: '' };
};

export const qemuImg: Program = async (world, process, [command = '', ...argv]) => {
  if (command === 'resize') return resize(world, process, argv);
  if (command === 'convert') return convert(world, process, argv);
  if (command === 'compare') return compare(world, process, argv);
  if (command !== 'create')
    return failed(1, `qemu-img: Command not found: ${command}\nTry 'qemu-img --help' for more information\n`);
  const { option, words } = parse(argv);
  const [path = '', size] = words;
  await process.sleep(50);
  const who = `qemu-img: ${path}: Could not create '${path}': `;
  if (option('-f') !== 'qcow2') return sized(world, path, { bytes: new Uint8Array(), size: kib(size) }, who);
  return written(
    world,
    path,
    { bytes: magic, size: kib(size) },
    who,
    `qemu-img: ${path}: Could not write qcow2 header: `,
  );
};
