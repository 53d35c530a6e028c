/** Which way imports point, and what the pure rooms may not import: the architecture, held by a test. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = resolve(import.meta.dirname, '../../src');

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.ts'))
  .sort();

/** Each room with those that it may import from, besides itself. */
const below: Readonly<Record<string, readonly string[]>> = {
  core: [],
  kinds: ['core'],
  config: ['kinds', 'core'],
  plan: ['kinds', 'core'],
  apply: ['kinds', 'core'],
  report: ['kinds', 'core'],
  toolstacks: ['kinds', 'core'],
  transport: ['kinds', 'core'],
  sim: ['kinds', 'core'],
  cli: ['config', 'plan', 'apply', 'report', 'toolstacks', 'transport', 'sim', 'kinds', 'core'],
  'main.ts': ['cli', 'core'],
};
const pure = new Set(['core', 'kinds', 'plan', 'report', 'toolstacks']);
const roomOf = (file: string): string => file.split('/')[0] ?? '';

const importsOf = (file: string): readonly string[] =>
  [...readFileSync(join(src, file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((m) => m[1] ?? '');

const local = (file: string, spec: string): string => relative(src, resolve(src, file, '..', spec));

describe('the house', () => {
  it('has the rooms that its map names', () => {
    expect([...new Set(files.map(roomOf))].sort()).toEqual(Object.keys(below).sort());
  });
  it.each(files)('%s imports only from below', (file) => {
    const room = roomOf(file);
    const wrong = importsOf(file)
      .filter((i) => i.startsWith('.'))
      .map((i) => roomOf(local(file, i)))
      .filter((target) => target !== room && !below[room]?.includes(target));
    expect(wrong).toEqual([]);
  });
  it.each(files.filter((f) => pure.has(roomOf(f))))('%s does no I/O', (file) => {
    const wrong = importsOf(file).filter((i) => i.startsWith('node:') || i === 'ssh2' || i === 'p-queue');
    expect(wrong).toEqual([]);
  });
  it('lets only main.ts touch the process', () => {
    const touching = files.filter(
      (f) =>
        f !== 'main.ts' &&
        /\bprocess\.(argv|env|exit|std|on|cwd|platform|pid|hrtime|version)/.test(readFileSync(join(src, f), 'utf8')),
    );
    expect(touching).toEqual([]);
  });
  it('lets only toolstacks make a reading program, and only apply interpret a step', () => {
    const using = (word: RegExp): readonly string[] => [
      ...new Set(files.filter((f) => word.test(readFileSync(join(src, f), 'utf8'))).map(roomOf)),
    ];
    expect(using(/\breadProgram\(/)).toEqual(['toolstacks']);
    expect(using(/\bcontrol\.(start|file|wait)\(/)).toEqual(['apply']);
  });
  it('heads every file with a sentence that says what it is for', () => {
    const bare = files.filter((f) => {
      const text = readFileSync(join(src, f), 'utf8').replace(/^#!.*\n/, '');
      return !text.startsWith('/**') && !text.startsWith('/* ');
    });
    expect(bare).toEqual([]);
  });
  it('keeps its files short', () => {
    const long = files.filter(
      (f) => f !== 'config/types.ts' && readFileSync(join(src, f), 'utf8').split('\n').length > 351,
    );
    expect(long).toEqual([]);
  });
});
