/** The section `paths` → the lines about each store and about the plain paths, their pieces put together. Pure. */
import { latin1, printed } from './bytes.ts';

const decoded = (line: string): string =>
  /[\x80-\xff]/.test(line) ? printed(Uint8Array.from(line, (c) => c.charCodeAt(0))) : line;

/** By number: 0 is of no store. What lacks its last piece is left out. */
export const toldIn = (bytes: Uint8Array): ReadonlyMap<number, readonly string[]> => {
  const lines = new Map<number, string[]>();
  const begun = new Map<number, string[]>();
  for (const line of latin1(bytes).split('\n')) {
    const [, digits, more, piece] = /^(\d{1,6})([ +])(.*)$/s.exec(line) ?? [];
    if (digits === undefined || piece === undefined) continue;
    const number = Number(digits);
    const pieces = begun.get(number);
    if (pieces) pieces.push(piece);
    else begun.set(number, [piece]);
    if (more === '+') continue;
    // A piece may end within a letter.
    const whole = decoded(begun.get(number)?.join('') ?? '');
    begun.delete(number);
    const all = lines.get(number);
    if (all) all.push(whole);
    else lines.set(number, [whole]);
  }
  return lines;
};

/** `WORD NAME/CONTENT` → both: a name has no slash. Null where the line begins with another word. */
export const namedLine = (line: string, word: string): { readonly name: string; readonly content: string } | null => {
  const slash = line.indexOf('/');
  return line.startsWith(`${word} `) && slash >= 0
    ? { name: line.slice(word.length + 1, slash), content: line.slice(slash + 1) }
    : null;
};

/** Such a name would break a line of whoever prints it. */
export const isOddName = (name: string): boolean => /[\x00-\x1f\x7f]/.test(name);
