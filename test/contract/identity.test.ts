/** Addresses that lead to the wrong machine, as a person mistypes them: each is said, and nothing is done on any dom0. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/program.ts';
import type { Plan } from '../../src/kinds/plan.ts';
import { startSimFarm, type SimFarm } from '../../src/sim/index.ts';
import { fakeShell } from '../unit/cli/shell.ts';
import { dom0 } from './pool-farm.ts';
import { texts } from './rig.ts';

const names = ['dom01', 'dom02', 'dom03', 'alone'] as const;
const poolJson = '/etc/reeve/pool.json';

let sim: SimFarm;
let home: string;
beforeEach(async () => {
  sim = await startSimFarm({
    servers: names.map((n) => dom0(n, { xendomains: '', paths: ['/srv/vmlinuz'] })),
    speed: Infinity,
    seed: 'identity',
    texts,
  });
  home = mkdtempSync(join(tmpdir(), 'reeve-identity-'));
  const put = (name: string, text: string): void => writeFileSync(join(home, name), text, { mode: 0o600 });
  mkdirSync(join(home, '.ssh'));
  put('key', sim.clientKey);
  put('known_hosts', sim.servers.map((s) => `${s.hostKeyLine}\n`).join(''));
});
afterEach(async () => {
  await sim.close();
  rmSync(home, { recursive: true });
});

const portOf = (name: string): number => sim.servers.find((s) => s.name === name)?.port ?? 0;
/** `dom01=dom02`: the name, and the machine that its address leads to. */
const serverLine = (leads: string): string => {
  const [name = '', to = name, state = 'active'] = leads.split('=');
  return `${name}: { address: 127.0.0.1, ssh: { port: ${portOf(to)} }, state: ${state} }`;
};
const write = (file: string, farm: string, servers: readonly string[], vms: string, more = ''): string => {
  const path = join(home, file);
  const ssh = `ssh: { user: root, identityFile: ${join(home, 'key')}, knownHosts: ${join(home, 'known_hosts')} }`;
  writeFileSync(
    path,
    `farm: ${farm}
${ssh}
pools: { p: { servers: { ${servers.join(', ')} } } }
networks: { lan: { bridge: xenbr0 } }
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan] }
vms: { ${vms} }
${more}`,
  );
  return path;
};
const reeve = async (...argv: readonly string[]) => {
  const heard = fakeShell({ home });
  const code = await run(argv, heard.shell);
  return { code, out: heard.out(), err: heard.err() };
};
const planned = async (path: string): Promise<Plan> => JSON.parse((await reeve('plan', '--json', path)).out) as Plan;
const unread = ({ unreadable }: Plan): readonly string[] => unreadable.map((u) => `${u.server}: ${u.why}`);

/** All files below, and what runs. */
const dump = async (): Promise<unknown> => {
  const filesOf = (name: string, path: string): unknown => {
    const below = sim.files(name).list(path);
    return below.length > 0
      ? Object.fromEntries(below.map((n) => [n, filesOf(name, `${path}/${n}`)]))
      : sim.files(name).read(path);
  };
  const all = names.map(async (n) => [
    n,
    ['/etc', '/root', '/run', '/srv', '/var'].map((f) => filesOf(n, f)),
    (await sim.hand(n, ['xl', 'list', '-v'])).out.replaceAll(/\d+\.\d/g, ''),
  ]);
  return Promise.all(all);
};
/** `apply` of the file changes nothing anywhere, and says this of the servers that it could not read. */
const harmless = async (path: string, says: readonly string[]): Promise<void> => {
  const before = await dump();
  const plan = await planned(path);
  expect(unread(plan)).toEqual(says);
  expect(plan.operations.map((o) => o.id)).toEqual([]);
  expect((await reeve('apply', '--yes', path)).code).toBe(4);
  await sim.settle();
  expect(await dump()).toEqual(before);
  const { out } = await reeve('status', path);
  for (const s of says) expect(out.replaceAll(/\s+/g, ' ')).toContain(s.replace(/^\S+: /, '').slice(0, 40));
};
const applied = async (path: string): Promise<void> => {
  const { code, out, err } = await reeve('apply', '--yes', path);
  expect([code, code === 0 ? '' : out + err]).toEqual([0, '']);
  await sim.settle();
  expect((await reeve('plan', path)).out).toMatch(/^Nothing to do/);
};
const vms = 'a: { server: dom01 }, b: { server: dom02 }';
const two = ['dom01', 'dom02'].map((n) => n);
const lines = (leads: readonly string[]): readonly string[] => leads.map(serverLine);
const itIs = (name: string): string => `it is ${name} of pool p, as its ${poolJson} says`;
const sameAs = (name: string): string => `it is the same machine as ${name}: the same boot answered under each name`;
const memory = (name: string): Record<string, unknown> =>
  JSON.parse(sim.files(name).read(poolJson) ?? 'null') as Record<string, unknown>;

describe('a server', () => {
  it('remembers its own name, in a farm of one, too', async () => {
    await applied(write('q.yaml', 'q', lines(['alone']), 'x: {}'));
    expect(memory('alone')).toMatchObject({ farm: 'q', pool: 'p', server: 'alone', members: ['alone'] });
    await applied(write('p.yaml', 'p', lines(two), vms));
    expect(memory('dom02')).toMatchObject({ server: 'dom02', members: two });
    expect(Object.keys(memory('dom02')['keys'] as object)).toEqual(two);
  });

  it('is not written down where the file makes nothing', async () => {
    const plan = await planned(write('q.yaml', 'q', lines(['alone']), ''));
    expect(plan.operations).toEqual([]);
  });

  it('that an older version wrote down is told its name by the next apply, where nothing speaks against it', async () => {
    const path = write('p.yaml', 'p', lines(two), vms);
    await applied(path);
    const old = { format: 1, farm: 'p', pool: 'p', members: two };
    for (const n of two) sim.files(n).write(poolJson, `${JSON.stringify(old)}\n`);
    expect((await planned(path)).operations.map((o) => o.id)).toEqual(['dom01/join-pool', 'dom02/join-pool']);
    for (const swapped of [write('s.yaml', 'p', lines(['dom01=dom02', 'dom02=dom01']), vms)])
      await harmless(swapped, [
        'dom01: it may be another server: its VMs are at home on dom02',
        'dom02: it may be another server: its VMs are at home on dom01',
      ]);
    await applied(path);
    expect(memory('dom01')).toMatchObject({ server: 'dom01' });
    const stray = { ...old, members: ['dom02'] };
    sim.files('dom01').write(poolJson, `${JSON.stringify(stray)}\n`);
    expect(unread(await planned(path))).toEqual([
      'dom01: it may be another server: it remembers dom02 as the members of its pool',
    ]);
  });
});

describe('an address', () => {
  beforeEach(async () => applied(write('p.yaml', 'p', lines(two), vms)));

  it('that was swapped with another is said, and no server is touched', async () => {
    const path = write('p.yaml', 'p', lines(['dom01=dom02', 'dom02=dom01']), `${vms}, c: {}`);
    await harmless(path, [`dom01: ${itIs('dom02')}`, `dom02: ${itIs('dom01')}`]);
    expect((await planned(path)).unreadable[0]?.help).toMatch(/^correct `address`; .* remove \/etc\/reeve\/pool\.json/);
  });

  it('that leads to another farm’s dom0, which a VM is not adopted from either', async () => {
    await applied(write('q.yaml', 'q', lines(['alone']), 'x: {}'));
    const path = write('p.yaml', 'p', lines(['dom01=alone', 'dom02']), `${vms}, x: {}`);
    await harmless(path, ['dom01: it belongs to pool p of farm q']);
    expect((await planned(path)).unreadable[0]?.help).toMatch(/^let that farm give it up first/);
  });

  it('that stands twice under two aliases, so that only the reading shows it', async () => {
    const alias = (name: string): string =>
      `Host ${name}\n  HostName 127.0.0.1\n  Port ${portOf('dom01')}\n  User root\n`;
    writeFileSync(join(home, '.ssh', 'config'), `${alias('one')}${alias('two')}`);
    const named = ['dom01: { address: one }', 'dom02: { address: two }'];
    const path = write('p.yaml', 'p', named, `${vms}, c: {}`);
    await harmless(path, [`dom01: ${sameAs('dom02')}`, `dom02: ${itIs('dom01')}`]);
    expect((await planned(path)).unreadable[0]?.help).toBe('give each server an address of its own');
  });

  it('that leads to a new machine, though the others know that server', async () => {
    const path = write('p.yaml', 'p', lines(['dom01=dom03', 'dom02']), `${vms}, c: {}`);
    await harmless(path, [`dom01: it has no ${poolJson}, and dom02 knows dom01 by another host key`]);
    // A person who vouches for the death of the old machine lets the new one in.
    const dead = 'b: { server: dom02 }, a: {}';
    const help = (await planned(path)).unreadable[0]?.help;
    expect(help).toContain('`state: lost` for one run');
    sim.reboot('dom01');
    await reeve('apply', '--yes', write('p.yaml', 'p', lines(['dom01=dom03=lost', 'dom02']), dead));
    expect(memory('dom02')).toMatchObject({ members: ['dom02'] });
    await applied(write('p.yaml', 'p', lines(['dom01=dom03', 'dom02']), dead));
    expect(memory('dom03')).toMatchObject({ server: 'dom01', members: two });
  });

  it.each([
    ['a server that is in the plan, too', 'dom02'],
    ['one that nobody knows', 'dom03'],
  ])('that was pointed to %s after the plan: nothing is done, on no server', async (_what, to) => {
    const config = (machine: string): void =>
      writeFileSync(
        join(home, '.ssh', 'config'),
        `Host one\n  HostName 127.0.0.1\n  Port ${portOf(machine)}\nHost two\n  HostName 127.0.0.1\n  Port ${portOf('dom02')}\n`,
      );
    config('dom01');
    const named = ['dom01: { address: one }', 'dom02: { address: two }'];
    const path = write('p.yaml', 'p', named, `${vms}, c: { server: dom01 }, d: { server: dom02 }`);
    const file = join(home, 'plan.json');
    expect((await reeve('plan', '--out', file, path)).code).toBe(0);
    config(to);
    const before = { ops: countOps(), domains: await running() };
    const { code, out } = await reeve('apply', '--yes', file);
    expect([code, out]).toEqual([6, expect.stringContaining('dom01 is not the server that the plan is for')]);
    expect({ ops: countOps(), domains: await running() }).toEqual(before);
  });
});

const countOps = (): readonly unknown[] =>
  names.map((n) => [sim.counts.get(n)?.commands.op, sim.counts.get(n)?.commands.write]);
const running = async (): Promise<readonly string[]> =>
  Promise.all(names.map(async (n) => (await sim.hand(n, ['xl', 'list'])).out.replaceAll(/\d+\.\d/g, '')));

describe('one address and port twice', () => {
  it.each([
    [
      'in two servers',
      'dom01: { address: a }, dom02: { address: A. }',
      'dom01 and dom02 have one address, A. and port 22',
    ],
    ['in a pattern', '"dom[01-03]": { address: a }', 'dom01 and dom02 have one address, a and port 22'],
    [
      'on this machine',
      'dom01: { address: local }, dom02: { address: local }',
      'dom01 and dom02 have one address, local',
    ],
    [
      'in one that is lost',
      'dom01: { address: a, state: lost }, dom02: { address: a }',
      'dom01 and dom02 have one address, a',
    ],
  ])('%s is an error of the file', async (_what, servers, message) => {
    const { code, err } = await reeve('validate', write('p.yaml', 'p', [servers], ''));
    expect([code, err]).toEqual([3, expect.stringContaining(message)]);
    expect(err).toMatch(/p\.yaml:\d+:\d+/);
  });

  it('is none where the ports or the jump hosts differ', async () => {
    const servers =
      'dom01: { address: a }, dom02: { address: a, ssh: { port: 2222 } }, dom03: { address: a, ssh: { jump: b } }';
    expect(await reeve('validate', write('p.yaml', 'p', [servers], ''))).toMatchObject({ code: 0 });
  });
});

it('two machines with one host key are two servers, and that is said', async () => {
  const path = write('p.yaml', 'p', lines(two), vms);
  sim
    .files('dom02')
    .write('/etc/ssh/ssh_host_ed25519_key.pub', sim.files('dom01').read('/etc/ssh/ssh_host_ed25519_key.pub') ?? '');
  const plan = await planned(path);
  expect(unread(plan)).toEqual([]);
  expect(plan.warnings.filter((w) => w.includes('host key'))).toEqual([
    'dom01 and dom02 have one SSH host key: their host keys cannot tell them apart; give each its own (ssh-keygen -A)',
  ]);
});
