/** A run that decides over a change draws the same random cases each time; anybody else's run draws new ones. */
import * as fc from 'fast-check';

if (process.env['CI'] !== undefined) fc.configureGlobal({ seed: 20261122 });
