/** workload. */
import type { Reason } from '../../core/reason.ts';
import type { Disruption } from '../../core/disruption.ts';
import type { VmSpec, VmConfig } from '../../kinds/vm/spec.ts';
import type { Decision } from '../decide/decide.ts';
import type { Amounts } from '../model/resource-deltas.ts';
import type { moveBy } from './solver/problem.ts';
import type { PoolSpec } from '../../kinds/farm.ts';
import type { ServerSpec } from '../../kinds/server/spec.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import type { Room } from '../model/server-capacity.ts';
import type { Roof } from '../model/path-availability.ts';
import type { Overhead } from '../../kinds/vm/effects.ts';

/** Why a VM may not be moved, and what would help. */
export interface Stays extends Reason {
  readonly needs: Disruption | null;
}

export interface Body {
  /** Of the file, where this run plans it. */
  readonly spec: VmSpec | null;
  /** Of the file, whether this run plans it or not. */
  readonly known: VmSpec | null;
  /** It is started elsewhere where its server is lost. */
  readonly returns: boolean;
  readonly name: string;
  readonly uuid: string;
  /** Null: it runs nowhere. */
  readonly server: string | null;
  readonly decision: Decision | null;
  readonly now: Amounts;
  readonly next: Amounts;
  /** KiB that its new disks take in repositories which each server has for itself. */
  readonly space: ReadonlyMap<string, number>;
  readonly runs: boolean;
  readonly move: (typeof moveBy)[keyof typeof moveBy];
  /** Set where it may not move at all. */
  readonly stays: Stays | null;
  readonly suspend: boolean;
  /** What it needs of a server; null: only that it is where it is. */
  readonly config: VmConfig | null;
  /** Features of its server's CPU that it runs without. */
  readonly masked: readonly string[];
  /** Its cfg is there, and it had best start there. */
  readonly prefers: string | null;
  /** This farm's, as its cfg says, though this run does not plan it. */
  readonly ours: boolean;
}

export interface PoolScene {
  readonly farm: string;
  readonly pool: PoolSpec;
  /** The pool's, by name. */
  readonly serverOf: ReadonlyMap<string, ServerSpec>;
  /** Paths of the pool's shared repositories, with a slash at their ends. */
  readonly shared: readonly string[];
  readonly seenOf: (server: string) => ServerSeen | undefined;
  readonly rooms: ReadonlyMap<string, Room>;
  readonly roofs: ReadonlyMap<string, readonly Roof[]>;
  readonly overhead: Overhead;
  /** KiB of a repository there that are not taken yet; null: nobody told. */
  readonly freeIn: (server: string, repository: string) => number | null;
  readonly budget: (spec: VmSpec) => Disruption;
  /** Of domains of the file, by server and UUID, whether this run plans them or not. */
  readonly specs: ReadonlyMap<string, VmSpec>;
}
