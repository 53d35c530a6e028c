/** What is there: each domain with the cfg that it runs from, each cfg without a domain, and the cfgs that cannot be read. */
import type { ServerSeen } from '../../kinds/server/live.ts';
import type { CfgRecord, Domain, LiveVm, Marker } from '../../kinds/vm/live.ts';

/** A domain with its cfg, a cfg alone, or a domain alone, as found on one server. */
export interface Found {
  readonly server: string;
  readonly pool: string;
  readonly uuid: string | null;
  readonly name: string;
  readonly live: LiveVm;
  /** Whoever's. */
  readonly marker: Marker | null;
  /** How likely its cfg is the one that counts, of several on its server (`standingOf`). */
  readonly standing: number;
  /** A domain's cfgs, where nothing tells which of them it runs from: it has none then. */
  readonly rivals?: readonly CfgRecord[];
}

/** A cfg that cannot be read, and whose it seems to be. */
export interface Broken {
  readonly server: string;
  readonly pool: string;
  readonly name: string;
  readonly uuid: string | null;
  readonly record: CfgRecord;
}

/** One that a domain runs from, then one that starts with the server, then a `.cfg` right in /etc/xen; a copy in a folder is none. */
const standingOf = ({ path, autostart }: CfgRecord, { monitors }: ServerSeen): number =>
  (monitors.includes(path) ? 4 : 0) + (autostart.length > 0 ? 2 : 0) + (/^\/etc\/xen\/[^/]+\.cfg$/.test(path) ? 1 : 0);

/** The best of them, and those that are as good. */
const bestOf = (records: readonly CfgRecord[], seen: ServerSeen): readonly CfgRecord[] => {
  const rank = (r: CfgRecord): number => (r.marker?.generation ?? -1) * 8 + standingOf(r, seen);
  const most = Math.max(...records.map(rank));
  return records.filter((r) => rank(r) === most);
};

/** The cfgs that may be the domain's; several: nothing tells them apart. */
const ownOf = (domain: Domain, seen: ServerSeen, taken: ReadonlySet<string>): readonly CfgRecord[] => {
  const own = seen.records.filter((r) => r.config?.uuid === domain.uuid);
  // Two of them are a rename that was cut: it has the name still that its old cfg gives it.
  const named = own.filter((r) => r.config?.name === domain.name);
  const nameless = seen.records.filter(
    (r) => r.config?.uuid === null && r.config.name === domain.name && !taken.has(r.path),
  );
  const candidates = [named, own, nameless].find((list) => list.length > 0) ?? [];
  return bestOf(candidates, seen);
};

export const inventory = (server: string, pool: string, seen: ServerSeen): readonly Found[] => {
  const found: Found[] = [];
  const taken = new Set<string>();
  for (const domain of seen.domains) {
    const own = ownOf(domain, seen, taken);
    for (const r of own) taken.add(r.path);
    const record = own.length === 1 ? (own[0] ?? null) : null;
    const marker = record?.marker?.uuid === domain.uuid ? record.marker : null;
    found.push({
      server,
      pool,
      uuid: domain.uuid,
      name: domain.name,
      marker,
      standing: record ? standingOf(record, seen) : 0,
      live: { server, uuid: domain.uuid, domain, record, marker },
      ...(own.length > 1 ? { rivals: own } : {}),
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
      standing: standingOf(record, seen),
      live: { server, uuid, domain: null, record, marker: record.marker },
    });
  }
  return found;
};

export const brokenOn = (server: string, pool: string, { records }: ServerSeen): readonly Broken[] =>
  records.flatMap((record) => (record.config || !record.claims ? [] : [{ server, pool, ...record.claims, record }]));
