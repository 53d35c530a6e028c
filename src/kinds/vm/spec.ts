/** What a VM is to be: the wanted values as the file gives them, and the full set once nothing is left open. */
import type { Origin } from '../../core/diagnostic.ts';
import type { Disruption } from '../../core/disruption.ts';

export type VmType = 'pv' | 'pvh' | 'hvm';
export type VmState = 'running' | 'paused' | 'stopped';

/** A disk by its path on the server; Reeve neither makes nor deletes it. */
export interface DiskSpec {
  readonly path: string;
  readonly access: 'rw' | 'ro';
}

export interface NicSpec {
  readonly network: string;
  /** Lower case; undefined: derived once, then kept. */
  readonly mac: string | undefined;
}

export interface BootSpec {
  readonly kernel: string | undefined;
  readonly ramdisk: string | undefined;
  readonly cmdline: string | undefined;
}

/**
 * One VM of the file, profiles and defaults merged in. `undefined` means "the file says nothing": never set is left
 * alone, taken out goes back to the default (`resolve` decides). Memory in KiB, always whole MiB.
 */
export interface VmSpec {
  /** The key in the file: the VM's identity there. */
  readonly key: string;
  /** Xen's name. */
  readonly name: string;
  readonly uuid: string | undefined;
  readonly pool: string;
  /** The servers it may be on, sorted; empty: any of the pool. */
  readonly servers: readonly string[];
  readonly state: VmState | 'absent';
  readonly type: VmType | undefined;
  readonly vcpus: { readonly count: number | undefined; readonly max: number | undefined };
  readonly memory: { readonly target: number | undefined; readonly max: number | undefined };
  readonly boot: BootSpec | undefined;
  /** By vdev (`xvda`); undefined: the file names no disks. */
  readonly disks: Readonly<Record<string, DiskSpec>> | undefined;
  /** By `eth0`, `eth1`… */
  readonly nics: Readonly<Record<string, NicSpec>> | undefined;
  /** Undefined: true where `state` is running. */
  readonly autostart: boolean | undefined;
  readonly protect: boolean;
  /** The most that a plan may do to it while it runs; undefined: the policy's. */
  readonly budget: Disruption | undefined;
  /** Where the VM stands in the file, for messages. */
  readonly origin: Origin;
}

/** One `key = value` of an xl.cfg that Reeve has no word for: kept as found. Lists nest. */
export type CfgValue = string | readonly CfgValue[];
export interface CfgSetting {
  readonly key: string;
  readonly value: CfgValue;
}

export interface DiskConfig {
  readonly path: string;
  readonly access: 'rw' | 'ro';
  /** `raw`, `qcow2`…, as in the cfg. */
  readonly format: string;
  /** Options of the disk string that Reeve has no word for (`discard`, `script=…`), as found. */
  readonly extra: readonly string[];
}

export interface NicConfig {
  /** Lower case; null in a cfg that gives none (Xen then makes one up at each start). */
  readonly mac: string | null;
  readonly bridge: string | null;
  /** Options of the vif string that Reeve has no word for (`rate=…`, `script=…`), as found. */
  readonly extra: readonly string[];
}

/** Everything a cfg says of a VM: what `define` writes and what the codec reads back. */
export interface VmConfig {
  readonly name: string;
  readonly uuid: string | null;
  readonly type: VmType;
  readonly vcpus: { readonly count: number; readonly max: number };
  /** KiB. */
  readonly memory: { readonly target: number; readonly max: number };
  readonly boot: { readonly kernel: string | null; readonly ramdisk: string | null; readonly cmdline: string | null };
  /** By vdev, in the cfg's order. */
  readonly disks: Readonly<Record<string, DiskConfig>>;
  /** In the cfg's order: the first is devid 0. */
  readonly nics: readonly NicConfig[];
  readonly extra: readonly CfgSetting[];
}
