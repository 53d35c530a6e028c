/** Shows an apply as it goes: on a terminal what runs is redrawn below what has ended, elsewhere lines only. */
import { createLogUpdate } from 'log-update';
import type { Event } from '../core/event.ts';
import type { Plan } from '../kinds/plan.ts';
import { atStart, columnsOf, eventLine, liveLines, next } from '../report/live.ts';
import { colors, onScreen } from '../report/text.ts';
import type { Look, Output } from './shell.ts';

export interface LiveView {
  readonly event: (event: Event) => void;
  /** A line of its own, such as what a Ctrl-C does. */
  readonly say: (line: string) => void;
  /** Takes the moving part away. */
  readonly end: () => void;
}

const redrawMs = 100;

const linesOnly = (plan: Plan, output: Output, look: Look): LiveView => {
  const columns = columnsOf(plan);
  const paint = colors(look.color);
  return {
    event: (event) => {
      const line = eventLine(event, columns, paint);
      if (line !== null) output.write(`${line}\n`);
    },
    say: (line) => output.write(`${line}\n`),
    end: () => {},
  };
};

/** What log-update needs of a stream. */
const streamOf = (output: Output): NodeJS.WritableStream => {
  const stream = {
    isTTY: true,
    get columns() {
      return output.columns();
    },
    get rows() {
      return output.rows();
    },
    write: (text: string) => {
      output.draw(text);
      return true;
    },
  };
  return stream as unknown as NodeJS.WritableStream;
};

const onTerminal = (plan: Plan, output: Output, look: Look, now: () => number): LiveView => {
  const columns = columnsOf(plan);
  const paint = colors(look.color);
  const update = createLogUpdate(streamOf(output), { showCursor: true });
  let state = atStart;
  const draw = (): void => {
    const view = { columns, now: now(), width: output.columns(), height: output.rows(), color: look.color };
    update(onScreen(liveLines(state, plan, view).join('\n')));
  };
  const keep = (line: string): void => {
    update.clear();
    output.write(`${line}\n`);
    draw();
  };
  draw();
  const timer = setInterval(draw, redrawMs);
  return {
    event: (event) => {
      state = next(state, event);
      const line = eventLine(event, columns, paint);
      if (line === null) draw();
      else keep(line);
    },
    say: keep,
    end: () => {
      clearInterval(timer);
      update.clear();
      update.done();
    },
  };
};

/** `redraw`: whether the output is a terminal that can draw over its lines. */
export const liveView = (plan: Plan, output: Output, look: Look, now: () => number, redraw: boolean): LiveView =>
  redraw ? onTerminal(plan, output, look, now) : linesOnly(plan, output, look);
