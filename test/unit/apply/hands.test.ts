/** Probes, explanations and secrets: what single steps do, and what they say when they fail. */
import { describe, expect, test } from 'vitest';
import { domainOf } from './fake-control.ts';
import { operation, ready, run, start, vcpus, type RunOptions } from './plans.ts';

const servers: RunOptions['servers'] = { dom1: { domains: [domainOf('a'), domainOf('b')] } };
const began = Date.UTC(2026, 0, 1);

describe('a probe', () => {
  const refused = { rc: 1, err: 'a: connect: Connection refused\na: line 1: /dev/tcp/a/80: Connection refused\n' };

  test('tries again until it is answered', async () => {
    let tries = 0;
    const { outcome, control, clock, events } = await run([operation(ready('a', 'dom1'))], {
      servers,
      fault: () => (++tries < 5 ? refused : undefined),
    });
    expect(outcome.done).toEqual(['a/ready']);
    expect(control.trace.filter((t) => t.what === 'begin').map((t) => t.argv.join(' '))).toEqual(
      Array(5).fill('knock a 80'),
    );
    // Five tries of a second; pauses of 0.5, 1, 2 and 3 s.
    expect(clock.now() - began).toBeGreaterThan(11_000);
    expect(clock.now() - began).toBeLessThan(13_000);
    expect(events).toContainEqual(expect.objectContaining({ ev: 'progress', text: 'wait for an answer of a:80' }));
  });

  test('says what did not answer, for how long and why', async () => {
    const { outcome, clock } = await run([operation(ready('a', 'dom1'))], { servers, fault: () => refused });
    expect(outcome.failed).toEqual([
      {
        id: 'a/ready',
        code: 'no-answer',
        why: 'a:80 did not answer within 1 min, asked from dom1: Connection refused',
      },
    ]);
    expect(clock.now() - began).toBeLessThan(65_000);
  });

  test('is not believed where its result is lost', async () => {
    let tries = 0;
    const { outcome } = await run([operation(ready('a', 'dom1'))], {
      servers,
      fault: () => (++tries === 1 ? 'lost-after' : undefined),
    });
    expect(outcome.done).toEqual(['a/ready']);
    expect(tries).toBe(2);
  });

  test('is given up at once where the server has nothing to connect with', async () => {
    const { outcome, control } = await run([operation(ready('a', 'dom1'))], {
      servers,
      fault: () => ({ rc: 127, err: 'knock: not found' }),
    });
    expect(outcome.failed[0]).toMatchObject({ code: 'tool-missing', why: 'dom1 has no knock to connect with' });
    expect(control.trace.filter((t) => t.what === 'begin')).toHaveLength(1);
  });

  test('from here asks no server', async () => {
    let tries = 0;
    const { outcome, control } = await run([operation(ready('a', 'dom1', 'here'))], {
      servers,
      answers: () => ++tries === 3,
    });
    expect(outcome.done).toEqual(['a/ready']);
    expect(control.trace).toEqual([]);
    const late = await run([operation(ready('a', 'dom1', 'here', 30_000))], { servers });
    expect(late.outcome.failed[0]?.why).toBe('a:80 did not answer within 30 s, asked from here');
  });

  test('keeps nobody from the server, and few of them run at once', async () => {
    const vms = Array.from({ length: 12 }, (_, i) => `vm${i}`);
    const waiting = vms.map((vm) => operation(ready(vm, 'dom1', 'here', 600_000)));
    const { outcome, events } = await run([...waiting, operation(vcpus('a', 'dom1', 2))], {
      servers: { dom1: { domains: ['a', ...vms].map((vm) => domainOf(vm)) } },
      answers: (host) => host !== 'vm0',
    });
    expect(outcome.done).toHaveLength(12);
    expect(outcome.failed.map((f) => f.id)).toEqual(['vm0/ready']);
    const at = (id: string): number => Date.parse(events.find((e) => e.ev === 'done' && e.op === id)?.at ?? '');
    expect(at('a/set-vcpus') - began).toBeLessThan(10_000);
    const started = (id: string): number => events.findIndex((e) => e.ev === 'started' && e.op === id);
    const done = events.findIndex((e) => e.ev === 'done' && e.op.endsWith('/ready'));
    expect(vms.filter((vm) => started(`${vm}/ready`) < done)).toHaveLength(4);
  });

  test('ends when the run detaches', async () => {
    const { outcome } = await run([operation(ready('a', 'dom1', 'here', 600_000))], {
      servers,
      on: (e, hands) => {
        if (e.ev !== 'progress') return;
        hands.stop();
        hands.detach();
      },
    });
    expect(outcome.detached[0]?.why).toBe(
      'left on dom1 at: wait for an answer of a:80; the next run waits for what still runs there',
    );
  });
});

describe('a command that failed', () => {
  const failing = (more: Partial<RunOptions>) =>
    run([operation(start('c', 'dom1'))], {
      servers,
      fault: (argv) => (argv[0] === 'create' ? { rc: 3, err: 'no model with hunter2\n' } : undefined),
      ...more,
    });

  test('is explained by a log', async () => {
    const { outcome } = await failing({
      prints: (argv) => (argv[0] === 'log' ? '\u001b[1mno DES\u0007\nso there\n' : ''),
    });
    expect(outcome.failed[0]?.why).toBe(
      'create c failed (exit code 3): no model with hunter2; log c: [1mno DES; so there',
    );
  });

  test('stands for itself where the log cannot be read', async () => {
    for (const fault of [{ rc: 1, err: 'no log' }, 'lost-before'] as const) {
      const { outcome } = await failing({
        fault: (argv) => (argv[0] === 'create' ? { rc: 3, err: 'no model' } : fault),
        prints: () => 'half',
      });
      expect(outcome.failed[0]?.why).toBe('create c failed (exit code 3): no model');
    }
  });

  test('tells no secret, neither in its own words nor in the log’s', async () => {
    const { outcome, events } = await failing({
      secrets: { '${env:A}': 'hunter2', '${env:B}': 'ter', '${env:C}': 'a"b', '${env:D}': '' },
      prints: () => '{"password": "a\\"b"} ter a"b\n',
    });
    expect(outcome.failed[0]?.why).toBe(
      'create c failed (exit code 3): no model with ***; log c: {"password": "***"} *** ***',
    );
    expect(JSON.stringify(events)).not.toContain('hunter2');
  });
});
