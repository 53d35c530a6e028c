/** One dom0 as it answered: the host, its domains and its cfg records, kept apart. */
import { isUnknown, type Unknown } from '../../core/port.ts';
import type { Storage } from '../repository/live.ts';
import type { CfgRecord, Domain } from '../vm/live.ts';

export interface ServerSeen {
  readonly is: 'seen';
  /** The dom0's own host name. */
  readonly host: string;
  readonly bootId: string;
  readonly xen: {
    readonly major: number;
    readonly minor: number;
    readonly version: string;
    readonly virtCaps: readonly string[];
  };
  readonly cpus: number;
  /** KiB. `free`: for new domains, claims taken off; `reclaimable`: what xl would take from dom0 by autoballoon (0 where it is off). */
  readonly memory: { readonly total: number; readonly free: number; readonly reclaimable: number };
  /** `credit2`, `credit`…; '' where it was not told. */
  readonly scheduler: string;
  /** Linux bridges and Open vSwitch bridges, sorted. */
  readonly bridges: readonly string[];
  /** Those of `bridges` that are Open vSwitch's. */
  readonly ovs: readonly string[];
  readonly cpupools: readonly string[];
  /** Whether a QEMU for Xen is installed; undefined: it could not be told. */
  readonly qemu: boolean | undefined;
  /** What happens to running VMs when the server goes down and comes up (`/etc/default/xendomains`); null: not there. */
  readonly xendomains: { readonly saves: boolean; readonly restores: boolean } | null;
  /** By domid; Domain-0 is not among them. */
  readonly domains: readonly Domain[];
  /** By path. */
  readonly records: readonly CfgRecord[];
  /** The asked paths (kernels, images): whether they are there; unknown where looking took too long. */
  readonly paths: Readonly<Record<string, 'there' | 'missing' | 'unknown'>>;
  readonly storage: Storage;
  /** cfg paths of running `xl` monitors: a record with a monitor and no domain is between two lives. */
  readonly monitors: readonly string[];
  /** What could be read only in part, in words: for warnings. */
  readonly problems: readonly string[];
}

/** What a run saw of the farm, by server. */
export type Observed = ReadonlyMap<string, ServerSeen | Unknown>;

/** What was seen of a server; undefined where it was not, or could not be read. */
export const seenOn = (observed: Observed, server: string): ServerSeen | undefined => {
  const seen = observed.get(server);
  return seen && !isUnknown(seen) ? seen : undefined;
};

/** Whether guests of this type run there. Xen before 4.13 tells `hvm` only; what is not told is not held against it. */
export const runsType = (type: string, { xen: { virtCaps: caps } }: ServerSeen): boolean => {
  if (!['pv', 'hap', 'shadow'].some((cap) => caps.includes(cap)))
    return type === 'pv' || caps.length === 0 || caps.includes('hvm');
  if (type === 'pv') return caps.includes('pv');
  return caps.includes('hvm') && (caps.includes('hap') || caps.includes('shadow'));
};
