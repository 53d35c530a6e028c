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

/** The folders within a room, from the bottom: each imports only from those before it. What is not named stands above all. */
const floors: Readonly<Record<string, readonly string[]>> = {
  plan: [
    'model',
    'match',
    'decide',
    'storage',
    'place/solver',
    'place',
    'order',
    'verify',
    'document',
    'planning.ts',
    'views',
    'index.ts',
  ],
  'toolstacks/xl': ['cfg', 'read', 'lower', 'index.ts'],
};

/** The floor of a file of this room: the index of the longest name in its list that the path begins with. */
const floorOf = (room: string, file: string): number => {
  const inside = relative(room, file);
  const fits = (floors[room] ?? []).filter((name) => inside === name || inside.startsWith(`${name}/`));
  return (floors[room] ?? []).indexOf(fits.sort((a, b) => b.length - a.length)[0] ?? '');
};

describe('the house', () => {
  it.each(
    Object.keys(floors).flatMap((room) =>
      files.filter((f) => f.startsWith(`${room}/`)).map((file) => [room, file] as const),
    ),
  )('%s: the imports of %s point to lower folders', (room, file) => {
    const floor = floorOf(room, file);
    expect(floor).not.toBe(-1);
    const wrong = importsOf(file)
      .filter((i) => i.startsWith('.'))
      .map((i) => local(file, i))
      .filter((target) => target.startsWith(`${room}/`) && floorOf(room, target) > floor);
    expect(wrong).toEqual([]);
  });
  it('gives the verifier nothing of the sequencer, and of the rest of planning types only', () => {
    const proof = 'plan/place/solver/flow-check.ts';
    const sequencer = /^plan\/(?:order\/|model\/(?:operation-graph|resource-deltas)\.ts)/;
    const wrong = files
      .filter((f) => f.startsWith('plan/verify/'))
      .flatMap((file) =>
        [...readFileSync(join(src, file), 'utf8').matchAll(/^import (type )?[^;]*? from '(\.[^']+)'/gm)].flatMap(
          (m) => {
            const target = local(file, m[2] ?? '');
            if (!target.startsWith('plan/') || target.startsWith('plan/verify/') || target === proof) return [];
            return sequencer.test(target) || m[1] === undefined ? [`${file} imports ${target}`] : [];
          },
        ),
      );
    expect(wrong).toEqual([]);
  });
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
  it('keys no object that inherits by a name from outside', () => {
    const inherits = (f: string): boolean =>
      /Object\.fromEntries\(|Record<string, [^\n]*> = \{/.test(readFileSync(join(src, f), 'utf8'));
    expect(files.filter((f) => !['config/types.ts', 'config/repositories.ts'].includes(f) && inherits(f))).toEqual([]);
  });
  it('parses JSON from outside in one place', () => {
    const own = new Set(['core/json.ts', 'main.ts', 'cli/saved-plan.ts', 'sim/save.ts']);
    expect(files.filter((f) => !own.has(f) && /\bJSON\.parse\(/.test(readFileSync(join(src, f), 'utf8')))).toEqual([]);
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
