/** A raw answer without its passwords: each of their bytes becomes an asterisk, so that all lengths and frames stay true. */
import { digestBytes } from '../../../core/digest.ts';
import { latin1 } from './bytes.ts';

/**
 * A password in what may stand around it: xenstore; an xl.cfg's own line, in quotes or with the closing one forgotten; one
 * of its strings (`vfb`) and xl's command line; libxl's JSON; QEMU's command line, and fstab's options.
 */
const shapes: readonly RegExp[] = [
  /(?<=^\/\S*passwd = ").*(?=" *$)/gm,
  /(?<=(?:^|[\s;#])(?:vnc|spice)passwd[ \t]*\+?=[ \t]*")(?:[^"\\\n]|\\[^\n])*(?=")/gm,
  /(?<=(?:^|[\s;#])(?:vnc|spice)passwd[ \t]*\+?=[ \t]*')(?:[^'\\\n]|\\[^\n])*(?=')/gm,
  /(?<=^[ \t#]*(?:vnc|spice)passwd[ \t]*\+?=[ \t]*(["']))(?:(?!\1)[^\n])*$/gm,
  /(?<=(?:vnc|spice)passwd[ \t]*\+?=[ \t]*)[^\s,"'[\];#]+/g,
  /(?<="passwd": *")(?:[^"\\\n]|\\[^\n])*/g,
  /(?<=[,\s](?:password|pass)=)[^\s,]+/g,
];

const covered = (bytes: Uint8Array, cover: (password: string) => string): Uint8Array => {
  let text = latin1(bytes);
  for (const shape of shapes) text = text.replace(shape, cover);
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
};

/** Of equal length; what is no password is not touched. */
export const masked = (bytes: Uint8Array): Uint8Array => covered(bytes, (password) => '*'.repeat(password.length));

/**
 * Tells cfgs apart that differ in more than their passwords, and a snapshot's, whose passwords nobody knows, from a live one: what
 * was planned from it is stale.
 */
export const digestCfg = (bytes: Uint8Array): string =>
  digestBytes(covered(bytes, (password) => (/^\*+$/.test(password) ? password : '-')));
