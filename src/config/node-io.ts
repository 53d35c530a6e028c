/** `ConfigIo` on the real file system. */
import { readdir, readFile, stat } from 'node:fs/promises';
import type { ConfigIo, Found } from './io.ts';
import { table } from '../core/table.ts';

const words: Readonly<Record<string, string>> = table({
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ELOOP: 'too many symbolic links',
  EISDIR: 'it is a folder',
  EIO: 'input/output error',
});

const codeOf = (e: unknown): string => (e as { code?: string }).code ?? '';
const whyNot = (e: unknown): string => words[codeOf(e)] ?? (e instanceof Error ? e.message : String(e));

export const nodeIo: ConfigIo = {
  async look(path): Promise<Found> {
    try {
      const s = await stat(path);
      if (s.isDirectory()) return { is: 'folder', names: await readdir(path) };
      if (s.isFile()) return { is: 'file', size: s.size };
      return { is: 'failed', why: 'it is neither a file nor a folder' };
    } catch (e) {
      return ['ENOENT', 'ENOTDIR'].includes(codeOf(e)) ? { is: 'missing' } : { is: 'failed', why: whyNot(e) };
    }
  },
  async read(path) {
    try {
      return await readFile(path);
    } catch (e) {
      return { failed: whyNot(e) };
    }
  },
};
