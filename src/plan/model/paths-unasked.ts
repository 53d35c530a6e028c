/**
 * What a plan hangs on and no reading has asked for: the file does not name it, the cfg that was found does. Known before
 * anything is planned is only what the file names, and a VM that stays where it is needs nothing of another server.
 */
import { groupBy } from '../../core/order.ts';
import type { Farm, PoolSpec } from '../../kinds/farm.ts';
import type { Op, Plan } from '../../kinds/plan.ts';
import { seenOn, type Observed, type ServerSeen } from '../../kinds/server/live.ts';
import { pathsOfConfig, pathsOfDomain } from '../../kinds/server/users.ts';
import { beneath } from './path-availability.ts';
import { budgetBytes } from './paths-to-read.ts';

interface Needed {
  readonly server: string;
  readonly paths: readonly string[];
}

/** Files that must be on a server for the operation to succeed, or for its VM to start there later. */
const neededBy = (op: Op, observed: Observed): readonly Needed[] => {
  if (op.verb === 'define') {
    // One that stands there already runs with what it has, or is started by an operation of its own.
    const stands = seenOn(observed, op.server)?.records.some((r) => r.config?.uuid === op.uuid);
    return stands ? [] : [{ server: op.server, paths: pathsOfConfig(op.record.config) }];
  }
  if (op.verb === 'restart') return [{ server: op.server, paths: pathsOfConfig(op.record.config) }];
  if (op.verb === 'start' || op.verb === 'resume') return [{ server: op.server, paths: pathsOfConfig(op.config) }];
  if (op.verb !== 'migrate') return [];
  // A hand may have put something into it since.
  const domain = seenOn(observed, op.server)?.domains.find((d) => d.uuid === op.uuid);
  return [{ server: op.peer, paths: [...pathsOfConfig(op.config), ...(domain ? pathsOfDomain(domain) : [])] }];
};

const madeBy = (op: Op): readonly string[] => {
  if (op.verb === 'make-disk' || op.verb === 'make-seed') return [op.path];
  return op.verb === 'restart' ? op.copies.map((c) => c.path) : [];
};

/** What all servers of the pool see need not be looked for on each. */
const ownIn = ({ repositories }: PoolSpec): ((path: string) => boolean) => {
  const shared = Object.values(repositories).flatMap((r) => (r.shared && r.state === 'present' ? [r.path] : []));
  return (path) => !shared.some((folder) => beneath(path, folder));
};

/** Of the VMs of this farm that are there, and of those that it may adopt. */
const pathsFound = (farm: Farm, { domains, records }: ServerSeen): readonly string[] => {
  const names = new Set(farm.vms.map((v) => v.name));
  return [
    ...records.flatMap(({ config, marker }) =>
      config && (marker?.farm === farm.name || names.has(config.name)) ? pathsOfConfig(config) : [],
    ),
    ...domains.flatMap((d) => (names.has(d.name) ? pathsOfDomain(d) : [])),
  ];
};

/**
 * By server, what to ask beside what was asked; nothing where the plan hangs on nothing unknown. Where it does, the servers of that
 * pool are asked for what all its VMs have, since another plan may put another VM elsewhere. `plan` null: for whatever plan.
 */
export const unaskedPaths = (
  farm: Farm,
  observed: Observed,
  plan: Pick<Plan, 'operations'> | null,
): ReadonlyMap<string, readonly string[]> => {
  const operations = plan?.operations ?? [];
  const made = new Set(operations.flatMap(({ op }) => madeBy(op)));
  const needed = groupBy(
    operations.flatMap(({ op }) => neededBy(op, observed)),
    (n) => n.server,
  );
  const out = new Map<string, readonly string[]>();
  for (const pool of farm.pools) {
    const own = ownIn(pool);
    const servers = pool.servers.flatMap(({ name }) => {
      const seen = seenOn(observed, name);
      return seen ? [{ name, seen }] : [];
    });
    const open = servers.flatMap(({ name, seen }) =>
      (needed.get(name) ?? []).flatMap((n) => n.paths.filter((p) => own(p) && !made.has(p) && !(p in seen.paths))),
    );
    if (plan && open.length === 0) continue;
    const wanted = [...new Set([...open, ...servers.flatMap(({ seen }) => pathsFound(farm, seen).filter(own))])];
    for (const { name, seen } of servers) {
      let left = budgetBytes;
      const more = wanted.filter((p) => !(p in seen.paths) && (left -= p.length + 3) >= 0);
      if (more.length > 0) out.set(name, more.sort());
    }
  }
  return out;
};
