/** A server's lock from this side: taking it, keeping it alive, noticing its loss, taking it again, letting go. */
import { isObject, parseJson } from '../core/json.ts';
import { isUnknown, type Holder, type Unknown } from '../core/port.ts';
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
const parseHolder = (text: string): Holder | null => {
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
  channel.stderr.on('data', (data: Buffer) => {
    err += data.toString('utf8');
  });
  let timer: NodeJS.Timeout | undefined;
  const first = await new Promise<'OK' | 'ended' | 'timeout'>((resolve) => {
    timer = setTimeout(() => resolve('timeout'), drain);
    void channel.ended.then(() => resolve('ended'));
    channel.stdout.on('data', (data: Buffer) => {
      const draining = out.startsWith('BUSY\n');
      out += data.toString('utf8');
      if (/^OK$/m.test(out) && out.endsWith('\n')) resolve('OK');
      if (draining || !out.startsWith('BUSY\n')) return;
      clearInterval(beats);
      if (alive) beats = setInterval(send, Math.min(drainBeatMs, beat));
    });
  });
  clearTimeout(timer);
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
      'Look with ps on the server what they wait for.',
    );
  }
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
  const said = word.startsWith('FAILED ') ? word.slice('FAILED '.length) : err.trim();
  return unknown(
    'permission',
    `${server.label}: the lock cannot be taken: ${said || `exit code ${ended.rc ?? 'none'}`}`,
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
