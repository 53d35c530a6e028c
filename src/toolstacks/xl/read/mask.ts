/**
 * A raw answer without its passwords: each of their bytes becomes an asterisk, so that all lengths and frames stay true. What
 * stands before a password is found by a pattern that looks ahead only, and its end by a walk: linear, whatever is in there.
 */
import { digestBytes } from '../../../core/digest.ts';
import {
  cover,
  isCover,
  rangesOf,
  replaced,
  until,
  withinText,
  type End,
  type Range,
  type Shape,
} from '../../../core/password.ts';
import { latin1 } from './bytes.ts';

const lineEnd = (text: string, from: number): number => {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
};

/** Up to the same quote; what a backslash stands before is taken as it is. Without one: up to the end of the line, or null. */
const quoted =
  (quote: string, open: boolean): End =>
  (text, from) => {
    let at = from;
    for (; at < text.length && text[at] !== '\n'; at += 1) {
      if (text[at] === quote) return at;
      if (text[at] === '\\' && text[at + 1] !== '\n') at += 1;
    }
    return open ? Math.min(at, text.length) : null;
  };

/** Up to the quote at the end of the line: quotes within are not told from it. */
const toLastQuote: End = (text, from) => {
  let end = lineEnd(text, from);
  while (end > from && text[end - 1] === ' ') end -= 1;
  return end > from && text[end - 1] === '"' ? end - 1 : null;
};

/** The closing quote was forgotten. */
const unclosed =
  (quote: string): End =>
  (text, from) => {
    const end = lineEnd(text, from);
    const close = text.slice(from, end).indexOf(quote);
    return close < 0 ? end : null;
  };

const key = String.raw`(?:vnc|spice)passwd[ \t]*\+?=[ \t]*`;

/**
 * A password in what may stand around it: xenstore; an xl.cfg's own line, in quotes or with the closing one forgotten; one
 * of its strings (`vfb`) and xl's command line; libxl's JSON; QEMU's command line, and fstab's options.
 */
const shapes: readonly Shape[] = [
  { before: /^\/\S*passwd = "/gm, end: () => toLastQuote },
  { before: new RegExp(String.raw`(?:^|[\s;#])${key}(["'])`, 'gm'), end: (quote) => quoted(quote, false) },
  { before: new RegExp(String.raw`^[ \t#]*${key}(["'])`, 'gm'), end: unclosed },
  { before: new RegExp(String.raw`${key}\[[ \t]*(["'])`, 'g'), end: (quote) => quoted(quote, false) },
  { before: new RegExp(key, 'g'), end: () => until(/[\s,"'[\];#]/) },
  { before: /"passwd": *"/g, end: () => quoted('"', true) },
  { before: /[,\s](?:password|pass)=/g, end: () => until(/[\s,]/) },
  ...withinText,
];

const passwordsIn = (text: string): readonly Range[] => rangesOf(text, shapes);

/** With `cover` for each password, however long it is. */
export const coveredCfg = (text: string): string => replaced(text, passwordsIn(text), () => cover);

const asterisk = 42;

/** Of equal length; what is no password is not touched. */
export const masked = (bytes: Uint8Array): Uint8Array => {
  const out = Uint8Array.from(bytes);
  for (const [from, to] of passwordsIn(latin1(bytes))) out.fill(asterisk, from, to);
  return out;
};

/**
 * Tells cfgs apart that differ in more than their passwords, and a snapshot's, whose passwords nobody knows, from a live one: what
 * was planned from it is stale.
 */
export const digestCfg = (bytes: Uint8Array): string => {
  const text = latin1(bytes);
  const told = replaced(text, passwordsIn(text), (p) => (isCover(p) ? p : '-'));
  return digestBytes(Uint8Array.from(told, (c) => c.charCodeAt(0)));
};
