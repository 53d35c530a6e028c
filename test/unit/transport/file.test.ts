import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Control } from '../../../src/core/port.ts';
import type { FileStep } from '../../../src/core/step.ts';
import { holdText, openControl, writeText } from '../../../src/transport/index.ts';
import { shells } from './shells.ts';
import { holder, newHome, newKey, specOf, startSshd, testEnv, type Home, type Sshd } from './sshd.ts';

const key = newKey();
const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

describe.each(shells)('under %s', (shell) => {
  let home: Home;
  let server: Sshd;
  let control: Control;
  let folder: string;
  let path: string;

  beforeEach(async () => {
    home = newHome();
    home.ssh('id_ed25519', key.private);
    server = await startSshd({ hostKeys: [key], user: 'root', authorized: [key], shell });
    home.ssh('known_hosts', server.known[0] ?? '');
    folder = join(home.dir, 'etc xen');
    mkdirSync(folder);
    path = join(folder, 'web-1.cfg');
    control = openControl([specOf('dom1', '127.0.0.1', { port: server.port })], testEnv(home));
    await control.hold('dom1', holder('e1'));
  });
  afterEach(async () => {
    await control.close();
    await server.close();
    home.remove();
  });

  const write = (text: string, onlyIf: string, at = path) =>
    control.file('dom1', { do: 'write', path: at, bytes: Buffer.from(text), mode: 0o640, onlyIf });
  const remove = (onlyIf: string) => control.file('dom1', { do: 'remove', path, onlyIf });

  test('a new file has its bytes and its mode, and nothing lies beside it', async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, n) => n % 256));
    expect(await control.file('dom1', { do: 'write', path, bytes, mode: 0o604, onlyIf: 'absent' })).toBe('done');
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(statSync(path).mode & 0o7777).toBe(0o604);
    expect(readdirSync(folder)).toEqual(['web-1.cfg']);
    expect(await control.file('dom1', { do: 'write', path, bytes: Buffer.alloc(0), mode: 0o600, onlyIf: 'any' })).toBe(
      'done',
    );
    expect(readFileSync(path).length).toBe(0);
  });

  test('compare and swap: only what is expected is overwritten or removed; what is already right is done', async () => {
    writeFileSync(path, 'mine');
    expect(await write('new', 'absent')).toBe('differs');
    expect(await write('new', sha('other'))).toBe('differs');
    expect(await remove(sha('other'))).toBe('differs');
    expect(readFileSync(path, 'utf8')).toBe('mine');
    expect(await write('new', sha('mine'))).toBe('done');
    expect(await write('new', sha('mine'))).toBe('done');
    expect(await write('new', 'absent')).toBe('done');
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(await remove(sha('new'))).toBe('done');
    expect(await remove(sha('new'))).toBe('done');
    expect(await remove('any')).toBe('done');
    expect(await write('new', sha('mine'))).toBe('differs');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('no digest stands in a command line, which others may see', async () => {
    const lines: string[] = [];
    server.onCommand = (command) => {
      lines.push(command.slice(command.lastIndexOf(' reeve-')));
      return 'run';
    };
    writeFileSync(path, 'old');
    expect(await write('new', sha('old'))).toBe('done');
    expect(await remove(sha('new'))).toBe('done');
    expect(lines).toHaveLength(2);
    expect(lines.filter((line) => /[0-9a-f]{64}/.test(line))).toEqual([]);
  });

  test.each(['cut-before', 'cut-after'] as const)('a write that is %s is done by the next try', async (verdict) => {
    let met = false;
    server.onCommand = (command) => {
      if (met || !command.includes(' reeve-write ')) return 'run';
      met = true;
      return verdict;
    };
    writeFileSync(path, 'old');
    expect(await write('new', sha('old'))).toBe('done');
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(readdirSync(folder)).toEqual(['web-1.cfg']);
  });

  test('a missing folder, a folder in the place of the file, a symbolic link and a bad path', async () => {
    const failed = (why: RegExp) => ({ is: 'failed', why: expect.stringMatching(why) });
    expect(await write('x', 'absent', join(folder, 'no', 'x.cfg'))).toEqual(
      failed(/^dom1 \(127\.0\.0\.1\): cannot write .*\/no\/x\.cfg: there is no folder .*\/no$/),
    );
    mkdirSync(join(folder, 'dir'));
    expect(await write('x', 'any', join(folder, 'dir'))).toEqual(failed(/not a regular file/));
    symlinkSync('/nowhere', path);
    expect(await write('x', 'any')).toEqual(failed(/not a regular file/));
    expect(await remove('any')).toBe('done');
    expect(readdirSync(folder)).toEqual(['dir']);
    expect(await write('x', 'any', '../etc/passwd')).toEqual(failed(/begins with \//));
  });

  test('bytes that do not arrive whole leave the old file and nothing beside it', () => {
    writeFileSync(path, 'old');
    const args = [join(home.dir, 'run'), 'e1', 'write', path, '600'];
    const ran = spawnSync(shell, ['-c', writeText, 'reeve-write', ...args], {
      input: `any ${sha('whole')}\nwho`,
      encoding: 'utf8',
    });
    expect([ran.stdout, ran.status]).toEqual([`FAILED cannot write ${path}: the bytes did not arrive whole\n`, 74]);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['web-1.cfg']);
  });

  test('what an earlier writer left beside the file does no harm', async () => {
    writeFileSync(join(folder, '.web-1.cfg.reeve-new'), 'half');
    chmodSync(join(folder, '.web-1.cfg.reeve-new'), 0o400);
    expect(await write('x', 'absent')).toBe('done');
    expect(readdirSync(folder)).toEqual(['web-1.cfg']);
    expect(statSync(path).mode & 0o7777).toBe(0o640);
  });

  const planted = (): string => join(folder, '.web-1.cfg.reeve-new');
  const tree = (): readonly string[] =>
    (readdirSync(home.dir, { recursive: true }) as string[])
      .filter((p) => !p.startsWith('run') && !p.startsWith('.ssh'))
      .sort();
  const plants: readonly (readonly [string, (victim: string) => void])[] = [
    ['a link to a file', (victim) => symlinkSync(victim, planted())],
    ['a link to a folder', () => symlinkSync(join(home.dir, 'victim'), planted())],
    ['a link that leads nowhere', () => symlinkSync(join(home.dir, 'victim', 'new'), planted())],
    ['a link to a device', () => symlinkSync('/dev/full', planted())],
    ['a FIFO', () => spawnSync('sh', ['-c', 'mkfifo "$0"', planted()])],
    ['a folder', () => mkdirSync(planted())],
    [
      'a folder with a link in it',
      (victim) => {
        mkdirSync(planted());
        symlinkSync(victim, join(planted(), 'web-1.cfg'));
      },
    ],
  ];
  test.each(plants)(
    '%s in the place of the half neither is written through nor keeps anybody waiting',
    async (_, plant) => {
      mkdirSync(join(home.dir, 'victim'));
      const victim = join(home.dir, 'victim', 'shadow');
      writeFileSync(victim, 'root');
      writeFileSync(path, 'old');
      const before = tree();
      for (const [text, onlyIf] of [
        ['new', sha('old')],
        ['newer', 'any'],
      ] as const) {
        plant(victim);
        expect(await write(text, onlyIf)).toBe('done');
        expect([readFileSync(path, 'utf8'), readFileSync(victim, 'utf8')]).toEqual([text, 'root']);
        expect(tree()).toEqual(before);
      }
      expect(await remove('any')).toBe('done');
      plant(victim);
      expect(await write('first', 'absent')).toBe('done');
      expect([readFileSync(path, 'utf8'), readFileSync(victim, 'utf8')]).toEqual(['first', 'root']);
      expect(tree()).toEqual(before);
    },
  );

  test('what cannot be taken out of the way is told, and stays', async () => {
    mkdirSync(planted());
    writeFileSync(join(planted(), 'theirs'), '');
    expect(await write('new', 'absent')).toEqual({
      is: 'failed',
      why: expect.stringMatching(/cannot write .*: \S.*\.web-1\.cfg\.reeve-new cannot be made: File exists$/),
    });
    expect(tree()).toEqual(['etc xen', 'etc xen/.web-1.cfg.reeve-new', 'etc xen/.web-1.cfg.reeve-new/theirs']);
  });

  test.each<[string, (at: string, victim: string) => void]>([
    ['a FIFO', (at) => spawnSync('sh', ['-c', 'mkfifo "$0"', at])],
    ['a link to a file', (at, victim) => symlinkSync(victim, at)],
    ['a link to a folder', (at, victim) => symlinkSync(join(victim, '..'), at)],
    ['a link that leads nowhere', (at) => symlinkSync('/nowhere', at)],
  ])('%s in the place of the file stays as it is', async (_, plant) => {
    mkdirSync(join(home.dir, 'victim'));
    const victim = join(home.dir, 'victim', 'shadow');
    writeFileSync(victim, 'root');
    plant(path, victim);
    const before = tree();
    for (const onlyIf of ['any', 'absent', sha('x')]) expect(await write('new', onlyIf)).not.toBe('done');
    expect(tree()).toEqual(before);
    expect(readFileSync(victim, 'utf8')).toBe('root');
  });

  test('a folder that is a link is followed to its end', async () => {
    mkdirSync(join(home.dir, 'disk 2'));
    symlinkSync('disk 2', join(home.dir, 'srv'));
    expect(await write('new', 'absent', join(home.dir, 'srv', '-x y'))).toBe('done');
    expect(readFileSync(join(home.dir, 'disk 2', '-x y'), 'utf8')).toBe('new');
    expect(readdirSync(join(home.dir, 'disk 2'))).toEqual(['-x y']);
  });

  test.each(['holder', 'busy', 'write', 'epoch', 'owner'])(
    'a link in the place of %s among the locks is not followed',
    async (name) => {
      const run = join(home.dir, 'run2');
      mkdirSync(run);
      symlinkSync(join(home.dir, 'victim'), join(run, name));
      const args = [run, 'e1', '1', '{}'];
      const ran = spawnSync(shell, ['-c', holdText, 'reeve-hold', ...args], { input: '', encoding: 'utf8' });
      expect([ran.stdout, ran.status]).toEqual([`FAILED ${run}/${name} is not a regular file\n`, 74]);
      expect(tree()).toEqual(['etc xen', 'run2', `run2/${name}`].filter((p) => !p.startsWith('run')));
    },
  );

  test('a folder of the locks that is a link is not used', () => {
    mkdirSync(join(home.dir, 'theirs'));
    symlinkSync('theirs', join(home.dir, 'run2'));
    const args = [join(home.dir, 'run2'), 'e1', '1', '{}'];
    const ran = spawnSync(shell, ['-c', holdText, 'reeve-hold', ...args], { input: '', encoding: 'utf8' });
    expect([ran.stdout, ran.status]).toEqual([`FAILED ${home.dir}/run2 is not a folder of this user's own\n`, 74]);
    expect(readdirSync(join(home.dir, 'theirs'))).toEqual([]);
  });

  const shOf = (command: string) => spawnSync('sh', ['-c', command, 'sh', folder], { encoding: 'utf8' });
  const mounts = shOf('[ "$(id -u)" = 0 ] && unshare -m true').status === 0;
  const mounted = async (within: () => Promise<void>): Promise<void> => {
    expect(shOf('mount -t tmpfs -o size=64k tmpfs "$1"').stderr).toBe('');
    try {
      await within();
    } finally {
      shOf('umount "$1"');
    }
  };

  test.skipIf(!mounts)('a full disk is told, and the old file stays as it is (mounting needs root)', () =>
    mounted(async () => {
      writeFileSync(path, 'old');
      expect(await write('x'.repeat(200_000), sha('old'))).toEqual({
        is: 'failed',
        why: expect.stringMatching(/cannot write .*: No space left on device$/),
      });
      expect(readFileSync(path, 'utf8')).toBe('old');
      expect(readdirSync(folder)).toEqual(['web-1.cfg']);
    }),
  );

  test.skipIf(!mounts)('a file system that is read-only is told (mounting needs root)', () =>
    mounted(async () => {
      writeFileSync(path, 'old');
      expect(shOf('mount -o remount,ro "$1"').status).toBe(0);
      const steps: readonly FileStep[] = [
        { do: 'write', path, bytes: Buffer.from('new'), mode: 0o600, onlyIf: 'any' },
        { do: 'remove', path, onlyIf: 'any' },
      ];
      for (const step of steps)
        expect(await control.file('dom1', step)).toEqual({
          is: 'failed',
          why: expect.stringMatching(new RegExp(`cannot ${step.do} .*: Read-only file system$`)),
        });
      expect(await write('old', 'any')).toBe('done');
    }),
  );
});
