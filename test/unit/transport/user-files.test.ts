/** The files of the person who runs Reeve, as they should not be: each is an error that names file and line, and none hangs. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { globMatches } from '../../../src/core/glob.ts';
import { parseKnownHosts } from '../../../src/core/known-hosts.ts';
import { openReader } from '../../../src/transport/index.ts';
import { settingsOf } from '../../../src/transport/sshconfig.ts';
import { newHome, program, specOf, testEnv, type Home } from './sshd.ts';

let home: Home;
beforeEach(() => {
  home = newHome();
  mkdirSync(join(home.dir, '.ssh'), { recursive: true });
});
afterEach(() => home.remove());

const path = (name: string): string => join(home.dir, '.ssh', name);
const settings = (host: string) => settingsOf(host, home.dir, 'ann');
const fifo = (name: string): void => {
  execFileSync('mkfifo', [path(name)]);
};

describe('~/.ssh/config', () => {
  test.each([
    ['a port that is none', 'User x\nHost a\n  Port 99999\n', '~/.ssh/config:3: Port "99999" is no port'],
    ['a port in words', 'Port ssh\n', '~/.ssh/config:1: Port "ssh" is no port'],
    ['a quote that is open', '\nUser "ann\n', '~/.ssh/config:2: a quote is not closed'],
    ['a key without a value', 'User\n', '~/.ssh/config:1: User has no value'],
    ['a line that is none', '%%%\n', '~/.ssh/config:1: "%%%" is no setting'],
    ['an Include of itself', 'User x\nInclude config\n', '~/.ssh/config:2: Include leads back to ~/.ssh/config'],
    ['an Include of itself among others', 'Include *\n', '~/.ssh/config:1: Include leads back to ~/.ssh/config'],
  ])('%s', async (_name, text, why) => {
    home.ssh('config', text);
    expect(await settings('a')).toBe(why);
  });

  test('files that include all others, each of them twice', async () => {
    for (let i = 0; i < 10; i++) home.ssh(`many/${i}`, `Include many/[0-9] many/*\nInclude many/*\n`);
    home.ssh('config', 'Include many/*\n');
    expect(await settings('a')).toMatch(/^~\/\.ssh\/many\/\d:1: Include leads back to ~\/\.ssh\/many\/\d$/);
  });

  test('more files than anybody includes', async () => {
    for (let i = 0; i < 300; i++) home.ssh(`many/${i}`, 'User x\n');
    home.ssh('config', '\nInclude many/*\n');
    expect(await settings('a')).toBe('~/.ssh/config:2: more than 256 files are included');
  });

  test('what does not count for the host is not looked into', async () => {
    home.ssh('config', 'Host b\n  Port x\n  Include config\nHost a\n  Port 2222\nPort 3\n');
    expect(await settings('a')).toMatchObject({ port: 2222 });
  });

  test('a FIFO, a folder, a file without end, a folder among those included', async () => {
    fifo('config');
    expect(await settings('a')).toBe('~/.ssh/config:1: ~/.ssh/config is no regular file');
    execFileSync('rm', [path('config')]);
    mkdirSync(path('config'));
    expect(await settings('a')).toBe('~/.ssh/config:1: ~/.ssh/config is a folder');
    execFileSync('rmdir', [path('config')]);
    home.ssh('config', 'User x\n');
    truncateSync(path('config'), 5_000_000_000);
    expect(await settings('a')).toBe('~/.ssh/config:1: ~/.ssh/config is larger than 1 MiB');
    mkdirSync(path('conf.d'));
    fifo('conf.d/pipe');
    home.ssh('config', 'User x\n\nInclude conf.d/*\n');
    expect(await settings('a')).toBe('~/.ssh/config:3: ~/.ssh/conf.d/pipe is no regular file');
  });

  test('Match of names, quotes, equals signs, and what is kept for every host', async () => {
    home.ssh(
      'config',
      [
        'Match exec "touch /nonexistent/x" host *',
        '  User wrong',
        'Match host A.lan,!b.lan user ann',
        '  Port=2022',
        '  IdentityFile "~/a key"',
        'Host *.LAN !b.lan',
        "  HostName '%h.real'",
        '  IdentityFile ~/second # kept as well',
        'Match !host *.real',
        '  User other',
        'Match all',
        '  User ann',
        '  ProxyCommand nc "%h %p',
      ].join('\r\n'),
    );
    expect(await settings('A.lan')).toMatchObject({
      port: 2022,
      user: 'ann',
      hostName: 'A.lan.real',
      identityFiles: [join(home.dir, 'a key'), join(home.dir, 'second')],
      proxyCommand: 'nc "%h %p',
    });
    expect(await settings('b.lan')).toMatchObject({ port: undefined, user: 'other' });
  });
});

describe('patterns', () => {
  test.each([
    ['*', '', true],
    ['a*b*c', 'axxbyyc', true],
    ['a*b*c', 'axxbyy', false],
    ['?', '', false],
    ['??', 'ab', true],
    ['*.lan', 'x.lan.', false],
    ['[ab]', 'a', false],
    ['**a**', 'bab', true],
  ])('%s for %s: %s', (pattern, text, is) => {
    expect(globMatches(pattern, text)).toBe(is);
  });

  test('of many stars end, in known_hosts as in a Host line', async () => {
    const stars = '*a'.repeat(5000);
    const name = 'a'.repeat(250);
    expect(parseKnownHosts(`${stars}b ssh-ed25519 AAAA\n`.repeat(20), 'f', name)).toEqual([]);
    home.ssh('config', `Host ${stars}b\n  Port 1\nHost ${'*a'.repeat(200)}\n  Port 2\n`);
    expect(await settings(name)).toMatchObject({ port: 2 });
  });
});

describe('keys and known_hosts', () => {
  const login = async (ssh: Parameters<typeof specOf>[2]) => {
    const reader = openReader([specOf('dom1', '127.0.0.1', ssh)], testEnv(home));
    const answer = await reader.read('dom1', program('printf in'));
    await reader.close();
    return answer;
  };

  test('a known_hosts that is no file is said before anything is sent', async () => {
    fifo('pipe');
    expect(await login({ port: 1, knownHosts: path('pipe') })).toMatchObject({
      reason: 'host-key-unknown',
      why: expect.stringMatching(/^dom1 \(127\.0\.0\.1\): \S+\/pipe is no regular file$/),
    });
    mkdirSync(path('folder'));
    expect(await login({ port: 1, knownHosts: path('folder') })).toMatchObject({
      why: expect.stringContaining('is a folder'),
    });
    symlinkSync('/dev/zero', path('zero'));
    expect(await login({ port: 1, knownHosts: path('zero') })).toMatchObject({
      why: expect.stringContaining('is no regular file'),
    });
    expect(await login({ port: 1, knownHosts: '/dev/null' })).toMatchObject({ reason: 'unreachable' });
  });
});
