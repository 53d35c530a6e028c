/** How xl reads one value of a cfg: as text, as a number, as a list of texts. */
import { cut } from '../../../core/json.ts';
import type { CfgValue } from '../../../kinds/vm/spec.ts';

export type CfgSettings = ReadonlyMap<string, CfgValue>;

/** Why a cfg cannot be read or written; thrown and caught inside this toolstack only. */
export class Odd {
  readonly why: string;
  constructor(why: string) {
    this.why = cut(why);
  }
}

export const textOf = (s: CfgSettings, key: string): string | null => {
  const v = s.get(key);
  if (v === undefined) return null;
  if (typeof v !== 'string') throw new Odd(`${key} is a list and should be one value`);
  return v;
};

/** As C's strtol with base 0: decimal, 0x… or 0… (octal); null where it is none, or negative. */
const asNumber = (text: string): number | null => {
  const digits = text.replace(/^[ \t]*\+?/, '');
  if (/^0[0-7]+$/.test(digits)) return parseInt(digits, 8);
  return /^(?:0|[1-9]\d*|0x[0-9a-f]+)$/i.test(digits) ? Number(digits) : null;
};

export const numberOf = (s: CfgSettings, key: string): number | null => {
  const v = textOf(s, key);
  if (v === null) return null;
  const n = asNumber(v);
  if (n === null) throw new Odd(`${key} = ${v}: not a number`);
  return n;
};

/** Undefined where it is not there, and where xl warns and goes on without it. */
export const looseNumber = (s: CfgSettings, key: string): number | undefined => {
  const v = s.get(key);
  return typeof v === 'string' ? (asNumber(v) ?? undefined) : undefined;
};

export const textsOf = (s: CfgSettings, key: string): readonly string[] => {
  const v = s.get(key);
  if (v === undefined) return [];
  if (typeof v === 'string') throw new Odd(`${key} is one value and should be a list: xl ignores it`);
  return v.map((x) => {
    if (typeof x !== 'string') throw new Odd(`${key} has a list in its list`);
    return x;
  });
};
