/** settled disks. */
import type { VmSpec } from '../../kinds/vm/spec.ts';
import type { NewDisk, GrownDisk, TakenDisk, NewSeed } from '../../kinds/vm/draft.ts';

export interface Settled {
  /** With the path of every disk. */
  readonly spec: VmSpec;
  readonly make: readonly NewDisk[];
  readonly grow: readonly GrownDisk[];
  readonly adopt: readonly TakenDisk[];
  readonly move: readonly NewDisk[];
  readonly seed: NewSeed | null;
}
