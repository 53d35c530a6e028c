/** What a VM is to be: the wanted values as the file gives them, and the full set once nothing is left open. */
import type { Origin } from '../../core/diagnostic.ts';
import type { Disruption } from '../../core/disruption.ts';

export type VmType = 'pv' | 'pvh' | 'hvm';
export type VmState = 'running' | 'paused' | 'stopped';

/** Which of the qemu/kernel backends serves a disk; null: libxl chooses. */
export type DiskBackend = 'phy' | 'qdisk' | 'tap';

/** A disk that Reeve makes in a repository: blank, or with a template's bytes. */
export interface MadeDisk {
  /** The repository's name, and its path. */
  readonly repository: string;
  readonly folder: string;
  /** KiB. */
  readonly size: number;
  /** The template; null: blank. */
  readonly from: DiskSource | null;
}

export interface DiskSource {
  /** Null: it is the disk's own old place. */
  readonly template: string | null;
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
  /** Of a disk's old place in a repository: its path. Undefined: it lies in none. */
  readonly folder?: string;
}

/** A disk that is there, in a repository, and becomes this VM's. */
export interface AdoptedDisk {
  readonly repository: string;
  readonly folder: string;
  /** KiB; undefined: what its marker says. */
  readonly size: number | undefined;
}

/** A disk by its path on the server, or one that Reeve makes. */
export interface DiskSpec {
  /** What a script or QEMU finds it by, where it is no path. '' where it is `made` and planning has not found or given it its path yet. */
  readonly path: string;
  readonly made?: MadeDisk;
  readonly adopt?: AdoptedDisk;
  /** `shared`: several VMs may write it; Xen is told `rw`. */
  readonly access: 'rw' | 'ro' | 'shared';
  /** `raw`, `qcow2`, `vhd`; undefined: kept as found, `raw` where nothing was. */
  readonly format: string | undefined;
  readonly backend: DiskBackend | undefined;
  /** The hotplug script that brings it; unset: kept as found. */
  readonly script?: string;
}

/** A text that stands in the file itself (`inlineText` names it), or the reference (`${file:…}`) that it gives instead: a password may stand in either. */
export type SeedText = { readonly inline: true } | { readonly secret: string };

/** What cloud-init reads at the first boot; null: not said. */
export interface CloudInit {
  readonly userData: SeedText | null;
  readonly metaData: SeedText | null;
  readonly networkConfig: SeedText | null;
}

/** A CD drive: it is there from the start, its medium comes and goes. */
export interface CdromSpec {
  /** Null: an empty drive. */
  readonly path: string | null;
}

export interface NicSpec {
  readonly network: string;
  /** Lower case; undefined: derived once, then kept. */
  readonly mac: string | undefined;
  /** As xl normalises it (`rate.ts`): `1250000B/s@50000us`. */
  readonly rate: string | undefined;
  /** `pv`, or the card that QEMU emulates (HVM). */
  readonly model: string | undefined;
  readonly script: string | undefined;
}

/**
 * A password: the reference that the file gives (`${env:…}`), or `kept` for one that stands in the cfg already. `digest`
 * (sha256 of the password) is there only while values are compared: it never reaches a plan or a marker.
 */
export interface Secret {
  readonly secret: string;
  readonly digest: string | null;
}

export type BootDevice = 'disk' | 'cdrom' | 'network';
export type OnEvent = 'destroy' | 'restart' | 'preserve' | 'rename-restart' | 'coredump-destroy' | 'coredump-restart';

/** The settings that are one value each, by field; `fields.ts` says what each is and what Xen takes where it is not set. */
export interface AllSettings {
  /** Runs in dom0 and takes the kernel from the disk: `pygrub` or a path. */
  readonly 'boot.bootloader': string | null;
  readonly 'boot.firmware': 'bios' | 'uefi';
  readonly 'boot.order': readonly BootDevice[];
  readonly 'display.vnc': boolean;
  readonly 'display.vnc.listen': string;
  /** Null: the first that is free from 5900 on. */
  readonly 'display.vnc.port': number | null;
  readonly 'display.vnc.password': Secret | null;
  readonly 'display.spice': boolean;
  readonly 'display.spice.listen': string;
  readonly 'display.spice.port': number | null;
  readonly 'display.spice.password': Secret | null;
  /** `pty`, or whatever QEMU takes for -serial. */
  readonly serial: string | null;
  /** A USB tablet: a pointer that does not drift. */
  readonly tablet: boolean;
  readonly 'sched.weight': number;
  /** Percent of one CPU; 0: no cap. */
  readonly 'sched.cap': number;
  /** CPUs as Xen prints them, sorted and in ranges: `0-3,7`; `all`. */
  readonly 'affinity.hard': string;
  readonly 'affinity.soft': string;
  readonly cpupool: string;
  readonly 'on.poweroff': OnEvent;
  readonly 'on.reboot': OnEvent;
  readonly 'on.crash': OnEvent;
}
export type SettingName = keyof AllSettings;
export type SettingValue = AllSettings[SettingName];

/** In a cfg or a domain: what is not there has Xen's default. In the file: what is not there is not said. */
export type Settings = Partial<AllSettings>;

/** When a started VM counts as up. */
export interface ReadySpec {
  readonly host: string;
  readonly port: number;
  readonly from: 'dom0' | 'here';
  readonly withinMs: number;
}

export interface BootSpec {
  readonly kernel: string | undefined;
  readonly ramdisk: string | undefined;
  readonly cmdline: string | undefined;
}

/** A group of VMs of which no two are on one server; soft: where there are servers enough. */
export interface ApartSpec {
  readonly group: string;
  readonly soft: boolean;
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
  /** Sorted by group; empty: it may stand beside any. */
  readonly apart: readonly ApartSpec[];
  readonly state: VmState | 'absent';
  /** The file does not say its state: it is left alone on a VM that was adopted while it did not run. */
  readonly stateOpen?: true;
  readonly type: VmType | undefined;
  readonly vcpus: { readonly count: number | undefined; readonly max: number | undefined };
  readonly memory: { readonly target: number | undefined; readonly max: number | undefined };
  readonly boot: BootSpec | undefined;
  readonly settings: Settings;
  /** By vdev (`xvda`); undefined: the file names no disks. */
  readonly disks: Readonly<Record<string, DiskSpec>> | undefined;
  /** By vdev (`hdc`); undefined: the file names no drives. */
  readonly cdroms: Readonly<Record<string, CdromSpec>> | undefined;
  /** By `eth0`, `eth1`… */
  readonly nics: Readonly<Record<string, NicSpec>> | undefined;
  /** Keys of xl.cfg that Reeve has no word for; undefined: the file has no `xl`. */
  readonly xl: Readonly<Record<string, CfgValue>> | undefined;
  /** Undefined: true where `state` is running. */
  readonly autostart: boolean | undefined;
  /** Keys of VMs that start before it and stop after it, sorted. */
  readonly after: readonly string[];
  readonly ready: ReadySpec | undefined;
  /** How long it may take to go down, in ms; undefined: two minutes. */
  readonly shutdownMs: number | undefined;
  /** The key that it had before. */
  readonly formerly: string | undefined;
  readonly cloudInit: CloudInit | undefined;
  readonly protect: boolean;
  /** Where it cannot leave a server that a roll treats, it is shut down meanwhile. */
  readonly rides: boolean;
  /** Deleting it deletes the disks that Reeve made for it. */
  readonly deleteDisks: boolean;
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
  /** Other VMs may write it, too: known of wanted disks only. */
  readonly shared: boolean;
  /** `raw`, `qcow2`…, as in the cfg. */
  readonly format: string;
  /** As in the cfg; null: libxl chooses. */
  readonly backend: DiskBackend | null;
  /** Options of the disk string that Reeve has no word for (`discard`, `script=…`), as found. */
  readonly extra: readonly string[];
}

export interface NicConfig {
  /** Lower case; null in a cfg that gives none (Xen then makes one up at each start). */
  readonly mac: string | null;
  /** With its VLAN on Open vSwitch: `ovs0.20`. */
  readonly bridge: string | null;
  /** Linux bridges since Xen 4.19. */
  readonly vlan: number | null;
  /** Normalised: `1250000B/s@50000us`. */
  readonly rate: string | null;
  /** `pv` (`type=vif`), an emulated card, or null: what Xen takes for the type. */
  readonly model: string | null;
  readonly script: string | null;
  /** Options of the vif string that Reeve has no word for (`ip=…`, `gatewaydev=…`), as found. */
  readonly extra: readonly string[];
}

/** A raw disk that libxl serves as it likes, and a NIC with nothing said about it. */
export const plainDisk = { access: 'rw', shared: false, format: 'raw', backend: null, extra: [] } as const;
export const plainNic = { vlan: null, rate: null, model: null, script: null, extra: [] } as const;

/** Everything a cfg says of a VM: what `define` writes and what the codec reads back. */
export interface VmConfig {
  readonly name: string;
  readonly uuid: string | null;
  readonly type: VmType;
  readonly vcpus: { readonly count: number; readonly max: number };
  /** KiB. */
  readonly memory: { readonly target: number; readonly max: number };
  readonly boot: { readonly kernel: string | null; readonly ramdisk: string | null; readonly cmdline: string | null };
  readonly settings: Settings;
  /** By vdev, in the cfg's order. */
  readonly disks: Readonly<Record<string, DiskConfig>>;
  /** By vdev; an empty path is an empty drive. */
  readonly cdroms: Readonly<Record<string, { readonly path: string }>>;
  /** In the cfg's order: the first is devid 0. */
  readonly nics: readonly NicConfig[];
  readonly extra: readonly CfgSetting[];
}
