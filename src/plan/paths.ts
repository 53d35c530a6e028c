/** Which files a reading has to look for on each server: kernels, ramdisks and disks of the VMs that may be there. */
import type { Farm } from '../kinds/farm.ts';
import { pvhgrub } from '../kinds/vm/resolve.ts';
import type { VmSpec } from '../kinds/vm/spec.ts';

/** The command line that carries them is bounded (128 KiB as one argument); what is left out is looked at by `apply`. */
const budgetBytes = 48 * 1024;

const wantedBy = (v: VmSpec): { boot: readonly string[]; disks: readonly string[] } => ({
  boot: [v.boot?.kernel ?? pvhgrub, v.boot?.ramdisk].filter((p) => p !== undefined),
  disks: Object.values(v.disks ?? {}).map((d) => d.path),
});

/** By server name; sorted, each path once. */
export const pathsToRead = (farm: Farm): ReadonlyMap<string, readonly string[]> => {
  const out = new Map<string, readonly string[]>();
  for (const pool of farm.pools) {
    const vms = farm.vms.filter((v) => v.pool === pool.name && v.state !== 'absent');
    for (const s of pool.servers) {
      const here = vms.filter((v) => v.servers.length === 0 || v.servers.includes(s.name)).map(wantedBy);
      const boot = [...new Set(here.flatMap((w) => w.boot))].sort();
      const disks = [...new Set(here.flatMap((w) => w.disks))].sort();
      let left = budgetBytes;
      const fits = (path: string): boolean => (left -= path.length + 3) >= 0;
      out.set(s.name, [...boot.filter(fits), ...disks.filter(fits)].sort());
    }
  }
  return out;
};
