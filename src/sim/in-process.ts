/** The simulated farm without sockets: dom0s that share one virtual time, and the whole of it can be forked while nothing is due. */
import { makeTime, type Clock, type Time } from './clock.ts';
import { makeDom0, noFaults, type Dom0 } from './dom0.ts';
import type { SimFarmSpec } from './index.ts';
import { makeExport, type Export } from './mounts.ts';
import { makeRandom } from './random.ts';
import { reboot } from './reboot.ts';
import type { WebFile } from './server.ts';
import { makeGroup, type VolumeGroup } from './volumes.ts';

export interface InProcessFarm {
  readonly time: Time;
  /** Whoever stands before the farm waits by it. */
  readonly clock: Clock;
  readonly dom0s: ReadonlyMap<string, Dom0>;
  /** By source. */
  readonly exports: ReadonlyMap<string, Export>;
  /** By name: the volume groups that all see. */
  readonly groups: ReadonlyMap<string, VolumeGroup>;
  readonly web: Map<string, WebFile>;
  /** The servers that answer nobody. */
  readonly silent: Set<string>;
  /** Called before a dom0 goes down: its connections break. */
  readonly beforePower: Set<(server: string) => void>;
  /** Called after each event, once all that it has woken stands still. */
  readonly watchers: Set<() => void>;
  /** The same farm once more; each of the two goes its own way. It throws while anything is due. */
  fork(): InProcessFarm;
}

type Spec = Omit<SimFarmSpec, 'texts' | 'speed'>;

interface Parts {
  readonly dom0s: ReadonlyMap<string, Dom0>;
  readonly exports: ReadonlyMap<string, Export>;
  readonly groups: ReadonlyMap<string, VolumeGroup>;
  readonly web: Map<string, WebFile>;
  readonly silent: Set<string>;
}

/** Joins dom0s that have no clock yet, nor know each other. */
const join = (parts: (clock: () => Clock) => Parts, startMs: number): InProcessFarm => {
  const watchers = new Set<() => void>();
  const beforePower = new Set<(server: string) => void>();
  const time = makeTime(startMs, () => {
    for (const see of watchers) see();
  });
  const made = parts(() => time.clock());
  const { dom0s, silent } = made;
  for (const [name, dom0] of dom0s) {
    dom0.world.power = () => {
      for (const tell of beforePower) tell(name);
      reboot(dom0);
    };
    for (const [peer, { world }] of dom0s) {
      const known = { world, answers: () => !silent.has(peer) };
      for (const called of [peer, world.server.address ?? peer]) dom0.world.peers.set(called, known);
    }
  }
  return { ...made, time, clock: time.clock(), watchers, beforePower, fork: () => fork(made, time) };
};

const copyDom0 = (
  { world, controls, counts, readMs }: Dom0,
  clock: Clock,
  exportOf: (e: Export) => Export,
  groupOf: (name: string, g: VolumeGroup) => VolumeGroup,
  exports: ReadonlyMap<string, Export>,
): Dom0 => ({
  readMs,
  counts: structuredClone(counts),
  faults: noFaults(),
  // Nothing runs, nobody holds it: what has ended is of no use to the next holder.
  controls: new Map(
    [...controls].map(([dir, c]) => [dir, { ...c, holder: null, operations: new Map(c.operations) }] as const),
  ),
  world: {
    ...world,
    clock,
    exports,
    random: world.random.copy(),
    files: world.files.copy(exportOf),
    peers: new Map(),
    groups: new Map([...world.groups].map(([name, g]) => [name, groupOf(name, g)] as const)),
    bridges: new Set(world.bridges),
    domains: structuredClone(world.domains),
    monitors: structuredClone(world.monitors),
    behaviours: structuredClone(world.behaviours),
    listening: new Map(world.listening),
  },
});

const fork = (from: Parts, time: Time): InProcessFarm => {
  if (!time.idle()) throw new Error('something is still due on the farm: it cannot be forked');
  return join((clock) => {
    const exports = new Map([...from.exports].map(([source, e]) => [source, { ...e, files: e.files.copy() }] as const));
    const groups = structuredClone(from.groups) as Map<string, VolumeGroup>;
    const ofExport = new Map([...from.exports].map(([source, e]) => [e, exports.get(source)] as const));
    // What is no export of the farm is some dom0's own: a tmpfs.
    const exportOf = (e: Export): Export => ofExport.get(e) ?? { ...e, files: e.files.copy() };
    const groupOf = (name: string, g: VolumeGroup): VolumeGroup =>
      from.groups.get(name) === g ? (groups.get(name) ?? g) : structuredClone(g);
    return {
      exports,
      groups,
      web: new Map(from.web),
      silent: new Set(from.silent),
      dom0s: new Map(
        [...from.dom0s].map(([name, d]) => [name, copyDom0(d, clock(), exportOf, groupOf, exports)] as const),
      ),
    };
  }, time.now());
};

/** `web`: what its dom0s can fetch. */
export const makeInProcessFarm = (spec: Spec, web: ReadonlyMap<string, WebFile> = new Map()): InProcessFarm =>
  join((clock) => {
    const exports = new Map(
      (spec.exports ?? []).map((e) =>
        typeof e === 'string' ? ([e, makeExport()] as const) : ([e.source, makeExport(e.sizeKiB)] as const),
      ),
    );
    const groups = new Map(
      Object.entries(spec.volumeGroups ?? {}).map(
        ([name, kib]) => [name, makeGroup(kib, makeRandom(`${spec.seed}/${name}`).hex(32))] as const,
      ),
    );
    const files = new Map(web);
    const dom0s = new Map(
      spec.servers.map((server) => {
        const dom0 = makeDom0(server, spec.seed, Infinity, exports, files, groups);
        return [server.name, { ...dom0, world: { ...dom0.world, clock: clock(), trusting: spec.trusting === true } }];
      }),
    );
    return { dom0s, exports, groups, web: files, silent: new Set() };
  }, 0);
