/** Names that stand for many: `web-[1-20]`, with `{}` and `{n}` in the values of its body. */
import { badName } from '../core/name.ts';
import { definedTwice, placeOf, type Entry, type Named } from './gather.ts';
import type { Problems } from './problem.ts';
import { table } from '../core/table.ts';

/** One server or VM: what its own key says, what its pattern says of it, or both. The nearest first; never empty. */
export interface Member<T> {
  readonly name: string;
  readonly entries: readonly [Entry<T>, ...Entry<T>[]];
}

const mostMembers = 100_000;

interface Range {
  readonly before: string;
  readonly from: number;
  readonly to: number;
  /** Digits to pad to: `[01-20]` counts 01, 02… */
  readonly width: number;
  readonly after: string;
}

const rangeOf = (name: string): Range | { readonly why: string } => {
  const m = /^([^[\]]*)\[(\d{1,9})-(\d{1,9})\]([^[\]]*)$/.exec(name);
  if (!m) return { why: 'a pattern has one range, like web-[1-20]' };
  const [, before = '', low = '', high = '', after = ''] = m;
  const [from, to] = [Number(low), Number(high)];
  if (from > to) return { why: `the range runs backwards: write [${high}-${low}]` };
  if (to - from >= mostMembers) return { why: `a pattern stands for at most ${mostMembers} names` };
  return { before, from, to, width: low.startsWith('0') ? low.length : 0, after };
};

const hasBraces = (v: unknown): boolean => {
  if (typeof v === 'string') return v.includes('{}') || v.includes('{n}');
  return typeof v === 'object' && v !== null && Object.values(v).some(hasBraces);
};

const fill = (v: unknown, name: string, n: number): unknown => {
  if (typeof v === 'string') return v.replaceAll('{}', name).replaceAll('{n}', String(n));
  if (Array.isArray(v)) return v.map((x) => fill(x, name, n));
  if (typeof v !== 'object' || v === null) return v;
  return table(Object.entries(v).map(([k, x]) => [k, fill(x, name, n)]));
};

/** The members by name. `what` is `server` or `VM`; bad names are told and left out. */
export const expand = <T>(entries: Named<T>, what: string, problems: Problems): readonly Member<T>[] => {
  const members = new Map<string, Member<T>>();
  const wellNamed = (name: string, entry: Entry<T>): boolean => {
    const why = badName(name, what);
    if (why === null) return true;
    const shown = name.length > 40 ? `${name.slice(0, 40)}…` : name;
    problems.add({
      code: 'bad-name',
      message: `${JSON.stringify(shown)} may not name a ${what}: ${why}`,
      at: placeOf(entry, 'key'),
    });
    return false;
  };
  const patterns: Entry<T>[] = [];
  for (const entry of entries.values()) {
    if (/[[\]]/.test(entry.name)) patterns.push(entry);
    else if (wellNamed(entry.name, entry)) members.set(entry.name, { name: entry.name, entries: [entry] });
  }
  const byPattern = new Map<string, Entry<T>>();
  for (const pattern of patterns) {
    const range = rangeOf(pattern.name);
    if ('why' in range) {
      problems.add({
        code: 'bad-pattern',
        message: `${JSON.stringify(pattern.name)} is no pattern of names`,
        at: placeOf(pattern, 'key'),
        hint: range.why,
      });
      continue;
    }
    const braces = hasBraces(pattern.body);
    for (let n = range.from; n <= range.to; n++) {
      const name = `${range.before}${String(n).padStart(range.width, '0')}${range.after}`;
      if (!wellNamed(name, pattern)) break;
      const other = byPattern.get(name);
      if (other) {
        problems.add(definedTwice(`${what} ${name}`, placeOf(other, 'key'), placeOf(pattern, 'key')));
        break;
      }
      byPattern.set(name, pattern);
      const member: Entry<T> = braces ? { ...pattern, body: fill(pattern.body, name, n) as T } : pattern;
      const own = members.get(name);
      members.set(name, { name, entries: own ? [...own.entries, member] : [member] });
    }
  }
  return [...members.values()];
};
