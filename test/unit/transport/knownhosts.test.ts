import { expect, test } from 'vitest';
import { hostPattern, parseKnownHosts } from '../../../src/core/known-hosts.ts';
import { algorithmOrder } from '../../../src/transport/knownhosts.ts';

const found = (line: string, name: string): boolean => parseKnownHosts(line, 'f', name).length > 0;

test.each([
  ['dom1 ssh-rsa AAAA', 'dom1', true],
  ['DOM1 ssh-rsa AAAA', 'dom1', true],
  ['dom1,10.0.0.1 ssh-rsa AAAA comment', '10.0.0.1', true],
  ['*.lan,!bad.lan ssh-rsa AAAA', 'good.lan', true],
  ['*.lan,!bad.lan ssh-rsa AAAA', 'bad.lan', false],
  ['!bad.lan ssh-rsa AAAA', 'good.lan', false],
  ['dom? ssh-rsa AAAA', 'dom1', true],
  ['dom? ssh-rsa AAAA', 'dom', false],
  ['a.b ssh-rsa AAAA', 'axb', false],
  ['[dom1]:2222 ssh-rsa AAAA', '[dom1]:2222', true],
  ['[dom1]:2222 ssh-rsa AAAA', 'dom1', false],
  ['dom1 ssh-rsa AAAA', '[dom1]:2222', false],
  ['[*]:2222 ssh-rsa AAAA', '[dom1]:2222', true],
  ['# dom1 ssh-rsa AAAA', '#', false],
  ['dom1 ssh-rsa', 'dom1', false],
  ['@cert-authority * ssh-rsa AAAA', 'dom1', false],
  ['|1|x|y ssh-rsa AAAA', 'dom1', false],
  // Made with `ssh-keygen -H`.
  ['|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-rsa AAAA', '192.168.1.61', true],
])('%s for %s: %s', (line, name, expected) => {
  expect(found(line, name)).toBe(expected);
});

test('keys carry their line and their mark', () => {
  expect(parseKnownHosts('\n@revoked a ssh-rsa AAAA\r\na ssh-ed25519 BBBB\n', 'f', 'a')).toEqual([
    { type: 'ssh-rsa', key: 'AAAA', revoked: true, file: 'f', line: 2 },
    { type: 'ssh-ed25519', key: 'BBBB', revoked: false, file: 'f', line: 3 },
  ]);
});

test('names carry a port where it is not 22', () => {
  expect([hostPattern('Dom1', 22), hostPattern('::1', 22), hostPattern('dom1', 2222)]).toEqual([
    'dom1',
    '::1',
    '[dom1]:2222',
  ]);
});

test('the algorithms of known keys come first, and none is lost', () => {
  const rsa = parseKnownHosts('a ssh-rsa AAAA', 'f', 'a');
  expect(algorithmOrder(rsa).slice(0, 4)).toEqual(['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa', 'ssh-ed25519']);
  expect(algorithmOrder([])[0]).toBe('ssh-ed25519');
  expect(algorithmOrder(rsa).length).toBe(algorithmOrder([]).length);
});
