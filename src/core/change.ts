/** What differs between the file and the farm, in three layers, and every legal way to make it equal. */
import type { Disruption } from './disruption.ts';
import type { Ref } from './ref.ts';

/** A value as it was seen in one layer; `unknown` is never treated as absent. */
export type Seen<T> =
  | { readonly is: 'value'; readonly value: T }
  | { readonly is: 'default' }
  | { readonly is: 'absent' }
  | { readonly is: 'unknown'; readonly why: string };

/** What Reeve last wrote, what the cfg says, what the domain has. */
export interface Layers<T = unknown> {
  readonly applied: Seen<T>;
  readonly configured: Seen<T>;
  readonly running: Seen<T>;
}

/**
 * Who made the difference: the file (`config`), a hand in the cfg or at run time (`drift-…`), both (`conflict`),
 * nobody, since it waits for a restart (`pending`), or the VM was not ours before (`adopt`).
 */
export type Cause = 'config' | 'drift-configured' | 'drift-running' | 'conflict' | 'pending' | 'adopt';

/** How a running VM can be brought to the wanted value. Names are those of the operations that do it. */
export type How =
  | 'configure'
  | 'set-memory'
  | 'set-vcpus'
  | 'set-sched'
  | 'set-affinity'
  | 'set-cpupool'
  | 'rename'
  | 'change-cd'
  | 'grow-disk'
  | 'attach-disk'
  | 'detach-disk'
  | 'replace-disk'
  | 'attach-nic'
  | 'detach-nic'
  | 'replace-nic'
  | 'move-nic'
  | 'start'
  | 'stop'
  | 'pause'
  | 'unpause'
  | 'restart'
  | 'delete';

export interface Way {
  readonly how: How;
  readonly disruption: Disruption;
  /** Why it costs that, for the plan's reader. */
  readonly why: string;
  /** Set where the live server or guest forbids this way, and says why. */
  readonly illegal?: string;
}

export interface Change {
  readonly subject: Ref;
  /** `memory.target`, `disks.xvdb`, `state`… */
  readonly field: string;
  readonly want: Seen<unknown>;
  readonly have: Layers;
  readonly cause: Cause;
  /** The VM in whose restart this change may be made, where it is not the subject itself. */
  readonly bearer: Ref<'vm'> | null;
  /** Cheapest first; never empty. */
  readonly ways: readonly [Way, ...Way[]];
}

/** What `reeve drift` is about: a hand's, whether or not the file changed as well. */
export const isDrift = (cause: Cause): boolean =>
  cause === 'drift-configured' || cause === 'drift-running' || cause === 'conflict';

/** What `--cause config` is about: all but what a hand alone did. */
export const isOfFile = (cause: Cause): boolean => !isDrift(cause) || cause === 'conflict';

export const value = <T>(v: T): Seen<T> => ({ is: 'value', value: v });
export const absent: Seen<never> = { is: 'absent' };
