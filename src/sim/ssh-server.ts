/** The real SSH server in front of a simulated dom0: its own host key, one client key, the five texts and the console. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import ssh2 from 'ssh2';
import type { Connection, ServerChannel } from 'ssh2';
import { Off } from './clock.ts';
import { parseCommand } from './command-line.ts';
import { console } from './console.ts';
import { hold, op, wait, write, type Io, type Text } from './control-texts.ts';
import { whats, type Cut, type Dom0, type What } from './dom0.ts';
import { makeKey } from './key.ts';
import { Stuck } from './mounts.ts';
import { observe } from './observe-text.ts';

/** sshd's own limit. */
const maxSessions = 10;

/** By text, in hex; `console` may be missing. */
type Digests = Readonly<Record<What, string>> & { readonly console?: string | undefined };

const texts: Readonly<Record<Exclude<What, 'observe'>, Text>> = { hold, op, wait, write };

/** The input of a channel, by lines or whole. */
const inputOf = (channel: ServerChannel): Pick<Io, 'line' | 'rest'> => {
  let buffered = Buffer.alloc(0);
  let ended = false;
  let stir = (): void => {};
  channel.on('data', (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    stir();
  });
  const finish = (): void => {
    ended = true;
    stir();
  };
  channel.on('end', finish).on('close', finish);
  const until = <T>(get: () => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      stir = () => {
        const got = get();
        if (got === undefined) return;
        // What comes after it is the next one's.
        stir = () => {};
        resolve(got);
      };
      stir();
    });
  return {
    line: () =>
      until(() => {
        const at = buffered.indexOf(10);
        if (at < 0) return ended ? null : undefined;
        const line = buffered.subarray(0, at).toString();
        buffered = buffered.subarray(at + 1);
        return line;
      }),
    rest: () => until(() => (ended ? buffered : undefined)),
  };
};

/** The first cut that fits this command is used up by it. */
const takeCut = (dom0: Dom0, what: What): Cut | undefined => {
  const at = dom0.faults.cuts.findIndex((c) => c.what === undefined || c.what === what);
  return at < 0 ? undefined : dom0.faults.cuts.splice(at, 1)[0];
};

const run = async (
  dom0: Dom0,
  digests: Digests,
  user: string,
  line: string,
  channel: ServerChannel,
  socket: Socket,
): Promise<void> => {
  const finish = (rc: number): void => {
    if (channel.destroyed) return;
    channel.exit(rc);
    channel.end();
  };
  const complain = (rc: number, message: string): void => {
    channel.stderr.write(`${message}\n`);
    finish(rc);
  };
  const command = parseCommand(line);
  const digest = command === null ? '' : createHash('sha256').update(command.text).digest('hex');
  const what = whats.find((w) => digests[w] === digest);
  if (command !== null && what === undefined && digest === digests.console)
    return finish(await console(dom0.world, command.args, channel));
  if (command === null || what === undefined)
    return complain(127, 'sim: this dom0 has no shell; it knows the five texts of Reeve by their sha256 only');
  if (command.sudo && dom0.faults.noSudo) return complain(1, 'sudo: a password is required');
  dom0.counts.commands[what] += 1;
  const cut = takeCut(dom0, what);
  if (cut?.after === 'request') {
    socket.destroy();
    return undefined;
  }
  const input = inputOf(channel);
  let left = cut?.after ?? Infinity;
  const io: Io = {
    ...input,
    write: (data) => {
      const bytes = Buffer.from(data as Uint8Array);
      if (channel.destroyed || left < 0) return;
      if (bytes.length < left) channel.write(bytes);
      else {
        // What was said so far must still get through: the socket goes when it is empty.
        channel.write(bytes.subarray(0, left), () => setImmediate(() => socket.destroySoon()));
        left = 0;
      }
      left -= bytes.length;
    },
  };
  const privileged = command.sudo || user === 'root';
  if (what === 'observe') {
    const answer = observe(dom0, command.args, privileged);
    await dom0.world.clock.during(dom0.world.clock.sleep(dom0.readMs + answer.ms));
    io.write(answer.bytes);
    if (cut === undefined) finish(0);
    return undefined;
  }
  if (!privileged) {
    io.write(`FAILED cannot write to ${command.args[0] ?? ''}: Permission denied\n`);
    return finish(74);
  }
  const rc = await texts[what](dom0, command.args, io);
  if (left >= 0) finish(rc);
  return undefined;
};

export interface SshServer {
  readonly port: number;
  /** For known_hosts. */
  readonly hostKeyLine: string;
  /** Whether it accepts connections. */
  answers(): boolean;
  /** Whether connections are accepted; those that stand are dropped when no longer. */
  accept(on: boolean): Promise<void>;
  /** Drops all connections that stand. */
  drop(): void;
  close(): Promise<void>;
}

const listen = (server: NetServer, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });

/** `clientKey`: the public key that may log in, as any user. */
export const startSshServer = async (
  dom0: Dom0,
  digests: Digests,
  clientKey: {
    readonly type: string;
    getPublicSSH(): Buffer;
    verify(data: Buffer, signature: Buffer, algo?: string): boolean | Error;
  },
): Promise<SshServer> => {
  const hostKey = makeKey();
  const sockets = new Set<Socket>();
  let arriving: Socket | undefined;
  const ssh = new ssh2.Server(
    { hostKeys: [hostKey.private], ident: 'OpenSSH_9.2p1 Debian-2' },
    (client: Connection) => {
      const socket = arriving;
      let user = '';
      let sessions = 0;
      client.on('error', () => {});
      client.on('authentication', (context) => {
        user = context.username;
        if (context.method !== 'publickey') return context.reject(['publickey']);
        const right = context.key.data.equals(clientKey.getPublicSSH());
        const signed =
          context.signature === undefined ||
          context.blob === undefined ||
          clientKey.verify(context.blob, context.signature, context.hashAlgo) === true;
        return right && signed ? context.accept() : context.reject(['publickey']);
      });
      client.on('session', (accept, reject) => {
        if (sessions >= maxSessions) return reject();
        sessions += 1;
        const session = accept();
        session.on('close', () => {
          sessions -= 1;
        });
        session.on('pty', (acceptPty) => acceptPty?.());
        session.on('window-change', (acceptChange) => acceptChange?.());
        session.on('exec', (acceptExec, _rejectExec, info) => {
          const channel = acceptExec();
          channel.on('error', () => {});
          if (socket === undefined) return;
          run(dom0, digests, user, info.command, channel, socket).catch((error: unknown) => {
            // It sleeps on a dead export, or went with its dom0: either way, no answer comes.
            if (!(error instanceof Stuck || error instanceof Off)) throw error;
          });
        });
        return undefined;
      });
    },
  );
  const net = createServer((socket) => {
    dom0.counts.connections += 1;
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    arriving = socket;
    ssh.injectSocket(socket);
  });
  const port = await listen(net, 0);
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      net.close(() => resolve());
      drop();
    });
  return {
    port,
    hostKeyLine: `[127.0.0.1]:${port} ${hostKey.public.trim()}`,
    drop,
    answers: () => net.listening,
    accept: async (on) => {
      if (on === net.listening) return;
      if (on) await listen(net, port);
      else await stop();
    },
    close: async () => {
      if (net.listening) await stop();
      else drop();
    },
  };
};
