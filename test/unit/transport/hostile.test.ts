/** Servers that are silent, slow or say too much: each is given up by itself, with the reason, and in bounded memory. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Control, Reader } from '../../../src/core/port.ts';
import { openControl, openReader, waitText } from '../../../src/transport/index.ts';
import type { TransportEnv } from '../../../src/transport/env.ts';
import { shells } from './shells.ts';
import { holder, newHome, newKey, program, specOf, startSshd, testEnv, type Home, type Sshd } from './sshd.ts';

const key = newKey();

let home: Home;
let server: Sshd;
const open: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  home = newHome();
  home.ssh('id_ed25519', key.private);
  server = await startSshd({ hostKeys: [key], user: 'root', authorized: [key] });
  home.ssh('known_hosts', server.known[0] ?? '');
});
afterEach(async () => {
  for (const port of open.splice(0)) await port.close();
  await server.close();
  home.remove();
});

const env = (deadlines: TransportEnv['deadlines'], more: Partial<TransportEnv> = {}): TransportEnv =>
  testEnv(home, { ...more, deadlines: { connect: 400, silence: 400, ...deadlines } });
const spec = () => specOf('dom1', '127.0.0.1', { port: server.port });
const reader = (given: TransportEnv): Reader => {
  const port = openReader([spec()], given);
  open.push(port);
  return port;
};
const control = (given: TransportEnv): Control => {
  const port = openControl([spec()], given);
  open.push(port);
  return port;
};
/** Writes as fast as it is taken, until nobody listens. */
const flood = (to: { write(data: Buffer): boolean; once(event: 'drain', then: () => void): unknown }): void => {
  const chunk = Buffer.alloc(32 * 1024, 'x');
  const more = (): void => {
    while (to.write(chunk));
    to.once('drain', more);
  };
  more();
};

/** A server that does as it is told with each connection. */
const rawServer = async (act: (socket: Socket) => void): Promise<{ readonly port: number; readonly tcp: Server }> => {
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    act(socket);
  });
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
  open.push({
    close: async () => {
      for (const socket of sockets) socket.destroy();
      tcp.close();
    },
  });
  return { port: (tcp.address() as AddressInfo).port, tcp };
};

describe('before the login', () => {
  const drip = (socket: Socket, text: string): void => {
    const timer = setInterval(() => socket.write(text), 20);
    socket.once('close', () => clearInterval(timer));
  };
  test.each<[string, (socket: Socket) => void]>([
    ['says nothing', () => {}],
    ['says who it is and no more', (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n')],
    ['greets without end', (socket) => drip(socket, 'welcome\r\n')],
    ['sends a letter at a time', (socket) => drip(socket, 'S')],
  ])('a server that %s is given up', async (_, act) => {
    const { port } = await rawServer(act);
    const port1 = openReader([specOf('dom1', '127.0.0.1', { port })], env({}));
    open.push(port1);
    const seen = await port1.read('dom1', program('echo'));
    expect(seen).toMatchObject({ is: 'unknown', reason: expect.stringMatching(/^(timeout|unreachable)$/) });
  });

  test('a silent jump host keeps nobody longer', async () => {
    const { port } = await rawServer(() => {});
    const port1 = openReader([specOf('dom1', '10.255.255.1', { jump: `root@127.0.0.1:${port}` })], env({}));
    open.push(port1);
    expect(await port1.read('dom1', program('echo'))).toMatchObject({ is: 'unknown', reason: 'timeout' });
  });

  test('closing does not wait for a server that has not answered yet', async () => {
    const { port } = await rawServer(() => {});
    const port1 = openReader([specOf('dom1', '127.0.0.1', { port })], env({ connect: 3_600_000 }));
    const seen = port1.read('dom1', program('echo'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await port1.close();
    expect(await seen).toMatchObject({ is: 'unknown', reason: 'lost' });
  });

  test('an agent that is silent is passed over', async () => {
    const { tcp } = await rawServer(() => {});
    await new Promise<void>((resolve) => tcp.close(() => resolve()));
    const socket = join(home.dir, 'agent');
    const agent = createServer(() => {}).listen(socket);
    const seen = await reader(env({}, { agent: socket })).read('dom1', program('printf hello'));
    agent.close();
    expect(seen).toMatchObject({ text: 'hello' });
  });
});

describe('a reading', () => {
  const timeout = (why: RegExp) => ({ is: 'unknown', reason: 'timeout', why: expect.stringMatching(why) });

  test('of a server that begins no session', async () => {
    server.opensSessions = false;
    expect(await reader(env({})).read('dom1', program('echo'))).toEqual({
      ...timeout(/^dom1 \(127\.0\.0\.1\): the SSH server begins no session$/),
      help: expect.any(String),
    });
  });

  test('of a server that never answers, beside one that does', async () => {
    server.onCommand = (command) => (command.includes('silent') ? 'swallow' : 'run');
    const port = openReader([spec(), { ...spec(), name: 'dom2' }], env({}));
    open.push(port);
    const silent = port.read('dom1', program('printf silent'));
    expect(await port.read('dom2', program('printf hello'))).toMatchObject({ text: 'hello' });
    expect(await silent).toMatchObject(timeout(/^dom1 .*: not a byte came for 1 s/));
  });

  test('of a server that falls silent, which says where', async () => {
    server.onCommand = () => (stream) => stream.write('begun');
    const cut = { ...program('x'), decode: () => ({ is: 'unknown', reason: 'cut-short', why: 'cut in xs' }) as const };
    expect(await reader(env({})).read('dom1', cut)).toMatchObject(timeout(/: not a byte came for 1 s: cut in xs$/));
  });

  test.each(['stdout', 'stderr'] as const)('of a server that sends a letter now and then on %s', async (where) => {
    server.onCommand = () => (stream) => {
      const timer = setInterval(() => (where === 'stdout' ? stream : stream.stderr).write('x'), 20);
      stream.once('close', () => clearInterval(timer));
    };
    expect(await reader(env({ read: 500 })).read('dom1', program('x'))).toMatchObject(
      timeout(/: it did not answer in the time that it had/),
    );
  });

  test('has no longer than until the moment that is given, connecting included', async () => {
    server.onCommand = () => 'swallow';
    const port = reader(env({ silence: 3_600_000 }));
    expect(await port.read('dom1', program('x'), performance.now() + 200)).toMatchObject(
      timeout(/the time that it had/),
    );
    expect(await port.read('dom1', program('x'), performance.now() - 1)).toMatchObject(timeout(/the time that it had/));
  });

  test('the time that a person takes for a passphrase does not count', async () => {
    const locked = newKey('secret');
    const strict = await startSshd({ hostKeys: [key], user: 'root', authorized: [locked] });
    home.ssh('known_hosts', strict.known[0] ?? '');
    home.ssh('id_ed25519', locked.private);
    const prompt = async (): Promise<string> => {
      await new Promise((resolve) => setTimeout(resolve, 900));
      return 'secret';
    };
    const port = openReader(
      [specOf('dom1', '127.0.0.1', { port: strict.port })],
      env({ read: 800, silence: 800 }, { prompt }),
    );
    expect(await port.read('dom1', program('printf hello'))).toMatchObject({ text: 'hello' });
    await port.close();
    await strict.close();
  });

  test.each(['stdout', 'stderr'] as const)(
    'of a server that floods %s is broken off, and its connection with it',
    async (where) => {
      server.onCommand = () => (stream) => flood(where === 'stdout' ? stream : stream.stderr);
      const port = reader(env({}, { mostBytes: 2 * 1024 * 1024 }));
      expect(await port.read('dom1', program('x'))).toMatchObject({
        is: 'unknown',
        reason: 'unparsable',
        why: 'dom1 (127.0.0.1): the answer is larger than 2MiB',
      });
      server.onCommand = () => 'run';
      expect(await port.read('dom1', program('printf hello'))).toMatchObject({ text: 'hello' });
      expect(server.connections).toBe(2);
    },
  );
});

describe('a lock', () => {
  test('of a server that is silent is given up', async () => {
    server.onCommand = () => 'swallow';
    expect(await control(env({})).hold('dom1', holder('e1'))).toMatchObject({
      reason: 'timeout',
      why: 'dom1 (127.0.0.1): the lock was neither given nor refused within 1 s',
    });
  });

  test.each<[string, 'stdout' | 'stderr', string]>([
    ['before it is given', 'stdout', ''],
    ['before it is given', 'stderr', ''],
  ])('of a server that floods %s (%s) is not believed', async (_, where) => {
    server.onCommand = () => (stream) => flood(where === 'stdout' ? stream : stream.stderr);
    expect(await control(env({})).hold('dom1', holder('e1'))).toMatchObject({
      reason: 'unparsable',
      why: 'dom1 (127.0.0.1): what was to take the lock said more than 64 KiB',
    });
  });

  test.each(['stdout', 'stderr'] as const)('that floods %s once it is given is taken again, or lost', async (where) => {
    let holds = 0;
    server.onCommand = (command) => {
      if (!command.includes(' reeve-hold '))
        return (stream) => {
          stream.write('STARTED\n');
          stream.exit(0);
          stream.end();
        };
      holds += 1;
      return (stream) => {
        if (holds === 1) {
          stream.write('OK\n');
          flood(where === 'stdout' ? stream : stream.stderr);
        } else {
          stream.write('FENCED\n');
          stream.exit(75);
          stream.end();
        }
      };
    };
    const port = control(env({}));
    expect(await port.hold('dom1', holder('e1'))).toEqual({ is: 'held' });
    const start = () => port.start('dom1', 'a', { do: 'exec', argv: ['true'], deadlineMs: 1000 });
    await expect.poll(start, { timeout: 10_000 }).toBe('fenced');
    expect(holds).toBe(2);
  });
});

describe('an operation', () => {
  test('whose server floods or falls silent while it is waited for', async () => {
    const port = control(env({ margin: 0 }));
    server.onCommand = () => (stream) => flood(stream);
    expect(await port.wait('dom1', 'a')).toMatchObject({
      reason: 'unparsable',
      why: expect.stringMatching(/larger than 3MiB/),
    });
    server.onCommand = () => 'swallow';
    expect(await port.wait('dom1', 'b')).toMatchObject({
      reason: 'timeout',
      why: expect.stringMatching(/not a byte came/),
    });
    server.onCommand = () => (stream) => {
      stream.write('.\n.\n.\nRC 3 2 1\nabc');
      stream.exit(0);
      stream.end();
    };
    expect(await port.wait('dom1', 'c')).toEqual({ rc: 3, out: 'ab', err: 'c' });
  });

  test.each(shells)(
    'that lasts gives signs of life, and no more than a mebibyte of each stream, under %s',
    async (shell) => {
      const at = join(home.dir, 'run', 'ops', 'a');
      mkdirSync(at, { recursive: true });
      for (const file of ['alive', 'pg', 'out', 'err']) writeFileSync(join(at, file), '');
      writeFileSync(join(at, 'out'), 'x'.repeat(2 * 1024 * 1024));
      const path = `PATH=${dirname(shell)}:`;
      const text = waitText.replace('timeout 10', 'timeout 1').replace('PATH=', path);
      const held = 'exec flock -x "$0/alive" sh -c "echo; read x; echo 0 >\\"\\$0/rc\\"" "$0"';
      const lock = spawn('sh', ['-c', held, at], { stdio: ['pipe', 'pipe', 'inherit'] });
      await new Promise((resolve) => lock.stdout.once('data', resolve));
      const waiting = spawn(shell, ['-c', text, 'reeve-wait', join(home.dir, 'run'), 'a'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let out = '';
      waiting.stdout.on('data', (data: Buffer) => {
        if (out === '') lock.stdin.end('\n');
        out += data.toString('latin1');
      });
      await new Promise((resolve) => waiting.once('close', resolve));
      expect(out).toMatch(/^(?:\.\n)+RC 0 1048576 0\nx+$/);
    },
  );
});
