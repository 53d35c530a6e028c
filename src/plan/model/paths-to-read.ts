/** What a reading has to look for on each server: repositories; kernels, ramdisks and disks of the VMs that may be there. */
import { groupBy } from '../../core/order.ts';
import type { Farm } from '../../kinds/farm.ts';
import type { PlanOptions } from '../../kinds/plan.ts';
import { seenOn, type Observed } from '../../kinds/server/live.ts';
import { ownerPaths } from '../../kinds/server/owner-key.ts';
import { pvhgrub } from '../../kinds/vm/resolve.ts';
import type { VmSpec } from '../../kinds/vm/spec.ts';

/** The command line that carries them is bounded (128 KiB as one argument); what is left out is looked at by `apply`. */
export const budgetBytes = 48 * 1024;

interface Wanted {
  readonly boot: readonly string[];
  readonly disks: readonly string[];
}

const wantedBy = (v: VmSpec): Wanted => {
  const loader = v.settings['boot.bootloader'] ?? undefined;
  const own = v.type === 'pv' || v.type === 'hvm' || loader !== undefined ? undefined : pvhgrub;
  const boot = [v.boot?.kernel ?? own, v.boot?.ramdisk, loader?.startsWith('/') ? loader : undefined];
  const media = Object.values(v.cdroms ?? {}).flatMap((d) => d.path ?? []);
  return {
    boot: boot.filter((p) => p !== undefined),
    disks: [
      ...Object.values(v.disks ?? {}).flatMap((d) => (d.made || !d.path.startsWith('/') ? [] : [d.path])),
      ...media,
    ],
  };
};

/** What the file says that a VM uses; of disks that Reeve is to make, their folder. */
export const wantedPaths = (v: VmSpec): readonly string[] =>
  [
    v.boot?.kernel,
    v.boot?.ramdisk,
    ...Object.values(v.disks ?? {}).map((d) => (d.made ? `${d.made.folder}/disks/` : d.path)),
    ...Object.values(v.cdroms ?? {}).map((d) => d.path),
  ].filter((p): p is string => typeof p === 'string' && p.startsWith('/'));

/** Sorted, each path once. */
const gather = (all: readonly Wanted[], what: keyof Wanted): readonly string[] =>
  [...new Set(all.flatMap((w) => w[what]))].sort();

/** By server name; sorted, each path once. Those that end in / are the repositories' own, to be looked into. */
export const pathsToRead = (farm: Farm): ReadonlyMap<string, readonly string[]> => {
  const out = new Map<string, readonly string[]>();
  for (const pool of farm.pools) {
    const vms = farm.vms.filter((v) => v.pool === pool.name && v.state !== 'absent');
    // What may be anywhere is gathered once for the pool, not once for each of its servers.
    const anywhere = vms.filter((v) => v.servers.length === 0).map(wantedBy);
    const there = groupBy(
      vms.flatMap((v) => v.servers.map((server) => ({ server, wanted: wantedBy(v) }))),
      (x) => x.server,
    );
    const folders = [
      ...Object.values(pool.repositories).map((r) => r.path),
      ...pool.images.filter((i) => i.repository === null).map((i) => i.folder),
    ];
    const keys = pool.migrationKey === undefined ? [] : ownerPaths(pool.migrationKey);
    const stores = [...new Set(folders)].map((f) => `${f}/`);
    const general = { boot: gather(anywhere, 'boot'), disks: gather(anywhere, 'disks') };
    for (const s of pool.servers) {
      const here = (there.get(s.name) ?? []).map((x) => x.wanted);
      const boot = here.length === 0 ? general.boot : gather([general, ...here], 'boot');
      const disks = here.length === 0 ? general.disks : gather([general, ...here], 'disks');
      let left = budgetBytes;
      const fits = (path: string): boolean => (left -= path.length + 3) >= 0;
      out.set(s.name, [...stores, ...keys, ...boot.filter(fits), ...disks.filter(fits)].sort());
    }
  }
  return out;
};

/** Stores that have left the file, and whose data are to go with them: as the servers remember them, by server. */
export const strayPaths = (
  farm: Farm,
  observed: Observed,
  { prune, deleteData }: Pick<PlanOptions, 'prune' | 'deleteData'>,
): ReadonlyMap<string, readonly string[]> =>
  new Map(
    farm.pools.flatMap((pool) =>
      pool.servers.flatMap(({ name: server }): (readonly [string, readonly string[]])[] => {
        const book = seenOn(observed, server)?.storage.book?.value;
        if (!prune || !book || book === 'odd' || book.farm !== farm.name) return [];
        const gone = Object.entries(book.repositories).filter(
          ([name]) => deleteData.includes(name) && !pool.repositories[name],
        );
        return gone.length === 0 ? [] : [[server, gone.map(([, { path }]) => `${path}/`).sort()]];
      }),
    ),
  );
