/** Notes each file of tests during which the emulation broke a guest; `run.mjs` reads that. */
import { appendFileSync } from 'node:fs';
import { afterAll, expect } from 'vitest';
import { brokenGuests } from './farm.ts';

const notes = process.env['REEVE_LAB_FAULTS'];
const before = brokenGuests();

afterAll(() => {
  if (notes !== undefined && brokenGuests() > before) appendFileSync(notes, `${expect.getState().testPath}\n`);
});
