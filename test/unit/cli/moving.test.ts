/** What a killed run left in the middle of something: said while it lasts, waited for before anything is planned, never taken away. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import type { Shell } from '../../../src/cli/shell.ts';
import { fakeShell } from './shell.ts';

let farm: DemoFarm;
beforeEach(async () => {
  farm = await startDemoFarm(Infinity, 'moving', true);
});
afterEach(() => farm.close());

const reeve = async (argv: readonly string[], more: Partial<Shell> = {}) => {
  const heard = fakeShell({ home: farm.folder, ...more });
  const code = await run([...argv, farm.path], heard.shell);
  return { code, out: heard.out().replaceAll(/\s+/g, ' '), err: heard.err() };
};
const vm = (name: string, more = ''): string =>
  `  ${name}: { profile: small, disks: { xvda: { repository: vmstore, size: 1GiB } }${more} }\n`;
const on = async (server: string): Promise<readonly string[]> =>
  (await farm.sim.hand(server, ['xl', 'list'])).out
    .split('\n')
    .flatMap((l) => l.split(/\s+/)[0] ?? [])
    .filter((n) => n !== '' && n !== 'Name' && n !== 'Domain-0')
    .sort();
const apply = async (vms: string): Promise<void> => {
  await farm.describe(vms);
  expect(await reeve(['apply', '--yes'])).toMatchObject({ code: 0 });
  await farm.sim.settle();
};
/** A run that is left by two Ctrl-C once half of the VM has come to the other server: what it began goes on, and takes its time. */
const leave = async (): Promise<void> => {
  farm.sim.faults('dom02').migration('hangs');
  const heard = fakeShell({ home: farm.folder });
  const running = run(['apply', '--yes', farm.path], heard.shell);
  while (!(await on('dom02')).includes('a--incoming')) await new Promise((resolve) => setImmediate(resolve));
  heard.interrupt();
  heard.interrupt();
  expect(await running).toBe(130);
};
const harmful = /more than once|remove the copy|destroy|discard|broke off/;

describe('a migration that a run has left', () => {
  test('is told as moving, and nothing is planned for it', async () => {
    await apply(vm('a', ', server: dom01'));
    await farm.describe(vm('a', ', server: dom02'));
    await leave();
    const first = await reeve(['plan']);
    expect(first.code).toBe(5);
    expect(first.out).toContain('it is busy: dom01 still carries out xl migrate, which a run of Reeve began');
    expect(first.out).toContain('Plan: nothing can be done now.');
    expect(first.out).not.toContain('Not managed');
    expect((await reeve(['status'])).out).not.toMatch(harmful);
    farm.sim.faults('dom02').migration(null);
    for (let looks = 0; looks < 20; looks += 1) expect((await reeve(['plan'])).out).not.toMatch(harmful);
    expect(await on('dom02')).toEqual(['a']);
  });

  test('is waited for by the next run, which then plans from what has become of it', async () => {
    await apply(vm('a', ', server: dom01'));
    await farm.describe(vm('a', ', server: dom02'));
    await leave();
    const heard = fakeShell();
    const write = (text: string): void => {
      heard.shell.err.write(text);
      farm.sim.faults('dom02').migration(null);
    };
    const told = { ...heard.shell.err, write };
    const { code, out } = await reeve(['apply', '--yes'], { err: told });
    const err = heard.err();
    expect([code, out]).toEqual([0, expect.not.stringMatching(harmful)]);
    expect(err).toMatch(/^dom01: waiting for what a run has left running there: .*xl migrate/m);
    await farm.sim.settle();
    expect([await on('dom01'), await on('dom02')]).toEqual([[], ['a']]);
    expect((await reeve(['plan'])).out).toMatch(/^Nothing to do/);
  });
});
