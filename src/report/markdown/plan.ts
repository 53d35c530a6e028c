/** A plan for a comment in a pull request: the worst first, every VM folded, never longer than a forge takes. */
import type { RootContent } from 'mdast';
import { severity, worst, type Disruption } from '../../core/disruption.ts';
import { groupBy } from '../../core/order.ts';
import { shellWord } from '../../core/shell-word.ts';
import { approvalOf, approvalText } from '../../kinds/approval.ts';
import type { Plan } from '../../kinds/plan.ts';
import { blocks, fenceText, joined, laneText, partsOf, rest, satisfied, settled, summary } from '../plan-text.ts';
import { count } from '../text.ts';
import { bannerLines } from './banner.ts';
import { fit, type Part } from './fit.ts';
import { leftOut } from './left-out.ts';
import { movesOf } from './moves.ts';
import {
  alert,
  block,
  bullets,
  code,
  details,
  heading,
  markdown,
  paragraph,
  phrase,
  table,
  text,
  type Alert,
  type Inline,
} from './nodes.ts';
import { byHarm, hasDetails, refusalItem, rowHeads, vmDetails, vmRow, type Besides, type VmPart } from './vm.ts';

export interface MarkdownOptions extends Besides {
  /** Of the plan, as `--expect` takes it. */
  readonly digest: string;
  /** The command line that does this plan; null: there is none. */
  readonly apply: string | null;
  /** Characters. */
  readonly most?: number;
}

/** GitHub takes 65,536 characters; a comment may want a line of its own before it. */
const mostCharacters = 65_000;

const itemsOf = (
  title: string,
  what: readonly [string, string],
  items: readonly (readonly [string, Inline])[],
): Part => ({
  head: `${markdown([heading(3, text(title))])}\n\n`,
  items: items.map(([name, item]) => ({ name, render: () => markdown([bullets([item])]) })),
  between: '\n',
  left: leftOut(...what),
  share: 0.3,
});

const vmTable = (parts: readonly VmPart[]): Part => {
  const lines = (rows: readonly (readonly Inline[])[]): readonly string[] =>
    markdown([table(rowHeads, rows)]).split('\n');
  return {
    head: `${lines([]).join('\n')}\n`,
    items: parts.map((p) => ({ name: p.vm.subject.name, render: () => lines([vmRow(p)])[2] ?? '' })),
    between: '\n',
    left: leftOut('row', 'rows'),
    share: 0.4,
  };
};

const folds = (parts: readonly VmPart[], besides: Besides): Part => ({
  head: '',
  items: parts
    .filter((p) => hasDetails(p, besides.diffs))
    .map((p) => ({ name: p.vm.subject.name, render: () => markdown(vmDetails(p, besides)) })),
  between: '\n\n',
  left: leftOut('VM in full', 'VMs in full'),
  share: 1,
});

const refusals = (plan: Plan): Part =>
  itemsOf(
    'Refused',
    ['refusal', 'refusals'],
    plan.refused.map((r) => [r.subject.name, refusalItem(r)]),
  );

const unread = (plan: Plan): Part =>
  itemsOf(
    'Not read',
    ['server', 'servers'],
    plan.unreadable.map((u) => [
      u.server,
      [code(u.server), ...phrase(`: ${u.why}`), ...(u.help === null ? [] : phrase(`. Help: ${u.help}`))],
    ]),
  );

const first = (plan: Plan): Part =>
  itemsOf(
    'First',
    ['server', 'servers'],
    plan.fences.map((f) => [f.server, phrase(fenceText(plan, f))]),
  );

const rolls = (plan: Plan): Part =>
  itemsOf(
    'Restarts roll',
    ['group', 'groups'],
    plan.lanes.map((l) => [l.id, phrase(laneText(l))]),
  );

/** Servers, repositories and images: what is done on each. */
const stores = (plan: Plan): Part => {
  const same = [
    ...groupBy(
      plan.dom0s.flatMap((d) => d.does.map((does) => ({ does, name: d.name }))),
      (d) => d.does,
    ),
  ];
  const servers = same.map(([does, all]): readonly [string, Inline] => {
    const names = all.map((d) => d.name).join(', ');
    return [names, phrase(`${all.length === 1 ? 'server' : 'servers'} ${names}: ${does}; nothing running is touched`)];
  });
  const repositories = plan.repositories.flatMap((r) =>
    r.servers.map(({ server, does }): readonly [string, Inline] => [
      r.subject.name,
      phrase(
        `repository ${r.subject.name} at ${r.path} on ${server}: ${does.join('; ')}${r.action === 'erase' ? ': ITS DATA ARE DELETED' : ''}`,
      ),
    ]),
  );
  const images = plan.operations.flatMap((o): readonly (readonly [string, Inline])[] =>
    o.target.kind === 'image' ? [[o.target.name, phrase(`image ${o.target.name} on ${o.server}: ${o.reason}`)]] : [],
  );
  return itemsOf('Servers, repositories and images', ['item', 'items'], [...servers, ...repositories, ...images]);
};

const picture = (plan: Plan): Part => {
  const moves = movesOf(plan);
  const left =
    moves !== null && moves.left > 0 ? [paragraph(text(`${count(moves.left, 'more move')} not drawn.`))] : [];
  const nodes: readonly RootContent[] =
    moves === null ? [] : [heading(3, text('Moves')), block('mermaid', moves.picture), ...left];
  return {
    head: '',
    items: moves === null ? [] : [{ name: 'the picture of the moves', render: () => markdown(nodes) }],
    between: '\n\n',
    left: leftOut('picture', 'pictures'),
    share: 0.5,
  };
};

const warnings = (plan: Plan): Part =>
  itemsOf(
    'Warnings',
    ['warning', 'warnings'],
    joined(plan.warnings).map((w) => [w, phrase(w)]),
  );

/** Folded: on a farm with others' VMs it is the same in every plan. */
const unmanaged = (plan: Plan): Part => {
  const [open = '', close = ''] = details(`Not managed, left alone: ${plan.unmanaged.length}`, []).map((n) =>
    markdown([n]),
  );
  return {
    ...itemsOf(
      '',
      ['VM', 'VMs'],
      plan.unmanaged.map((u) => [u.name, [code(u.name), text(' on '), code(u.server), ...phrase(`: ${u.detail}`)]]),
    ),
    head: `${open}\n\n`,
    foot: `\n\n${close}`,
  };
};

/** The worst that the plan does, to VMs or to data. */
const worstOf = (plan: Plan): Disruption =>
  worst([...plan.vms.map((v) => v.disruption), ...plan.operations.map((o) => o.disruption)]);

const alertOf = (plan: Plan, done: boolean): Alert => {
  const most = severity(worstOf(plan));
  if (most >= severity('stop') || plan.vms.some((v) => v.action === 'delete')) return 'CAUTION';
  if (most >= severity('device') || plan.refused.length > 0 || plan.unreadable.length > 0) return 'WARNING';
  return done ? 'TIP' : 'NOTE';
};

/** Longer than that, nobody reads it: the reviewed plan is named instead. */
const longestClass = 1500;

/** How an approval holds for a plan that is made anew. */
const byClass = (plan: Plan): RootContent => {
  const said = approvalText(approvalOf(plan));
  const what = said.length > longestClass ? 'plan.json' : shellWord(said);
  return paragraph(
    text('Approved by class, it may be planned anew, as long as nobody else is touched and nobody fares worse: '),
    code(`--expect-class ${what}`, longestClass * 2),
  );
};

const foot = (plan: Plan, { digest, apply }: MarkdownOptions): string =>
  markdown([
    heading(3, text('To do exactly this')),
    ...(apply === null
      ? [paragraph(text('Save the plan with '), code('--out plan.json'), text(', and apply that file.'))]
      : [block('sh', apply)]),
    paragraph(
      text('Digest '),
      code(digest),
      text(
        '. It stops before its first operation, with exit code 6, where something that it touches has changed since.',
      ),
    ),
    byClass(plan),
  ]);

/** Ends in a newline, and is no longer than `most`. */
export const renderMarkdown = (plan: Plan, options: MarkdownOptions): string => {
  const { operationsOf, refusedOf } = partsOf(plan);
  const done = settled(plan);
  const parts = blocks(plan)
    .map((vm): VmPart => ({ vm, operations: operationsOf(vm), refused: refusedOf(vm) }))
    .filter((p) => p.operations.length > 0 || p.refused.length > 0 || p.vm.changes.length > 0)
    .sort(byHarm);
  const lines = done ? [phrase(satisfied(plan))] : bannerLines(plan, parts);
  const what = plan.operations.length === 0 ? 'Plan: nothing can be done now.' : summary(plan, operationsOf);
  const not = rest(plan);
  const top = [
    heading(2, text('Reeve: plan of farm '), code(plan.farm)),
    alert(alertOf(plan, done), lines),
    ...(done ? [] : [paragraph(...phrase(what), ...(not === null ? [] : [text(' '), ...phrase(not)]))]),
  ];
  const begin = markdown(top);
  const end = plan.operations.length === 0 ? '' : `\n\n${foot(plan, options)}`;
  const room = (options.most ?? mostCharacters) - begin.length - end.length - 3;
  const { texts } = fit(
    [
      vmTable(parts),
      refusals(plan),
      unread(plan),
      first(plan),
      rolls(plan),
      picture(plan),
      stores(plan),
      warnings(plan),
      unmanaged(plan),
      folds(parts, options),
    ],
    room,
  );
  return `${[begin, ...texts].join('\n\n')}${end}\n`;
};
