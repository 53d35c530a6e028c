/** status, snapshot, release, console and passwords on a simulated farm. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import type { Shell } from '../../../src/cli/shell.ts';
import type { Status } from '../../../src/report/status.ts';
import { fakeShell } from './shell.ts';

const vm = (name: string, server: string, more = ''): string =>
  `  ${name}: { profile: small, server: ${server}, disks: { xvda: { path: /dev/vg0/${name} } }${more} }\n`;
const two = vm('web-1', 'dom01') + vm('db-1', 'dom03');
/** A screen with a password. */
const win = (reference = '${env:VNC}'): string =>
  `  win: { profile: small, type: hvm, server: dom02, disks: { xvda: { path: /dev/vg0/mail } }, display: { vnc: { password: "${reference}" } } }\n`;

let farm: DemoFarm;
const reeve = async (argv: readonly string[], more: Partial<Shell> = {}) => {
  const heard = fakeShell({ home: farm.folder, ...more });
  const code = await run(argv, heard.shell);
  return { code, out: heard.out(), err: heard.err() };
};
const commands = (what: 'hold' | 'op' | 'write'): number =>
  [...farm.sim.counts.values()].reduce((n, c) => n + c.commands[what], 0);
const cfg = (server: string, name: string): string | undefined => farm.sim.files(server).read(`/etc/xen/${name}.cfg`);
const legacy = 'name = "legacy"\ntype = "pvh"\nmemory = 256\nkernel = "/srv/guest/vmlinuz"\n';

beforeAll(async () => {
  farm = await startDemoFarm(Infinity);
  await farm.describe(two);
  farm.sim.files('dom01').write('/etc/xen/legacy.cfg', legacy);
  const { code, out, err } = await reeve(['apply', farm.path, '--yes']);
  if (code !== 0) throw new Error(`the farm is not as it should be:\n${out}${err}`);
  await farm.sim.settle();
});
afterAll(() => farm.close());

describe('status', () => {
  test('shows servers and VMs, whoever keeps them, and changes nothing', async () => {
    const before = commands('hold');
    const { code, out, err } = await reeve(['status', farm.path]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^ {2}dom01 {2}ams1 {2}127\.0\.0\.1 {2}4\.17\S* +8 +\S+GiB +\S+GiB {2}credit2$/m);
    expect(out).toMatch(/^ {2}web-1 +dom01 +running +pvh +1\/4 +512MiB\/2GiB +managed +on$/m);
    expect(out).toMatch(/^ {2}legacy +dom01 +stopped +pvh +1 +256MiB +unmanaged +off$/m);
    expect(out).toMatch(/^3 servers; 3 VMs, 2 running, 2 managed\.$/m);
    expect(commands('hold')).toBe(before);
  });

  test('--json is the same as data; --pool must name one', async () => {
    const { code, out } = await reeve(['status', farm.path, '--json', '--pool', 'ams1']);
    expect(code).toBe(0);
    const told = JSON.parse(out) as Status;
    expect(told.format).toBe('reeve-status/1');
    expect(told.vms.map((v) => [v.name, v.owner, v.differences])).toEqual([
      ['db-1', 'managed', 0],
      ['legacy', 'unmanaged', 0],
      ['web-1', 'managed', 0],
    ]);
    expect((await reeve(['status', farm.path, '--pool', 'ams9'])).err).toBe(
      'reeve: --pool ams9: no such pool\nhelp: the file has ams1\n',
    );
  });

  test('a server that is down is told, and is exit code 4', async () => {
    await farm.sim.faults('dom03').refuse(true);
    const { code, out } = await reeve(['status', farm.path]);
    await farm.sim.faults('dom03').clear();
    expect(code).toBe(4);
    expect(out).toMatch(/^ {2}dom03 +ams1 +127\.0\.0\.1 +unread\n {6}! /m);
    expect(out).toContain('db-1 (pool ams1): it may be on dom03, which could not be read');
  });
});

describe('snapshot', () => {
  const path = (): string => join(farm.folder, 'snapshot.json');

  test('of the farm; a plan, a drift and a status from it are those of the farm, without a connection', async () => {
    await farm.sim.hand('dom01', ['xl', 'mem-set', 'web-1', '1024m']);
    await farm.sim.settle();
    await farm.describe(two + vm('mail', 'dom02'));
    const live = await Promise.all(['plan', 'drift', 'status'].map((c) => reeve([c, farm.path, '--json'])));
    writeFileSync(path(), 'older', { mode: 0o644 });
    const taken = await reeve(['snapshot', farm.path, '--out', path()]);
    expect(taken).toEqual({
      code: 0,
      out: '',
      err: `Saved what 3 servers answered. To plan from it: reeve plan --from-snapshot ${path()}\n`,
    });
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    const before = [...farm.sim.counts.values()].map((c) => c.connections);
    const replayed = await Promise.all(
      ['plan', 'drift', 'status'].map((c) => reeve([c, farm.path, '--json', '--from-snapshot', path()])),
    );
    expect(replayed.map(({ code, out }) => ({ code, out }))).toEqual(live.map(({ code, out }) => ({ code, out })));
    expect(replayed[0]?.out).toContain('"web-1/set-memory"');
    expect(replayed[0]?.err).toMatch(/^From a snapshot of \d{4}-.*Z: what has happened since is not in it\.\n$/);
    expect([...farm.sim.counts.values()].map((c) => c.connections)).toEqual(before);
    await farm.describe(two);
  });

  test('says which server could not be read, and so does a plan from it', async () => {
    await farm.sim.faults('dom02').refuse(true);
    const taken = await reeve(['snapshot', farm.path, '--out', path()]);
    await farm.sim.faults('dom02').clear();
    expect(taken.code).toBe(4);
    expect(taken.err).toMatch(/^warning: dom02 could not be read: .*\nSaved what 2 servers answered\. /);
    const { code, out } = await reeve(['plan', farm.path, '--from-snapshot', path()]);
    expect(code).toBe(4);
    expect(out).toContain('Not read\n  ! dom02: ');
  });

  test('that lacks a server of the file leaves it unread', async () => {
    const { servers, ...rest } = JSON.parse(readFileSync(path(), 'utf8')) as { servers: Record<string, unknown> };
    const { dom01: _, ...others } = servers;
    writeFileSync(path(), JSON.stringify({ ...rest, servers: others }));
    const { code, out } = await reeve(['plan', farm.path, '--from-snapshot', path()]);
    expect(code).toBe(4);
    expect(out).toContain('! dom01: dom01 is not in the snapshot');
  });

  test.each([
    ['{"format":"reeve-snapshot/2"}', 3, 'it has the format "reeve-snapshot/2"; this version'],
    ['{', 3, 'it is not JSON'],
    [
      JSON.stringify({ format: 'reeve-snapshot/1', tool: '1', at: 'x', farm: 'acme', servers: {} }),
      3,
      'is of farm acme; this file describes demo',
    ],
    [null, 1, 'cannot be read: there is no such file'],
  ])('that is none: %s', async (text, code, why) => {
    const bad = join(farm.folder, text === null ? 'nowhere.json' : 'bad.json');
    if (text !== null) writeFileSync(bad, text);
    for (const command of ['plan', 'drift', 'status']) {
      const answer = await reeve([command, farm.path, '--from-snapshot', bad]);
      expect(answer.code).toBe(code);
      expect(answer.err).toContain(why);
    }
  });

  test('is not what apply works on', async () => {
    const { code, err } = await reeve(['apply', farm.path, '--yes', '--from-snapshot', path()]);
    expect(code).toBe(1);
    expect(err).toContain("unknown option '--from-snapshot'");
  });
});

describe('a password', () => {
  test('that is not set: reading warns, apply ends with exit code 3 before it reads', async () => {
    await farm.describe(two + win());
    const planned = await reeve(['plan', farm.path]);
    expect(planned.code).toBe(0);
    expect(planned.err).toBe(
      'warning: ${env:VNC} (display.vnc.password of win): the variable VNC is not set; it counts as unchanged\n',
    );
    expect(planned.out).toContain('vnc on 127.0.0.1, any free port, password ${env:VNC}');
    const before = [...farm.sim.counts.values()].map((c) => c.connections);
    const { code, out, err } = await reeve(['apply', farm.path, '--yes']);
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toContain(
      'reeve: ${env:VNC} (display.vnc.password of win): the variable VNC is not set (secret-missing)\n',
    );
    expect([...farm.sim.counts.values()].map((c) => c.connections)).toEqual(before);
    expect((await reeve(['apply', farm.path, '--yes', '--target', 'web-1'])).code).toBe(0);
  });

  test('reaches the cfg, and nothing that is shown; also by a saved plan', async () => {
    const env = { VNC: 'sw0rdf1sh' };
    const path = join(farm.folder, 'plan.json');
    const saved = await reeve(['plan', farm.path, '--out', path, '--commands'], { env });
    expect(saved.code).toBe(0);
    expect((await reeve(['apply', path, '--yes'])).code).toBe(3);
    const events = join(farm.folder, 'events.jsonl');
    const done = await reeve(['apply', path, '--yes', '--events', events], { env });
    expect({ code: done.code, err: done.err }).toEqual({ code: 0, err: '' });
    expect(cfg('dom02', 'win')).toContain('sw0rdf1sh');
    const snapshot = join(farm.folder, 'snapshot.json');
    expect((await reeve(['snapshot', farm.path, '--out', snapshot])).code).toBe(0);
    const answers = Object.values(
      (JSON.parse(readFileSync(snapshot, 'utf8')) as { servers: Record<string, { answer: string }> }).servers,
    ).map((s) => Buffer.from(s.answer, 'base64').toString('latin1'));
    const shown = [
      saved.out,
      saved.err,
      done.out,
      readFileSync(path, 'utf8'),
      readFileSync(events, 'utf8'),
      ...answers,
    ];
    for (const text of shown) expect(text).not.toContain('sw0rdf1sh');
    const again = await reeve(['plan', farm.path], { env });
    expect({ code: again.code, out: again.out.split('\n')[0] }).toEqual({
      code: 0,
      out: 'Nothing to do: 3 servers and 3 VMs are as the file says.',
    });
  });

  test('that is another is a change', async () => {
    const { code, out } = await reeve(['plan', farm.path, '--detailed-exitcode'], { env: { VNC: 'an0ther' } });
    expect(code).toBe(2);
    expect(out).toMatch(/vnc password {2}another password → \$\{env:VNC\}/);
    expect(out).not.toContain('an0ther');
  });
});

describe('release', () => {
  test('takes the marker and nothing else', async () => {
    await farm.describe(two);
    const before = cfg('dom03', 'db-1') ?? '';
    const asked = await reeve(['release', 'db-1', farm.path]);
    expect(asked.code).toBe(1);
    expect(asked.out).toContain(
      '< db-1 on dom03: give back, taking the marker out of its cfg; nothing running is touched',
    );
    expect(asked.out).toContain('! the file still names db-1: the next apply adopts it again');
    expect(cfg('dom03', 'db-1')).toBe(before);
    const { code, err } = await reeve(['release', 'db-1', farm.path, '--yes']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const after = cfg('dom03', 'db-1') ?? '';
    expect(after).not.toContain('reeve');
    expect(before.endsWith(after)).toBe(true);
    expect((await farm.sim.hand('dom03', ['xl', 'list', 'db-1'])).rc).toBe(0);
    await farm.describe(vm('web-1', 'dom01'));
    expect((await reeve(['status', farm.path])).out).toMatch(/^ {2}db-1 +dom03 +running .* unmanaged +on$/m);
  });

  test('what carries no marker is refused', async () => {
    const { code, err } = await reeve(['release', 'legacy', farm.path, '--yes']);
    expect(code).toBe(5);
    expect(err).toContain(
      "reeve: legacy would be released, but no cfg with this farm's marker of legacy was seen (vm-not-found)\n",
    );
  });
});

describe('console', () => {
  const sitDown = () => {
    const terminal = {
      input: new PassThrough(),
      output: new PassThrough(),
      type: 'xterm',
      size: () => ({ columns: 80, rows: 24 }),
      onResize: () => () => {},
      raw: () => {},
    };
    let shown = '';
    const waiting: (() => void)[] = [];
    terminal.output.on('data', (data: Buffer) => {
      shown += data.toString('utf8');
      for (const look of waiting) look();
    });
    const until = (text: string): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (shown.includes(text)) resolve();
        };
        waiting.push(look);
        look();
      });
    return { terminal, until };
  };

  test('is refused without a terminal', async () => {
    expect(await reeve(['console', 'web-1', farm.path])).toEqual({
      code: 1,
      out: '',
      err: 'reeve: a console needs a terminal, and there is none\n',
    });
  });

  test('opens where the VM runs, passes keys on, and ends with Ctrl-]', async () => {
    const { terminal, until } = sitDown();
    const ended = reeve(['console', 'web-1', farm.path], { terminal });
    await until('web-1 login: ');
    terminal.input.write('root');
    await until('web-1 login: root');
    terminal.input.write('\u001D');
    expect(await ended).toEqual({
      code: 0,
      out: '',
      err: 'Connected to web-1 on dom01; Ctrl-] leaves.\n\nLeft web-1.\n',
    });
  });

  test.each([
    ['legacy', 'reeve: legacy does not run: only its cfg is there, on dom01\n'],
    ['nobody', 'reeve: no server has a VM nobody\n'],
  ])('%s has none', async (name, why) => {
    const { code, err } = await reeve(['console', name, farm.path], { terminal: sitDown().terminal });
    expect(code).toBe(1);
    expect(err).toContain(why);
  });

  test('of what may be on a server that could not be read', async () => {
    await farm.sim.faults('dom02').refuse(true);
    const { code, err } = await reeve(['console', 'nobody', farm.path], { terminal: sitDown().terminal });
    await farm.sim.faults('dom02').clear();
    expect(code).toBe(4);
    expect(err).toContain(
      'reeve: nobody was not seen running, and dom02 could not be read (unreachable)\nhelp: dom02 (127.0.0.1): ',
    );
  });
});
