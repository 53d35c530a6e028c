/** An SSH server on 127.0.0.1 that really runs what it is asked to with `sh -c`, and that can be cut and counted. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ssh2 from 'ssh2';
import type { ServerChannel } from 'ssh2';
import { readProgram, type Holder, type ReadProgram } from '../../../src/core/port.ts';
import type { ServerSpec, SshSpec } from '../../../src/kinds/server/spec.ts';
import type { TransportEnv } from '../../../src/transport/env.ts';

export type Key = ReturnType<typeof ssh2.utils.generateKeyPairSync>;
/** ssh2 now and then makes a key that it cannot read back: such a one is thrown away. */
const readable = (make: () => Key, passphrase?: string): Key => {
  for (;;) {
    const key = make();
    if (!(ssh2.utils.parseKey(key.private, passphrase) instanceof Error)) return key;
  }
};
export const newKey = (passphrase?: string): Key =>
  passphrase === undefined
    ? readable(() => ssh2.utils.generateKeyPairSync('ed25519'))
    : readable(
        () => ssh2.utils.generateKeyPairSync('ed25519', { passphrase, cipher: 'aes256-ctr', rounds: 1 }),
        passphrase,
      );
export const newEcdsaKey = (): Key => readable(() => ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }));

export interface Sshd {
  readonly port: number;
  /** Lines for known_hosts, one for each host key. */
  readonly known: readonly string[];
  readonly commands: string[];
  /** Sizes of pseudo-terminals: as they were asked for, and as they became. */
  readonly ptys: string[];
  /** Whether pseudo-terminals are given. */
  givesPty: boolean;
  connections: number;
  forwards: number;
  running: number;
  mostRunning: number;
  /** Decides over each command: null runs it. */
  onCommand: (command: string) => 'run' | 'cut-before' | 'cut-after' | 'swallow' | Cut | Play;
  /** Whether sessions are begun: what asks for one is not even refused otherwise. */
  opensSessions: boolean;
  /** Destroys all sockets, as a network does. */
  cut(): void;
  close(): Promise<void>;
}

/** Runs it, and cuts after so many bytes of the answer. */
interface Cut {
  readonly cutAfterBytes: number;
}

/** Answers in its own way. */
type Play = (stream: ServerChannel) => void;

export const defaultPath = '/usr/sbin:/sbin:/usr/bin:/bin';

export interface SshdOptions {
  readonly hostKeys: readonly Key[];
  readonly user: string;
  readonly authorized: readonly Key[];
  readonly path?: string;
  readonly shell?: string;
}

export const startSshd = async (options: SshdOptions): Promise<Sshd> => {
  const sockets = new Set<Socket>();
  const open: { sshd?: Sshd } = {};
  const publicKeys = new Set(
    options.authorized.map((key) => {
      const parsed = ssh2.utils.parseKey(key.public);
      if (parsed instanceof Error) throw parsed;
      return [parsed].flat()[0]?.getPublicSSH().toString('base64');
    }),
  );
  const server = new ssh2.Server({ hostKeys: options.hostKeys.map((key) => key.private) }, (client) => {
    const sshd = open.sshd;
    if (sshd === undefined) return;
    client.on('error', () => {});
    client.on('authentication', (ctx) => {
      if (ctx.method === 'none') ctx.reject(['publickey']);
      else if (ctx.username !== options.user || ctx.method !== 'publickey') ctx.reject(['publickey']);
      else if (publicKeys.has(ctx.key.data.toString('base64'))) ctx.accept();
      else ctx.reject(['publickey']);
    });
    client.on('ready', () => {
      sshd.connections++;
      client.on('tcpip', (accept, reject, info) => {
        const socket = connect(info.destPort, info.destIP);
        socket.once('error', () => reject());
        socket.once('connect', () => {
          sshd.forwards++;
          const stream = accept();
          stream.on('error', () => {});
          socket.pipe(stream).pipe(socket);
          stream.once('close', () => socket.destroy());
          socket.on('error', () => {});
        });
      });
      client.on('session', (accept) => {
        if (!sshd.opensSessions) return;
        const session = accept();
        session.on('exec', (acceptExec, _reject, info) => run(sshd, acceptExec(), info.command));
        session.on(
          'pty',
          (acceptPty, rejectPty, { term, cols, rows }: { term?: string; cols: number; rows: number }) => {
            sshd.ptys.push(`${term} ${cols}x${rows}`);
            if (sshd.givesPty) acceptPty();
            else rejectPty();
          },
        );
        session.on('window-change', (_accept, _reject, { cols, rows }) => sshd.ptys.push(`${cols}x${rows}`));
      });
    });
  });
  const run = (sshd: Sshd, stream: ServerChannel, command: string): void => {
    sshd.commands.push(command);
    const verdict = sshd.onCommand(command);
    stream.on('error', () => {});
    if (verdict === 'swallow') return;
    if (typeof verdict === 'function') {
      verdict(stream);
      return;
    }
    if (verdict === 'cut-before') {
      sshd.cut();
      return;
    }
    sshd.running++;
    sshd.mostRunning = Math.max(sshd.mostRunning, sshd.running);
    const shell = options.shell ?? 'sh';
    const ours = command
      .replace(/^exec ((?:sudo -n )?)sh /, `exec $1${shell} `)
      .replace('PATH=/usr/sbin:', shell.startsWith('/') ? `PATH=${dirname(shell)}:/usr/sbin:` : '$&');
    const child = spawn(shell, ['-c', ours], {
      env: { PATH: options.path ?? defaultPath, HOME: '/' },
    });
    let sent = 0;
    child.stdin.on('error', () => {});
    stream.pipe(child.stdin);
    stream.once('close', () => child.stdin.end());
    child.stdout.on('data', (data: Buffer) => {
      if (verdict === 'cut-after') return;
      if (typeof verdict === 'object' && sent + data.length > verdict.cutAfterBytes) {
        stream.write(data.subarray(0, verdict.cutAfterBytes - sent));
        setTimeout(() => sshd.cut(), 20);
        return;
      }
      sent += data.length;
      stream.write(data);
    });
    child.stderr.on('data', (data: Buffer) => stream.stderr.write(data));
    child.once('close', (code) => {
      sshd.running--;
      if (verdict === 'cut-after') sshd.cut();
      else {
        stream.exit(code ?? 255);
        stream.end();
      }
    });
  };
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    server.injectSocket(socket);
  });
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
  const { port } = tcp.address() as AddressInfo;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const sshd: Sshd = {
    port,
    known: options.hostKeys.map((key) => `[127.0.0.1]:${port} ${key.public.split(' ').slice(0, 2).join(' ')}`),
    commands: [],
    ptys: [],
    givesPty: true,
    opensSessions: true,
    connections: 0,
    forwards: 0,
    running: 0,
    mostRunning: 0,
    onCommand: () => 'run',
    cut,
    close: () =>
      new Promise((resolve) => {
        tcp.close(() => resolve());
        cut();
      }),
  };
  open.sshd = sshd;
  return sshd;
};

/** A home with `.ssh`, and folders for a dom0's state; gone after the test. */
export interface Home {
  readonly dir: string;
  /** Writes below `.ssh` and gives the full path. */
  ssh(name: string, text: string): string;
  remove(): void;
}

export const newHome = (): Home => {
  const dir = mkdtempSync(join(tmpdir(), 'reeve-transport-'));
  mkdirSync(join(dir, '.ssh'));
  return {
    dir,
    ssh: (name, text) => {
      const path = join(dir, '.ssh', name);
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
};

export const testEnv = (home: Home, more: Partial<TransportEnv> = {}): TransportEnv => ({
  home: home.dir,
  user: 'tester',
  agent: undefined,
  passphrase: undefined,
  prompt: undefined,
  now: () => performance.now(),
  random: (n) => randomBytes(n),
  dir: join(home.dir, 'run'),
  ...more,
  deadlines: { connect: 5000, beat: 200, silence: 2000, reconnect: 8000, drain: 8000, margin: 8000, ...more.deadlines },
});

export const specOf = (name: string, address: string, ssh: Partial<SshSpec> = {}): ServerSpec => ({
  name,
  pool: 'p',
  address,
  migration: undefined,
  state: 'active',
  roles: ['utility', 'vm'],
  fence: undefined,
  origin: { file: 'farm.yaml', pointer: '' },
  ssh: {
    user: undefined,
    port: undefined,
    identityFile: undefined,
    knownHosts: undefined,
    jump: undefined,
    sudo: undefined,
    connectTimeout: undefined,
    ...ssh,
  },
});

/** Answers its arguments and standard text as it came. */
export const program = (
  text: string,
  args: readonly string[] = [],
  deadlineMs = 10_000,
): ReadProgram<{ readonly text: string; readonly nonce: string }> =>
  readProgram({
    text,
    args,
    deadlineMs,
    decode: (answer, nonce) => ({ text: Buffer.from(answer).toString('utf8'), nonce }),
  });

export const holder = (epoch: string): Holder => ({
  who: `me\\n'${epoch}`,
  from: 'here',
  since: '2024-01-01T00:00:00Z',
  epoch,
});
