/** Text from outside, made safe to show: what could steer a terminal, or reorder its line, is spelled out. */

/** Control and format characters (bidirectional ones among them), separators that break lines, halves of pairs. */
const steering = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** As JSON spells them, so that JSON stays the same value. */
const spelled = (c: string): string =>
  Array.from({ length: c.length }, (_, i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`).join('');

/** All but line ends and tabs. The same text twice gives the same. */
export const visible = (text: string): string =>
  text.replaceAll(steering, (c) => (c === '\n' || c === '\t' ? c : spelled(c)));

/** On one line, so that no value can pose as a line of its own. */
export const oneLine = (text: string): string => visible(text.replaceAll(/[\t\n]/g, ' '));
