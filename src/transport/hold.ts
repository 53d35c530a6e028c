/** A server's lock from this side: taking it, keeping it alive, noticing its loss, taking it again, letting go. */
import { isObject, parseJson } from '../core/json.ts';
import { isUnknown, type Holder, type Unknown } from '../core/port.ts';
import { formatDuration } from '../core/quantity.ts';
import type { Channel } from './channel.ts';
import { deadlinesOf, type TransportEnv } from './env.ts';
import type { Server } from './server.ts';
import { holdText } from './texts.ts';
import { lost, unknown } from './unknown.ts';

/** A lock that is held, as long as its channel lives. */
interface Grip {
  alive(): boolean;
  release(): Promise<void>;
}

const isText = (x: unknown): x is string => typeof x === 'string';

/** The owner file's JSON; null where it is none. */
export const parseHolder = (text: string): Holder | null => {
  const read = parseJson(text);
  if (!read.ok || !isObject(read.value)) return null;
  const { who, from, since, epoch } = read.value;
  return isText(who) && isText(from) && isText(since) && isText(epoch) ? { who, from, since, epoch } : null;
};

type Grasp = Grip | { readonly is: 'busy'; readonly by: Holder | null } | Unknown;

const isGrip = (x: Grasp | Unknown): x is Grip => 'release' in x;

/** How often a lock that still drains looks whether it may go on. */
const drainBeatMs = 1000;
const releaseMs = 5000;
/** Bytes, of both streams. A line a second while it drains is a tenth of it. */
const mostSaid = 64 * 1024;

/**
 * One try. Our own earlier hold that the server has not given up yet is reported as `lost`: worth another try. Before the first try
 * there is none, so this run has the machine under another name.
 */
const grasp = async (
  server: Server,
  env: TransportEnv,
  who: Holder,
  turn: 'first' | 'next' | 'again',
): Promise<Grasp> => {
  const { beat, silence, drain } = deadlinesOf(env);
  const args = [env.dir ?? '/run/reeve', who.epoch, String(Math.ceil(silence / 1000)), JSON.stringify(who)];
  const channel: Channel | Unknown = await server.open('hold', holdText, turn === 'again' ? [...args, 'again'] : args);
  if (isUnknown(channel)) return channel;
  channel.stdin.on('error', () => {
    // The channel's end says it.
  });
  const send = (): void => {
    channel.stdin.write('beat\n');
  };
  send();
  let beats = setInterval(send, beat);
  let alive = true;
  void channel.ended.then(() => {
    alive = false;
    clearInterval(beats);
  });
  let out = '';
  let err = '';
  let said = 0;
  const timers: NodeJS.Timeout[] = [];
  const first = await new Promise<'OK' | 'ended' | 'timeout' | 'silent' | 'flood'>((resolve) => {
    const quiet = setTimeout(() => resolve('silent'), silence);
    timers.push(
      quiet,
      setTimeout(() => resolve('timeout'), drain),
    );
    // Nothing that holds a lock has so much to say, before or after: it is not believed.
    const hears = (data: Buffer): boolean => {
      said += data.length;
      if (said <= mostSaid) return true;
      alive = false;
      clearInterval(beats);
      channel.abandon();
      resolve('flood');
      return false;
    };
    void channel.ended.then(() => resolve('ended'));
    channel.stderr.on('data', (data: Buffer) => {
      if (hears(data)) err += data.toString('utf8');
    });
    channel.stdout.on('data', (data: Buffer) => {
      quiet.refresh();
      if (!hears(data)) return;
      const draining = out.startsWith('BUSY\n');
      out += data.toString('utf8');
      if (/^OK$/m.test(out) && out.endsWith('\n')) resolve('OK');
      if (draining || !out.startsWith('BUSY\n')) return;
      clearInterval(beats);
      if (alive) beats = setInterval(send, Math.min(drainBeatMs, beat));
    });
  });
  for (const timer of timers) clearTimeout(timer);
  const letGo = async (): Promise<void> => {
    clearInterval(beats);
    channel.stdin.end();
    const grace = setTimeout(() => channel.abandon(), releaseMs);
    await Promise.race([channel.ended, new Promise((resolve) => setTimeout(resolve, 2 * releaseMs).unref())]);
    clearTimeout(grace);
  };
  if (first === 'OK') {
    clearInterval(beats);
    if (alive) beats = setInterval(send, beat);
    return { alive: () => alive, release: letGo };
  }
  if (first === 'timeout') {
    await letGo();
    return unknown(
      'timeout',
      `${server.label}: operations of an earlier run are still running`,
      '`reeve unlock` shows them, and what of them may be killed.',
    );
  }
  if (first === 'silent') {
    await letGo();
    return unknown(
      'timeout',
      `${server.label}: the lock was neither given nor refused within ${formatDuration(silence)}`,
      'Look what hangs on the server.',
    );
  }
  if (first === 'flood')
    return unknown('unparsable', `${server.label}: what was to take the lock said more than ${mostSaid / 1024} KiB`);
  const [word = '', ...rest] = out.split('\n');
  if (word === 'HELD' || word === 'FENCED') {
    const by = parseHolder(rest.join('\n'));
    if (word === 'HELD' && by?.epoch === who.epoch && turn === 'first')
      return unknown('wrong-machine', `${server.label}: it is a machine that this run holds under another name`);
    if (word === 'HELD' && by?.epoch === who.epoch) return lost(server.label, 'its old session still holds the lock');
    return { is: 'busy', by };
  }
  const ended = await channel.ended;
  if (ended === 'lost') return lost(server.label, 'while the lock was taken');
  const refused = server.refusal({ rc: ended.rc, out: Buffer.from(out), err });
  if (refused !== null) return refused;
  const told = word.startsWith('FAILED ') ? word.slice('FAILED '.length) : err.trim();
  return unknown(
    'permission',
    `${server.label}: the lock cannot be taken: ${told || `exit code ${ended.rc ?? 'none'}`}`,
  );
};

export interface Hold {
  readonly who: Holder;
  /** Takes the lock for the first time. */
  take(): Promise<{ readonly is: 'held' } | { readonly is: 'busy'; readonly by: Holder | null } | Unknown>;
  /** One try at having the lock: at once where it is held; else it is taken again, if nobody else had it since. */
  ensure(): Promise<'held' | 'fenced' | Unknown>;
  /** Who had the lock instead, where `ensure` found out. */
  by(): Holder | null;
  /** The server said that another epoch is in force. */
  fence(): void;
  release(): Promise<void>;
}

export const newHold = (server: Server, env: TransportEnv, who: Holder): Hold => {
  const deadlines = deadlinesOf(env);
  let grip: Grip | undefined;
  let fenced = false;
  let by: Holder | null = null;
  let released = false;
  let retaking: Promise<'held' | 'fenced' | Unknown> | undefined;

  const keep = async (got: Grip): Promise<void> => {
    grip = got;
    if (released) await got.release();
  };
  const retake = async (): Promise<'held' | 'fenced' | Unknown> => {
    const got = await grasp(server, env, who, 'again');
    if (isUnknown(got)) return got;
    if (isGrip(got)) {
      await keep(got);
      return released ? 'fenced' : 'held';
    }
    fenced = true;
    by = got.by;
    return 'fenced';
  };
  return {
    who,
    take: async () => {
      const until = env.now() + deadlines.silence + deadlines.connect;
      let tried = false;
      const got = await server.persist(until, () => {
        const first = !tried;
        tried = true;
        return grasp(server, env, who, first ? 'first' : 'next');
      });
      if (isUnknown(got)) return got;
      if (!isGrip(got)) return got;
      await keep(got);
      return { is: 'held' };
    },
    ensure: async () => {
      if (fenced || released) return 'fenced';
      if (grip?.alive() === true) return 'held';
      retaking ??= retake().finally(() => {
        retaking = undefined;
      });
      return retaking;
    },
    by: () => by,
    fence: () => {
      fenced = true;
    },
    release: async () => {
      released = true;
      await retaking;
      await grip?.release();
    },
  };
};
