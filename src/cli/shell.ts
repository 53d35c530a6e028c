/** All that a command gets from outside: streams, environment, time, a person to ask. `main.ts` makes the real one. */
import { clean, onScreen } from '../report/text.ts';
import type { Terminal } from '../transport/index.ts';

export interface Output {
  /** Text for people and programs. `run` sees to it that nothing in it steers a terminal. */
  readonly write: (text: string) => void;
  /** What moves the cursor, of our own making: it leaves as it is. */
  readonly draw: (text: string) => void;
  readonly terminal: boolean;
  readonly columns: () => number;
  readonly rows: () => number;
}

export interface Shell {
  readonly out: Output;
  readonly err: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Who runs it, and where. */
  readonly user: string;
  readonly host: string;
  /** Reeve's. */
  readonly version: string;
  /** Where `schemas/` is. */
  readonly folder: string;
  /** ms since 1970. */
  readonly now: () => number;
  /** Ends early, without an error, when `signal` aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly random: (bytes: number) => Uint8Array;
  /** Asks the person at the terminal; null: no answer. Undefined where nobody is there. */
  readonly ask: ((question: string, hidden: boolean) => Promise<string | null>) | undefined;
  /** For sessions; undefined where standard input or output is none. */
  readonly terminal: Terminal | undefined;
  /** Calls `listener` for each Ctrl-C (or SIGTERM) from now on, instead of ending; returns what undoes it. */
  readonly onInterrupt: (listener: () => void) => () => void;
}

/** One line, whatever stands in it. */
export const say = (output: Output, line: string): void => output.write(`${clean(line)}\n`);

const guardedOutput = (output: Output): Output => ({ ...output, write: (text) => output.write(onScreen(text)) });

/** The one place where text leaves: all that is written or asked is made safe to show. */
export const guarded = (shell: Shell): Shell => {
  const { ask } = shell;
  return {
    ...shell,
    out: guardedOutput(shell.out),
    err: guardedOutput(shell.err),
    ask: ask && ((question, hidden) => ask(onScreen(question), hidden)),
  };
};

/** What a command is asked to look like. */
export interface Look {
  readonly color: boolean;
  /** Columns. */
  readonly width: number;
}

/** Whether lines can be drawn over. */
export const redraws = (shell: Shell, output: Output): boolean => output.terminal && shell.env['TERM'] !== 'dumb';

/** Where a pipe or file has no width of its own. */
const plainWidth = 100;

/** `wanted` is false for `--no-color`. */
export const lookOf = (shell: Shell, output: Output, wanted: boolean): Look => {
  return {
    color: wanted && redraws(shell, output) && (shell.env['NO_COLOR'] ?? '') === '',
    width: output.terminal ? Math.max(40, output.columns()) : plainWidth,
  };
};
