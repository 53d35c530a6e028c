/** `reeve schema`: the JSON Schema of the file or of the plan document, for editors and other programs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exit, ExitError, type ExitCode } from './exit.ts';
import type { Shell } from './shell.ts';

export const readSchema = (shell: Shell, name: 'farm' | 'plan'): Promise<string> =>
  readFile(join(shell.folder, 'schemas', `${name}.schema.json`), 'utf8');

export const schema = async (shell: Shell, name: string): Promise<ExitCode> => {
  if (name !== 'farm' && name !== 'plan') {
    throw new ExitError(exit.error, `there is no schema ${name}`, 'it is farm or plan');
  }
  shell.out.write(await readSchema(shell, name));
  return exit.done;
};
