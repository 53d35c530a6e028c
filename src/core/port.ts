/** The two ports to a dom0. `Reader` is all that reading commands get; `Control` is for `apply` alone. */
import type { ReadingCode } from './reason.ts';
import type { ExecStep, FileStep } from './step.ts';

/** Why a server could not be read or controlled; a value, never an exception. */
export interface Unknown {
  readonly is: 'unknown';
  readonly reason: ReadingCode;
  /** One sentence for the person who reads the plan. */
  readonly why: string;
  /** What would help: a command, a line for known_hosts. */
  readonly help?: string;
  /** The pool whose servers remember it, though the file has it nowhere. */
  readonly memberOf?: string;
}

declare const reading: unique symbol;

/**
 * A fixed shell text that only reads, with its parameters (all quoted by the transport) and its decoder. Only
 * toolstacks make one (`readProgram`); nothing else can be given to a `Reader`.
 */
export interface ReadProgram<R> {
  readonly [reading]: true;
  readonly text: string;
  readonly args: readonly string[];
  readonly deadlineMs: number;
  /** Pure. `nonce` is the transport's random word that frames the answer. */
  decode(answer: Uint8Array, nonce: string): R | Unknown;
}

/** For `toolstacks` alone (a test holds this). */
export const readProgram = <R>(p: Omit<ReadProgram<R>, typeof reading>): ReadProgram<R> => p as ReadProgram<R>;

export interface Reader {
  /**
   * Runs `sh -c text reeve-observe NONCE args…` over the server's one connection (opened at first use, kept), as root.
   * At most one such command per call; never rejects for what the far side does. `until`: a moment (ms) of the clock that the
   * port was given; what has not answered by then is `unknown`.
   */
  read<R>(server: string, program: ReadProgram<R>, until?: number): Promise<R | Unknown>;
  close(): Promise<void>;
}

/** Who holds a server, as its `owner` file tells: for "held by …, since …, from …". */
export interface Holder {
  readonly who: string;
  readonly from: string;
  /** ISO 8601. */
  readonly since: string;
  readonly epoch: string;
}

/** A server's lock, and what runs that any run began there. */
export interface LockSeen {
  readonly held: boolean;
  /** Whoever took it last; null: nobody, or it cannot be read. */
  readonly by: Holder | null;
  readonly operations: readonly {
    readonly id: string;
    /** One of its processes cannot be killed: it sleeps in the kernel. */
    readonly stuck: boolean;
    readonly command: string;
  }[];
}

export type ExecResult = { readonly rc: number; readonly out: string; readonly err: string };

/** Applying: everything is fenced by the epoch that `hold` wrote. */
export interface Control extends Reader {
  /** Takes the server's lock, writes the epoch, drains what an earlier holder left running. Kept alive by heartbeats. */
  hold(
    server: string,
    who: Holder,
  ): Promise<{ readonly is: 'held' } | { readonly is: 'busy'; readonly by: Holder | null } | Unknown>;
  /** Starts `argv` detached, at most once per `id` and epoch. Safe to send again. */
  start(server: string, id: string, step: ExecStep): Promise<'started' | 'already' | 'fenced' | Unknown>;
  /** Blocks until the command of `id` has ended, over any number of reconnects. */
  wait(server: string, id: string): Promise<ExecResult | 'lost' | 'never' | Unknown>;
  /** Writes or removes one file, compare and swap. `differs`: the file is not what `onlyIf` says. */
  file(
    server: string,
    step: FileStep,
  ): Promise<'done' | 'differs' | 'fenced' | { readonly is: 'failed'; readonly why: string } | Unknown>;
  /** Lets go of every lock. Also done by `close`. */
  release(): Promise<void>;
}

/** The locks of servers as others than their holder see them: for `unlock` alone. */
export interface Locks {
  /** Who has the lock, and what runs under it or is left of earlier ones; changes nothing. */
  look(server: string): Promise<LockSeen | Unknown>;
  /**
   * Takes the lock from whoever has it, by a new epoch, and keeps it not; the operations of these ids are ended. What still
   * runs there. `busy`: the holder's process does not go.
   */
  breakLock(
    server: string,
    who: Holder,
    ends: readonly string[],
  ): Promise<LockSeen['operations'] | { readonly is: 'busy'; readonly by: Holder | null } | Unknown>;
  close(): Promise<void>;
}

/** Nothing was heard of it, or not to the end: everything else comes from a machine that is up. */
const silence: ReadonlySet<Unknown['reason']> = new Set([
  'name-not-found',
  'unreachable',
  'timeout',
  'lost',
  'cut-short',
]);

export const isSilent = ({ reason }: Unknown): boolean => silence.has(reason);

export const isUnknown = (x: unknown): x is Unknown =>
  typeof x === 'object' && x !== null && (x as { is?: unknown }).is === 'unknown';

/** Why a server was not read. */
export const unreadCode = (seen: unknown): ReadingCode => (isUnknown(seen) ? seen.reason : 'not-asked');
