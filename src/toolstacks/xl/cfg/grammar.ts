/** xl.cfg text → its settings, accepting and rejecting exactly what libxlu (Xen 4.17) does save for absurd nesting, with the place of the first error. */
import { cut } from '../../../core/json.ts';
import type { CfgValue } from '../../../kinds/vm/spec.ts';
import { table } from '../../../core/table.ts';

/** One assignment, in the file's order. For `+=`, the value is what it has become, old part included. */
export interface CfgEntry {
  readonly key: string;
  readonly op: '=' | '+=';
  readonly value: CfgValue;
  /** Where the value begins, counted from 1. */
  readonly line: number;
}

/** The first thing that is wrong; line and column are counted from 1. */
export interface CfgError {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export type CfgParsed =
  | { readonly ok: true; readonly entries: readonly CfgEntry[] }
  | { readonly ok: false; readonly error: CfgError };

interface Token {
  readonly is: 'ident' | 'number' | 'string' | 'newline' | 'end' | '+=' | '=' | '[' | ']' | ',' | ';';
  readonly text: string;
  readonly at: number;
  readonly line: number;
}

/** Thrown inside this file only: the first error ends the parse. */
class Wrong {
  readonly at: number;
  readonly message: string;
  constructor(at: number, message: string) {
    this.at = at;
    this.message = cut(message);
  }
}

/** In the order in which they are tried; no two match at one place, but for the operators. */
const shapes: readonly (readonly [Token['is'], RegExp])[] = [
  ['ident', /[a-z][._0-9a-z]*/y],
  ['number', /[0-9][0-9a-fx]*/y],
  ['newline', /\n|#[^\n]*\n/y],
  ['string', /'(?:[^'\\\n]|\\[^\n])*'|"(?:[^"\\\n]|\\[^\n])*"/y],
  ['+=', /\+=/y],
  ['=', /=/y],
  ['[', /\[/y],
  [']', /\]/y],
  [',', /,/y],
  [';', /;/y],
];

const plainEscapes: Readonly<Record<string, string>> = table({
  '"': '"',
  "'": "'",
  '\\': '\\',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
});

/** A quoted string's value. `\x…` never parses; an octal escape parses where two digits follow, and yields nothing. */
const unquote = (quoted: string, at: number): string => {
  let out = '';
  for (let i = 1; i < quoted.length - 1; i++) {
    const c = quoted[i] ?? '';
    if (c === '\0') throw new Wrong(at + i, 'a NUL byte may not stand in a string');
    if (c !== '\\') {
      out += c;
      continue;
    }
    i += 1;
    const next = quoted[i] ?? '';
    const plain = plainEscapes[next];
    if (plain !== undefined) out += plain;
    else if (next >= '0' && next <= '7') {
      const digits = /^[ \t\v\f\r]*[+-]?\d+/.exec(quoted.slice(i + 1, i + 4))?.[0] ?? '';
      if (digits.length < 2) throw new Wrong(at + i, 'an octal escape needs three digits');
      i += digits.length;
    } else
      throw new Wrong(at + i, `\\${next} is no escape that xl knows (\\" \\' \\\\ \\a \\b \\f \\n \\r \\t \\v are)`);
  }
  return out;
};

const whyNoToken = (text: string, at: number): string => {
  const c = text[at] ?? '';
  const rest = text.slice(at, at + 40).split('\n')[0] ?? '';
  if (c === '#') return 'a comment on the last line needs a newline at its end';
  if (c === '\r') return 'a carriage return: xl takes Unix line ends only';
  if (c === '\uFEFF') return 'a byte order mark: xl takes none';
  if (c === '"' || c === "'") return `the string that begins here has no closing ${c} on its line`;
  if (/[A-Z]/.test(c)) return `${/^\w+/.exec(rest)?.[0] ?? c} is neither a number nor quoted (xl.cfg is not Python)`;
  return `${JSON.stringify(c)} may not stand here`;
};

/** Blanks are skipped; an unknown character ends the parse, but not before what stands in front of it was looked at. */
function* tokenise(text: string): Generator<Token, Token> {
  let line = 1;
  let at = 0;
  next: while (at < text.length) {
    if (text[at] === ' ' || text[at] === '\t') {
      at += 1;
      continue;
    }
    for (const [is, shape] of shapes) {
      shape.lastIndex = at;
      const found = shape.exec(text)?.[0];
      if (found === undefined) continue;
      yield { is, text: found, at, line };
      if (is === 'newline') line += 1;
      at += found.length;
      continue next;
    }
    // One wrong character at the very end of the file: libxlu's scanner meets the end before it can complain.
    if (at === text.length - 1 && text.charCodeAt(at) < 0x80) break;
    throw new Wrong(at, whyNoToken(text, at));
  }
  return { is: 'end', text: '', at: text.length, line };
}

const saysOf = (t: Token): string => {
  if (t.is === 'newline') return 'the end of the line';
  return t.is === 'end' ? 'the end of the file' : t.text;
};

/** Nothing in Xen nests more than three. */
const deepest = 32;

const parse = (text: string): readonly CfgEntry[] => {
  const entries: CfgEntry[] = [];
  const latest = new Map<string, CfgValue>();
  const tokens = tokenise(text);
  let current = tokens.next().value;
  const peek = (): Token => current;
  const advance = (): void => {
    current = tokens.next().value;
  };
  const fail = (wanted: string): never => {
    throw new Wrong(peek().at, `expected ${wanted}, found ${saysOf(peek())}`);
  };
  const newlines = (): void => {
    while (peek().is === 'newline') advance();
  };

  const value = (depth: number): CfgValue => {
    const t = peek();
    if (t.is === 'string' || t.is === 'number') {
      advance();
      return t.is === 'string' ? unquote(t.text, t.at) : t.text;
    }
    if (t.is !== '[') return fail('a string, a number or a list');
    if (depth === deepest) throw new Wrong(t.at, `lists nest more than ${deepest} deep`);
    advance();
    newlines();
    const items: CfgValue[] = [];
    while (peek().is !== ']') {
      items.push(value(depth + 1));
      newlines();
      if (peek().is === ']') break;
      if (peek().is !== ',') fail('"," or "]" in the list');
      advance();
      newlines();
    }
    advance();
    return items;
  };

  const joined = (key: string, added: CfgValue, at: number): CfgValue => {
    const before = latest.get(key);
    if (before === undefined) return added;
    if (typeof before === 'string' && typeof added === 'string') return before + added;
    if (typeof before !== 'string' && typeof added !== 'string') return [...before, ...added];
    throw new Wrong(at, `${key} += mixes a list and a string`);
  };

  while (peek().is !== 'end') {
    const key = peek();
    if (key.is === 'newline' || key.is === ';') {
      advance();
      continue;
    }
    if (key.is !== 'ident') fail('a setting like `name = "web-1"`');
    advance();
    const op = peek().is;
    if (op !== '=' && op !== '+=')
      throw new Wrong(peek().at, `expected = or += after ${key.text}, found ${saysOf(peek())}`);
    advance();
    const { line, at } = peek();
    const given = value(0);
    const whole = op === '+=' ? joined(key.text, given, at) : given;
    latest.set(key.text, whole);
    entries.push({ key: key.text, op, value: whole, line });
    const end = peek().is;
    if (end === 'newline' || end === ';') advance();
    else if (end !== 'end') fail('the end of the line or ";"');
  }
  return entries;
};

/** Pure; never throws. */
export const parseCfg = (text: string): CfgParsed => {
  try {
    return { ok: true, entries: parse(text) };
  } catch (e) {
    if (!(e instanceof Wrong)) throw e;
    const before = text.slice(0, e.at).split('\n');
    return {
      ok: false,
      error: { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, message: e.message },
    };
  }
};

/** The settings that count: of two with one key, the last; in the order of their (last) appearance. */
export const effective = (entries: readonly CfgEntry[]): ReadonlyMap<string, CfgValue> => {
  const out = new Map<string, CfgValue>();
  for (const { key, value } of entries) {
    out.delete(key);
    out.set(key, value);
  }
  return out;
};
