/** Between which servers a VM may go while it runs: by their versions of Xen and the features of their CPUs. */
import { option } from '../../core/shell-word.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import { featuresLost, featureText } from '../../kinds/vm/cpu.ts';

type Host = Pick<ServerSeen, 'xen' | 'features'>;

/** Xen takes a running VM from the same version or the one before. */
const takesVersion = ({ xen: a }: Host, { xen: b }: Host): boolean =>
  a.major === b.major && b.minor - a.minor >= 0 && b.minor - a.minor <= 1;

/** Why no VM can go from one to the other alive, behind the name of the other; null: it can. */
export const barsAlive = (from: Host, to: Host, masked: readonly string[] = []): string | null => {
  if (!takesVersion(from, to)) return `has another version of Xen (${to.xen.version}; here ${from.xen.version})`;
  const lost = featuresLost(from.features, to.features, masked);
  return lost.length === 0 ? null : `has a CPU without ${featureText(lost)}, which it may use`;
};

/** Servers of one breed take the same VMs alive, and give them to the same. */
export const breedOf = ({ xen, features }: Host): string => `${xen.major}.${xen.minor} ${features?.join(' ') ?? '?'}`;

/** What would let it move all the same. */
export const helpAlive = (key: string, from: Host | undefined, to: readonly (Host | undefined)[]): string => {
  const lost = [...new Set(to.flatMap((t) => featuresLost(from?.features, t?.features)))].sort();
  const mask = `cpuid: "host,${lost.map((f) => `${f}=0`).join(',')}"`;
  const masks = lost.length === 0 ? '' : `, or mask them on the VM (\`xl: { ${mask} }\`, from its next restart on)`;
  return `restart it there: ${option('--allow', `restart=${key}`)}${masks}`;
};
