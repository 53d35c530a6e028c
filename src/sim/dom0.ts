/** One simulated dom0 as the shell texts see it: its world, its locks and operations, its faults, what was counted. */
import type { Export } from './mounts.ts';
import { failed, makeProcess, withTimeout, type Result } from './process.ts';
import { runProgram } from './programs.ts';
import { addWorker } from './workers.ts';
import { makeWorld, type World } from './world.ts';
import type { Server, WebFile } from './server.ts';

export const whats = ['observe', 'hold', 'op', 'wait', 'write'] as const;
export type What = (typeof whats)[number];

/** A connection that is lost in the middle of a command. */
export interface Cut {
  /** Which command; any where it is not given. */
  readonly what?: What | undefined;
  /** `request`: before the command is carried out; else after so many bytes of its output. */
  readonly after: 'request' | number;
}

/**
 * Where SIGKILL meets the wrapper of an operation: before it has written `pg`; before it has run the command; once the command has
 * ended, before `rc` is there; or together with the command, as that waits for the nth time.
 */
export type Death = 'unborn' | 'begun' | 'unwritten' | { readonly at: number };

/** Faults of the host; those of the file system are in `world.files.trouble`, those of guests in `world.behaviours`. */
export interface Faults {
  cuts: Cut[];
  /** No hypervisor: xl says so and exits with 1. */
  noXen: boolean;
  /** `sudo -n` wants a password. */
  noSudo: boolean;
  /** How often the next `xl list` fails for a moment. */
  flakyLists: number;
  /** What befalls the next operations, one after the other. */
  deaths: Death[];
}

export interface Operation {
  /** Null while it runs, and for ever where it was lost. */
  result: Result | null;
  /** Nothing of it runs any more. */
  over: boolean;
  /** Its wrapper has said who it is. */
  readonly begun: boolean;
  readonly ended: Promise<void>;
  readonly lose: () => void;
  /** How often its command has waited so far, and what happens when it waits for the nth time. */
  readonly waits: () => number;
  readonly whenWaiting: (nth: number, run: () => void) => void;
  /** As SIGTERM to its command. */
  readonly end: () => void;
  /** It sleeps in the kernel, where no signal reaches it. */
  readonly stuck: () => boolean;
  /** As /proc has it. */
  readonly command: string;
}

/** What stands in DIR. */
export interface Control {
  /** The command that has the lock; `end` kills it. */
  holder: { readonly end: () => void } | null;
  owner: string;
  epoch: string | null;
  readonly operations: Map<string, Operation>;
}

export interface Counts {
  connections: number;
  readonly commands: Record<What, number>;
}

export interface Dom0 {
  readonly world: World;
  /** How long a reading takes, in ms. */
  readonly readMs: number;
  readonly controls: Map<string, Control>;
  readonly faults: Faults;
  readonly counts: Counts;
}

export const noFaults = (): Faults => ({ cuts: [], noXen: false, noSudo: false, flakyLists: 0, deaths: [] });

export const makeDom0 = (
  server: Server,
  seed: string,
  speed: number,
  exports: ReadonlyMap<string, Export> = new Map(),
  web: ReadonlyMap<string, WebFile> = new Map(),
  luns: World['groups'] = new Map(),
): Dom0 => ({
  world: makeWorld(server, seed, speed, exports, web, luns),
  // On a virtual clock each reading lets a second pass, so that whoever polls sees the farm move.
  readMs: Number.isFinite(speed) ? 150 : 1000,
  controls: new Map(),
  faults: noFaults(),
  counts: { connections: 0, commands: { observe: 0, hold: 0, op: 0, wait: 0, write: 0 } },
});

export const controlOf = (dom0: Dom0, dir: string): Control => {
  const found = dom0.controls.get(dir) ?? { holder: null, owner: '', epoch: null, operations: new Map() };
  dom0.controls.set(dir, found);
  return found;
};

/** Operations that run: they share the lock that a new holder drains. */
export const running = (control: Control): readonly Operation[] =>
  [...control.operations.values()].filter((o) => !o.over);

/** As the text of `op` calls its wrapper: ps blanks what is no letter. */
const wrapped = (folder: string, seconds: number, argv: readonly string[]): string =>
  `sh -c O=$1 C=$2; shift 2?echo "$$" >"$O/pg"?sh -c "$C" "$O" "$@" >"$O/out" 2>"$O/err" 8>&- 9>&-? reeve-run ${folder} ` +
  `echo "$$" >>"$0/pg"; exec timeout -k 5 "$@" ${seconds} ${argv.join(' ')}`;

/** Starts argv in the background, bounded by `seconds`. `folder`: of the operation, in DIR. */
export const startOperation = (
  dom0: Dom0,
  seconds: number,
  argv: readonly string[],
  folder = '/run/reeve/ops/1',
): Operation => {
  const { world } = dom0;
  const { clock } = world;
  const death = dom0.faults.deaths.shift();
  const pids = [wrapped(folder, seconds, argv), `timeout -k 5 ${seconds} ${argv.join(' ')}`].map((args) =>
    addWorker(world, args),
  );
  const gone = (): void => {
    for (const pid of pids) world.workers.delete(pid);
  };
  const process = makeProcess(clock);
  let lose = (): void => {};
  let end = (): void => {};
  const lost = new Promise<Result | null>((resolve) => {
    lose = () => {
      gone();
      process.kill();
      resolve(null);
    };
    end = () => {
      if (process.stuck) return;
      process.kill();
      resolve(failed(143, ''));
    };
  });
  if (typeof death === 'object') process.whenWaiting(death.at, lose);
  const early = death === 'unborn' || death === 'begun';
  const work = early
    ? Promise.resolve(null)
    : withTimeout(clock, process, seconds, (p) => runProgram(dom0.world, p, argv));
  const operation: Operation = {
    result: null,
    over: false,
    begun: death !== 'unborn',
    lose,
    waits: () => process.waits(),
    whenWaiting: (nth, run) => process.whenWaiting(nth, run),
    end,
    stuck: () => process.stuck === true,
    command: `timeout -k 5 ${seconds} ${argv.join(' ')}`,
    ended: Promise.race([work, lost]).then((result) => {
      gone();
      operation.over = true;
      operation.result = death === 'unwritten' ? null : result;
    }),
  };
  return operation;
};
