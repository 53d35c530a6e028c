/** Dials one SSH server with ssh2, strictly: its host key must be known. Also through a jump host. */
import type { Duplex } from 'node:stream';
import { Client, type ClientChannel, type ExecOptions } from 'ssh2';
import { hostPattern, type KnownKey } from '../core/known-hosts.ts';
import type { Unknown } from '../core/port.ts';
import type { Channel, Ending, Link, Pty } from './channel.ts';
import type { Deadlines } from './env.ts';
import { type Keys, takesKeys } from './keys.ts';
import { algorithmOrder, fingerprint, judge, knownKeys, typeOfKey } from './knownhosts.ts';
import type { Hop } from './route.ts';
import { connectFailure, connectTimeout, lost, unknown } from './unknown.ts';

const keyRefused = (hop: Hop, known: readonly KnownKey[], key: Buffer): Unknown | null => {
  const verdict = judge(known, key);
  const name = hostPattern(hop.keyName, hop.port);
  const type = typeOfKey(key);
  const file = hop.knownHosts[0] ?? '';
  switch (verdict.is) {
    case 'known':
      return null;
    case 'new':
      return unknown(
        'host-key-unknown',
        `${hop.label}: its host key is not known (${type} ${fingerprint(key)})`,
        `Compare the fingerprint with the server's own (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub there). ` +
          `If it is right, append this line to ${file}:\n${name} ${type} ${key.toString('base64')}`,
      );
    case 'changed':
      return unknown(
        'host-key-changed',
        `${hop.label}: its host key is not the one in ${verdict.at.file} line ${verdict.at.line} (it shows ${type} ${fingerprint(key)})`,
        `Somebody may be listening in between. If the server was installed anew, remove that line ` +
          `(ssh-keygen -f ${verdict.at.file} -R '${name}') and append:\n${name} ${type} ${key.toString('base64')}`,
      );
    case 'revoked':
      return unknown(
        'host-key-changed',
        `${hop.label}: its host key is marked @revoked in ${verdict.at.file} line ${verdict.at.line}`,
        'Give the server a new host key, and its line to known_hosts.',
      );
  }
};

const refusal = (hop: Hop, tried: readonly string[], left: readonly string[] | null, ended?: string): Unknown =>
  unknown(
    'authentication',
    `${hop.label}: login as ${hop.user} was refused${ended === undefined ? '' : ` (${ended})`}; tried: ${tried.join('; ') || 'nothing'}`,
    left !== null && !left.includes('publickey')
      ? `The server takes no keys (only ${left.join(', ')}); Reeve logs in with keys.`
      : `Append your public key to ~${hop.user}/.ssh/authorized_keys there, or name the right key: ssh: { identityFile: … }.`,
  );

/** ssh2 takes `false` for "nothing more to offer"; its types leave that out. */
const noMore = false as unknown as 'none';

/** With what, and for how long, a hop is dialled. */
export interface Dialling {
  readonly keys: Keys;
  readonly connectMs: number;
  readonly deadlines: Deadlines;
  /** Calls it off. */
  readonly signal: AbortSignal;
}

/** Connects and logs in to `hop`, over `sock` where it stands behind another. Never rejects. */
export const dial = async (
  hop: Hop,
  sock: Duplex | undefined,
  { keys, connectMs, deadlines, signal }: Dialling,
): Promise<Client | Unknown> => {
  const known = await knownKeys(hop.knownHosts, hop.keyName, hop.port);
  if (typeof known === 'string')
    return unknown(
      'host-key-unknown',
      `${hop.label}: ${known}`,
      'Mend that file, or name another as `ssh.knownHosts`.',
    );
  const client = new Client();
  const tried: string[] = [];
  const offers = keys.offers(hop, tried);
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    let left: readonly string[] | null = null;
    let keyTrouble: Unknown | null = null;
    let loggingIn = false;
    let settled = false;
    const settle = (result: Client | Unknown): void => {
      clearTimeout(timer);
      if (settled) return;
      settled = true;
      signal.removeEventListener('abort', calledOff);
      if (result !== client) client.destroy();
      resolve(result);
    };
    const calledOff = (): void => settle(lost(hop.label, 'it is closed'));
    signal.addEventListener('abort', calledOff);
    if (signal.aborted) {
      calledOff();
      return;
    }
    const limit = (): void => {
      clearTimeout(timer);
      if (!settled) timer = setTimeout(() => settle(connectTimeout(hop.label, hop.host, hop.port)), connectMs);
    };
    client.on('error', (error: Error & { level?: string; code?: unknown }) => {
      if (keyTrouble !== null) settle(keyTrouble);
      else if (error.level === 'agent') tried.push(`the agent failed (${error.message})`);
      else if (loggingIn)
        settle(refusal(hop, tried, left, error.level === 'client-authentication' ? undefined : error.message));
      else settle(connectFailure(hop.label, hop.host, hop.port, error));
    });
    client.once('close', () => {
      const error = new Error('it closed the connection');
      settle(
        loggingIn ? refusal(hop, tried, left, error.message) : connectFailure(hop.label, hop.host, hop.port, error),
      );
    });
    client.once('ready', () => {
      // A command is two small packets: Nagle would hold the second back until the first is acknowledged, some 40 ms.
      client.setNoDelay(true);
      settle(client);
    });
    limit();
    client.connect({
      host: hop.host,
      port: hop.port,
      username: hop.user,
      ...(sock === undefined ? {} : { sock }),
      readyTimeout: 0,
      keepaliveInterval: deadlines.beat,
      keepaliveCountMax: Math.ceil(deadlines.silence / deadlines.beat),
      algorithms: { serverHostKey: algorithmOrder(known) },
      hostVerifier: (key: Buffer) => {
        keyTrouble = keyRefused(hop, known, key);
        return keyTrouble === null;
      },
      authHandler: (methods, _partial, next) => {
        loggingIn = true;
        left = methods;
        if (!takesKeys(methods)) {
          next(noMore);
          return;
        }
        // Time that a person takes to answer does not count.
        clearTimeout(timer);
        void offers.next().then(({ value, done }) => {
          if (settled) return;
          limit();
          next(done === true ? noMore : value);
        });
      },
    });
  });
};

/** A stream from `client` on to the next hop. */
export const forward = (client: Client, hop: Hop, connectMs: number): Promise<Duplex | Unknown> =>
  new Promise((resolve) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      resolve(connectTimeout(hop.label, hop.host, hop.port));
    }, connectMs);
    const settle = (result: Duplex | Unknown): void => {
      clearTimeout(timer);
      resolve(result);
    };
    try {
      client.forwardOut(
        '127.0.0.1',
        0,
        hop.host,
        hop.port,
        (error: (Error & { reason?: unknown }) | undefined, stream) => {
          if (isLate && (error === undefined || error === null)) stream.destroy();
          if (error === undefined || error === null) settle(stream);
          else if (/not known|unknown host|resolve/i.test(error.message))
            settle(unknown('name-not-found', `${hop.label}: the jump host does not know the name ${hop.host}`));
          else
            settle(
              unknown(
                'unreachable',
                `${hop.label}: the jump host cannot reach port ${hop.port} of it: ${error.message}`,
                'Does the jump host allow forwarding (AllowTcpForwarding), and is the server up?',
              ),
            );
        },
      );
    } catch (error) {
      settle(lost(hop.label, error instanceof Error ? error.message : undefined));
    }
  });

const channelOf = (stream: ClientChannel): Channel => {
  const ended = new Promise<Ending>((resolve) => {
    let seen: Ending = 'lost';
    stream.once('exit', (rc: number | null) => {
      seen = { rc };
    });
    stream.once('close', () => resolve(seen));
  });
  return {
    stdin: stream,
    stdout: stream,
    stderr: stream.stderr,
    ended,
    resize: (columns, rows) => {
      stream.setWindow(rows, columns, 0, 0);
    },
    abandon: () => {
      stream.resume();
      stream.stderr.resume();
      stream.close();
    },
  };
};

const execOptions = (pty: Pty | undefined): ExecOptions =>
  pty === undefined ? {} : { pty: { term: pty.type, cols: pty.columns, rows: pty.rows } };

/** Why a session did not begin; null: the connection went. */
const sessionRefusal = (label: string, error: Error & { reason?: unknown }): Unknown | null => {
  if (error.message === 'Unable to exec')
    return unknown(
      'permission',
      `${label}: the SSH server refuses to run commands for this user`,
      'Does a ForceCommand stand in its way?',
    );
  if (/pseudo-terminal/.test(error.message))
    return unknown(
      'permission',
      `${label}: the SSH server gives no terminal to this user`,
      'Does PermitTTY or a restriction of the key stand in its way?',
    );
  if (error.reason === undefined) return null;
  return unknown(
    'permission',
    `${label}: the SSH server allows no further session: ${error.message}`,
    'Set MaxSessions to 10 (its default) or more in its sshd_config.',
  );
};

/** Commands over a client that is logged in. A session that does not begin within `openMs` is given up. */
export const sshLink = (client: Client, label: string, openMs: number): Link => {
  let why: string | undefined;
  let gone = false;
  const down = new Promise<string | undefined>((resolve) => {
    client.on('error', (error) => {
      why = error.message;
    });
    client.once('close', () => {
      gone = true;
      resolve(why);
    });
  });
  const open: Link['open'] = (command, pty) =>
    new Promise((resolve) => {
      let isLate = false;
      const late = setTimeout(() => {
        isLate = true;
        resolve(unknown('timeout', `${label}: the SSH server begins no session`, 'Look what hangs on the server.'));
      }, openMs);
      const settle = (result: Channel | Unknown): void => {
        clearTimeout(late);
        resolve(result);
      };
      try {
        client.exec(command, execOptions(pty), (error: (Error & { reason?: unknown }) | undefined, stream) => {
          if (error === undefined || error === null) {
            const channel = channelOf(stream);
            if (isLate) channel.abandon();
            settle(channel);
            return;
          }
          // A connection that goes refuses whatever is asked for, and says only then that it is gone.
          setImmediate(() => settle((gone ? null : sessionRefusal(label, error)) ?? lost(label, why)));
        });
      } catch {
        settle(lost(label, why));
      }
    });
  return {
    down,
    open,
    close: async () => {
      client.end();
      const grace = setTimeout(() => client.destroy(), 2000);
      await down;
      clearTimeout(grace);
    },
    drop: () => {
      client.destroy();
    },
  };
};
