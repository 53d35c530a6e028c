/** What `--prune` deletes has left the file: options may name it all the same. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import { fakeShell } from './shell.ts';

let farm: DemoFarm;
beforeAll(async () => {
  farm = await startDemoFarm(Infinity, 'prune', true);
});
afterAll(() => farm.close());

const reeve = async (...argv: readonly string[]) => {
  const { shell, out, err } = fakeShell({ home: farm.folder });
  const code = await run([...argv, farm.path], shell);
  return { code, out: out(), err: err() };
};

const vm = (key: string): string => `  ${key}: { profile: small, disks: { xvda: { size: 1GiB } }, server: dom01 }\n`;

test('--allow names a VM that only --prune deletes', async () => {
  await farm.describe(vm('keep') + vm('o-1'));
  expect((await reeve('apply', '--yes')).code).toBe(0);
  await farm.describe(vm('keep'));
  const { code, err, out } = await reeve('plan', '--prune', '--allow', 'stop=o-*');
  expect([code, err]).toEqual([0, '']);
  expect(out).toContain('o-1 on dom01: shut down and delete');
  expect((await reeve('plan', '--allow', 'stop=o-*')).err).toBe('warning: --allow stop=o-* names no VM of the file\n');
  expect((await reeve('plan', '--prune', '--allow', 'stop=p-*')).err).toBe(
    'warning: --allow stop=p-* names no VM of the file, and none that --prune deletes\n',
  );
});
