/** `apply` keeps a journal on each server: what it did there, from which commit, at the cost of three commands a run. */
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import { parseEntry, type JournalEntry } from '../../../src/kinds/server/journal.ts';
import { fakeShell } from './shell.ts';

let farm: DemoFarm;
beforeEach(async () => {
  farm = await startDemoFarm(Infinity, 'journal', true);
});
afterEach(() => farm.close());

const reeve = async (...argv: readonly string[]) => {
  const heard = fakeShell({ home: farm.folder });
  const code = await run([...argv, farm.path], heard.shell);
  return { code, said: heard.out() + heard.err() };
};
const path = '/var/log/reeve/journal.jsonl';
const journal = (server: string): readonly JournalEntry[] =>
  (farm.sim.files(server).read(path) ?? '')
    .split('\n')
    .filter((l) => l !== '')
    .map((l) => parseEntry(l) ?? expect.fail(l));
const told = (server: string): readonly string[] => journal(server).map((e) => `${e.op} ${e.result}`);
const vm = (server: string, more = ''): string =>
  `  web: { profile: small, server: ${server}, disks: { xvda: { repository: vmstore, size: 1GiB } }${more} }\n`;
const git = (...argv: readonly string[]): string =>
  execFileSync('git', ['-C', farm.folder, '-c', 'user.name=a', '-c', 'user.email=a@b', ...argv], {
    encoding: 'utf8',
  }).trim();

test('a line for each operation, on the server that it was carried out on', async () => {
  await farm.describe(vm('dom01'));
  expect((await reeve('apply', '--yes')).code).toBe(0);
  expect(told('dom01')).toContain('web/start done');
  expect(told('dom02')).not.toContain('web/start done');
  expect(told('dom03').length).toBeGreaterThan(0);
  const start = journal('dom01').find((e) => e.verb === 'start');
  expect(start).toMatchObject({
    server: 'dom01',
    subject: 'vm/web',
    code: null,
    why: null,
    who: 'ann@desk',
    commit: null,
    dirty: false,
    plan: null,
    reeve: '0.1.0',
  });
  const runs = ['dom01', 'dom02', 'dom03'].flatMap((s) => journal(s).map((e) => e.run));
  expect(new Set(runs).size).toBe(1);
  await farm.describe(vm('dom01', ', autostart: false'));
  expect((await reeve('apply', '--yes')).code).toBe(0);
  expect(new Set(journal('dom01').map((e) => e.run)).size).toBe(2);
});

test('what failed is in it, with its reason', async () => {
  await farm.describe(vm('dom01'));
  farm.sim.faults('dom01').swallow(['create']);
  expect((await reeve('apply', '--yes')).code).toBe(7);
  const last = journal('dom01').at(-1);
  expect(last).toMatchObject({ op: 'web/start', result: 'failed' });
  expect([last?.code, last?.why]).toEqual([expect.any(String), expect.any(String)]);
});

test('the commit of the file, and whether all of the file is in it', async () => {
  await farm.describe(vm('dom01'));
  git('init', '-q');
  git('add', 'farm.yaml');
  git('commit', '-q', '-m', 'x');
  const commit = git('rev-parse', 'HEAD');
  expect((await reeve('apply', '--yes')).code).toBe(0);
  expect(journal('dom01').at(-1)).toMatchObject({ commit, dirty: false });
  await farm.describe(vm('dom01', ', autostart: false'));
  expect((await reeve('apply', '--yes')).code).toBe(0);
  expect(journal('dom01').at(-1)).toMatchObject({ commit, dirty: true });
});

test('of a saved plan the digest', async () => {
  await farm.describe(vm('dom01'));
  const file = `${farm.folder}/plan.json`;
  const { said } = await reeve('plan', '--out', file);
  const heard = fakeShell({ home: farm.folder });
  expect(await run(['apply', file, '--yes'], heard.shell)).toBe(0);
  const [digest = 'none'] = /sha256:[0-9a-f]{64}/.exec(said) ?? [];
  expect(journal('dom01').at(-1)).toMatchObject({ commit: null, plan: digest });
});

/** Ctrl-C each time that an operation is done. */
const cancelled = async (times: number) => {
  await farm.describe(vm('dom01'));
  const heard = fakeShell({ home: farm.folder });
  let left = times;
  const write = (text: string): void => {
    heard.shell.out.write(text);
    if (text.includes('done in') && left-- > 0) heard.interrupt();
  };
  const shell = { ...heard.shell, out: { ...heard.shell.out, write } };
  expect(await run(['apply', '--yes', farm.path], shell)).toBe(130);
  return { lines: ['dom01', 'dom02', 'dom03'].flatMap((s) => told(s)), said: heard.out() };
};

test('what is over when a run is cancelled is in it', async () => {
  const { lines, said } = await cancelled(1);
  expect(lines.length).toBeGreaterThan(0);
  expect(lines).not.toContain('web/start done');
  expect(said).not.toContain('Warning');
});

test('a run that leaves at once says what it did not write', async () => {
  const { lines, said } = await cancelled(2);
  expect([lines, said]).toEqual([[], expect.stringMatching(/journal of\n {2}dom0\d: the run left before/)]);
});

describe('a journal that cannot be written', () => {
  test('fails nothing, and is said once for each server', async () => {
    await farm.describe(vm('dom01'));
    farm.sim.faults('dom01').readOnly('/var/log');
    const { code, said } = await reeve('apply', '--yes');
    expect(code).toBe(0);
    expect(said).toMatch(/^Warning: not in the journal of\n {2}dom01: mkdir: .*Read-only file system$/m);
    expect(said.match(/dom01: mkdir/g)).toHaveLength(1);
    expect(said).not.toContain('dom02: mkdir');
    expect(farm.sim.files('dom01').read(path)).toBeUndefined();
    expect(told('dom03').length).toBeGreaterThan(0);
  });

  test('a journal that stands is left as it is', async () => {
    await farm.describe(vm('dom01'));
    expect((await reeve('apply', '--yes')).code).toBe(0);
    const before = farm.sim.files('dom01').read(path);
    await farm.describe(vm('dom01', ', vcpus: 2'));
    farm.sim.faults('dom01').readOnly(path);
    const { code, said } = await reeve('apply', '--yes');
    expect([code, said]).toEqual([0, expect.stringContaining('not in the journal of\n  dom01: cat: ')]);
    expect(farm.sim.files('dom01').read(path)).toBe(before);
  });
});

test('costs a write, a command and the wait for it on each server, however many operations there were', async () => {
  const count = (): readonly number[] => {
    const commands = farm.sim.counts.get('dom01')?.commands;
    return [commands?.op ?? 0, commands?.wait ?? 0, commands?.write ?? 0];
  };
  await farm.describe(vm('dom01'));
  expect((await reeve('apply', '--yes')).code).toBe(0);
  const before = count();
  await farm.describe(vm('dom01', ', vcpus: 2'));
  expect((await reeve('apply', '--yes')).code).toBe(0);
  const lines = journal('dom01').filter((e) => e.run === journal('dom01').at(-1)?.run);
  // What an operation takes itself: a cfg that is written, an xl that is run and waited for.
  expect(lines.map((e) => e.op)).toEqual(['web/define', 'web/set-vcpus']);
  expect(count().map((n, i) => n - (before[i] ?? 0))).toEqual([1 + 1, 1 + 1, 1 + 1]);
});
