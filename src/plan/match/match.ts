/** Which desired VM, which cfg record and which domain are one: by UUID, then by marker, then by name within the pool. */
import { option } from '../../core/shell-word.ts';
import type { Reason } from '../../core/reason.ts';
import { groupBy, sortedBy } from '../../core/order.ts';
import type { Farm } from '../../kinds/farm.ts';
import { seenOn, type Observed } from '../../kinds/server/live.ts';
import { deriveUuid } from '../../kinds/vm/identity.ts';
import type { Domain } from '../../kinds/vm/live.ts';
import type { VmConfig, VmSpec } from '../../kinds/vm/spec.ts';
import { brokenOn, inventory, type Broken, type Found } from './inventory.ts';
import { cfgOfTwin, uuidTaken } from './twins.ts';
import { busyIn, isHalf } from './under-way.ts';

export type { Found } from './inventory.ts';

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

const generationOf = (f: Found): number => f.marker?.generation ?? -1;

/**
 * Copies of one VM: the running side wins, then the higher generation, then on one server the likelier cfg. Two that run, or
 * that nothing tells apart, are an error that nobody may guess at.
 */
const settleCopies = (
  copies: readonly Found[],
): { winner: Found; losers: readonly Found[] } | { twice: readonly Found[] } => {
  const running = copies.filter((c) => c.live.domain !== null);
  if (running.length > 1) return { twice: running };
  const ranked = [...copies].sort(
    (a, b) =>
      Number(b.live.domain !== null) - Number(a.live.domain !== null) ||
      generationOf(b) - generationOf(a) ||
      b.standing - a.standing,
  );
  const [winner, ...losers] = ranked;
  if (!winner) throw new Error('no copies to settle');
  const asGood = losers.filter(
    (l) => generationOf(l) === generationOf(winner) && (l.server !== winner.server || l.standing === winner.standing),
  );
  return asGood.length > 0 && !winner.live.domain ? { twice: [winner, ...asGood] } : { winner, losers };
};

/** Its cfg is there, and nobody can tell what it says. */
const unreadable = ({ server, record }: Broken): Match => ({
  is: 'refused',
  code: 'cfg-unreadable',
  why: `its cfg on ${server} cannot be read: ${record.problem}`,
  help: 'mend it; or move it out of /etc/xen, where the VM does without it',
});

/** Whether a cfg without a UUID says of this very domain what it is: each has the disks of the other. */
const describes = ({ disks: said }: VmConfig, { disks: had }: Domain): boolean => {
  const paths = new Set(Object.values(said).map((d) => d.path));
  return paths.size > 0 && had.length === paths.size && had.every((d) => paths.has(d.path));
};

/**
 * Where it runs without a cfg, the one that it has elsewhere: somebody migrated it. Marked, or with its UUID, or without any and
 * with its disks; of several the newest.
 */
const strayOf = (winner: Found, candidates: readonly Found[]): Found | null => {
  const { domain, record } = winner.live;
  if (!domain || record || winner.rivals) return null;
  const own = candidates.filter(({ server, uuid, marker, live: { record: r } }) => {
    if (server === winner.server || !r?.config) return false;
    return marker !== null || uuid === winner.uuid || (uuid === null && describes(r.config, domain));
  });
  const [best] = own.sort((a, b) => generationOf(b) - generationOf(a) || b.standing - a.standing);
  return best ?? null;
};

const withStray = (winner: Found, stray: Found | null): Found => {
  const record = stray?.live.record;
  if (!stray || !record) return winner;
  const { server, marker } = stray;
  return { ...winner, marker, live: { ...winner.live, marker, stray: { server, record } } };
};

/** It was started from a cfg that is not there any more. */
const lacking = ({ name, server }: Found, lost: readonly string[]): Match => ({
  is: 'refused',
  code: 'cfg-lossy',
  why: `${name} runs on ${server} without a cfg there, and one made from what libxl knows would lack ${lost.join(', ')}`,
  help: `write its cfg to /etc/xen/${name}.cfg on ${server}, with what xl list -l shows of it`,
});

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
  const broken: Broken[] = [];
  for (const pool of farm.pools) {
    for (const s of pool.servers) {
      const seen = seenOn(observed, s.name);
      if (!seen) continue;
      all.push(...inventory(s.name, pool.name, seen));
      broken.push(...brokenOn(s.name, pool.name, seen));
    }
  }
  const byUuid = groupBy(all, (f) => f.uuid);
  const byMarker = groupBy(all, (f) => (f.marker?.farm === farm.name ? f.marker.vm : null));
  const byName = groupBy(all, (f) => `${f.pool}\n${f.name}`);
  const runsAs = groupBy(all, (f) => (f.live.domain ? (f.live.record?.config?.name ?? null) : null));
  const of = new Map<string, Match>();
  const claimed = new Set<Found>();
  const warnings: string[] = [];
  const halves: { readonly key: string; readonly half: Found }[] = [];
  const busyOf = busyIn(farm, observed);

  const brokenOf = (spec: VmSpec, uuids: readonly (string | null)[], server?: string): Broken | undefined =>
    broken.find(
      (b) =>
        (server === undefined ? b.pool === spec.pool : b.server === server) &&
        (b.name === spec.name || (b.uuid !== null && uuids.includes(b.uuid))),
    );

  /** It does not run, and would start beside these. */
  const twinOf = (spec: VmSpec, has: string | null, its: readonly Found[]): Reason | null => {
    const uuid = has ?? spec.uuid ?? deriveUuid(farm.name, spec.key);
    const others = (byUuid.get(uuid) ?? []).filter(
      (f) => !its.includes(f) && (f.live.domain !== null || its.length === 0),
    );
    return uuidTaken(spec, uuid, others, farm.name);
  };

  const choose = (spec: VmSpec): Match => {
    const given = spec.uuid === undefined ? [] : (byUuid.get(spec.uuid) ?? []);
    const own = byMarker.get(spec.key) ?? [];
    const marked = own.length === 0 && spec.formerly !== undefined ? (byMarker.get(spec.formerly) ?? []) : own;
    const named = byName.get(`${spec.pool}\n${spec.name}`) ?? [];
    const how = given.length > 0 ? 'uuid' : marked.length > 0 ? 'marker' : 'name';
    const direct = how === 'uuid' ? given : how === 'marker' ? marked : named;
    if (direct.length === 0) {
      const begun = busyOf(spec.key, []);
      if (begun) return { is: 'refused', ...begun };
      const cfg = brokenOf(spec, [spec.uuid ?? deriveUuid(farm.name, spec.key)]);
      if (cfg) return unreadable(cfg);
      const twin =
        spec.state === 'absent' ? null : (twinOf(spec, null, []) ?? cfgOfTwin(spec, runsAs.get(spec.name) ?? []));
      return twin ? { is: 'refused', ...twin } : { is: 'nowhere' };
    }
    // A domain whose cfg is on another server is the same VM: somebody migrated it.
    const uuids = new Set(direct.flatMap((c) => c.marker?.uuid ?? (c.live.domain ? (c.uuid ?? []) : [])));
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
        help: settled.twice.some((c) => c.live.domain)
          ? 'both may write the same disks: look into each guest (xl console) which of them is in use; stop or remove nothing before'
          : 'look at each place, and move the cfg that is wrong out of /etc/xen',
      };
    }
    const { losers } = settled;
    const twin =
      settled.winner.live.domain || spec.state === 'absent' ? null : twinOf(spec, settled.winner.uuid, candidates);
    if (twin) return { is: 'refused', ...twin };
    for (const c of candidates) claimed.add(c);
    const stray = strayOf(settled.winner, candidates);
    const winner = withStray(settled.winner, stray);
    if (winner.rivals) {
      const paths = winner.rivals.map((r) => r.path);
      return {
        is: 'refused',
        code: 'vm-ambiguous',
        why: `nothing tells from which cfg ${winner.name} on ${winner.server} runs: ${paths.join(' or ')}`,
        help: 'look at each, and move those that are wrong out of /etc/xen',
      };
    }
    const lost = winner.live.domain && !winner.live.record && !winner.live.stray;
    const cfg = lost ? brokenOf(spec, [winner.uuid], winner.server) : undefined;
    if (cfg) return unreadable(cfg);
    const lossy = lost && spec.state !== 'absent' && (winner.live.domain?.lost ?? []);
    if (lossy && lossy.length > 0) return lacking(winner, lossy);
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
      (l) => l === stray || (l.marker?.farm === farm.name && (l.server !== winner.server || l === old)),
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
