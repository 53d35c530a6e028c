/** What a dom0 fetches: `wget` (GNU wget 1.21), a web of files by URL, and `sha256sum`. */
import { bytesToHex } from '@noble/hashes/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { failed, said, type Program, type Result } from './process.ts';
import type { World } from './world.ts';

/** Bytes. */
const perSecond = 1024 ** 2;

const stamp = '2026-01-01 00:00:00';
const reasons: Readonly<Record<number, string>> = { 403: 'Forbidden', 404: 'Not Found', 500: 'Internal Server Error' };

const bytesAt = ({ files }: World, path: string): Uint8Array | undefined => {
  const node = files.resolve(path);
  return node?.is === 'file' ? node.bytes : undefined;
};

/** `wget -nv -c -T N -t N -O PATH URL`; of several tries it makes one. */
export const wget: Program = async (world, process, argv) => {
  const path = argv[argv.indexOf('-O') + 1] ?? '';
  const url = argv.at(-1) ?? '';
  const found = world.web.get(url);
  await process.sleep(300);
  // The real one opens what it is to write before it asks.
  if (!world.files.exists(path)) world.files.write(path, '');
  if (found === undefined) {
    const host = /^https?:\/\/([^/:]*)/.exec(url)?.[1] ?? url;
    return failed(4, `wget: unable to resolve host address '${host}'\n`);
  }
  if (found.dead) {
    await process.sleep(300_000);
    return failed(4, `failed: Connection timed out.\nGiving up.\n`);
  }
  const status = found.status ?? 200;
  if (status !== 200) return failed(8, `${url}:\n${stamp} ERROR ${status}: ${reasons[status] ?? 'Unknown'}.\n`);
  const old = bytesAt(world, path) ?? new Uint8Array();
  // A file that is whole, or longer, is taken as it is.
  if (old.length >= found.bytes.length) return said('');
  const end = Math.min(found.bytes.length, old.length + (found.cutAfter ?? Number.MAX_SAFE_INTEGER));
  for (let at = old.length; at < end; at += perSecond) {
    await process.sleep(1000);
    const why = world.files.write(path, found.bytes.slice(0, Math.min(end, at + perSecond)));
    if (why !== null) return failed(3, `${path}: ${why}\n\nCannot write to '${path}' (${why}).\n`);
  }
  const sizes = `${end - old.length}/${found.bytes.length - old.length}`;
  if (end < found.bytes.length)
    return failed(4, `${stamp} (1.00 MB/s) - Connection closed at byte ${end}. Giving up.\n`);
  return said('', `${stamp} URL:${url} [${sizes}] -> "${path}" [1]\n`);
};

const sumOf = (world: World, path: string): string | undefined => {
  const bytes = bytesAt(world, path);
  return bytes && bytesToHex(sha256(bytes));
};

const checked = (world: World, list: string): Result => {
  const lines = (world.files.text(list) ?? '').split('\n').filter((l) => l !== '');
  if (lines.length === 0) return failed(1, `sha256sum: ${list}: no properly formatted checksum lines found\n`);
  const wrong = lines.filter((l) => sumOf(world, l.slice(66)) !== l.slice(0, 64));
  const out = lines.map((l) => `${l.slice(66)}: ${wrong.includes(l) ? 'FAILED' : 'OK'}\n`).join('');
  const warning = `sha256sum: WARNING: ${wrong.length} computed checksum did NOT match\n`;
  return { rc: wrong.length === 0 ? 0 : 1, out, err: wrong.length === 0 ? '' : warning };
};

/** `-c LIST`, or paths. */
export const sha256sum: Program = async (world, _process, argv) => {
  if (argv[0] === '-c') return checked(world, argv[1] ?? '');
  const lost = argv.find((path) => sumOf(world, path) === undefined);
  if (lost !== undefined) return failed(1, `sha256sum: ${lost}: No such file or directory\n`);
  return said(argv.map((path) => `${sumOf(world, path)}  ${path}\n`).join(''));
};
