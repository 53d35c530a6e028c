/** `--delete-data` as a person types it: of a repository that the file has go, and of one that has left the file. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import { fakeShell } from './shell.ts';

const disk = (state = ''): string =>
  `  big: { profile: small, server: dom01, disks: { xvda: { repository: local, size: 1GiB } }${state} }\n`;
const other = '  web-1: { profile: small, server: dom02, disks: { xvda: { path: /dev/vg0/web-1 } } }\n';
const local = (state = ''): string => `repositories: { local: { type: dir, path: /srv/local${state} } }\n`;

let farm: DemoFarm;
const reeve = async (...argv: readonly string[]) => {
  const heard = fakeShell({ home: farm.folder });
  const [command = '', ...rest] = argv;
  const code = await run([command, farm.path, ...rest], heard.shell);
  return { code, out: heard.out(), err: heard.err() };
};
const apply = async (text: string, ...more: readonly string[]): Promise<string> => {
  await farm.describe(text);
  const { code, out, err } = await reeve('apply', '--yes', ...more);
  expect([code, err]).toEqual([0, '']);
  await farm.sim.settle();
  return out;
};
const left = (): readonly string[] => farm.sim.files('dom01').list('/srv/local');
const looks = (): number => [...farm.sim.counts.values()].reduce((n, c) => n + c.commands.observe, 0);

beforeAll(async () => {
  farm = await startDemoFarm(Infinity);
});
afterAll(() => farm.close());

const begin = async (): Promise<void> => {
  await apply(other + disk() + local());
  await apply(other + disk(', state: absent') + local(), '--allow', 'stop=big');
  expect(left()).toContain('disks');
};

test('deletes what Reeve made, where the file says that the repository is absent', async () => {
  await begin();
  await farm.describe(other + local(', state: absent'));
  expect((await reeve('plan')).out).toMatch(/local of pool ams1 at \/srv\/local: detach; its data stay/);
  const shown = await apply(other + local(', state: absent'), '--delete-data', 'local');
  expect(shown).toMatch(/detach, AND DELETE ITS DATA: THE BYTES OF 1 DISK \(1GiB\) ARE LOST/);
  expect(left()).toEqual([]);
});

test('looks once more for one that has left the file, and only then', async () => {
  await begin();
  await farm.describe(other);
  const before = looks();
  const kept = await reeve('plan', '--prune');
  expect([looks() - before, kept.out]).toEqual([3, expect.stringMatching(/detach; its data stay/)]);
  const shown = await apply(other, '--prune', '--delete-data', 'local');
  expect(shown).toMatch(/delete disk big-xvda-\S+ \(1GiB\): its bytes are lost/);
  expect(left()).toEqual([]);
  expect((await reeve('plan')).out).toMatch(/^Nothing to do/);
});

test('of no repository says so', async () => {
  const { code, out } = await reeve('plan', '--delete-data', 'nosuch');
  expect([code, out]).toEqual([0, expect.stringMatching(/--delete-data nosuch: no repository of this name is to go/)]);
});
