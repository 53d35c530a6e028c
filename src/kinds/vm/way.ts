/** The pieces that the tables of ways are made of. */
import type { Way } from '../../core/change.ts';

/** Cheapest first, never empty. */
export type Ways = readonly [Way, ...Way[]];

export const configure: Way = { how: 'configure', disruption: 'none', why: 'only the cfg is written' };

export const restart = (why: string): Way => ({ how: 'restart', disruption: 'restart', why });

/** The way, marked as forbidden where there is a reason. */
export const unless = (way: Way, illegal: string | null): Way => (illegal === null ? way : { ...way, illegal });
