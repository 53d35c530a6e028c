/** How carrying a plan out ended, and the exit code that says so. */
import type { ReasonCode } from '../core/reason.ts';
import type { Difference } from './world.ts';

/** For programs and for people. */
export interface Why {
  readonly code: ReasonCode;
  readonly why: string;
}

export interface Reason extends Why {
  readonly id: string;
  readonly help?: string;
}

/** What came of a lost server that was to be down before VMs start elsewhere. */
export type Fenced = {
  readonly server: string;
  /** In words. */
  readonly how: string;
} & (
  | { readonly down: true }
  /** It is not known to be down, and nothing that counts on it was begun. */
  | { readonly down: false; readonly code: ReasonCode }
);

/** A server whose journal lacks something of the run. */
export interface Unwritten {
  readonly server: string;
  readonly why: string;
}

/** Every operation of the plan is in exactly one of the four lists, in the plan's order. */
export interface Outcome {
  readonly done: readonly string[];
  readonly failed: readonly Reason[];
  readonly skipped: readonly Reason[];
  /** Still running on their servers, when a second Ctrl-C left them there. */
  readonly detached: readonly Reason[];
  /** What happened that is more than the operations say; not there where nothing did. */
  readonly warnings?: readonly Reason[];
  /** Lost servers that this run made sure of, or could not; not there where it had to do with none. */
  readonly fences?: readonly Fenced[];
  /** At most one a server; not there where the journals are whole. */
  readonly unwritten?: readonly Unwritten[];
  /** Set where the farm is not what the plan saw: nothing was started. */
  readonly stale?: readonly Difference[];
  /** The server on which another run took over, so that this one stopped. */
  readonly fenced?: string;
  readonly cancelled: boolean;
}

/** 0 all done · 6 stale · 130 cancelled · 7 done in part · 1 nothing done. */
export const exitCode = (o: Outcome): 0 | 1 | 6 | 7 | 130 => {
  if (o.stale) return 6;
  if (o.failed.length + o.skipped.length + o.detached.length === 0) return 0;
  if (o.cancelled) return 130;
  return o.done.length > 0 ? 7 : 1;
};
