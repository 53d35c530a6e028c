/** What makes and copies the files of disks: `truncate`, `cp` and `qemu-img`. A disk has the bytes that were written, and a size. */
import { failed, fine, type Program, type Result } from './process.ts';
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

const written = (world: World, path: string, { bytes, size }: Disk, who: string): Result => {
  const why = world.files.write(path, bytes, undefined, size);
  return why === null ? fine : failed(1, `${who}${why}\n`);
};

/** `truncate -s SIZE PATH`. */
export const truncate: Program = async (world, _process, argv) => {
  const path = argv.at(-1) ?? '';
  const size = kib(argv[argv.indexOf('-s') + 1]);
  const old = diskAt(world, path)?.bytes ?? new Uint8Array();
  const who = `truncate: cannot open '${path}' for writing: `;
  return written(world, path, { bytes: old.slice(0, size * 1024), size }, who);
};

/** `cp [--reflink=auto] FROM TO`. */
export const cp: Program = async (world, process, argv) => {
  const [from = '', to = ''] = argv.filter((a) => !a.startsWith('-'));
  const disk = diskAt(world, from);
  if (!disk) return failed(1, `cp: cannot stat '${from}': No such file or directory\n`);
  await process.sleep(200);
  return written(world, to, disk, `cp: cannot create regular file '${to}': `);
};

const missing = (path: string): Result =>
  failed(1, `qemu-img: Could not open '${path}': Could not open '${path}': No such file or directory\n`);

const noQcow2 = (path: string): Result =>
  failed(1, `qemu-img: Could not open '${path}': Image is not in qcow2 format\n`);

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
  if (kib(size) < disk.size) {
    return failed(
      1,
      'qemu-img: Use the --shrink option to perform a shrink operation.\n' +
        "qemu-img: warning: Shrinking an image will delete all data beyond the shrunken image's end. " +
        'Before performing such an operation, make sure there is no important data there.\n',
    );
  }
  return written(world, path, { bytes: disk.bytes, size: kib(size) }, 'qemu-img: ');
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
  if (!argv.includes('-n'))
    return written(world, to, { bytes, size: source.size }, `qemu-img: ${to}: error while converting ${becomes}: `);
  const target = diskAt(world, to);
  if (!target) return missing(to);
  if (target.size < source.size) return failed(1, `qemu-img: ${to}: error while converting raw: Image is too small\n`);
  world.files.put(to, bytes, 0o660, target.size);
  return fine;
};

const compare: Program = async (world, process, argv) => {
  const { option, words } = parse(argv.map((a) => (a === '-F' ? '-O' : a)));
  const [a = '', b = ''] = words;
  const [one, two] = [diskAt(world, a), diskAt(world, b)];
  if (!one) return missing(a);
  if (!two) return missing(b);
  await process.sleep(300);
  const plain = (bytes: Uint8Array, format: string | undefined): string =>
    Array.from(format === 'qcow2' ? bytes.slice(magic.length) : bytes).join();
  if (plain(one.bytes, option('-f')) === plain(two.bytes, option('-O'))) return fine;
  return { rc: 1, out: 'Content mismatch at offset 0!\n', err: '' };
};

export const qemuImg: Program = async (world, process, [command = '', ...argv]) => {
  if (command === 'resize') return resize(world, process, argv);
  if (command === 'convert') return convert(world, process, argv);
  if (command === 'compare') return compare(world, process, argv);
  if (command !== 'create') return failed(1, `qemu-img: Command not found: ${command}\n`);
  const { option, words } = parse(argv);
  const [path = '', size] = words;
  await process.sleep(50);
  const bytes = option('-f') === 'qcow2' ? magic : new Uint8Array();
  return written(world, path, { bytes, size: kib(size) }, `qemu-img: ${path}: Could not create '${path}': `);
};
