/** One VM's block of a plan: what will happen to it, what it costs, and each change below. */
import type { Disruption } from '../core/disruption.ts';
import type { Action, Operation, PlanVm, Refusal } from '../kinds/plan.ts';
import { isBelowXen } from '../kinds/vm/cfg-path.ts';
import type { CfgDiffs } from './cfg-diff.ts';
import { changeText, waitingFor, type ChangeText } from './change-text.ts';
import { madeNotes, portrait, row, whenRows } from './portrait.ts';
import { clean, hang, time, wrap, type Colors } from './text.ts';

export interface BlockOptions {
  readonly paint: Colors;
  readonly width: number;
  readonly commands: boolean;
  readonly diffs?: CfgDiffs | undefined;
}

export type Look = {
  readonly symbol: string;
  readonly verb: string;
  readonly paint: 'green' | 'yellow' | 'red' | 'cyan' | 'dim';
};

const looks: Readonly<Record<Action, Look>> = {
  create: { symbol: '+', verb: 'create', paint: 'green' },
  adopt: { symbol: '>', verb: 'adopt, marking its cfg', paint: 'cyan' },
  update: { symbol: '~', verb: 'change live', paint: 'yellow' },
  restart: { symbol: '±', verb: 'restart', paint: 'red' },
  migrate: { symbol: '→', verb: 'migrate live', paint: 'yellow' },
  suspend: { symbol: '→', verb: 'move, its memory saved on the way', paint: 'red' },
  start: { symbol: '↑', verb: 'start', paint: 'green' },
  stop: { symbol: '↓', verb: 'shut down', paint: 'red' },
  pause: { symbol: '=', verb: 'pause', paint: 'red' },
  unpause: { symbol: '↑', verb: 'unpause', paint: 'green' },
  release: { symbol: '<', verb: 'give back, taking the marker out of its cfg', paint: 'cyan' },
  delete: { symbol: '-', verb: 'delete', paint: 'red' },
  await: { symbol: '·', verb: 'wait until it is ready, before others start', paint: 'dim' },
  none: { symbol: '·', verb: '', paint: 'dim' },
};

export const lookAt = (action: Action): Look => looks[action];

export const symbolOf = (action: Action): string => looks[action].symbol;

export const downtimeOf = (operations: readonly Operation[]): number =>
  operations.reduce((sum, o) => sum + o.estimate.downtimeMs, 0);

/** What the running VM feels of it, in words. */
const feels = (disruption: Disruption, downtimeMs: number): string => {
  const about = downtimeMs > 0 ? `about ${time(downtimeMs)}` : 'a moment';
  switch (disruption) {
    case 'none':
      return 'nothing running is touched';
    case 'live':
      return 'no downtime';
    case 'migrate':
      return `live migration, paused for ${about}`;
    case 'device':
      return 'no downtime, but a disk or NIC is taken from it';
    case 'restart':
      return `${about} down`;
    case 'stop':
      return 'it stays down';
    case 'recreate':
      return `made anew, ${about} down`;
    case 'data-loss':
      return 'DATA IS LOST';
  }
};

const lasts = (operations: readonly Operation[]): string =>
  `takes about ${time(operations.reduce((sum, o) => sum + o.estimate.ms, 0))}`;

/** What an earlier place of the VM still has of it. */
const isRemainder = ({ op }: Operation): boolean => op.verb === 'discard' || op.verb === 'forget';

/** What goes of that beside the change itself; where nothing else is done, the head says it. */
const remainders = (operations: readonly Operation[]): readonly ChangeText[] =>
  operations.every(isRemainder)
    ? []
    : operations.filter(isRemainder).map((o) => row('also', clean(`on ${o.server}: ${o.reason}`)));

/** A cfg from where no reading would find it, or made since there was none. */
const fetched = ({ action }: PlanVm, operations: readonly Operation[]): readonly ChangeText[] =>
  operations.flatMap(({ op }) => {
    if (op.verb !== 'define' && op.verb !== 'restart') return [];
    const { from, path, replaces } = op.record;
    if (action === 'adopt' && from === null && replaces === 'absent' && !operations.some(isRemainder))
      return [row('cfg', clean(`${path} is made from what libxl knows: there is none`))];
    return from === null || isBelowXen(from.path) ? [] : [row('cfg', clean(`${from.path} becomes ${path}`))];
  });

/** The head's words behind the name. */
export const headline = (vm: PlanVm, operations: readonly Operation[], refused: readonly Refusal[]): string => {
  const cost = feels(vm.disruption, downtimeOf(operations));
  const starts = operations.some((o) => o.op.verb === 'start');
  const { verb } = looks[vm.action];
  switch (vm.action) {
    case 'create':
      return `${starts ? 'create and start' : 'create, left stopped'}; ${lasts(operations)}`;
    case 'start':
      return `start; ${lasts(operations)}`;
    case 'update':
      if (operations.some((o) => o.op.verb === 'discard') && operations.every(isRemainder))
        return `take away what a broken-off migration left on ${operations.map((o) => clean(o.server)).join(', ')}; ${cost}`;
      if (operations.length > 0 && operations.every((o) => o.op.verb === 'forget'))
        return `remove the cfg that it left on ${operations.map((o) => clean(o.server)).join(', ')}; ${cost}`;
      if (operations.length > 0 && operations.every((o) => o.op.verb === 'grow-disk')) return `grow; ${cost}`;
      if (vm.to !== null) return `move its cfg; ${cost}`;
      return vm.disruption === 'none' ? `change the cfg; ${cost}` : `${verb}; ${cost}`;
    case 'migrate': {
      const hops = operations.filter((o) => o.op.verb === 'migrate').length;
      return `${verb}${hops > 1 ? ` in ${hops} steps` : ''}; ${hops > 1 ? `each time paused for a moment` : cost}`;
    }
    case 'suspend':
      return `${verb}; it stands still for about ${time(downtimeOf(operations))}, and runs on without a reboot`;
    case 'adopt':
    case 'release':
    case 'await':
    case 'unpause':
      return `${verb}; ${cost}`;
    case 'restart':
      return `${verb}; ${cost}`;
    case 'stop':
      return `${verb}; ${cost}`;
    case 'pause':
      return `${verb}; it stands still until it is unpaused`;
    case 'delete':
      return [
        operations.some((o) => o.op.verb === 'stop') ? 'shut down and delete' : 'delete; it is not running',
        operations.some((o) => o.op.verb === 'delete-disk')
          ? 'its disks go with it: THEIR BYTES ARE LOST'
          : 'its disks stay',
      ].join(operations.some((o) => o.op.verb === 'stop') ? '; ' : ', ');
    case 'none':
      if (refused.length > 0) return 'refused';
      return vm.changes.some((c) => c.fate !== 'released') ? 'waits for a restart' : 'left as it is';
  }
};

const indent = '    ';

/** Rows of label, value and note; the note goes below the value where the line would be too long. */
export const rowLines = (rows: readonly ChangeText[], o: BlockOptions): readonly string[] => {
  const column = Math.max(0, ...rows.map((r) => r.label.length)) + 2;
  const pad = ' '.repeat(indent.length + column);
  const room = Math.max(20, o.width - pad.length);
  return rows.flatMap((r) => {
    const head = indent + r.label.padEnd(column);
    const flat = r.to === '' ? r.from : `${r.from} → ${r.to}`;
    const painted = r.to === '' ? r.from : `${o.paint.dim(r.from)} → ${o.paint.bold(r.to)}`;
    const note = r.note === '' ? [] : wrap(r.note, room);
    const [only] = note;
    if (only !== undefined && note.length === 1 && flat.length + 3 + only.length <= room) {
      return [`${head}${painted}   ${o.paint.dim(only)}`];
    }
    const value =
      flat.length <= room || r.to === ''
        ? [head + painted]
        : [head + o.paint.dim(r.from), `${pad.slice(2)}→ ${o.paint.bold(r.to)}`];
    return [...value, ...note.map((n) => pad + o.paint.dim(n))];
  });
};

export const refusalLines = (r: Refusal, o: BlockOptions): readonly string[] => [
  ...hang(
    `${indent}${o.paint.red('refused')}  `,
    clean(`${r.what}: ${r.why} (${r.code})`),
    `${indent}         `,
    o.width,
  ),
  ...(r.help === null ? [] : hang(`${indent}help     `, clean(r.help), `${indent}         `, o.width)),
];

const withNote = (text: ChangeText, note: string | undefined): ChangeText =>
  note === undefined ? text : { ...text, note: text.note === '' ? note : `${note}; ${text.note}` };

/** What is said of one VM besides its head: what is done first, where it goes, its changes, and when. */
export const vmRows = (vm: PlanVm, operations: readonly Operation[]): readonly ChangeText[] => {
  const renamed = vm.changes.some((c) => c.field === 'name');
  const alias = vm.name === vm.subject.name || renamed ? [] : [row('Xen name', clean(vm.name))];
  const placed = vm.placed === null ? [] : [row(vm.to === null ? 'placed' : 'moved', clean(vm.placed))];
  const fresh = vm.action === 'create' ? portrait(operations) : [];
  // A new VM's portrait says it all: that it goes from nothing to running is in the head.
  const changes = fresh.length > 0 ? vm.changes.filter((c) => c.fate !== 'take') : vm.changes;
  const made = fresh.length > 0 ? new Map<string, string>() : madeNotes(operations);
  return [
    ...operations.flatMap((x) =>
      x.before === null ? [] : [row('first', clean(`${x.before} (run here; where it fails, nothing is done)`))],
    ),
    ...alias,
    ...placed,
    ...remainders(operations),
    ...fetched(vm, operations),
    ...fresh,
    ...changes.map((c) => withNote(changeText(c), made.get(c.field.replace('disks.', '')))),
    ...whenRows(vm.subject.name, operations),
  ];
};

/** Removed lines red, new ones green, as git has them. */
const painted = (line: string, paint: Colors): string => {
  if (/^(?:---|\+\+\+) /.test(line)) return paint.bold(line);
  if (line.startsWith('@@')) return paint.cyan(line);
  if (line.startsWith('-')) return paint.red(line);
  return line.startsWith('+') ? paint.green(line) : line;
};

/** The block of one VM, its operations in the plan's order. */
export const vmBlock = (
  vm: PlanVm,
  operations: readonly Operation[],
  refused: readonly Refusal[],
  o: BlockOptions,
): readonly string[] => {
  const look = looks[vm.action];
  const paint = o.paint[look.paint];
  const way = vm.to === null ? '' : ` → ${clean(vm.to)}`;
  const on = vm.server === '' ? '' : ` on ${clean(vm.server)}${way}`;
  const head = `${paint(look.symbol)} ${o.paint.bold(clean(vm.subject.name))}${on}: ${paint(headline(vm, operations, refused))}`;
  const commands = o.commands ? operations.flatMap((x) => x.commands) : [];
  return [
    head,
    ...rowLines(vmRows(vm, operations), o),
    ...waitingFor(vm.subject.name, vm.changes).flatMap((w) => hang(indent, clean(w), `${indent}  `, o.width)),
    ...refused.flatMap((r) => refusalLines(r, o)),
    ...commands.map((c) => `${indent}${o.paint.dim('$')} ${o.paint.cyan(clean(c))}`),
    ...operations.flatMap((x) => o.diffs?.get(x.id) ?? []).map((line) => `${indent}${painted(line, o.paint)}`),
  ];
};
