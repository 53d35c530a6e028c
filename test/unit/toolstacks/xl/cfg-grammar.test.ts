import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { effective, parseCfg } from '../../../../src/toolstacks/xl/cfg/grammar.ts';

const values = (text: string): unknown => {
  const parsed = parseCfg(text);
  return parsed.ok ? parsed.entries.map((e) => [e.key, e.value]) : parsed.error;
};

describe('the grammar, rule by rule', () => {
  it.each<[string, string, unknown]>([
    [
      'statements end in newline, semicolon or the end',
      'a=1;b=2\nc=3',
      [
        ['a', '1'],
        ['b', '2'],
        ['c', '3'],
      ],
    ],
    [
      'numbers stay text',
      'a=0x1f\nb=007\nc=1e',
      [
        ['a', '0x1f'],
        ['b', '007'],
        ['c', '1e'],
      ],
    ],
    ['dots in keys', 'a.b_1=1', [['a.b_1', '1']]],
    [
      'both quotes, with escapes',
      `a="it's"\nb='\\'\\"\\\\\\n\\t'`,
      [
        ['a', "it's"],
        ['b', '\'"\\\n\t'],
      ],
    ],
    ['an octal escape takes two digits more and yields nothing', 'a="x\\0119y"', [['a', 'xy']]],
    ['lists over lines, with comments and a trailing comma', 'a=[ # one\n1,\n"2",\n]', [['a', ['1', '2']]]],
    [
      'nested and empty lists',
      'a=[[1,2],[]]\nb=[ ]',
      [
        ['a', [['1', '2'], []]],
        ['b', []],
      ],
    ],
    [
      '+= joins strings and lists',
      'a="x"\na+="y"\nb=[1]\nb+=[2]\nc+=[3]',
      [
        ['a', 'x'],
        ['a', 'xy'],
        ['b', ['1']],
        ['b', ['1', '2']],
        ['c', ['3']],
      ],
    ],
    ['comments after a value, with carriage return', 'a=1 # x\r\n#y\n', [['a', '1']]],
    ['one wrong character at the very end is not seen', 'a=1\n#', [['a', '1']]],
  ])('%s', (_, text, expected) => {
    expect(values(text)).toEqual(expected);
  });

  it.each<[string, string, number, number, RegExp]>([
    ['CRLF', 'a=1\r\nb=2\n', 1, 4, /carriage return/],
    ['a byte order mark', '\uFEFFa=1\n', 1, 1, /byte order mark/],
    ['form feed', 'a=1\n\fb=1\n', 2, 1, /may not stand/],
    ['Python constants', 'a=1\nb = True\n', 2, 5, /True .*not Python/],
    ['an unclosed string', 'a="x\nb=1\n', 1, 3, /no closing "/],
    ['a comment without newline at the end', 'a=1\n# end', 2, 1, /needs a newline/],
    ['a value on the next line', 'a=\n1\n', 1, 3, /found the end of the line/],
    ['an empty place in a list', 'a=[1,,2]\n', 1, 6, /expected a string, a number or a list/],
    ['two values', 'a=1 2\n', 1, 5, /expected the end of the line/],
    ['no value', 'a\n', 1, 2, /expected = or \+=/],
    ['a tuple', 'a=(1,2)\n', 1, 3, /"\(" may not stand/],
    ['a hexadecimal escape', 'a="\\x411"\n', 1, 5, /no escape/],
    ['a short octal escape', 'a="\\01y"\n', 1, 5, /octal/],
    ['+= of a list to a string', 'a="x"\na+=[1]\n', 2, 4, /mixes/],
    ['a unit after a number', 'memory = 4G\n', 1, 11, /G is neither/],
  ])('refuses %s', (_, text, line, column, message) => {
    const parsed = parseCfg(text);
    expect(parsed).toMatchObject({ ok: false, error: { line, column } });
    expect(parsed.ok ? '' : parsed.error.message).toMatch(message);
  });

  it('lets the last of two settings win, in its place', () => {
    const parsed = parseCfg('a=1\nb=2\na=3\n');
    expect(parsed.ok && [...effective(parsed.entries)]).toEqual([
      ['b', '2'],
      ['a', '3'],
    ]);
  });
});

const corpus = new URL('../../../../../shared/corpus/xlcfg', import.meta.url).pathname;

interface Probe {
  readonly file: string;
  readonly rc: number;
  readonly stderr: string;
  readonly settings: readonly {
    readonly name: string;
    readonly op: number;
    readonly line: number;
    readonly value: unknown;
  }[];
}

describe('real files, against the real parser', () => {
  it.skipIf(!existsSync(corpus))(
    'agrees on every file of the corpus (skipped where ../shared/corpus/xlcfg is missing)',
    () => {
      const probes = readFileSync(join(corpus, 'libxlutil.jsonl'), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line): Probe => JSON.parse(line));
      expect(probes.length).toBeGreaterThan(100);
      for (const probe of probes) {
        const parsed = parseCfg(readFileSync(join(corpus, 'files', probe.file), 'latin1'));
        const mine = parsed.ok
          ? parsed.entries.map((e) => ({ name: e.key, op: e.op === '=' ? 0 : 1, line: e.line, value: e.value }))
          : parsed.error.line;
        const theirs = probe.rc === 0 ? probe.settings : Number(/:(\d+): /.exec(probe.stderr)?.[1]);
        expect([probe.file, mine]).toEqual([probe.file, theirs]);
      }
    },
  );
});

it('takes lists in lists so deep, and no deeper', () => {
  const nested = (n: number): string => `x = ${'['.repeat(n)}${']'.repeat(n)}\n`;
  expect(parseCfg(nested(32)).ok).toBe(true);
  const deeper = { ok: false, error: { line: 1, column: 37, message: 'lists nest more than 32 deep' } };
  expect(parseCfg(nested(33))).toEqual(deeper);
  expect(parseCfg(nested(500_000))).toEqual(deeper);
});
