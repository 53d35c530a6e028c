/** What is ordered, as operations of the document: with what each waits for, costs and runs. */
import type { Disruption } from '../../core/disruption.ts';
import { betweenOf, costOf, isVmOp, reasonOf, targetOf } from '../../kinds/operations.ts';
import type { Op, Operation } from '../../kinds/plan.ts';
import type { Draft, Ordered } from '../order/order.ts';

export const operationsOf = (d: Draft, ordered: Ordered): readonly Operation[] => {
  const nodes = new Map(
    [...d.storage.chains, ordered.singles, ordered.work.nodes, ...ordered.chains.values()]
      .flat()
      .map((n) => [n.id, n.op]),
  );
  const ops = ordered.order.flatMap((id) => nodes.get(id) ?? []);
  const between = betweenOf(ops);
  // Once for each VM and class, however many operations there are of it.
  const told = new Set<string>();
  const beforeOf = (op: Op, cost: Disruption): string | null => {
    const command = isVmOp(op) && cost !== 'none' ? d.farm.policy.before[cost] : undefined;
    if (command === undefined || !isVmOp(op) || told.has(`${op.vm.name} ${cost}`)) return null;
    told.add(`${op.vm.name} ${cost}`);
    const words = { vm: op.vm.name, server: op.server, op: op.verb };
    return command.replaceAll(/(?<!\$)\{(vm|server|op)\}/g, (_, word: keyof typeof words) => words[word]);
  };
  return ordered.order.flatMap((id): Operation[] => {
    const op = nodes.get(id);
    if (!op) return [];
    const { disruption, estimate } = costOf(op, between);
    return [
      {
        id,
        op,
        target: targetOf(op),
        server: op.server,
        needs: ordered.needs.get(id) ?? [],
        lane: ordered.lanes.of.get(id) ?? null,
        before: beforeOf(op, disruption),
        disruption,
        reason: reasonOf(op),
        estimate,
        commands: d.tools.toolstack.commands(op),
      },
    ];
  });
};
