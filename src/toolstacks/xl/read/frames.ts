/** A raw answer → its sections. They are framed by the transport's nonce, so what stands between is taken byte by byte. */
import type { Unknown } from '../../../core/port.ts';
import { latin1 } from './bytes.ts';

export interface Section {
  readonly rc: number;
  readonly bytes: Uint8Array;
}

const cutShort = (where: string): Unknown => ({
  is: 'unknown',
  reason: 'cut-short',
  why: `the answer was cut short ${where}`,
});

/** Bytes. `ip` prints all links as one line, some 2 KB each: no dom0 has so many. */
const longestLine = 8 * 1024 * 1024;

const hasLongLine = (bytes: Uint8Array): boolean => {
  for (let at = 0; bytes.length - at > longestLine;) {
    const end = bytes.indexOf(10, at);
    if (end < 0 || end - at > longestLine) return true;
    at = end + 1;
  }
  return false;
};

/** Of two sections of one name (a second try), the last. What stands outside of frames (a banner) is skipped. */
export const parseFrames = (answer: Uint8Array, nonce: string): ReadonlyMap<string, Section> | Unknown => {
  const text = latin1(answer);
  const mark = `\n@${nonce} `;
  const sections = new Map<string, Section>();
  let at = 0;
  for (;;) {
    const open = text.indexOf(mark, at);
    const openEnd = open < 0 ? -1 : text.indexOf('\n', open + mark.length);
    if (openEnd < 0) return cutShort(sections.size === 0 ? 'before it began' : 'between two sections');
    const name = text.slice(open + mark.length, openEnd);
    if (name === 'END') return sections;
    const begin = openEnd + 1;
    const close = text.indexOf(`${mark}/${name} `, begin);
    const closeEnd = close < 0 ? -1 : text.indexOf('\n', close + 1);
    if (closeEnd < 0) return cutShort(`in the section ${name}`);
    const rc = Number(text.slice(close + mark.length + name.length + 2, closeEnd));
    if (!Number.isInteger(rc)) return cutShort(`after the section ${name}`);
    const bytes = answer.subarray(begin, close);
    // The archive is no text.
    if (name !== 'files' && hasLongLine(bytes))
      return { is: 'unknown', reason: 'unparsable', why: `a line in the section ${name} is longer than 8MiB` };
    sections.set(name, { rc, bytes });
    at = closeEnd;
  }
};
