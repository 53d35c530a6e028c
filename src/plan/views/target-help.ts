/** `--target`: a VM that others would have to make room for is refused, and they are named. */
import { option } from '../../core/shell-word.ts';
import type { Farm } from '../../kinds/farm.ts';
import type { Plan, PlanOptions, PlanRefusal } from '../../kinds/plan.ts';
import type { Observed } from '../../kinds/server/live.ts';
import { planFarm, type Planned } from '../planning.ts';
import type { Tools } from '../model/planner-inputs.ts';

/** The other VMs without whose operations those of this one cannot be, in the plan of the whole farm; none: it has none there. */
const waitsFor = (vm: string, { operations }: Plan): readonly string[] => {
  const byId = new Map(operations.map((o) => [o.id, o] as const));
  const others = new Set<string>();
  const seen = new Set<string>();
  const left = operations.filter((o) => o.target.kind === 'vm' && o.target.name === vm);
  for (let o = left.pop(); o; o = left.pop()) {
    if (seen.has(o.id)) continue;
    seen.add(o.id);
    if (o.target.kind === 'vm' && o.target.name !== vm) others.add(o.target.name);
    left.push(...o.needs.flatMap((id) => byId.get(id) ?? []));
  }
  return [...others].sort();
};

/** Nothing is done beyond what was asked: who would have to be asked for, too, is said. */
const withOthers = (
  r: PlanRefusal,
  whole: Plan,
  targets: readonly string[],
  planned: ReadonlySet<string>,
): PlanRefusal => {
  if (r.subject.kind !== 'vm') return r;
  const { name } = r.subject;
  if (whole.refused.some((w) => w.subject.kind === 'vm' && w.subject.name === name)) return r;
  const others = waitsFor(name, whole).filter((vm) => !planned.has(vm));
  if (others.length === 0) return r;
  const first = others.length === 1 ? 'that one is' : 'those are';
  return {
    ...r,
    why: `${r.why}; ${others.join(', ')} would go first, and ${first} not among the targets`,
    help: `${[...targets, ...others].map((t) => option('--target', t)).join(' ')}, or leave --target out`,
    allow: others.map((t) => ({ option: option('--target', t) })),
  };
};

export const planWith = (farm: Farm, observed: Observed, options: PlanOptions, tools: Tools): Planned => {
  const planned = planFarm(farm, observed, options, tools);
  const { plan } = planned;
  if (options.targets.length === 0 || !plan.refused.some((r) => r.subject.kind === 'vm')) return planned;
  const whole = planFarm(farm, observed, { ...options, targets: [] }, tools).plan;
  const among = new Set(planned.decisions.map((x) => x.spec.key));
  const refused = plan.refused.map((r) => withOthers(r, whole, options.targets, among));
  return { ...planned, plan: { ...plan, refused } };
};
