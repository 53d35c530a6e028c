/** Fencing, as a person meets it: only a lost server that stays silent, only for VMs that may still run there, and always said. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import type { Shell } from '../../../src/cli/shell.ts';
import { fakeShell } from './shell.ts';

let farm: DemoFarm;
beforeEach(async () => {
  farm = await startDemoFarm(Infinity, 'fence', true);
});
afterEach(() => farm.close());

const reeve = async (argv: readonly string[], more: Partial<Shell> = {}) => {
  const heard = fakeShell({ home: farm.folder, ...more });
  const saved = argv[0] === 'apply' && argv[1]?.endsWith('plan.json');
  const code = await run(saved ? argv : [...argv, farm.path], heard.shell);
  await farm.sim.settle();
  return { code, out: heard.out(), err: heard.err() };
};
const file = (name: string): string => join(farm.folder, name);
/** What was run of the fence, in order. */
const commands = (): readonly string[] =>
  existsSync(file('log')) ? readFileSync(file('log'), 'utf8').trim().split('\n') : [];
const vm = (name: string, more = ''): string =>
  `  ${name}: { profile: small, disks: { xvda: { repository: vmstore, size: 1GiB } }${more} }\n`;
const on = async (server: string): Promise<readonly string[]> =>
  (await farm.sim.hand(server, ['xl', 'list'])).out
    .split('\n')
    .flatMap((l) => l.split(/\s+/)[0] ?? [])
    .filter((n) => n !== '' && n !== 'Name' && n !== 'Domain-0')
    .sort();
const apply = async (vms: string): Promise<void> => {
  await farm.describe(vms);
  expect(await reeve(['apply', '--yes'])).toMatchObject({ code: 0 });
};
/** `off`: what it does beside telling that it was run. */
const lost = (off = 'touch DOWN'): string => {
  const down = file('down');
  return `lost, fence: { off: "echo off >> ${file('log')}; ${off.replace('DOWN', down)}", status: "echo status >> ${file('log')}; test -e ${down}" }`;
};
const cut = async (server = 'dom01'): Promise<void> => farm.sim.faults(server).refuse(true);

describe('a lost server that stays silent', () => {
  test('is powered off once, before the first of its VMs starts elsewhere, and that is told', async () => {
    await apply(vm('a', ', server: dom01') + vm('b', ', server: dom01'));
    await cut();
    await farm.describe(vm('a') + vm('b'), { dom01: lost() });
    const planned = await reeve(['plan']);
    expect(planned.out.replaceAll(/\s+/g, ' ')).toMatch(
      /dom01 may still run a, b: before that starts, it is asked once more and must not answer, is powered off by echo off/,
    );
    expect(commands()).toEqual([]);
    const events = file('events');
    const { code, out } = await reeve(['apply', '--yes', '--events', events]);
    expect([code, commands()]).toEqual([0, ['status', 'off', 'status']]);
    expect(out).toMatch(/^Fenced\n {2}dom01: powered off by echo off/m);
    const told = readFileSync(events, 'utf8')
      .trim()
      .split('\n')
      .map((l) => JSON.parse(l) as { ev: string; server?: string; op?: string });
    expect(told.filter((e) => e.ev.startsWith('fenc')).map((e) => [e.ev, e.server])).toEqual([
      ['fencing', 'dom01'],
      ['fenced', 'dom01'],
    ]);
    expect(told.findIndex((e) => e.ev === 'fenced')).toBeLessThan(told.findIndex((e) => e.op === 'a/start'));
    expect([...(await on('dom02')), ...(await on('dom03'))].sort()).toEqual(['a', 'b']);
  });

  test('and is down already is not powered off', async () => {
    await apply(vm('a', ', server: dom01'));
    await cut();
    await farm.describe(vm('a'), { dom01: lost().replace('test -e', 'test ! -e') });
    const { code, out } = await reeve(['apply', '--yes']);
    expect([code, commands()]).toEqual([0, ['status']]);
    expect(out).toContain('dom01: it was down already');
  });

  test('is left alone by starts that have nothing to do with it, and by a run that names other VMs', async () => {
    await apply(vm('a', ', server: dom01') + vm('b', ', server: dom02, state: stopped'));
    await cut();
    const text = vm('a') + vm('b', ', server: dom02') + vm('new', ', server: dom02');
    await farm.describe(text, { dom01: lost() });
    const { code, out } = await reeve(['apply', '--yes', '--target', 'b', '--target', 'new']);
    expect([code, commands(), await on('dom02')]).toEqual([0, [], ['b', 'new']]);
    expect(out).not.toContain('dom01 may still run');
    // The other VM needs it.
    expect((await reeve(['plan'])).out).toContain('dom01 may still run a');
  });

  test('and is not known to be down holds back what counts on it, and nothing else', async () => {
    await apply(vm('a', ', server: dom01'));
    await cut();
    await farm.describe(vm('a') + vm('new'), { dom01: lost('exit 3') });
    const { code, out } = await reeve(['apply', '--yes']);
    expect(code).toBe(7);
    expect(commands().filter((c) => c === 'off')).toEqual(['off']);
    expect(out.replaceAll(/\s+/g, ' ')).toMatch(
      /Not fenced dom01: dom01 is not known to be down after 2 min: echo off \S+ \S+ exit 3 ended with 3; echo status .* ended with 1 \(fence-failed\)/,
    );
    expect([...(await on('dom02')), ...(await on('dom03'))]).toEqual(['new']);
    // Not even its cfg was written: a link to it would start it at the next boot.
    for (const s of ['dom02', 'dom03']) expect(farm.sim.files(s).list('/etc/xen')).not.toContain('a.cfg');
  });

  test('is named by the question', async () => {
    await apply(vm('a', ', server: dom01'));
    await cut();
    await farm.describe(vm('a'), { dom01: lost() });
    const asked: string[] = [];
    const ask = async (question: string): Promise<string> => {
      asked.push(question);
      return 'n';
    };
    expect((await reeve(['apply'], { ask })).code).toBe(1);
    expect(asked).toEqual([expect.stringContaining('and power dom01 off first unless down')]);
    expect(commands()).toEqual([]);
  });
});

describe('a lost server that answers', () => {
  test('is never powered off, whatever starts elsewhere, and its VMs stay', async () => {
    await apply(vm('a', ', server: dom01'));
    await farm.describe(vm('a') + vm('new', ', server: dom02'), { dom01: lost() });
    const { code, out } = await reeve(['apply', '--yes']);
    expect([code, commands()]).toEqual([5, []]);
    expect(out).toContain('dom01 is declared lost, and it answers');
    expect([await on('dom01'), await on('dom02')]).toEqual([['a'], ['new']]);
  });

  test('after a saved plan was made makes the plan stale, and is not powered off', async () => {
    await apply(vm('a', ', server: dom01'));
    await cut();
    await farm.describe(vm('a'), { dom01: lost() });
    expect((await reeve(['plan', '--out', file('plan.json')])).code).toBe(0);
    await farm.sim.faults('dom01').refuse(false);
    const { code, out } = await reeve(['apply', file('plan.json'), '--yes']);
    expect([code, commands()]).toEqual([6, []]);
    expect(out).toContain('dom01 is declared lost, and answers');
    expect([await on('dom01'), await on('dom02'), await on('dom03')]).toEqual([['a'], [], []]);
  });

  test('while the question is asked has its VMs refused, with and without a fence in the file', async () => {
    await apply(vm('a', ', server: dom01'));
    for (const state of [lost(), 'lost']) {
      await cut();
      await farm.describe(vm('a'), { dom01: state });
      const ask = async (): Promise<string> => {
        await farm.sim.faults('dom01').refuse(false);
        return 'y';
      };
      const { code, out } = await reeve(['apply'], { ask });
      expect([code, commands()]).toEqual([5, []]);
      expect(out).toMatch(
        /dom01 is declared lost, and answers[\s\S]*Planning anew\.[\s\S]*declared lost, and it answers/,
      );
      expect([await on('dom01'), await on('dom02'), await on('dom03')]).toEqual([['a'], [], []]);
    }
  });

  test('with anything but a reading has its VMs refused', async () => {
    await apply(vm('a', ', server: dom01'));
    farm.sim.faults('dom01').noXen(true);
    await farm.describe(vm('a'), { dom01: lost() });
    const { code, out } = await reeve(['apply', '--yes']);
    expect([code, commands()]).toEqual([5, []]);
    expect(out.replaceAll(/\s+/g, ' ')).toContain('it may run on dom01, which is declared lost, and answers');
  });

  test('is not powered off by a stale plan of another farm state', async () => {
    await apply(vm('a', ', server: dom01') + vm('b', ', server: dom02'));
    await cut();
    await farm.describe(vm('a') + vm('b', ', server: dom02'), { dom01: lost() });
    expect((await reeve(['plan', '--out', file('plan.json')])).code).toBe(0);
    const target = (await reeve(['plan', '--json'])).out;
    const server = (JSON.parse(target) as { vms: readonly { name: string; server: string }[] }).vms[0]?.server ?? '';
    farm.sim
      .files(server)
      .write('/etc/xen/a.cfg', 'name = "a"\ntype = "pvh"\nmemory = 128\nkernel = "/srv/guest/vmlinuz"\n');
    const { code, out } = await reeve(['apply', file('plan.json'), '--yes']);
    expect([code, commands()]).toEqual([6, []]);
    expect(out).toContain('Nothing was changed');
  });
});
