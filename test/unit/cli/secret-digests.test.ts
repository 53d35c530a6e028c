/** A digest that covers a password gives a short one away: none leaves, and what is saved is its owner's alone. */
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import { digestText } from '../../../src/core/digest.ts';
import { fakeShell } from './shell.ts';

const password = '482913';
const vm = (more: string): string =>
  `  win: { profile: small, type: hvm, server: dom02, disks: { xvda: { path: /dev/vg0/mail } }, display: { vnc: { password: "\${env:VNC}" } }${more} }\n`;

let farm: DemoFarm;
const reeve = async (...argv: readonly string[]) => {
  const heard = fakeShell({ home: farm.folder, env: { VNC: password } });
  const code = await run(argv, heard.shell);
  return { code, said: heard.out() + heard.err() };
};
const cfg = (): string => farm.sim.files('dom02').read('/etc/xen/win.cfg') ?? '';
const path = (name: string): string => join(farm.folder, name);
const old = (name: string): string => {
  writeFileSync(path(name), 'an older one');
  chmodSync(path(name), 0o644);
  return path(name);
};

beforeAll(async () => {
  farm = await startDemoFarm(Infinity);
  await farm.describe(vm(''));
  const { code, said } = await reeve('apply', farm.path, '--yes');
  if (code !== 0) throw new Error(said);
  await farm.sim.settle();
});
afterAll(() => farm.close());

describe('of a cfg with a password', () => {
  test.each([
    ['a change', ', sched: { weight: 512 }', []],
    ['a restart', ', vcpus: { max: 8 }', ['--allow', 'restart=win']],
    ['a deletion', ', state: absent', ['--allow', 'stop=win']],
    ['a move to another server', ', state: stopped', ['--allow', 'stop=win']],
  ])('%s: neither the password nor a digest that covers it is told', async (_, more, options) => {
    const text = cfg();
    expect(text).toContain(password);
    await farm.describe(vm(more));
    const said = [
      (await reeve('plan', farm.path, '--json', ...options)).said,
      (await reeve('plan', farm.path, '--commands', '--out', old('plan.json'), ...options)).said,
      readFileSync(path('plan.json'), 'utf8'),
      (await reeve('graph', farm.path, ...options)).said,
    ].join('\n');
    expect(said).toContain('/etc/xen/win.cfg');
    expect(said).not.toContain(password);
    expect(said).not.toContain(digestText(text));
    expect(statSync(path('plan.json')).mode & 0o777).toBe(0o600);
  });

  test('a saved plan is applied all the same; one whose cfg was edited since is not', async () => {
    await farm.describe(vm(', sched: { weight: 300 }'));
    await reeve('plan', farm.path, '--out', path('plan.json'));
    const done = await reeve('apply', path('plan.json'), '--yes', '--events', old('events.json'));
    expect(done).toMatchObject({ code: 0 });
    expect(readFileSync(path('events.json'), 'utf8')).not.toContain(digestText(cfg()));
    expect(statSync(path('events.json')).mode & 0o777).toBe(0o600);
    expect(cfg()).toContain(password);
    await farm.describe(vm(', sched: { weight: 400 }'));
    await reeve('plan', farm.path, '--out', path('plan.json'));
    const files = farm.sim.files('dom02');
    files.write('/etc/xen/win.cfg', `${cfg()}# somebody was here\n`);
    expect((await reeve('apply', path('plan.json'), '--yes')).code).toBe(6);
    expect(cfg()).toContain('# somebody was here');
  });
});
