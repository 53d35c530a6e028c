/** Takes apart the one form of command line that Reeve sends: `exec [sudo -n ]sh -c 'TEXT' reeve-WHAT 'arg'…`. */

export interface CommandLine {
  readonly sudo: boolean;
  readonly text: string;
  readonly name: string;
  readonly args: readonly string[];
}

/** POSIX words out of plain characters, single quotes and backslashes; null where anything else is met. */
export const shellWords = (line: string): readonly string[] | null => {
  const out: string[] = [];
  const word = /'([^']*)'|\\([\s\S])|([A-Za-z0-9_./:=@%+,-]+)|([ \t]+)/y;
  let current: string | null = null;
  let at = 0;
  while (at < line.length) {
    word.lastIndex = at;
    const m = word.exec(line);
    if (m === null) return null;
    at = word.lastIndex;
    const part = m[1] ?? m[2] ?? m[3];
    if (part !== undefined) current = (current ?? '') + part;
    else if (current !== null) {
      out.push(current);
      current = null;
    }
  }
  if (current !== null) out.push(current);
  return out;
};

export const parseCommand = (line: string): CommandLine | null => {
  const all = shellWords(line);
  if (all?.[0] !== 'exec') return null;
  const sudo = all[1] === 'sudo' && all[2] === '-n';
  const [sh, c, text, name, ...args] = all.slice(sudo ? 3 : 1);
  return sh === 'sh' && c === '-c' && text !== undefined && name !== undefined ? { sudo, text, name, args } : null;
};
