/** The plan document: all that a reviewer reads and `apply` does, as plain data without secrets. */
import type { Allow, ReadingCode, ReasonCode } from '../core/reason.ts';
import type { Cause, Change, Way } from '../core/change.ts';
import type { Disruption } from '../core/disruption.ts';
import type { Ref } from '../core/ref.ts';
import type { ImageOp } from './image/ops.ts';
import type { RepositoryOp } from './repository/ops.ts';
import type { ServerOp } from './server/ops.ts';
import type { ServerSpec } from './server/spec.ts';
import type { VmOp } from './vm/ops.ts';

export type Op = VmOp | RepositoryOp | ImageOp | ServerOp;

export interface PlanOptions {
  /** Only these VMs (globs over `vm/NAME` or NAME); empty: all. */
  readonly targets: readonly string[];
  readonly pools: readonly string[];
  /** What is taken: what the file changed, what a hand did, or both; `moves`: only where VMs are, and whether they run. */
  readonly cause: 'config' | 'drift' | 'all' | 'moves';
  readonly prune: boolean;
  /** Take what waits for a restart, too. */
  readonly pending: boolean;
  /** Budgets raised for this run; `pattern` null: every VM (only below `device`). */
  readonly allow: readonly { readonly disruption: Disruption; readonly pattern: string | null }[];
  readonly takeover: readonly string[];
  /** VMs whose disks go with them, and disks that nobody has, by file name. */
  readonly deleteDisks: readonly string[];
  /** Repositories whose content goes with them. */
  readonly deleteData: readonly string[];
}

export interface Operation {
  /** Unique in the plan and stable: `web-1/define`, `web-1/attach-disk/xvdb`. */
  readonly id: string;
  readonly op: Op;
  readonly target: Ref;
  readonly server: string;
  /** Operations that must be done before. */
  readonly needs: readonly string[];
  readonly lane: string | null;
  readonly disruption: Disruption;
  /** Run where Reeve runs before it begins (`policy.before`); where that fails, it is not begun. */
  readonly before: string | null;
  /** In words, for the reader: `memory 1GiB → 2GiB`. */
  readonly reason: string;
  /** ms; `downtimeMs`: how long the VM is down or paused by it. */
  readonly estimate: { readonly ms: number; readonly downtimeMs: number };
  /** The command lines behind it, for the reader. */
  readonly commands: readonly string[];
}

export type Action =
  | 'create'
  | 'adopt'
  | 'update'
  | 'restart'
  /** Live, to another server. */
  | 'migrate'
  /** Its memory is saved on the way to another server. */
  | 'suspend'
  | 'start'
  | 'stop'
  | 'pause'
  | 'unpause'
  | 'delete'
  | 'release'
  /** Only looked at: others start after it. */
  | 'await'
  | 'none';

/** One VM's part of the plan: what a reader sees as one block. */
export interface PlanVm {
  readonly subject: Ref<'vm'>;
  readonly name: string;
  readonly server: string;
  /** The server that it goes to; null: it stays. */
  readonly to: string | null;
  readonly action: Action;
  readonly disruption: Disruption;
  readonly changes: readonly PlanChange[];
  /** Ids, in a possible order. */
  readonly operations: readonly string[];
  /** Why this server, where it was chosen now. */
  readonly placed: string | null;
}

/** One repository's part of the plan. */
export interface PlanRepository {
  /** `POOL/NAME`. */
  readonly subject: Ref<'repository'>;
  readonly name: string;
  readonly pool: string;
  readonly path: string;
  /** `erase`: detached, and what Reeve made in it is deleted; `change`: only what it keeps. */
  readonly action: 'attach' | 'detach' | 'erase' | 'change';
  /** By server: what is done there, in words. */
  readonly servers: readonly { readonly server: string; readonly does: readonly string[] }[];
  /** Ids, in a possible order. */
  readonly operations: readonly string[];
}

/** A server declared lost on which VMs may still run that this plan starts elsewhere: it is asked once more, and must not answer. */
export interface PlanFence {
  readonly server: string;
  /** Commands, run where Reeve runs: `off` powers the server down, `status` exits 0 once it is. Null: the file has none. */
  readonly off: string | null;
  readonly status: string | null;
  /** Ids of the operations that wait for it. */
  readonly operations: readonly string[];
}

/** Restarts that roll. */
export interface PlanLane {
  readonly id: string;
  /** How many VMs of it may be down at a time. */
  readonly width: number;
  /** One that does not come back: no other of the lane is begun. */
  readonly stopOnFailure: boolean;
  /** In the order in which they are restarted. */
  readonly vms: readonly string[];
}

/** What is done to one dom0 itself. */
export interface PlanDom0 {
  readonly subject: Ref<'server'>;
  readonly name: string;
  readonly pool: string;
  /** In words. */
  readonly does: readonly string[];
  /** Ids, in a possible order. */
  readonly operations: readonly string[];
}

/** One template's or ISO's part of the plan. */
export interface PlanImage {
  /** `POOL/template/debian`. */
  readonly subject: Ref<'image'>;
  readonly name: string;
  readonly what: 'template' | 'iso';
  readonly pool: string;
  readonly path: string;
  readonly action: 'fetch' | 'remove';
  /** Ids; each on one server. */
  readonly operations: readonly string[];
}

export interface PlanChange extends Omit<Change, 'ways' | 'subject' | 'bearer'> {
  readonly fate: 'take' | 'defer' | 'refuse' | 'pending' | 'released';
  /** The chosen way; null where it is refused or pending. */
  readonly way: Way | null;
  readonly ways: readonly Way[];
  readonly cause: Cause;
}

export interface Refusal {
  readonly subject: Ref;
  /** `web-1 would be stopped`. */
  readonly what: string;
  /** Why it is refused, for programs. */
  readonly code: ReasonCode;
  readonly why: string;
  /** What would allow it: `--allow stop=web-1`. */
  readonly help: string | null;
  /** The budget that it needs, where a budget is the reason. */
  readonly needs: Disruption | null;
}

export interface PlanRefusal extends Refusal {
  /** What would allow it, as data: all of these together; empty: nothing that can be written. */
  readonly allow: readonly Allow[];
}

export type PlanServer = Pick<ServerSpec, 'name' | 'pool' | 'address' | 'ssh'>;

/** What was seen of an object, by part, as text: digests of what is long. */
export type PlanFacts = Readonly<Record<string, string>>;

export interface Plan {
  readonly format: 'reeve-plan/1';
  readonly tool: string;
  readonly farm: string;
  readonly options: PlanOptions;
  /** Digest of the resolved desired value. */
  readonly desired: string;
  /** The objects that operations touch, with what was observed of each. */
  readonly touched: readonly {
    readonly subject: Ref;
    readonly server: string;
    /** Of a VM, or of a repository's store; '' where it has none yet. */
    readonly uuid: string;
    /** Xen's name, or the repository's path. */
    readonly name: string;
    readonly seen: PlanFacts;
  }[];
  /** The servers that `apply` holds: every readable one of each pool that operations touch. */
  readonly scope: readonly string[];
  /** How those, and those of `fences`, are reached: a saved plan is applied without the file that it was made from. */
  readonly servers: readonly PlanServer[];
  /** Only servers with something to do, sorted by name. */
  readonly dom0s: readonly PlanDom0[];
  /** Only repositories with something to do, sorted by pool and name. */
  readonly repositories: readonly PlanRepository[];
  /** Only images with something to do, sorted by pool and name. */
  readonly images: readonly PlanImage[];
  /** Only VMs with something to say, sorted by name. */
  readonly vms: readonly PlanVm[];
  /** By server. */
  readonly fences: readonly PlanFence[];
  readonly lanes: readonly PlanLane[];
  /** In a valid order: each stands behind all that it needs. */
  readonly operations: readonly Operation[];
  readonly refused: readonly PlanRefusal[];
  readonly unmanaged: readonly {
    readonly server: string;
    readonly name: string;
    readonly what: 'vm' | 'cfg' | 'foreign';
    readonly detail: string;
  }[];
  readonly unreadable: readonly {
    readonly server: string;
    readonly pool: string;
    readonly code: ReadingCode;
    readonly why: string;
    readonly help: string | null;
  }[];
  readonly warnings: readonly string[];
  /** How many VMs the file names, for the line of a satisfied farm. */
  readonly counted: { readonly servers: number; readonly vms: number };
  /** The provable least number of operations. */
  readonly bound: number;
}
