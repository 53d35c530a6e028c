/** The other dom0s of a farm as a migration meets them. */
import type { World } from './world.ts';

/** What befalls the next migrations to a server. */
export type MigrationFault =
  /** The copy comes to no end. */
  | 'hangs'
  /** The target cannot let it run; it has been suspended by then. */
  | 'fails-at-target'
  /** The connection breaks after the copy: the guest goes on at the source, and its copy is left at the target. */
  | 'cut'
  /** The connection breaks in the final handshake: it runs at the target, and nobody tells the source. */
  | 'undefined';

/** Another dom0 of the farm, or this one, as `xl migrate` finds it. */
export interface Peer {
  readonly world: World;
  /** Whether its sshd accepts connections. */
  readonly answers: () => boolean;
}
