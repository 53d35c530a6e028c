/** `ConfigIo` on a map of paths to texts or bytes. */
import type { ConfigIo } from '../../../src/config/io.ts';

export const memoryIo = (files: Readonly<Record<string, string | Uint8Array>>): ConfigIo => ({
  look(path) {
    const content = files[path];
    if (content !== undefined) return Promise.resolve({ is: 'file', size: bytesOf(content).length });
    const names = Object.keys(files)
      .filter((f) => f.startsWith(`${path}/`) || path === '.')
      .map((f) => (path === '.' ? f : f.slice(path.length + 1)).split('/', 1)[0] ?? '');
    return Promise.resolve(names.length > 0 ? { is: 'folder', names: [...new Set(names)] } : { is: 'missing' });
  },
  read(path) {
    const content = files[path];
    return Promise.resolve(content === undefined ? { failed: 'it is gone' } : bytesOf(content));
  },
});

const bytesOf = (content: string | Uint8Array): Uint8Array =>
  typeof content === 'string' ? new TextEncoder().encode(content) : content;
