/** `reeve status`: servers and VMs as they are, managed or not. Reads only. */
import { isUnknown, unreadCode } from '../core/port.ts';
import { sortedBy } from '../core/order.ts';
import type { Farm, PoolSpec } from '../kinds/farm.ts';
import type { Plan } from '../kinds/plan.ts';
import { imageName } from '../kinds/repository/live.ts';
import type { RepositorySpec } from '../kinds/repository/spec.ts';
import { seenOn, type Observed } from '../kinds/server/live.ts';
import type { ServerSpec } from '../kinds/server/spec.ts';
import { usersIn, type Users } from '../kinds/server/users.ts';
import { memoryNow } from '../kinds/vm/follows.ts';
import { lifeOf } from '../kinds/vm/state.ts';
import {
  defaultOptions,
  hadIn,
  makePlan,
  match,
  rollIn,
  sharersOf,
  standingOf,
  type Found,
  type Matched,
  type Standing,
} from '../plan/index.ts';
import {
  renderStatus,
  statusJson,
  type Status,
  type StatusRepository,
  type StatusMissing,
  type StatusServer,
  type StatusVm,
} from '../report/status.ts';
import { exit, type ExitCode } from './exit.ts';
import { load } from './load.ts';
import type { CommonFlags, SourceFlags } from './options.ts';
import { readerOf } from './outside.ts';
import { checkPools, readFarm, toolsOf } from './pipeline.ts';
import { namedByFarm, secretsToCompare } from './secrets.ts';
import { lookOf, type Shell } from './shell.ts';

export interface StatusFlags extends CommonFlags, SourceFlags {
  readonly pool: readonly string[];
  readonly json: boolean;
}

const serverOf = ({ name, pool, address, state: said }: ServerSpec, observed: Observed): StatusServer => {
  const seen = observed.get(name);
  const bare = { name, pool, address, declared: said };
  if (seen === undefined || isUnknown(seen)) {
    const nothing = { xen: null, cpus: null, memory: null, scheduler: null, problems: [] };
    if (said === 'off' || said === 'lost')
      return { ...bare, state: said, ...nothing, code: null, why: null, help: null };
    const why = { code: unreadCode(seen), why: seen?.why ?? 'it was not read', help: seen?.help ?? null };
    return { ...bare, state: 'unread', ...nothing, ...why };
  }
  const { xen, cpus, memory, scheduler, problems } = seen;
  return {
    ...bare,
    state: 'read',
    xen: xen.version,
    cpus,
    memory: { total: memory.total, free: memory.free },
    scheduler,
    code: null,
    why: null,
    help: null,
    problems,
  };
};

/** The same domain and cfg: both come out of one reading. */
const same = (a: Found, b: Found): boolean => a.live.domain === b.live.domain && a.live.record === b.live.record;

const keyOf = (found: Found, matched: Matched): string | null => {
  for (const [key, m] of matched.of) if (m.is === 'matched' && same(m.found, found)) return key;
  return null;
};

const ownerOf = (found: Found, key: string | null, farm: Farm): StatusVm['owner'] => {
  if (found.marker === null) return key === null ? 'unmanaged' : 'adoptable';
  return found.marker.farm === farm.name ? 'managed' : 'foreign';
};

const problemsOf = (found: Found, key: string | null, farm: Farm): readonly string[] => {
  const { domain, record } = found.live;
  const m = found.marker;
  return [
    ...(domain?.monitored === false ? ['no xl monitor: nobody will handle its reboot or shutdown'] : []),
    ...(record === null ? ['no cfg: it is gone once it stops'] : []),
    ...(m !== null && m.farm !== farm.name ? [`it belongs to farm ${m.farm}`] : []),
    ...(m?.farm === farm.name && key === null && !farm.vms.some((v) => v.key === m.vm)
      ? ['the file no longer names it']
      : []),
  ];
};

const vmOf = (found: Found, matched: Matched, farm: Farm, plan: Plan): StatusVm => {
  const { domain, record } = found.live;
  const config = record?.config;
  const key = keyOf(found, matched);
  const life = lifeOf(found.live);
  const changes = plan.vms.find((v) => v.subject.name === key)?.changes ?? [];
  const memory = domain ? { target: memoryNow(domain), max: domain.memory.max } : config?.memory;
  return {
    name: found.name,
    key,
    server: found.server,
    uuid: found.uuid,
    state: life === 'absent' ? 'stopped' : life,
    type: domain?.type ?? config?.type ?? null,
    vcpus: domain ? { count: domain.vcpus.online, max: domain.vcpus.max } : (config?.vcpus ?? null),
    memory: memory ? { target: memory.target, max: memory.max } : null,
    owner: ownerOf(found, key, farm),
    autostart: (record?.autostart.length ?? 0) > 0,
    pending: changes.filter((c) => c.fate === 'pending').length,
    differences: changes.filter((c) => c.fate !== 'pending' && c.fate !== 'released').length,
    problems: problemsOf(found, key, farm),
  };
};

const missingOf = (farm: Farm, observed: Observed, matched: Matched): readonly StatusMissing[] =>
  farm.vms.flatMap((v): readonly StatusMissing[] => {
    const m = matched.of.get(v.key);
    if (v.state === 'absent' || m?.is === 'matched') return [];
    if (m?.is === 'refused') return [{ is: 'unclear', key: v.key, pool: v.pool, why: m.why }];
    const servers = farm.pools.find((p) => p.name === v.pool)?.servers ?? [];
    const unread = servers.map((s) => s.name).filter((s) => !seenOn(observed, s));
    const why = unread.length > 0 ? `it may be on ${unread.join(' or ')}, which could not be read` : 'it is nowhere';
    return [{ is: 'nowhere', key: v.key, pool: v.pool, why }];
  });

interface Scene {
  /** With the pools that were not read: they may have the same stores. */
  readonly whole: Farm;
  readonly observed: Observed;
  readonly users: Users;
}

/** On any server that has the store: of one that is not shared, each server's own. What may be somebody's is none. */
const orphansIn = (spec: RepositorySpec, pool: PoolSpec, has: readonly Standing[], scene: Scene): readonly string[] => {
  const hadOn = ({ server, seen }: Standing) => hadIn({ spec, pool, server, seen }, { ...scene, farm: scene.whole });
  const [first] = has;
  // A shared store is one, whoever looks.
  const all = spec.shared && first ? hadOn(first) : null;
  const names = has.flatMap((s) => {
    const store = s.seen.storage.stores[spec.path];
    if (store?.is !== 'there') return [];
    const had = all ?? hadOn(s);
    return Object.entries(store.disks).flatMap(([name, d]) => (d.there && had(name) === null ? [name] : []));
  });
  return [...new Set(names)].sort();
};

/** What lies among a repository's images: those of the file, and others. */
const imagesIn = (
  spec: RepositorySpec,
  pool: PoolSpec,
  has: readonly Standing[],
  whole: Farm,
): Pick<StatusRepository, 'images' | 'oldImages'> => {
  const { name, path } = spec;
  const files = new Set(
    has.flatMap((s) => {
      const store = s.seen.storage.stores[path];
      return store?.is === 'there' ? Object.keys(store.images).filter((f) => store.images[f]?.there) : [];
    }),
  );
  const kept = pool.images.filter((i) => i.repository === name && i.state === 'present');
  // An export that other pools have, too, keeps theirs as well.
  const theirs = sharersOf(spec, pool, whole).flatMap((o) =>
    o.pool.images.filter((i) => i.repository === o.spec.name && i.state === 'present'),
  );
  const known = new Set([...kept, ...theirs].map((i) => imageName(i.path)));
  return {
    images: kept
      .filter((i) => files.has(imageName(i.path)))
      .map((i) => `${i.what === 'iso' ? 'ISO' : i.what} ${i.name}`),
    oldImages: [...files].filter((f) => !known.has(f)).sort(),
  };
};

const repositoriesOf = (farm: Farm, whole: Farm, observed: Observed): readonly StatusRepository[] => {
  const scene = { whole, observed, users: usersIn(observed) };
  return farm.pools.flatMap((pool) => {
    const seen = pool.servers.flatMap((s) => {
      const x = seenOn(observed, s.name);
      return x ? [[s.name, x] as const] : [];
    });
    return Object.values(pool.repositories)
      .filter((r) => r.state === 'present')
      .map((r): StatusRepository => {
        const all = seen.map(([name, x]) => standingOf(r, farm.name, name, x));
        const has = all.filter((s) => s.barred === null && s.marker !== null && s.booked !== null && !s.mount);
        const spaces = has.flatMap((s) => {
          const store = s.seen.storage.stores[r.path];
          return store?.is === 'there' && store.space ? [store.space] : [];
        });
        return {
          name: r.name,
          pool: pool.name,
          type: r.type,
          path: r.path,
          space: sortedBy(spaces, (s) => String(s.free).padStart(20, '0'))[0] ?? null,
          orphans: orphansIn(r, pool, has, scene),
          ...imagesIn(r, pool, has, whole),
          attached: has.map((s) => s.server),
          missing: all.filter((s) => !has.includes(s) && s.barred === null).map((s) => s.server),
          problems: all.flatMap((s) => (s.barred ? [`${s.server}: ${s.barred.why}`] : [])),
        };
      });
  });
};

/** `farm` has only the pools that were read; `whole`: all of them. */
export const statusOf = (farm: Farm, observed: Observed, plan: Plan, version: string, whole: Farm = farm): Status => {
  const matched = match(farm, observed, []);
  // Where the file names no VM, nothing is claimed: what is left is all that is there.
  const all = match({ ...farm, vms: [] }, observed, []).left;
  return {
    format: 'reeve-status/1',
    tool: version,
    farm: farm.name,
    servers: farm.pools.flatMap((p) => p.servers).map((s) => serverOf(s, observed)),
    repositories: repositoriesOf(farm, whole, observed),
    vms: sortedBy(
      all.map((f) => vmOf(f, matched, farm, plan)),
      (v) => `${v.name}\n${v.server}`,
    ),
    missing: missingOf(farm, observed, matched),
    rolls: farm.pools.flatMap((p) => rollIn(p, observed) ?? []),
  };
};

export const status = async (shell: Shell, paths: readonly string[], flags: StatusFlags): Promise<ExitCode> => {
  const whole = await load(shell, paths, flags);
  checkPools(whole, flags.pool);
  const wanted = (pool: string): boolean => flags.pool.length === 0 || flags.pool.includes(pool);
  const reader = await readerOf(shell, whole, flags);
  try {
    const secrets = await secretsToCompare(shell, namedByFarm(whole, { pools: flags.pool, targets: [] }));
    const observed = await readFarm(shell, whole, flags.pool, reader, flags);
    const plan = makePlan(whole, observed, { ...defaultOptions, pools: flags.pool }, toolsOf(shell, secrets));
    const farm: Farm = {
      ...whole,
      pools: whole.pools.filter((p) => wanted(p.name)),
      vms: whole.vms.filter((v) => wanted(v.pool)),
    };
    const found = statusOf(farm, observed, plan, shell.version, whole);
    shell.out.write(flags.json ? statusJson(found) : renderStatus(found, lookOf(shell, shell.out, flags.color)));
    return found.servers.some((s) => s.state === 'unread') ? exit.unread : exit.done;
  } finally {
    await reader.close();
  }
};
