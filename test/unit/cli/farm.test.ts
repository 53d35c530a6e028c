/** The commands on a simulated farm: what a person types, reads, and gets for an exit code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import type { Shell } from '../../../src/cli/shell.ts';
import { parsePlan } from '../../../src/report/plan-json.ts';
import { fakeShell } from './shell.ts';

const vm = (name: string, server: string, more = ''): string =>
  `  ${name}: { profile: small, server: ${server}, disks: { xvda: { path: /dev/vg0/${name} } }${more} }\n`;
const two = vm('web-1', 'dom01') + vm('db-1', 'dom03');
const satisfied = 'Nothing to do: 3 servers and 2 VMs are as the file says.\n';

let farm: DemoFarm;
const reeve = async (argv: readonly string[], more: Partial<Shell> = {}) => {
  const [command = '', ...rest] = argv;
  const heard = fakeShell({ home: farm.folder, ...more });
  const paths = ['apply', 'show'].includes(command) && rest[0]?.endsWith('.json') ? [] : [farm.path];
  const code = await run([command, ...paths, ...rest], heard.shell);
  return { code, out: heard.out(), err: heard.err() };
};
const holds = (): number => [...farm.sim.counts.values()].reduce((n, c) => n + c.commands.hold, 0);

beforeAll(async () => {
  farm = await startDemoFarm(Infinity);
});
afterAll(() => farm.close());

describe('a new farm', () => {
  beforeAll(() => farm.describe(two));

  test('plan reads each server once over one connection, and changes nothing', async () => {
    const before = [...farm.sim.counts.values()].map((c) => [c.connections, c.commands.observe]);
    const { code, out, err } = await reeve(['plan']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('+ web-1 on dom01: create and start');
    expect(out).toMatch(/^Plan: 2 to create, 0 restarts, 0 to delete; \d+ operations \(the fewest possible\)\.$/m);
    const after = [...farm.sim.counts.values()].map((c) => [c.connections, c.commands.observe]);
    expect(after).toEqual(before.map(([a = 0, b = 0]) => [a + 1, b + 1]));
    expect(holds()).toBe(0);
  });

  test('the same plan twice is the same bytes, and valid by its schema', async () => {
    const first = await reeve(['plan', '--json']);
    const second = await reeve(['plan', '--format', 'json']);
    expect(second.out).toBe(first.out);
    const schema = readFileSync(new URL('../../../schemas/plan.schema.json', import.meta.url), 'utf8');
    expect(parsePlan(first.out, JSON.parse(schema) as object)).toMatchObject({ format: 'reeve-plan/1', farm: 'demo' });
  });

  test('--detailed-exitcode', async () => {
    expect((await reeve(['plan', '--detailed-exitcode'])).code).toBe(2);
  });

  test('apply without a terminal and without --yes shows the plan and changes nothing', async () => {
    const { code, out, err } = await reeve(['apply']);
    expect(code).toBe(1);
    expect(out).toContain('+ web-1 on dom01');
    expect(err).toBe(
      'reeve: nothing was changed: there is no terminal to ask at (not-confirmed)\nhelp: add --yes to apply without being asked\n',
    );
    expect(holds()).toBe(0);
  });

  test.each([
    ['n', 1],
    ['', 1],
    [null, 130],
  ])('apply asks, and %j is no', async (answer, code) => {
    const asked: string[] = [];
    const ask = async (question: string): Promise<string | null> => {
      asked.push(question);
      return answer;
    };
    const result = await reeve(['apply'], { ask });
    expect(result.code).toBe(code);
    expect(result.err).toBe('reeve: nothing was changed (not-confirmed)\n');
    expect(asked).toEqual([expect.stringMatching(/^\nApply these \d+ operations\? \[y\/N\] $/)]);
    expect(holds()).toBe(0);
  });

  test('another plan than the one that was approved is stale', async () => {
    const { code, err } = await reeve(['apply', '--yes', '--expect', `sha256:${'0'.repeat(64)}`]);
    expect(code).toBe(6);
    expect(err).toMatch(
      /^reeve: this is not the plan that was approved: its digest is sha256:[0-9a-f]{64} \(plan-not-approved\)\n/,
    );
    expect(holds()).toBe(0);
  });

  test('an approval by class holds a plan to what was seen, and to no more', async () => {
    const md = await reeve(['plan', '--format', 'markdown']);
    expect(md.out).toContain('`--expect-class none=db-1,web-1`');
    const over = await reeve(['apply', '--yes', '--expect-class', 'live=web-1']);
    expect(over.code).toBe(6);
    expect(over.err).toMatch(
      /^reeve: this plan does more than was approved: db-1 would be touched \(none\) \(plan-not-approved\)\n/,
    );
    const path = join(farm.folder, 'reviewed.json');
    await farm.describe(vm('web-1', 'dom01'));
    await reeve(['plan', '--out', path]);
    await farm.describe(two);
    expect((await reeve(['apply', '--yes', '--expect-class', path])).code).toBe(6);
    expect(holds()).toBe(0);
    expect(await reeve(['apply', '--yes', '--expect-class', 'live'])).toMatchObject({ code: 1 });
    expect(
      await reeve(['apply', '--yes', '--expect-class', path, '--expect', `sha256:${'0'.repeat(64)}`]),
    ).toMatchObject({
      code: 1,
      err: expect.stringContaining('give one of them') as string,
    });
  });

  test('apply does it on a yes, one line for each operation, and tells its events', async () => {
    const events = join(farm.folder, 'events.jsonl');
    const { code, out, err } = await reeve(['apply', '--events', events], { ask: async () => 'y' });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^web-1 {2}start {6}done in [\d.]+ s$/m);
    expect(out).toMatch(/^Applied \d+ operations in .+\.$/m);
    const told = readFileSync(events, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { ev: string });
    expect(told.filter((e) => e.ev === 'done')).toHaveLength(out.match(/done in/g)?.length ?? 0);
  });

  test('an approval that covers more than there is to do lets it be done', async () => {
    await farm.sim.hand('dom01', ['xl', 'mem-set', 'web-1', '1024m']);
    await farm.sim.settle();
    expect((await reeve(['apply', '--yes', '--expect-class', 'restart=db-1 live=web-1'])).code).toBe(0);
  });

  test('then there is nothing to do, and no drift', async () => {
    expect(await reeve(['plan', '--detailed-exitcode'])).toEqual({ code: 0, out: satisfied, err: '' });
    expect(await reeve(['apply', '--yes'])).toEqual({ code: 0, out: satisfied, err: '' });
    expect((await reeve(['drift'])).code).toBe(0);
  });
});

describe('a hand at work', () => {
  beforeEach(async () => {
    await farm.describe(two);
    const { code, out, err } = await reeve(['apply', '--yes']);
    if (code !== 0) throw new Error(`the farm is not as it should be:\n${out}${err}`);
    await farm.sim.settle();
  });

  test('is drift, and a plan puts it right', async () => {
    await farm.sim.hand('dom01', ['xl', 'mem-set', 'web-1', '1024m']);
    await farm.sim.settle();
    const found = await reeve(['drift']);
    expect(found.code).toBe(2);
    expect(found.out).toContain('memory  1GiB → 512MiB   changed by hand (running)');
    expect((await reeve(['apply', '--yes'])).code).toBe(0);
    expect((await reeve(['drift'])).code).toBe(0);
  });

  test('what the file changes is no drift', async () => {
    await farm.describe(vm('web-1', 'dom01', ', memory: { target: 1GiB }') + vm('db-1', 'dom03'));
    const found = await reeve(['drift']);
    expect(found).toEqual({ code: 0, out: expect.stringMatching(/^No drift: /) as string, err: '' });
    expect((await reeve(['plan', '--detailed-exitcode'])).code).toBe(2);
  });

  test('a saved plan is applied as it was reviewed', async () => {
    await farm.sim.hand('dom01', ['xl', 'mem-set', 'web-1', '1024m']);
    await farm.sim.settle();
    const path = join(farm.folder, 'plan.json');
    const { code, err } = await reeve(['plan', '--out', path]);
    expect(code).toBe(0);
    const digest = /--expect (sha256:[0-9a-f]{64})\n$/.exec(err)?.[1] ?? '';
    const done = await reeve(['apply', path, '--yes', '--expect', digest]);
    expect({ code: done.code, err: done.err }).toEqual({ code: 0, err: '' });
    expect((await reeve(['plan'])).out).toBe(satisfied);
  });

  test('a saved plan stops where what it touches has changed since', async () => {
    await farm.sim.hand('dom01', ['xl', 'mem-set', 'web-1', '1024m']);
    await farm.sim.settle();
    const path = join(farm.folder, 'plan.json');
    await reeve(['plan', '--out', path]);
    await farm.sim.hand('dom01', ['xl', 'mem-set', 'web-1', '768m']);
    await farm.sim.settle();
    const ops = farm.sim.counts.get('dom01')?.commands.op;
    const { code, out } = await reeve(['apply', path, '--yes']);
    expect(code).toBe(6);
    expect(out).toContain(
      'The farm is not as it was when the plan was made:\n' +
        '  web-1 on dom01: memory was 1GiB of 2GiB, is 768MiB of 2GiB (object-changed)\n',
    );
    expect(out).toContain('Nothing was changed.');
    expect(farm.sim.counts.get('dom01')?.commands.op).toBe(ops);
  });

  test('a stale plan says which cfg was edited, and what came or went', async () => {
    await farm.sim.hand('dom01', ['xl', 'mem-set', 'web-1', '1024m']);
    await farm.sim.settle();
    const path = join(farm.folder, 'plan.json');
    await reeve(['plan', '--out', path]);
    const cfg = '/etc/xen/web-1.cfg';
    const text = (await farm.sim.hand('dom01', ['cat', cfg])).out;
    farm.sim.files('dom01').write(cfg, `${text}# a hand\n`);
    await farm.sim.hand('dom01', ['xl', 'destroy', 'web-1']);
    const { code, out } = await reeve(['apply', path, '--yes']);
    farm.sim.files('dom01').write(cfg, text);
    expect(code).toBe(6);
    expect(out).toContain(`${cfg} was changed`);
    expect(out.replaceAll(/\s+/g, ' ')).toContain('state was running, is not running');
  });

  test('a saved plan is shown as it was made, without a server', async () => {
    await farm.sim.hand('dom01', ['xl', 'mem-set', 'web-1', '1024m']);
    await farm.sim.settle();
    const at = (name: string): string => join(farm.folder, name);
    const made = await reeve(['plan', '--write', `text=${at('p.txt')}`, '--write', `json=${at('p.json')}`]);
    expect(made.code).toBe(0);
    expect(readFileSync(at('p.txt'), 'utf8')).toBe(made.out);
    const connections = [...farm.sim.counts.values()].map((c) => c.connections);
    const shown = await reeve(['show', at('p.json')]);
    const { digest } = JSON.parse(readFileSync(at('p.json'), 'utf8')) as { digest: string };
    expect(shown).toEqual({
      code: 0,
      out: `${made.out}\nTo do exactly this: reeve apply ${at('p.json')} --expect ${digest}\n`,
      err: '',
    });
    expect((await reeve(['show', at('p.json'), '--json'])).out).toBe(readFileSync(at('p.json'), 'utf8'));
    expect([...farm.sim.counts.values()].map((c) => c.connections)).toEqual(connections);
    expect((await reeve(['apply', at('p.json'), '--yes', '--expect', digest])).code).toBe(0);
  });

  test('a restart waits, is told in every plan, and is done with leave', async () => {
    await farm.describe(vm('web-1', 'dom01') + vm('db-1', 'dom03', ', memory: { target: 3GiB, max: 4GiB }'));
    const first = await reeve(['apply', '--yes']);
    expect(first.code).toBe(0);
    expect(first.out).toContain('--allow restart=db-1 does it now');
    const second = await reeve(['plan', '--detailed-exitcode']);
    expect(second.code).toBe(0);
    expect(second.out).toContain('Waiting for a restart\n  db-1 on dom03: ');
    const window = await reeve(['plan', '--pending', '--detailed-exitcode']);
    expect(window.code).toBe(2);
    expect(window.out).toContain('± db-1 on dom03: restart; about 25 s down');
    const third = await reeve(['apply', '--yes', '--allow', 'restart=db-*']);
    expect(third.code).toBe(0);
    expect(third.out).toContain('± db-1 on dom03: restart; about 25 s down');
    expect((await reeve(['plan'])).out).toBe(satisfied);
    // Back to the start, for the others.
    await farm.describe(two);
    expect((await reeve(['apply', '--yes', '--allow', 'restart=db-1'])).code).toBe(0);
  });

  test('what may not be done is refused with what would allow it', async () => {
    await farm.describe(vm('web-1', 'dom01', ', state: stopped') + vm('db-1', 'dom03'));
    const { code, out } = await reeve(['plan']);
    expect(code).toBe(5);
    expect(out).toContain('refused  web-1 would be stopped');
    expect(out).toContain('help     --allow stop=web-1');
  });

  test('a server that is down is told, and is exit code 4', async () => {
    await farm.sim.faults('dom02').refuse(true);
    const { code, out } = await reeve(['plan']);
    await farm.sim.faults('dom02').clear();
    expect(code).toBe(4);
    expect(out).toContain('Not read\n  ! dom02: ');
  });
});

describe('Ctrl-C', () => {
  /** Presses it so often when the first operation has ended. */
  const cancelled = async (times: number) => {
    const heard = fakeShell({ home: farm.folder });
    let left = times;
    const write = (text: string): void => {
      heard.shell.out.write(text);
      if (left > 0 && text.includes('done in')) for (; left > 0; left -= 1) heard.interrupt();
    };
    const code = await run(['apply', farm.path, '--yes'], { ...heard.shell, out: { ...heard.shell.out, write } });
    return { code, out: heard.out() };
  };
  const fresh = (name: string): string => vm('web-1', 'dom01') + vm('db-1', 'dom03') + vm(name, 'dom02');

  test('once: what runs is waited for, nothing new is started', async () => {
    await farm.describe(fresh('mail'));
    const { code, out } = await cancelled(1);
    expect(code).toBe(130);
    expect(out).toContain('Stopping: nothing new is started');
    expect(out).toContain('Cancelled: applied 1 of 3 operations');
  });

  test('twice: it returns, and the next run does the rest', async () => {
    await farm.describe(fresh('web-2'));
    expect((await cancelled(2)).code).toBe(130);
    const { code } = await reeve(['apply', '--yes']);
    expect(code).toBe(0);
    expect((await reeve(['plan'])).out.split('\n')[0]).toBe('Nothing to do: 3 servers and 3 VMs are as the file says.');
  });
});
