/** What goes into a server's journal, when it is written, and what is said where it is not. */
import { expect, test } from 'vitest';
import { openJournal, type Journal } from '../../../src/apply/journal.ts';
import type { Why } from '../../../src/apply/outcome.ts';
import type { World } from '../../../src/apply/world.ts';
import type { Event } from '../../../src/core/event.ts';
import type { Control, ExecResult } from '../../../src/core/port.ts';
import type { Plan } from '../../../src/kinds/plan.ts';
import { parseEntry, type JournalEntry } from '../../../src/kinds/server/journal.ts';
import { empty } from '../report/plans.ts';
import { unknown } from './fake-control.ts';
import { operation, start, vcpus } from './plans.ts';

interface Answers {
  readonly file?: Awaited<ReturnType<Control['file']>>;
  readonly start?: Awaited<ReturnType<Control['start']>>;
  readonly wait?: Awaited<ReturnType<Control['wait']>>;
}
const fine: ExecResult = { rc: 0, out: '', err: '' };

/** Only what a journal needs of a run; `written`: the lines of each time, `commands`: their ids, by server. */
const opened = (answers: Answers = {}, more: Partial<Plan> = {}) => {
  const written: (readonly (JournalEntry | null)[])[] = [];
  const commands: string[] = [];
  const brought = new Map<string, string>();
  const now = { ms: Date.UTC(2026, 0, 1) };
  const world = {
    clock: { now: () => now.ms },
    control: {
      file: async (server, step) => {
        if (step.do === 'write') brought.set(server, new TextDecoder().decode(step.bytes));
        return answers.file ?? 'done';
      },
      start: async (server, id) => {
        commands.push(`${server} ${id}`);
        const lines = (brought.get(server) ?? '').split('\n');
        written.push(lines.slice(0, -1).map(parseEntry));
        return answers.start ?? 'started';
      },
      wait: async () => answers.wait ?? fine,
    } satisfies Partial<Control>,
    who: { who: 'ann', from: 'desk', since: '', epoch: 'e1' },
    origin: { commit: 'c0ffee', dirty: true, plan: null },
    secrets: new Map([['env:P', 'hunter2']]),
  } as unknown as World;
  const operations = [operation(start('a', 'dom1')), operation(start('b', 'dom2')), operation(vcpus('a', 'dom1', 2))];
  return { journal: openJournal({ ...empty, tool: '1.2.3', operations, ...more }, world), written, commands, now };
};

const at = new Date(Date.UTC(2026, 0, 1)).toISOString();
const done = (op: string): Event => ({ ev: 'done', at, op, ms: 5 });
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const nobody = new Map<string, Why>();
const ends = async (journal: Journal, shut = nobody) => {
  await journal.end(shut);
  return journal.unwritten();
};

test('an operation that ended, with who, when and from what; one that was skipped is none', async () => {
  const { journal, written, commands } = opened();
  journal.tell({ ev: 'started', at: '2025-12-31T23:59:00.000Z', op: 'a/start' });
  journal.tell({ ev: 'progress', at, op: 'a/start', text: 'xl create' });
  journal.tell(done('a/start'));
  journal.tell({ ev: 'skipped', at, op: 'b/start', code: 'cancelled', why: 'it needs a' });
  expect(await ends(journal)).toEqual([]);
  expect(commands).toEqual(['dom1 journal-0']);
  expect(written).toEqual([
    [
      {
        at: '2025-12-31T23:59:00.000Z',
        ms: 5,
        server: 'dom1',
        op: 'a/start',
        verb: 'start',
        subject: 'vm/a',
        result: 'done',
        code: null,
        why: null,
        who: 'ann@desk',
        run: 'e1',
        commit: 'c0ffee',
        dirty: true,
        plan: null,
        reeve: '1.2.3',
      },
    ],
  ]);
});

test('of a failure the first line, without secrets and not endless', async () => {
  const { journal, written } = opened();
  journal.tell({
    ev: 'failed',
    at,
    op: 'a/start',
    ms: 5,
    code: 'command-failed',
    why: `hunter2 is ${'x'.repeat(400)}\nmore`,
  });
  await ends(journal);
  expect(written[0]?.[0]).toMatchObject({ result: 'failed', code: 'command-failed' });
  const why = written[0]?.[0]?.why ?? '';
  expect(why).toMatch(/^\*\*\* is x+…$/);
  expect(why.length).toBeLessThan(310);
});

test('lines are gathered, and written before the end by what ends a minute after the first', async () => {
  const { journal, written, commands, now } = opened();
  journal.tell(done('a/start'));
  now.ms += 59_000;
  journal.tell(done('b/start'));
  await settled();
  expect(commands).toEqual([]);
  now.ms += 2000;
  journal.tell(done('a/set-vcpus'));
  await settled();
  expect(commands).toEqual(['dom1 journal-0']);
  expect(written[0]?.map((e) => e?.op)).toEqual(['a/start', 'a/set-vcpus']);
  await ends(journal);
  expect(commands).toEqual(['dom1 journal-0', 'dom2 journal-1']);
});

test('so many that they would be too long for one are written in parts', async () => {
  const { journal, written } = opened();
  for (let i = 0; i < 400; i++) journal.tell(done('a/start'));
  await ends(journal);
  expect(written.length).toBeGreaterThan(1);
  expect(written.flat()).toHaveLength(400);
});

test.each<[string, Answers, string]>([
  ['another run', { file: 'fenced' }, 'another run took the server over'],
  ['another run, a step later', { start: 'fenced' }, 'another run took the server over'],
  ['a folder that is not there', { file: { is: 'failed', why: 'dom1: no folder' } }, 'dom1: no folder'],
  ['no answer', { start: unknown('dom1: gone') }, 'dom1: gone'],
  ['no result', { wait: 'lost' }, 'what came of writing it was lost'],
  [
    'a full disk',
    { wait: { rc: 1, out: '', err: 'cat: write error: No space left\n' } },
    'cat: write error: No space left',
  ],
  ['no word', { wait: { rc: 2, out: '', err: '' } }, 'exit code 2'],
])('%s: said once, and not tried again', async (_, answers, why) => {
  const { journal, commands, now } = opened(answers);
  for (const op of ['a/start', 'a/set-vcpus']) {
    journal.tell(done(op));
    now.ms += 61_000;
  }
  expect(await ends(journal)).toEqual([{ server: 'dom1', why }]);
  expect(commands.length).toBeLessThan(2);
});

test('what cannot be reached any more is not tried', async () => {
  const { journal, commands } = opened();
  journal.tell(done('a/start'));
  journal.tell(done('b/start'));
  expect(
    await ends(journal, new Map([['dom1', { code: 'unreachable', why: 'dom1 does not answer' } as const]])),
  ).toEqual([{ server: 'dom1', why: 'dom1 does not answer' }]);
  expect(commands).toEqual(['dom2 journal-0']);
});

test('a run that does not wait for it says so', () => {
  const { journal } = opened();
  journal.tell(done('a/start'));
  const why = 'the run left before it was written';
  expect(journal.unwritten()).toEqual([{ server: 'dom1', why }]);
  void journal.end(nobody);
  expect(journal.unwritten()).toEqual([{ server: 'dom1', why }]);
});

test('a fence stands in the journal of the first server that starts something of the lost one', async () => {
  const fences = [{ server: 'dom9', off: 'off', status: 'status', operations: ['b/start'] }];
  const { journal, written, commands } = opened({}, { fences });
  journal.tell({ ev: 'fencing', at, server: 'dom9', command: 'off' });
  journal.tell({ ev: 'fenced', at, server: 'dom9', ms: 3000, how: 'powered off by off' });
  journal.tell({
    ev: 'fence-failed',
    at,
    server: 'dom9',
    ms: 10,
    code: 'fence-failed',
    why: 'it is not known to be down',
  });
  await ends(journal);
  expect(commands).toEqual(['dom2 journal-0']);
  expect(written[0]?.map((e) => [e?.op, e?.verb, e?.subject, e?.result, e?.code, e?.why, e?.ms])).toEqual([
    ['dom9/fence', 'fence', 'server/dom9', 'done', null, 'powered off by off', 3000],
    ['dom9/fence', 'fence', 'server/dom9', 'failed', 'fence-failed', 'it is not known to be down', 10],
  ]);
});
