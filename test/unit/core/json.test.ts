import { describe, expect, it } from 'vitest';
import { brief, briefly, deepestJson, parseJson } from '../../../src/core/json.ts';
import { table } from '../../../src/core/table.ts';

describe('JSON from outside', () => {
  it('is the value that it says', () => {
    expect(parseJson('{"a":[1,{"b":null}]}')).toEqual({ ok: true, value: { a: [1, { b: null }] } });
  });
  it('has objects that inherit nothing', () => {
    const read = parseJson('{"inner":{"__proto__":{"planted":1}}}');
    const { inner } = (read.ok ? read.value : {}) as { inner: Record<string, unknown> };
    expect([inner['constructor'], inner['planted'], Object.keys(inner)]).toEqual([undefined, undefined, ['__proto__']]);
    expect('planted' in {}).toBe(false);
  });
  it('may nest so deep, and no deeper', () => {
    const nested = (n: number): string => '['.repeat(n) + ']'.repeat(n);
    expect(parseJson(nested(deepestJson)).ok).toBe(true);
    expect(parseJson(nested(deepestJson + 1))).toMatchObject({ ok: false, why: 'nests more than 64 deep' });
    expect(parseJson(nested(1_000_000)).ok).toBe(false);
  });
  it.each(['', '{', '{"a":}', '\u001b[31m', `{"a": \u009b2J${'x'.repeat(5000)}}`])(
    'that is none is told in a line: %j',
    (text) => {
      const read = parseJson(text);
      const why = read.ok ? '' : read.why;
      expect(why).toMatch(/^is not JSON: [^\p{Cc}]{1,220}$/u);
    },
  );
});

describe('a value in a message', () => {
  it.each([
    [5, '5'],
    [null, 'null'],
    [undefined, 'nothing'],
    [{ a: 1 }, 'an object'],
    [[], 'an empty list'],
    [[1], 'a list'],
    ['a"b', String.raw`"a\"b"`],
    ['\u001b[2J\u202e\u009b', String.raw`"\u001b[2J\u202e\u009b"`],
    ['x'.repeat(1000), `"${'x'.repeat(59)}…`],
  ])('%j', (value, text) => {
    expect(brief(value)).toBe(text);
  });
  it('keeps what a text says of itself in one line', () => {
    expect(briefly('no "such"\nthing\u0007')).toBe(String.raw`no "such"\nthing\u0007`);
    expect(briefly('x'.repeat(500)).length).toBe(201);
  });
});

describe('a table', () => {
  it('has the names that it was given, and no others', () => {
    const t = table([
      ['__proto__', 1],
      ['a', 2],
    ]);
    t['constructor'] = 3;
    expect(Object.entries(t)).toEqual([
      ['__proto__', 1],
      ['a', 2],
      ['constructor', 3],
    ]);
    expect([t['toString'], 'valueOf' in t]).toEqual([undefined, false]);
    expect(table({ b: 1 })).toEqual({ b: 1 });
    expect(table()).toEqual({});
    expect('a' in {}).toBe(false);
  });
});
