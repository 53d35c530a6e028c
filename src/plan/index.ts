/** (desired, observed, options) → plan: pure, without clock, I/O or randomness. The same input gives the same bytes. */
import type { Farm } from '../kinds/farm.ts';
import type { Plan, PlanOptions } from '../kinds/plan.ts';
import type { Observed } from '../kinds/server/live.ts';
import { planWith } from './targeted.ts';
import type { Tools } from './tools.ts';

export { accountOf } from './account.ts';
export { balanced, balanceOf } from './balance.ts';
export { stale } from './digest.ts';
export { match, type Found, type Matched } from './match.ts';
export { hadIn } from './orphans.ts';
export { pathsToRead, strayPaths } from './paths.ts';
export { releasePlan } from './release.ts';
export { sharersOf, standingOf, type Standing } from './stores.ts';
export { planWith } from './targeted.ts';
export { defaultOptions, type Tools } from './tools.ts';

export const makePlan = (farm: Farm, observed: Observed, options: PlanOptions, tools: Tools): Plan =>
  planWith(farm, observed, options, tools).plan;
