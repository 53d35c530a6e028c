/** How a shell text and its arguments become one command line: every value in single quotes, nothing interpolated. */

/** POSIX single quotes. A shell cannot carry a NUL: such a value is a bug of the caller, so it throws. */
export const quote = (value: string): string => {
  if (value.includes('\0')) throw new RangeError('a NUL cannot stand in a command line');
  return `'${value.replaceAll("'", String.raw`'\''`)}'`;
};

export type What = 'observe' | 'hold' | 'op' | 'wait' | 'write' | 'console';

/** `exec [sudo -n ]sh -c 'TEXT' reeve-WHAT 'arg'…` */
export const commandLine = (what: What, text: string, args: readonly string[], sudo: boolean): string =>
  `exec ${sudo ? 'sudo -n ' : ''}sh -c ${[quote(text), `reeve-${what}`, ...args.map(quote)].join(' ')}`;
