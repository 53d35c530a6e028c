/** The moves of a plan as a picture: servers, and the VMs that go from one to the other. */
import type { Plan, PlanVm } from '../../kinds/plan.ts';
import { andMore } from '../../core/listing.ts';
import { groupBy } from '../../core/order.ts';
import { mermaidText } from '../mermaid.ts';
import { clean } from '../text.ts';

/** More arrows than that are no picture any more. */
const mostArrows = 40;
const mostNames = 4;

const labelOf = (vms: readonly PlanVm[]): string =>
  andMore(
    vms.map((v) => clean(v.name)),
    mostNames,
  );

export interface Moves {
  /** A Mermaid flowchart. */
  readonly picture: string;
  /** How many moves are not in it. */
  readonly left: number;
}

/** Null where nothing moves. A dotted arrow: it does not run on the way. */
export const movesOf = (plan: Plan): Moves | null => {
  const moving = plan.vms.filter((v) => v.to !== null && v.operations.length > 0);
  if (moving.length === 0) return null;
  const pairs = [
    ...groupBy(moving, (v) => `${v.server} ${v.to ?? ''} ${v.action === 'migrate' ? 'live' : ''}`).values(),
  ];
  const drawn = pairs.sort((a, b) => b.length - a.length).slice(0, mostArrows);
  const ids = new Map<string, string>();
  const idOf = (server: string): string => {
    const known = ids.get(server) ?? `s${ids.size + 1}`;
    ids.set(server, known);
    return known;
  };
  const arrows = drawn.flatMap((vms) => {
    const [first] = vms;
    if (first === undefined || first.to === null) return [];
    const arrow = first.action === 'migrate' ? '-->' : '-.->';
    return [`  ${idOf(first.server)} ${arrow}|${mermaidText(labelOf(vms))}| ${idOf(first.to)}`];
  });
  const servers = [...ids].map(([server, id]) => `  ${id}[${mermaidText(clean(server))}]`);
  return {
    picture: ['flowchart LR', ...servers, ...arrows].join('\n'),
    left: moving.length - drawn.reduce((n, vms) => n + vms.length, 0),
  };
};
