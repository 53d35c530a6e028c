/** What makes a file in a store, run for real: whatever is planted in the place of its half, nothing else is written to. */
import { spawnSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Step } from '../../../../src/core/step.ts';
import { emptyFolder, halfFile, keptFolder, published } from '../../../../src/toolstacks/xl/lower/half.ts';
import { shells } from '../../transport/shells.ts';

describe.each(shells)('under %s', (shell) => {
  let dir = '';
  let path = '';
  let victim = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'reeve-half-'));
    mkdirSync(join(dir, 'a store', 'disks'), { recursive: true });
    mkdirSync(join(dir, 'theirs'));
    path = join(dir, 'a store', 'disks', '-web 1*.raw');
    victim = join(dir, 'theirs', 'shadow');
    writeFileSync(victim, 'root');
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const run = (steps: readonly Step[]): readonly (number | null)[] =>
    steps.map((step) => {
      if (step.do !== 'exec') throw new Error(step.do);
      const [command = '', ...args] = step.argv;
      return spawnSync(command, args, { env: { PATH: `${dirname(shell)}:/usr/bin:/bin` }, timeout: 20_000 }).status;
    });
  const exec = (...argv: readonly string[]): Step => ({ do: 'exec', argv, deadlineMs: 1000 });
  const make = (first: readonly Step[]): readonly (number | null)[] =>
    run([
      ...first,
      exec('truncate', '-s', '1M', halfFile(path)),
      exec('chmod', '600', halfFile(path)),
      published(path),
    ]);

  const plants: readonly (readonly [string, () => void])[] = [
    ['nothing', () => {}],
    ['a link to a file', () => symlinkSync(victim, `${path}.part`)],
    ['a link to a folder', () => symlinkSync(join(dir, 'theirs'), `${path}.part`)],
    ['a link that leads nowhere', () => symlinkSync(join(dir, 'theirs', 'new'), `${path}.part`)],
    ['a FIFO', () => spawnSync('sh', ['-c', 'mkfifo "$0"', `${path}.part`])],
    ['a file', () => writeFileSync(`${path}.part`, 'of an earlier version')],
    [
      'a folder with a link in it',
      () => {
        mkdirSync(`${path}.part`);
        symlinkSync(victim, halfFile(path));
      },
    ],
  ];
  it.each(plants)('%s in the place of the half does no harm', (_, plant) => {
    for (const first of [emptyFolder(path), [keptFolder(path)]]) {
      rmSync(path, { force: true });
      plant();
      expect(make(first).every((rc) => rc === 0)).toBe(true);
      expect([statSync(path).size, statSync(path).mode & 0o7777]).toEqual([1024 ** 2, 0o600]);
      expect(readdirSync(dirname(path))).toEqual(['-web 1*.raw']);
      expect(readdirSync(join(dir, 'theirs'))).toEqual(['shadow']);
      expect([readFileSync(victim, 'utf8'), statSync(victim).mode & 0o777]).toEqual(['root', 0o644]);
    }
  });

  it('goes on from what it has itself, where it is to', () => {
    run([keptFolder(path)]);
    expect(statSync(`${path}.part`).mode & 0o7777).toBe(0o700);
    writeFileSync(halfFile(path), 'half');
    run([keptFolder(path)]);
    expect(readFileSync(halfFile(path), 'utf8')).toBe('half');
    run(emptyFolder(path));
    expect(readdirSync(`${path}.part`)).toEqual([]);
  });

  it.each<[string, () => void]>([
    ['a file', () => writeFileSync(path, 'theirs')],
    ['a link to a folder', () => symlinkSync(join(dir, 'theirs'), path)],
    ['a link that leads nowhere', () => symlinkSync(join(dir, 'theirs', 'new'), path)],
  ])('%s that has the name by then stays, and that is told', (_, plant) => {
    plant();
    const before = lstatSync(path).ino;
    expect(make(emptyFolder(path)).at(-1)).not.toBe(0);
    expect(lstatSync(path).ino).toBe(before);
    expect(readdirSync(join(dir, 'theirs'))).toEqual(['shadow']);
    expect(statSync(halfFile(path)).size).toBe(1024 ** 2);
  });
});
