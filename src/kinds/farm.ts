/** The whole desired farm, resolved from its files: what `config` yields and `plan` takes. */
import { digestOf } from '../core/digest.ts';
import type { Disruption } from '../core/disruption.ts';
import type { ImageSpec } from './image/spec.ts';
import type { RepositorySpec } from './repository/spec.ts';
import type { ServerSpec } from './server/spec.ts';
import type { VmSpec } from './vm/spec.ts';

export interface NetworkSpec {
  readonly name: string;
  readonly bridge: string;
  readonly vlan: number | undefined;
}

export interface PoolSpec {
  readonly name: string;
  /** By name: the networks that its VMs may use. */
  readonly networks: Readonly<Record<string, NetworkSpec>>;
  /** By name: what its VMs' disks and images lie in. */
  readonly repositories: Readonly<Record<string, RepositorySpec>>;
  /** Templates and ISOs, sorted by what they are and by name. */
  readonly images: readonly ImageSpec[];
  readonly servers: readonly ServerSpec[];
  /** Path, on each server, of the owner's key for migrations; undefined: Reeve makes one where it is needed. */
  readonly migrationKey: string | undefined;
  /** How many servers it must be able to lose at a time; 0 unless said. */
  readonly spare: number;
  /** vCPUs per CPU of a server; undefined: as many as are wanted. */
  readonly overcommit: { readonly vcpus: number | undefined };
}

export interface Policy {
  readonly budget: Disruption;
  /** `percent` counts from 20 VMs on. */
  readonly deletes: { readonly max: number; readonly percent: number };
  /** How many VMs of a pool may be taken down at a time, of those that come back; undefined: the usual number. */
  readonly restarts: { readonly atOnce: number | undefined };
  /** Commands, run where Reeve runs, before an operation of that class; `{vm}`, `{server}` and `{op}` are filled in then. */
  readonly before: Readonly<Partial<Record<Disruption, string>>>;
}

/** How many VMs of a pool a plan may have down at a time, of those that it brings back. */
export const restartsAtOnce = ({ restarts }: Pick<Policy, 'restarts'>): number => restarts.atOnce ?? 2;

/** All lists are sorted by name. */
export interface Farm {
  readonly name: string;
  readonly pools: readonly PoolSpec[];
  readonly vms: readonly VmSpec[];
  readonly policy: Policy;
  /** What the file holds and no output may: values, by `inlineText` and `queryName`. */
  readonly written?: Readonly<Record<string, string>> | undefined;
}

/** The digest that a plan gives of it: nothing that `written` holds can be guessed from it. */
export const digestOfFarm = (farm: Farm): string => digestOf({ ...farm, written: undefined });
