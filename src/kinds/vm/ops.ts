/** The operations on a VM, each on one server: plain data that a plan file can hold. */
import type { Ref } from '../../core/ref.ts';
import type { Marker } from './live.ts';
import type { DiskConfig, VmConfig } from './spec.ts';

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
}

export type VmOp =
  /** Write the cfg; `update`: also hand it to the running domain, for its next reboot. */
  | (Base & { readonly verb: 'define'; readonly record: CfgDraft; readonly update: boolean })
  | (Base & {
      readonly verb: 'autostart';
      readonly path: string;
      readonly on: boolean;
      readonly links: readonly string[];
    })
  /** `path`: the cfg to start from. `paused`: leave it paused. `ended`: a crashed or shut-down domain is cleared first. */
  | (Base & {
      readonly verb: 'start';
      readonly path: string;
      readonly paused: boolean;
      readonly clear: boolean;
      readonly config: VmConfig;
    })
  /** Shut down within the deadline; `force`: destroy it where it will not. */
  | (Base & { readonly verb: 'stop'; readonly deadlineMs: number; readonly force: boolean })
  /** Check the cfg, write it, shut down, wait until it is gone, start; the old cfg is started where the new one will not. */
  | (Base & {
      readonly verb: 'restart';
      readonly record: CfgDraft;
      /** False where the cfg is right already. */
      readonly write: boolean;
      readonly deadlineMs: number;
      readonly force: boolean;
    })
  | (Base & { readonly verb: 'pause' })
  | (Base & { readonly verb: 'unpause' })
  /** KiB; `from` is the target before. */
  | (Base & { readonly verb: 'set-memory'; readonly kib: number; readonly from: number })
  | (Base & { readonly verb: 'set-vcpus'; readonly count: number; readonly from: number })
  | (Base & { readonly verb: 'attach-disk'; readonly vdev: string; readonly disk: DiskConfig })
  | (Base & { readonly verb: 'detach-disk'; readonly vdev: string; readonly path: string })
  | (Base & { readonly verb: 'attach-nic'; readonly nic: string; readonly mac: string; readonly bridge: string })
  | (Base & { readonly verb: 'detach-nic'; readonly nic: string; readonly mac: string })
  /** Hang a running vif on another bridge. */
  | (Base & {
      readonly verb: 'move-nic';
      readonly nic: string;
      readonly mac: string;
      readonly bridge: string;
      readonly from: string | null;
    })
  /** Remove the cfg and its autostart links; the disks stay. */
  | (Base & {
      readonly verb: 'undefine';
      readonly path: string;
      readonly digest: string;
      readonly links: readonly string[];
    });
