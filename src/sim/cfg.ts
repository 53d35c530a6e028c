/** Reads an xl.cfg as the simulated xl does: text in, settings or the error that xl prints out. */
import { table } from '../core/table.ts';

export type Value = string | readonly Value[];
export type Settings = ReadonlyMap<string, Value>;

interface Token {
  readonly is: 'ident' | 'number' | 'string' | 'punct' | 'newline' | 'bad' | 'end';
  readonly text: string;
  readonly line: number;
}

const escapes: Readonly<Record<string, string>> = table({
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '"': '"',
  "'": "'",
  '\\': '\\',
});

const shapes: readonly (readonly [Token['is'], RegExp])[] = [
  ['ident', /[a-z][._0-9a-z]*/y],
  ['number', /[0-9][0-9a-fx]*/y],
  ['string', /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/y],
  ['punct', /\+=|[=,[\];]/y],
];

const unquote = (text: string): string =>
  text.slice(1, -1).replace(/\\(.)/g, (whole, c: string) => escapes[c] ?? whole);

const tokens = (text: string): readonly Token[] => {
  const out: Token[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const c = text[at];
    if (c === '\n') {
      out.push({ is: 'newline', text: '\n', line });
      line += 1;
      at += 1;
    } else if (c === ' ' || c === '\t') at += 1;
    else if (c === '#' && text.includes('\n', at)) at = text.indexOf('\n', at);
    else {
      let found: Token | undefined;
      for (const [is, shape] of shapes) {
        shape.lastIndex = at;
        const m = shape.exec(text);
        if (m === null) continue;
        found = { is, text: m[0], line };
        break;
      }
      found ??= { is: 'bad', text: c ?? '', line };
      out.push(found);
      at += found.text.length;
    }
  }
  out.push({ is: 'end', text: '', line });
  return out;
};

class Syntax extends Error {}

/** Settings by key, the last of duplicates winning; or xl's two lines of error. */
export const readCfg = (text: string, file: string): { readonly settings: Settings } | { readonly error: string } => {
  const all = tokens(text);
  const settings = new Map<string, Value>();
  let at = 0;
  const peek = (): Token => all[at] ?? { is: 'end', text: '', line: 0 };
  const fail = (expecting: string): never => {
    const t = peek();
    const what = { ident: 'IDENT', number: 'NUMBER', string: 'STRING', newline: 'NEWLINE', end: 'end of file' };
    const named = t.is === 'punct' || t.is === 'bad' ? `'${t.text}'` : what[t.is];
    const near = t.is === 'end' ? 'at end of input' : `near \`${t.text}'`;
    throw new Syntax(
      `${file}:${t.line}: config parsing error ${near}: syntax error, unexpected ${named}, expecting ${expecting}\n` +
        'Failed to parse config: Invalid argument\n',
    );
  };
  const skipLines = (): void => {
    while (peek().is === 'newline') at += 1;
  };
  const value = (): Value => {
    const t = peek();
    if (t.is === 'string' || t.is === 'number') {
      at += 1;
      return t.is === 'string' ? unquote(t.text) : t.text;
    }
    if (t.text !== '[') fail("STRING or NUMBER or '['");
    at += 1;
    const items: Value[] = [];
    skipLines();
    while (peek().text !== ']') {
      items.push(value());
      skipLines();
      if (peek().text === ',') at += 1;
      else if (peek().text !== ']') fail("',' or ']'");
      skipLines();
    }
    at += 1;
    return items;
  };
  try {
    while (peek().is !== 'end') {
      if (peek().is === 'newline' || peek().text === ';') {
        at += 1;
        continue;
      }
      const key = peek();
      if (key.is !== 'ident') fail("IDENT or NEWLINE or ';'");
      at += 1;
      const op = peek().text;
      if (op !== '=' && op !== '+=') fail("'='");
      at += 1;
      const v = value();
      if (peek().is !== 'newline' && peek().text !== ';') fail("NEWLINE or ';'");
      const before = op === '+=' ? settings.get(key.text) : undefined;
      const joined =
        before === undefined
          ? v
          : typeof before === 'string'
            ? `${before}${typeof v === 'string' ? v : ''}`
            : [...before, ...(typeof v === 'string' ? [] : v)];
      settings.set(key.text, joined);
    }
    return { settings };
  } catch (e) {
    if (e instanceof Syntax) return { error: e.message };
    throw e;
  }
};
