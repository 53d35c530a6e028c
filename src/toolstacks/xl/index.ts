/** The xl toolstack: Debian, Alpine, SUSE, Gentoo dom0s. */
import { readProgram, type ReadProgram, type Unknown } from '../../core/port.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import type { Toolstack } from '../../kinds/toolstack.ts';
import { commands } from './commands.ts';
import { decode } from './decode.ts';
import { lower } from './lower.ts';
import { memoryNeed } from './memory-need.ts';
import { observeText } from './observe.ts';
import { rescue } from './rescue.ts';

/** All parts of a reading together take no longer; each is bounded by itself. */
const readingMs = 360_000;

const reading = (what: 'all' | 'domains', paths: readonly string[]): ReadProgram<ServerSeen> =>
  readProgram({
    text: observeText,
    args: [what, ...paths],
    deadlineMs: readingMs,
    decode: (answer: Uint8Array, nonce: string): ServerSeen | Unknown => decode(answer, nonce, paths),
  });

export const xl: Toolstack = { name: 'xl', reading, lower, rescue, commands, memoryNeed };

export { pathsOf } from './lower.ts';
export { observeText } from './observe.ts';
