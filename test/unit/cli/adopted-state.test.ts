/** What an adopted VM does is left as it is until the file has a word for it. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { runOn } from './shell.ts';

let farm: DemoFarm;
beforeAll(async () => {
  farm = await startDemoFarm(Infinity, 'adopted-state', true);
});
afterAll(() => farm.close());

const reeve = async (...argv: readonly string[]) => runOn(farm, argv);
const path = '/etc/xen/a.cfg';
const hand = (...argv: readonly string[]) => farm.sim.hand('dom02', argv);
const life = async (): Promise<string> => /^a +\d+ .* (\S+) +\S+$/m.exec((await hand('xl', 'list')).out)?.[1] ?? 'down';
const settled = async (): Promise<void> => {
  expect((await reeve('plan')).out).toMatch(/^Nothing to do/);
  expect(await reeve('drift')).toMatchObject({ code: 0 });
};
const cfg = `name = "a"\ntype = "pvh"\nmemory = 256\nkernel = "/srv/guest/vmlinuz"\n`;
beforeEach(async () => {
  await hand('xl', 'destroy', 'a');
  farm.sim.files('dom02').write(path, cfg);
  await farm.describe('  a: {}\n');
});

test('one that is down stays down, and up once a person starts it, until the file says more', async () => {
  expect((await reeve('apply', '--yes')).out).toContain('adopt, marking its cfg; nothing running is touched');
  expect(await life()).toBe('down');
  await settled();
  await farm.describe('  a: { memory: 512MiB }\n');
  expect(await reeve('apply', '--yes')).toMatchObject({ code: 0 });
  expect(await life()).toBe('down');
  await hand('xl', 'create', '-q', path);
  await settled();
  await hand('xl', 'destroy', 'a');
  await settled();
  await farm.describe('  a: { state: running }\n');
  expect((await reeve('apply', '--yes')).code).toBe(0);
  expect(await life()).not.toBe('down');
  await hand('xl', 'destroy', 'a');
  expect((await reeve('drift')).code).toBe(2);
});

test('one that stands paused stays so', async () => {
  await hand('xl', 'create', '-p', '-q', path);
  const before = await life();
  expect((await reeve('apply', '--yes')).code).toBe(0);
  expect(await life()).toBe(before);
  await settled();
});

test('one that ran is kept running', async () => {
  await hand('xl', 'create', '-q', path);
  expect((await reeve('apply', '--yes')).code).toBe(0);
  await hand('xl', 'destroy', 'a');
  expect(await reeve('drift')).toMatchObject({
    code: 2,
    out: expect.stringContaining('by hand, from inside the guest') as string,
  });
  expect((await reeve('apply', '--yes')).code).toBe(0);
  expect(await life()).not.toBe('down');
});
