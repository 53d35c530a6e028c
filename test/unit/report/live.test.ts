import { describe, expect, test } from 'vitest';
import type { Event } from '../../../src/core/event.ts';
import { applySummary, type Ended } from '../../../src/report/ending.ts';
import { atStart, columnsOf, eventLine, liveLines, next } from '../../../src/report/live.ts';
import { colors } from '../../../src/report/text.ts';
import { troubled, usual } from './plans.ts';

const at = '2026-05-01T12:00:00.000Z';
const t0 = Date.parse(at);
const columns = columnsOf(usual);
const view = { columns, now: t0 + 12_000, width: 60, height: 10, color: false };

const events: readonly Event[] = [
  { ev: 'held', at, server: 'dom01' },
  { ev: 'started', at, op: 'web-1/set-memory' },
  { ev: 'started', at, op: 'db-1/restart' },
  { ev: 'progress', at, op: 'db-1/restart', text: 'xl shutdown -w db-1 with some more words than fit' },
  { ev: 'done', at, op: 'web-1/set-memory', ms: 1800 },
  { ev: 'failed', at, op: 'web-1/move-nic/eth0', ms: 300, code: 'command-failed', why: 'ip: no such device' },
  { ev: 'skipped', at, op: 'web-4/start', code: 'need-failed', why: 'it needs web-4/define, which failed' },
];

describe('events as lines', () => {
  test('what happened stays, what goes on does not', () => {
    const lines = events.map((e) => eventLine(e, columns, colors(false)));
    expect(lines).toEqual([
      null,
      null,
      'db-1   restart        started: about 25 s down',
      null,
      'web-1  set-memory     done in 1.8 s',
      'web-1  move-nic eth0  failed after 0.3 s: ip: no such device',
      'web-4  start          skipped: it needs web-4/define, which failed',
    ]);
  });
});

describe('the live view', () => {
  const state = events.reduce(next, atStart);

  test('shows what runs, for how long, cut to the terminal', () => {
    const lines = liveLines(state, usual, view);
    expect(lines).toEqual([
      '⠋ db-1   restart        12 s  xl shutdown -w db-1 with some…',
      '  3 of 6 operations ended, 1 failed, 2 waiting',
    ]);
  });

  test('never outgrows the terminal', () => {
    const many = usual.operations.reduce((s, o) => next(s, { ev: 'started', at, op: o.id }), atStart);
    const lines = liveLines(many, usual, { ...view, height: 5 });
    expect(lines).toHaveLength(4);
    expect(lines[2]).toBe('  … and 4 more');
  });

  test('says that it waits for locks', () => {
    expect(liveLines(next(atStart, { ev: 'held', at, server: 'dom01' }), usual, view)).toEqual([
      '⠋ taking the locks: 1 server held',
    ]);
  });
});

describe('the words at the end', () => {
  const ids = usual.operations.map((o) => o.id);
  const options = { ms: 41_000, color: false, width: 80, from: ['farm.yaml'] };
  const none = { done: [], failed: [], skipped: [], detached: [], cancelled: false };

  test('all done is one line', () => {
    expect(applySummary(usual, { ...none, done: ids }, options)).toBe('Applied 6 operations in 41 s.\n');
  });

  test('a failure: what, why, what was skipped, what to do', async () => {
    const end: Ended = {
      ...none,
      done: ids.slice(0, 3),
      failed: [
        {
          id: 'web-4/define',
          code: 'file-failed',
          why: '/etc/xen/web-4.cfg: No space left on device',
          help: 'make room on dom02',
        },
      ],
      skipped: [
        { id: 'web-4/autostart', code: 'need-failed', why: 'it needs web-4/define, which failed' },
        { id: 'web-4/start', code: 'need-failed', why: 'it needs web-4/define, which failed' },
      ],
    };
    await expect(applySummary(usual, end, options)).toMatchFileSnapshot('../../golden/report/apply-failed.txt');
  });

  test('what was destroyed, refused, left waiting and not read is named, with the next command', async () => {
    const end: Ended = {
      ...none,
      done: troubled.operations.map((o) => o.id),
      warnings: [
        {
          id: troubled.operations[0]?.id ?? '',
          code: 'guest-destroyed',
          why: 'it did not shut down within 2 min, and was destroyed',
        },
      ],
    };
    await expect(applySummary(troubled, end, options)).toMatchFileSnapshot('../../golden/report/apply-left.txt');
  });

  test('a cancelled run', async () => {
    const end: Ended = {
      ...none,
      done: ids.slice(0, 2),
      skipped: ids.slice(3).map((id) => ({ id, code: 'cancelled', why: 'the run was cancelled before it began' })),
      detached: [{ id: 'db-1/restart', code: 'detached', why: 'left on dom03 at: xl shutdown -w db-1' }],
      cancelled: true,
    };
    await expect(applySummary(usual, end, options)).toMatchFileSnapshot('../../golden/report/apply-cancelled.txt');
  });

  test('a stale plan changes nothing and says what differs', () => {
    const stale = [
      { server: 'dom01', code: 'object-changed', why: 'web-1 on dom01: memory was 1GiB of 2GiB, is 768MiB of 2GiB' },
    ] as const;
    expect(applySummary(usual, { ...none, stale }, options)).toBe(
      'The farm is not as it was when the plan was made:\n' +
        '  web-1 on dom01: memory was 1GiB of 2GiB, is 768MiB of 2GiB\n      (object-changed)\n\n' +
        'Nothing was changed. Plan again, look at what is new, and apply that:\n  reeve plan farm.yaml\n',
    );
  });
});
