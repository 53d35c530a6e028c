/** One VM in a Markdown report: its row in the table, and its fold with every change. */
import type { RootContent } from 'mdast';
import { severity } from '../../core/disruption.ts';
import { byText } from '../../core/order.ts';
import type { Operation, PlanVm, Refusal } from '../../kinds/plan.ts';
import type { CfgDiffs } from '../cfg-diff.ts';
import { changeText, waitingFor, type ChangeText } from '../change-text.ts';
import { clean, time } from '../text.ts';
import { downtimeOf, headline, symbolOf, vmRows } from '../vm-block.ts';
import { block, bullets, code, details, paragraph, phrase, strong, table, text, type Inline } from './nodes.ts';

/** A VM with what the plan does to it and refuses of it. */
export interface VmPart {
  readonly vm: PlanVm;
  readonly operations: readonly Operation[];
  readonly refused: readonly Refusal[];
}

/** Worst first: by disruption, then by downtime, then what is refused before what is not. */
export const byHarm = (a: VmPart, b: VmPart): number =>
  severity(b.vm.disruption) - severity(a.vm.disruption) ||
  downtimeOf(b.operations) - downtimeOf(a.operations) ||
  b.refused.length - a.refused.length ||
  byText(a.vm.subject.name, b.vm.subject.name);

const about = (operations: readonly Operation[]): string => {
  const ms = downtimeOf(operations);
  return ms > 0 ? `about ${time(ms)}` : 'a moment';
};

/** How long it is down, or what else its users notice. */
const down = ({ vm, operations }: VmPart): Inline => {
  if (vm.action === 'suspend') return phrase(`stands still for ${about(operations)}`);
  switch (vm.disruption) {
    case 'none':
    case 'live':
      return [text('–')];
    case 'migrate':
      return phrase(`paused for ${about(operations)}`);
    case 'device':
      return phrase('no, but a disk or NIC is taken from it');
    case 'restart':
    case 'recreate':
      return phrase(about(operations));
    case 'stop':
      return phrase(vm.action === 'pause' ? 'until it is unpaused' : 'it stays down');
    case 'data-loss':
      return [strong(text('its data are lost'))];
  }
};

/** `restart`, without the cost that stands beside it. */
const action = ({ vm, operations, refused }: VmPart): string => headline(vm, operations, refused).split(';')[0] ?? '';

const mostReasons = 2;

const changeInline = (t: ChangeText): Inline => [
  ...phrase(`${t.label} `),
  ...(t.to === '' ? phrase(t.from) : [code(t.from), text(' → '), code(t.to)]),
];

/** What the change comes from: the first fields that differ, or why it goes where it goes. */
const why = ({ vm, operations, refused }: VmPart): Inline => {
  const takes = vm.changes.filter((c) => c.fate === 'take').map((c) => changeText(c));
  const [refusal] = refused;
  if (operations.length === 0 && refusal) return phrase(`${refusal.what}: ${refusal.why}`);
  if (vm.action === 'create' || takes.length === 0) {
    const waits = vm.changes.filter((c) => c.fate === 'defer' || c.fate === 'pending').map((c) => changeText(c));
    if (vm.placed !== null) return phrase(vm.placed);
    if (vm.action === 'adopt' || vm.action === 'create') return [];
    if (waits.length === 0 || operations.length > 0) return phrase(operations[0]?.reason ?? '');
    return waits.slice(0, mostReasons).flatMap((t, i) => [...(i > 0 ? [text('; ')] : []), ...changeInline(t)]);
  }
  const more = takes.length - mostReasons;
  return [
    ...takes.slice(0, mostReasons).flatMap((t, i) => [...(i > 0 ? [text('; ')] : []), ...changeInline(t)]),
    ...(more > 0 ? [text(`; and ${more} more`)] : []),
  ];
};

export const rowHeads = ['', 'VM', 'On', 'What happens', 'Downtime', 'Why'] as const;

const where = (vm: PlanVm): Inline => {
  if (vm.server === '') return [];
  return vm.to === null ? [code(vm.server)] : [code(vm.server), text(' → '), code(vm.to)];
};

export const vmRow = (part: VmPart): readonly Inline[] => [
  [text(symbolOf(part.vm.action))],
  [code(part.vm.subject.name)],
  where(part.vm),
  phrase(action(part)),
  down(part),
  why(part),
];

const changeRow = (t: ChangeText): readonly Inline[] => [
  phrase(t.label),
  t.to === '' ? phrase(t.from) : [code(t.from)],
  t.to === '' ? [] : [code(t.to)],
  phrase(t.note),
];

export const refusalItem = (r: Refusal): Inline => [
  ...phrase(`${r.what}: ${r.why} `),
  text('('),
  code(r.code),
  text(')'),
  ...(r.help === null ? [] : [text('. Help: '), ...phrase(r.help)]),
];

/** Whether there is more to say of it than its row and its refusals do. */
export const hasDetails = ({ vm, operations }: VmPart, diffs?: CfgDiffs): boolean =>
  vmRows(vm, operations).length > 0 || operations.some((o) => diffs?.has(o.id));

/** What is shown besides, where it is asked for: the command lines behind the changes, and what becomes of the cfgs. */
export interface Besides {
  readonly commands: boolean;
  readonly diffs?: CfgDiffs | undefined;
}

export const vmDetails = (part: VmPart, { commands, diffs }: Besides): readonly RootContent[] => {
  const { vm, operations, refused } = part;
  const rows = vmRows(vm, operations);
  const waits = waitingFor(vm.subject.name, vm.changes);
  const lines = commands ? operations.flatMap((o) => o.commands).map(clean) : [];
  const becomes = operations.flatMap((o) => diffs?.get(o.id) ?? []);
  const lost = operations.flatMap(({ op, reason }): readonly Inline[] =>
    op.verb === 'delete-disk' && op.copied === null ? [[strong(text('Lost:')), text(' '), ...phrase(reason)]] : [],
  );
  const to = vm.to === null ? '' : ` → \`${clean(vm.to)}\``;
  const on = vm.server === '' ? '' : ` on \`${clean(vm.server)}\`${to}`;
  return details(
    `\`${clean(vm.subject.name)}\`${on}: ${headline(vm, operations, refused)}`,
    [
      ...(rows.length === 0 ? [] : [table(['', 'Now', 'Then', ''], rows.map(changeRow))]),
      ...(lost.length === 0 ? [] : [bullets(lost)]),
      ...waits.map((w) => paragraph(...phrase(w))),
      ...(refused.length === 0 ? [] : [bullets(refused.map(refusalItem))]),
      ...(lines.length === 0 ? [] : [block('sh', lines.join('\n'))]),
      ...(becomes.length === 0 ? [] : [block('diff', becomes.join('\n'))]),
    ],
    symbolOf(vm.action),
  );
};
