/** What carrying a plan out needs from outside: servers, a toolstack, time, a name, and who listens. */
import type { Event } from '../core/event.ts';
import type { Control, Holder } from '../core/port.ts';
import type { ReasonCode } from '../core/reason.ts';
import type { Op } from '../kinds/plan.ts';
import type { Origin } from '../kinds/server/journal.ts';
import type { Observed } from '../kinds/server/live.ts';
import type { Secrets, Toolstack } from '../kinds/toolstack.ts';

export interface Clock {
  /** ms since 1970. */
  now(): number;
  /** Ends early, without an error, when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface CancelSignals {
  /** The first Ctrl-C: nothing new is started, what runs is waited for. */
  readonly stop: AbortSignal;
  /** The second: return at once, and leave what runs to the servers. */
  readonly detach: AbortSignal;
}

/** A touched object that is not what the plan saw. */
export interface Difference {
  readonly subject: string;
  readonly server: string;
  readonly code: ReasonCode;
  readonly why: string;
}

export interface LocalFile {
  /** Bytes. */
  readonly size: number;
  /** Fewer than asked for only at the end. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface World {
  readonly control: Control;
  readonly toolstack: Toolstack;
  readonly clock: Clock;
  /** Written to every server that is held. Its epoch must be fresh: it fences the commands of older runs. */
  readonly who: Holder;
  readonly onEvent: (event: Event) => void;
  /** What the journals of the servers name as the origin of the plan; undefined: no journal is written. */
  readonly origin?: Origin | undefined;
  readonly cancel: CancelSignals;
  /** ms: how long another run's locks are waited for, all together; undefined: not at all. */
  readonly waitMs?: number | undefined;
  /** The values of the references that the plan holds: for the toolstack, and never to be shown. */
  readonly secrets: Secrets;
  /** Whether something answers a connection from where Reeve runs. Never rejects. */
  readonly probe: (host: string, port: number, timeoutMs: number) => Promise<boolean>;
  /** Runs a command line where Reeve runs, and kills it after so many ms; an hour unless said. Never rejects. */
  readonly command: (line: string, limitMs?: number) => Promise<{ readonly rc: number; readonly out: string }>;
  /** A file on the machine where Reeve runs, or why it cannot be read. */
  readonly local: (path: string) => Promise<LocalFile | { readonly why: string }>;
  /** The files on the server that an operation's conditions ask for. */
  readonly pathsOf: (op: Op) => readonly string[];
  /** What is not as the plan saw it; `observed` lacks servers that are not held. */
  readonly fresh: (observed: Observed) => readonly Difference[];
}
