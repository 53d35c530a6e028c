/** A plan's operations as a graph: boxes by VM, arrows from what must be done before. */
import { refKey } from '../core/ref.ts';
import type { Operation, Plan } from '../kinds/plan.ts';
import { clean } from './text.ts';

export type GraphFormat = 'mermaid' | 'dot';

interface Group {
  readonly title: string;
  readonly operations: readonly Operation[];
}

const groupsOf = (plan: Plan): readonly Group[] => {
  const groups = new Map<string, Operation[]>();
  for (const o of plan.operations) groups.set(refKey(o.target), [...(groups.get(refKey(o.target)) ?? []), o]);
  return [...groups].map(([, operations]) => ({
    title: clean(operations[0]?.target.name ?? ''),
    operations,
  }));
};

/** What it does and where: a group says whose it is. */
const labelOf = (o: Operation): string => clean(`${o.reason} (${o.server})`);

/** Mermaid ends a text at a quote, and takes # for an entity. */
const mermaidText = (text: string): string => `"${text.replaceAll('#', '#35;').replaceAll('"', '#quot;')}"`;

const dotText = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

const mermaid = (plan: Plan, nodes: ReadonlyMap<string, string>): readonly string[] => [
  'flowchart LR',
  ...groupsOf(plan).flatMap((g, i) => [
    `  subgraph g${i} [${mermaidText(g.title)}]`,
    ...g.operations.map((o) => `    ${nodes.get(o.id)}[${mermaidText(labelOf(o))}]`),
    '  end',
  ]),
  ...plan.operations.flatMap((o) => o.needs.map((n) => `  ${nodes.get(n)} --> ${nodes.get(o.id)}`)),
];

const dot = (plan: Plan, nodes: ReadonlyMap<string, string>): readonly string[] => [
  'digraph plan {',
  '  rankdir=LR;',
  '  node [shape=box];',
  ...groupsOf(plan).flatMap((g, i) => [
    `  subgraph cluster_${i} {`,
    `    label=${dotText(g.title)};`,
    ...g.operations.map((o) => `    ${nodes.get(o.id)} [label=${dotText(labelOf(o))}];`),
    '  }',
  ]),
  ...plan.operations.flatMap((o) => o.needs.map((n) => `  ${nodes.get(n)} -> ${nodes.get(o.id)};`)),
  '}',
];

/** Ends in a newline. */
export const renderGraph = (plan: Plan, format: GraphFormat): string => {
  const nodes = new Map(plan.operations.map((o, i) => [o.id, `o${i + 1}`] as const));
  return `${(format === 'dot' ? dot : mermaid)(plan, nodes).join('\n')}\n`;
};
