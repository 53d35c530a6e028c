/** The journal of a dom0: its lines, and the text that appends to it, under each shell and on the simulated dom0 alike. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, test } from 'vitest';
import { appendText, journalLine, parseEntry, type JournalEntry } from '../../../src/kinds/server/journal.ts';
import { bench } from '../sim/farm.ts';
import { shells } from '../transport/shells.ts';

const entry: JournalEntry = {
  at: '2026-01-02T03:04:05.678Z',
  ms: 1234,
  server: 'dom01',
  op: 'web/start',
  verb: 'start',
  subject: 'vm/web',
  result: 'done',
  code: null,
  why: null,
  who: 'ann@desk',
  run: '00ff',
  commit: 'a'.repeat(40),
  dirty: true,
  plan: null,
  reeve: '0.1.0',
};

test('a line is read as it was written, and is one line without control characters', () => {
  const odd: JournalEntry = { ...entry, result: 'failed', code: 'command-failed', why: 'a\nb \u001B[31m \u202E' };
  expect(journalLine(odd)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(parseEntry(journalLine(odd))).toEqual(odd);
  expect(parseEntry(JSON.stringify({ ...odd, more: 1 }))).toEqual(odd);
});

test.each([
  ['half of a line', journalLine(entry).slice(0, 40)],
  ['no object', '[1]'],
  ['another type', JSON.stringify({ ...entry, ms: '1' })],
  ['another result', JSON.stringify({ ...entry, result: 'lost' })],
  ['no time', JSON.stringify({ ...entry, at: 'soon' })],
  ['a word that does not end', JSON.stringify({ ...entry, op: 'x'.repeat(2000) })],
  ['a part less', JSON.stringify({ ...entry, plan: undefined })],
  ['nothing', ''],
])('%s is none', (_, line) => {
  expect(parseEntry(line)).toBeNull();
});

const home = mkdtempSync(join(tmpdir(), 'reeve-journal-'));
afterAll(() => rmSync(home, { recursive: true }));

interface Ground {
  readonly folder: string;
  readonly put: (name: string, text: string) => void;
  readonly link: (name: string, target: string) => void;
  readonly text: (name: string) => string | undefined;
  readonly mode: (name: string) => number | undefined;
  readonly append: (most: number, lines: string) => Promise<{ readonly rc: number; readonly err: string }>;
}

let grounds = 0;
const real = (sh: string) => (): Ground => {
  const top = join(home, String(grounds++));
  const folder = join(top, 'reeve');
  mkdirSync(top);
  const from = join(top, 'new');
  const at = (name: string): string => join(top, name);
  return {
    folder,
    put: (name, text) => {
      mkdirSync(join(at(name), '..'), { recursive: true });
      writeFileSync(at(name), text);
    },
    link: (name, target) => {
      mkdirSync(join(at(name), '..'), { recursive: true });
      symlinkSync(target, at(name));
    },
    text: (name) => (existsSync(at(name)) ? readFileSync(at(name), 'utf8') : undefined),
    mode: (name) => statSync(at(name)).mode & 0o777,
    append: async (most, lines) => {
      writeFileSync(from, lines);
      const env = { PATH: `${join(sh, '..')}:/usr/sbin:/usr/bin:/sbin:/bin`, LC_ALL: 'C' };
      const ran = spawnSync(sh, ['-c', appendText, folder, String(most), from], { env, encoding: 'utf8' });
      return { rc: ran.status ?? -1, err: ran.stderr };
    },
  };
};

const simulated = (): Ground => {
  const on = bench();
  const { files } = on.world;
  const folder = '/var/log/reeve';
  const at = (name: string): string => `/var/log/${name}`;
  const above = (name: string): void => {
    files.mkdir(at(name).replace(/\/[^/]*$/, ''));
  };
  return {
    folder,
    put: (name, text) => {
      above(name);
      files.write(at(name), text);
    },
    link: (name, target) => {
      above(name);
      files.link(target, at(name));
    },
    text: (name) => files.text(at(name)),
    mode: (name) => {
      const node = files.get(at(name));
      return node?.is === 'file' ? node.mode : undefined;
    },
    append: async (most, lines) => {
      files.put('/run/new', lines, 0o600);
      const { rc, err } = await on.argv(['sh', '-c', appendText, folder, String(most), '/run/new']);
      return { rc, err };
    },
  };
};

describe.each<[string, () => Ground]>([
  ...shells.map((s): [string, () => Ground] => [s.split('/').at(-2) ?? s, real(s)]),
  ['sim', simulated],
])('the text under %s', (_, open) => {
  it('makes what is not there, for its owner alone, and adds to what is', async () => {
    const g = open();
    expect(await g.append(100, 'one\n')).toEqual({ rc: 0, err: '' });
    expect(await g.append(100, 'two\nthree\n')).toEqual({ rc: 0, err: '' });
    expect(g.text('reeve/journal.jsonl')).toBe('one\ntwo\nthree\n');
    expect(g.mode('reeve/journal.jsonl')).toBe(0o600);
  });
  it('puts a journal that would get too long aside, and keeps one of those', async () => {
    const g = open();
    for (const lines of ['1234\n', '5678\n', 'ab\n', 'cdefghijkl\n', 'm\n'])
      expect((await g.append(10, lines)).rc).toBe(0);
    expect(g.text('reeve/journal.jsonl.1')).toBe('cdefghijkl\n');
    expect(g.text('reeve/journal.jsonl')).toBe('m\n');
    expect(g.text('reeve/journal.jsonl.2')).toBeUndefined();
    expect(g.mode('reeve/journal.jsonl.1')).toBe(0o600);
  });
  it('begins a new line behind one that broke off', async () => {
    const g = open();
    g.put('reeve/journal.jsonl', 'whole\nhal');
    expect((await g.append(100, 'next\n')).rc).toBe(0);
    expect(g.text('reeve/journal.jsonl')).toBe('whole\nhal\nnext\n');
  });
  it.each(['reeve/journal.jsonl', 'reeve/journal.jsonl.1'])('follows no link at %s', async (name) => {
    const g = open();
    g.put('elsewhere', 'mine\n');
    g.link(name, '../elsewhere');
    const { rc, err } = await g.append(1, 'one\n');
    expect([rc, err]).toEqual([1, expect.stringContaining(`is not a regular file`)]);
    expect(g.text('elsewhere')).toBe('mine\n');
  });
  it('follows no link in place of the folder', async () => {
    const g = open();
    g.put('other/x', '');
    g.link('reeve', 'other');
    const { rc, err } = await g.append(100, 'one\n');
    expect([rc, err]).toEqual([1, `${g.folder} is not a folder of this user's own\n`]);
    expect(g.text('other/journal.jsonl')).toBeUndefined();
  });
});
