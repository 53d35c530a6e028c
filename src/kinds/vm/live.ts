/** What a VM is on a server: its domain while it runs, its cfg record always, and the marker that says whose it is. */
import type { Digest } from '../../core/step.ts';
import type { Settings, VmConfig, VmType } from './spec.ts';

/** A block device of a running domain, from libxl's trusted side. */
export interface LiveDisk {
  readonly vdev: string;
  readonly path: string;
  readonly access: 'rw' | 'ro';
  readonly format: string;
  /** `phy`, `qdisk`, `tap`. */
  readonly backend: string;
  /** XenBus state of the backend: 4 is connected. */
  readonly state: number;
  /** Its hotplug script, where that is not libxl's own. */
  readonly script?: string;
}

/** A CD drive; an empty path is an empty drive. */
export interface LiveCd {
  readonly path: string;
  /** It was empty when the VM started: QEMU (7.2, under Xen 4.17 [L]) dies of any change to it, an eject included. */
  readonly fixed?: true;
}

export interface LiveNic {
  readonly devid: number;
  readonly mac: string;
  /** Where the vif really hangs (`ip link`), else what libxl recorded; null where neither says. */
  readonly bridge: string | null;
  /** What libxl recorded, where it hangs on another bridge since: a migration or a resume hangs it there again. */
  readonly recorded?: string;
  readonly vlan: number | null;
  readonly rate: string | null;
  readonly model: string | null;
  readonly script: string | null;
  /** XenBus state of the backend: 4 is connected; a ghost has none (0). */
  readonly state: number;
}

export interface Domain {
  readonly domid: number;
  readonly uuid: string;
  readonly name: string;
  readonly type: VmType;
  /** `shutdown`: ended, waiting for its monitor; `crashed`; `dying`: libxl is taking it down; `suspending` counts as running. */
  readonly state: 'running' | 'paused' | 'shutdown' | 'crashed' | 'dying';
  /** It stands still until what saves or sends its memory lets it go on, or for ever, where that was killed [L]. */
  readonly suspended?: true;
  /** It was read in the middle of its reboot, or without libxl's record of it: to be looked at again before it is believed. */
  readonly unsettled?: true;
  /** `online`: how many the hypervisor runs (`xl list`). */
  readonly vcpus: { readonly online: number; readonly max: number };
  /** How many it was told to run (xenstore): a guest takes its time to follow, and need not. Undefined: as many as are online. */
  readonly vcpusAsked?: number;
  /** KiB. `target` is the balloon's goal with video RAM added back, `actual` what the hypervisor counts, `max` the static maximum. */
  readonly memory: { readonly target: number; readonly actual: number; readonly max: number };
  readonly boot: VmConfig['boot'];
  /** As it runs: weight, affinity and cpupool from the hypervisor, the rest from libxl's record of how it was started. */
  readonly settings: Settings;
  readonly disks: readonly LiveDisk[];
  readonly cdroms: Readonly<Record<string, LiveCd>>;
  /** By devid. */
  readonly nics: readonly LiveNic[];
  /** Whether an `xl` daemon watches it: without one, nobody handles its reboot or shutdown. Undefined: not read. */
  readonly monitored: boolean | undefined;
  /** Whether a QEMU serves it: HVM always, others where a disk or the display needs one. */
  readonly qemu: boolean;
  /** Whether its drivers told that they take a balloon's goal and a shutdown. Undefined: it does not say. */
  readonly balloon: boolean | undefined;
  readonly pvDrivers: boolean | undefined;
  /**
   * What it was started with that a cfg made from it would lack, as a cfg calls it; undefined: nothing. Without libxl's record of
   * it nobody knows.
   */
  readonly lost?: readonly string[];
  /** The bytes of a pending `xl config-update`, digested; null where there is none. */
  readonly pendingUpdate: Digest | null;
}

/** The comment that heads every cfg Reeve keeps. */
export interface Marker {
  readonly farm: string;
  /** The key in the file. */
  readonly vm: string;
  /** Its own UUID: a marker whose UUID is not the cfg's is a copy and does not count. */
  readonly uuid: string;
  /** Home server. */
  readonly home: string;
  readonly generation: number;
  readonly origin: 'created' | 'adopted';
  readonly protect: boolean;
  /** MAC by NIC (`eth0`), kept for ever. */
  readonly macs: Readonly<Record<string, string>>;
  /** The values of the file that were last applied, by field; only those that the file set. */
  readonly applied: Readonly<Record<string, unknown>>;
  /** Fields that wait for a restart: the domain that lacks them, as `BOOT-ID/DOMID`, and what it had when they were put off. */
  readonly waits?: Readonly<Record<string, { readonly domain: string; readonly was: unknown }>>;
  /** What was to go once this cfg stood: old places of its disks, its cfg of an old name with the links to that. */
  readonly left?: readonly string[];
  /** Reeve's version. */
  readonly by: string;
}

/** `/etc/xen/<name>.cfg`, or wherever the cfg was found. */
export interface CfgRecord {
  readonly path: string;
  readonly text: string;
  /** Of the cfg without its passwords: a plan holds it, and a digest would give a short password away. */
  readonly digest: Digest;
  /** Of its very bytes: it is compared on the server, and stands in no plan. */
  readonly exact: Digest;
  /** Undefined where the cfg cannot be parsed; `problem` says where and why. */
  readonly config: VmConfig | undefined;
  readonly problem: string | undefined;
  /** Where it cannot be parsed: whose cfg it seems to be. */
  readonly claims?: { readonly name: string; readonly uuid: string | null };
  /** Null: no marker, or one that does not count. */
  readonly marker: Marker | null;
  /** Paths in /etc/xen/auto that lead to it. */
  readonly autostart: readonly string[];
  /** The path in a shared repository over which those lead; undefined: they lead to it at once. */
  readonly via?: string;
}

/** One VM as it was found: the running side and the cfg that belongs to it, on one server. */
export interface LiveVm {
  readonly server: string;
  readonly uuid: string | null;
  readonly domain: Domain | null;
  readonly record: CfgRecord | null;
  /** Ours; null where it is to be adopted or taken over. */
  readonly marker: Marker | null;
  /** Its cfg on another server, where the one on which it runs has none: somebody migrated it. */
  readonly stray?: { readonly server: string; readonly record: CfgRecord };
}
