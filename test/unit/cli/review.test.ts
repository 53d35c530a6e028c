/** Five plans that a reviewer meets, on a simulated farm: what the pull request shows of each, in Markdown and in text. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import { fakeShell } from './shell.ts';

let farm: DemoFarm;
const reeve = async (...argv: readonly string[]) => {
  const heard = fakeShell({ home: farm.folder });
  const code = await run(argv, heard.shell);
  return { code, out: heard.out(), err: heard.err() };
};

const vm = (name: string, server: string, more = ''): string =>
  `  ${name}: { profile: small, server: ${server}, disks: { xvda: { path: /dev/vg0/${name} } }${more} }\n`;
const stored = (name: string, more = ''): string =>
  `  ${name}: { profile: small, disks: { xvda: { repository: vmstore, size: 1GiB } }${more} }\n`;
const before =
  vm('web-1', 'dom01') +
  vm('db-1', 'dom03', ', protect: true') +
  stored('mail', ', server: dom02') +
  stored('shop', ', server: dom02');

beforeAll(async () => {
  farm = await startDemoFarm(Infinity, 'review', true);
  await farm.describe(before);
  const { code, out, err } = await reeve('apply', farm.path, '--yes');
  if (code !== 0) throw new Error(out + err);
  await farm.sim.settle();
});
afterAll(() => farm.close());

const db = (more: string): string => vm('db-1', 'dom03', more);
const rest = stored('mail', ', server: dom02') + stored('shop', ', server: dom02');

test.each([
  ['nothing', before, {}, [], 0],
  [
    'restart',
    vm('web-1', 'dom01', ', vcpus: { count: 2 }') + db(', protect: true, memory: { target: 3GiB, max: 4GiB }') + rest,
    {},
    ['--allow', 'restart=db-1'],
    0,
  ],
  [
    'drain',
    vm('web-1', 'dom01') + db(', protect: true') + stored('mail') + stored('shop'),
    { dom02: 'maintenance' },
    [],
    0,
  ],
  [
    'refusals',
    vm('web-1', 'dom01', ', state: stopped') +
      db(', state: absent, protect: true') +
      rest +
      vm('big', 'dom01', ', memory: { target: 40GiB, max: 40GiB }'),
    {},
    [],
    5,
  ],
  [
    'deletion',
    vm('web-1', 'dom01') +
      db(', protect: true') +
      stored('shop', ', server: dom02') +
      stored('mail', ', state: absent, deleteDisks: true'),
    {},
    ['--allow', 'data-loss=mail'],
    0,
  ],
] as const)('%s', async (name, vms, states, options, code) => {
  await farm.describe(vms, states);
  const md = join(farm.folder, 'plan.md');
  const json = join(farm.folder, 'plan.json');
  const made = await reeve('plan', farm.path, ...options, '--write', `markdown=${md}`, '--write', `json=${json}`);
  expect(made.code).toBe(code);
  const plain = (text: string): string =>
    text.replaceAll(/sha256:[0-9a-f]{64}/g, `sha256:${'5e'.repeat(32)}`).replaceAll(`${farm.folder}/`, '');
  const text = readFileSync(md, 'utf8');
  await expect(plain(text)).toMatchFileSnapshot(`../../golden/report/review/${name}.md`);
  await expect(plain(made.out)).toMatchFileSnapshot(`../../golden/report/review/${name}.txt`);
  const again = await reeve('show', json, '--format', 'markdown');
  expect(again).toEqual({ code: 0, out: text, err: '' });
});

test('README shows what is printed', () => {
  const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
  const [begin = ''] = read('test/golden/report/review/restart.md').split('<details>');
  expect(read('README.md')).toContain(begin.trim());
});
