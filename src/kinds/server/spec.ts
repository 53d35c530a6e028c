/** A dom0 as the file describes it, and how it is reached. */
import type { Origin } from '../../core/diagnostic.ts';

/** What the file says; where it is silent, ~/.ssh/config, the agent and ~/.ssh/known_hosts serve. */
export interface SshSpec {
  readonly user: string | undefined;
  readonly port: number | undefined;
  readonly identityFile: string | undefined;
  readonly knownHosts: string | undefined;
  /** A host to go through, as `user@host:port`. */
  readonly jump: string | undefined;
  /** Run everything through `sudo -n`. Undefined: exactly where the user is not root. */
  readonly sudo: boolean | undefined;
  /** ms */
  readonly connectTimeout: number | undefined;
}

export type ServerState = 'active' | 'maintenance' | 'off' | 'lost' | 'absent';

export type Role = 'utility' | 'vm';

export const everyRole: readonly Role[] = ['utility', 'vm'];

/** How a server is powered down, and how it is told that it is down: only `status` is believed. */
export interface FenceSpec {
  readonly off: string | undefined;
  readonly status: string | undefined;
}

export interface ServerSpec {
  readonly name: string;
  readonly pool: string;
  /** A host name or IP address; `local`: this machine itself, without SSH. */
  readonly address: string;
  readonly ssh: SshSpec;
  /** The address that live migrations to it go to, where it is not `address`. */
  readonly migration: string | undefined;
  /**
   * `maintenance`: its VMs move away; `off`: powered down by us, and not read; `lost`: a person vouches that it is dead;
   * `absent`: its VMs move away, and then it is forgotten.
   */
  readonly state: ServerState;
  /** `utility`: carries out downloads on shared repositories; `vm`: runs VMs. Sorted, at least one. */
  readonly roles: readonly Role[];
  /** Commands that run where Reeve runs. Undefined: the file gives neither. */
  readonly fence: FenceSpec | undefined;
  /** Never of a file. A roll has it: `empties` sends its VMs away, `closed` keeps those that are there and takes no others. */
  readonly roll?: 'empties' | 'closed';
  readonly origin: Origin;
}
