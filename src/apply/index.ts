/** The room's door: what carries a plan out, how that ended, where its events may go, and single steps outside of a plan. */
export { errandsOf, type Errands, type Undone } from './errand.ts';
export { keepHeld, type Kept } from './kept.ts';
export { openEventsFile, type EventsFile } from './events-file.ts';
export { execute } from './execute.ts';
export { exitCode, type Outcome } from './outcome.ts';
export type { World } from './world.ts';
