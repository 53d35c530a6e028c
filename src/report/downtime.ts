/** How long the VMs of a plan are down: as a rule, and at worst, where guests do not obey. */
import { severity } from '../core/disruption.ts';
import type { Operation, Plan, PlanVm } from '../kinds/plan.ts';
import { count, time } from './text.ts';
import { downtimeOf } from './vm-block.ts';

/** ms that a guest may take beyond that before it counts as not obeying. */
const patience = ({ op, estimate }: Operation): number =>
  estimate.downtimeMs > 0 && (op.verb === 'restart' || op.verb === 'stop') ? op.deadlineMs : 0;

/** Of one VM. A stop that nothing follows is no downtime: it stays down. */
const worstOf = (operations: readonly Operation[]): number =>
  downtimeOf(operations) + operations.reduce((ms, o) => ms + patience(o), 0);

/** How many VMs go down and come back, for how long each and in all; null where none does. */
const downtimeText = (plan: Plan, operationsOf: (vm: PlanVm) => readonly Operation[]): string | null => {
  const down = plan.vms
    .filter((vm) => severity(vm.disruption) >= severity('restart') && vm.action !== 'stop' && vm.action !== 'delete')
    .map(operationsOf)
    .filter((ops) => downtimeOf(ops) > 0);
  if (down.length === 0) return null;
  const each = down.map(downtimeOf);
  const [most, worst] = [Math.max(...each), Math.max(...down.map(worstOf))];
  const sum = each.reduce((a, b) => a + b, 0);
  const usual = Math.min(...each) === most ? `about ${time(most)}` : `up to about ${time(most)}`;
  const all = down.length === 1 ? `about ${time(most)}` : `${usual} each, ${time(sum)} in all`;
  const late =
    worst > most ? ` At worst ${time(worst)}${down.length === 1 ? '' : ' each'}, where a guest does not obey.` : '';
  return `Downtime: ${count(down.length, 'VM')}, ${all}.${late}`;
};

/** ms from the first operation to the end of the last, each begun when what it needs has ended. */
const lasting = ({ operations }: Plan): number => {
  const ends = new Map<string, number>();
  for (const { id, needs, estimate } of operations)
    ends.set(id, Math.max(0, ...needs.map((n) => ends.get(n) ?? 0)) + estimate.ms);
  return Math.max(0, ...ends.values());
};

/** How long all of it takes, and how long its VMs are down; null where nothing is done. */
export const timeText = (plan: Plan, operationsOf: (vm: PlanVm) => readonly Operation[]): string | null => {
  if (plan.operations.length === 0) return null;
  const down = downtimeText(plan, operationsOf);
  return `Takes about ${time(lasting(plan))}.${down === null ? '' : ` ${down}`}`;
};
