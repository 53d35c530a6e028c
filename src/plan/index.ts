/** (desired, observed, options) → plan: pure, without clock, I/O or randomness. The same input gives the same bytes. */
import type { Farm } from '../kinds/farm.ts';
import type { Plan, PlanOptions } from '../kinds/plan.ts';
import type { Observed } from '../kinds/server/live.ts';
import { planWith } from './views/target-help.ts';
import type { Tools } from './model/planner-inputs.ts';

export { accountOf } from './views/explain-vm.ts';
export { balanced, balanceOf } from './place/rebalance.ts';
export { stale } from './document/staleness.ts';
export { match, type Found, type Matched } from './match/match.ts';
export { hadIn } from './storage/disk-usage.ts';
export { pathsToRead, strayPaths } from './model/paths-to-read.ts';
export { unaskedPaths } from './model/paths-unasked.ts';
export { planRoll } from './views/roll-plan.ts';
export { drainOf, returnOf, runningOf, startsOf, type RollOrder } from './views/roll.ts';
export { rollIn } from './model/under-roll.ts';
export { releasePlan } from './views/release.ts';
export { sharersOf, standingOf, type Standing } from './storage/repository-state.ts';
export { planWith } from './views/target-help.ts';
export { defaultOptions, type Tools } from './model/planner-inputs.ts';

export const makePlan = (farm: Farm, observed: Observed, options: PlanOptions, tools: Tools): Plan =>
  planWith(farm, observed, options, tools).plan;
