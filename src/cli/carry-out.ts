/** Carries a plan out before the person's eyes: live view, Ctrl-C, events file, last words, exit code. */
import { execute, exitCode, openEventsFile, type EventsFile, type Outcome } from '../apply/index.ts';
import type { Control, Holder } from '../core/port.ts';
import type { Plan } from '../kinds/plan.ts';
import type { Origin } from '../kinds/server/journal.ts';
import type { Secrets } from '../kinds/toolstack.ts';
import { stale } from '../plan/index.ts';
import { applySummary } from '../report/ending.ts';
import { pathsOf, xl } from '../toolstacks/xl/index.ts';
import { expandHome } from '../transport/index.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import { liveView, type LiveView } from './live-view.ts';
import { command, localFile, probe } from './outside.ts';
import { lookOf, redraws, say, type Output, type Shell } from './shell.ts';

export interface CarryFlags {
  readonly color: boolean;
  readonly events?: string;
  /** What the next command is to begin from: files and folders, or a saved plan; not there where it needs no word. */
  readonly from?: readonly string[];
  /** ms */
  readonly wait?: number;
}

export const holder = (shell: Shell): Holder => ({
  who: shell.user,
  from: shell.host,
  since: new Date(shell.now()).toISOString(),
  epoch: Buffer.from(shell.random(16)).toString('hex'),
});

const eventsFile = (path: string | undefined): EventsFile | null => {
  if (path === undefined) return null;
  try {
    return openEventsFile(path);
  } catch (error) {
    throw new ExitError(exit.error, `--events ${path} cannot be written: ${(error as Error).message}`);
  }
};

/** The first Ctrl-C lets what runs end, the second leaves it to the servers. */
const cancelling = (shell: Shell, view: LiveView): { stop: AbortSignal; detach: AbortSignal; off: () => void } => {
  const stop = new AbortController();
  const detach = new AbortController();
  const off = shell.onInterrupt(() => {
    if (stop.signal.aborted) detach.abort();
    else {
      view.say('Stopping: nothing new is started, what runs is waited for. Ctrl-C again leaves it running there.');
      stop.abort();
    }
  });
  return { stop: stop.signal, detach: detach.signal, off };
};

export interface Means {
  readonly control: Control;
  readonly secrets: Secrets;
  /** Told by the journals; never rejects. */
  readonly origin: Promise<Origin>;
}

/** Never throws for what a server does. The plan has operations. */
export const carryOut = async (
  shell: Shell,
  plan: Plan,
  { control, secrets, origin }: Means,
  flags: CarryFlags,
  output: Output,
): Promise<ExitCode> => {
  const look = lookOf(shell, output, flags.color);
  const events = eventsFile(flags.events);
  const began = shell.now();
  output.write('\n');
  const view = liveView(plan, output, look, shell.now, redraws(shell, output));
  const cancel = cancelling(shell, view);
  let outcome: Outcome;
  let lost: string | null;
  try {
    outcome = await execute(plan, {
      control,
      toolstack: xl,
      secrets,
      probe,
      command,
      local: (path) => localFile(expandHome(path, shell.home)),
      clock: { now: shell.now, sleep: shell.sleep },
      who: holder(shell),
      origin: await origin,
      onEvent: (event) => {
        events?.write(event);
        view.event(event);
      },
      cancel: { stop: cancel.stop, detach: cancel.detach },
      waitMs: flags.wait,
      pathsOf,
      fresh: (observed) => stale(plan, observed).filter((d) => observed.has(d.server)),
    });
  } finally {
    cancel.off();
    view.end();
    lost = events?.close() ?? null;
    if (lost !== null) say(shell.err, `reeve: ${lost}`);
  }
  output.write(`\n${applySummary(plan, outcome, { ms: shell.now() - began, from: flags.from ?? null, ...look })}`);
  const code = exitCode(outcome);
  return code === exit.done && lost !== null ? exit.error : code;
};
