/** The words at the end of an apply: what was done, what was not and why, and the command that goes on from there. */
import { groupBy } from '../core/order.ts';
import type { ReasonCode } from '../core/reason.ts';
import type { Plan, PlanRefusal } from '../kinds/plan.ts';
import { commandOn } from './apply-command.ts';
import { allowFor, allowing } from './change-text.ts';
import { clean, colors, count, hang, names, took } from './text.ts';
import { fieldLabel } from './value-text.ts';

interface Undone {
  readonly id: string;
  /** None where it is no failure. */
  readonly code?: ReasonCode;
  readonly why: string;
  readonly help?: string;
  /** A command that can be pasted. */
  readonly next?: string;
}

export interface Ended {
  readonly done: readonly string[];
  readonly failed: readonly Undone[];
  readonly skipped: readonly Undone[];
  readonly detached: readonly Undone[];
  readonly warnings?: readonly Undone[];
  readonly fences?: readonly {
    readonly server: string;
    readonly down: boolean;
    readonly how: string;
    readonly code?: ReasonCode;
  }[];
  readonly unwritten?: readonly { readonly server: string; readonly why: string }[];
  readonly stale?: readonly { readonly server: string; readonly code: ReasonCode; readonly why: string }[] | undefined;
  readonly fenced?: string | undefined;
  readonly cancelled: boolean;
}

export interface EndingOptions {
  readonly ms: number;
  readonly color: boolean;
  readonly width: number;
  /** What the plan was made from, as it is written; null: no file makes it anew. */
  readonly from: readonly string[] | null;
}

const codeText = (code: ReasonCode | undefined): string => (code === undefined ? '' : ` (${code})`);

const list = (title: string, items: readonly Undone[], width: number): readonly string[] =>
  items.length === 0
    ? []
    : [
        '',
        title,
        ...items.flatMap((x) => [
          ...hang('  ', `${clean(x.id)}: ${clean(x.why)}${codeText(x.code)}`, '      ', width),
          ...(x.help === undefined ? [] : hang('      help: ', clean(x.help), '            ', width)),
          // What is to be pasted stays on one line, however long that is.
          ...(x.next === undefined ? [] : [`      next: ${clean(x.next)}`]),
        ]),
      ];

/** Skipped for one and the same reason is said once. */
const alike = (all: readonly Undone[]): readonly Undone[] =>
  [...groupBy(all, (s) => s.why).values()].flatMap((same) =>
    same.slice(0, 1).map((first) => ({ ...first, id: names(same.map((s) => s.id)) })),
  );

/** What would have it done; undefined where no option would. */
const nextOf = (same: readonly PlanRefusal[], plan: Plan, from: EndingOptions['from']): string | undefined => {
  const [first] = same;
  const vms = same.map((r) => r.subject.name);
  const options = same.flatMap((r) => r.allow.flatMap((a) => ('option' in a ? [a.option] : [])));
  if (first?.needs) return commandOn('apply', plan, from, [allowing(first.needs, vms)]);
  return options.length === 0 ? undefined : commandOn('apply', plan, from, [...new Set(options)]);
};

const refusedOf = (plan: Plan, from: EndingOptions['from']): readonly Undone[] =>
  [...groupBy(plan.refused, (r) => JSON.stringify([r.code, r.why, r.needs])).values()].flatMap((same) =>
    same.slice(0, 1).map(({ what, code, why, help }): Undone => {
      const next = nextOf(same, plan, from);
      const all = names([...new Set(same.map((r) => r.subject.name))]);
      const who = { id: same.length === 1 ? what : all, code, why };
      return next === undefined ? { ...who, ...(help === null ? {} : { help }) } : { ...who, next };
    }),
  );

/** Changes that wait, by what would make them now. */
const waitingOf = (plan: Plan, from: EndingOptions['from']): readonly Undone[] => {
  const waits = plan.vms.flatMap((vm) =>
    vm.changes
      .filter((c) => c.fate === 'defer' || c.fate === 'pending')
      .map((c) => ({ vm: vm.subject.name, label: fieldLabel(c.field), allow: allowFor(vm.subject.name, c) })),
  );
  return [...groupBy(waits, (w) => w.allow?.disruption ?? 'none').entries()].map(([disruption, all]): Undone => {
    const patterns = [...new Set(all.flatMap((w) => w.allow?.pattern ?? []))];
    return {
      id: names([...new Set(all.map((w) => w.vm))]),
      why: names([...new Set(all.map((w) => w.label))]),
      ...(disruption === 'none' ? {} : { next: commandOn('apply', plan, from, [allowing(disruption, patterns)]) }),
    };
  });
};

const unreadOf = (plan: Plan, from: EndingOptions['from']): readonly Undone[] =>
  plan.unreadable.map(({ server, code, why, help }) => ({
    id: server,
    code,
    why,
    ...(help === null ? {} : { help }),
    next: commandOn('plan', plan, from),
  }));

/** How a VM that was destroyed came up again is seen on its console. */
const warnedOf = (plan: Plan, end: Ended): readonly Undone[] => {
  const byId = new Map(plan.operations.map((o) => [o.id, o] as const));
  return (end.warnings ?? []).map((w) => {
    const operation = byId.get(w.id);
    const vm = operation?.target.name ?? '';
    const again = plan.operations.some(
      ({ op, target }) => target.name === vm && (op.verb === 'restart' || op.verb === 'start'),
    );
    return { ...w, next: `reeve ${again ? 'console' : 'history'} ${vm}` };
  });
};

interface Advice {
  readonly text: string;
  readonly command: string;
}

const advice = (plan: Plan, end: Ended, from: EndingOptions['from']): Advice | null => {
  const again = commandOn('apply', plan, from);
  const look = commandOn('plan', plan, from);
  if (end.stale)
    return { text: 'Nothing was changed. Plan again, look at what is new, and apply that:', command: look };
  if (end.fenced !== undefined)
    return { text: `Another run took over ${clean(end.fenced)}. Wait for it, then see what is left:`, command: look };
  if (end.detached.length > 0)
    return { text: 'What was left running goes on by itself. The next run waits for it and goes on:', command: again };
  if (end.cancelled) return { text: 'To do the rest, from where the farm is:', command: again };
  if (end.failed.length > 0)
    return { text: 'Put right what failed, then go on. Nothing is done twice:', command: again };
  return end.skipped.length > 0 ? { text: 'To see what is left:', command: look } : null;
};

/** What this run did not even try, in a line of its own; null where it tried all. */
const untried = (plan: Plan): string | null => {
  const waits = plan.vms.flatMap((vm) => vm.changes).filter((c) => c.fate === 'defer' || c.fate === 'pending').length;
  const parts = [
    ...(plan.refused.length > 0 ? [`${plan.refused.length} refused`] : []),
    ...(waits > 0 ? [`${count(waits, 'change')} ${waits === 1 ? 'waits' : 'wait'} for a restart`] : []),
    ...(plan.unreadable.length > 0 ? [`${count(plan.unreadable.length, 'server')} not read`] : []),
  ];
  return parts.length === 0 ? null : `Not done: ${parts.join(', ')}.`;
};

/** Ends in a newline. */
export const applySummary = (plan: Plan, end: Ended, options: EndingOptions): string => {
  const { width, from } = options;
  const paint = colors(options.color);
  const all = plan.operations.length;
  const next = advice(plan, end, from);
  const tail = next === null ? [] : ['', ...hang('', next.text, '', width), `  ${clean(next.command)}`];
  if (end.stale) {
    const items = end.stale.flatMap((d) => hang('  ', `${clean(d.why)}${codeText(d.code)}`, '      ', width));
    return `${[paint.red('The farm is not as it was when the plan was made:'), ...items, ...tail].join('\n')}\n`;
  }
  const destroyed = end.warnings?.length ?? 0;
  const parts = [
    ...(end.failed.length > 0 ? [`${end.failed.length} failed`] : []),
    ...(end.skipped.length > 0 ? [`${end.skipped.length} skipped`] : []),
    ...(end.detached.length > 0 ? [`${end.detached.length} still running`] : []),
    ...(destroyed > 0 ? [`${count(destroyed, 'guest')} destroyed`] : []),
  ];
  const whole = end.done.length === all;
  const did = whole ? count(all, 'operation') : `${end.done.length} of ${count(all, 'operation')}`;
  const how = parts.length === 0 ? '' : `: ${parts.join(', ')}`;
  const said = `${end.cancelled ? 'Cancelled: applied' : 'Applied'} ${did} in ${took(options.ms)}${how}.`;
  const left = untried(plan);
  const fences = (down: boolean): readonly Undone[] =>
    (end.fences ?? [])
      .filter((f) => f.down === down)
      .map(({ server, how: why, code }) => ({ id: server, why, ...(code === undefined ? {} : { code }) }));
  const lines = [
    ...(left === null ? [] : [paint.yellow(left)]),
    ...list('Destroyed', warnedOf(plan, end), width),
    ...list('Fenced', fences(true), width),
    ...list('Not fenced', fences(false), width),
    ...list('Failed', end.failed, width),
    ...list('Skipped', alike(end.skipped), width),
    ...list('Still running', end.detached, width),
    ...list('Refused', refusedOf(plan, from), width),
    ...list('Waiting for a restart', waitingOf(plan, from), width),
    ...list('Not read', unreadOf(plan, from), width),
    ...list(
      'Warning: not in the journal of',
      (end.unwritten ?? []).map(({ server, why }) => ({ id: server, why })),
      width,
    ),
    ...tail,
  ];
  const look = !whole ? paint.red : destroyed > 0 ? paint.yellow : paint.green;
  return `${[look(said), ...lines].join('\n')}\n`;
};
