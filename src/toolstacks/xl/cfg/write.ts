/** Settings → xl.cfg text that libxlu reads back as the very same settings. */
import type { CfgSetting, CfgValue } from '../../../kinds/vm/spec.ts';
import { table } from '../../../core/table.ts';

export type Written = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

const escapes: Readonly<Record<string, string>> = table({
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
});

const quote = (text: string): string => `"${text.replace(/["\\\x07\b\f\n\r\t\v]/g, (c) => escapes[c] ?? c)}"`;

const write = (value: CfgValue): string => {
  if (typeof value !== 'string') return value.length === 0 ? '[ ]' : `[ ${value.map(write).join(', ')} ]`;
  return /^[0-9]+$/.test(value) ? value : quote(value);
};

/** Why the grammar cannot hold the value, or null. */
const unwritable = (value: CfgValue): string | null => {
  if (typeof value !== 'string') {
    for (const item of value) {
      const why = unwritable(item);
      if (why !== null) return why;
    }
    return null;
  }
  if (value.includes('\0')) return 'a NUL byte cannot stand in an xl.cfg';
  return /[\ud800-\udfff]/u.test(value) ? 'half a surrogate pair cannot be written as UTF-8' : null;
};

/** One setting a line, in the order given; refuses what the grammar cannot hold. */
export const writeCfg = (settings: readonly CfgSetting[]): Written => {
  const lines: string[] = [];
  const seen = new Set<string>();
  for (const { key, value } of settings) {
    if (!/^[a-z][._0-9a-z]*$/.test(key)) return { ok: false, why: `${JSON.stringify(key)} is no key of an xl.cfg` };
    if (seen.has(key)) return { ok: false, why: `${key} is set twice` };
    seen.add(key);
    const why = unwritable(value);
    if (why !== null) return { ok: false, why: `${key}: ${why}` };
    lines.push(`${key} = ${write(value)}\n`);
  }
  return { ok: true, text: lines.join('') };
};
