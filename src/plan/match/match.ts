/** Which desired VM, which cfg record and which domain are one: by UUID, then by marker, then by name within the pool. */
import { option } from '../../core/shell-word.ts';
import type { Reason } from '../../core/reason.ts';
import { groupBy, sortedBy } from '../../core/order.ts';
import type { Farm } from '../../kinds/farm.ts';
import { seenOn, type Observed, type ServerSeen } from '../../kinds/server/live.ts';
import type { CfgRecord, LiveVm, Marker } from '../../kinds/vm/live.ts';
import type { VmSpec } from '../../kinds/vm/spec.ts';
import { busyIn, isHalf } from './under-way.ts';

/** A domain with its cfg, a cfg alone, or a domain alone, as found on one server. */
export interface Found {
  readonly server: string;
  readonly pool: string;
  readonly uuid: string | null;
  readonly name: string;
  readonly live: LiveVm;
  /** Whoever's. */
  readonly marker: Marker | null;
}

export type Match =
  | {
      readonly is: 'matched';
      readonly found: Found;
      readonly how: 'uuid' | 'marker' | 'name';
      /** Its cfgs on servers where it no longer is. */
      readonly stale: readonly Found[];
    }
  | { readonly is: 'nowhere' }
  | ({ readonly is: 'refused' } & Reason);

export interface Matched {
  readonly of: ReadonlyMap<string, Match>;
  /** What no VM of the file claimed. */
  readonly left: readonly Found[];
  readonly warnings: readonly string[];
  /** What broken-off migrations left at their target, by the VM that runs on elsewhere. */
  readonly halves: readonly { readonly key: string; readonly half: Found }[];
}

const depthOf = (path: string): number => path.split('/').length;

/** Of several cfgs of one VM on one server: the newest, the one that starts with it, the one that is no copy in a folder below. */
const likelier = (a: CfgRecord, b: CfgRecord): number =>
  (b.marker?.generation ?? -1) - (a.marker?.generation ?? -1) ||
  Math.min(b.autostart.length, 1) - Math.min(a.autostart.length, 1) ||
  depthOf(a.path) - depthOf(b.path);

const inventory = (server: string, pool: string, seen: ServerSeen): readonly Found[] => {
  const found: Found[] = [];
  const taken = new Set<string>();
  for (const domain of seen.domains) {
    const own = seen.records.filter((r) => r.config?.uuid === domain.uuid).sort(likelier);
    // Two of them are a rename that was cut: it has the name still that its old cfg gives it.
    const record =
      own.find((r) => r.config?.name === domain.name) ??
      own[0] ??
      seen.records
        .filter((r) => r.config?.uuid === null && r.config.name === domain.name && !taken.has(r.path))
        .sort(likelier)[0] ??
      null;
    if (record) taken.add(record.path);
    const marker = record?.marker?.uuid === domain.uuid ? record.marker : null;
    found.push({
      server,
      pool,
      uuid: domain.uuid,
      name: domain.name,
      marker,
      live: { server, uuid: domain.uuid, domain, record, marker },
    });
  }
  for (const record of seen.records) {
    if (taken.has(record.path) || !record.config) continue;
    const { uuid, name } = record.config;
    found.push({
      server,
      pool,
      uuid,
      name,
      marker: record.marker,
      live: { server, uuid, domain: null, record, marker: record.marker },
    });
  }
  return found;
};

/** Copies of one VM: the running side wins, then the higher generation. Two that run are an error that nobody may guess at. */
const settleCopies = (
  copies: readonly Found[],
): { winner: Found; losers: readonly Found[] } | { twice: readonly Found[] } => {
  const running = copies.filter((c) => c.live.domain !== null);
  if (running.length > 1) return { twice: running };
  const ranked = [...copies].sort(
    (a, b) =>
      Number(b.live.domain !== null) - Number(a.live.domain !== null) ||
      (b.marker?.generation ?? -1) - (a.marker?.generation ?? -1),
  );
  const [winner, second] = ranked;
  if (!winner) throw new Error('no copies to settle');
  const tie = second && !winner.live.domain && (second.marker?.generation ?? -1) === (winner.marker?.generation ?? -1);
  return tie ? { twice: ranked } : { winner, losers: ranked.slice(1) };
};

/** It runs where it has no cfg: the newest of its cfgs elsewhere says what it is. */
const withStray = (winner: Found, losers: readonly Found[]): Found => {
  if (!winner.live.domain || winner.live.record) return winner;
  const [best] = losers
    .filter((l) => l.live.record && l.marker)
    .sort((a, b) => (b.marker?.generation ?? 0) - (a.marker?.generation ?? 0));
  const record = best?.live.record;
  if (!best || !record) return winner;
  return { ...winner, marker: best.marker, live: { ...winner.live, marker: best.marker, stray: record } };
};

const places = (all: readonly Found[]): string =>
  all
    .map(({ server, live: { domain, record } }) =>
      domain
        ? `${server} (running as ${domain.name}, domain ${domain.domid})`
        : `${server} (${record?.path ?? 'no cfg'})`,
    )
    .join(' and ');

export const match = (farm: Farm, observed: Observed, takeover: readonly string[]): Matched => {
  const all: Found[] = [];
  for (const pool of farm.pools) {
    for (const s of pool.servers) {
      const seen = seenOn(observed, s.name);
      if (seen) all.push(...inventory(s.name, pool.name, seen));
    }
  }
  const byUuid = groupBy(all, (f) => f.uuid);
  const byMarker = groupBy(all, (f) => (f.marker?.farm === farm.name ? f.marker.vm : null));
  const byName = groupBy(all, (f) => `${f.pool}\n${f.name}`);
  const of = new Map<string, Match>();
  const claimed = new Set<Found>();
  const warnings: string[] = [];
  const halves: { readonly key: string; readonly half: Found }[] = [];
  const busyOf = busyIn(farm, observed);

  const choose = (spec: VmSpec): Match => {
    const given = spec.uuid === undefined ? [] : (byUuid.get(spec.uuid) ?? []);
    const own = byMarker.get(spec.key) ?? [];
    const marked = own.length === 0 && spec.formerly !== undefined ? (byMarker.get(spec.formerly) ?? []) : own;
    const named = byName.get(`${spec.pool}\n${spec.name}`) ?? [];
    const how = given.length > 0 ? 'uuid' : marked.length > 0 ? 'marker' : 'name';
    const direct = how === 'uuid' ? given : how === 'marker' ? marked : named;
    if (direct.length === 0) {
      const begun = busyOf(spec.key, []);
      return begun ? { is: 'refused', ...begun } : { is: 'nowhere' };
    }
    // A domain whose cfg is on another server is the same VM: somebody migrated it.
    const uuids = new Set(direct.flatMap((c) => (c.marker ? [c.marker.uuid] : [])));
    const strays = [...uuids].flatMap((u) => (byUuid.get(u) ?? []).filter((c) => c.live.domain && !direct.includes(c)));
    const candidates = [...direct, ...strays];
    const moves = busyOf(spec.key, candidates);
    if (moves) {
      for (const c of candidates) claimed.add(c);
      return { is: 'refused', ...moves };
    }
    // While anything is done to it, nobody is told to take something of it away.
    const passing = busyOf(spec.key, candidates, true);
    const busy = candidates.find((c) => c.live.domain && isHalf(c.name));
    if (busy && candidates.every((c) => !c.live.domain || isHalf(c.name))) {
      if (passing) return { is: 'refused', ...passing };
      return {
        is: 'refused',
        code: 'migration-under-way',
        why: `a migration of ${spec.key} is under way, or broke off: ${busy.name} on ${busy.server} is all that is seen of it`,
        help: `look again; where nothing migrates any more, only a person can tell whether that half is whole; xl destroy ${busy.name} gives it up`,
      };
    }
    const still = candidates.find((c) => c.live.domain?.suspended && !isHalf(c.name));
    if (still && !passing) {
      const { name, server } = still;
      return {
        is: 'refused',
        code: 'migration-under-way',
        why: `${name} stands still on ${server}: it is suspended, and what saved or moved it is not there any more`,
        help: `look again; where nothing else has its memory, \`xl resume ${name}\` (Xen 4.20) lets it go on; with an older Xen, \`xl destroy ${name}\` gives its memory up, and it boots anew`,
      };
    }
    const settled = settleCopies(candidates.filter((c) => !(c.live.domain && isHalf(c.name))));
    if ('twice' in settled) {
      if (passing) return { is: 'refused', ...passing };
      return {
        is: 'refused',
        code: 'vm-ambiguous',
        why: `${spec.key} was found more than once: ${places(settled.twice)}`,
        help: 'look at each place, and remove the copy that is wrong',
      };
    }
    const { losers } = settled;
    for (const c of candidates) claimed.add(c);
    const winner = withStray(settled.winner, losers);
    const left = passing ? [] : candidates.filter((c) => c.live.domain && isHalf(c.name));
    halves.push(...left.map((half) => ({ key: spec.key, half })));
    const judged = judge(spec, winner, how);
    // Of its old name, where a rename was cut once that of the new one stood and its server went down.
    const former = spec.formerly === undefined ? [] : (byMarker.get(spec.formerly) ?? []);
    const old = [...losers, ...former].find(
      (l) =>
        l !== winner &&
        l.live.domain === null &&
        l.server === winner.server &&
        l.uuid === winner.uuid &&
        winner.name === spec.name &&
        winner.live.record !== null &&
        l.live.record?.path === `/etc/xen/${l.name}.cfg` &&
        l.name !== spec.name,
    );
    if (old) claimed.add(old);
    const gone = old && !losers.includes(old) ? [old] : [];
    const stale = [...losers, ...gone, ...left].filter(
      (l) => l.marker?.farm === farm.name && (l.server !== winner.server || l === old),
    );
    const others = judged.is === 'matched' ? losers.filter((l) => !stale.includes(l)) : losers;
    if (others.length > 0) warnings.push(`${spec.key}: a stale cfg was left out: ${places(others)}`);
    return judged.is === 'matched' ? { ...judged, stale } : judged;
  };

  const judge = (spec: VmSpec, found: Found, how: 'uuid' | 'marker' | 'name'): Match => {
    const { marker } = found;
    if (marker && marker.farm !== farm.name) {
      if (!takeover.includes(spec.key)) {
        return {
          is: 'refused',
          code: 'foreign-vm',
          why: `${found.name} on ${found.server} belongs to farm ${marker.farm}`,
          help: option('--takeover', spec.key),
        };
      }
    } else if (marker && marker.vm !== spec.key && marker.vm !== spec.formerly) {
      return {
        is: 'refused',
        code: 'another-vm',
        why: `${found.name} on ${found.server} is this farm's VM ${marker.vm}`,
        help: farm.vms.some((v) => v.key === marker.vm)
          ? `the file has ${marker.vm}, too: give one of the two another name`
          : `if ${spec.key} is its new name, write formerly: ${marker.vm}`,
      };
    }
    if (spec.uuid !== undefined && found.uuid !== null && found.uuid !== spec.uuid) {
      return {
        is: 'refused',
        code: 'uuid-differs',
        why: `${spec.key} has the UUID ${found.uuid} on ${found.server}; the file says ${spec.uuid}`,
        help: `write uuid: ${found.uuid}, or leave it out`,
      };
    }
    const ours = marker?.farm === farm.name;
    return { is: 'matched', how, stale: [], found: ours ? found : { ...found, live: { ...found.live, marker: null } } };
  };

  for (const spec of farm.vms) of.set(spec.key, choose(spec));
  const left = sortedBy(
    all.filter((f) => !claimed.has(f)),
    (f) => `${f.server}\n${f.name}\n${f.live.record?.path ?? ''}`,
  );
  return { of, left, warnings, halves };
};
