/** Who belongs to each pool, as its servers remember it: who joins, who leaves, who is missing, and who is somebody else's. */
import { table } from '../../core/table.ts';
import { byText } from '../../core/order.ts';
import { isUnknown } from '../../core/port.ts';
import { ref } from '../../core/ref.ts';
import type { Farm, PoolSpec } from '../../kinds/farm.ts';
import type { Refusal } from '../../kinds/plan.ts';
import { identified, sameMembership } from '../../kinds/server/identity.ts';
import { seenOn, type Membership, type Observed } from '../../kinds/server/live.ts';
import type { ServerOp } from '../../kinds/server/ops.ts';
import type { ServerSpec } from '../../kinds/server/spec.ts';

export interface Members {
  /** As it was read, but what belongs to somebody else counts as not read, and so does whom the file has forgotten. */
  readonly observed: Observed;
  readonly refused: readonly Refusal[];
}

const forgotten = (name: string, pool: string, by: string): Refusal => ({
  subject: ref('server', name),
  what: `${name} would be forgotten`,
  code: 'server-left-file',
  why: `it left the file, and ${by} remembers it as a member of pool ${pool}: its VMs may run there`,
  help: 'put it back with `state: absent`, so that it is emptied first; or with `state: lost`, where it is dead for certain',
  needs: null,
});

export const membersIn = (farm: Farm, observed: Observed, covers: (pool: string) => boolean): Members => {
  const servers = farm.pools.flatMap((p) => p.servers);
  const out = new Map(identified(servers, farm.name, observed));
  const refused: Refusal[] = [];
  const poolOf = new Map(farm.pools.flatMap((p) => p.servers.map((s) => [s.name, p.name] as const)));
  for (const pool of farm.pools) {
    for (const s of pool.servers) {
      const own = seenOn(out, s.name)?.membership?.value;
      for (const m of own && own !== 'odd' ? own.members : []) {
        const before = out.get(m);
        if (poolOf.get(m) === pool.name || (before && isUnknown(before) && before.memberOf === pool.name)) continue;
        const there = poolOf.get(m);
        const why = `${s.name} remembers it, and the file ${there === undefined ? 'does not have it' : `has it in pool ${there}`}`;
        out.set(m, { is: 'unknown', reason: 'forgotten', why, memberOf: pool.name });
        if (covers(pool.name)) refused.push(forgotten(m, pool.name, s.name));
      }
    }
  }
  return { observed: out, refused };
};

/** A pool is worth writing down once it has two servers, or anything is made there. */
const isKept = (pool: PoolSpec, farm: Farm, observed: Observed): boolean =>
  farm.vms.some((v) => v.pool === pool.name && v.state !== 'absent') ||
  Object.keys(pool.repositories).length > 0 ||
  pool.servers.filter((s) => s.state !== 'lost' && s.state !== 'absent').length > 1 ||
  pool.servers.some((s) => seenOn(observed, s.name)?.membership);

const opBase = (s: ServerSpec, farm: string) => ({
  dom0: ref('server', s.name),
  server: s.name,
  name: s.name,
  farm,
  pool: s.pool,
});

/** Who is silent keeps the key by which it was known. */
const keysOf = (
  members: readonly string[],
  observed: Observed,
  before: Membership | null,
): Readonly<Record<string, string>> =>
  table(
    members.flatMap((m) => {
      const seen = seenOn(observed, m);
      const key = seen ? seen.migration?.hostKey : before?.keys?.[m];
      return key ? [[m, key] as const] : [];
    }),
  );

/** `leaving`: servers that are empty once this plan is done, and are to be forgotten. */
export const memberOps = (
  pool: PoolSpec,
  observed: Observed,
  farm: Farm,
  leaving: ReadonlySet<string>,
): readonly ServerOp[] => {
  if (!isKept(pool, farm, observed)) return [];
  // One that was declared lost and answers is an error of the file: nothing is written down on it.
  if (pool.servers.some((s) => s.state === 'lost' && seenOn(observed, s.name))) return [];
  const stays = pool.servers.filter(
    (s) => s.state !== 'lost' && !leaving.has(s.name) && !(s.state === 'absent' && isGone(s, observed)),
  );
  // Whom the file has forgotten, and nobody has given up, is still one of them.
  const missed = [...observed].flatMap(([name, s]) => (isUnknown(s) && s.memberOf === pool.name ? [name] : []));
  const members = [...new Set([...stays.map((s) => s.name), ...missed])].sort(byText);
  return pool.servers.flatMap((s): readonly ServerOp[] => {
    const seen = seenOn(observed, s.name);
    if (!seen || seen.membership === undefined) return [];
    const { membership } = seen;
    const base = opBase(s, farm.name);
    if (leaving.has(s.name)) return membership ? [{ ...base, verb: 'leave-pool', digest: membership.digest }] : [];
    if (!stays.includes(s)) return [];
    const own = membership?.value;
    const before = own && own !== 'odd' ? own : null;
    const keys = keysOf(members, observed, before);
    const wanted: Membership = { format: 1, farm: farm.name, pool: pool.name, server: s.name, members, keys };
    if (before && sameMembership(before, wanted)) return [];
    return [{ ...base, verb: 'join-pool', members, keys, replaces: membership?.digest ?? 'absent' }];
  });
};

/** It was emptied and has forgotten its pool; it may leave the file. */
const isGone = (s: ServerSpec, observed: Observed): boolean => {
  const seen = seenOn(observed, s.name);
  return s.state === 'absent' && seen !== undefined && seen.membership === null;
};

/** What each of two servers lacks for migrations from the first to the second. */
export const migrationOps = (
  pairs: readonly (readonly [from: string, to: string])[],
  pool: PoolSpec,
  observed: Observed,
  farm: string,
  aliasOf: (server: string) => string,
): readonly ServerOp[] => {
  // With a key of the owner's nothing is put on the servers.
  if (pool.migrationKey !== undefined) return [];
  const sends = new Map<string, Set<string>>();
  const takes = new Map<string, Set<string>>();
  const add = (map: Map<string, Set<string>>, at: string, peer: string): unknown =>
    map.set(at, (map.get(at) ?? new Set()).add(peer));
  for (const [from, to] of pairs) {
    const [a, b] = [seenOn(observed, from)?.migration, seenOn(observed, to)?.migration];
    if (!a || !b) continue;
    if (a.key === null || a.hosts[aliasOf(to)] !== b.hostKey) add(sends, from, to);
    if (a.key === null || !b.admits.includes(a.key)) add(takes, to, from);
  }
  return pool.servers.flatMap((s): readonly ServerOp[] => {
    const base = opBase(s, farm);
    const [send, take] = [sends.get(s.name), takes.get(s.name)];
    return [
      ...(send ? [{ ...base, verb: 'send-migrations' as const, peers: [...send].sort(byText) }] : []),
      ...(take ? [{ ...base, verb: 'take-migrations' as const, peers: [...take].sort(byText) }] : []),
    ];
  });
};

/**
 * Reeve's own keys are of no use where the file names the owner's, nor to servers that leave; and they open what need not be open.
 * `keys`: what is given in the same plan.
 */
export const dropOps = (
  pool: PoolSpec,
  observed: Observed,
  farm: string,
  leaving: ReadonlySet<string>,
  keys: readonly ServerOp[],
): readonly ServerOp[] => {
  const stays = new Set(pool.servers.filter((s) => !leaving.has(s.name) && !isGone(s, observed)).map((s) => s.name));
  const missed = (name: string): boolean => {
    const s = observed.get(name);
    return s !== undefined && isUnknown(s) && s.memberOf === pool.name;
  };
  return pool.servers.flatMap((s): readonly ServerOp[] => {
    const seen = seenOn(observed, s.name)?.migration;
    if (!seen || s.state === 'lost') return [];
    const verb = 'drop-migrations';
    const given = keys.flatMap((op) => (op.server === s.name && 'peers' in op ? [op] : []));
    const some = seen.key !== null || seen.files.hosts !== null || seen.ours.length > 0 || given.length > 0;
    if (pool.migrationKey !== undefined)
      return some ? [{ ...opBase(s, farm), verb, of: null, key: pool.migrationKey }] : [];
    if (!stays.has(s.name)) return some ? [{ ...opBase(s, farm), verb, of: null, key: null }] : [];
    const taken = [...seen.ours, ...given.flatMap((op) => (op.verb === 'take-migrations' ? op.peers : []))];
    const of = [...new Set(taken.filter((p) => !stays.has(p) && !missed(p)))].sort(byText);
    return of.length > 0 ? [{ ...opBase(s, farm), verb, of, key: null }] : [];
  });
};
