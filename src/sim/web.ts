/** What a dom0 fetches: `wget` (GNU wget 1.21), a web of files by URL, and `sha256sum`. */
import { bytesToHex } from '@noble/hashes/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { startMs } from './clock.ts';
import { failed, said, type Program, type Result } from './process.ts';
import type { World } from './world.ts';

/** Bytes. */
const perSecond = 1024 ** 2;

const stampOf = ({ clock }: World): string =>
  new Date(startMs + clock.now()).toISOString().slice(0, 19).replace('T', ' ');
const reasons: Readonly<Record<number, string>> = {
  403: 'Forbidden',
  404: 'Not Found',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

const hostOf = (url: string): string => /^\w+:\/\/([^/:]*)/.exec(url)?.[1] ?? url;

const bytesAt = ({ files }: World, path: string): Uint8Array | undefined => {
  const node = files.resolve(path);
  return node?.is === 'file' ? node.bytes : undefined;
};

/** The last argument, or the one line of `-i LIST`. */
const urlOf = (world: World, argv: readonly string[]): string => {
  const list = argv.indexOf('-i');
  return list === -1 ? (argv.at(-1) ?? '') : (world.files.text(argv[list + 1] ?? '') ?? '').trim();
};

/** `wget -nv -S --spider -T N -t 1 URL`: the headers, on stderr. */
const spider: Program = async (world, process, argv) => {
  const url = urlOf(world, argv);
  const found = world.web.get(url);
  await process.sleep(300);
  if (found === undefined) return failed(4, `wget: unable to resolve host address '${hostOf(url)}'\n`);
  if (found.dead) {
    await process.sleep(Number(argv[argv.indexOf('-T') + 1]) * 1000);
    return failed(4, 'Read error (Connection timed out) in headers.\n');
  }
  const status = found.status ?? 200;
  const length = status === 200 && !found.unsized ? `  content-length: ${found.bytes.length}\n` : '';
  const headers = `  HTTP/1.1 ${status} ${status === 200 ? 'OK' : (reasons[status] ?? 'Unknown')}\n${length}  Connection: keep-alive\n`;
  if (status !== 200) return failed(8, `${headers}${url}:\nRemote file does not exist -- broken link!!!\n`);
  return said('', `${headers}${stampOf(world)} URL: ${url} 200 OK\n`);
};

/** `wget -nv -c -T N -t N -O PATH URL`; of several tries it makes one. */
export const wget: Program = async (world, process, argv) => {
  if (argv.includes('--spider')) return spider(world, process, argv);
  const path = argv[argv.indexOf('-O') + 1] ?? '';
  const url = urlOf(world, argv);
  const number = (name: string, usual: number): number =>
    argv.includes(name) ? Number(argv[argv.indexOf(name) + 1]) : usual;
  const [seconds, tries] = [number('-T', 900), number('-t', 20)];
  const found = world.web.get(url);
  await process.sleep(300);
  // The real one opens what it is to write before it asks, and leaves it behind.
  const node = world.files.resolve(path);
  const closed =
    node === undefined
      ? world.files.write(path, '')
      : node.is === 'dir'
        ? 'Is a directory'
        : world.files.refused(path, false);
  if (closed !== null) return failed(1, `${path}: ${closed}\n`);
  if (found === undefined) {
    return failed(4, `wget: unable to resolve host address '${hostOf(url)}'\n`);
  }
  if (found.dead) {
    // Between two tries it rests, a second longer each time.
    for (let n = 1; n <= tries; n += 1) await process.sleep((seconds + (n < tries ? n : 0)) * 1000);
    return failed(4, 'Read error (Connection timed out) in headers.\n'.repeat(tries));
  }
  const status = found.status ?? 200;
  if (status !== 200)
    return failed(8, `${url}:\n${stampOf(world)} ERROR ${status}: ${reasons[status] ?? 'Unknown'}.\n`);
  const old = bytesAt(world, path) ?? new Uint8Array();
  // A file that is whole, or longer, is taken as it is.
  if (old.length >= found.bytes.length) return said('');
  const end = Math.min(found.bytes.length, old.length + (found.cutAfter ?? Number.MAX_SAFE_INTEGER));
  for (let at = old.length; at < end; at += perSecond) {
    do await process.sleep(1000);
    while (found.stalls?.());
    // Behind what is there, be it of this file or not.
    const more = found.bytes.subarray(old.length, Math.min(end, at + perSecond));
    const whole = new Uint8Array(old.length + more.length);
    whole.set(old);
    whole.set(more, old.length);
    const why = world.files.write(path, whole);
    if (why !== null) return failed(3, `Cannot write to '${path}' (${why}).\n`);
  }
  // It says nothing of a connection that breaks.
  if (end < found.bytes.length) return failed(4, '');
  return said('', `${stampOf(world)} URL:${url} [${end}/${end}] -> "${path}" [1]\n`);
};

const sumOf = (world: World, path: string): string | undefined => {
  const bytes = bytesAt(world, path);
  return bytes && bytesToHex(sha256(bytes));
};

const unread = (world: World, path: string): Result =>
  failed(
    1,
    `sha256sum: ${path}: ${world.files.resolve(path)?.is === 'dir' ? 'Is a directory' : 'No such file or directory'}\n`,
  );

const warning = (count: number, one: string, more: string): string =>
  count === 0 ? '' : `sha256sum: WARNING: ${count} ${count === 1 ? one : more}\n`;

const checked = (world: World, list: string): Result => {
  const text = world.files.text(list);
  if (text === undefined) return unread(world, list);
  const all = text.split('\n').filter((l) => l !== '');
  const lines = all.filter((l) => /^[0-9a-f]{64} [ *]./i.test(l));
  if (lines.length === 0) return failed(1, `sha256sum: ${list}: no properly formatted checksum lines found\n`);
  const judged = lines.map((l) => {
    const path = l.slice(66);
    const sum = sumOf(world, path);
    return { path, is: sum === undefined ? 'lost' : sum === l.slice(0, 64).toLowerCase() ? 'right' : 'wrong' } as const;
  });
  const count = (is: 'lost' | 'wrong'): number => judged.filter((j) => j.is === is).length;
  const words = { right: 'OK', wrong: 'FAILED', lost: 'FAILED open or read' };
  return {
    rc: judged.every((j) => j.is === 'right') ? 0 : 1,
    out: judged.map((j) => `${j.path}: ${words[j.is]}\n`).join(''),
    err:
      judged.map((j) => (j.is === 'lost' ? unread(world, j.path).err : '')).join('') +
      warning(all.length - lines.length, 'line is improperly formatted', 'lines are improperly formatted') +
      warning(count('lost'), 'listed file could not be read', 'listed files could not be read') +
      warning(count('wrong'), 'computed checksum did NOT match', 'computed checksums did NOT match'),
  };
};

/** `-c LIST`, or paths. */
export const sha256sum: Program = async (world, _process, argv) => {
  if (argv[0] === '-c') return checked(world, argv[1] ?? '');
  const sums = argv.map((path) => ({ path, sum: sumOf(world, path) }));
  return {
    rc: sums.every((s) => s.sum !== undefined) ? 0 : 1,
    out: sums.map(({ path, sum }) => (sum === undefined ? '' : `${sum}  ${path}\n`)).join(''),
    err: sums.map(({ path, sum }) => (sum === undefined ? unread(world, path).err : '')).join(''),
  };
};
