/** A shell without a process: what was written is kept, and time passes when somebody sleeps. */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import type { Shell } from '../../../src/cli/shell.ts';

export interface Heard {
  readonly shell: Shell;
  readonly out: () => string;
  readonly err: () => string;
  /** Presses Ctrl-C. */
  readonly interrupt: () => void;
}

export const fakeShell = (more: Partial<Shell> = {}, terminal = false): Heard => {
  let out = '';
  let err = '';
  let slept = 0;
  const listeners = new Set<() => void>();
  const output = (add: (text: string) => void) => ({
    write: add,
    draw: add,
    terminal,
    columns: () => 80,
    rows: () => 24,
  });
  const shell: Shell = {
    out: output((text) => {
      out += text;
    }),
    err: output((text) => {
      err += text;
    }),
    env: {},
    home: '/nonexistent',
    user: 'ann',
    host: 'desk',
    version: '0.1.0',
    folder: fileURLToPath(new URL('../../..', import.meta.url)),
    now: () => Date.now() + slept,
    sleep: (ms) => {
      slept += ms;
      return new Promise((resolve) => {
        setImmediate(resolve);
      });
    },
    random: (bytes) => randomBytes(bytes),
    ask: undefined,
    terminal: undefined,
    onInterrupt: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    ...more,
  };
  return {
    shell,
    out: () => out,
    err: () => err,
    interrupt: () => {
      for (const listener of listeners) listener();
    },
  };
};

/** One command over this farm's file: its exit code, and what it printed with every run of blanks as one. */
export const runOn = async (
  farm: DemoFarm,
  argv: readonly string[],
): Promise<{ readonly code: number; readonly out: string }> => {
  const heard = fakeShell({ home: farm.folder });
  const code = await run([...argv, farm.path], heard.shell);
  return { code, out: heard.out().replaceAll(/\s+/g, ' ') };
};
