/** What an operation comes down to on a server: conditions that are read, and steps that `apply` alone interprets. */

/** The sha256 of a file's bytes, in lower-case hex. */
export type Digest = string;

/** A question to one server's answer; `kinds/server/holds.ts` decides it. Domains are named by UUID: domids change. */
export type Condition = Question & {
  /** The server that is asked, where it is another than the operation's. */
  readonly server?: string;
};

type Question =
  /** `gone`: no domain has this UUID. `up`: it is there and neither shut down, crashed nor dying. `down`: gone, or ended. `over`: that, or
   * there in part only. */
  | {
      readonly is: 'domain';
      readonly uuid: string;
      readonly state: 'gone' | 'up' | 'running' | 'paused' | 'ended' | 'down' | 'over';
    }
  /** No xl moves it or takes it in there. */
  | { readonly is: 'at-rest'; readonly uuid: string }
  /** No domain of another UUID has this name. */
  | { readonly is: 'name-free'; readonly name: string; readonly uuid: string }
  /** xendomains keeps no memory of a VM of this name. */
  | { readonly is: 'unsaved'; readonly name: string }
  /** The balloon's target is this, and the guest is there (within 1 MiB + 1 %). */
  | { readonly is: 'memory'; readonly uuid: string; readonly kib: number }
  | { readonly is: 'vcpus'; readonly uuid: string; readonly online: number }
  | {
      readonly is: 'disk';
      readonly uuid: string;
      readonly vdev: string;
      readonly path: string;
      readonly access: 'rw' | 'ro';
      readonly format: string;
    }
  | { readonly is: 'sched'; readonly uuid: string; readonly weight: number; readonly cap: number }
  /** CPU lists as `fields.ts` normalises them. */
  | { readonly is: 'affinity'; readonly uuid: string; readonly hard: string; readonly soft: string }
  | { readonly is: 'cpupool'; readonly uuid: string; readonly pool: string }
  /** The server has a cpupool of this name. */
  | { readonly is: 'has-cpupool'; readonly name: string }
  | { readonly is: 'named'; readonly uuid: string; readonly name: string }
  /** Null: the drive is there and empty. */
  | { readonly is: 'cd'; readonly uuid: string; readonly vdev: string; readonly path: string | null }
  /** The server runs guests of this type (`virt_caps`): `pv`, `pvh` or `hvm`. */
  | { readonly is: 'runs'; readonly type: string }
  /** Guests may see all of these in the server's CPU. */
  | { readonly is: 'features'; readonly names: readonly string[] }
  /** A QEMU for Xen is installed on the server. */
  | { readonly is: 'has-qemu' }
  /** A QEMU serves the domain. */
  | { readonly is: 'qemu'; readonly uuid: string }
  | { readonly is: 'no-disk'; readonly uuid: string; readonly vdev: string }
  /** The vif hangs on this bridge; `rate` and `script` null: whatever they are. */
  | {
      readonly is: 'nic';
      readonly uuid: string;
      readonly mac: string;
      readonly bridge: string;
      readonly rate: string | null;
      readonly script: string | null;
    }
  | { readonly is: 'no-nic'; readonly uuid: string; readonly mac: string }
  /** `script`: what hangs a vif on it; null or not there: it is not known. */
  | { readonly is: 'bridge'; readonly name: string; readonly script?: string | null }
  /** No domain and no cfg of this server has the path as a disk or a medium; the cfg of `goes` (a VM's UUID) may. */
  | { readonly is: 'unused'; readonly path: string; readonly goes?: string | null }
  /** Nothing is at this path. */
  | { readonly is: 'no-path'; readonly path: string }
  /** The path exists on the server, in whatever form. */
  | { readonly is: 'path'; readonly path: string }
  /** What is mounted at this path; null: nothing. */
  | { readonly is: 'mounted'; readonly path: string; readonly source: string | null }
  /** There is a folder, and its file system answers. */
  | { readonly is: 'folder'; readonly path: string }
  /** The store at this path is this farm's repository; `uuid` null: whichever. */
  | {
      readonly is: 'store';
      readonly path: string;
      readonly farm: string;
      readonly repository: string;
      readonly uuid: string | null;
    }
  /** The store at this path is nobody's. */
  | { readonly is: 'unmarked'; readonly path: string }
  /** The store at `folder` keeps this disk, with this size (KiB) in its marker. */
  | { readonly is: 'stored'; readonly folder: string; readonly path: string; readonly size: number }
  /**
   * The store at `folder` keeps this disk, and its marker says whose it is; `uuid` and `vdev` null: whichever VM's of the
   * farm. `orGone`: or it is there no more.
   */
  | {
      readonly is: 'owned';
      readonly folder: string;
      readonly path: string;
      readonly farm: string;
      readonly uuid: string | null;
      readonly vdev: string | null;
      readonly orGone?: true;
    }
  /** Nothing on the way from the store at `folder` to this path leads out of it. */
  | { readonly is: 'within'; readonly folder: string; readonly path: string }
  /** The server's book of repositories has it, with the UUID of its marker, or has it not. */
  | { readonly is: 'booked'; readonly name: string; readonly path: string; readonly on: boolean }
  | { readonly is: 'record'; readonly path: string; readonly digest: Digest | 'absent' }
  /** No link of /etc/xen/auto leads to the cfg. */
  | { readonly is: 'no-autostart'; readonly path: string }
  /** `link` leads to the cfg, over `via` where that is not null, and none of `gone` does. */
  | {
      readonly is: 'autostart';
      readonly path: string;
      readonly link: string;
      readonly via: string | null;
      readonly gone: readonly string[];
    }
  /** The running domain was given this cfg for its next reboot (`xl config-update`). */
  | { readonly is: 'given'; readonly uuid: string; readonly digest: Digest }
  /** The lease that was read is not in the store any more. */
  | { readonly is: 'no-lease'; readonly folder: string; readonly uuid: string; readonly digest: Digest }
  /** The server has a key for migrations, and knows the peer's host key under this alias. */
  | { readonly is: 'sends'; readonly alias: string; readonly hostKey: string }
  /** The server's file of its pool says this of the pool, and of itself. */
  | {
      readonly is: 'member';
      readonly farm: string;
      readonly pool: string;
      /** The server's own. */
      readonly name: string;
      readonly members: readonly string[];
      readonly keys: Readonly<Record<string, string>>;
    }
  /** The server has no file of its pool. */
  | { readonly is: 'no-member' }
  /** The server can go to this address with the owner's key at this path; `hostKey`: the peer's, null where it is not known. */
  | { readonly is: 'sends-as'; readonly key: string; readonly address: string; readonly hostKey: string | null }
  /** Nothing is left there of the keys that Reeve made for migrations, or nothing of these servers'. */
  | { readonly is: 'no-keys'; readonly of: readonly string[] | null }
  /** The server takes migrations from whoever has this key: from a peer of Reeve's, or from the owner's. */
  | { readonly is: 'receives'; readonly key: string; readonly owner?: true }
  /** Free memory of the server, in KiB, is at least this. */
  | { readonly is: 'room'; readonly kib: number };

export interface News {
  readonly code: 'guest-destroyed';
  /** A sentence without its end, of the VM: `it did not shut down within 2m, and was destroyed`. */
  readonly why: string;
}

export type Step =
  /**
   * Run detached on the dom0, at most once; an exit code other than 0 fails the operation, unless it `mayFail`: then what
   * is awaited next tells whether it worked.
   */
  | {
      readonly do: 'exec';
      readonly argv: readonly string[];
      readonly deadlineMs: number;
      readonly mayFail?: true;
      /** Run where it failed: what this prints is added to the reason (the last lines of a log). */
      readonly explain?: readonly string[];
      /** Run where it failed: what takes away what must not stay. */
      readonly undo?: readonly string[];
      /** What an exit code means of a tool that may say nothing. */
      readonly exits?: Readonly<Record<number, string>>;
      readonly fills?: Filling;
      /** What people are told where it was done: what it costs is more than the operation says. */
      readonly news?: News;
      /** Of all steps of a run that say the same, on whatever server, one runs at a time. */
      readonly alone?: string;
    }
  /** Bring a file from where Reeve runs, in pieces: each is written and put in its place, so that a broken one is sent again. */
  | {
      readonly do: 'upload';
      /** A path on this machine. */
      readonly from: string;
      readonly path: string;
      /** As of a command that fills a file. */
      readonly room?: number | undefined;
      readonly half?: Filling['half'];
    }
  /** Try to connect until something answers: from the dom0 (`argv`, exit code 0) or from where Reeve runs. */
  | {
      readonly do: 'probe';
      readonly from: { readonly argv: readonly string[] } | 'here';
      readonly host: string;
      readonly port: number;
      readonly deadlineMs: number;
    }
  /** Compare and swap: written beside, compared by digest, renamed when whole. */
  | {
      readonly do: 'write';
      readonly path: string;
      readonly bytes: Uint8Array;
      /** Like 0o600. */
      readonly mode: number;
      readonly onlyIf: Digest | 'absent' | 'any';
    }
  | { readonly do: 'remove'; readonly path: string; readonly onlyIf: Digest | 'any' }
  /** Read until it holds. When the deadline passes: do `otherwise` and go on; where that is empty, fail. */
  | {
      readonly do: 'await';
      readonly until: Condition;
      readonly deadlineMs: number;
      readonly otherwise: readonly Step[];
      /** What would help where it fails. */
      readonly help?: string;
    };

/** A file that a command fills: how large it is tells how far it has come. */
export interface Filling {
  readonly path: string;
  /** Bytes that there is room for; undefined: not known. More is not begun. */
  readonly room?: number | undefined;
  /** It comes into being beside the place that it gets; `clear` takes away what is there of it. */
  readonly half?: { readonly place: string; readonly clear: readonly string[] } | undefined;
  /** What tells beforehand how many bytes it will have; where that fails, nobody knows. */
  readonly whole?: {
    readonly argv: readonly string[];
    /** A regular expression, in whatever case; its first group is their number. */
    readonly pattern: string;
    readonly deadlineMs: number;
  };
}

export type ExecStep = Extract<Step, { do: 'exec' }>;
export type UploadStep = Extract<Step, { do: 'upload' }>;
export type ProbeStep = Extract<Step, { do: 'probe' }>;
export type FileStep = Extract<Step, { do: 'write' | 'remove' }>;

/** An operation on this toolstack. */
export interface Lowered {
  readonly before: readonly Condition[];
  readonly steps: readonly Step[];
  readonly after: readonly Condition[];
  /** How long the postconditions may take to come true. */
  readonly afterMs: number;
}
