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
}

export interface Answer {
  readonly rc: number | null;
  readonly out: Buffer;
  readonly err: string;
}

/** An answer is held in memory: 64 MiB are some thousand guests with their cfgs. */
const mostBytes = 64 * 1024 * 1024;
const mostErrorBytes = 64 * 1024;

/** Sends `input`, reads to the end. `deadlineMs` counts from now. */
export const collect = async (
  channel: Channel,
  input: Uint8Array | undefined,
  deadlineMs: number,
  limit = mostBytes,
): Promise<Answer | 'lost' | 'timeout' | 'too-big'> => {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  let outSize = 0;
  let errSize = 0;
  let timer: NodeJS.Timeout | undefined;
  const stopped = new Promise<'timeout' | 'too-big'>((resolve) => {
    timer = setTimeout(() => resolve('timeout'), deadlineMs);
    channel.stdout.on('data', (data: Buffer) => {
      outSize += data.length;
      if (outSize > limit) resolve('too-big');
      else out.push(data);
    });
  });
  channel.stderr.on('data', (data: Buffer) => {
    if (errSize < mostErrorBytes) err.push(data);
    errSize += data.length;
  });
  channel.stdin.on('error', () => {
    // The command may end before it has read its input; its answer says why.
  });
  channel.stdin.end(input);
  const ended = await Promise.race([channel.ended, stopped]);
  clearTimeout(timer);
  if (ended === 'timeout' || ended === 'too-big') {
    channel.abandon();
    return ended;
  }
  if (ended === 'lost') return 'lost';
  return { rc: ended.rc, out: Buffer.concat(out), err: Buffer.concat(err).toString('utf8') };
};
