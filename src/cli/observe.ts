/** Reads the farm: every server at the same time, once; and again what was between two lives at that moment. */
import { isUnknown, type Reader, type Unknown } from '../core/port.ts';
import type { Farm } from '../kinds/farm.ts';
import { identified } from '../kinds/server/identity.ts';
import { seenOn, type Observed, type ServerSeen } from '../kinds/server/live.ts';
import { readTwice } from '../kinds/server/second-reading.ts';
import type { Toolstack } from '../kinds/toolstack.ts';
import { follows } from '../kinds/vm/follows.ts';

/** A domain is gone for a second or two while it reboots: absence is believed after this many more looks. */
const looks = 3;
const pauseMs = 1500;

/**
 * Whether something is on its way there: a cfg whose monitor lives and whose domain is not to be seen (a reboot), or a
 * domain that has ended and is being cleared away.
 */
export const restless = (seen: ServerSeen): boolean => {
  const rebooting = seen.records.some(
    (r) =>
      seen.monitors.includes(r.path) &&
      r.config !== undefined &&
      !seen.domains.some((d) => d.uuid === r.config?.uuid || d.name === r.config?.name),
  );
  const ending = seen.domains.some((d) => d.state === 'dying' || (d.state === 'shutdown' && d.monitored === true));
  return rebooting || ending;
};

/**
 * Whether a domain may be one that is still being made anew by its monitor: in the middle of it, without its QEMU, or with none
 * of its disks; or whether it is on its way to the vCPUs and the memory that it was told to have. One that stays so is believed
 * in the end.
 */
const unfinished = ({ domains, records }: ServerSeen): boolean =>
  domains.some((d) => {
    if (d.unsettled || follows(d)) return true;
    if (d.monitored !== true) return false;
    const { disks = {} } = records.find((r) => r.config?.uuid === d.uuid)?.config ?? {};
    return (d.type === 'hvm' && !d.qemu) || (d.disks.length === 0 && Object.keys(disks).length > 0);
  });

/** Reads, and again a few times while `moves` says that something is on its way. */
export const untilQuiet = async <T extends object>(
  read: () => Promise<T | Unknown>,
  moves: (seen: T) => boolean,
  sleep: (ms: number) => Promise<void>,
): Promise<T | Unknown> => {
  let seen = await read();
  const passing = (x: T | Unknown): boolean => (isUnknown(x) ? x.reason === 'contradictory' : moves(x));
  for (let again = 0; again < looks && passing(seen); again += 1) {
    await sleep(pauseMs);
    seen = await read();
  }
  return seen;
};

/** Domains that are there, by UUID: the servers that have them. */
const placesOf = (observed: Observed): ReadonlyMap<string, readonly string[]> => {
  const places = new Map<string, string[]>();
  for (const server of observed.keys())
    for (const { uuid, state } of seenOn(observed, server)?.domains ?? [])
      if (state !== 'dying') places.set(uuid, [...(places.get(uuid) ?? []), server]);
  return places;
};

/**
 * Servers whose answers may not be of one moment: they have a domain together, or the half of one, and nothing is seen that
 * moves it. Its migration may have begun or ended between the two readings.
 */
export const apartIn = (observed: Observed): readonly string[] => {
  const seen = [...observed.keys()].flatMap((s) => seenOn(observed, s) ?? []);
  const moves = new Set(seen.flatMap((s) => (s.underWay ?? []).flatMap((u) => u.uuid ?? [])));
  const halves = new Set(
    seen.flatMap((s) => s.domains.filter((d) => /--(?:incoming|migratedaway)$/.test(d.name)).map((d) => d.uuid)),
  );
  const odd = [...placesOf(observed)].filter(
    ([uuid, servers]) => !moves.has(uuid) && (servers.length > 1 || halves.has(uuid)),
  );
  const uuids = new Set(odd.map(([uuid]) => uuid));
  const has = (server: string): boolean => {
    const { domains = [], records = [] } = seenOn(observed, server) ?? {};
    return domains.some((d) => uuids.has(d.uuid)) || records.some((r) => uuids.has(r.config?.uuid ?? ''));
  };
  return [...observed.keys()].filter(has);
};

export interface Watch {
  readonly reader: Reader;
  readonly toolstack: Toolstack;
  readonly sleep: (ms: number) => Promise<void>;
  /** The moment at which the reading is over, for all servers; unless said, each has its time for itself. */
  readonly until?: number;
}

const readServer = (
  server: string,
  paths: readonly string[],
  { reader, toolstack, sleep, until }: Watch,
): Promise<ServerSeen | Unknown> =>
  untilQuiet(
    () =>
      readTwice(
        (more) => reader.read(server, toolstack.reading('all', [...paths, ...more]), until),
        (seen) => seen.more,
      ),
    (seen) => restless(seen) || unfinished(seen),
    sleep,
  );

/** `pools`: only their servers; none: all. `paths`: what to look for, by server. Never rejects for what a server does. */
export const observe = async (
  farm: Farm,
  pools: readonly string[],
  paths: ReadonlyMap<string, readonly string[]>,
  watch: Watch,
): Promise<Observed> => {
  // One that was declared lost is asked all the same: where it answers, somebody is wrong.
  const servers = farm.pools
    .filter((p) => pools.length === 0 || pools.includes(p.name))
    .flatMap((p) => p.servers)
    .filter((s) => s.state !== 'off');
  const readAll = async (names: readonly string[]): Promise<Observed> =>
    new Map(
      await Promise.all(
        names.map(async (name) => [name, await readServer(name, paths.get(name) ?? [], watch)] as const),
      ),
    );
  // Who is not whom the file names has nothing of the farm.
  const whole = (all: Observed): Observed => identified(servers, farm.name, all);
  let observed = whole(await readAll(servers.map((s) => s.name)));
  for (let again = 0; again < looks; again += 1) {
    const apart = apartIn(observed);
    if (apart.length === 0) break;
    await watch.sleep(pauseMs);
    observed = whole(new Map([...observed, ...(await readAll(apart))]));
  }
  return observed;
};
