/** A guest that does not obey its shutdown: what the plan says beforehand, and what is said at the end, in the events and in the journal. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import { fakeShell } from './shell.ts';

let farm: DemoFarm;
beforeAll(async () => {
  farm = await startDemoFarm(Infinity, 'destroyed', true);
});
afterAll(() => farm.close());

const reeve = async (...argv: readonly string[]) => {
  const { shell, out } = fakeShell({ home: farm.folder });
  const code = await run([...argv, farm.path], shell);
  return { code, out: out() };
};

const vm = (key: string, more: string): string =>
  `  ${key}: { profile: small, disks: { xvda: { size: 1GiB } }, server: dom01, shutdown: { within: 4s }${more} }\n`;

test('is told', async () => {
  await farm.describe(vm('deaf', '') + vm('other', ''));
  expect((await reeve('apply', '--yes')).code).toBe(0);
  farm.sim.faults('dom01').guest('deaf', { shutdown: 'deaf' });
  await farm.describe(vm('deaf', ', state: stopped') + vm('other', ', memory: { target: 512MiB, max: 3GiB }'));
  const events = join(farm.folder, 'events');
  const allowed = ['--allow', 'data-loss=deaf'];
  expect((await reeve('plan', ...allowed)).out).toContain('DESTROYED where it does not go down within 4 s');
  const { code, out } = await reeve('apply', '--yes', '--events', events, ...allowed);
  const why = 'it did not shut down within 4 s, and was destroyed';
  expect(code).toBe(0);
  expect(out).toContain(': 1 guest destroyed.\nNot done: 1 change waits for a restart.\n\nDestroyed\n');
  expect(out).toContain(`deaf/stop: ${why} (guest-destroyed)\n      next: reeve history deaf\n`);
  expect(out).toContain(
    `other: memory max\n      next: reeve apply ${farm.path} --allow data-loss=deaf --allow restart=other\n`,
  );
  expect(readFileSync(events, 'utf8')).toContain(`"op":"deaf/stop","code":"guest-destroyed","why":"${why}"`);
  expect((await reeve('history', 'deaf')).out).toContain(`! ${why} (guest-destroyed)`);
});
