/** `reeve unlock`: who holds a server, what is left running there, what is ended, and what is not. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import type { Shell } from '../../../src/cli/shell.ts';
import type { Control } from '../../../src/core/port.ts';
import { openControl } from '../../../src/transport/index.ts';
import { openDesk } from '../../contract/desk.ts';
import { fakeShell } from './shell.ts';

let farm: DemoFarm;
let other: Control;
let clear: () => void;
beforeEach(async () => {
  farm = await startDemoFarm(Infinity, 'unlock', true);
  await farm.describe('  {}\n');
  const desk = openDesk(farm.sim, 'ams1');
  clear = () => desk.clear();
  other = openControl(desk.servers, desk.env);
});
afterEach(async () => {
  await other.close();
  await farm.close();
  clear();
});

const reeve = async (argv: readonly string[], more: Partial<Shell> = {}) => {
  const heard = fakeShell({ home: farm.folder, ...more });
  const code = await run([...argv, farm.path], heard.shell);
  return { code, out: heard.out(), err: heard.err() };
};
const ada = { who: 'ada', from: 'laptop', since: '2026-01-02T03:04:05Z' };
const hold = async (): Promise<void> => {
  expect(await other.hold('dom01', { ...ada, epoch: randomBytes(4).toString('hex') })).toEqual({ is: 'held' });
};
const begin = async (id: string, argv: readonly string[]): Promise<void> => {
  expect(await other.start('dom01', id, { do: 'exec', argv, deadlineMs: 3_600_000 })).toBe('started');
};

describe('unlock', () => {
  test('of a server that nobody holds has nothing to do', async () => {
    expect(await reeve(['unlock', 'dom01'])).toEqual({
      code: 0,
      out: 'dom01 is not held by any run.\nNothing that a run began still runs there: there is nothing to unlock.\n',
      err: '',
    });
    expect((await reeve(['unlock', 'dom09'])).err).toContain('the file has dom01, dom02, dom03');
  });

  test('shows who holds it and what runs, and changes nothing without a yes', async () => {
    await hold();
    await begin('3-web.make-disk.0', ['sleep', '3000']);
    const { code, out, err } = await reeve(['unlock', 'dom01']);
    expect(out).toBe(
      'dom01 is held by ada, since 2026-01-02T03:04:05Z, from laptop.\nWhat a run began still runs there:\n  web.make-disk: sleep would be killed\n',
    );
    expect([code, err]).toEqual([1, expect.stringContaining('add --yes')]);
    expect((await reeve(['unlock', 'dom01'], { ask: async () => 'n' })).code).toBe(1);
    await begin('4-web.define.0', ['true']);
  });

  test('breaks the lock by a new epoch and ends what may be ended: the late commands of its holder are fenced', async () => {
    await hold();
    await begin('3-web.make-disk.0', ['sleep', '3000']);
    const { code, out } = await reeve(['unlock', 'dom01', '--yes']);
    expect([code, out]).toEqual([
      0,
      expect.stringContaining('dom01 is unlocked: the run that held it can do nothing more there.'),
    ]);
    expect(await other.start('dom01', 'late', { do: 'exec', argv: ['true'], deadlineMs: 1000 })).toBe('fenced');
    expect((await reeve(['apply', '--yes'])).code).toBe(0);
  });

  test('leaves an xl that moves a VM, and says so', async () => {
    const vms = (server: string): string =>
      `  a: { profile: small, server: ${server}, disks: { xvda: { repository: vmstore, size: 1GiB } } }\n`;
    await farm.describe(vms('dom01'));
    expect((await reeve(['apply', '--yes'])).code).toBe(0);
    await farm.describe(vms('dom02'));
    farm.sim.faults('dom02').migration('hangs');
    const heard = fakeShell({ home: farm.folder });
    const moving = run(['apply', '--yes', farm.path], heard.shell);
    while (!(await farm.sim.hand('dom02', ['xl', 'list'])).out.includes('a--incoming'))
      await new Promise((resolve) => setImmediate(resolve));
    const { code, out } = await reeve(['unlock', 'dom01', '--yes']);
    expect(out).toMatch(/^ {2}a\.migrate\.dom02: xl migrate is not killed: half of a VM would be left/m);
    expect([code, out]).toEqual([
      7,
      expect.stringContaining('a.migrate.dom02: xl migrate still runs; the next run waits for it'),
    ]);
    farm.sim.faults('dom02').migration(null);
    await moving;
    expect((await farm.sim.hand('dom02', ['xl', 'list'])).out).toMatch(/^a /m);
  });

  test('of a server that does not answer is exit code 4', async () => {
    await farm.sim.faults('dom01').refuse(true);
    expect((await reeve(['unlock', 'dom01', '--yes'])).code).toBe(4);
  });
});
