/** What servers hold, and what an operation leaves there: the verifier's own account, made of what was observed and of `effects`. */
import type { Effect } from '../../core/effect.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import { all, type Overhead } from '../../kinds/vm/effects.ts';
import { vcpusAsked } from '../../kinds/vm/follows.ts';
import { sizeOfDomain } from '../../kinds/vm/resolve.ts';

/** `memory` in KiB; `vcpus` are counted. */
export const dims = ['memory', 'vcpus'] as const;
type Dim = (typeof dims)[number];

/** One server; changed as operations are counted. */
export interface Holding {
  /** What nobody holds. vCPUs are infinite where the pool sets no limit. */
  readonly free: Record<Dim, number>;
  /** By key (a UUID, or a UUID with `+overhead`). */
  readonly held: Readonly<Record<Dim, Map<string, number>>>;
  /** Disk path → UUID of the domain that writes to it. */
  readonly writers: Map<string, string>;
}

/** What a key holds on a server once the operation is done; nothing where it gives it back. */
export interface End {
  readonly on: string;
  readonly dim: Dim;
  readonly key: string;
  readonly amount: number;
}

/** Of several effects on one key the last counts: a restart gives back and takes again. */
export const endsOf = (effects: readonly Effect[]): readonly End[] => {
  const last = new Map<string, End>();
  for (const e of effects) {
    if ((e.fx !== 'claim' && e.fx !== 'release') || e.dim === 'disk-writer') continue;
    const { on, dim, key } = e;
    last.set(`${on}\n${dim}\n${key}`, { on, dim, key, amount: e.fx === 'claim' ? e.amount : 0 });
  }
  return [...last.values()];
};

/** A domain holds what it has or what it was told; what its cfg would give it at its next start is taken by the run that starts it. */
export const holdingOf = (seen: ServerSeen, overhead: Overhead, overcommit: number | undefined): Holding => {
  const held = { memory: new Map<string, number>(), vcpus: new Map<string, number>() };
  const writers = new Map<string, string>();
  const vcpus = overcommit === undefined ? Number.POSITIVE_INFINITY : seen.cpus * overcommit;
  const free = { memory: seen.memory.free + seen.memory.reclaimable, vcpus };
  for (const d of seen.domains) {
    const memory = d.memory.target;
    const count = Math.max(d.vcpus.online, vcpusAsked(d));
    held.memory.set(d.uuid, memory).set(`${d.uuid}+overhead`, overhead(sizeOfDomain(d)));
    held.vcpus.set(d.uuid, count);
    free.vcpus -= count;
    // The hypervisor counts what it has now; the rest is still to be given.
    free.memory -= Math.max(0, memory - d.memory.actual);
    for (const k of d.disks) if (k.access === 'rw') writers.set(k.path, d.uuid);
  }
  return { free, held, writers };
};

/** By server and dimension: how much more (or less) is held once the operation is done. */
export const growthOf = (
  ends: readonly End[],
  holdings: ReadonlyMap<string, Holding>,
): ReadonlyMap<string, Readonly<Record<Dim, number>>> => {
  const out = new Map<string, Record<Dim, number>>();
  for (const { on, dim, key, amount } of ends) {
    const holding = holdings.get(on);
    if (!holding) continue;
    const growth = out.get(on) ?? { memory: 0, vcpus: 0 };
    out.set(on, growth);
    growth[dim] += amount - (holding.held[dim].get(key) ?? 0);
  }
  return out;
};

/** Where the domain with this UUID begins to be, and where it ends to be. */
export const whereabouts = (
  ends: readonly End[],
  uuid: string,
  holdings: ReadonlyMap<string, Holding>,
): { readonly comes: readonly string[]; readonly goes: readonly string[] } => {
  const own = ends.filter((e) => e.dim === 'memory' && e.key === uuid);
  const was = ({ on }: End): boolean => (holdings.get(on)?.held.memory.get(uuid) ?? 0) > 0;
  return {
    comes: own.filter((e) => e.amount > 0 && !was(e)).map((e) => e.on),
    goes: own.filter((e) => e.amount === 0 && was(e)).map((e) => e.on),
  };
};

/** Takes and gives back; whether there is enough is the caller's question. */
export const settle = (ends: readonly End[], holdings: ReadonlyMap<string, Holding>): void => {
  for (const [server, growth] of growthOf(ends, holdings)) {
    const free = holdings.get(server)?.free;
    for (const dim of dims) if (free) free[dim] -= growth[dim];
  }
  for (const { on, dim, key, amount } of ends) holdings.get(on)?.held[dim].set(key, amount);
};

/** Gives disks another writer; the path of one that has a writer already, or null. */
export const writeDisks = (effects: readonly Effect[], holdings: ReadonlyMap<string, Holding>): string | null => {
  for (const e of effects) {
    if ((e.fx !== 'claim' && e.fx !== 'release') || e.dim !== 'disk-writer') continue;
    const writers = holdings.get(e.on)?.writers;
    if (!writers) continue;
    if (e.fx === 'claim') {
      if ((writers.get(e.at.name) ?? e.key) !== e.key) return e.at.name;
      writers.set(e.at.name, e.key);
    } else
      for (const [path, who] of writers)
        if (who === e.key && (e.at.name === all || e.at.name === path)) writers.delete(path);
  }
  return null;
};
