/** Which VMs are left out at once, of those that find no room: as few rounds of sequencing as can be, with the outcome of one at a time. */
import type { Op } from '../../kinds/plan.ts';
import type { Chain } from '../model/operation-graph.ts';
import type { Sequenced, Short } from './sequence.ts';

const serversOf = (op: Op): readonly string[] => (op.verb === 'migrate' ? [op.server, op.peer] : [op.server]);

/**
 * Room is counted server by server, so a VM stays short whatever becomes of others before it in the list that touch none of its
 * servers. One that does share a server with them may fit once they are gone, and is tried again. Where somebody counts on what
 * a short one gives back, others come to be short in its place: nothing behind it is decided in this round.
 */
export const leftOut = (
  { short, relied }: Pick<Sequenced, 'short' | 'relied'>,
  chains: ReadonlyMap<string, Chain>,
  keyOf: ReadonlyMap<string, string>,
): readonly Short[] => {
  const out: Short[] = [];
  const met = new Set<string>();
  const touched = new Set<string>();
  for (const s of short) {
    const key = keyOf.get(s.id);
    const chain = chains.get(key ?? '');
    if (key === undefined || !chain || met.has(key)) continue;
    const counted = chain.some((n) => relied.has(n.id));
    if (counted && met.size > 0) break;
    met.add(key);
    const servers = chain.flatMap((n) => serversOf(n.op));
    if (!servers.some((x) => touched.has(x))) out.push(s);
    if (counted) break;
    for (const x of servers) touched.add(x);
  }
  return out;
};
