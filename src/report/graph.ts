/** A plan's operations as a graph: boxes by VM, arrows from what must be done before. */
import { groupBy } from '../core/order.ts';
import { refKey } from '../core/ref.ts';
import type { Operation, Plan } from '../kinds/plan.ts';
import { isDrawn, mermaidText, mostCharacters, mostEdges } from './mermaid.ts';
import { clean, count } from './text.ts';

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

const dotText = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

interface Drawing {
  readonly lines: readonly string[];
  readonly arrows: number;
}

const whole = (plan: Plan, nodes: ReadonlyMap<string, string>): Drawing => ({
  lines: wholeLines(plan, nodes),
  arrows: plan.operations.reduce((n, o) => n + o.needs.length, 0),
});

const wholeLines = (plan: Plan, nodes: ReadonlyMap<string, string>): readonly string[] => [
  'flowchart LR',
  ...groupsOf(plan).flatMap((g, i) => [
    `  subgraph g${i} [${mermaidText(g.title)}]`,
    ...g.operations.map((o) => `    ${nodes.get(o.id)}[${mermaidText(labelOf(o))}]`),
    '  end',
  ]),
  ...plan.operations.flatMap((o) => o.needs.map((n) => `  ${nodes.get(n)} --> ${nodes.get(o.id)}`)),
];

/** One box for all operations of one key, one arrow between two boxes however much waits. */
const folded = (plan: Plan, by: string, keyOf: (o: Operation) => string): Drawing => {
  const groups = groupBy(plan.operations, keyOf);
  const ids = new Map([...groups.keys()].map((key, i) => [key, `f${i + 1}`] as const));
  const boxOf = new Map(plan.operations.map((o) => [o.id, ids.get(keyOf(o))] as const));
  const boxes = [...groups].map(
    ([key, all]) => `  ${ids.get(key)}[${mermaidText(`${clean(key)}: ${count(all.length, 'operation')}`)}]`,
  );
  const arrows = new Set(
    plan.operations.flatMap((o) =>
      o.needs.flatMap((n) => {
        const [from, to] = [boxOf.get(n), boxOf.get(o.id)];
        return from === undefined || from === to ? [] : [`  ${from} --> ${to}`];
      }),
    ),
  );
  const why = `%% One box for each ${by}: Mermaid draws at most ${mostEdges} arrows and ${mostCharacters} characters.`;
  return { lines: ['flowchart LR', `  ${why}`, ...boxes, ...arrows], arrows: arrows.size };
};

/** The finest that Mermaid draws. Where even that is too much, one box that says so. */
const mermaid = (plan: Plan, nodes: ReadonlyMap<string, string>): readonly string[] => {
  const ways: readonly (() => Drawing)[] = [
    () => whole(plan, nodes),
    () => folded(plan, 'VM, repository, image or server', (o) => refKey(o.target)),
    () => folded(plan, 'server', (o) => o.server),
  ];
  for (const way of ways) {
    const { lines, arrows } = way();
    if (isDrawn(lines, arrows)) return lines;
  }
  const all = `${count(plan.operations.length, 'operation')} on more servers than Mermaid draws: see reeve graph --format dot`;
  return ['flowchart LR', `  f1[${mermaidText(all)}]`];
};

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
