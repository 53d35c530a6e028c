/** A cfg outside of /etc/xen that a VM runs or starts from is its record, and comes into /etc/xen with its first change. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { runOn } from './shell.ts';

let farm: DemoFarm;
beforeEach(async () => {
  farm = await startDemoFarm(Infinity, 'records-elsewhere');
});
afterEach(() => farm.close());

const reeve = async (...argv: readonly string[]) => runOn(farm, argv);
const files = () => farm.sim.files('dom01');
const put = async (path: string, content: string): Promise<void> => {
  await farm.sim.hand('dom01', ['mkdir', '-p', path.slice(0, path.lastIndexOf('/'))]);
  files().write(path, content);
};
const create = (path: string) => farm.sim.hand('dom01', ['xl', 'create', '-q', path]);
const read = (path: string): string => files().read(path) ?? '(none)';

const path = '/srv/xen/inst1';
const cfg = `name = "a"
type = "hvm"
memory = 256
vcpus = 1
localtime = 1
vncpasswd = "geheim"
pci = [ '0000:03:00.0,permissive=1' ]
disk = [ "format=raw,vdev=xvda,access=rw,discard,target=/dev/vg0/mail" ]
vif = [ "mac=02:00:00:00:00:01,bridge=xenbr0,ip=192.0.2.9" ]
`;
const said = [
  'localtime = 1',
  'vncpasswd = "geheim"',
  'permissive=1',
  ',discard,',
  'ip=192.0.2.9',
  '"origin":"adopted"',
];

describe.each([
  ['its monitor names', true, false],
  ['a link of autostart names', false, true],
  ['both name', true, true],
])('one that %s', (_, runs, linked) => {
  it('comes into /etc/xen whole, with its link', async () => {
    await put(path, cfg);
    if (linked) files().link(path, '/etc/xen/auto/30-a');
    if (runs) await create(path);
    await farm.describe(runs ? '  a: {}\n' : '  a: { state: stopped }\n');
    const plan = await reeve('plan', '--commands');
    expect(plan).toMatchObject({ code: 0, out: expect.stringContaining('a on dom01: adopt') });
    for (const word of ['cfg /srv/xen/inst1 becomes /etc/xen/a.cfg', '$ rm /srv/xen/inst1'])
      expect(plan.out).toContain(word);
    expect(await reeve('apply', '--yes')).toMatchObject({ code: 0 });
    for (const word of said) expect(read('/etc/xen/a.cfg')).toContain(word);
    expect(read(path)).toBe('(none)');
    expect(files().list('/etc/xen/auto')).toEqual(linked ? ['30-a'] : []);
    expect(read('/etc/xen/auto/30-a')).toBe(linked ? read('/etc/xen/a.cfg') : '(none)');
    expect((await reeve('plan')).out).toContain('Nothing to do');
  });
});

describe('what is no cfg', () => {
  it.each([
    ['/etc/shadow', 'root:$y$j9T$geheim:19000::::::\n'],
    ['/srv/disk.img', 'x'.repeat(300_000)],
    ['/srv/notes', 'buy milk\n'],
  ])('is not read over a link of autostart: %s', async (target, content) => {
    await put(target, content);
    files().link(target, '/etc/xen/auto/a.cfg');
    await farm.describe('  a: { type: pvh, memory: 256MiB, boot: { kernel: /srv/guest/vmlinuz } }\n');
    expect((await reeve('plan')).code).toBe(0);
    await farm.describe('  shadow: { type: pvh, memory: 256MiB }\n  notes: { type: pvh, memory: 256MiB }\n');
    const { out } = await reeve('plan');
    expect(out).not.toContain('geheim');
    expect(read(target)).toBe(content);
  });
});

it('one that another file stands in the way of stays, and is refused', async () => {
  await put(path, cfg);
  await create(path);
  await put('/etc/xen/a.cfg', 'name = "another"\nmemory = 1\n');
  await farm.describe('  a: {}\n');
  const { code, out } = await reeve('apply', '--yes');
  expect([code, out.includes('cfg-taken'), read(path)]).toEqual([5, true, cfg]);
});

it('a VM that reboots just now is not made anew', async () => {
  await put(path, cfg);
  await create(path);
  await farm.sim.hand('dom01', ['xl', 'reboot', '-F', 'a']);
  await farm.describe('  a: { type: hvm, memory: 256MiB, disks: { xvda: { path: /dev/vg0/mail } } }\n');
  expect((await reeve('plan')).out).not.toContain('create');
});

it('a snapshot has it, without its password', async () => {
  await put(path, cfg);
  await create(path);
  await farm.describe('  a: {}\n');
  const out = `${farm.folder}/snap.json`;
  expect(await reeve('snapshot', '--out', out)).toMatchObject({ code: 0 });
  const { servers } = JSON.parse(readFileSync(out, 'utf8')) as { servers: Record<string, { answer: string }> };
  const answer = Buffer.from(servers['dom01']?.answer ?? '', 'base64').toString('latin1');
  expect([answer.includes('permissive=1'), answer.includes('geheim')]).toEqual([true, false]);
  expect((await reeve('plan', '--from-snapshot', out)).out).toContain('a on dom01: adopt');
});
