/** What a reading would say once a plan has moved VMs: for what is planned after it and before it is carried out. */
import { table } from '../../core/table.ts';
import type { Plan } from '../../kinds/plan.ts';
import type { Move } from '../../kinds/roll-plan.ts';
import type { StoreSeen } from '../../kinds/repository/live.ts';
import { seenOn, type Observed, type ServerSeen } from '../../kinds/server/live.ts';
import type { Overhead } from '../../kinds/vm/effects.ts';
import type { CfgRecord, Domain } from '../../kinds/vm/live.ts';
import { sizeOfDomain } from '../../kinds/vm/resolve.ts';
import type { Tools } from '../model/planner-inputs.ts';

/** By VM, in the order of the plan's operations. */
export const movesOf = (plan: Plan): readonly Move[] => {
  const first = new Map<string, number>();
  plan.operations.forEach(({ target }, i) => {
    if (!first.has(target.name)) first.set(target.name, i);
  });
  return plan.vms
    .flatMap(({ subject, server, to, action }): readonly Move[] => {
      if (to === null || to === server) return [];
      const how = action === 'migrate' ? 'live' : action === 'suspend' ? 'suspend' : 'restart';
      return [{ vm: subject.name, from: server, to, how }];
    })
    .sort((a, b) => (first.get(a.vm) ?? 0) - (first.get(b.vm) ?? 0));
};

/** KiB that a server has more of once the domain is gone; as `roomOf` counts it. */
const weightOf = (d: Domain, record: CfgRecord | undefined, overhead: Overhead): number => {
  const claim = Math.max(d.memory.target, record?.config?.memory.target ?? 0);
  const ahead = Math.max(0, claim - Math.max(d.memory.actual, d.memory.target));
  return claim + overhead(sizeOfDomain(d)) - ahead - Math.max(0, d.memory.target - d.memory.actual);
};

const without = (seen: ServerSeen, d: Domain, record: CfgRecord | undefined, freed: number): ServerSeen => ({
  ...seen,
  domains: seen.domains.filter((x) => x !== d),
  records: seen.records.filter((r) => r !== record),
  monitors: seen.monitors.filter((m) => m !== record?.path),
  memory: { ...seen.memory, free: seen.memory.free + freed },
});

const withDomain = (seen: ServerSeen, d: Domain, record: CfgRecord | undefined, taken: number): ServerSeen => ({
  ...seen,
  domains: [...seen.domains, { ...d, domid: Math.max(0, ...seen.domains.map((x) => x.domid)) + 1 }],
  records: record
    ? [...seen.records.filter((r) => r.path !== record.path), record].sort((a, b) => (a.path < b.path ? -1 : 1))
    : seen.records,
  monitors: record ? [...seen.monitors, record.path] : seen.monitors,
  memory: { ...seen.memory, free: seen.memory.free - taken },
});

/** The lease and the autostart of the VM are those of its new server, on every server that sees the store. */
const leased = (store: StoreSeen, uuid: string, { from, to }: Move, boot: string, cfg: string): StoreSeen => {
  if (store.is !== 'there') return store;
  const held = store.leases[uuid];
  const leases =
    held && held.lease !== 'odd'
      ? {
          ...store.leases,
          [uuid]: {
            lease: { ...held.lease, server: to, boot, generation: held.lease.generation + 1 },
            digest: held.digest,
          },
        }
      : store.leases;
  const starts = store.starts?.map((s) => (s === `${from}/${cfg}` ? `${to}/${cfg}` : s));
  return { ...store, leases: table(Object.entries(leases)), ...(starts ? { starts } : {}) };
};

const recordOn = (record: CfgRecord, { from, to }: Move): CfgRecord => ({
  ...record,
  marker: record.marker && { ...record.marker, home: to, generation: record.marker.generation + 1 },
  ...(record.via === undefined ? {} : { via: record.via.replace(`/autostart/${from}/`, `/autostart/${to}/`) }),
});

/** `uuid`: of the domain that moves. */
const move = (observed: Observed, m: Move, uuid: string, overhead: Overhead): Observed => {
  const [a, b] = [seenOn(observed, m.from), seenOn(observed, m.to)];
  const d = a?.domains.find((x) => x.uuid === uuid);
  if (!a || !b || !d) return observed;
  const record = a.records.find((r) => r.config?.uuid === uuid);
  const weight = weightOf(d, record, overhead);
  const cfg = record?.path.slice(record.path.lastIndexOf('/') + 1) ?? '';
  const out = new Map(observed);
  out.set(m.from, without(a, d, record, weight));
  out.set(m.to, withDomain(b, d, record && recordOn(record, m), weight));
  for (const server of out.keys()) {
    const seen = seenOn(out, server);
    if (!seen) continue;
    const stores = Object.entries(seen.storage.stores).map(
      ([path, store]) => [path, leased(store, uuid, m, b.bootId, cfg)] as const,
    );
    out.set(server, { ...seen, storage: { ...seen.storage, stores: table(stores) } });
  }
  return out;
};

/** `uuids`: of the VMs that run, by key. */
export const moved = (
  observed: Observed,
  moves: readonly Move[],
  uuids: ReadonlyMap<string, string>,
  { toolstack }: Pick<Tools, 'toolstack'>,
): Observed =>
  moves.reduce(
    (seen, m) => move(seen, m, uuids.get(m.vm) ?? '', (c) => toolstack.memoryNeed(c) - c.memory.target),
    observed,
  );
