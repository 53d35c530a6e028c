/** The operations on a VM, each on one server: plain data that a plan file can hold. */
import type { Ref } from '../../core/ref.ts';
import type { LeaseDraft, SpareLease } from './lease.ts';
import type { Marker } from './live.ts';
import type { DiskMarker } from '../repository/live.ts';
import type { CloudInit, DiskConfig, DiskSource, NicConfig, ReadySpec, VmConfig } from './spec.ts';

interface Base {
  readonly vm: Ref<'vm'>;
  readonly server: string;
  readonly uuid: string;
  /** Xen's name. */
  readonly name: string;
}

/** The cfg that is to be written: `toolstacks/*` renders it. */
export interface CfgDraft {
  readonly path: string;
  readonly marker: Marker;
  readonly config: VmConfig;
  /** Digest of the cfg that this one replaces: somebody's edit in between is never overwritten. */
  readonly replaces: string | 'absent';
  /** The cfg of its old name, which goes once this one is written; null where the path stays. */
  readonly from: { readonly path: string; readonly digest: string } | null;
  /** The server whose cfg has the passwords that are kept, where that is another one. */
  readonly keptOn?: string;
}

/** A cfg that goes, with its links. */
export interface LeftCfg {
  readonly path: string;
  readonly digest: string;
  readonly links: readonly string[];
}

/** Make a disk in a repository, beside its marker; it is nobody's until a cfg has it. */
export type MakeDisk = Base & {
  readonly verb: 'make-disk';
  readonly vdev: string;
  readonly path: string;
  readonly farm: string;
  readonly repository: string;
  /** The repository's path. */
  readonly folder: string;
  /** KiB. */
  readonly size: number;
  readonly format: string;
  /** The template, or the disk that it takes the place of, whose bytes it gets; null: blank. */
  readonly from: DiskSource | null;
};

type Volumes = Base & {
  readonly folder: string;
  readonly paths: readonly string[];
  /** What is given back with them; null: nothing. */
  readonly lease: { readonly path: string; readonly digest: string } | null;
};

export type VmOp =
  /** Write the cfg; `update`: also hand it to the running domain, for its next reboot. */
  | (Base & { readonly verb: 'define'; readonly record: CfgDraft; readonly update: boolean })
  | (Base & {
      readonly verb: 'autostart';
      readonly path: string;
      readonly on: boolean;
      /** The link to make; those in `links` go. */
      readonly link: string;
      readonly links: readonly string[];
      /** The path in a shared repository over which the link leads; null: straight to the cfg. */
      readonly via: string | null;
    })
  /** `path`: the cfg to start from. `paused`: leave it paused. `clear`: what is left of an earlier domain is cleared first. */
  | (Base & {
      readonly verb: 'start';
      readonly path: string;
      readonly paused: boolean;
      readonly clear: boolean;
      readonly config: VmConfig;
      readonly lease: LeaseDraft | null;
    })
  /** Shut down within the deadline; `force`: destroy it where it will not. */
  | (Base & {
      readonly verb: 'stop';
      readonly deadlineMs: number;
      readonly force: boolean;
      /** What it takes away has crashed or shut down already: nothing that runs is touched. */
      readonly ended: boolean;
      /** The lease that it gives back; null: it has none. */
      readonly lease: { readonly path: string; readonly digest: string } | null;
      /** Its disks that are volumes: where several servers see them, they are not used here any more. */
      readonly volumes: readonly string[];
    })
  /** Check the cfg, write it, shut down, wait until it is gone, start; the old cfg is started where the new one will not. */
  | (Base & {
      readonly verb: 'restart';
      readonly record: CfgDraft;
      /** False where the cfg is right already. */
      readonly write: boolean;
      readonly deadlineMs: number;
      readonly force: boolean;
      /** Disks that are copied to another place while it is down; the cfg follows them. */
      readonly copies: readonly MakeDisk[];
      readonly lease: LeaseDraft | null;
    })
  | (Base & { readonly verb: 'pause' })
  /** `saved`: the file with its memory, which goes before it goes on; null: none. */
  | (Base & { readonly verb: 'unpause'; readonly saved: string | null })
  /** KiB; `from` is the target before. */
  | (Base & { readonly verb: 'set-memory'; readonly kib: number; readonly from: number })
  | (Base & { readonly verb: 'set-vcpus'; readonly count: number; readonly from: number })
  /** Both together: one command sets them. */
  | (Base & { readonly verb: 'set-sched'; readonly weight: number; readonly cap: number; readonly scheduler: string })
  | (Base & { readonly verb: 'set-affinity'; readonly hard: string; readonly soft: string })
  | (Base & { readonly verb: 'set-cpupool'; readonly pool: string; readonly from: string })
  /** Of the running domain; its cfg got the new name before. */
  | (Base & { readonly verb: 'rename'; readonly to: string })
  /** Another medium, or none, in a drive that is there. */
  | (Base & { readonly verb: 'change-cd'; readonly vdev: string; readonly path: string | null; readonly from: string })
  /** Wait until a started VM counts as up. */
  | (Base & { readonly verb: 'ready'; readonly ready: ReadySpec })
  | MakeDisk
  /** Write the NoCloud seed that cloud-init reads at the first boot. */
  | (Base & {
      readonly verb: 'make-seed';
      readonly vdev: string;
      readonly path: string;
      readonly farm: string;
      /** Null: the server's own folder. */
      readonly repository: string | null;
      readonly folder: string;
      readonly seed: CloudInit;
    })
  /** Write into the marker of a disk that is there that it is this VM's. */
  | (Base & {
      readonly verb: 'adopt-disk';
      readonly vdev: string;
      readonly path: string;
      readonly farm: string;
      readonly repository: string;
      readonly folder: string;
      readonly size: number;
      readonly format: string;
      /** Of a volume: the tag that names its owner until now; null: none. */
      readonly was: DiskMarker | null;
    })
  /** Make a disk larger that Reeve made: a guest that runs sees it when it starts again. */
  | (Base & {
      readonly verb: 'grow-disk';
      readonly vdev: string;
      readonly path: string;
      readonly farm: string;
      readonly repository: string;
      readonly folder: string;
      /** KiB, before and after. */
      readonly from: number;
      readonly size: number;
      readonly format: string;
    })
  | (Base & { readonly verb: 'attach-disk'; readonly vdev: string; readonly disk: DiskConfig })
  | (Base & { readonly verb: 'detach-disk'; readonly vdev: string; readonly path: string })
  | (Base & {
      readonly verb: 'attach-nic';
      readonly nic: string;
      readonly mac: string;
      readonly bridge: string;
      readonly device: NicConfig;
    })
  | (Base & { readonly verb: 'detach-nic'; readonly nic: string; readonly mac: string })
  /** Hang a running vif on another bridge. */
  | (Base & {
      readonly verb: 'move-nic';
      readonly nic: string;
      readonly mac: string;
      readonly bridge: string;
      readonly from: string | null;
    })
  /** Take the marker out of the cfg; the VM is not touched, and is nobody's from then on. */
  | (Base & { readonly verb: 'release'; readonly path: string; readonly digest: string })
  /** Live, to another server that has its cfg already; the one that it leaves goes once it has arrived. */
  | (Base & {
      readonly verb: 'migrate';
      readonly peer: string;
      /** Where the peer takes migrations. */
      readonly address: string;
      /** Path of the owner's key, with which it goes there; null: Reeve's own. */
      readonly key: string | null;
      /** As it runs when it leaves. */
      readonly config: VmConfig;
      /** Null: its cfg is not there. */
      readonly leaves: LeftCfg | null;
    })
  /** Its volumes of groups that several servers see are to be used there: a migration brings it. */
  | (Volumes & { readonly verb: 'activate' })
  /** They are no longer used there. */
  | (Volumes & { readonly verb: 'deactivate' })
  /** A lease that it has no use of: of a store where it is not at home any more, or of a VM that went down by itself. */
  | (Base & { readonly verb: 'unlease'; readonly folder: string; readonly lease: SpareLease })
  /** What a VM has on a server beside its cfg, where it came by migration: its lease, its autostart, a cfg for its next reboot. */
  | (Base & {
      readonly verb: 'settle';
      /** The cfg. */
      readonly path: string;
      readonly lease: LeaseDraft | null;
      /** The link that starts it with the server, and the path over which that leads; null: none. */
      readonly link: string | null;
      readonly via: string | null;
      /** Hand the cfg to the running domain: what waits for a restart does not travel. */
      readonly update: boolean;
    })
  /** Save its memory into a file that several servers see; it stands still until it is resumed, wherever. */
  | (Base & {
      readonly verb: 'suspend';
      readonly file: string;
      /** The store of the file. */
      readonly folder: string;
      readonly farm: string;
      readonly repository: string;
      readonly config: VmConfig;
      readonly leaves: LeftCfg | null;
    })
  | (Base & {
      readonly verb: 'resume';
      readonly file: string;
      /** The cfg there. */
      readonly path: string;
      readonly config: VmConfig;
      readonly lease: LeaseDraft | null;
    })
  /** Destroy the half of it that a broken-off migration left here, while the VM itself is up on `home`. `name` is the half's. */
  | (Base & { readonly verb: 'discard'; readonly home: string })
  /** Remove the file with the memory of a VM that has run on since: it must never be resumed from that. */
  | (Base & { readonly verb: 'drop-image'; readonly file: string })
  /** Remove a cfg that a VM left on a server where it no longer is, or there beside the one that it has. */
  | (Base & {
      readonly verb: 'forget';
      readonly path: string;
      readonly digest: string;
      readonly links: readonly string[];
      /** Its disks that are volumes: where several servers see them, they are not used there any more. */
      readonly volumes: readonly string[];
      /** The VM is there, with a cfg of its new name. */
      readonly beside: boolean;
    })
  /** Remove the cfg and its autostart links; the disks stay. */
  | (Base & {
      readonly verb: 'undefine';
      readonly path: string;
      readonly digest: string;
      readonly links: readonly string[];
    });
