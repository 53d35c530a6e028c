/** The room's door: what carries a plan out, how that ended, and where its events may go. */
export { openEventsFile, type EventsFile } from './events-file.ts';
export { execute } from './execute.ts';
export { exitCode, type Outcome } from './outcome.ts';
export type { World } from './world.ts';
