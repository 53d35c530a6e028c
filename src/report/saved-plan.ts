/** A saved plan, operation by operation, with all that it hands to its server: nothing of it is what the file says of itself. */
import { formatDuration } from '../core/quantity.ts';
import { betweenOf, costOf, reasonOf } from '../kinds/operations.ts';
import type { Op, Plan, PlanServer } from '../kinds/plan.ts';
import { clean, colors, hang } from './text.ts';

const reached = ({ name, address, ssh }: PlanServer): string => {
  const set = Object.entries(ssh).flatMap(([key, v]) => (v === undefined ? [] : [`${key} ${v}`]));
  return `${name} at ${address}${set.length === 0 ? '' : ` (${set.join(', ')})`}`;
};

/** Ends in a newline. `digest`: of the whole plan, as `reeve plan --out` printed it. */
export const renderOperations = (
  plan: Plan,
  digest: string,
  commands: (op: Op) => readonly string[],
  { color, width }: { readonly color: boolean; readonly width: number },
): string => {
  const paint = colors(color);
  const between = betweenOf(plan.operations.map((o) => o.op));
  const lines = plan.operations.flatMap(({ id, op, before }) => {
    const { disruption, estimate } = costOf(op, between);
    const down = estimate.downtimeMs > 0 ? `, about ${formatDuration(estimate.downtimeMs)} down` : '';
    return [
      ...hang('  ', clean(`${id} on ${op.server}: ${reasonOf(op)} (${disruption}${down})`), '      ', width),
      ...(before === null ? [] : [`      ${paint.dim('$')} ${clean(before)} (run here first)`]),
      ...commands(op).map((c) => `      ${paint.dim('$')} ${paint.cyan(clean(c))}`),
      `      ${paint.dim(clean(JSON.stringify(op)))}`,
    ];
  });
  return `${[
    '',
    paint.bold('Operations of this plan file'),
    `  ${digest}`,
    ...plan.servers.map((s) => `  ${clean(reached(s))}`),
    ...lines,
  ].join('\n')}\n`;
};
