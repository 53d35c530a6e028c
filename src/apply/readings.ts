/** Readings that operations of one server share: whoever asks before a reading starts is served by it. */
import { byText } from '../core/order.ts';
import { isUnknown, type Control, type Unknown } from '../core/port.ts';
import type { ServerSeen } from '../kinds/server/live.ts';
import { readTwice } from '../kinds/server/second-reading.ts';
import type { Toolstack } from '../kinds/toolstack.ts';
import type { Clock } from './world.ts';

/** How much a reading must cover, as `Toolstack.reading` takes it. */
export type Scope = 'all' | 'domains';

type Read = (server: string, scope: Scope, paths: readonly string[]) => Promise<ServerSeen | Unknown>;

export interface Readings {
  /** A reading that starts after the call; at most one runs per server. */
  readonly read: Read;
  /**
   * The last reading will do, where it covers what is asked, and this run has done nothing since: to this server, or to
   * another one with which it may share a store. Else as `read`.
   */
  readonly recent: Read;
  /**
   * Does what may change the server: no reading that started before its end is recent any more. Of all that give the same
   * `alone`, for whatever server, one is done at a time.
   */
  readonly changing: <T>(server: string, act: () => Promise<T>, alone?: string) => Promise<T>;
}

interface Batch {
  scope: Scope;
  readonly paths: Set<string>;
  readonly answer: Promise<ServerSeen | Unknown>;
}

interface Last {
  readonly scope: Scope;
  readonly paths: ReadonlySet<string>;
  readonly seen: ServerSeen;
  /** ms, of the answer. */
  readonly at: number;
}

/** ms that a reading waits for others to join it: far less than what a reading costs. */
const gatherMs = 2;

/** How often an answer that contradicts itself is asked for again, and how long after (ms): something starts or ends there. */
const looks = 3;
const pauseMs = 1000;

/** ms: others may change a server, too. */
const recentMs = 2000;

/** `identify`: what was read of a server, or that another machine answered in its place. */
export const shareReadings = (
  control: Control,
  toolstack: Toolstack,
  clock: Clock,
  identify: (server: string, seen: ServerSeen) => ServerSeen | Unknown = (_, seen) => seen,
): Readings => {
  const open = new Map<string, Batch>();
  const running = new Map<string, Promise<ServerSeen | Unknown>>();
  const last = new Map<string, Last>();
  /** Changes that have ended, on any server. */
  let ended = 0;
  /** How many changes are under way on a server, and how many have begun there. */
  const changes = new Map<string, { under: number; begun: number }>();
  const changesOf = (server: string): { under: number; begun: number } => {
    const known = changes.get(server) ?? { under: 0, begun: 0 };
    changes.set(server, known);
    return known;
  };

  const begin = async (server: string): Promise<ServerSeen | Unknown> => {
    await running.get(server);
    await clock.sleep(gatherMs);
    const batch = open.get(server);
    open.delete(server);
    const paths = [...(batch?.paths ?? [])].sort(byText);
    const scope = batch?.scope ?? 'all';
    const before = changesOf(server).begun + ended;
    const once = (): Promise<ServerSeen | Unknown> =>
      readTwice(
        (more) => control.read(server, toolstack.reading(scope, [...paths, ...more])),
        (seen) => seen.more,
      );
    const look = async (): Promise<ServerSeen | Unknown> => {
      let seen = await once();
      for (let again = 0; again < looks && isUnknown(seen) && seen.reason === 'contradictory'; again += 1) {
        await clock.sleep(pauseMs);
        seen = await once();
      }
      return seen;
    };
    const answer = look().then((read) => {
      const seen = isUnknown(read) ? read : identify(server, read);
      const { under, begun } = changesOf(server);
      if (!isUnknown(seen) && under === 0 && begun + ended === before)
        last.set(server, { scope, paths: new Set(paths), seen, at: clock.now() });
      return seen;
    });
    running.set(server, answer);
    return answer;
  };

  const read: Read = (server, scope, paths) => {
    const batch = open.get(server) ?? { scope, paths: new Set<string>(), answer: begin(server) };
    open.set(server, batch);
    if (scope === 'all') batch.scope = 'all';
    for (const p of paths) batch.paths.add(p);
    return batch.answer;
  };

  const recent: Read = async (server, scope, paths) => {
    const known = last.get(server);
    const covers = known && (known.scope === 'all' || scope === 'domains') && paths.every((p) => known.paths.has(p));
    return covers && clock.now() - known.at <= recentMs ? known.seen : read(server, scope, paths);
  };

  /** By what is changed alone: the last that waits for it. */
  const turns = new Map<string, Promise<unknown>>();

  const changing: Readings['changing'] = async (server, act, alone) => {
    if (alone !== undefined) {
      const turn = (turns.get(alone) ?? Promise.resolve()).then(() => changing(server, act));
      // Whoever comes next waits for its end, however that is.
      turns.set(
        alone,
        turn.catch(() => undefined),
      );
      return turn;
    }
    const known = changesOf(server);
    known.under += 1;
    known.begun += 1;
    last.delete(server);
    try {
      return await act();
    } finally {
      known.under -= 1;
      ended += 1;
      last.clear();
    }
  };

  return { read, recent, changing };
};
