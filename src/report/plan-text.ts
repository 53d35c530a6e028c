/** The plan as a person reads it: what will happen to each VM, what it costs, and how much there is in all. */
import type { Action, Operation, Plan, PlanFence, PlanLane, PlanVm, Refusal } from '../kinds/plan.ts';
import { isDrift } from '../core/change.ts';
import { byText, groupBy } from '../core/order.ts';
import { refKey } from '../core/ref.ts';
import type { CfgDiffs } from './cfg-diff.ts';
import { changeText, doesItNow } from './change-text.ts';
import { clean, colors, count, hang, time, type Colors } from './text.ts';
import { timeText } from './downtime.ts';
import { fold, nameRuns, urgent, type VmPart } from './fold.ts';
import { foldedBlock } from './folded-block.ts';
import { imageBlocks } from './image-block.ts';
import { repositoryBlocks } from './repository-block.ts';
import { refusedServers, serverBlocks } from './server-block.ts';
import { downtimeOf, vmBlock, type BlockOptions } from './vm-block.ts';

export interface PlanTextOptions {
  readonly color: boolean;
  /** Columns that lines are wrapped to, where they can be. */
  readonly width: number;
  /** Show the command lines behind each VM's changes. */
  readonly commands: boolean;
  /** What becomes of the cfgs, to be shown below each VM's changes; undefined: not asked for. */
  readonly diffs?: CfgDiffs | undefined;
}

export const settled = (plan: Plan): boolean =>
  plan.operations.length === 0 &&
  plan.refused.length === 0 &&
  plan.unreadable.length === 0 &&
  plan.vms.every((vm) => vm.changes.every((c) => c.fate !== 'refuse'));

/** Every VM that has something to say, refused ones without changes too, by name. */
export const blocks = (plan: Plan): readonly PlanVm[] => {
  const known = new Set(plan.vms.map((vm) => vm.subject.name));
  const ofVms = plan.refused.filter((r) => r.subject.kind === 'vm');
  const more = [...new Set(ofVms.map((r) => r.subject.name))].filter((name) => !known.has(name));
  const bare = more.map((name): PlanVm => {
    const subject = { kind: 'vm', name } as const;
    return {
      subject,
      name,
      server: '',
      to: null,
      action: 'none',
      disruption: 'none',
      changes: [],
      operations: [],
      placed: null,
    };
  });
  return [...plan.vms, ...bare].sort((a, b) => byText(a.subject.name, b.subject.name));
};

const section = (title: string, lines: readonly string[], paint: Colors): readonly string[] =>
  lines.length === 0 ? [] : ['', paint.bold(title), ...lines];

const lives = { vm: 'runs; ', cfg: 'does not run; ', foreign: '' } as const;

const unmanagedLines = (plan: Plan, o: BlockOptions): readonly string[] => {
  const server = Math.max(0, ...plan.unmanaged.map((u) => u.server.length)) + 2;
  const name = Math.max(0, ...plan.unmanaged.map((u) => clean(u.name).length)) + 2;
  return plan.unmanaged.map(
    (u) =>
      `  ${clean(u.server).padEnd(server)}${clean(u.name).padEnd(name)}${o.paint.dim(`${lives[u.what]}${clean(u.detail)}`)}`,
  );
};

const unreadableLines = (plan: Plan, o: BlockOptions): readonly string[] => {
  const pools = [...new Set(plan.unreadable.map((u) => u.pool))];
  return [
    ...plan.unreadable.flatMap((u) => [
      ...hang(`  ${o.paint.red('!')} ${clean(u.server)}: `, clean(u.why), '      ', o.width),
      ...(u.help === null ? [] : hang('      help: ', clean(u.help), '            ', o.width)),
    ]),
    ...hang(
      '  ',
      `What may be on ${plan.unreadable.length === 1 ? 'it' : 'them'} is left alone: a VM of pool ${pools.map(clean).join(' or ')} that was seen nowhere is not created, started or deleted.`,
      '  ',
      o.width,
    ),
  ];
};

/** `dom01: text` and `dom02: text` are said as one. */
export const joined = (warnings: readonly string[]): readonly string[] => {
  const byText = new Map<string, readonly string[]>();
  for (const w of warnings) {
    const [, who, text] = /^(\S+): (.*)$/s.exec(w) ?? [];
    if (who === undefined || text === undefined) byText.set(w, []);
    else byText.set(text, [...(byText.get(text) ?? []), who]);
  }
  return [...byText].map(([text, names]) => (names.length === 0 ? text : `${names.join(', ')}: ${text}`));
};

const warningLines = (plan: Plan, o: BlockOptions): readonly string[] =>
  joined(plan.warnings).flatMap((w) => hang(`  ${o.paint.yellow('!')} `, clean(w), '    ', o.width));

export const fenceText = (plan: Plan, { server, off, status, operations }: PlanFence): string => {
  const vms = plan.vms.filter((vm) => vm.operations.some((id) => operations.includes(id))).map((vm) => vm.name);
  const down = status === null ? '' : `, and ${status} must say that it is down`;
  const fenced = off === null || status === null ? down : `, is powered off by ${off}${down}`;
  return `${server} may still run ${vms.join(', ')}: before that starts, it is asked once more and must not answer${fenced}`;
};

const fenceLines = (plan: Plan, o: BlockOptions): readonly string[] =>
  plan.fences.flatMap((f) => hang('  ', clean(fenceText(plan, f)), '    ', o.width));

export const laneText = (l: PlanLane): string =>
  `${l.width} at a time, the next when the last is ready: ${nameRuns(l.vms.map(clean)).join(', ')}. One that does not come back stops the rest`;

const laneLines = (plan: Plan, o: BlockOptions): readonly string[] =>
  plan.lanes.flatMap((l) => hang('  ', laneText(l), '    ', o.width));

/** On a satisfied farm each change that waits, or is no longer ours to make, is one line. */
const changeLines = (plan: Plan, released: boolean, o: BlockOptions): readonly string[] =>
  plan.vms.flatMap((vm) =>
    vm.changes
      .filter((c) => (c.fate === 'released') === released)
      .flatMap((c) => {
        const name = vm.subject.name;
        const t = changeText(c);
        const value = released ? `stays ${t.from}` : `${t.from} → ${t.to}; ${doesItNow(name, c) ?? t.note}`;
        return hang('  ', `${clean(name)} on ${clean(vm.server)}: ${t.label} ${value}`, '      ', o.width);
      }),
  );

const restartsIn = (vms: readonly PlanVm[], operationsOf: (vm: PlanVm) => readonly Operation[]): string => {
  const down = vms.map((vm) => downtimeOf(operationsOf(vm)));
  const most = Math.max(0, ...down);
  const text = count(vms.length, 'restart');
  if (most === 0) return text;
  return vms.length === 1 ? `${text} (about ${time(most)} down)` : `${text} (up to about ${time(most)} down each)`;
};

const order: readonly (readonly [Action, string])[] = [
  ['create', 'to create'],
  ['adopt', 'to adopt'],
  ['release', 'to give back'],
  ['update', 'to change live'],
  ['migrate', 'to migrate live'],
  ['suspend', 'to move, suspended on the way'],
  ['start', 'to start'],
  ['unpause', 'to unpause'],
  ['pause', 'to pause'],
  ['stop', 'to shut down'],
  ['await', 'to wait for'],
];

export const summary = (plan: Plan, operationsOf: (vm: PlanVm) => readonly Operation[]): string => {
  const of = (action: Action): readonly PlanVm[] => plan.vms.filter((vm) => vm.action === action);
  const cfgOnly = of('update').filter((vm) => vm.disruption === 'none').length;
  const parts = order.flatMap(([action, words]) => {
    const n = of(action).length - (action === 'update' ? cfgOnly : 0);
    return n === 0 ? [] : [`${n} ${words}`];
  });
  if (cfgOnly > 0) parts.push(`${cfgOnly} to change in the cfg`);
  for (const action of ['attach', 'detach'] as const) {
    const some = plan.repositories.filter((r) => (r.action === 'erase' ? 'detach' : r.action) === action).length;
    if (some > 0) parts.push(`${count(some, 'repository', 'repositories')} to ${action}`);
  }
  for (const action of ['fetch', 'remove'] as const) {
    const some = plan.images.filter((r) => r.action === action).length;
    if (some > 0) parts.push(`${count(some, 'image')} to ${action}`);
  }
  const moves = plan.operations.flatMap(({ op }) =>
    op.verb === 'restart' ? op.copies : op.verb === 'make-disk' && op.from?.template === null ? [op] : [],
  );
  if (moves.length > 0) parts.push(`${count(moves.length, 'disk')} to move`);
  const lost = plan.operations.filter(({ op }) => op.verb === 'delete-disk' && op.copied === null).length;
  if (lost > 0) parts.push(`${count(lost, 'disk')} to delete`);
  const n = plan.operations.length;
  const quality = n <= plan.bound ? 'the fewest possible' : `lower bound ${plan.bound}`;
  return `Plan: ${[...parts, restartsIn(of('restart'), operationsOf), `${of('delete').length} to delete`].join(', ')}; ${count(n, 'operation')} (${quality}).`;
};

/** What is not done by this plan, for the line below the summary; null where there is nothing. */
export const rest = (plan: Plan): string | null => {
  const waits = plan.vms.flatMap((vm) => vm.changes).filter((c) => c.fate === 'defer' || c.fate === 'pending').length;
  const refused = plan.refused.length;
  const parts = [
    ...(waits > 0 ? [`${count(waits, 'change')} ${waits === 1 ? 'waits' : 'wait'} for a restart`] : []),
    ...(refused > 0 ? [`${refused} refused`] : []),
    ...(plan.unreadable.length > 0 ? [`${count(plan.unreadable.length, 'server')} not read`] : []),
  ];
  return parts.length === 0 ? null : `Not done: ${parts.join(', ')}.`;
};

export const satisfied = (plan: Plan): string => {
  const { servers, vms } = plan.counted;
  const all = `${count(servers, 'server')} and ${count(vms, 'VM')} are`;
  const { targets, cause } = plan.options;
  if (targets.length > 0)
    return `Nothing to do: what --target ${targets.map(clean).join(' ')} names is as the file says.`;
  switch (cause) {
    case 'all':
      return `Nothing to do: ${all} as the file says.`;
    case 'drift': {
      const left = plan.vms.flatMap((vm) => vm.changes).filter((c) => isDrift(c.cause)).length;
      if (left > 0)
        return `Drift: ${count(left, 'change')} by hand, and nothing can be done about ${left === 1 ? 'it' : 'them'} now.`;
      return `No drift: ${all} as they were last applied.`;
    }
    case 'moves':
      return 'Nothing to do: no VM has to move.';
    case 'config':
      return `Nothing to do: the file asks for no change of ${count(servers, 'server')} and ${count(vms, 'VM')}.`;
  }
};

/** What of a plan is about one VM: its operations with those that delete its disks, and its refusals. */
export interface Parts {
  readonly operationsOf: (vm: PlanVm) => readonly Operation[];
  readonly refusedOf: (vm: PlanVm) => readonly Refusal[];
}

export const partsOf = (plan: Plan): Parts => {
  const byId = new Map(plan.operations.map((x) => [x.id, x]));
  const deletes = groupBy(plan.operations, ({ op }) =>
    op.verb === 'delete-disk' && op.copied === null ? op.of : null,
  );
  const refused = groupBy(plan.refused, (r) => refKey(r.subject));
  return {
    operationsOf: (vm) => [
      ...vm.operations.flatMap((id) => byId.get(id) ?? []),
      ...(deletes.get(vm.subject.name) ?? []),
    ],
    refusedOf: (vm) => refused.get(refKey(vm.subject)) ?? [],
  };
};

/** Ends in a newline. A satisfied farm is one line, and one more for each thing that waits or is not ours. */
export const renderPlan = (plan: Plan, options: PlanTextOptions): string => {
  const paint = colors(options.color);
  const o: BlockOptions = { paint, width: options.width, commands: options.commands, diffs: options.diffs };
  const { operationsOf, refusedOf } = partsOf(plan);
  const aside = [
    ...section('Warnings', warningLines(plan, o), paint),
    ...section('Not managed, left alone', unmanagedLines(plan, o), paint),
  ];
  if (settled(plan)) {
    const waiting = [
      ...section('Waiting for a restart', changeLines(plan, false, o), paint),
      ...section('No longer set by the file', changeLines(plan, true, o), paint),
    ];
    return `${[paint.green(satisfied(plan)), ...waiting, ...aside].join('\n')}\n`;
  }
  const parts = blocks(plan)
    .map((vm): VmPart => ({ vm, operations: operationsOf(vm), refused: refusedOf(vm) }))
    .sort(urgent);
  // What is asked for command by command, or line by line, is told VM by VM.
  const told = o.commands || o.diffs !== undefined ? parts : fold(parts);
  const body = [
    ...refusedServers(plan, o),
    ...repositoryBlocks(plan, o),
    ...imageBlocks(plan, o),
    ...told.flatMap((x) => ('parts' in x ? foldedBlock(x, o) : vmBlock(x.vm, x.operations, x.refused, o)).concat('')),
    ...serverBlocks(plan, o),
  ];
  const unread = plan.unreadable.length === 0 ? [] : section('Not read', unreadableLines(plan, o), paint);
  const tail = [
    ...section('First', fenceLines(plan, o), paint),
    ...section('Restarts roll', laneLines(plan, o), paint),
    ...unread,
    ...aside,
  ];
  const last = plan.operations.length === 0 ? 'Plan: nothing can be done now.' : summary(plan, operationsOf);
  const wrapped = (text: string | null, look: (line: string) => string): readonly string[] =>
    text === null ? [] : hang('', text, '      ', o.width).map(look);
  return `${[
    ...body,
    ...(tail.length === 0 ? [] : [...tail.slice(1), '']),
    ...wrapped(last, paint.bold),
    ...wrapped(timeText(plan, operationsOf), paint.bold),
    ...wrapped(rest(plan), paint.yellow),
  ].join('\n')}\n`;
};
