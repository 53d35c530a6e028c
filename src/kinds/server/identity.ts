/** Whether a machine is the server that it was read as: what it remembers of itself, and what the others know of it. Pure. */
import { sortedBy } from '../../core/order.ts';
import { isUnknown, type Unknown } from '../../core/port.ts';
import type { Membership, Observed, ServerSeen } from './live.ts';
import type { ServerSpec } from './spec.ts';

/** A server as the file, or a plan, names it. */
export type Named = Pick<ServerSpec, 'name' | 'pool'>;

const path = '/etc/reeve/pool.json';

const not = (reason: 'foreign' | 'wrong-machine', why: string, help: string): Unknown => ({
  is: 'unknown',
  reason,
  why,
  help,
});

const renamed =
  'correct `address`; a server changes its name by leaving the pool under the old one first (`state: absent`); ' +
  `where this machine really took the place of another, remove ${path} there`;

/** Of a file that an older version wrote, which does not tell whose it is: what else there speaks against the name. */
const notNamed = (name: string, own: Membership, { migration, records }: ServerSeen): string | null => {
  if (!own.members.includes(name)) return `it remembers ${own.members.join(', ')} as the members of its pool`;
  if (migration?.ours.includes(name)) return `it takes migrations from ${name}`;
  const homes = records.flatMap((r) => (r.marker?.farm === own.farm && r.marker.home ? [r.marker.home] : []));
  return homes.length > 0 && !homes.includes(name) ? `its VMs are at home on ${[...new Set(homes)].join(', ')}` : null;
};

/** What it remembers itself is not what the file, or a plan, has; null: it is that server, or remembers nothing. */
const strangerTo = ({ name, pool }: Named, farm: string, seen: ServerSeen): Unknown | null => {
  const own = seen.membership?.value;
  if (own === undefined) return null;
  if (own === 'odd') return not('foreign', `its ${path} cannot be read`, 'mend it, or move it away');
  if (own.farm !== farm)
    return not(
      'foreign',
      `it belongs to pool ${own.pool} of farm ${own.farm}`,
      `let that farm give it up first (\`state: absent\`), or remove ${path} there`,
    );
  if (own.server !== undefined && own.server !== name)
    return not('wrong-machine', `it is ${own.server} of pool ${own.pool}, as its ${path} says`, renamed);
  if (own.pool !== pool)
    return not(
      'foreign',
      `it belongs to pool ${own.pool}; the file has it in ${pool}`,
      'a server changes its pool by leaving the old one first (`state: absent`)',
    );
  const why = own.server === undefined ? notNamed(name, own, seen) : null;
  return why === null ? null : not('wrong-machine', `it may be another server: ${why}`, renamed);
};

/** One that remembers nothing, and that another one knows by another host key: the file's address leads elsewhere, or it is new. */
const replaced = (s: Named, seen: ServerSeen, others: readonly (readonly [string, ServerSeen])[]): Unknown | null => {
  if (seen.membership !== null) return null;
  for (const [name, { membership }] of others) {
    const own = membership?.value;
    const keys = own && own !== 'odd' && own.pool === s.pool ? own.keys : undefined;
    const known = keys && Object.hasOwn(keys, s.name) ? keys[s.name] : undefined;
    if (known !== undefined && known !== seen.migration?.hostKey)
      return not(
        'wrong-machine',
        `it has no ${path}, and ${name} knows ${s.name} by another host key`,
        'correct `address`; where the old machine is dead for certain and this one took its place, write `state: lost` for one run',
      );
  }
  return null;
};

/** Servers of one boot are one machine. */
const oneMachine = (others: readonly string[]): Unknown =>
  not(
    'wrong-machine',
    `it is the same machine as ${others.join(' and ')}: the same boot answered under each name`,
    'give each server an address of its own',
  );

/** As it was read, but a machine that is not the server of that name counts as not read. */
export const identified = (servers: readonly Named[], farm: string, observed: Observed): Observed => {
  const out = new Map(observed);
  const seen = servers.flatMap((s) => {
    const x = observed.get(s.name);
    return x && !isUnknown(x) ? [[s, x] as const] : [];
  });
  const boots = new Map<string, string[]>();
  for (const [s, x] of seen) boots.set(x.bootId, [...(boots.get(x.bootId) ?? []), s.name]);
  const honest: (readonly [string, ServerSeen])[] = [];
  for (const [s, x] of seen) {
    const twins = x.bootId === '' ? [] : (boots.get(x.bootId) ?? []).filter((n) => n !== s.name);
    const wrong = strangerTo(s, farm, x) ?? (twins.length > 0 ? oneMachine(twins) : null);
    if (wrong) out.set(s.name, wrong);
    else honest.push([s.name, x]);
  }
  for (const [s, x] of seen) {
    const wrong = isUnknown(out.get(s.name)) ? null : replaced(s, x, honest);
    if (wrong) out.set(s.name, wrong);
  }
  return out;
};

/** Servers with one host key: two machines made from one image, which anybody who has one of them can pass off as the other. */
export const sharedKeys = (observed: Observed): readonly (readonly string[])[] => {
  const byKey = new Map<string, string[]>();
  for (const [name, x] of observed) {
    const key = isUnknown(x) ? null : (x.migration?.hostKey ?? null);
    if (key !== null) byKey.set(key, [...(byKey.get(key) ?? []), name]);
  }
  return [...byKey.values()].filter((names) => names.length > 1);
};

const textOf = (m: Membership): string =>
  JSON.stringify([m.farm, m.pool, m.server, m.members, sortedBy(Object.entries(m.keys ?? {}), ([name]) => name)]);

/** Both say the same of the pool, and of the server that has them. */
export const sameMembership = (a: Membership, b: Membership): boolean => textOf(a) === textOf(b);
