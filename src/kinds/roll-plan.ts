/** A whole roll as it is planned before its first step: what people and programs read of it. */
import type { PlanRefusal } from './plan.ts';

/** A VM that goes from one server to another. */
export interface Move {
  readonly vm: string;
  readonly from: string;
  readonly to: string;
  /** `live`; or it is down or saved on the way. */
  readonly how: 'live' | 'restart' | 'suspend';
}

/** What a list of plans costs. */
export interface RollCost {
  /** Live migrations, those to a place on the way among them. */
  readonly migrations: number;
  /** VMs that are restarted or suspended to move. */
  readonly restarts: number;
  /** ms that VMs are down or paused for it, all together, what rides left out. */
  readonly downtimeMs: number;
  /** ms that it takes. */
  readonly ms: number;
}

/** One server's turn. */
export interface RollTurn {
  readonly server: string;
  readonly leaves: readonly Move[];
  /** Shut down before the treatment and started after it, in this order. */
  readonly rides: readonly string[];
  /** Who comes home afterwards. */
  readonly returns: readonly Move[];
  /** Why it cannot be emptied, or who cannot come home. */
  readonly refused: readonly PlanRefusal[];
  readonly cost: RollCost;
}

export interface RollPlan {
  readonly turns: readonly RollTurn[];
  readonly warnings: readonly string[];
  readonly cost: RollCost;
  /** No roll of these servers can do with fewer moves. */
  readonly least: number;
}
