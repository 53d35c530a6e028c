/** Files that a command makes for the person: none that is there is written over, unless that was asked for. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exit, ExitError } from './exit.ts';

/** Throws an `ExitError` where it is there, or cannot be written. */
export const writeNew = async (path: string, text: string, force: boolean): Promise<void> => {
  try {
    await writeFile(path, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string };
    if (code === 'EEXIST')
      throw new ExitError(exit.error, `${path} is there already`, 'name another file, or add --force');
    throw new ExitError(exit.error, `${path} cannot be written: ${message}`);
  }
};

/** A path that ends in a slash, or is a folder, is one. */
export const isFolder = async (path: string): Promise<boolean> =>
  path.endsWith('/') || (await stat(path).then((s) => s.isDirectory(), () => false)); // prettier-ignore

/** Files of a folder, which is made where it is not there: all of them, or none. Throws as `writeNew`. */
export const writeFolder = async (
  folder: string,
  files: Readonly<Record<string, string>>,
  force: boolean,
): Promise<void> => {
  const paths = Object.keys(files).map((name) => join(folder, name));
  for (const path of paths) {
    const there = await stat(path).then(() => true, () => false); // prettier-ignore
    if (there && !force)
      throw new ExitError(exit.error, `${path} is there already`, 'name another folder, or add --force');
  }
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new ExitError(exit.error, `${folder} cannot be made: ${(error as Error).message}`);
  }
  for (const [name, text] of Object.entries(files)) await writeNew(join(folder, name), text, force);
};
