/** `reeve history`: the journals of all servers as one, by the reading program alone. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { sinceWhen } from '../../../src/cli/history.ts';
import { run } from '../../../src/cli/program.ts';
import {
  journalBytes,
  journalLine,
  journalPath,
  olderPath,
  type JournalEntry,
} from '../../../src/kinds/server/journal.ts';
import type { History } from '../../../src/report/history.ts';
import { fakeShell } from './shell.ts';

let farm: DemoFarm;
beforeAll(async () => {
  farm = await startDemoFarm(Infinity, 'history', true);
  await farm.describe('  {}\n');
});
afterAll(() => farm.close());

const now = Date.parse('2026-01-02T12:00:00Z');
const reeve = async (...argv: readonly string[]) => {
  const heard = fakeShell({ home: farm.folder, now: () => now });
  const code = await run(argv, heard.shell);
  return { code, out: heard.out(), err: heard.err() };
};
const asked = async (...argv: readonly string[]): Promise<History> =>
  JSON.parse((await reeve('history', ...argv, farm.path, '--json')).out) as History;

const at = (time: string, op: string, more: Partial<JournalEntry> = {}): string =>
  journalLine({
    at: `2026-01-02T${time}Z`,
    ms: 1500,
    server: 'old-name',
    op,
    verb: op.split('/')[1] ?? '',
    subject: `vm/${op.split('/')[0]}`,
    result: 'done',
    code: null,
    why: null,
    who: 'ann@desk',
    run: '00ff',
    commit: '0123456789abcdef0123456789abcdef01234567',
    dirty: false,
    plan: null,
    reeve: '0.1.0',
    ...more,
  });
const keep = async (server: string, path: string, ...lines: readonly string[]): Promise<void> => {
  await farm.sim.hand(server, ['mkdir', '-p', '/var/log/reeve']);
  farm.sim.files(server).write(path, lines.map((l) => `${l}\n`).join(''));
};

describe('of three servers', () => {
  beforeAll(async () => {
    await keep('dom01', olderPath, at('01:00:00', 'web/define', { dirty: true }));
    await keep(
      'dom01',
      journalPath,
      at('03:00:00', 'web/migrate/dom02'),
      at('04:00:00', 'db/start', {
        result: 'failed',
        code: 'command-failed',
        ms: 92_000,
        why: 'xl create failed: \u001B[31mno memory',
      }),
      '{"at":"2026-01-02T05:0',
      'a hand wrote this',
    );
    await keep('dom02', journalPath, at('02:00:00', 'mail/start', { commit: null, plan: `sha256:${'ab'.repeat(32)}` }));
  });

  test('one table, newest last, with what failed and why', async () => {
    const { code, out } = await reeve('history', farm.path);
    expect(code).toBe(0);
    expect(out).toBe(`  WHEN                  SERVER  OPERATION                TOOK  RESULT  WHO       FROM
  2026-01-02 01:00:00Z  dom01   web/define              1.5 s  done    ann@desk  0123456789+
  2026-01-02 02:00:00Z  dom02   mail/start              1.5 s  done    ann@desk  plan ababababab
  2026-01-02 03:00:00Z  dom01   web/migrate/dom02       1.5 s  done    ann@desk  0123456789
  2026-01-02 04:00:00Z  dom01   db/start           1 min 32 s  failed  ann@desk  0123456789
      ! xl create failed: \\u001b[31mno memory (command-failed)

4 operations, 1 failed; 3 servers; 2 broken lines left out.
`);
  });

  test('of one VM, of one server, since a moment', async () => {
    const ops = async (...argv: readonly string[]): Promise<readonly string[]> =>
      (await asked(...argv)).operations.map((e) => e.op);
    expect(await ops('web')).toEqual(['web/define', 'web/migrate/dom02']);
    expect(await ops('gone')).toEqual([]);
    expect(await ops('--server', 'dom02')).toEqual(['mail/start']);
    expect(await ops('--since', '9h')).toEqual(['web/migrate/dom02', 'db/start']);
    expect(await ops('db', '--since', '2026-01-02T03:30')).toEqual(['db/start']);
    expect((await reeve('history', 'gone', farm.path)).out).toContain('Nothing that was done to gone is in');
    expect((await reeve('history', '--server', 'dom09', farm.path)).err).toContain('no server is named dom09');
  });

  test('as data, a line under the name of the server that has it', async () => {
    const { servers, operations, ...head } = await asked('web', '--since', '2026-01-02');
    expect(head).toEqual({
      format: 'reeve-history/1',
      tool: '0.1.0',
      farm: 'demo',
      vm: 'web',
      since: '2026-01-02T00:00:00.000Z',
    });
    expect(servers.map((s) => [s.name, s.state, s.broken])).toEqual([
      ['dom01', 'read', 2],
      ['dom02', 'read', 0],
      ['dom03', 'read', 0],
    ]);
    expect(operations[0]).toMatchObject({ server: 'dom01', run: '00ff', dirty: true });
  });

  test('reads by the reading program alone', async () => {
    const counts = () => ['dom01', 'dom02', 'dom03'].map((s) => ({ ...farm.sim.counts.get(s)?.commands }));
    const before = counts();
    const { code } = await reeve('history', farm.path);
    expect(code).toBe(0);
    expect(counts()).toEqual(before.map((c) => ({ ...c, observe: (c.observe ?? 0) + 1 })));
    expect(before).toEqual(before.map(({ observe }) => ({ observe, hold: 0, op: 0, wait: 0, write: 0 })));
  });

  test('a server that is not read is said, and exit code 4; one that is off is not asked', async () => {
    await farm.sim.faults('dom02').refuse(true);
    const { code, out } = await reeve('history', farm.path);
    expect(code).toBe(4);
    expect(out).toContain('\nNot read\n  dom02: ');
    expect(out).toContain('3 operations, 1 failed; 3 servers, 1 unread;');
    await farm.describe('  {}\n', { dom02: 'off' });
    expect((await reeve('history', farm.path)).code).toBe(0);
    await farm.describe('  {}\n');
    await farm.sim.faults('dom02').refuse(false);
  });

  test('the journal of a machine that is not the server is nobody’s', async () => {
    await farm.sim.hand('dom02', ['mkdir', '-p', '/etc/reeve']);
    farm.sim.files('dom02').write('/etc/reeve/pool.json', '{}');
    const { servers, operations } = await asked();
    expect(servers[1]).toMatchObject({ name: 'dom02', state: 'unread', why: expect.stringContaining('pool.json') });
    expect(operations.map((e) => e.server)).not.toContain('dom02');
    await farm.sim.hand('dom02', ['rm', '/etc/reeve/pool.json']);
  });

  test('journals as long as they get', async () => {
    const lines = Array.from({ length: Math.floor(journalBytes / 330) }, (_, i) =>
      at(`06:00:00.${String(i).padStart(3, '0')}`.slice(0, 12), 'mail/start'),
    );
    await keep('dom02', journalPath, ...lines);
    await keep('dom02', olderPath, ...lines);
    expect((await asked('mail')).operations).toHaveLength(lines.length * 2);
  });
});

test('what `apply` wrote', async () => {
  const vm = '  web: { profile: small, server: dom03, disks: { xvda: { repository: vmstore, size: 1GiB } } }\n';
  await farm.describe(vm);
  const heard = fakeShell({ home: farm.folder });
  expect(await run(['apply', '--yes', farm.path], heard.shell)).toBe(0);
  const { operations } = await asked('web', '--server', 'dom03');
  expect(operations.map((e) => [e.op, e.result])).toContainEqual(['web/start', 'done']);

  // Where the look at it does not end, nobody is told that this is all.
  await farm.sim.hand('dom03', ['ln', '-s', '/srv/vmstore/disks', olderPath]);
  farm.sim.export('filer:/export/vmstore').dead(true);
  const { code, out } = await reeve('history', 'web', farm.path);
  expect([code, out]).toEqual([4, expect.stringContaining('dom03: its journal could not be read to the end')]);
});

test.each([
  ['90m', { ago: 5_400_000 }],
  ['7d', { ago: 604_800_000 }],
  ['2026-01-31', { at: Date.parse('2026-01-31T00:00Z') }],
  ['2026-01-31T12:30:05+02:00', { at: Date.parse('2026-01-31T10:30:05Z') }],
  ['2026-01-31 12:30', { at: Date.parse('2026-01-31T12:30Z') }],
])('--since %s', (text, when) => {
  expect(sinceWhen(text)).toEqual(when);
});

test.each(['', '7', '7w', '2026-13-01', 'yesterday', '2026-01-31T99:00'])('--since %j is no time', (text) => {
  expect(() => sinceWhen(text)).toThrow('it is no time');
});
