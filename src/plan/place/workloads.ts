/** The VMs of one pool as placing sees them: where each is, what it takes and is to take, and what moving it would cost. */
import { within } from '../../core/disruption.ts';
import { sortedBy } from '../../core/order.ts';
import type { Farm, PoolSpec } from '../../kinds/farm.ts';
import type { ServerSpec } from '../../kinds/server/spec.ts';
import { maskedBy, runningCpuid } from '../../kinds/vm/cpu.ts';
import type { Overhead } from '../../kinds/vm/effects.ts';
import { driverDomainsOf, isServed } from '../../kinds/vm/bound.ts';
import { table } from '../../core/table.ts';
import { needsQemu } from '../../kinds/vm/device-ways.ts';
import { vcpusAsked } from '../../kinds/vm/follows.ts';
import type { VmTransition } from '../../kinds/vm/draft.ts';
import type { Domain } from '../../kinds/vm/live.ts';
import { realise } from '../../kinds/vm/realise.ts';
import { lifeOf } from '../../kinds/vm/state.ts';
import { plainDisk, type DiskConfig, type VmConfig, type VmSpec } from '../../kinds/vm/spec.ts';
import { barsAlive } from '../model/live-migration-compat.ts';
import type { Decision } from '../decide/decide.ts';
import { lackOf, type Lack } from '../model/server-requirements.ts';
import type { Found, Matched } from '../match/match.ts';
import { moveBy } from './solver/problem.ts';
import type { Roof } from '../model/path-availability.ts';
import { netOf, type Amounts } from '../model/resource-deltas.ts';
import { allowing, wayOut } from './mobility.ts';
import { localDisk, sharedPaths } from '../model/shared-paths.ts';
import type { Body, Stays, PoolScene } from './workload.ts';

const domainKey = (server: string, uuid: string): string => `${server}\n${uuid}`;

/** Those that were found more than once are each of the file, too. */
export const specsOf = (farm: Farm, matched: Matched): PoolScene['specs'] => {
  const out = new Map<string, VmSpec>();
  const put = ({ server, live: { domain } }: Found, spec: VmSpec | undefined): unknown =>
    domain && spec && out.set(domainKey(server, domain.uuid), spec);
  const byKey = new Map(farm.vms.map((v) => [v.key, v] as const));
  for (const f of matched.left) if (f.marker?.farm === farm.name) put(f, byKey.get(f.marker.vm));
  for (const [key, m] of matched.of) if (m.is === 'matched') put(m.found, byKey.get(key));
  return out;
};

/** Whether the server may hold VMs, as the file has it. */
export const holdsVms = (s: ServerSpec): boolean => s.state === 'active' && s.roles.includes('vm') && !s.roll;

/** Whether those that are there may stay. */
export const keepsVms = (s: ServerSpec): boolean => holdsVms(s) || (s.state === 'active' && s.roll === 'closed');

/** The servers of a pool, and the paths that all of them see. */
export const groundOf = (pool: PoolSpec): Pick<PoolScene, 'pool' | 'serverOf' | 'shared'> => ({
  pool,
  serverOf: new Map(pool.servers.map((s) => [s.name, s] as const)),
  shared: sharedPaths(pool),
});

const none: Amounts = { memory: 0, vcpus: 0 };
const noSpace: Body['space'] = new Map();

const sum = (a: Amounts, b: Amounts): Amounts => ({ memory: a.memory + b.memory, vcpus: a.vcpus + b.vcpus });

/** What a VM of this configuration takes in all. */
const sizeOf = (config: VmConfig, overhead: Overhead): Amounts => ({
  memory: config.memory.target + overhead(config),
  vcpus: config.vcpus.count,
});

/** A medium that a hand put into a drive which the file leaves alone goes along. */
const withMedia = (config: VmConfig, { cdroms }: VmSpec, d: Domain): VmConfig => {
  const byHand = Object.entries(d.cdroms).filter(
    ([vdev, { path }]) => path !== '' && path !== config.cdroms[vdev]?.path,
  );
  if (cdroms !== undefined || byHand.length === 0) return config;
  return { ...config, cdroms: { ...config.cdroms, ...table(byHand.map(([vdev, { path }]) => [vdev, { path }])) } };
};

/** With the disks that it has until its next start: they go with it wherever it moves. */
const withRunning = (config: VmConfig, d: Domain): VmConfig => {
  const wanted = new Set(Object.values(config.disks).map((k) => k.path));
  const more = d.disks.filter((k) => !wanted.has(k.path));
  if (more.length === 0) return config;
  const disks: Record<string, DiskConfig> = table(config.disks);
  for (const { vdev, path, access, format } of more) disks[`${vdev} now`] = { ...plainDisk, path, access, format };
  return { ...config, disks };
};

/** A domain, with what is to be done with it where it is ours. */
const running = (d: Domain, server: string, x: Decision | undefined, scene: PoolScene): Body => {
  const room = scene.rooms.get(server);
  const now: Amounts = {
    memory: (room?.claims.get(d.uuid) ?? 0) + (room?.claims.get(`${d.uuid}+overhead`) ?? 0),
    vcpus: room?.vcpus.get(d.uuid) ?? vcpusAsked(d),
  };
  const own = (): boolean =>
    scene.seenOf(server)?.records.find((r) => r.config?.uuid === d.uuid)?.marker?.farm === scene.farm;
  const spec = x?.spec ?? scene.specs.get(domainKey(server, d.uuid));
  const ours = spec !== undefined || own();
  const returns = spec !== undefined && localDisk(d.disks, scene.shared) === null;
  const base = {
    known: spec ?? null,
    returns,
    name: d.name,
    uuid: d.uuid,
    server,
    now,
    space: noSpace,
    prefers: null,
    ours,
    masked: [],
  };
  const t = x?.whole;
  if (!x || !t) {
    const stays = {
      code: x ? ('unplannable' as const) : ('unmanaged-vm' as const),
      why: x ? 'it cannot be planned' : 'it is not managed',
      help: x ? null : 'move or stop it by hand',
      needs: null,
    };
    return {
      ...base,
      spec: x?.spec ?? null,
      decision: null,
      next: now,
      runs: true,
      move: moveBy.never,
      stays,
      suspend: false,
      config: null,
    };
  }
  const ops = x.transition ? realise(x.transition) : [];
  const leaves = x.transition?.state === 'stop' || x.transition?.mode === 'delete';
  return {
    ...base,
    spec: x.spec,
    decision: x,
    next: leaves ? none : ops.length === 0 ? now : sum(now, netOf(ops, server, room, scene.overhead)),
    runs: !leaves,
    ...wayOut(x, t, d, scene),
    config: withRunning(withMedia(t.want.config, x.spec, d), d),
    masked: maskedBy(runningCpuid(t)),
  };
};

/** The roll starts it once it takes the server back. */
const underTreatment = (server: string, pool: string): Stays => ({
  code: 'under-treatment',
  why: `a roll has ${server} under treatment, and nothing is started there meanwhile`,
  help: `run the same \`reeve roll ${pool}\` again, which goes on where it broke off and starts it; or give the roll up: reeve roll ${pool} --abandon`,
  needs: null,
});

/** One that is to be started and whose cfg lies on a server. */
const starting = (x: Decision, t: VmTransition, scene: PoolScene): Body => {
  const local = localDisk(Object.values(t.want.config.disks), scene.shared);
  const here = scene.serverOf.get(x.server);
  return {
    spec: x.spec,
    known: x.spec,
    returns: local === null,
    name: x.spec.name,
    uuid: t.want.uuid,
    server: null,
    decision: x,
    now: none,
    next: sizeOf(t.want.config, scene.overhead),
    space: noSpace,
    runs: true,
    move: moveBy.cold,
    stays:
      here?.roll === 'closed' && (x.spec.rides || local !== null)
        ? underTreatment(x.server, scene.pool.name)
        : local === null
          ? null
          : { code: 'disk-local', why: `its disk ${local} is only on ${x.server}`, help: null, needs: null },
    suspend: false,
    config: t.want.config,
    masked: [],
    prefers: x.server,
    ours: true,
  };
};

/** One that runs in another pool and is to come here: it goes down there and comes up here. */
const arriving = (x: Decision, t: VmTransition, scene: PoolScene): Body => ({
  ...starting(x, t, scene),
  stays: null,
  prefers: null,
});

/** Why a VM of another pool cannot come into this one; null: it can, or it is of this pool. */
export const cannotArrive = (x: Decision, scene: PoolScene): Stays | null => {
  const t = x.whole;
  if (!t || !x.live || scene.serverOf.has(x.server)) return null;
  const local = localDisk(Object.values(t.want.config.disks), scene.shared);
  if (local !== null)
    return {
      code: 'disk-not-shared',
      why: `its disk ${local} is in no shared repository of pool ${scene.pool.name}`,
      help: 'let both pools have the repository that it lies in',
      needs: null,
    };
  if (t.move.length > 0)
    return { code: 'disk-moving', why: 'its disks are moved', help: 'apply that first', needs: null };
  if (!x.live.domain || within('restart', scene.budget(x.spec))) return null;
  return { code: 'over-budget', why: 'it is down for that', help: allowing('restart', x.spec), needs: 'restart' };
};

/** All that runs or is to run; `fresh`: VMs that are nowhere yet, with what they are to be. */
export const bodiesOf = (
  scene: PoolScene,
  decisions: readonly Decision[],
  fresh: readonly (Pick<Body, 'space' | 'uuid'> & { readonly spec: VmSpec; readonly config: VmConfig })[],
): readonly Body[] => {
  const byUuid = new Map(
    decisions.flatMap((x) => (x.live?.domain ? [[domainKey(x.server, x.live.domain.uuid), x] as const] : [])),
  );
  const servers = scene.pool.servers.map((s) => s.name);
  const domains = servers.flatMap((s) =>
    (scene.seenOf(s)?.domains ?? []).map((d) => running(d, s, byUuid.get(domainKey(s, d.uuid)), scene)),
  );
  const starts = decisions.flatMap((x) => {
    const t = x.transition;
    if (!t || t.state !== 'start' || x.live?.domain || lifeOf(x.live) !== 'stopped') return [];
    return scene.serverOf.has(x.server) ? [starting(x, t, scene)] : [];
  });
  const born = fresh.flatMap(({ spec, uuid, config, space }): Body[] =>
    spec.state === 'stopped'
      ? []
      : [
          {
            spec,
            known: spec,
            returns: localDisk(Object.values(config.disks), scene.shared) === null,
            name: spec.name,
            uuid,
            server: null,
            decision: null,
            now: none,
            next: sizeOf(config, scene.overhead),
            space,
            runs: true,
            move: moveBy.cold,
            stays: null,
            suspend: false,
            config,
            masked: [],
            prefers: null,
            ours: true,
          },
        ],
  );
  const movers = decisions.flatMap((x) => {
    const t = x.whole;
    if (!t || !x.live || scene.serverOf.has(x.server)) return [];
    const up = t.want.state === 'running' && (x.live.domain !== null || t.state === 'start');
    return up ? [arriving(x, t, scene)] : [];
  });
  return sortedBy([...domains, ...starts, ...movers, ...born], (b) => `${b.spec?.key ?? b.name}\n${b.uuid}`);
};

/** VMs with one of these need the same of a server, whatever else tells them apart. */
export const needsKey = (config: VmConfig, roofs: readonly Roof[]): string =>
  JSON.stringify([
    config.type,
    Object.values(config.disks).some(needsQemu),
    config.nics.map((n) => [n.bridge, n.script, isServed(n)]),
    driverDomainsOf(config),
    config.settings.cpupool,
    config.boot.kernel,
    config.boot.ramdisk,
    config.settings['boot.bootloader'],
    Object.values(config.cdroms).map((c) => c.path),
    Object.values(config.disks).map(
      (d) => roofs.find((r) => r.path === d.path || d.path.startsWith(`${r.path}/`))?.repository ?? d.path,
    ),
  ]);

/** What the server lacks for it; null: nothing. */
export const lackThere = (config: VmConfig, server: string, scene: PoolScene): Lack | null => {
  const seen = scene.seenOf(server);
  if (!seen) return { code: 'server-unread', what: 'could not be read', help: 'try again when it answers' };
  return lackOf(config, seen, scene.roofs.get(server) ?? []);
};

/** Why it cannot go there alive; null: it can, or it does not have to. */
export const barredAlive = (body: Body, to: string, scene: PoolScene): string | null => {
  if (body.move !== moveBy.live || body.server === null || body.server === to) return null;
  const [a, b] = [scene.seenOf(body.server), scene.seenOf(to)];
  return a && b ? barsAlive(a, b, body.masked) : null;
};
