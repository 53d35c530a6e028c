/** What a toolstack is to the rest of Reeve: a reading program and the lowering of operations. Pure. */
import type { ReadProgram } from '../core/port.ts';
import type { Lowered, Step } from '../core/step.ts';
import type { Op } from './plan.ts';
import type { ServerSeen } from './server/live.ts';

/** Values of `${env:…}` and `${file:…}`, by the reference as the file has it. */
export type Secrets = ReadonlyMap<string, string>;

/** What was read of the other servers that an operation has to do with, by name. */
export type Peers = ReadonlyMap<string, ServerSeen>;

export interface RawAnswer {
  readonly is: 'raw';
  readonly bytes: Uint8Array;
  /** The word that frames it. */
  readonly nonce: string;
}

export interface CfgSide {
  readonly server: string;
  readonly path: string;
  /** Its passwords as `***`, Reeve's own heading shortened; what people wrote is as it stands. */
  readonly text: string;
}

/** What an operation makes of a cfg. `from`: the one that it takes the place of; null: there is none. */
export interface CfgWriting {
  readonly from: CfgSide | null;
  readonly to: CfgSide;
}

export interface Toolstack {
  readonly name: string;
  /**
   * `all`: the whole server. `domains`: only what conditions on domains and records need, in far fewer processes.
   * `paths`: files to look for (kernels, images); what ends in `/` is looked into, what stands behind `text:` is read.
   */
  reading(what: 'all' | 'domains', paths: readonly string[]): ReadProgram<ServerSeen>;
  /** The same program, but its raw answer: for `reeve snapshot`. */
  rawReading(what: 'all' | 'domains', paths: readonly string[]): ReadProgram<RawAnswer>;
  /** `seen` was read just before. Domids in the steps come from it. `secrets`: the value of each reference that `op` holds. */
  lower(op: Op, seen: ServerSeen, secrets: Secrets, peers?: Peers): Lowered | { readonly unsupported: string };
  /** What puts right what a failed operation left half made, given the answers before it and after the failure. */
  rescue(op: Op, before: ServerSeen, now: ServerSeen): readonly Step[];
  /** Where a VM stands whose way to another server has failed, and what to do; null where the failure says it all. */
  verdict(op: Op, now: ServerSeen, peers: Peers): string | null;
  /** Of these keys of an xl.cfg, those that this version of Xen does not know; none where the version is newer than Reeve. */
  unknownKeys(keys: readonly string[], xen: ServerSeen['xen']): readonly string[];
  /** The command lines that a reader of the plan is shown, with the VM's name in place of a domid. */
  commands(op: Op): readonly string[];
  /** The command line that opens the console of the running VM of this name, on its server. */
  console(name: string): readonly string[];
  /** Memory that the hypervisor needs for a VM of this configuration, in KiB, its own overhead included. */
  memoryNeed(config: {
    readonly type: string;
    readonly vcpus: { readonly max: number };
    readonly memory: { readonly target: number; readonly max: number };
  }): number;
}
