/** The xl toolstack: Debian, Alpine, SUSE, Gentoo dom0s. */
import { readProgram, type ReadProgram } from '../../core/port.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import type { RawAnswer, Toolstack } from '../../kinds/toolstack.ts';
import { commands } from './lower/commands.ts';
import { decode } from './read/decode.ts';
import { unknownKeys } from './cfg/known-keys.ts';
import { lower } from './lower/index.ts';
import { masked } from './read/mask.ts';
import { memoryNeed } from './lower/memory-need.ts';
import { observeText } from './read/observe.ts';
import { rescue, verdict } from './lower/rescue.ts';

/** All parts of a reading together take no longer; each is bounded by itself. */
const readingMs = 360_000;

const program = <R>(
  what: 'all' | 'domains',
  paths: readonly string[],
  decode: ReadProgram<R>['decode'],
): ReadProgram<R> => readProgram({ text: observeText, args: [what, ...paths], deadlineMs: readingMs, decode });

export const xl: Toolstack = {
  name: 'xl',
  reading: (what, paths) => program<ServerSeen>(what, paths, (answer, nonce) => decode(answer, nonce, paths, what)),
  rawReading: (what, paths) =>
    program<RawAnswer>(what, paths, (answer, nonce) => ({ is: 'raw', bytes: masked(answer), nonce })),
  lower,
  rescue,
  verdict,
  unknownKeys,
  commands,
  // It opens the PV console, or the serial port of an HVM guest, whichever there is.
  console: (name) => ['xl', 'console', name],
  memoryNeed,
};
export { pathsOf } from './lower/needs.ts';
export { writing } from './lower/writing.ts';
export { observeText } from './read/observe.ts';
export { recordOf } from './read/records.ts';
