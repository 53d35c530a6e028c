/** Room in repositories, as the plan takes it for disks and images, and what is lacking where they do not fit. */
import { formatSize } from '../../core/quantity.ts';
import type { Farm, PoolSpec } from '../../kinds/farm.ts';
import type { StoredDisk } from '../../kinds/repository/live.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import type { Unresolved } from '../../kinds/vm/facts.ts';
import type { Settled } from '../model/settled-disks.ts';

export interface Want {
  /** Of the store. */
  readonly folder: string;
  /** KiB. */
  readonly size: number;
}

export interface Space {
  /** Null: all of them fit, and have taken their room; else what is lacking on this server, in words. */
  readonly take: (pool: string, server: string, wants: readonly Want[]) => Unresolved | null;
  /** KiB of a repository that are not taken yet; null: nobody told. */
  readonly left: (pool: string, server: string, repository: string) => number | null;
}

/** KiB that its marked disks may still take, as they are written: what an earlier run has promised is as good as taken. */
const promisedIn = (disks: Readonly<Record<string, StoredDisk>>): number =>
  Object.values(disks).reduce((sum, { there, marker, allocated }) => {
    const size = there && marker !== null && marker !== 'odd' ? marker.size : 0;
    return allocated === undefined ? sum : sum + Math.max(0, size - allocated);
  }, 0);

/** Sparse disks take theirs as they are written: all of it is counted. */
export const wantsOf = ({ make, grow, move }: Pick<Settled, 'make' | 'grow' | 'move'>): readonly Want[] => [
  ...make,
  ...move,
  ...grow.map((g) => ({ folder: g.folder, size: g.size - g.from })),
];

const wholeMiB = (kib: number): number => kib - (kib % 1024);
const upToMiB = (kib: number): number => Math.ceil(kib / 1024) * 1024;

/** KiB by folder. */
export const sumOf = (wants: readonly Want[]): ReadonlyMap<string, number> => {
  const sums = new Map<string, number>();
  for (const { folder, size } of wants) sums.set(folder, (sums.get(folder) ?? 0) + size);
  return sums;
};

export const openSpace = (farm: Farm, seenOf: (server: string) => ServerSeen | undefined): Space => {
  const left = new Map<string, number>();
  // By place: what the disks that are there may still take of it.
  const promised = new Map<string, number>();
  const repositoriesOf = (pool: string): PoolSpec['repositories'] =>
    farm.pools.find((p) => p.name === pool)?.repositories ?? {};
  const find = (pool: string, server: string, folder: string) => {
    const store = seenOf(server)?.storage.stores[folder];
    if (store?.is !== 'there' || !store.space) return null;
    const r = Object.values(repositoriesOf(pool)).find((x) => x.path === folder);
    const key = r?.shared ? `${pool}/${r.name}` : `${server}/${folder}`;
    const owed = promised.get(key) ?? promisedIn(store.disks);
    promised.set(key, owed);
    return { r, key, owed, free: left.get(key) ?? Math.max(0, store.space.free - owed) };
  };
  return {
    left: (pool, server, repository) => find(pool, server, repositoriesOf(pool)[repository]?.path ?? '')?.free ?? null,
    take: (pool, server, wants) => {
      const after: (readonly [string, number])[] = [];
      for (const [folder, size] of sumOf(wants)) {
        const found = find(pool, server, folder);
        if (!found) continue;
        const { r, key, owed, free } = found;
        if (size > free) {
          const where = r ? `repository ${r.name}${r.shared ? '' : ` on ${server}`}` : `${folder} on ${server}`;
          const whole = wholeMiB(free);
          const kept = owed > 0 ? ` beside the ${formatSize(upToMiB(owed))} that its sparse disks may still take` : '';
          return {
            code: 'no-space',
            unresolved: `${where} has ${formatSize(whole)} free${kept}, and ${formatSize(size)} are needed`,
            help: `free ${formatSize(size - whole)} there, or take less`,
          };
        }
        after.push([key, free - size]);
      }
      for (const [key, free] of after) left.set(key, free);
      return null;
    },
  };
};
