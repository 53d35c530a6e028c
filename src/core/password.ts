/**
 * Passwords within another text: an option of QEMU or of a virtual screen (`vncpasswd=…`, `password=…`), and what stands before
 * the `@` of an address. Each is found by a pattern that looks ahead only, and its end by a walk: linear, whatever is in there.
 */

/** Where the password that begins at `from` ends; null: there is none. */
export type End = (text: string, from: number) => number | null;

export interface Shape {
  readonly before: RegExp;
  readonly end: (quote: string) => End;
}

export type Range = readonly [from: number, to: number];

export const until =
  (stop: RegExp): End =>
  (text, from) => {
    let at = from;
    while (at < text.length && !stop.test(text[at] ?? '')) at += 1;
    return at;
  };

/** Up to the last `@` of the address. */
const toHost: End = (text, from) => {
  const end = until(/[\s/"'\\\0]/)(text, from) ?? from;
  const at = text.slice(from, end).lastIndexOf('@');
  return at < 0 ? null : from + at;
};

/** Options stand behind a comma, a blank or a quote, or begin the text: looked for only where the word itself stands. */
export const withinText: readonly Shape[] = [
  {
    before: /(?:vnc|spice)passwd(?<=(?:^|[,"'])[ \t]{0,64}(?:vnc|spice)passwd)[ \t]{0,64}=[ \t]{0,64}/g,
    end: () => until(/[,"'\n\0]/),
  },
  { before: /pass(?:w(?:or)?d)?=(?<![^\s,;"']pass(?:w(?:or)?d)?=)/g, end: () => until(/[\s,;"'\0]/) },
  { before: /secret,(?<![^\s,;"']secret,)(?:[\w.-]{1,40}=[^\s,"']{0,100},){0,4}data=/g, end: () => until(/[\s,"'\0]/) },
  { before: /:(?:\\?\/){2}[^\s/:%@"',\\]{0,128}[:%]/g, end: () => toHost },
  { before: /:key=(?<=rbd:[^\s,"']{0,256}:key=)/g, end: () => until(/[\s,:"'\0]/) },
];

/** From where to where a password stands, in order, none within another. */
export const rangesOf = (text: string, shapes: readonly Shape[]): readonly Range[] => {
  const found: [number, number][] = [];
  for (const { before, end } of shapes) {
    before.lastIndex = 0;
    for (let m = before.exec(text); m !== null; m = before.exec(text)) {
      const from = before.lastIndex;
      const to = end(m[1] ?? '')(text, from) ?? from;
      if (to > from) found.push([from, to]);
      before.lastIndex = Math.max(from, to);
    }
  }
  const merged: [number, number][] = [];
  for (const [from, to] of found.sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
};

/** Each password within a text, as `instead` has it. */
export const replaced = (text: string, ranges: readonly Range[], instead: (password: string) => string): string => {
  let out = '';
  let at = 0;
  for (const [from, to] of ranges) {
    out += text.slice(at, from) + instead(text.slice(from, to));
    at = to;
  }
  return out + text.slice(at);
};

/** Of the options and addresses in a text; most texts hold neither. */
const inText = (text: string): readonly Range[] => (/[=:]/.test(text) ? rangesOf(text, withinText) : []);

/** Stands for a password that is not told, however long it is. */
export const cover = '***';

/** Asterisks stand where a password was, and are none. */
export const isCover = (password: string): boolean => /^\*+$/.test(password);

/** `${env:NAME}` or `${file:PATH}` where a password would stand: it is taken from there when it is written. */
const isReference = (password: string): boolean => /^\$\{(?:env|file):[^{}]+\}$/.test(password);

export const holdsPassword = (text: string): boolean =>
  inText(text).some(([from, to]) => !isCover(text.slice(from, to)) && !isReference(text.slice(from, to)));
export const holdsCover = (text: string): boolean => inText(text).some(([from, to]) => isCover(text.slice(from, to)));

/** Of equal length, so that what points into the text still does. */
export const starred = (text: string): string => replaced(text, inText(text), (p) => '*'.repeat(p.length));

/** With `cover` for each password, so that texts that differ in no more are equal. */
export const covered = (text: string): string => replaced(text, inText(text), () => cover);

/** The references that stand in the place of passwords, in order. */
export const referencesIn = (text: string): readonly string[] =>
  text.includes('${') ? inText(text).flatMap(([from, to]) => [text.slice(from, to)].filter(isReference)) : [];

/** With what `value` gives for each of them. */
export const dereferenced = (text: string, value: (reference: string) => string): string =>
  text.includes('${') ? replaced(text, inText(text), (p) => (isReference(p) ? value(p) : p)) : text;

/** With a reference in the place of each password that is covered. */
export const withReferences = (text: string, reference: () => string): string =>
  replaced(text, inText(text), (p) => (isCover(p) ? reference() : p));
