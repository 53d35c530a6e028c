/** A copy of a cfg that somebody keeps below /etc/xen is never taken for the one that its VM starts from. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import { fakeShell } from './shell.ts';

let farm: DemoFarm;
beforeEach(async () => {
  farm = await startDemoFarm(Infinity, 'copied-cfg');
  await farm.describe('  a: {}\n');
});
afterEach(() => farm.close());

const reeve = async (...argv: readonly string[]) => {
  const heard = fakeShell({ home: farm.folder });
  const code = await run([...argv, farm.path], heard.shell);
  return { code, out: heard.out() };
};
const cfg = (memory: number, more = ''): string =>
  `name = "a"\n${more}type = "pvh"\nmemory = ${memory}\nvcpus = 1\nkernel = "/srv/guest/vmlinuz"\n`;
const [own, copy] = ['/etc/xen/a.cfg', '/etc/xen/0-old/a.cfg'];

test.each([
  ['without a UUID', ''],
  ['with the same UUID', 'uuid = "11111111-2222-3333-4444-555555555555"\n'],
])('%s', async (_, uuid) => {
  const files = farm.sim.files('dom02');
  await farm.sim.hand('dom02', ['mkdir', '-p', '/etc/xen/0-old']);
  files.write(copy, cfg(256, uuid));
  files.write(own, cfg(512, uuid));
  await farm.sim.hand('dom02', ['xl', 'create', '-q', own]);
  expect(await reeve('apply', '--yes')).toMatchObject({ code: 0 });
  expect(files.read(own)).toMatch(/^# reeve: /);
  expect(files.read(copy)).toBe(cfg(256, uuid));

  // And a copy of the marked one that a later change left behind.
  files.write(copy, files.read(own) ?? '');
  await farm.describe('  a: { protect: true }\n');
  expect(await reeve('apply', '--yes')).toMatchObject({ code: 0 });
  expect(files.read(own)).toContain('"protect":true');
  expect((await reeve('plan')).out).toContain('Nothing to do');
});
