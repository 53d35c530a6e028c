/** `--events FILE`: what happens, one JSON object per line, as it happens. */
import { closeSync, fchmodSync, fstatSync, openSync, writeFileSync } from 'node:fs';
import type { Event } from '../core/event.ts';
import { visible } from '../core/visible.ts';

export interface EventsFile {
  readonly write: (event: Event) => void;
  /** Closes the file. Why it is not whole, or null where it is: a full disk must not stop an apply half-way. */
  readonly close: () => string | null;
}

/** Empties the file, or makes it, for its owner alone; throws where it cannot be written. */
export const openEventsFile = (path: string): EventsFile => {
  const fd = openSync(path, 'w', 0o600);
  // Also where it was there before; a device or a pipe is left as it is.
  if (fstatSync(fd).isFile()) fchmodSync(fd, 0o600);
  let problem: string | null = null;
  return {
    write: (event) => {
      if (problem !== null) return;
      try {
        writeFileSync(fd, `${visible(JSON.stringify(event))}\n`);
      } catch (error) {
        problem = `${path} is not whole: ${(error as Error).message}`;
      }
    },
    close: () => {
      closeSync(fd);
      return problem;
    },
  };
};
