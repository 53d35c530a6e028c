/** What `apply` tells while it works: drives the live view, the plain lines and the NDJSON alike. */
import type { ReasonCode } from './reason.ts';

export type Event =
  | { readonly ev: 'held'; readonly at: string; readonly server: string }
  /** Another run holds the server, and is waited for; once for each such run. */
  | { readonly ev: 'waiting'; readonly at: string; readonly server: string; readonly why: string }
  /** A lost server on which VMs may still run: the command that powers it off, and how that ended. */
  | { readonly ev: 'fencing'; readonly at: string; readonly server: string; readonly command: string }
  | { readonly ev: 'fenced'; readonly at: string; readonly server: string; readonly ms: number; readonly how: string }
  | {
      readonly ev: 'fence-failed';
      readonly at: string;
      readonly server: string;
      readonly ms: number;
      readonly code: ReasonCode;
      readonly why: string;
    }
  | { readonly ev: 'started'; readonly at: string; readonly op: string }
  | {
      readonly ev: 'progress';
      readonly at: string;
      readonly op: string;
      readonly text: string;
      /** How many have come, and how many there are where that is known. */
      readonly bytes?: number;
      readonly total?: number;
    }
  /** The operation goes on; what happened is more than it says of itself. */
  | {
      readonly ev: 'warning';
      readonly at: string;
      readonly op: string;
      readonly code: ReasonCode;
      readonly why: string;
    }
  | { readonly ev: 'done'; readonly at: string; readonly op: string; readonly ms: number }
  | {
      readonly ev: 'failed';
      readonly at: string;
      readonly op: string;
      readonly ms: number;
      readonly code: ReasonCode;
      readonly why: string;
      readonly help?: string;
    }
  | {
      readonly ev: 'skipped' | 'detached';
      readonly at: string;
      readonly op: string;
      readonly code: ReasonCode;
      readonly why: string;
    };
