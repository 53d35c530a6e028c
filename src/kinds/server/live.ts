/** One dom0 as it answered: the host, its domains and its cfg records, kept apart. */
import { isUnknown, type Unknown } from '../../core/port.ts';
import type { Storage } from '../repository/live.ts';
import type { CfgRecord, Domain } from '../vm/live.ts';
import type { RollRecord } from './roll.ts';

/** The keys by which servers migrate to each other; each as `TYPE BASE64`. */
export interface MigrationSeen {
  /** The server's own host key, of which others are told; null: it has none of a kind that is known. */
  readonly hostKey: string | null;
  /** The public half of its key for migrations; null: it has none yet. */
  readonly key: string | null;
  /** The host keys of peers that it knows, by alias. */
  readonly hosts: Readonly<Record<string, string>>;
  /** The keys that may migrate to it, and to nothing else. */
  readonly admits: readonly string[];
  /** The keys that may log in as root and are held to nothing that keeps them from migrating to it. */
  readonly lets: readonly string[];
  /** The servers whose keys Reeve put there. */
  readonly ours: readonly string[];
  /** The files that are changed: what they hold, to be compared and swapped. */
  readonly files: {
    readonly hosts: TextFile | null;
    readonly authorized: TextFile | null;
  };
}

export interface TextFile {
  readonly text: string;
  readonly digest: string;
}

/** Who belongs together, as a server remembers it. */
export interface MembershipSeen {
  /** `odd`: the file is there and cannot be read. */
  readonly value: Membership | 'odd';
  readonly digest: string;
}

export interface Membership {
  readonly format: 1;
  readonly farm: string;
  readonly pool: string;
  /** Its own name; undefined: an older version wrote the file. */
  readonly server?: string;
  /** Names of servers, sorted. */
  readonly members: readonly string[];
  /** The SSH host key of each member that was read, as `TYPE BASE64`; undefined: as `server`. */
  readonly keys?: Readonly<Record<string, string>>;
}

export interface Dangler {
  readonly link: string;
  readonly target: string;
  readonly via?: string;
}

/** A process that is in the middle of something. */
export interface UnderWay {
  /** The id under which a run of Reeve started it (`3-web.migrate.0`); null: it has none. */
  readonly operation: string | null;
  /** A run of Reeve started it, whether that is still there or not. */
  readonly ofRun: boolean;
  /** `xl migrate`: the program, without its arguments. */
  readonly doing: string;
  /** Of the domain that it moves or saves; null: of none, or it cannot be told. */
  readonly uuid: string | null;
}

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
  /** Names of what guests may see of its CPU (`avx2`); undefined: not told. */
  readonly features?: readonly string[];
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
  /** What it takes for live migrations between servers; undefined: not read. */
  readonly migration?: MigrationSeen;
  /** `/etc/reeve/roll.json`: the roll that is under way, and how far this server is; null: none is. */
  readonly roll?: RollRecord | null;
  /** `/etc/reeve/pool.json`; null: there is none; undefined: not read. */
  readonly membership?: MembershipSeen | null;
  /** What happens to running VMs when the server goes down and comes up (`/etc/default/xendomains`); null: not there. */
  readonly xendomains: { readonly saves: boolean; readonly restores: boolean } | null;
  /** Files with the memory of VMs that xendomains keeps while the server is down, each named like its VM; undefined: none. */
  readonly saved?: readonly string[];
  /** What a second reading is to be asked for besides: what this one came upon and did not look at. */
  readonly more?: readonly string[];
  /** By domid; Domain-0 is not among them. */
  readonly domains: readonly Domain[];
  /** By path. */
  readonly records: readonly CfgRecord[];
  /** The asked paths (kernels, images): whether they are there; unknown where looking took too long. */
  readonly paths: Readonly<Record<string, 'there' | 'missing' | 'unknown'>>;
  /** Links in /etc/xen/auto to a cfg that is not there; `via`: over a shared repository. */
  readonly danglers?: readonly Dangler[];
  /** Links on the way to the asked paths, and those of them that are devices or the like. */
  readonly special?: readonly string[];
  /** The asked texts, by path; one that is not there, or may not be read, has no lines. */
  readonly texts?: Readonly<Record<string, readonly string[]>>;
  readonly storage: Storage;
  /** cfg paths of running `xl` monitors: a record with a monitor and no domain is between two lives. */
  readonly monitors: readonly string[];
  /** What is in the middle of something: operations of runs, migrations of whomever; undefined: nothing, null: not read. */
  readonly underWay?: readonly UnderWay[] | null;
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

/** The file with the memory of a VM of this name of Xen's, as xendomains leaves it; null: there is none. */
export const imageNamed = (name: string, seen: ServerSeen | undefined): string | null =>
  seen?.saved?.find((file) => file.slice(file.lastIndexOf('/') + 1) === name) ?? null;
