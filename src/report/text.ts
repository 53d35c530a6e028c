/** Small pieces of text that every report is built from: plurals, times in words, wrapping, colours. */
import { andMore } from '../core/listing.ts';
import { formatDuration } from '../core/quantity.ts';
import { oneLine, visible } from '../core/visible.ts';

const styles = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

export type Colors = Readonly<Record<keyof typeof styles, (text: string) => string>>;

/** Made anew in each process: no text from outside can hold a style. */
const word = crypto.randomUUID();
const mark = (code: number): string => `<${word}:${code}>`;
const marks = new RegExp(`<${word}:(\\d+)>`, 'g');

const styler =
  (on: boolean, [begin, end]: readonly [number, number]) =>
  (text: string): string =>
    on ? `${mark(begin)}${text}${mark(end)}` : text;

/** Styles are marks in the text until it leaves. */
export const colors = (on: boolean): Colors => ({
  bold: styler(on, styles.bold),
  dim: styler(on, styles.dim),
  red: styler(on, styles.red),
  green: styler(on, styles.green),
  yellow: styler(on, styles.yellow),
  cyan: styler(on, styles.cyan),
});

/** What may be written to a terminal, a pipe or a file: no control characters but our own styles, line ends and tabs. */
export const onScreen = (text: string): string => visible(text).replaceAll(marks, '\u001B[$1m');

/** `1 server`, `3 servers`. */
export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

const mostNamed = 8;

/** `a, b, c`, and how many more where they are many. */
export const names = (all: readonly string[]): string =>
  andMore(all, all.length === mostNamed + 1 ? mostNamed + 1 : mostNamed);

/** 25000 → `25 s`, 92000 → `1 min 32 s`; never less than a second. */
export const time = (ms: number): string => formatDuration(Math.max(1, ms));

/** What something took: tenths where they say something. */
export const took = (ms: number): string =>
  ms < 9950 ? `${(ms / 1000).toFixed(1)} s` : time(Math.round(ms / 1000) * 1000);

const glue = '\u00A0';

/** What is to be pasted: an option with its value, and what stands between backticks where that is short. */
const whole = /--[a-z-]+ (?:'[^']*'|\S+)|`[^`]{1,60}`/g;

/** Breaks at spaces so that no line is longer than `width`, save where one word is, or what is to be pasted. */
export const wrap = (text: string, width: number): readonly string[] => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.replaceAll(whole, (m) => m.replaceAll(' ', glue)).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((l) => l.replaceAll(glue, ' '));
};

/** Wrapped, every line behind `indent`, the first behind `first`. */
export const hang = (first: string, text: string, indent: string, width: number): readonly string[] =>
  wrap(text, Math.max(20, width - indent.length)).map((line, i) => (i === 0 ? first : indent) + line);

/** What came from outside, fit to be printed on one line. */
export const clean = oneLine;
