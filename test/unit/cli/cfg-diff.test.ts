/** `reeve plan --diff` on a simulated farm: what becomes of a cfg that its owner wrote, and of one that Reeve keeps. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import { fakeShell } from './shell.ts';

const password = 'Vn482913/+';
const cfg = `# The desk in the hall.
name = "desk"
type = "hvm"   # was pv until spring

memory = 512
vcpus = 1
disk = [ "/dev/vg0/mail,raw,xvda,w" ]
vif = [ "mac=02:00:00:00:00:01,bridge=xenbr0" ]
vnc = 1
vncpasswd = "${password}"
# \u001B[31mkeep me\u202E
`;

let farm: DemoFarm;
const reeve = async (...argv: readonly string[]) => {
  const heard = fakeShell({ home: farm.folder });
  const code = await run(argv, heard.shell);
  return { code, out: heard.out(), err: heard.err() };
};
const standing = (): string => farm.sim.files('dom02').read('/etc/xen/desk.cfg') ?? '';
const heads = ['--- dom02:/etc/xen/desk.cfg', '+++ dom02:/etc/xen/desk.cfg'];
const lines = (text: string): readonly string[] =>
  text
    .split('\n')
    .map((l) => l.trim())
    .filter((l) => /^[-+]/.test(l));
const plain = (text: string): string =>
  text.replaceAll(/sha256:[0-9a-f]{64}/g, `sha256:${'5e'.repeat(32)}`).replaceAll(`${farm.folder}/`, '');

beforeAll(async () => {
  farm = await startDemoFarm(Infinity, 'cfg-diff');
  farm.sim.files('dom02').write('/etc/xen/desk.cfg', cfg);
  const made = await farm.sim.hand('dom02', ['xl', 'create', '-q', '/etc/xen/desk.cfg']);
  if (made.rc !== 0) throw new Error(made.err);
});
afterAll(() => farm.close());

test('the comments of an adopted cfg are shown to go, and its password is not', async () => {
  await farm.describe('  desk: { server: dom02 }\n');
  const md = join(farm.folder, 'plan.md');
  const { code, out, err } = await reeve('plan', farm.path, '--diff', '--write', `markdown=${md}`);
  expect([code, err]).toEqual([0, '']);
  await expect(plain(out)).toMatchFileSnapshot('../../golden/report/cfg-diff/adopt.txt');
  await expect(plain(readFileSync(md, 'utf8'))).toMatchFileSnapshot('../../golden/report/cfg-diff/adopt.md');
  expect(out + readFileSync(md, 'utf8')).not.toMatch(/Vn482913|\u001B|\u202E/);
  for (const form of ['text', 'json', 'markdown']) {
    const without = await reeve('plan', farm.path, '--format', form);
    expect(without.out).not.toMatch(/^ *(?:---|\+\+\+|@@) /m);
  }
  const json = await reeve('plan', farm.path, '--json');
  expect(await reeve('plan', farm.path, '--diff', '--json')).toEqual(json);
});

test('a change of one setting is that line', async () => {
  expect((await reeve('apply', farm.path, '--yes')).code).toBe(0);
  expect(standing()).toContain(password);
  await farm.describe('  desk: { server: dom02, memory: { max: 1GiB } }\n');
  const { code, out } = await reeve('plan', farm.path, '--diff', '--allow', 'restart=desk');
  expect(code).toBe(0);
  await expect(plain(out)).toMatchFileSnapshot('../../golden/report/cfg-diff/change.txt');
  expect(lines(out)).toEqual([...heads, '-maxmem = 512', '+maxmem = 1024']);
  expect(out).not.toContain(password);
});

test('a new password is told, and not shown', async () => {
  await farm.describe('  desk: { server: dom02, display: { vnc: { password: "${env:DESK}" } } }\n');
  const heard = fakeShell({ home: farm.folder, env: { DESK: 'Nw551209' } });
  expect(await run(['plan', farm.path, '--diff', '--allow', 'restart=desk'], heard.shell)).toBe(0);
  expect(lines(heard.out())).toEqual(heads);
  expect(heard.out()).toContain('a password, which is not shown');
  expect(heard.out() + heard.err()).not.toMatch(/Nw551209|Vn482913/);
});

test('of a VM that is made, every line is new', async () => {
  await farm.describe(
    '  desk: { server: dom02 }\n  web-1: { profile: small, server: dom01, disks: { xvda: { path: /dev/vg0/web-1 } } }\n',
  );
  const { out } = await reeve('plan', farm.path, '--diff');
  const [before, after, ...added] = lines(out.slice(out.indexOf('---')));
  expect([before, after]).toEqual(['--- /dev/null', '+++ dom01:/etc/xen/web-1.cfg']);
  expect(added.filter((l) => l.startsWith('-'))).toEqual([]);
  expect(out).toContain(`@@ -0,0 +1,${added.length} @@`);
});
