/** A VM that is to be larger than any server that may hold it: its file is wrong, and no cfg may say so. */
import { formatSize } from '../../core/quantity.ts';
import type { Reason } from '../../core/reason.ts';
import type { Farm, PoolSpec } from '../../kinds/farm.ts';
import type { Overhead } from '../../kinds/vm/effects.ts';
import type { VmConfig, VmSpec } from '../../kinds/vm/spec.ts';
import type { Amounts } from './resource-deltas.ts';
import type { Room } from './server-capacity.ts';
import { localDisk, sharedPaths } from './shared-paths.ts';

export interface Oversize {
  /** The fields that ask for too much. */
  readonly fields: readonly string[];
  /** `64GiB of memory` */
  readonly what: string;
  readonly reason: Reason;
}

/** Of one VM, as it would be. Empty: some server could hold it, were it alone there; or one of them was not read, and nobody knows. */
export type OversizeOf = (config: VmConfig) => readonly Oversize[];

const capacityOf = ({ free, freeVcpus, claims, vcpus }: Room): Amounts => ({
  memory: [...claims.values()].reduce((n, v) => n + v, free),
  vcpus: [...vcpus.values()].reduce((n, v) => n + v, freeVcpus),
});

/** Where the file lets it be, now or once a server is back. */
const mayHold = (spec: VmSpec, pool: PoolSpec): readonly string[] =>
  pool.servers
    .filter((s) => s.roles.includes('vm') && s.state !== 'lost' && s.state !== 'absent')
    .map((s) => s.name)
    .filter((s) => spec.servers.length === 0 || spec.servers.includes(s));

const inWords = (config: VmConfig, largest: (dim: keyof Amounts) => readonly [string, number], need: number) => {
  const out: Oversize[] = [];
  const add = (fields: Oversize['fields'], what: string, why: string, help: string): unknown =>
    out.push({ fields, what, reason: { code: 'no-server-fits', why, help } });
  const [byMemory, memory] = largest('memory');
  const [byVcpus, vcpus] = largest('vcpus');
  if (need > memory)
    add(
      ['memory.target', 'memory.max'],
      `${formatSize(config.memory.target)} of memory`,
      `no server that may hold it has so much for VMs: the largest, ${byMemory}, has ${formatSize(memory - (memory % 1024))}`,
      'give it less, or add a server',
    );
  if (config.vcpus.count > vcpus)
    add(
      ['vcpus.count', 'vcpus.max'],
      `${config.vcpus.count} vCPUs`,
      `no server that may hold it has so many: the largest, ${byVcpus}, has ${Math.floor(vcpus)} (overcommit)`,
      'give it fewer, raise `overcommit.vcpus`, or add a server',
    );
  return out;
};

/** `here`: where the VM is, from where a disk of that server alone lets it not go. */
export const oversizeIn = (
  { pools }: Pick<Farm, 'pools'>,
  rooms: ReadonlyMap<string, Room>,
  overhead: Overhead,
): ((spec: VmSpec, here: string) => OversizeOf) => {
  const capacities = new Map([...rooms].map(([server, room]) => [server, capacityOf(room)] as const));
  const poolOf = new Map(pools.map((p) => [p.name, { pool: p, shared: sharedPaths(p) }] as const));
  return (spec, here) => (config) => {
    const of = poolOf.get(spec.pool);
    if (!of) return [];
    const local = localDisk(Object.values(config.disks), of.shared) !== null;
    const found = (local ? [here] : mayHold(spec, of.pool)).map((s) => [s, capacities.get(s)] as const);
    if (found.length === 0 || found.some(([, c]) => c === undefined)) return [];
    const largest = (dim: keyof Amounts): readonly [string, number] =>
      found.reduce<readonly [string, number]>(
        (best, [s, c]) => (c && c[dim] > best[1] ? [s, c[dim]] : best),
        [here, -1],
      );
    return inWords(config, largest, config.memory.target + overhead(config));
  };
};
