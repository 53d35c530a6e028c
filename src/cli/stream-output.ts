/** Standard output and standard error: all that was written arrives, or it is known why not. */
import { fstatSync, writeFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { Output } from './shell.ts';

export interface StreamOutput extends Output {
  /**
   * Waits, as long as the reader takes, until all that was written has arrived. Why it has not, or null where it has or where its
   * reader has gone away: `reeve plan | head` is no error.
   */
  readonly drained: () => Promise<string | null>;
}

/** The other end was closed; a terminal that was closed answers with EIO. */
const readerGone = new Set(['EPIPE', 'ECONNRESET', 'EIO']);

const whyOf = (error: Error): string | null =>
  readerGone.has((error as NodeJS.ErrnoException).code ?? '') ? null : error.message;

/** What is written after the first failure is dropped: an apply must not stop half-way for it. */
export const openOutput = (stream: NodeJS.WriteStream & { readonly fd: number }): StreamOutput => {
  const terminal = isatty(stream.fd);
  const stat = terminal ? null : fstatSync(stream.fd);
  const atOnce = stat?.isFile() === true || stat?.isCharacterDevice() === true;
  let failed: Error | null = null;
  const fail = (error: Error): void => {
    failed ??= error;
  };
  stream.on('error', fail);
  const write = (text: string): void => {
    if (failed) return;
    if (!atOnce) {
      stream.write(text);
      return;
    }
    try {
      // Not `writeSync`: a disk that is nearly full takes a part only, and says so at the next try.
      writeFileSync(stream.fd, text);
    } catch (error) {
      fail(error as Error);
    }
  };
  return {
    write,
    draw: write,
    drained: async () => {
      if (!failed && !atOnce) {
        // Called once all before it is written, or cannot be.
        await new Promise<void>((resolve) => {
          stream.write('', (error) => {
            if (error) fail(error);
            resolve();
          });
        });
      }
      return failed ? whyOf(failed) : null;
    },
    terminal,
    columns: () => stream.columns ?? 80,
    rows: () => stream.rows ?? 24,
  };
};
