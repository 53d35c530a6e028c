/** How much a plan may disturb each VM: its own budget or the policy's, raised for one run by `--allow`. */
import picomatch from 'picomatch';
import { severity, type Disruption } from '../../core/disruption.ts';
import type { Policy } from '../../kinds/farm.ts';
import type { PlanOptions } from '../../kinds/plan.ts';
import type { VmSpec } from '../../kinds/vm/spec.ts';

/** The budget of one VM and, within it, of one of its disks or NICs (`db-1/xvdb`). */
export type Budget = (spec: VmSpec, part: string | null) => Disruption;

export const budgets = (policy: Policy, allow: PlanOptions['allow']): Budget => {
  const rules = allow.map((a) => ({
    disruption: a.disruption,
    covers: a.pattern === null ? () => true : picomatch(a.pattern),
  }));
  return (spec, part) => {
    let most = spec.budget ?? policy.budget;
    for (const rule of rules) {
      const covered = rule.covers(spec.key) || (part !== null && rule.covers(`${spec.key}/${part}`));
      if (covered && severity(rule.disruption) > severity(most)) most = rule.disruption;
    }
    return most;
  };
};
