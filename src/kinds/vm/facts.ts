/** What resolving a VM is given beside it, how one field is settled, and what comes of it where that cannot be. */
import type { Reason, ReasonCode } from '../../core/reason.ts';
import type { NetworkSpec } from '../farm.ts';
import type { ServerSeen } from '../server/live.ts';
import type { SharedStore } from './lease.ts';
import type { Secrets } from '../toolstack.ts';

/** What comparing needs to know beyond the VM itself. */
export interface Facts {
  readonly farm: string;
  readonly networks: Readonly<Record<string, NetworkSpec>>;
  /** The server that it is on, or goes to. */
  readonly seen: ServerSeen;
  /** VM key → its place in the order of starts, of those that `after` ties together. */
  readonly order: ReadonlyMap<string, number>;
  readonly secrets: Secrets;
  /** The pool's, by name. */
  readonly shared: readonly SharedStore[];
}

export interface Unresolved {
  readonly code: ReasonCode;
  readonly unresolved: string;
  readonly help: string;
}

export const unresolvedReason = ({ code, unresolved: why, help }: Unresolved): Reason => ({ code, why, help });

/** Set → the file's; taken out → the default or left alone; never set → left alone. */
export type Settle = <T>(field: string, set: T | undefined, kept: T | undefined, fallback: () => T) => T;

/** What settling keeps account of: the fields that the file governs, those that it lets go, and what the marker shall remember. */
export interface Books {
  readonly governed: Set<string>;
  readonly released: string[];
  readonly applied: Record<string, unknown>;
}
