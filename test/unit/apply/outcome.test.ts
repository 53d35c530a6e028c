/** The exit code of every way a run can end. */
import { expect, test } from 'vitest';
import { exitCode, type Outcome } from '../../../src/apply/outcome.ts';

const nothing: Outcome = { done: [], failed: [], skipped: [], detached: [], cancelled: false };
const x = [{ id: 'x', code: 'cancelled', why: '' }] as const;

test.each<[string, Partial<Outcome>, number]>([
  ['nothing to do', {}, 0],
  ['all done', { done: ['a'] }, 0],
  ['all done when the cancel came', { done: ['a'], cancelled: true }, 0],
  ['stale', { skipped: x, stale: [{ subject: 'a', server: 'dom1', code: 'object-changed', why: '' }] }, 6],
  ['done in part', { done: ['a'], failed: x }, 7],
  ['a part skipped', { done: ['a'], skipped: x }, 7],
  ['nothing done', { failed: x }, 1],
  ['everything skipped', { skipped: x }, 1],
  ['cancelled', { done: ['a'], skipped: x, cancelled: true }, 130],
  ['detached', { detached: x, cancelled: true }, 130],
])('%s', (_, outcome, code) => {
  expect(exitCode({ ...nothing, ...outcome })).toBe(code);
});
