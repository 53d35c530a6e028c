/** Cfgs before and after as the lines of a unified diff. */
import { describe, expect, it } from 'vitest';
import type { Operation, Plan } from '../../../src/kinds/plan.ts';
import type { CfgSide, CfgWriting } from '../../../src/kinds/toolstack.ts';
import { cfgDiffs } from '../../../src/report/cfg-diff.ts';

const side = (text: string, path = '/etc/xen/a.cfg', server = 'dom1'): CfgSide => ({ server, path, text });
type Wrote = CfgWriting | { readonly unsupported: string } | null;

/** The diffs of a plan whose operations write these, one after the other. */
const diffs = (...wrote: readonly Wrote[]): readonly (readonly string[] | undefined)[] => {
  const operations = wrote.map((_, i) => ({ id: String(i) }) as Operation);
  const found = cfgDiffs({ operations } as unknown as Plan, ({ id }) => wrote[Number(id)] ?? null);
  return operations.map(({ id }) => found.get(id));
};
const heads = ['--- dom1:/etc/xen/a.cfg', '+++ dom1:/etc/xen/a.cfg'];

describe('a cfg', () => {
  it('shows what changes, with three lines around', () => {
    expect(diffs({ from: side('a\nb\nc\nd\ne\n'), to: side('a\nb\nc\nd\nf\n') })).toEqual([
      [...heads, '@@ -2,4 +2,4 @@', ' b', ' c', ' d', '-e', '+f'],
    ]);
  });

  it('that is made, or goes to another place, says so in its heading', () => {
    expect(diffs({ from: null, to: side('a\n') })).toEqual([
      ['--- /dev/null', '+++ dom1:/etc/xen/a.cfg', '@@ -0,0 +1,1 @@', '+a'],
    ]);
    const [moved = []] = diffs({ from: side('a\n', '/root/b.cfg', 'dom2'), to: side('a\nb\n') });
    expect(moved.slice(0, 2)).toEqual(['--- dom2:/root/b.cfg', '+++ dom1:/etc/xen/a.cfg']);
  });

  it('in which nothing that is shown changes says so', () => {
    expect(diffs({ from: side('a\n'), to: side('a\n') })).toEqual([
      [...heads, ' (only what Reeve remembers in its heading changes, or a password, which is not shown)'],
    ]);
  });

  it('that is written twice is compared with what was written first', () => {
    const from = side('a\n');
    const [, second] = diffs({ from, to: side('b\n') }, { from, to: side('b\nc\n') });
    expect(second).toEqual([...heads, '@@ -1,1 +1,2 @@', ' b', '+c']);
    const [, made] = diffs({ from: null, to: side('b\n') }, { from: null, to: side('b\nc\n') });
    expect(made).toEqual(second);
  });

  it('cannot steer a terminal, nor pose as another line', () => {
    const [shown] = diffs({ from: side('a\u001B[2J\rb\u2028+c\n'), to: side('a\tb\n', '/etc/xen/\nx.cfg') });
    expect(shown?.join('\n')).toBe(
      [
        '--- dom1:/etc/xen/a.cfg',
        '+++ dom1:/etc/xen/ x.cfg',
        '@@ -1,1 +1,1 @@',
        '-a\\u001b[2J\\u000db\\u2028+c',
        '+a\tb',
      ].join('\n'),
    );
  });

  it('of very many changes is shown whole, one after the other', () => {
    const text = (word: string): string => Array.from({ length: 3000 }, (_, i) => `${word}${i}\n`).join('');
    const [shown = []] = diffs({ from: side(text('a')), to: side(text('b')) });
    expect([shown.length, shown[2], shown[3], shown[3003]]).toEqual([6003, '@@ -1,3000 +1,3000 @@', '-a0', '+b0']);
  });

  it('that cannot be written says why; an operation that writes none has no diff', () => {
    expect(diffs({ unsupported: '/etc/xen/a.cfg cannot be written: x' }, null)).toEqual([
      ['/etc/xen/a.cfg cannot be written: x'],
      undefined,
    ]);
  });
});
