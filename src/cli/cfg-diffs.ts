/** What a plan makes of each cfg, from the very reading that it was made from. */
import { peersOf } from '../kinds/operations.ts';
import type { Operation, Plan } from '../kinds/plan.ts';
import { seenOn, type Observed } from '../kinds/server/live.ts';
import type { CfgDiffs } from '../report/cfg-diff.ts';
import { writing } from '../toolstacks/xl/index.ts';

/** Its library is loaded only where it is asked for. */
export const cfgDiffsOf = async (plan: Plan, observed: Observed): Promise<CfgDiffs> => {
  const { cfgDiffs } = await import('../report/cfg-diff.ts');
  const writes = ({ server, op }: Operation): ReturnType<typeof writing> => {
    const seen = seenOn(observed, server);
    const peers = peersOf(op).flatMap((p) => {
      const there = seenOn(observed, p);
      return there ? [[p, there] as const] : [];
    });
    return seen === undefined ? null : writing(op, seen, new Map(peers));
  };
  return cfgDiffs(plan, writes);
};
