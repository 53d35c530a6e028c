import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openReader, type TransportEnv } from '../../../src/transport/index.ts';
import {
  defaultPath,
  newHome,
  newKey,
  program,
  specOf,
  startSshd,
  testEnv,
  type Home,
  type Sshd,
  type SshdOptions,
} from './sshd.ts';

const key = newKey();
const hostKey = newKey();
let home: Home;
let sshds: Sshd[] = [];

beforeEach(() => {
  home = newHome();
  home.ssh('id_ed25519', key.private);
});
afterEach(async () => {
  await Promise.all(sshds.map((sshd) => sshd.close()));
  sshds = [];
  home.remove();
});

const sshd = async (options: Partial<SshdOptions> = {}): Promise<Sshd> => {
  const started = await startSshd({ hostKeys: [hostKey], user: 'root', authorized: [key], ...options });
  sshds.push(started);
  return started;
};

/** Reads once from a server on 127.0.0.1. */
const readFrom = async (
  port: number,
  ssh: Parameters<typeof specOf>[2] = {},
  env: Partial<TransportEnv> = {},
  what = program('printf %s "$2"', ['hello']),
) => {
  const reader = openReader([specOf('dom1', '127.0.0.1', { port, ...ssh })], testEnv(home, env));
  const answer = await reader.read('dom1', what);
  await reader.close();
  return answer;
};

test('a reader has read and close, and no way to run anything else', async () => {
  const reader = openReader([], testEnv(home));
  expect(Object.keys(reader)).toEqual(['read', 'close']);
  expect(Object.isFrozen(reader)).toBe(true);
  await expect(reader.read('nobody', program('true'))).rejects.toThrow('no server is named nobody');
});

test('one connection serves all reads, in the fixed form on the wire, with a nonce of its own each', async () => {
  const server = await sshd();
  home.ssh('known_hosts', server.known.join('\n'));
  const reader = openReader([specOf('dom1', '127.0.0.1', { port: server.port })], testEnv(home));
  const what = program('printf "%s|" "$0" "$@"', ['all', "it's $(x)\n`y`"]);
  const answers = await Promise.all([reader.read('dom1', what), reader.read('dom1', what)]);
  await reader.close();
  const nonces = answers.map((a) => ('nonce' in a ? a.nonce : ''));
  expect(answers.map((a) => ('text' in a ? a.text : a))).toEqual(
    nonces.map((nonce) => `reeve-observe|${nonce}|all|it's $(x)\n\`y\`|`),
  );
  expect(new Set(nonces).size).toBe(2);
  expect(nonces.every((nonce) => /^[0-9a-f]{16}$/.test(nonce))).toBe(true);
  expect(server.connections).toBe(1);
  expect(server.commands[0]).toMatch(/^exec sh -c 'printf "%s\|" "\$0" "\$@"' reeve-observe '[0-9a-f]{16}' 'all' '/);
});

test('what is larger than a window arrives whole, and standard error stays apart', async () => {
  const server = await sshd();
  home.ssh('known_hosts', server.known.join('\n'));
  const answer = await readFrom(server.port, {}, {}, program('echo no >&2; head -c 5000000 /dev/zero'));
  expect('text' in answer && answer.text.length).toBe(5_000_000);
});

test('an answer cut in the middle is lost, and the next read connects again', async () => {
  const server = await sshd();
  home.ssh('known_hosts', server.known.join('\n'));
  server.onCommand = () => ({ cutAfterBytes: 10 });
  const reader = openReader([specOf('dom1', '127.0.0.1', { port: server.port })], testEnv(home));
  const what = program('printf 0123456789; sleep 0.1; printf 0123456789; sleep 5');
  expect(await reader.read('dom1', what)).toMatchObject({
    reason: 'lost',
    why: expect.stringContaining('dom1 (127.0.0.1)'),
  });
  server.onCommand = () => 'run';
  expect(await reader.read('dom1', program('printf x'))).toMatchObject({ text: 'x' });
  await reader.close();
  expect(server.connections).toBe(2);
});

test('a connection lost before the command, or with no answer at all, is lost', async () => {
  const server = await sshd();
  home.ssh('known_hosts', server.known.join('\n'));
  for (const verdict of ['cut-before', 'cut-after'] as const) {
    server.onCommand = () => verdict;
    expect(await readFrom(server.port)).toMatchObject({ is: 'unknown', reason: 'lost' });
  }
});

test('no answer within the deadline of the program is a timeout', async () => {
  const server = await sshd();
  home.ssh('known_hosts', server.known.join('\n'));
  const answer = await readFrom(server.port, {}, {}, program('sleep 20', [], 300));
  expect(answer).toMatchObject({ reason: 'timeout' });
});

test('an answer without end is given up', async () => {
  const server = await sshd();
  home.ssh('known_hosts', server.known.join('\n'));
  const answer = await readFrom(server.port, {}, {}, program('head -c 80000000 /dev/zero', [], 50_000));
  expect(answer).toMatchObject({ reason: 'unparsable', why: expect.stringContaining('64MiB') });
});

test('what the decoder makes of an answer passes through, with the server and what it said', async () => {
  const server = await sshd();
  home.ssh('known_hosts', server.known.join('\n'));
  const what = {
    ...program('echo gone wrong >&2; exit 3'),
    decode: () => ({ is: 'unknown', reason: 'cut-short', why: 'the end is missing' }) as const,
  };
  expect(await readFrom(server.port, {}, {}, what)).toEqual({
    is: 'unknown',
    reason: 'cut-short',
    why: 'dom1 (127.0.0.1): the end is missing (it said: gone wrong)',
  });
});

test('a name that nobody knows', async () => {
  const reader = openReader([specOf('dom1', 'no-such-host.invalid')], testEnv(home));
  expect(await reader.read('dom1', program('true'))).toMatchObject({
    reason: 'name-not-found',
    why: 'dom1 (no-such-host.invalid): the name no-such-host.invalid is not known',
    help: expect.stringContaining('/etc/hosts'),
  });
  await reader.close();
});

test('a refused port', async () => {
  const server = await sshd();
  await server.close();
  expect(await readFrom(server.port)).toMatchObject({
    reason: 'unreachable',
    why: `dom1 (127.0.0.1): the connection was refused (port ${server.port})`,
    help: expect.stringContaining('sshd'),
  });
});

test('a port that accepts and stays silent is a timeout, and one that hangs up is unreachable', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  expect(await readFrom(port, { connectTimeout: 300 })).toMatchObject({ reason: 'timeout' });
  silent.on('connection', (socket: Socket) => socket.destroy());
  expect(await readFrom(port)).toMatchObject({ reason: 'unreachable' });
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
});

test('sudo -n stands in front exactly where the user is not root, unless said otherwise', async () => {
  const bin = join(home.dir, 'bin');
  mkdirSync(bin);
  const sudo = (text: string) => {
    writeFileSync(join(bin, 'sudo'), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, 'sudo'), 0o755);
  };
  const root = await sshd({ path: `${bin}:${defaultPath}` });
  const admin = await sshd({ path: `${bin}:${defaultPath}`, user: 'admin' });
  home.ssh('known_hosts', [...root.known, ...admin.known].join('\n'));
  sudo('[ "$1" = -n ] && shift && printf "as root: " && exec "$@"');
  expect(await readFrom(root.port)).toMatchObject({ text: 'hello' });
  expect(await readFrom(root.port, { sudo: true })).toMatchObject({ text: 'as root: hello' });
  expect(await readFrom(admin.port, { user: 'admin' })).toMatchObject({ text: 'as root: hello' });
  expect(await readFrom(admin.port, { user: 'admin', sudo: false })).toMatchObject({ text: 'hello' });
  sudo('echo "sudo: a password is required" >&2; exit 1');
  expect(await readFrom(admin.port, { user: 'admin' })).toMatchObject({
    reason: 'permission',
    why: expect.stringContaining('a password is required'),
    help: expect.stringContaining('NOPASSWD'),
  });
});

test('sudo that is not there is named', async () => {
  const server = await sshd({ user: 'admin', shell: '/bin/sh', path: home.dir });
  home.ssh('known_hosts', server.known.join('\n'));
  const answer = await readFrom(server.port, { user: 'admin' });
  expect(answer).toMatchObject({ reason: 'permission', why: expect.stringMatching(/sudo.*not found/) });
});

test('address local runs the same through sh on this machine', async () => {
  const reader = openReader([specOf('here', 'local')], testEnv(home, { user: 'root' }));
  const answer = await reader.read('here', program('printf "%s|" "$0" "$2"; cat', ["a'b"]));
  expect(answer).toMatchObject({ text: "reeve-observe|a'b|" });
  expect(await reader.read('here', program('sleep 20', [], 200))).toMatchObject({ reason: 'timeout' });
  await reader.close();
});
