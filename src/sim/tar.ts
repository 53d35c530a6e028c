/** Writes a ustar archive of the simulated files, as GNU tar lays it out. */
import { Buffer } from 'node:buffer';
import type { Files } from './files.ts';

const block = 512;

const header = (name: string, type: '0' | '2' | '5', mode: number, size: number, target: string): Buffer => {
  const out = Buffer.alloc(block);
  let base = name;
  let prefix = '';
  if (Buffer.byteLength(name) > 100) {
    const cut = name.lastIndexOf('/', 154);
    prefix = name.slice(0, cut);
    base = name.slice(cut + 1);
  }
  out.write(base, 0, 100);
  out.write(`${mode.toString(8).padStart(7, '0')}\0`, 100);
  out.write('0000000\0', 108);
  out.write('0000000\0', 116);
  out.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  out.write('15255541450\0', 136);
  out.write('        ', 148);
  out.write(type, 156);
  out.write(target, 157, 100);
  out.write('ustar  \0', 257);
  out.write('root', 265);
  out.write('root', 297);
  out.write(prefix, 345, 155);
  const sum = out.reduce((a, b) => a + b, 0);
  out.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return out;
};

/** Adds what stands at `/name`, a folder with all that is in it. False where nothing is there. */
const add = (files: Files, name: string, out: Buffer[], follow: boolean): boolean => {
  const node = follow ? files.resolve(`/${name}`) : files.get(`/${name}`);
  if (node === undefined) return false;
  if (node.is === 'file') {
    out.push(header(name, '0', node.mode, node.bytes.length, ''), Buffer.from(node.bytes));
    const rest = node.bytes.length % block;
    if (rest !== 0) out.push(Buffer.alloc(block - rest));
  } else if (node.is === 'link') out.push(header(name, '2', 0o777, 0, node.target));
  else {
    out.push(header(`${name}/`, '5', node.mode, 0, ''));
    for (const child of files.list(`/${name}`)) add(files, `${name}/${child}`, out, follow);
  }
  return true;
};

/** `tar -cf - names…` from /, `follow`: with -h; exit code 2 where a name is not there. */
export const tar = (
  files: Files,
  names: readonly string[],
  follow = false,
): { readonly rc: number; readonly out: Buffer } => {
  const out: Buffer[] = [];
  const found = names.map((name) => add(files, name, out, follow));
  const size = out.reduce((n, b) => n + b.length, 0) + 2 * block;
  out.push(Buffer.alloc(2 * block + ((20 * block - (size % (20 * block))) % (20 * block))));
  return { rc: found.every(Boolean) ? 0 : 2, out: Buffer.concat(out) };
};
