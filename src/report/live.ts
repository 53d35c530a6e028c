/** Events of an apply → what people see of it: plain lines, the lines of a live view, and the words at its end. */
import type { Event } from '../core/event.ts';
import type { Operation, Plan } from '../kinds/plan.ts';
import { clean, colors, count, time, took, type Colors } from './text.ts';

export interface LiveState {
  /** What runs now, by operation id, oldest first. `since`: ms since 1970. */
  readonly running: ReadonlyMap<string, { readonly since: number; readonly text: string }>;
  /** Operations that have ended, in whatever way. */
  readonly ended: number;
  readonly failed: number;
  readonly held: number;
}

export const atStart: LiveState = { running: new Map(), ended: 0, failed: 0, held: 0 };

const without = (state: LiveState, op: string): LiveState['running'] => {
  const running = new Map(state.running);
  running.delete(op);
  return running;
};

export const next = (state: LiveState, event: Event): LiveState => {
  switch (event.ev) {
    case 'held':
      return { ...state, held: state.held + 1 };
    case 'waiting':
    case 'fencing':
    case 'fenced':
    case 'fence-failed':
    case 'warning':
      return state;
    case 'started':
      return { ...state, running: new Map(state.running).set(event.op, { since: Date.parse(event.at), text: '' }) };
    case 'progress': {
      const was = state.running.get(event.op);
      return was ? { ...state, running: new Map(state.running).set(event.op, { ...was, text: event.text }) } : state;
    }
    case 'done':
      return { ...state, running: without(state, event.op), ended: state.ended + 1 };
    case 'failed':
      return { ...state, running: without(state, event.op), ended: state.ended + 1, failed: state.failed + 1 };
    case 'skipped':
    case 'detached':
      return { ...state, running: without(state, event.op), ended: state.ended + 1 };
  }
};

export interface Columns {
  readonly of: (id: string) => {
    readonly vm: string;
    readonly what: string;
    readonly operation: Operation | undefined;
  };
  readonly vm: number;
  readonly what: number;
}

/** `web-1/attach-disk/xvdb` → `web-1` and `attach-disk xvdb`, with the widths that align all of a plan's. */
export const columnsOf = (plan: Plan): Columns => {
  const byId = new Map(plan.operations.map((o) => [o.id, o]));
  const of: Columns['of'] = (id) => {
    const operation = byId.get(id);
    const vm = operation?.target.name ?? id.split('/')[0] ?? id;
    return { vm: clean(vm), what: clean(id.slice(vm.length + 1).replaceAll('/', ' ')), operation };
  };
  const all = plan.operations.map((o) => of(o.id));
  return {
    of,
    vm: Math.max(0, ...all.map((x) => x.vm.length)),
    what: Math.max(0, ...all.map((x) => x.what.length)),
  };
};

const row = (columns: Columns, id: string, text: string): string => {
  const { vm, what } = columns.of(id);
  return `${vm.padEnd(columns.vm)}  ${what.padEnd(columns.what)}  ${text}`;
};

const fenceRow = (columns: Columns, server: string, text: string): string =>
  `${clean(server).padEnd(columns.vm)}  ${'fence'.padEnd(columns.what)}  ${text}`;

/** The line that stays for what happened, or null where none does: progress is for live views. */
export const eventLine = (event: Event, columns: Columns, paint: Colors): string | null => {
  switch (event.ev) {
    case 'held':
    case 'progress':
      return null;
    case 'warning':
      return row(columns, event.op, paint.red(clean(event.why)));
    case 'waiting':
      return paint.yellow(`waiting: ${clean(event.why)}`);
    case 'fencing':
      return fenceRow(columns, event.server, clean(event.command));
    case 'fenced':
      return fenceRow(columns, event.server, paint.green(clean(event.how)));
    case 'fence-failed':
      return fenceRow(columns, event.server, paint.red(clean(event.why)));
    case 'started': {
      const down = columns.of(event.op).operation?.estimate.downtimeMs ?? 0;
      const { operation } = columns.of(event.op);
      const word = operation?.op.verb === 'migrate' ? 'paused for about' : 'about';
      return down > 0
        ? row(columns, event.op, `started: ${word} ${time(down)}${word === 'about' ? ' down' : ''}`)
        : null;
    }
    case 'done':
      return row(columns, event.op, paint.green(`done in ${took(event.ms)}`));
    case 'failed':
      return row(columns, event.op, paint.red(`failed after ${took(event.ms)}: ${clean(event.why)}`));
    case 'skipped':
      return row(columns, event.op, paint.yellow(`skipped: ${clean(event.why)}`));
    case 'detached':
      return row(columns, event.op, paint.yellow(clean(event.why)));
  }
};

const frames = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';

/** The lines below the finished ones: what runs, for how long, and how much is left. At most `height` lines of `width`. */
export const liveLines = (
  state: LiveState,
  plan: Plan,
  view: {
    readonly columns: Columns;
    readonly now: number;
    readonly width: number;
    readonly height: number;
    readonly color: boolean;
  },
): readonly string[] => {
  const paint = colors(view.color);
  const spin = frames[Math.floor(view.now / 100) % frames.length] ?? '';
  const cut = (text: string): string =>
    text.length > view.width ? `${text.slice(0, Math.max(0, view.width - 1))}…` : text;
  const room = Math.max(1, view.height - 2);
  const running = [...state.running].map(([id, r]) =>
    cut(`${spin} ${row(view.columns, id, `${time(view.now - r.since)}${r.text === '' ? '' : `  ${clean(r.text)}`}`)}`),
  );
  const more = running.length > room ? [`  … and ${running.length - room + 1} more`] : [];
  const waits = plan.operations.length - state.ended - state.running.size;
  const failed = state.failed > 0 ? `, ${state.failed} failed` : '';
  const foot =
    state.ended + state.running.size === 0
      ? `${spin} taking the locks: ${count(state.held, 'server')} held`
      : `  ${state.ended} of ${count(plan.operations.length, 'operation')} ended${failed}, ${waits} waiting`;
  return [...(more.length > 0 ? running.slice(0, room - 1) : running), ...more, paint.dim(cut(foot))];
};
