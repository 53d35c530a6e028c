/** One running command, whichever way it is reached: its three streams, its end, and collecting a bounded answer. */
import type { Readable, Writable } from 'node:stream';
import type { Unknown } from '../core/port.ts';

/** `rc` is null where a signal ended it; `lost`: the connection went first. */
export type Ending = { readonly rc: number | null } | 'lost';

export interface Channel {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Never rejects. Resolves when the output is complete, too. */
  readonly ended: Promise<Ending>;
  /** Stops caring: lets go of the channel, whatever the command does. */
  abandon(): void;
  /** Tells the new size, where there is a pseudo-terminal. */
  resize(columns: number, rows: number): void;
}

/** What a command's pseudo-terminal is like. */
export interface Pty {
  /** TERM. */
  readonly type: string;
  readonly columns: number;
  readonly rows: number;
}

/** A way to a server on which commands are started. */
export interface Link {
  /** Never rejects. `pty`: with a pseudo-terminal, where the link can give one. */
  open(command: string, pty?: Pty): Promise<Channel | Unknown>;
  /** Why it went, when it has gone. */
  readonly down: Promise<string | undefined>;
  close(): Promise<void>;
  /** Without a farewell: for a far side that keeps to no rules. */
  drop(): void;
}

export interface Answer {
  readonly rc: number | null;
  readonly out: Buffer;
  readonly err: string;
}

/** What an answer may take. */
export interface Limits {
  /** ms from now to its end. */
  readonly wholeMs: number;
  /** ms without a byte. */
  readonly silentMs: number;
  /** Bytes of either stream. */
  readonly most: number;
}

/** Why an answer is not whole, and what there was of it. */
export interface Cut {
  readonly cut: 'lost' | 'late' | 'silent' | 'too-big';
  readonly out: Buffer;
}

/** Of standard error this much is kept. */
const mostErrorBytes = 64 * 1024;

/** Sends `input`, reads to the end. */
export const collect = async (
  channel: Channel,
  input: Uint8Array | undefined,
  { wholeMs, silentMs, most }: Limits,
): Promise<Answer | Cut> => {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const size = { out: 0, err: 0 };
  const timers: NodeJS.Timeout[] = [];
  const stopped = new Promise<Exclude<Cut['cut'], 'lost'>>((resolve) => {
    const silence = setTimeout(() => resolve('silent'), silentMs);
    timers.push(
      silence,
      setTimeout(() => resolve('late'), wholeMs),
    );
    const came = (stream: 'out' | 'err', data: Buffer): void => {
      silence.refresh();
      size[stream] += data.length;
      if (size[stream] > most) resolve('too-big');
    };
    channel.stdout.on('data', (data: Buffer) => {
      came('out', data);
      if (size.out <= most) out.push(data);
    });
    channel.stderr.on('data', (data: Buffer) => {
      const room = mostErrorBytes - size.err;
      came('err', data);
      if (room > 0) err.push(data.subarray(0, room));
    });
  });
  channel.stdin.on('error', () => {
    // The command may end before it has read its input; its answer says why.
  });
  channel.stdin.end(input);
  const ended = await Promise.race([channel.ended, stopped]);
  for (const timer of timers) clearTimeout(timer);
  if (typeof ended === 'string') {
    if (ended !== 'lost') channel.abandon();
    return { cut: ended, out: Buffer.concat(out) };
  }
  return { rc: ended.rc, out: Buffer.concat(out), err: Buffer.concat(err).toString('utf8') };
};
