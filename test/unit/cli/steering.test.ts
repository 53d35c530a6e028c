/** Whatever a dom0, a file, a plan or a snapshot holds: none of it steers the terminal, forges a line or paints one. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import type { Shell } from '../../../src/cli/shell.ts';
import { visible } from '../../../src/core/visible.ts';
import { colors, onScreen } from '../../../src/report/text.ts';
import { openControl } from '../../../src/transport/index.ts';
import { fakeShell } from './shell.ts';

/** A title, a colour of nobody's, C1, a reversal, a hidden tag, a line of its own; `#` tells where it stood. */
const evil = (place: string): string =>
  `${place}\u001B]0;owned\u0007\u001B[35m\u009B2J\u202Eoff\u{E0041}\u200B\r\u2028\nFORGED ${place}`;
const steering =
  /[\0-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF]|\uDB40|^FORGED/m;
/** Reeve's own: its styles, and what a live view moves the cursor with. */
const own = /\u001B\[(?:1|2|22|31|32|33|36|39)m|\u001B\[\d*[AGJK]|\r(?=\u001B\[K)|\u001B\[\?\d+[hl]/g;

let farm: DemoFarm;
let said = '';
const reeve = async (argv: readonly string[], more: Partial<Shell> = {}, terminal = false) => {
  const heard = fakeShell({ home: farm.folder, ...more }, terminal);
  const code = await run(argv, heard.shell);
  said += heard.out() + heard.err();
  return { code, out: heard.out(), err: heard.err() };
};
/** The first thing that steers, or undefined. */
const unsafeIn = ({ out, err }: { readonly out: string; readonly err: string }): string | undefined =>
  steering.exec(`${out}\n${err}`.replaceAll(own, ''))?.[0];
const vm = (name: string, server: string, more = ''): string =>
  `  ${name}: { profile: small, server: ${server}, disks: { xvda: { repository: vmstore, size: 1GiB } }${more} }\n`;
/** A text of an xl.cfg, in Python's way. */
const py = (text: string): string => `"${text.replaceAll('\n', ' ').replaceAll('"', "'")}"`;

const plant = (): void => {
  const files = farm.sim.files('dom01');
  const web = files.read('/etc/xen/web-1.cfg') ?? '';
  files.write('/etc/xen/web-1.cfg', web.replace(/^extra = .*$|^cmdline = .*$/m, `cmdline = ${py(evil('cmdline'))}`));
  files.write(
    '/etc/xen/other.cfg',
    `name = ${py(evil('name'))}\ntype = "pvh"\nmemory = 256\nkernel = ${py(evil('kernel'))}\n`,
  );
  files.write(`/etc/xen/${evil('file').replaceAll(/[/\n]/g, '')}.cfg`, 'name = "x"\nmemory = oh [\n');
  files.write('/etc/xen/broken.cfg', `name = [[[ ${evil('broken')}\n`);
  files.write(
    '/etc/xen/foreign.cfg',
    `# reeve: ${JSON.stringify({ farm: evil('farm'), vm: evil('key') })}\nname = "f"\n`,
  );
  files.write(
    '/srv/vmstore/leases/00000000-0000-4000-8000-000000000001.json',
    JSON.stringify({ server: evil('lease') }),
  );
  for (const name of files.list('/srv/vmstore/leases'))
    files.write(
      `/srv/vmstore/leases/${name}`,
      (files.read(`/srv/vmstore/leases/${name}`) ?? '').replaceAll(
        'dom01',
        JSON.stringify(evil('holder')).slice(1, -1),
      ),
    );
  files.write('/srv/vmstore/disks/stray.img.json', JSON.stringify({ vm: evil('disk') }));
  const other = farm.sim.files('dom02');
  other.write(
    '/etc/reeve/pool.json',
    JSON.stringify({ format: 1, farm: 'demo', pool: 'ams1', members: [evil('member')] }),
  );
  other.write(
    '/etc/reeve/roll.json',
    JSON.stringify({
      format: 2,
      roll: '2026',
      by: evil('by'),
      run: evil('run'),
      reboot: true,
      home: true,
      servers: [evil('server')],
      stage: 'treating',
      boot: evil('boot'),
      homes: [evil('home')],
    }),
  );
  farm.sim
    .files('dom03')
    .write('/etc/reeve/repositories.json', JSON.stringify({ format: 1, [evil('book')]: evil('book') }));
};

beforeAll(async () => {
  farm = await startDemoFarm(Infinity, 'demo', true);
  await farm.describe(vm('web-1', 'dom01') + vm('db-1', 'dom03'));
  const { code, out, err } = await reeve(['apply', farm.path, '--yes']);
  if (code !== 0) throw new Error(`the farm is not as it should be:\n${out}${err}`);
  await farm.sim.settle();
  plant();
  said = '';
});
afterAll(() => farm.close());

describe('what comes from a dom0', () => {
  test.each([
    [['plan']],
    [['plan', '--commands']],
    [['plan', '--json']],
    [['drift']],
    [['drift', '--json']],
    [['status']],
    [['status', '--json']],
    [['explain', 'web-1']],
    [['explain', 'web-1', '--json']],
    [['graph']],
    [['graph', '--format', 'dot']],
    [['balance', 'ams1']],
    [['balance', 'ams1', '--json']],
    [['snapshot', '--out', '/dev/null']],
    [['release', 'other', '--yes']],
    [['roll', 'ams1', '--reboot', '--yes']],
    [['apply', '--yes']],
    [['status']],
  ])('%j', async (argv) => {
    expect(unsafeIn(await reeve([...argv, farm.path]))).toBeUndefined();
    expect(unsafeIn(await reeve([...argv, farm.path], {}, true))).toBeUndefined();
  });

  test('it was said, and spelled out', () => {
    for (const place of ['name', 'cmdline']) expect(said).toContain(visible(evil(place)).slice(0, place.length + 6));
  });

  test('who holds a server', async () => {
    const servers = farm.sim.servers.map((s) => ({
      name: s.name,
      pool: 'ams1',
      address: s.host,
      ssh: {
        user: 'root',
        port: s.port,
        identityFile: join(farm.folder, 'id_demo'),
        knownHosts: join(farm.folder, 'known_hosts'),
        connectTimeoutMs: 10_000,
      },
    }));
    const { shell } = fakeShell({ home: farm.folder });
    const control = openControl(servers as never, {
      ...shell,
      agent: undefined,
      passphrase: undefined,
      prompt: undefined,
    });
    try {
      const by = { who: evil('who'), from: evil('where'), since: evil('since'), epoch: 'e1' };
      await control.hold('dom01', by);
      await farm.describe(vm('web-1', 'dom01', ', sched: { weight: 512 }') + vm('db-1', 'dom03'));
      const busy = await reeve(['apply', farm.path, '--yes']);
      expect(unsafeIn(busy)).toBeUndefined();
      expect(busy.out + busy.err).toContain('who\\u001b]0;owned');
    } finally {
      await control.close();
    }
  });
});

describe('what comes from a file', () => {
  const escaped = JSON.stringify(evil('text'));
  test.each([
    [
      'a farm',
      `farm: ${escaped}\nservers: { xen: { address: ${escaped} } }\n? ${escaped}\n: 1\nvms: { ${escaped}: { ${escaped}: 1 } }\n`,
    ],
    ['one that is raw', `farm: ${evil('raw')}\n`],
  ])('%s', async (_, text) => {
    const path = join(farm.folder, 'evil.yaml');
    writeFileSync(path, text);
    const found = await reeve(['validate', path]);
    expect(found.code).toBe(3);
    expect(unsafeIn(found)).toBeUndefined();
  });

  test('a snapshot: its time, its servers, its answers', async () => {
    const path = join(farm.folder, 'snapshot.json');
    await reeve(['snapshot', farm.path, '--out', path]);
    const good = JSON.parse(readFileSync(path, 'utf8')) as { servers: Record<string, object> };
    writeFileSync(
      path,
      JSON.stringify({
        ...good,
        at: evil('at'),
        servers: {
          ...good.servers,
          dom03: { unread: { is: 'unknown', reason: 'unreachable', why: evil('why'), help: evil('help') } },
        },
      }),
    );
    for (const command of ['plan', 'status', 'drift', 'graph']) {
      const shown = await reeve([command, farm.path, '--from-snapshot', path]);
      expect(unsafeIn(shown)).toBeUndefined();
      expect(shown.err).toContain('at\\u001b]0;owned');
    }
    for (const key of ['format', 'farm', 'tool']) {
      writeFileSync(path, JSON.stringify({ ...good, [key]: evil(key) }));
      expect(unsafeIn(await reeve(['plan', farm.path, '--from-snapshot', path]))).toBeUndefined();
    }
  });

  test('a plan', async () => {
    const path = join(farm.folder, 'plan.json');
    await reeve(['plan', farm.path, '--out', path]);
    const text = readFileSync(path, 'utf8');
    const texts = [...new Set([...text.matchAll(/: ("(?:[^"\\]|\\.)*")/g)].map((m) => m[1] ?? ''))];
    expect(texts.length).toBeGreaterThan(20);
    const step = Math.ceil(texts.length / 12);
    for (const one of texts.filter((_, i) => i % step === 0)) {
      writeFileSync(path, text.replaceAll(`: ${one}`, `: ${JSON.stringify(JSON.parse(one) + evil('plan'))}`));
      expect(unsafeIn(await reeve(['apply', path]))).toBeUndefined();
    }
  });
});

test('our own styles survive, and a text that looks like one is no style', () => {
  const paint = colors(true);
  expect(onScreen(paint.bold(`a ${paint.red('b\u001B[31m')} c`))).toBe(
    '\u001B[1ma \u001B[31mb\\u001b[31m\u001B[39m c\u001B[22m',
  );
  expect(onScreen(colors(false).bold('a'))).toBe('a');
});

test('JSON keeps its value', () => {
  const value = { [evil('key')]: evil('value') };
  const text = onScreen(JSON.stringify(value, null, 2));
  expect(steering.exec(text)).toBeNull();
  expect(JSON.parse(text)).toEqual(value);
});
