/** One step under a server's lock: what keeps it from being done, for programs and for people, and what the journal says of it. */
import { expect, test } from 'vitest';
import { errandsOf, type ErrandWorld } from '../../../src/apply/errand.ts';
import { keepHeld } from '../../../src/apply/kept.ts';
import type { FileStep } from '../../../src/core/step.ts';
import { fakeControl, fakeToolstack, unknown, virtualClock, type FakeOptions } from './fake-control.ts';

const by = { who: 'ann', from: 'desk', since: '2026-01-01T00:00:00Z', epoch: 'e' };
const write: FileStep = {
  do: 'write',
  path: '/etc/reeve/roll.json',
  bytes: new Uint8Array(),
  mode: 0o644,
  onlyIf: 'any',
};
const server = { servers: { dom1: {} } };
const world = (options: FakeOptions, more: Partial<ErrandWorld> = {}): ErrandWorld => {
  const clock = virtualClock();
  return {
    control: fakeControl(clock, options),
    toolstack: fakeToolstack,
    clock,
    who: by,
    tool: '0',
    origin: undefined,
    identify: (_, seen) => seen,
    ...more,
  };
};

test('done', async () => {
  expect(await errandsOf(world(server)).run('dom1', 'roll', write)).toBeNull();
});

test.each<[string, FakeOptions, FileStep, object]>([
  [
    'held',
    { ...server, hold: { dom1: { is: 'busy', by } } },
    write,
    { code: 'server-held', why: 'dom1 is held by ann, since 2026-01-01T00:00:00Z, from desk' },
  ],
  ['unreachable', { ...server, hold: { dom1: unknown('no', 'unreachable') } }, write, { code: 'unreachable' }],
  ['failed', { ...server, fault: () => ({ rc: 1, err: 'No space' }) }, write, { code: 'file-failed', why: 'No space' }],
  ['lost', { ...server, fault: () => unknown('gone') }, write, { code: 'lost' }],
  ['taken over', { ...server, fault: () => 'fenced' }, write, { code: 'taken-over' }],
  ['changed', server, { ...write, onlyIf: 'sha256:0' }, { code: 'file-changed' }],
])('%s', async (_, options, step, expected) => {
  expect(await errandsOf(world(options)).run('dom1', 'roll', step)).toMatchObject(expected);
});

test('nothing is done to a machine that is another server', async () => {
  const done: string[] = [];
  const options: FakeOptions = {
    ...server,
    fault: ([word = '']) => {
      done.push(word);
      return undefined;
    },
  };
  const identify = () => unknown('it is dom2 of pool p', 'wrong-machine');
  expect(await errandsOf(world(options, { identify })).run('dom1', 'roll', write)).toMatchObject({
    code: 'wrong-machine',
    why: 'it is dom2 of pool p',
  });
  expect(done).toEqual([]);
});

test('locks that are kept count as held for plan after plan, and no two of them give a command one id', async () => {
  const ids: string[] = [];
  const holds: string[] = [];
  const control = fakeControl(virtualClock(), server);
  let epochs = 0;
  const kept = keepHeld(
    {
      ...control,
      hold: async (name, who) => {
        holds.push(`${name} ${who.epoch}`);
        return { is: 'held' };
      },
      start: async (_, id) => {
        ids.push(id);
        return 'started';
      },
    },
    () => ({ ...by, epoch: `e${epochs++}` }),
  );
  expect((await kept.control.hold('dom1', by)).is).toBe('busy');
  await kept.take('dom1');
  for (const id of ['3-web.migrate.0', '3-web.migrate.0', 'journal-0']) {
    expect((await kept.control.hold('dom1', by)).is).toBe('held');
    await kept.control.start('dom1', id, { do: 'exec', argv: ['true'], deadlineMs: 1 });
    await kept.control.release();
  }
  expect([holds, ids]).toEqual([['dom1 e0'], ['3-web.migrate.0', '100003-web.migrate.0', '200000-journal-0']]);
});
