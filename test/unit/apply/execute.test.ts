/** `execute` against dom0s in memory: order, limits, failures, locks, staleness and cancelling. */
import { describe, expect, test } from 'vitest';
import { exitCode } from '../../../src/apply/outcome.ts';
import { domainOf, fakeToolstack, recordOf, unknown, type FakeControl, type Trace } from './fake-control.ts';
import { attachNic, define, operation, pause, restart, run, start, stop, vcpus } from './plans.ts';

const mac = '02:5a:7c:00:00:01';

/** `begin create web` … of one server, in order of time. */
const story = (control: FakeControl, server?: string): readonly string[] =>
  control.trace.filter((t) => server === undefined || t.server === server).map((t) => `${t.what} ${t.argv.join(' ')}`);

/** The most commands that ran at once among those that `which` picks. */
const mostAtOnce = (trace: readonly Trace[], which: (t: Trace) => boolean): number => {
  let now = 0;
  let most = 0;
  for (const t of trace.filter(which)) {
    now += t.what === 'begin' ? 1 : -1;
    most = Math.max(most, now);
  }
  return most;
};

const names = (n: number): readonly string[] => Array.from({ length: n }, (_, i) => `vm${i}`);

describe('the graph', () => {
  test('a VM is defined, then started', async () => {
    const { outcome, events, control } = await run(
      [operation(define('web', 'dom1')), operation(start('web', 'dom1'), ['web/define'])],
      { servers: { dom1: {} } },
    );
    expect(outcome).toEqual({
      done: ['web/define', 'web/start'],
      failed: [],
      skipped: [],
      detached: [],
      cancelled: false,
    });
    expect(exitCode(outcome)).toBe(0);
    expect(events.map((e) => ('op' in e ? `${e.ev} ${e.op}` : `${e.ev} ${e.server}`))).toEqual([
      'held dom1',
      'started web/define',
      'progress web/define',
      'done web/define',
      'started web/start',
      'progress web/start',
      'done web/start',
    ]);
    expect(control.seen.get('dom1')?.domains.map((d) => d.name)).toEqual(['web']);
    expect(control.released).toBe(true);
  });

  test('an empty plan is done at once', async () => {
    const { outcome, control } = await run([], { servers: {} });
    expect(exitCode(outcome)).toBe(0);
    expect(control.reads).toEqual([]);
  });

  test('creates take turns on a server and run at the same time on different ones', async () => {
    const operations = ['dom1', 'dom2'].flatMap((s) => names(3).map((vm) => operation(start(`${vm}-${s}`, s))));
    const { outcome, control } = await run(operations, { servers: { dom1: {}, dom2: {} }, takes: () => 8000 });
    expect(outcome.done).toHaveLength(6);
    expect(mostAtOnce(control.trace, (t) => t.server === 'dom1')).toBe(1);
    expect(mostAtOnce(control.trace, (t) => t.server === 'dom2')).toBe(1);
    expect(mostAtOnce(control.trace, () => true)).toBe(2);
  });

  test('hot changes run at the same time, eight on a server', async () => {
    const vms = names(12);
    const { outcome, control } = await run(
      vms.map((vm) => operation(vcpus(vm, 'dom1', 2))),
      { servers: { dom1: { domains: vms.map((vm) => domainOf(vm)) } }, takes: () => 5000 },
    );
    expect(outcome.done).toHaveLength(12);
    expect(mostAtOnce(control.trace, () => true)).toBe(8);
  });

  test('one operation at a time touches a VM', async () => {
    const { outcome, control } = await run(
      [operation(vcpus('a', 'dom1', 2)), operation(attachNic('a', 'dom1', mac)), operation(vcpus('b', 'dom1', 2))],
      { servers: { dom1: { domains: [domainOf('a'), domainOf('b')] } } },
    );
    expect(outcome.done).toHaveLength(3);
    expect(mostAtOnce(control.trace, (t) => t.argv[1] === 'a')).toBe(1);
    expect(mostAtOnce(control.trace, () => true)).toBe(2);
  });

  test('operations that look at the same moment share a reading', async () => {
    const vms = names(8);
    const { control } = await run(
      vms.map((vm) => operation(vcpus(vm, 'dom1', 2))),
      { servers: { dom1: { domains: vms.map((vm) => domainOf(vm)) } }, pathsOf: (op) => [`/${op.name}`] },
    );
    expect(control.reads[0]).toBe('dom1 all');
    expect(control.reads[1]).toBe(`dom1 domains ${vms.map((vm) => `/${vm}`).join(' ')}`);
    expect(control.reads).toHaveLength(3);
  });

  test('a failure skips what needs it, all the way, and nothing else', async () => {
    const { outcome } = await run(
      [
        operation(start('a', 'dom1')),
        operation(vcpus('a', 'dom1', 2), ['a/start']),
        operation(stop('a', 'dom1'), ['a/set-vcpus']),
        operation(start('b', 'dom1')),
      ],
      { servers: { dom1: {} }, fault: (argv) => (argv[1] === 'a' ? { rc: 3, err: 'no\n' } : undefined) },
    );
    expect(outcome.done).toEqual(['b/start']);
    expect(outcome.failed).toEqual([
      { id: 'a/start', code: 'command-failed', why: 'create a failed (exit code 3): no' },
    ]);
    expect(outcome.skipped).toEqual([
      { id: 'a/set-vcpus', code: 'need-failed', why: 'it needs a/start, which failed' },
      { id: 'a/stop', code: 'need-skipped', why: 'it needs a/set-vcpus, which was skipped' },
    ]);
    expect(exitCode(outcome)).toBe(7);
  });

  test('one that was taken down and cannot be brought up stops its lane, and those that are down come up all the same', async () => {
    const inLane = { lane: 'restarts of p' };
    const { outcome } = await run(
      [
        operation(start('x', 'dom2')),
        operation(stop('a', 'dom1'), [], inLane),
        operation(stop('b', 'dom1'), [], inLane),
        operation(start('a', 'dom2'), ['a/stop', 'x/start'], inLane),
        operation(start('b', 'dom1'), ['b/stop'], inLane),
        operation(stop('c', 'dom1'), ['b/start'], inLane),
        operation(start('c', 'dom1'), ['c/stop'], inLane),
      ],
      {
        servers: { dom1: { domains: ['a', 'b', 'c'].map((vm) => domainOf(vm)) }, dom2: {} },
        fault: (argv) => (argv[0] === 'create' && argv[1] === 'x' ? { rc: 3, err: 'no\n' } : undefined),
        lanes: [{ id: 'restarts of p', width: 2, stopOnFailure: true, vms: ['a', 'b', 'c'] }],
      },
    );
    expect(outcome.done).toEqual(['a/stop', 'b/stop', 'b/start']);
    expect(outcome.skipped.map((s) => [s.id, s.code])).toEqual([
      ['a/start', 'need-failed'],
      ['c/stop', 'lane-stopped'],
      ['c/start', 'need-skipped'],
    ]);
    expect(outcome.skipped[1]?.why).toBe('a/start was skipped, and that stops the other restarts of p');
  });

  test('nothing done at all is exit code 1', async () => {
    const { outcome } = await run([operation(pause('a', 'dom1'))], { servers: { dom1: {} } });
    expect(outcome.failed).toEqual([{ id: 'a/pause', code: 'not-doable', why: 'the fake toolstack cannot pause' }]);
    expect(exitCode(outcome)).toBe(1);
  });

  test('operations that wait for each other are skipped instead of waited for', async () => {
    const { outcome } = await run(
      [operation(start('a', 'dom1'), ['b/start']), operation(start('b', 'dom1'), ['a/start'])],
      { servers: { dom1: {} } },
    );
    expect(outcome.skipped).toEqual([
      { id: 'a/start', code: 'plan-disorder', why: 'it needs b/start, which does not stand before it in the plan' },
      { id: 'b/start', code: 'need-skipped', why: 'it needs a/start, which was skipped' },
    ]);
  });
});

describe('servers that cannot be used', () => {
  const both = [operation(start('a', 'dom1')), operation(start('b', 'dom2'))];

  test('what another run holds is not touched, and it is said who', async () => {
    const by = { who: 'bob', from: 'lap', since: '2026-01-01T10:00:00Z', epoch: 'x' };
    const { outcome, control } = await run(both, {
      servers: { dom1: {}, dom2: {} },
      hold: { dom1: { is: 'busy', by } },
    });
    expect(outcome.done).toEqual(['b/start']);
    expect(outcome.skipped).toEqual([
      { id: 'a/start', code: 'server-held', why: 'dom1 is held by bob, since 2026-01-01T10:00:00Z, from lap' },
    ]);
    expect(control.reads.filter((r) => r.startsWith('dom1'))).toEqual([]);
    expect(control.held).toEqual(['dom2']);
  });

  describe('that another run holds, and that are waited for', () => {
    const by = { who: 'bob', from: 'lap', since: '2026-01-01T10:00:00Z', epoch: 'x' };
    const busy = { servers: { dom1: {}, dom2: {} }, hold: { dom1: { is: 'busy', by } } } as const;
    const why = 'dom1 is held by bob, since 2026-01-01T10:00:00Z, from lap';

    test('are held once they are let go of, and it is said once for whom', async () => {
      const { outcome, control, events } = await run(both, { ...busy, letsGoAt: 42_000, waitMs: 60_000 });
      expect(outcome.done).toEqual(['a/start', 'b/start']);
      expect(control.held).toEqual(['dom1', 'dom2']);
      expect(events.filter((e) => e.ev === 'waiting')).toMatchObject([{ server: 'dom1', why }]);
    });

    test('are left alone when the time is over, and the others are not', async () => {
      const { outcome } = await run(both, { ...busy, letsGoAt: 90_000, waitMs: 60_000 });
      expect(outcome.done).toEqual(['b/start']);
      expect(outcome.skipped).toEqual([{ id: 'a/start', code: 'server-held', why }]);
    });

    test('end the run with Ctrl-C while it waits', async () => {
      const { outcome, control } = await run(both, {
        ...busy,
        waitMs: 600_000,
        on: (e, hands) => e.ev === 'waiting' && hands.stop(),
      });
      expect(outcome).toMatchObject({ done: [], cancelled: true });
      expect(control.held).toEqual([]);
    });
  });

  test('servers are held in one order, whatever the order of the operations', async () => {
    const { control } = await run(both.toReversed(), { servers: { dom1: {}, dom2: {} } });
    expect(control.held).toEqual(['dom1', 'dom2']);
  });

  test('the whole scope of the plan is held, also where nothing is done', async () => {
    const { control } = await run(both, { servers: { dom1: {}, dom2: {}, dom0: {} }, scope: ['dom2', 'dom0'] });
    expect(control.held).toEqual(['dom0', 'dom1', 'dom2']);
  });

  test('a server that does not answer leaves the others alone', async () => {
    const { outcome } = await run(both, {
      servers: { dom1: {}, dom2: {} },
      hold: { dom1: { ...unknown('connection refused', 'unreachable'), help: 'is it up?' } },
    });
    expect(outcome.done).toEqual(['b/start']);
    expect(outcome.skipped[0]).toMatchObject({
      code: 'unreachable',
      why: 'dom1 cannot be controlled: connection refused (is it up?)',
    });
  });

  test('a VM that may be on a server that cannot be read is not started elsewhere', async () => {
    const at = (server: string) => ({
      subject: { kind: 'vm', name: 'b' } as const,
      server,
      uuid: '',
      name: 'b',
      seen: {},
    });
    const { outcome } = await run(both, {
      servers: { dom1: {}, dom2: {} },
      touched: [at('dom1'), at('dom2')],
      unreadable: { dom1: unknown('the answer was cut short', 'cut-short') },
    });
    expect(outcome.done).toEqual([]);
    expect(outcome.skipped.map((s) => s.why)).toEqual([
      'dom1 cannot be controlled: the answer was cut short',
      'the plan counts on vm/b on dom1: dom1 cannot be controlled: the answer was cut short',
    ]);
  });

  test('another run takes over: this one stops everywhere', async () => {
    const { outcome } = await run(
      [
        operation(start('a', 'dom1')),
        operation(start('a2', 'dom1')),
        operation(start('b', 'dom2')),
        operation(start('b2', 'dom2')),
      ],
      {
        servers: { dom1: {}, dom2: {} },
        fault: (_, server) => (server === 'dom1' ? 'fenced' : undefined),
        takes: () => 30_000,
      },
    );
    expect(outcome.fenced).toBe('dom1');
    expect(outcome.failed).toEqual([{ id: 'a/start', code: 'taken-over', why: 'another run took over dom1' }]);
    expect(outcome.done).toEqual(['b/start']);
    expect(outcome.skipped).toEqual([
      { id: 'a2/start', code: 'taken-over', why: 'another run took over dom1, so this run stops' },
      { id: 'b2/start', code: 'taken-over', why: 'another run took over dom1, so this run stops' },
    ]);
    expect(exitCode(outcome)).toBe(7);
  });

  test('a server lost on the way takes only its own operations along', async () => {
    const { outcome } = await run(
      [operation(start('a', 'dom1')), operation(start('a2', 'dom1')), operation(start('b', 'dom2'))],
      { servers: { dom1: {}, dom2: {} }, fault: (_, server) => (server === 'dom1' ? unknown('no route') : undefined) },
    );
    expect(outcome.done).toEqual(['b/start']);
    expect(outcome.failed[0]?.why).toBe('dom1 cannot be controlled: no route');
    expect(outcome.failed[0]?.help).toContain('run apply again');
    expect(outcome.skipped).toEqual([{ id: 'a2/start', code: 'lost', why: 'dom1 cannot be controlled: no route' }]);
  });
});

test('an error in this program is thrown, once what runs has ended and the locks are gone', async () => {
  const told: string[] = [];
  const broken = run([operation(start('a', 'dom1')), operation(start('b', 'dom2')), operation(start('b2', 'dom2'))], {
    servers: { dom1: {}, dom2: {} },
    takes: () => 30_000,
    toolstack: {
      ...fakeToolstack,
      lower: (op, seen, secrets) => {
        if (op.name === 'a') throw new Error('a bug');
        return fakeToolstack.lower(op, seen, secrets);
      },
    },
    on: (e) => 'op' in e && e.ev !== 'progress' && told.push(`${e.ev} ${e.op}`),
  });
  await expect(broken).rejects.toThrow('a bug');
  expect(told.toSorted()).toEqual([
    'done b/start',
    'failed a/start',
    'skipped b2/start',
    'started a/start',
    'started b/start',
  ]);
});

describe('a stale plan', () => {
  test('stops before the first operation', async () => {
    const difference = { subject: 'b', server: 'dom2', code: 'object-changed', why: 'it is running' } as const;
    const { outcome, control, events } = await run([operation(start('a', 'dom1')), operation(start('b', 'dom2'))], {
      servers: { dom1: {}, dom2: { domains: [domainOf('b')] } },
      fresh: (o) => (o.get('dom2')?.is === 'seen' ? [difference] : []),
    });
    expect(outcome.stale).toEqual([difference]);
    expect(outcome.skipped.map((s) => s.id)).toEqual(['a/start', 'b/start']);
    expect(control.trace).toEqual([]);
    expect(events.map((e) => e.ev)).toEqual(['held', 'held']);
    expect(exitCode(outcome)).toBe(6);
    expect(control.released).toBe(true);
  });

  test('differences on a server that is not touched anyway do not count', async () => {
    const { outcome } = await run([operation(start('a', 'dom1')), operation(start('b', 'dom2'))], {
      servers: { dom1: {}, dom2: {} },
      hold: { dom1: { is: 'busy', by: null } },
      fresh: (o) => (o.has('dom1') ? [] : [{ subject: 'a', server: 'dom1', code: 'not-asked', why: 'not read' }]),
    });
    expect(outcome.stale).toBeUndefined();
    expect(outcome.done).toEqual(['b/start']);
    expect(outcome.skipped).toEqual([{ id: 'a/start', code: 'server-held', why: 'dom1 is held by another run' }]);
  });
});

describe('cancelling', () => {
  const three = [operation(start('a', 'dom1')), operation(start('b', 'dom1')), operation(start('c', 'dom1'))];

  test('once: what runs is finished, nothing new is started', async () => {
    const { outcome, control } = await run(three, {
      servers: { dom1: {} },
      on: (e, cancel) => e.ev === 'progress' && cancel.stop(),
    });
    expect(outcome.cancelled).toBe(true);
    expect(outcome.done).toEqual(['a/start']);
    expect(outcome.skipped.map((s) => s.id)).toEqual(['b/start', 'c/start']);
    expect(story(control)).toEqual(['begin create a', 'end create a']);
    expect(exitCode(outcome)).toBe(130);
    expect(control.released).toBe(true);
  });

  test('twice: returns at once and says what is left running', async () => {
    const { outcome, control, events, clock } = await run(three, {
      servers: { dom1: {} },
      takes: () => 1_000_000,
      on: (e, cancel) => {
        if (e.ev !== 'progress') return;
        cancel.stop();
        cancel.detach();
      },
    });
    expect(clock.now() - Date.UTC(2026, 0, 1)).toBeLessThan(1000);
    expect(outcome.detached).toEqual([
      {
        id: 'a/start',
        code: 'detached',
        why: 'left on dom1 at: create a; the next run waits for what still runs there',
      },
    ]);
    expect(outcome.skipped.map((s) => s.id)).toEqual(['b/start', 'c/start']);
    expect(events.filter((e) => e.ev === 'detached')).toHaveLength(1);
    expect(control.released).toBe(false);
    expect(exitCode(outcome)).toBe(130);
  });

  test('after detaching, no later step of an operation is done and nothing is told', async () => {
    const told: string[] = [];
    const { outcome, control, clock } = await run([operation(restart('a', 'dom1'))], {
      servers: { dom1: { domains: [domainOf('a')] } },
      on: (e, cancel) => {
        told.push(e.ev);
        if (e.ev === 'progress') cancel.detach();
      },
    });
    const before = [...told];
    await clock.sleep(100_000);
    expect(outcome.detached.map((d) => d.id)).toEqual(['a/restart']);
    expect(story(control)).not.toContain('begin create a');
    expect(told).toEqual(before);
  });

  test('while the servers are being held: nothing is touched', async () => {
    const { outcome, control } = await run([...three, operation(start('d', 'dom2'))], {
      servers: { dom1: {}, dom2: {} },
      on: (e, cancel) => e.ev === 'held' && cancel.stop(),
    });
    expect(outcome.skipped).toHaveLength(4);
    expect(outcome.cancelled).toBe(true);
    expect(control.reads).toEqual([]);
    expect(control.held).toEqual(['dom1']);
  });
});

describe('one operation', () => {
  const one = (op: Parameters<typeof operation>[0], options: Parameters<typeof run>[1]) =>
    run([operation(op)], options);

  test('a precondition that does not hold fails it, and nothing is done', async () => {
    const { outcome, control } = await one(attachNic('a', 'dom1', mac, 'nobr'), {
      servers: { dom1: { domains: [domainOf('a')] } },
    });
    expect(outcome.failed[0]).toMatchObject({ code: 'not-as-needed', why: 'the server has no bridge nobr' });
    expect(control.trace).toEqual([]);
    // The server was looked at for staleness just before; it is looked at once more, since what is missing may come.
    expect(control.reads).toEqual(['dom1 all', 'dom1 all']);
  });

  test('a domain that is on its way out is waited for', async () => {
    const dying = domainOf('a', { state: 'dying' });
    const { outcome } = await run([operation(start('a', 'dom1')), operation(vcpus('b', 'dom1', 2))], {
      servers: { dom1: { domains: [dying, domainOf('b')] } },
      takes: () => 3000,
      on: (e, { control }) => {
        const s = control.seen.get('dom1');
        if (s && e.ev === 'done' && e.op === 'b/set-vcpus')
          control.seen.set('dom1', { ...s, domains: s.domains.filter((d) => d.name !== 'a') });
      },
    });
    expect(outcome.done).toEqual(['a/start', 'b/set-vcpus']);
  });

  test('a domain that stays is not waited for without end', async () => {
    const { outcome } = await one(start('a', 'dom1'), { servers: { dom1: { domains: [domainOf('a')] } } });
    expect(outcome.failed[0]?.why).toBe('domain 1 (a) is still there: it is running');
  });

  test('a postcondition that never comes true fails it, in its words', async () => {
    const { outcome } = await one(vcpus('a', 'dom1', 3), {
      servers: { dom1: { domains: [domainOf('a')] } },
      fault: () => 'no-effect',
    });
    expect(outcome.failed).toEqual([
      { id: 'a/set-vcpus', code: 'not-seen', why: 'domain 1 (a) has 1 vCPUs online, not 3 (after 10 s)' },
    ]);
  });

  test('what failed half-way is put right, and it is said how', async () => {
    const { outcome, control } = await one(attachNic('a', 'dom1', mac), {
      servers: { dom1: { domains: [domainOf('a')] } },
      fault: (argv) =>
        argv[0] === 'attach' ? { rc: 1, err: 'libxl: error: libxl_nic.c:1:f: Domain 1:no\n', effect: true } : undefined,
    });
    expect(outcome.failed[0]).toMatchObject({
      code: 'command-failed',
      why: `attach a ${mac} xenbr0 failed (exit code 1): Domain 1:no; put right by: detach a ${mac}`,
    });
    expect(control.seen.get('dom1')?.domains[0]?.nics).toEqual([]);
  });

  test('what cannot be put right is said, too', async () => {
    const { outcome } = await one(attachNic('a', 'dom1', mac), {
      servers: { dom1: { domains: [domainOf('a')] } },
      fault: (argv) => ({ rc: 1, err: `${argv[0]}: no`, effect: argv[0] === 'attach' }),
    });
    expect(outcome.failed[0]).toMatchObject({
      code: 'command-failed',
      why:
        `attach a ${mac} xenbr0 failed (exit code 1): attach: no; and it could not be put right (detach a ${mac}): ` +
        `detach a ${mac} failed (exit code 1): detach: no`,
    });
  });

  test('a restart whose start fails starts what was there before', async () => {
    let creates = 0;
    const { outcome, control } = await one(restart('a', 'dom1'), {
      servers: { dom1: { domains: [domainOf('a')] } },
      fault: (argv) => (argv[0] === 'create' && creates++ === 0 ? { rc: 3, err: 'bad cfg' } : undefined),
    });
    expect(outcome.failed[0]?.why).toBe('create a failed (exit code 3): bad cfg; put right by: create a');
    expect(control.seen.get('dom1')?.domains.map((d) => d.name)).toEqual(['a']);
  });

  test('a guest that ignores its shutdown is destroyed where that is allowed', async () => {
    const ignored = { servers: { dom1: { domains: [domainOf('a')] } } };
    const deaf = (argv: readonly string[]) => (argv[0] === 'shutdown' ? ('no-effect' as const) : undefined);
    const forced = await one(stop('a', 'dom1', true), { ...ignored, fault: deaf });
    expect(forced.outcome.done).toEqual(['a/stop']);
    expect(story(forced.control)).toContain('begin destroy a');
    const warning = { code: 'guest-destroyed', why: 'it was destroyed' };
    expect(forced.outcome.warnings).toEqual([{ id: 'a/stop', ...warning }]);
    expect(forced.events.map((e) => e.ev)).toContain('warning');
    expect(forced.events.find((e) => e.ev === 'warning')).toMatchObject({ op: 'a/stop', ...warning });
    const patient = await one(stop('a', 'dom1', false), { ...ignored, fault: deaf });
    expect(patient.outcome.failed[0]?.why).toBe('domain 1 (a) is still there: it is running (after 30 s)');
    expect(story(patient.control)).not.toContain('begin destroy a');
    expect(patient.outcome.warnings).toBeUndefined();
  });

  test('a force that fails because it was no longer needed is no failure', async () => {
    const { outcome } = await one(stop('a', 'dom1', true), {
      servers: { dom1: { domains: [domainOf('a')] } },
      fault: (argv) => (argv[0] === 'shutdown' ? 'no-effect' : { rc: 1, err: 'no such domain', effect: true }),
    });
    expect(outcome.done).toEqual(['a/stop']);
  });

  test('a lost result: done where the world says so, failed where not', async () => {
    const after = await one(start('a', 'dom1'), { servers: { dom1: {} }, fault: () => 'lost-after' });
    expect(after.outcome.done).toEqual(['a/start']);
    const before = await one(start('a', 'dom1'), { servers: { dom1: {} }, fault: () => 'lost-before' });
    expect(before.outcome.failed[0]).toMatchObject({
      code: 'not-seen',
      why: 'the result of create a was lost (did dom1 restart?); no domain has the UUID uuid-of-a (after 10 s)',
    });
  });

  test('a lost result before the last command is a failure, though the conditions after would hold', async () => {
    const { outcome, control } = await one(restart('a', 'dom1'), {
      servers: { dom1: { domains: [domainOf('a')] } },
      fault: () => 'lost-before',
    });
    expect(outcome.failed[0]).toMatchObject({
      code: 'result-lost',
      why: 'the result of shutdown a was lost (did dom1 restart?)',
    });
    expect(story(control)).toEqual(['begin shutdown a', 'end shutdown a']);
  });

  test('a cfg that somebody edited meanwhile is left alone', async () => {
    const theirs = recordOf('/etc/xen/a.cfg', 'theirs');
    const { outcome, control } = await one(define('a', 'dom1', recordOf('/etc/xen/a.cfg', 'ours').digest), {
      servers: { dom1: { records: [theirs] } },
    });
    expect(outcome.failed[0]).toMatchObject({
      code: 'file-changed',
      why: 'could not write /etc/xen/a.cfg: somebody changed it since it was read, so it was left alone',
    });
    expect(control.seen.get('dom1')?.records).toEqual([theirs]);
  });

  test('a full disk is said in the words of the server', async () => {
    const { outcome } = await one(define('a', 'dom1'), {
      servers: { dom1: {} },
      fault: () => ({ rc: 1, err: 'No space left on device' }),
    });
    expect(outcome.failed[0]).toMatchObject({
      code: 'file-failed',
      why: 'could not write /etc/xen/a.cfg: No space left on device',
    });
  });
});
