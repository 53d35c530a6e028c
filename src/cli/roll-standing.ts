/** Where the roll of a pool stands, as its servers remember it: what this run goes on with, who has had its turn, and where home is. */
import type { Farm, PoolSpec } from '../kinds/farm.ts';
import { rollOptions, type RollRecord } from '../kinds/server/roll.ts';
import { seenOn, type Observed } from '../kinds/server/live.ts';
import type { ServerSpec } from '../kinds/server/spec.ts';
import { rollIn, runningOf } from '../plan/index.ts';
import { exit, ExitError } from './exit.ts';
import type { CommonFlags, ShapeFlags, SourceFlags } from './options.ts';

/** Those that a person gives. */
export interface RollOwnFlags extends Pick<ShapeFlags, 'allow'>, CommonFlags, Pick<SourceFlags, 'readTimeout'> {
  readonly run?: string;
  readonly reboot: boolean;
  readonly home: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly abandon: boolean;
  readonly yes: boolean;
}

export type RollFlags = RollOwnFlags & ShapeFlags;

/** Where a roll stands before this run does anything. */
export interface Standing {
  /** The servers of the roll, in their order. */
  readonly servers: readonly ServerSpec[];
  readonly left: readonly ServerSpec[];
  readonly done: readonly ServerSpec[];
  /** The one that is gone on with; null: it begins. */
  readonly begun: RollRecord | null;
  /** Another that had not come to its first server, in whose place this one begins. */
  readonly anew: RollRecord | null;
  readonly homesOn: ReadonlyMap<string, readonly string[]>;
}

export const recordOn = (observed: Observed, server: string): RollRecord | null =>
  seenOn(observed, server)?.roll ?? null;

/** `anew`: one of something else, that had not come to its first server. Throws where such a one has. */
const begunIn = (
  pool: PoolSpec,
  observed: Observed,
  flags: RollFlags,
): { readonly begun: RollRecord | null; readonly anew: RollRecord | null } => {
  const seen = rollIn(pool, observed);
  if (!seen) return { begun: null, anew: null };
  const { record, stages } = seen;
  const wanted = { run: flags.run ?? null, reboot: flags.reboot, home: flags.home };
  if (record.run === wanted.run && record.reboot === wanted.reboot && record.home === wanted.home)
    return { begun: record, anew: null };
  if (stages.every((s) => s.stage === 'waiting')) return { begun: null, anew: record };
  throw new ExitError(
    exit.refused,
    `pool ${pool.name} has a roll of ${record.roll} by ${record.by} that did not end, with other options: ${rollOptions(record)}`,
    `where you know that command, run it again: it goes on; or give the roll up: reeve roll ${pool.name} --abandon`,
    'roll-differs',
  );
};

/** The VMs of the file by the servers on which they run. */
const placesOf = (farm: Farm, observed: Observed): ReadonlyMap<string, readonly string[]> => {
  const places = new Map<string, string[]>();
  for (const [key, { server }] of runningOf(farm, observed)) places.set(server, [...(places.get(server) ?? []), key]);
  return places;
};

export const standingOf = (farm: Farm, pool: PoolSpec, observed: Observed, flags: RollFlags): Standing => {
  const { begun, anew } = begunIn(pool, observed, flags);
  const servers = pool.servers.filter((s) => s.state === 'active');
  const own = (s: ServerSpec): RollRecord | null => {
    const record = recordOn(observed, s.name);
    return record && record.roll === begun?.roll ? record : null;
  };
  // The last step takes the records away: where all that are left say done, it broke off there.
  const told = servers.flatMap((s) => own(s) ?? []);
  const ended = told.length > 0 && told.every((t) => t.stage === 'done');
  const isDone = (s: ServerSpec): boolean =>
    own(s)?.stage === 'done' || (ended && own(s) === null && begun?.servers.includes(s.name) === true);
  const homesOn = new Map(
    !flags.home
      ? []
      : begun
        ? pool.servers.flatMap((s) => [[s.name, own(s)?.homes ?? []] as const])
        : [...placesOf(farm, observed)].filter(([server]) => pool.servers.some((s) => s.name === server)),
  );
  return { servers, left: servers.filter((s) => !isDone(s)), done: servers.filter(isDone), begun, anew, homesOn };
};

export const homesOf = ({ homesOn }: Standing, home: boolean): ReadonlyMap<string, string> | null =>
  home ? new Map([...homesOn].flatMap(([server, keys]) => keys.map((key) => [key, server] as const))) : null;

/** What was agreed to is what is done: nothing may have changed since in who has had its turn. */
export const sameStanding = (a: Standing, b: Standing): boolean => {
  const text = (s: Standing): string => JSON.stringify([s.begun, s.left.map((x) => x.name)]);
  return text(a) === text(b);
};
