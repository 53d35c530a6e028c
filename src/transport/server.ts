/** One server's one connection: opened at first use, kept, opened anew after a loss; at most eight commands at a time on it. */
import PQueue from 'p-queue';
import type { Client } from 'ssh2';
import { isUnknown, type Unknown } from '../core/port.ts';
import { sortedBy } from '../core/order.ts';
import type { ServerSpec } from '../kinds/server/spec.ts';
import { collect, type Answer, type Channel, type Cut, type Limits, type Link, type Pty } from './channel.ts';
import { deadlinesOf, type TransportEnv, within } from './env.ts';
import { type Keys, openKeys } from './keys.ts';
import { localLink } from './local.ts';
import { commandLine, type What } from './quote.ts';
import { type Hop, routeTo } from './route.ts';
import { dial, type Dialling, forward, sshLink } from './ssh.ts';
import { lost, notWhole, tooLate, unknown } from './unknown.ts';

/** sshd allows ten sessions on a connection; one is the hold's, one is spare. */
const atOnce = 8;

/** A text that is run to its end. */
export interface Run {
  readonly what: What;
  readonly text: string;
  readonly args: readonly string[];
  /** A moment of the clock, for all of it: connecting, waiting for its turn, and the answer. */
  readonly until: number;
  readonly limits: Omit<Limits, 'wholeMs'>;
  readonly input?: Uint8Array | undefined;
  /** What the part that came says of where it broke off; null: nothing. */
  readonly told?: (out: Buffer) => string | null;
}

/** An answer that comes too late says where it broke off: it may do so before all is called off. */
const lateMs = 50;

export interface Server {
  /** `dom01 (xen.lan)`, for messages. */
  readonly label: string;
  /** Runs a text to its end, in turn. Never rejects. */
  run(command: Run): Promise<Answer | Unknown>;
  /** Starts a text and leaves its channel to the caller, out of turn. `pty`: with a pseudo-terminal. */
  open(what: What, text: string, args: readonly string[], pty?: Pty): Promise<Channel | Unknown>;
  /** Why an answer shows that the text was not even begun; null where it does not. */
  refusal(answer: Answer): Unknown | null;
  /** Tries again what may be done twice, while the connection gets lost, until `until` (on the caller's clock). */
  persist<T>(until: number, attempt: () => Promise<T | Unknown>): Promise<T | Unknown>;
  close(): Promise<void>;
}

/** Connections to jump hosts, one each, shared by all the servers behind. */
interface Jumps {
  /** Null: there is nothing to go through. */
  through(hops: readonly Hop[]): Promise<Client | Unknown | null>;
  close(): void;
}

const dialOver = async (via: Client | null, hop: Hop, how: Dialling): Promise<Client | Unknown> => {
  const sock = via === null ? undefined : await forward(via, hop, how.connectMs);
  if (sock !== undefined && isUnknown(sock)) return sock;
  return dial(hop, sock, how);
};

const openJumps = (keys: Keys, env: TransportEnv): Jumps => {
  const deadlines = deadlinesOf(env);
  const closing = new AbortController();
  const how: Dialling = { keys, connectMs: deadlines.connect, deadlines, signal: closing.signal };
  const open = new Map<string, Promise<Client | Unknown>>();
  const clients = new Set<Client>();
  const through = async (hops: readonly Hop[]): Promise<Client | Unknown | null> => {
    const hop = hops.at(-1);
    if (hop === undefined) return null;
    const key = JSON.stringify(hops.map(({ host, port, user, identities }) => [host, port, user, identities.files]));
    const found = open.get(key);
    if (found !== undefined) return found;
    const dialled = through(hops.slice(0, -1)).then((via) => (isUnknown(via) ? via : dialOver(via, hop, how)));
    open.set(key, dialled);
    const client = await dialled;
    if (isUnknown(client)) open.delete(key);
    else {
      clients.add(client);
      client.on('error', () => {
        // What it carried gets lost with it and says so.
      });
      client.once('close', () => {
        open.delete(key);
        clients.delete(client);
      });
    }
    return client;
  };
  return {
    through,
    close: () => {
      closing.abort();
      for (const client of clients) client.end();
    },
  };
};

/** What sudo, or the shell in its place, says when it may not run the command. */
const sudoTrouble = (label: string, answer: Answer): Unknown | null => {
  if (answer.rc === 0 || answer.out.length > 0) return null;
  const said = answer.err.split('\n').find((line) => line.includes('sudo'));
  if (said === undefined) return null;
  return unknown(
    'permission',
    `${label}: sudo is not allowed to run as root without asking: ${said.trim()}`,
    'Give the user a line "USER ALL=(root) NOPASSWD: ALL" in /etc/sudoers.d there, or log in as root.',
  );
};

const openServer = (spec: ServerSpec, env: TransportEnv, keys: Keys, jumps: Jumps): Server => {
  const local = spec.address === 'local';
  const label = local ? `${spec.name} (local)` : `${spec.name} (${spec.address})`;
  const deadlines = deadlinesOf(env);
  const queue = new PQueue({ concurrency: atOnce });
  const unreached = new WeakSet<Unknown>();
  let current: Promise<Link | Unknown> | undefined;
  let reached = false;
  let closed = false;
  let sudo = false;
  const closing = new AbortController();

  const connect = async (): Promise<Link | Unknown> => {
    if (local) {
      sudo = spec.ssh.sudo ?? env.user !== 'root';
      return localLink(label);
    }
    const hops = await routeTo(spec, env);
    if (typeof hops === 'string') return unknown('unreachable', `${label}: ${hops}`);
    const hop = hops.at(-1) ?? hops[0];
    sudo = spec.ssh.sudo ?? hop.user !== 'root';
    const via = await jumps.through(hops.slice(0, -1));
    if (isUnknown(via)) return via;
    const connectMs = spec.ssh.connectTimeout ?? deadlines.connect;
    const client = await dialOver(via, hop, { keys, connectMs, deadlines, signal: closing.signal });
    return isUnknown(client) ? client : sshLink(client, label, deadlines.silence);
  };

  const link = (): Promise<Link | Unknown> => {
    if (closed) return Promise.resolve(lost(label, 'it is closed'));
    if (current !== undefined) return current;
    const opening = connect();
    current = opening;
    const forget = (): void => {
      if (current === opening) current = undefined;
    };
    void opening.then(async (opened) => {
      if (isUnknown(opened)) unreached.add(opened);
      else {
        reached = true;
        await opened.down;
      }
      forget();
    });
    return opening;
  };

  const open: Server['open'] = async (what, text, args, pty) => {
    const way = await link();
    return isUnknown(way) ? way : way.open(commandLine(what, text, args, sudo), pty);
  };

  const refusal: Server['refusal'] = (answer) => (sudo ? sudoTrouble(label, answer) : null);

  /** A far side that sends without end is let go of at once: it keeps to no rules. */
  const broken = async ({ cut, out }: Cut, { limits, told }: Run): Promise<Unknown> => {
    if (cut === 'lost') return lost(label, 'before the answer was complete');
    const part = told?.(out) ?? null;
    if (cut === 'late') return tooLate(label, part);
    if (cut === 'too-big') {
      const way = await current;
      current = undefined;
      if (way !== undefined && !isUnknown(way)) way.drop();
    }
    return notWhole(label, cut, limits, part);
  };

  const run = async (command: Run): Promise<Answer | Unknown> => {
    const { what, text, args, limits, input, until } = command;
    if (env.now() >= until) return tooLate(label, null);
    const channel = await open(what, text, args);
    if (isUnknown(channel)) return channel;
    const wholeMs = Math.max(0, until - env.now());
    const answer = await collect(channel, input, { ...limits, wholeMs });
    return 'cut' in answer ? broken(answer, command) : (refusal(answer) ?? answer);
  };

  /** Worth another try: a loss, or a server that was there a moment ago. */
  const passing = (why: Unknown): boolean =>
    why.reason === 'lost' ||
    (reached && unreached.has(why) && ['unreachable', 'timeout', 'name-not-found'].includes(why.reason));

  return {
    label,
    open,
    refusal,
    run: async (command) => {
      const done = await within(
        queue.add(() => run(command)),
        command.until + lateMs,
        env.now,
      );
      return done === 'late' ? tooLate(label, null) : done;
    },
    persist: async (until, attempt) => {
      for (let pause = 250; ; pause = Math.min(pause * 2, 5000)) {
        const result = await attempt();
        if (!isUnknown(result) || closed || !passing(result) || env.now() + pause > until) return result;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    },
    close: async () => {
      closed = true;
      closing.abort();
      const opened = await current;
      if (opened !== undefined && !isUnknown(opened)) await opened.close();
    },
  };
};

/** Servers by name. Asking for one that is not among them is a bug, and throws. */
export interface Servers {
  get(name: string): Server;
  close(): Promise<void>;
}

export const openServers = (specs: readonly ServerSpec[], env: TransportEnv): Servers => {
  const keys = openKeys(env);
  const jumps = openJumps(keys, env);
  const servers = new Map(sortedBy(specs, (s) => s.name).map((s) => [s.name, openServer(s, env, keys, jumps)]));
  return {
    get: (name) => {
      const server = servers.get(name);
      if (server === undefined) throw new RangeError(`no server is named ${name}`);
      return server;
    },
    close: async () => {
      await Promise.all([...servers.values()].map((server) => server.close()));
      jumps.close();
    },
  };
};
