/** New VMs: what each is to be, and where one goes that does not run; and nothing is planned onto a server that lacks what it needs. */
import type { Reason } from '../../core/reason.ts';
import { byText } from '../../core/order.ts';
import { formatSize } from '../../core/quantity.ts';
import type { Farm, PoolSpec } from '../../kinds/farm.ts';
import type { Refusal } from '../../kinds/plan.ts';
import type { Lease } from '../../kinds/repository/live.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import type { Users } from '../../kinds/server/users.ts';
import { cfgPath } from '../../kinds/vm/cfg-path.ts';
import { draft, liesAstray, type VmTransition } from '../../kinds/vm/draft.ts';
import { unresolvedReason, type Facts } from '../../kinds/vm/facts.ts';
import { resolve } from '../../kinds/vm/resolve.ts';
import type { VmSpec } from '../../kinds/vm/spec.ts';
import { holdsVms, lackThere } from './workloads.ts';
import type { PoolScene } from './workload.ts';
import type { Decision } from '../decide/decide.ts';
import { settleDisks } from '../decide/resolve-disks.ts';
import type { Settled } from '../model/settled-disks.ts';
import type { OversizeOf } from '../model/oversize.ts';
import { lackOf } from '../model/server-requirements.ts';
import { freeAfter, type Fresh, type PoolPlan } from './place-pool.ts';
import { refusal } from '../model/refusal.ts';
import { sumOf, wantsOf } from '../storage/space-accounting.ts';
import { type Roof, roofOver } from '../model/path-availability.ts';
import { localDisk } from '../model/shared-paths.ts';

interface Scene {
  readonly farm: Farm;
  readonly poolOf: ReadonlyMap<string, PoolSpec>;
  readonly seenOf: (server: string) => ServerSeen | undefined;
  readonly factsOf: (spec: VmSpec, seen: ServerSeen) => Facts;
  readonly users: Users;
  readonly oversize: (spec: VmSpec, here: string) => OversizeOf;
  /** The lease of a server that is lost. */
  readonly leftBy: (spec: VmSpec) => Pick<Lease, 'uuid' | 'disks'> | null;
}

const refuse = (spec: VmSpec, reason: Reason): Refusal => refusal(spec.key, `${spec.key} would be created`, reason);

/** The first server of a pool that was read, looked for once however many VMs are new there. */
const anyReadIn = ({ poolOf, seenOf }: Scene): ((pool: string) => ServerSeen | undefined) => {
  const known = new Map<string, ServerSeen | undefined>();
  return (pool) => {
    if (!known.has(pool)) {
      const first = poolOf.get(pool)?.servers.find((s) => seenOf(s.name));
      known.set(pool, first && seenOf(first.name));
    }
    return known.get(pool);
  };
};

/** Each as it would be on any server of its pool; what cannot be settled is refused. */
export const freshOf = (specs: readonly VmSpec[], scene: Scene): readonly (Fresh | { readonly refused: Refusal })[] => {
  const anyOf = anyReadIn(scene);
  return specs.flatMap((spec): readonly (Fresh | { readonly refused: Refusal })[] => {
    const any = anyOf(spec.pool);
    const left = scene.leftBy(spec);
    const own = left ? { ...spec, uuid: spec.uuid ?? left.uuid } : spec;
    const place = any && { farm: scene.farm.name, seen: any, users: scene.users };
    const settled = place && settleDisks(own, null, place, left?.disks);
    const want = settled && ('unresolved' in settled ? settled : resolve(settled.spec, null, scene.factsOf(spec, any)));
    if (!want) return [];
    if ('unresolved' in want) return [{ refused: refuse(spec, unresolvedReason(want)) }];
    // One that is to run is told server by server why it finds no place.
    const [large] = spec.state === 'stopped' ? scene.oversize(spec, any.host)(want.config) : [];
    if (large) return [{ refused: refuse(spec, large.reason) }];
    const sums = sumOf(wantsOf(settled as Settled));
    const space = Object.values(scene.poolOf.get(spec.pool)?.repositories ?? {}).flatMap((r) => {
      const kib = sums.get(r.path);
      return kib === undefined || r.shared ? [] : [[r.name, kib] as const];
    });
    return [{ spec, uuid: want.uuid, config: want.config, space: new Map(space) }];
  });
};

/** KiB that are left of a repository there; null: nobody told. */
export type Left = (server: string, repository: string) => number | null;

const spaceLack = ({ space }: Pick<Fresh, 'space'>, server: string, left: Left): string | null => {
  for (const [repository, kib] of space) {
    const short = kib - (left(server, repository) ?? kib);
    if (short > 0) return `lacks ${formatSize(Math.ceil(short / 1024) * 1024)} in repository ${repository}`;
  }
  return null;
};

/** Where one goes that takes no memory: the server with most room that has what it needs; or why there is none. */
export const roomiest = (
  { spec, config, space }: Pick<Fresh, 'spec' | 'config' | 'space'>,
  scene: PoolScene,
  plan: PoolPlan | null,
  left: Left = scene.freeIn,
): { readonly server: string } | Pick<Reason, 'code' | 'why'> => {
  const free = plan ? freeAfter(plan) : new Map<string, { memory: number }>();
  const allowed = scene.pool.servers.filter(
    (s) => holdsVms(s) && scene.seenOf(s.name) && (spec.servers.length === 0 || spec.servers.includes(s.name)),
  );
  const judged = allowed.map((s) => ({
    server: s.name,
    lack: lackThere(config, s.name, scene)?.what ?? spaceLack({ space }, s.name, left),
  }));
  const [best] = judged
    .filter((j) => j.lack === null)
    .sort(
      (a, b) => (free.get(b.server)?.memory ?? 0) - (free.get(a.server)?.memory ?? 0) || byText(a.server, b.server),
    );
  if (best) return { server: best.server };
  return {
    code: 'no-server-fits',
    why:
      judged.map((j) => `${j.server} ${j.lack}`).join('; ') || 'no server of the pool that may hold it could be read',
  };
};

/** Why a new VM is where it is. */
export const whyThere = ({ spec, space }: Fresh, server: string, scene: PoolScene, free: number): string => {
  const candidates = scene.pool.servers.filter(
    (s) => holdsVms(s) && scene.seenOf(s.name) && (spec.servers.length === 0 || spec.servers.includes(s.name)),
  );
  return candidates.length === 1 && candidates[0]?.name === server
    ? 'the only server it may be on'
    : `most room${space.size > 0 ? ' beside the space for its disks' : ''}: ${(free / 1024 ** 2).toFixed(1)}GiB free`;
};

/** A VM that does not run and whose cfg lies where it may not be: it goes elsewhere, or why it cannot. */
export const relocation = (
  x: Decision,
  scene: PoolScene,
  plan: PoolPlan | null,
): { readonly to: string } | Reason | null => {
  const t = x.whole;
  const here = scene.serverOf.get(x.server);
  if (!t || x.live?.domain || !x.live || t.mode === 'delete' || t.state === 'start') return null;
  const named = x.spec.servers.length === 0 || x.spec.servers.includes(x.server);
  if (here && holdsVms(here) && named) return null;
  // Only one that leaves its pool, or stands where the file does not want it, is worth a move; maintenance passes.
  if (named && (here?.state === 'maintenance' || here?.roll)) return null;
  const local = localDisk(Object.values(t.want.config.disks), scene.shared);
  if (local !== null)
    return {
      code: 'disk-local',
      why: `its disk ${local} is only on ${x.server}`,
      help: 'move the disk into a shared repository first',
    };
  const found = roomiest({ spec: x.spec, config: t.want.config, space: new Map() }, scene, plan);
  return 'server' in found ? { to: found.server } : { ...found, help: 'give it another server' };
};

/** Where one of its new disks lies may not be used, nor what it is made from: a template, or the disk that it takes the place of. */
export const unmade = ({ make, move }: VmTransition, roofs: readonly Roof[] | undefined): Reason | null => {
  for (const { from, vdev, path } of [...make, ...move]) {
    const into = roofOver(roofs, path);
    if (into?.is === 'barred') return { ...into, why: `disk ${vdev} lies in ${into.repository}: ${into.why}` };
    const roof = from && roofOver(roofs, from.path);
    if (roof?.is === 'barred') return { ...roof, why: `disk ${vdev} is made from ${roof.repository}: ${roof.why}` };
  }
  return null;
};

/** What the server lacks for what the transition would write or start, or null. */
export const unmet = (t: VmTransition, seen: ServerSeen, all: readonly Roof[]): Reason | null => {
  if (t.mode === 'delete' || t.state === 'stop') return null;
  // What this run leaves as it is starts as it is.
  const config = t.keep.size > 0 && t.live?.record ? draft(t).config : t.want.config;
  // What runs on a store that is barred now runs on: only what would begin to use it is held back.
  const begins =
    t.state === 'start' ||
    t.mode === 'restart' ||
    [...t.take.map((x) => x.change), ...t.defer].some((c) => /^(?:disks|cdrom|boot)\./.test(c.field));
  const lack = lackOf(config, seen, begins ? all : all.filter((r) => r.is === 'coming'));
  // What runs has what serves it, whatever that is called.
  if (lack && (begins || lack.code !== 'driver-domain-missing'))
    return { code: lack.code, why: `${t.server} ${lack.what}`, help: lack.help };
  const record = t.live?.record;
  const renamed = record?.config !== undefined && record.config.name !== config.name;
  const other = seen.domains.find((d) => d.name === config.name && d.uuid !== t.want.uuid);
  if (renamed && other) {
    const why = `${t.server} has a domain ${config.name} already (UUID ${other.uuid})`;
    return { code: 'name-taken', why, help: 'rename that one first, or choose another name' };
  }
  const comes = renamed || liesAstray(record);
  const path = record && !comes ? record.path : cfgPath(config.name);
  const stranger = record && !comes ? undefined : seen.records.find((r) => r.path === path && r !== record);
  if (stranger && stranger.digest !== t.ahead && (comes || !record?.config)) {
    return {
      code: 'cfg-taken',
      why: `${t.server} has a ${path} already${stranger.problem === undefined ? ' of another VM' : `, which cannot be read: ${stranger.problem}`}`,
      help: 'move it away, or mend it',
    };
  }
  return null;
};
