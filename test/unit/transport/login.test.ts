import { createHmac, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SshSpec } from '../../../src/kinds/server/spec.ts';
import { openReader, type TransportEnv } from '../../../src/transport/index.ts';
import {
  newEcdsaKey,
  newHome,
  newKey,
  program,
  specOf,
  startSshd,
  testEnv,
  type Home,
  type Key,
  type Sshd,
} from './sshd.ts';

const key = newKey();
const other = newKey();
const locked = newKey('open sesame');
const hostKey = newKey();
const ecdsa = newEcdsaKey();
let home: Home;
let sshds: Sshd[] = [];

beforeEach(() => {
  home = newHome();
});
afterEach(async () => {
  await Promise.all(sshds.map((sshd) => sshd.close()));
  sshds = [];
  home.remove();
});

const sshd = async (
  authorized: readonly Key[] = [key],
  hostKeys: readonly Key[] = [hostKey],
  user = 'root',
): Promise<Sshd> => {
  const started = await startSshd({ hostKeys, user, authorized });
  sshds.push(started);
  return started;
};

const login = async (address: string, ssh: Partial<SshSpec>, env: Partial<TransportEnv> = {}, times = 1) => {
  const specs = Array.from({ length: times }, (_, n) => specOf(`dom${n + 1}`, address, ssh));
  const reader = openReader(specs, testEnv(home, env));
  const answers = await Promise.all(specs.map(({ name }) => reader.read(name, program('printf in'))));
  await reader.close();
  return answers[0];
};
const inside = expect.objectContaining({ text: 'in' });

const hashed = (name: string, rest: string): string => {
  const salt = randomBytes(20);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')} ${rest}`;
};
const keyOf = (k: Key): string => k.public.split(' ').slice(0, 2).join(' ');

test('an unknown host key is refused with the line that accepts it, and nothing is run', async () => {
  const server = await sshd();
  home.ssh('id_ed25519', key.private);
  const answer = await login('127.0.0.1', { port: server.port });
  expect(answer).toMatchObject({
    reason: 'host-key-unknown',
    why: expect.stringMatching(/^dom1 \(127\.0\.0\.1\): .*ssh-ed25519 SHA256:[A-Za-z0-9+/]{43}\)$/),
    help: expect.stringContaining(`append this line to ${join(home.dir, '.ssh', 'known_hosts')}:\n${server.known[0]}`),
  });
  expect(server.connections).toBe(0);
  const line = 'help' in (answer ?? {}) ? /\n(.*)$/.exec((answer as { help: string }).help)?.[1] : '';
  home.ssh('known_hosts', `${line}\n`);
  expect(await login('127.0.0.1', { port: server.port })).toEqual(inside);
});

test('a changed host key names the file and the line', async () => {
  const server = await sshd();
  home.ssh('id_ed25519', key.private);
  const file = home.ssh('known_hosts', `# mine\n\n[127.0.0.1]:${server.port} ${keyOf(other)} me@there\n`);
  expect(await login('127.0.0.1', { port: server.port })).toMatchObject({
    reason: 'host-key-changed',
    why: expect.stringContaining(`${file} line 3`),
    help: expect.stringContaining(`ssh-keygen -f ${file} -R '[127.0.0.1]:${server.port}'`),
  });
  expect(server.connections).toBe(0);
});

test('a revoked host key is refused though it is known', async () => {
  const server = await sshd();
  home.ssh('id_ed25519', key.private);
  home.ssh('known_hosts', `${server.known[0]}\n@revoked * ${keyOf(hostKey)}\n`);
  expect(await login('127.0.0.1', { port: server.port })).toMatchObject({
    reason: 'host-key-changed',
    why: expect.stringMatching(/@revoked in .* line 2$/),
  });
});

test('a hashed name is found, and another salt with another name is not', async () => {
  const server = await sshd();
  home.ssh('id_ed25519', key.private);
  home.ssh('known_hosts', hashed('[127.0.0.1]:1', keyOf(hostKey)));
  expect(await login('127.0.0.1', { port: server.port })).toMatchObject({ reason: 'host-key-unknown' });
  home.ssh('known_hosts', hashed(`[127.0.0.1]:${server.port}`, keyOf(hostKey)));
  expect(await login('127.0.0.1', { port: server.port })).toEqual(inside);
});

test('of several host keys the server is asked for one that is known', async () => {
  const server = await sshd([key], [hostKey, ecdsa]);
  home.ssh('id_ed25519', key.private);
  home.ssh('known_hosts', server.known[1] ?? '');
  expect(await login('127.0.0.1', { port: server.port })).toEqual(inside);
});

test('the known_hosts file that the specification names is the only one that counts', async () => {
  const server = await sshd();
  home.ssh('id_ed25519', key.private);
  home.ssh('known_hosts', server.known[0] ?? '');
  const mine = home.ssh('mine', '');
  expect(await login('127.0.0.1', { port: server.port, knownHosts: '~/.ssh/mine' })).toMatchObject({
    reason: 'host-key-unknown',
    help: expect.stringContaining(mine),
  });
  home.ssh('mine', server.known[0] ?? '');
  expect(await login('127.0.0.1', { port: server.port, knownHosts: mine })).toEqual(inside);
});

test('a wrong key, no key and no agent are told, each as what was tried', async () => {
  const server = await sshd();
  home.ssh('known_hosts', server.known[0] ?? '');
  expect(await login('127.0.0.1', { port: server.port })).toMatchObject({
    reason: 'authentication',
    why: expect.stringMatching(/login as root was refused; tried: .*no agent .*; no key file in ~\/\.ssh$/),
    help: expect.stringContaining('authorized_keys'),
  });
  const wrong = home.ssh('id_ed25519', other.private);
  expect(await login('127.0.0.1', { port: server.port })).toMatchObject({
    reason: 'authentication',
    why: expect.stringContaining(`${wrong} was refused`),
  });
  const env = { agent: join(home.dir, 'no-agent') };
  expect(await login('127.0.0.1', { port: server.port, identityFile: '~/.ssh/none' }, env)).toMatchObject({
    reason: 'authentication',
    why: expect.stringMatching(/\.ssh\/none does not exist; the agent does not answer/),
  });
  expect(server.connections).toBe(0);
});

test('an encrypted key asks once for its passphrase, however many servers want it', async () => {
  const server = await sshd([locked]);
  home.ssh('known_hosts', server.known[0] ?? '');
  const file = home.ssh('id_ed25519', locked.private);
  const asked: string[] = [];
  const prompt = async (question: string, hidden: boolean) => {
    asked.push(`${question}${hidden}`);
    return asked.length === 1 ? 'wrong' : 'open sesame';
  };
  expect(await login('127.0.0.1', { port: server.port }, { prompt }, 3)).toEqual(inside);
  expect(asked).toEqual([`Passphrase for ${file}: true`, `Wrong. Passphrase for ${file}: true`]);
  expect(server.connections).toBe(3);
});

test('the time that a person takes for the passphrase does not count', async () => {
  const server = await sshd([locked]);
  home.ssh('known_hosts', server.known[0] ?? '');
  home.ssh('id_ed25519', locked.private);
  const prompt = () => new Promise<string>((resolve) => setTimeout(() => resolve('open sesame'), 900));
  expect(await login('127.0.0.1', { port: server.port, connectTimeout: 600 }, { prompt })).toEqual(inside);
});

test('a passphrase from the environment opens the key; without one and without a terminal it is said', async () => {
  const server = await sshd([locked]);
  home.ssh('known_hosts', server.known[0] ?? '');
  const file = home.ssh('id_ed25519', locked.private);
  expect(await login('127.0.0.1', { port: server.port }, { passphrase: 'open sesame' })).toEqual(inside);
  expect(await login('127.0.0.1', { port: server.port })).toMatchObject({
    reason: 'authentication',
    why: expect.stringContaining(`${file} is encrypted, and there is no terminal`),
  });
  expect(await login('127.0.0.1', { port: server.port }, { passphrase: 'x' })).toMatchObject({
    why: expect.stringContaining('REEVE_SSH_PASSPHRASE does not open it'),
  });
  expect(await login('127.0.0.1', { port: server.port }, { prompt: async () => null })).toMatchObject({
    why: expect.stringContaining('no passphrase was given'),
  });
});

test('an agent is asked before any passphrase', async () => {
  const server = await sshd([key]);
  home.ssh('known_hosts', server.known[0] ?? '');
  home.ssh('id_ed25519', locked.private);
  const socket = join(home.dir, 'agent');
  const agent = await startAgent(socket, key);
  expect(await login('127.0.0.1', { port: server.port }, { agent: socket })).toEqual(inside);
  await new Promise((resolve) => agent.close(resolve));
});

/** An agent with one key, on ssh2's own server side of the protocol. */
const startAgent = async (socket: string, only: Key): Promise<Server> => {
  const parsed = [ssh2.utils.parseKey(only.private)].flat()[0];
  if (parsed === undefined || parsed instanceof Error) throw new Error('no key');
  const server = createServer((stream) => {
    const protocol = new ssh2.AgentProtocol(false);
    protocol.on('identities', (req) => protocol.getIdentitiesReply(req, [parsed]));
    protocol.on('sign', (req, _key, data) => protocol.signReply(req, parsed.sign(data)));
    stream.pipe(protocol).pipe(stream);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return server;
};

test('~/.ssh/config serves where the specification is silent', async () => {
  const server = await sshd([key], [hostKey], 'admin');
  home.ssh('keys/farm', key.private);
  home.ssh('farm_hosts', `the-alias ${keyOf(hostKey)}\n[the-alias]:${server.port} ${keyOf(hostKey)}`);
  home.ssh('conf.d/farm.conf', `Host xen-*\n  hostname 127.0.0.1\n  Port ${server.port}\n`);
  home.ssh(
    'config',
    [
      'Include conf.d/*.conf',
      'User admin',
      'Host elsewhere',
      '  Include conf.d/nothing',
      '  User wrong',
      'Host xen-1',
      '  IdentityFile ~/.ssh/keys/farm',
      '  UserKnownHostsFile ~/.ssh/farm_hosts',
      '  HostKeyAlias the-alias',
    ].join('\n'),
  );
  expect(await login('xen-1', { sudo: false })).toEqual(inside);
  expect(await login('xen-1', { sudo: false, user: 'root' })).toMatchObject({
    reason: 'authentication',
    why: expect.stringContaining('login as root'),
  });
  expect(await login('xen-1', { sudo: false, port: 1 })).toMatchObject({ reason: 'unreachable' });
});

test('a ProxyCommand and a malformed config are said, not passed over', async () => {
  home.ssh('config', 'Host x\n  HostName 127.0.0.1\n  ProxyCommand nc %h %p\n');
  expect(await login('x', {})).toMatchObject({ reason: 'unreachable', why: expect.stringContaining('ProxyJump') });
  home.ssh('config', 'Host "x\n  HostName');
  expect(await login('x', {})).toMatchObject({ why: expect.stringContaining('~/.ssh/config cannot be understood') });
});

test('jump hosts, one after the other, each with its own host key, and one connection to each for all servers', async () => {
  const [first, second, server] = [
    await sshd([key], [hostKey], 'jumper'),
    await sshd([key], [ecdsa], 'tester'),
    await sshd(),
  ];
  home.ssh('id_ed25519', key.private);
  home.ssh('config', `Host bastion\n  HostName 127.0.0.1\n  Port ${first.port}\n  User jumper\n`);
  home.ssh('known_hosts', [first, second, server].map((s) => s.known[0]).join('\n'));
  const jump = `bastion,127.0.0.1:${second.port}`;
  expect(await login('127.0.0.1', { port: server.port, jump }, {}, 3)).toEqual(inside);
  expect([first, second, server].map((s) => [s.connections, s.forwards])).toEqual([
    [1, 1],
    [1, 3],
    [3, 0],
  ]);
  home.ssh(
    'config',
    `Host bastion\n  HostName 127.0.0.1\n  Port ${first.port}\n  User jumper\nHost inner\n  HostName 127.0.0.1\n  Port ${server.port}\n  ProxyJump bastion\n`,
  );
  expect(await login('inner', {})).toEqual(inside);
  expect(await login('inner', { jump: 'none' })).toEqual(inside);
  expect(first.forwards).toBe(2);
});

test('what goes wrong on the way is said of the jump host', async () => {
  const [bastion, server] = [await sshd([key], [hostKey], 'jumper'), await sshd()];
  home.ssh('id_ed25519', key.private);
  home.ssh('known_hosts', server.known[0] ?? '');
  const jump = `jumper@127.0.0.1:${bastion.port}`;
  expect(await login('127.0.0.1', { port: server.port, jump })).toMatchObject({
    reason: 'host-key-unknown',
    why: expect.stringContaining('jump host 127.0.0.1 of dom1'),
  });
  writeFileSync(join(home.dir, '.ssh', 'known_hosts'), [...bastion.known, ...server.known].join('\n'));
  expect(await login('127.0.0.1', { port: 1, jump })).toMatchObject({
    reason: 'unreachable',
    why: expect.stringContaining('the jump host cannot reach port 1'),
  });
  expect(await login('127.0.0.1', { jump: 'a b@' })).toMatchObject({
    why: expect.stringContaining('is not a jump host'),
  });
  home.ssh('config', 'Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n');
  expect(await login('127.0.0.1', { jump: 'a' })).toMatchObject({ why: expect.stringContaining('name each other') });
});
