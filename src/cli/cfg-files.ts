/** Files and folders of xl cfgs on this machine → the VMs that they describe. */
import { lstat, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Found, Missing } from '../config/write/index.ts';
import { byText } from '../core/order.ts';
import { recordOf } from '../toolstacks/xl/index.ts';
import { readUserFile } from '../transport/index.ts';
import { exit, ExitError } from './exit.ts';

/** Bytes: no cfg is larger. */
const largestCfg = 1024 * 1024;

/** Folders in it are looked into as far as this. */
const deepest = 8;

/** Of a folder of /etc/xen, what is never a VM's. */
const notCfgs = new Set(['scripts', 'boot']);

interface Listed {
  readonly path: string;
  /** Somebody named it, or its name says that it is a cfg: it has to be one. */
  readonly sure: boolean;
}

/** The files below a folder, sorted; a link that leads out of `root` is told instead of followed. */
const filesIn = async (folder: string, root: string, depth: number, astray: string[]): Promise<readonly Listed[]> => {
  const found: Listed[] = [];
  for (const name of (await readdir(folder)).sort(byText)) {
    const path = join(folder, name);
    if (name.startsWith('.') || notCfgs.has(name)) continue;
    const is = await lstat(path);
    if (is.isSymbolicLink()) {
      const end = await realpath(path).catch(() => null);
      if (end === null || !end.startsWith(`${root}/`)) astray.push(path);
      // One that leads to a file of this folder is a name for it, which is read anyway.
      continue;
    }
    if (is.isDirectory() && depth < deepest) found.push(...(await filesIn(path, root, depth + 1, astray)));
    if (is.isFile()) found.push({ path, sure: name.endsWith('.cfg') });
  }
  return found;
};

const listed = async (paths: readonly string[], astray: string[]): Promise<readonly Listed[]> => {
  const all: Listed[] = [];
  for (const path of paths) {
    try {
      const folder = (await lstat(path)).isSymbolicLink() ? await realpath(path) : path;
      if ((await lstat(folder)).isDirectory()) all.push(...(await filesIn(path, await realpath(path), 0, astray)));
      else all.push({ path, sure: true });
    } catch (error) {
      const { code = '' } = error as { code?: string };
      throw new ExitError(
        exit.error,
        `${path} cannot be read: ${code === 'ENOENT' ? 'there is no such file or folder' : code}`,
      );
    }
  }
  // Where two describe one VM, the one that is named like a cfg is meant.
  return [...all.filter((f) => f.sure), ...all.filter((f) => !f.sure)];
};

/** Throws an `ExitError` where a path is not there. What is no cfg is among `left`, where it should be one. */
export const cfgFiles = async (
  paths: readonly string[],
): Promise<{ readonly found: readonly Found[]; readonly left: readonly Missing[] }> => {
  const astray: string[] = [];
  const found: Found[] = [];
  const left: Missing[] = [];
  const seen = new Set<string>();
  const leave = (path: string, why: string): void => {
    left.push({ code: 'not-imported', name: path.slice(path.lastIndexOf('/') + 1), from: path, why });
  };
  for (const { path, sure } of await listed(paths, astray)) {
    if (seen.has(path)) continue;
    seen.add(path);
    const read = await readUserFile(path, largestCfg);
    if (read.is !== 'file') {
      if (sure) leave(path, read.is === 'missing' ? 'it is gone' : `it ${read.why}`);
      continue;
    }
    const record = recordOf(path, read.bytes, []);
    if (record.config)
      found.push({
        config: record.config,
        state: null,
        autostart: null,
        called: record.marker?.vm,
        pool: undefined,
        server: undefined,
        shared: new Set(),
        from: path,
      });
    else if (sure) leave(path, (record.problem ?? 'it is no cfg').replace(`${path}: `, ''));
  }
  for (const path of astray) leave(path, 'it is a link that leads out of the folder');
  return { found, left };
};
