/** A process on the simulated dom0: it sleeps, it can be killed, and it ends with an exit code. */
import type { Clock } from './clock.ts';
import type { World } from './world.ts';

export interface Result {
  readonly rc: number;
  readonly out: string;
  readonly err: string;
}

export const fine: Result = { rc: 0, out: '', err: '' };
export const said = (out: string, err = ''): Result => ({ rc: 0, out, err });
export const failed = (rc: number, err: string): Result => ({ rc, out: '', err });

/** What a program sees of its own process. */
export interface Running {
  /** Never comes back in a process that was killed meanwhile. */
  sleep(ms: number): Promise<void>;
  /** What its death sets going elsewhere: others see that its end of a connection is gone. */
  whenKilled(run: () => void): void;
  /** It sleeps in the kernel, where no signal reaches it. */
  stuck?: boolean;
}

/** argv without the program's own name. */
export type Program = (world: World, process: Running, argv: readonly string[]) => Promise<Result>;

export interface Process extends Running {
  kill(): void;
  /** How often it has begun to sleep. */
  waits(): number;
  /** Called as it begins to sleep for the nth time, counted from 0. */
  whenWaiting(nth: number, run: () => void): void;
}

/** What a killed process was about to do is not done: its sleep never ends. */
export const makeProcess = (clock: Clock): Process => {
  let killed = false;
  const mourners: (() => void)[] = [];
  const watchers = new Map<number, () => void>();
  let waits = 0;
  return {
    sleep: (ms) =>
      new Promise((resolve) => {
        watchers.get(waits++)?.();
        clock.after(ms, () => {
          if (!killed) resolve();
        });
      }),
    whenKilled: (run) => {
      mourners.push(run);
    },
    waits: () => waits,
    whenWaiting: (nth, run) => {
      watchers.set(nth, run);
    },
    kill: () => {
      if (killed) return;
      killed = true;
      for (const run of mourners) run();
    },
  };
};

/** `timeout -k 5 SECONDS`: kills the process and gives 124 where the program is still running then. */
export const withTimeout = async (
  clock: Clock,
  process: Process,
  seconds: number,
  run: (process: Running) => Promise<Result>,
): Promise<Result> => {
  let over = false;
  const late = new Promise<Result>((resolve) => {
    clock.after(seconds * 1000, () => {
      if (over) return;
      process.kill();
      resolve(failed(124, ''));
    });
  });
  const result = await Promise.race([run(process), late]);
  over = true;
  return result;
};
