/** Files of the person who runs Reeve: regular ones only, and of bounded size, so that none of them hangs a run. */
import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';

/** `odd`: it is there and is not read; `why` without a subject. */
export type UserFile =
  | { readonly is: 'file'; readonly bytes: Buffer }
  | { readonly is: 'missing' }
  | { readonly is: 'odd'; readonly why: string };

const MiB = 1024 * 1024;
/** Bytes: of an ssh_config or a key. */
export const largestSetting = MiB;
/** Of a known_hosts file. */
export const largestKnownHosts = 16 * MiB;

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? '';

/** What people name to have no file at all. */
const nothing = '/dev/null';

/** Never rejects, and never waits for another process. */
export const readUserFile = async (path: string, most: number): Promise<UserFile> => {
  if (path === nothing) return { is: 'file', bytes: Buffer.alloc(0) };
  try {
    // Opening a device may do something; a FIFO is opened without waiting for who writes to it.
    const before = await stat(path);
    if (!before.isFile()) return { is: 'odd', why: before.isDirectory() ? 'is a folder' : 'is no regular file' };
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) return { is: 'odd', why: 'is no regular file' };
      const parts: Buffer[] = [];
      let size = 0;
      for (;;) {
        const part = Buffer.alloc(64 * 1024);
        const { bytesRead } = await file.read(part, 0, part.length, size);
        if (bytesRead === 0) return { is: 'file', bytes: Buffer.concat(parts) };
        size += bytesRead;
        if (size > most) return { is: 'odd', why: `is larger than ${most / MiB} MiB` };
        parts.push(part.subarray(0, bytesRead));
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = codeOf(error);
    return code === 'ENOENT' || code === 'ENOTDIR' ? { is: 'missing' } : { is: 'odd', why: `cannot be read (${code})` };
  }
};
