/** The cfg that a VM was started from is its record, wherever below /etc/xen it lies; of several, the right one or none. */
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { runOn } from './shell.ts';

let farm: DemoFarm;
beforeEach(async () => {
  farm = await startDemoFarm(Infinity, 'records');
});
afterEach(() => farm.close());

const reeve = async (...argv: readonly string[]) => runOn(farm, argv);
const put = async (path: string, content: string | Uint8Array): Promise<void> => {
  await farm.sim.hand('dom01', ['mkdir', '-p', path.slice(0, path.lastIndexOf('/'))]);
  farm.sim.files('dom01').write(path, content);
};
const create = (path: string) => farm.sim.hand('dom01', ['xl', 'create', '-q', path]);
const read = (path: string): string => farm.sim.files('dom01').read(path) ?? '(none)';
const all = (): string => JSON.stringify(everything('/etc/xen'));
const everything = (folder: string): unknown =>
  farm.sim
    .files('dom01')
    .list(folder)
    .map((n) => [n, farm.sim.files('dom01').read(`${folder}/${n}`) ?? everything(`${folder}/${n}`)]);

const cfg = (name: string, more = ''): string =>
  `name = "${name}"\ntype = "pvh"\nmemory = 256\nvcpus = 1\nkernel = "/srv/guest/vmlinuz"\n${more}`;
const devices = `localtime = 1
pci = [ '0000:03:00.0,permissive=1' ]
disk = [ "format=raw,vdev=xvda,access=rw,discard,target=/dev/vg0/mail" ]
vif = [ "mac=02:00:00:00:00:01,bridge=xenbr0,ip=192.0.2.9" ]
`;

const places = ['/etc/xen/a', '/etc/xen/vm/a', '/etc/xen/vm/a.cfg', '/etc/xen/customers/x/a', '/etc/xen/inst1.example'];

describe.each(places)('the cfg in %s', (path) => {
  it.each([true, false])('stays there, whole, when its VM is adopted (it runs: %s)', async (runs) => {
    await put(path, cfg('a', devices));
    if (runs) await create(path);
    await farm.describe(runs ? '  a: {}\n' : '  a: { state: stopped }\n');
    expect(await reeve('plan')).toMatchObject({ code: 0, out: expect.stringContaining('a on dom01: adopt') });
    expect(await reeve('apply', '--yes')).toMatchObject({ code: 0 });
    for (const said of ['localtime = 1', 'permissive=1', ',discard,', 'ip=192.0.2.9', '# reeve: ', 'adopted'])
      expect(read(path)).toContain(said);
    expect(farm.sim.files('dom01').list('/etc/xen')).not.toContain('a.cfg');
    expect((await reeve('plan')).out).toContain('Nothing to do');
  });

  it('is what the file’s VM begins with: it is not made anew on its disk', async () => {
    await put(path, `uuid = "11111111-2222-3333-4444-555555555555"\n${cfg('a', devices)}`);
    await farm.describe('  a: { type: pvh, memory: 256MiB, disks: { xvda: { path: /dev/vg0/mail } } }\n');
    expect((await reeve('plan')).out).not.toContain('create');
    expect(await reeve('apply', '--yes')).toMatchObject({ code: 0 });
    expect(read(path)).toContain('uuid = "11111111-2222-3333-4444-555555555555"');
  });
});

test('an autostart link goes on leading to the cfg, whatever its name', async () => {
  await put('/etc/xen/vm/a', cfg('a'));
  farm.sim.files('dom01').link('../vm/a', '/etc/xen/auto/10-a');
  await create('/etc/xen/vm/a');
  await farm.describe('  a: { autostart: true, xl: { localtime: 1 } }\n');
  expect(await reeve('apply', '--yes')).toMatchObject({ code: 0 });
  expect(read('/etc/xen/auto/10-a')).toBe(read('/etc/xen/vm/a'));
  await farm.describe('  a: { autostart: false }\n');
  expect(await reeve('apply', '--yes')).toMatchObject({ code: 0 });
  expect(farm.sim.files('dom01').list('/etc/xen/auto')).toEqual([]);
});

describe('what is no cfg', () => {
  it('is neither a VM nor worth a word', async () => {
    const before = (await reeveOn('')).out;
    for (const name of ['a~', 'a.bak', 'a.cfg.dpkg-old', 'a.cfg.rpmsave', '.a.cfg.swp', 'xlexample.pvlinux', 'a.orig'])
      await put(`/etc/xen/${name}`, cfg('a'));
    await put('/etc/xen/cpupool', 'name = "Example-Cpupool"\nsched = "credit"\ncpus = ["2"]\n');
    await put('/etc/xen/cpupools/two', 'name = "Two"\ncpus = ["2"]\n');
    await put('/etc/xen/oxenstored.conf', 'name = x\nmemory = 12\n');
    await put('/etc/xen/examples/xlexample.hvm', cfg('example'));
    await put('/etc/xen/scripts/vif-own', cfg('a'));
    await put('/etc/xen/xend-config.sxp', '(xend-http-server no)\n');
    await put('/etc/xen/notes', 'name = the machine in the cellar\n');
    const after = (await reeveOn('')).out;
    expect(after).toBe(before);
    expect(after).not.toMatch(/Not managed|Warnings/);
  });
});
const reeveOn = async (vms: string) => {
  await farm.describe(vms === '' ? '  {}\n' : vms);
  return reeve('plan');
};

describe('of several cfgs of one name', () => {
  const [own, other] = ['/etc/xen/vm/a', '/etc/xen/old/a'];
  const twice = async (): Promise<void> => {
    await put(own, cfg('a'));
    await put(other, cfg('a').replace('256', '512'));
  };

  it('the one that it runs from is its record', async () => {
    await twice();
    await put('/etc/xen/a.cfg', cfg('a').replace('256', '1024'));
    await create(own);
    expect((await reeveOn('  a: {}\n')).code).toBe(0);
    expect(await reeve('apply', '--yes')).toMatchObject({ code: 0 });
    expect([own, other, '/etc/xen/a.cfg'].map((p) => read(p).startsWith('# reeve'))).toEqual([true, false, false]);
  });

  it.each([
    ['the one that starts with the server', '/etc/xen/auto/a', other],
    ['the .cfg right in /etc/xen', null, '/etc/xen/a.cfg'],
  ])('%s is, while none runs', async (_, link, right) => {
    await twice();
    await put('/etc/xen/a.cfg', cfg('a').replace('256', '1024'));
    if (link !== null) farm.sim.files('dom01').link(right, link);
    expect((await reeveOn('  a: { state: stopped }\n')).code).toBe(0);
    expect(await reeve('apply', '--yes')).toMatchObject({ code: 0 });
    expect([own, other, '/etc/xen/a.cfg'].filter((p) => read(p).startsWith('# reeve'))).toEqual([right]);
  });

  it.each([true, false])('nothing else tells which: it is refused, with all paths (it runs: %s)', async (runs) => {
    await twice();
    if (runs) {
      await put('/etc/xen/x/b', cfg('a'));
      await create('/etc/xen/x/b');
      farm.sim.files('dom01').remove('/etc/xen/x/b');
    }
    const before = all();
    const { code, out } = await reeveOn('  a: { type: pvh, memory: 256MiB }\n');
    expect(code).toBe(5);
    for (const said of ['vm-ambiguous', own, other]) expect(out).toContain(said);
    await reeve('apply', '--yes');
    expect(all()).toBe(before);
  });
});

describe('a cfg that cannot be read keeps its VM from being made anew, and says why', () => {
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(cfg('a'), 'utf16le')]);
  it.each<[string, string, string | Uint8Array, string]>([
    ['truncated', '/etc/xen/a.cfg', `${cfg('a')}disk = [ "phy:/dev/vg0/mail,xv`, '/etc/xen/a.cfg:6:10'],
    ['truncated, of another name', '/etc/xen/x', `${cfg('a')}disk = [ "phy:/dev/vg0/mail,xv`, '/etc/xen/x:6:10'],
    ['binary', '/etc/xen/a.cfg', Uint8Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256), 'it is no text'],
    ['of 10 MB', '/etc/xen/a.cfg', `${cfg('a')}# ${'x'.repeat(10_000_000)}\n`, 'larger than 1MiB'],
    ['with Windows line ends', '/etc/xen/vm/a', cfg('a').replaceAll('\n', '\r\n'), 'carriage return'],
    ['in UTF-16', '/etc/xen/vm/a', utf16, 'UTF-16'],
    ['Python', '/etc/xen/vm/a', `import os\n${cfg('a')}os.system("reboot")\nvif = (1, 2)\n`, 'vm/a:1:8'],
  ])('%s', async (_, path, text, why) => {
    await put(path, text);
    const before = all();
    const { code, out } = await reeveOn(
      '  a: { type: pvh, memory: 256MiB, disks: { xvda: { path: /dev/vg0/mail } } }\n',
    );
    expect(code).toBe(5);
    for (const said of ['cfg-unreadable', why]) expect(out).toContain(said);
    await reeve('apply', '--yes');
    expect(all()).toBe(before);
    expect((await farm.sim.hand('dom01', ['xl', 'list'])).out).not.toContain('a ');
  });

  it('a link that leads out of /etc/xen', async () => {
    await put('/srv/secret', cfg('a'));
    farm.sim.files('dom01').link('/srv/secret', '/etc/xen/a.cfg');
    const { code, out } = await reeveOn('  a: { type: pvh, memory: 256MiB }\n');
    expect([code, out.includes('a link to /srv/secret')]).toEqual([5, true]);
  });

  it('where it runs, it is not adopted without it', async () => {
    await put('/etc/xen/a.cfg', cfg('a'));
    await create('/etc/xen/a.cfg');
    await put('/etc/xen/a.cfg', cfg('a').slice(0, -4));
    const { code, out } = await reeveOn('  a: {}\n');
    expect([code, out.includes('cfg-unreadable')]).toEqual([5, true]);
  });
});

it('a new VM is not made beside a domain that runs under another name from the cfg with its name', async () => {
  const given = '11111111-2222-3333-4444-555555555555';
  await put('/etc/xen/vm/a', `uuid = "${given}"\n${cfg('a')}`);
  await create('/etc/xen/vm/a');
  await farm.sim.hand('dom01', ['xl', 'rename', 'a', 'b']);
  const before = all();
  const { code, out } = await reeveOn('  a: { type: pvh, memory: 256MiB, boot: { kernel: /srv/guest/vmlinuz } }\n');
  expect([code, out]).toEqual([5, expect.stringContaining('name-taken')]);
  for (const said of ['b on dom01 (domain 1, /etc/xen/vm/a)', `uuid: ${given}`]) expect(out).toContain(said);
  await reeve('apply', '--yes');
  expect(all()).toBe(before);
  await reeveOn(`  a: { uuid: ${given}, name: b }\n`);
  expect(await reeve('apply', '--yes')).toMatchObject({ code: 0 });
});
