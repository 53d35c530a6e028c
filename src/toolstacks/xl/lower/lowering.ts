/** What the lowering of every operation is given, and the shape that operations on a running domain share. */
import type { Condition, Lowered, Step } from '../../../core/step.ts';
import type { ServerSeen } from '../../../kinds/server/live.ts';
import type { Peers, Secrets } from '../../../kinds/toolstack.ts';
import type { Domain } from '../../../kinds/vm/live.ts';
import type { VmOp } from '../../../kinds/vm/ops.ts';
import { up } from './domain-steps.ts';

export type Of<Verb extends VmOp['verb']> = Extract<VmOp, { readonly verb: Verb }>;
export type Unsupported = { readonly unsupported: string };

export interface At {
  readonly seen: ServerSeen;
  /** The operation's; undefined where none runs. */
  readonly domain: Domain | undefined;
  readonly secrets: Secrets;
  readonly peers: Peers;
}

/** For operations on a domain that is up; where it is not, the first condition says so and nothing is done. */
export const onDomain = (
  { uuid }: VmOp,
  { domain }: At,
  does: {
    readonly before?: readonly Condition[];
    readonly steps: (d: Domain, dom: string) => readonly Step[];
    readonly after: readonly Condition[];
    readonly afterMs: number;
  },
): Lowered => ({
  before: [up(uuid), ...(does.before ?? [])],
  steps: domain ? does.steps(domain, String(domain.domid)) : [],
  after: does.after,
  afterMs: does.afterMs,
});
