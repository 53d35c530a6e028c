/** Commands on a pool whose servers share a store: explain, graph, balance and roll, as a person types them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import type { Shell } from '../../../src/cli/shell.ts';
import { fakeShell } from './shell.ts';

let farm: DemoFarm;
beforeEach(async () => {
  farm = await startDemoFarm(Infinity, 'pool', true);
});
afterEach(() => farm.close());

const reeve = async (argv: readonly string[], more: Partial<Shell> = {}) => {
  const heard = fakeShell({ home: farm.folder, ...more });
  const code = await run([...argv, farm.path], heard.shell);
  return { code, out: heard.out(), err: heard.err() };
};
const vm = (name: string, more = ''): string =>
  `  ${name}: { profile: small, disks: { xvda: { repository: vmstore, size: 1GiB } }${more} }\n`;
const on = async (server: string): Promise<readonly string[]> =>
  (await farm.sim.hand(server, ['xl', 'list'])).out
    .split('\n')
    .flatMap((l) => l.split(/\s+/)[0] ?? [])
    .filter((n) => n !== '' && n !== 'Name' && n !== 'Domain-0')
    .sort();
const apply = async (): Promise<void> => {
  expect(await reeve(['apply', '--yes'])).toMatchObject({ code: 0 });
  await farm.sim.settle();
};

describe('explain', () => {
  test('says where a VM may be, what waits, and what each change would cost', async () => {
    await farm.describe(vm('web', ', server: dom01, apart: g') + vm('db', ', server: dom02, apart: g'));
    await apply();
    await farm.describe(
      vm('web', ', apart: g, memory: { target: 3GiB, max: 4GiB }') + vm('db', ', server: dom02, apart: g'),
      { dom03: 'maintenance' },
    );
    const { code, out } = await reeve(['explain', 'web']);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^web is on dom01 of pool ams1, running, \/etc\/xen\/web\.cfg; known by the marker in its cfg\.$/m,
    );
    expect(out).toMatch(/^ {2}dom01 {2}it is there, and may stay$/m);
    expect(out).toMatch(/^ {2}dom02 {2}has db of group g$/m);
    expect(out).toMatch(/^ {2}dom03 {2}is in maintenance$/m);
    expect(out).toMatch(/memory max 2GiB → 4GiB: defer/);
    expect(out).toMatch(/^ {2}vcpus\.count$/m);
  });

  test('of what the file has not is an error that names what it has', async () => {
    await farm.describe(vm('web'));
    expect(await reeve(['explain', 'wbe'])).toMatchObject({ code: 1, err: expect.stringContaining('it has web') });
  });
});

describe('graph', () => {
  test('draws operations and what they wait for, for Mermaid and for Graphviz', async () => {
    await farm.describe(vm('web', ', server: dom01'));
    const mermaid = await reeve(['graph']);
    expect(mermaid.out.split('\n')[0]).toBe('flowchart LR');
    expect(mermaid.out).toMatch(/^ {2}subgraph g\d+ \["web"\]$/m);
    expect(mermaid.out).toMatch(/^ {4}o\d+\["start it \(dom01\)"\]$/m);
    expect(mermaid.out).toMatch(/^ {2}o\d+ --> o\d+$/m);
    const dot = await reeve(['graph', '--format', 'dot']);
    expect(dot.out).toMatch(/^digraph plan \{/);
    expect(dot.out).toMatch(/^ {2}o\d+ -> o\d+;$/m);
    expect((await reeve(['graph', '--format', 'svg'])).code).toBe(1);
  });
});

describe('balance', () => {
  test('plans the moves that help most, at most so many, and leaves an even pool alone', async () => {
    const names = ['a', 'b', 'c', 'd'];
    await farm.describe(names.map((n) => vm(n, ', server: dom01, memory: { target: 2GiB, max: 2GiB }')).join(''));
    await apply();
    await farm.describe(names.map((n) => vm(n, ', memory: { target: 2GiB, max: 2GiB }')).join(''));
    const one = await reeve(['balance', 'ams1', '--max-moves', '1']);
    expect(one.out).toMatch(/^Plan: 1 to migrate live/m);
    expect(one.out).toMatch(/^ {4}moved {2}pool ams1 is more even then$/m);
    const path = join(farm.folder, 'plan.json');
    const all = await reeve(['balance', 'ams1', '--out', path]);
    expect(all.err).toMatch(/^\d moves: fullest and emptiest server are \d+ % apart now, and \d+ % then\.$/m);
    const heard = fakeShell({ home: farm.folder });
    expect(await run(['apply', path, '--yes'], heard.shell)).toBe(0);
    await farm.sim.settle();
    expect((await Promise.all(['dom01', 'dom02', 'dom03'].map(on))).every((l) => l.length >= 1)).toBe(true);
    expect((await reeve(['plan'])).out).toMatch(/^Nothing to do/);
    expect((await reeve(['balance', 'ams1'])).out).toMatch(/^Nothing to do: no move would make pool ams1 more even/);
  });
});

describe('roll', () => {
  const boots = (): readonly (string | undefined)[] =>
    ['dom01', 'dom02', 'dom03'].map((s) => farm.sim.files(s).read('/proc/sys/kernel/random/boot_id'));

  test('empties, treats and reboots one server after the other, and no VM goes down', async () => {
    await farm.describe(vm('a') + vm('b') + vm('c'));
    await apply();
    const before = boots();
    const log = join(farm.folder, 'log');
    const { code, out } = await reeve(['roll', 'ams1', '--run', `echo {server} >> ${log}`, '--reboot', '--yes']);
    expect([code, out]).toEqual([0, expect.stringMatching(/Pool ams1: all 3 servers done\.\n$/)]);
    expect(out).toMatch(/Pool ams1: all 3 servers done\.\n$/);
    expect(boots().map((b, i) => b === before[i])).toEqual([false, false, false]);
    expect((await Promise.all(['dom01', 'dom02', 'dom03'].map(on))).flat().sort()).toEqual(['a', 'b', 'c']);
    expect(farm.sim.files('dom01').read('/etc/reeve/roll.json')).toBeUndefined();
    expect((await reeve(['plan'])).out).toMatch(/^Nothing to do/);
  });

  test('stops at the first failure, and goes on there', async () => {
    await farm.describe(vm('a') + vm('b'));
    await apply();
    const script = join(farm.folder, 'patch.sh');
    const log = join(farm.folder, 'log');
    await writeFile(script, `echo $1 >> ${log}\n[ $1 != dom02 ]\n`);
    const first = await reeve(['roll', 'ams1', '--run', `sh ${script} {server}`, '--yes']);
    expect([first.code, first.err]).toEqual([
      7,
      expect.stringMatching(/^reeve: dom02: sh \S+ dom02 ended with 1; the roll stops here \(treatment-failed\)/),
    ]);
    await writeFile(script, `echo again $1 >> ${log}\n`);
    const second = await reeve(['roll', 'ams1', '--run', `sh ${script} {server}`, '--yes']);
    expect(second.code).toBe(0);
    expect(second.err).toMatch(/^Going on with the roll of \S+, begun by ann@desk\.\n$/);
    expect(second.out).toMatch(/^dom01 had its turn already\.$/m);
  });

  test('begins nothing where a server cannot be emptied', async () => {
    await farm.describe(vm('a', ', server: dom01, budget: live'));
    await apply();
    const { code, out, err } = await reeve(['roll', 'ams1', '--reboot', '--yes']);
    expect([code, err]).toEqual([5, expect.stringContaining('not all of it can be done (not-emptied)')]);
    expect(out).toMatch(/a would leave dom01 \(dom01 is under treatment by a roll\)/);
    expect(farm.sim.files('dom01').read('/etc/reeve/roll.json')).toBeUndefined();
    expect(await on('dom01')).toEqual(['a']);
  });
});
