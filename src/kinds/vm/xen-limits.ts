/** What a version of Xen cannot do, though its tools exit with 0: the one table of it. Each row says since when, and where that is known. */
import type { VmType } from './spec.ts';

interface XenVersion {
  readonly major: number;
  readonly minor: number;
  /** `4.20.5-pre`, `4.17.7`. */
  readonly version: string;
}

/** The number behind the minor one; 0 where there is none. */
const patchOf = ({ version }: XenVersion): number => Number(/^\d+\.\d+\.(\d+)/.exec(version)?.[1] ?? 0);

/** By minor number of Xen 4, the first patch that has it; what is newer than the last row has it, too. */
type Since = Readonly<Record<number, number>>;

const has = (since: Since, xen: XenVersion): boolean => {
  if (xen.major !== 4) return xen.major > 4;
  const newest = Math.max(...Object.keys(since).map(Number));
  const patch = since[xen.minor];
  return xen.minor > newest || (patch !== undefined && patchOf(xen) >= patch);
};

/** "libacpi: Remove CPU hotplug and GPE handling from PVH DSDTs" (a5aa6b397f): seen on 4.20, in 4.19.4, 4.20.2 and 4.21. */
const noPvhHotplug: Since = { 19: 4, 20: 2, 21: 0 };

/** Why a running guest of this type gets no more vCPUs than it started with; null: it gets them. */
export const noMoreVcpus = (type: VmType, xen: XenVersion): string | null =>
  type === 'pvh' && has(noPvhHotplug, xen) ? `Xen ${xen.version} plugs no vCPU into a running PVH guest` : null;
