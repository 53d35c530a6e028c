/** One step under a server's lock: what keeps it from being done, for programs and for people. */
import { expect, test } from 'vitest';
import { errand } from '../../../src/apply/errand.ts';
import type { FileStep } from '../../../src/core/step.ts';
import { fakeControl, unknown, virtualClock, type FakeOptions } from './fake-control.ts';

const by = { who: 'ann', from: 'desk', since: '2026-01-01T00:00:00Z', epoch: 'e' };
const write: FileStep = {
  do: 'write',
  path: '/etc/reeve/roll.json',
  bytes: new Uint8Array(),
  mode: 0o644,
  onlyIf: 'any',
};
const server = { servers: { dom1: {} } };

test('done', async () => {
  expect(await errand(fakeControl(virtualClock(), server), 'dom1', by, 'roll', write)).toBeNull();
});

test.each<[string, FakeOptions, FileStep, object]>([
  ['held', { ...server, hold: { dom1: { is: 'busy', by } } }, write, { code: 'server-held', why: 'it is held by ann' }],
  ['unreachable', { ...server, hold: { dom1: unknown('no', 'unreachable') } }, write, { code: 'unreachable' }],
  ['failed', { ...server, fault: () => ({ rc: 1, err: 'No space' }) }, write, { code: 'file-failed', why: 'No space' }],
  ['lost', { ...server, fault: () => unknown('gone') }, write, { code: 'lost' }],
  ['taken over', { ...server, fault: () => 'fenced' }, write, { code: 'taken-over' }],
  ['changed', server, { ...write, onlyIf: 'sha256:0' }, { code: 'file-changed' }],
])('%s', async (_, options, step, expected) => {
  const undone = await errand(fakeControl(virtualClock(), options), 'dom1', by, 'roll', step);
  expect(undone).toMatchObject(expected);
});
