/** What the text that appends to a dom0's journal does, on the simulated one. */
import { appendText } from '../kinds/server/journal.ts';
import { Buffer } from 'node:buffer';
import { failed, fine, type Program } from './process.ts';

const append: Program = async ({ files }, _process, [folder = '', most = '', from = '']) => {
  const file = `${folder}/journal.jsonl`;
  const older = `${file}.1`;
  if (files.resolve(folder)?.is !== 'dir') {
    const why = files.get(folder) === undefined ? files.mkdir(folder) : 'File exists';
    if (why !== null) return failed(1, `mkdir: cannot create directory '${folder}': ${why}\n`);
  }
  if (files.get(folder)?.is !== 'dir') return failed(1, `${folder} is not a folder of this user's own\n`);
  for (const path of [file, older]) {
    const node = files.get(path);
    if (node !== undefined && node.is !== 'file') return failed(1, `${path} is not a regular file\n`);
  }
  const lines = files.text(from);
  if (lines === undefined) return failed(1, `cat: ${from}: No such file or directory\n`);
  const written = (path: string, text: string): string | null => files.write(path, text, 0o600);
  let before = files.text(file) ?? '';
  if (before !== '' && Buffer.byteLength(before + lines) > Number(most)) {
    const why = written(older, before) ?? files.remove(file);
    if (why !== null) return failed(1, `mv: cannot move '${file}' to '${older}': ${why}\n`);
    before = '';
  }
  const whole = before === '' || before.endsWith('\n') ? before : `${before}\n`;
  const why = written(file, whole + lines);
  if (why !== null) return failed(1, `cat: write error: ${why}\n`);
  files.remove(from);
  return fine;
};

export const journalPrograms: ReadonlyMap<string, Program> = new Map([[appendText, append]]);
