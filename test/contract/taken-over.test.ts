/** A VM that a person migrated has its cfg where it was: that is taken over whole, and goes only then. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dom0, openPool, poolText, type PoolFarm } from './pool-farm.ts';

let pool: PoolFarm;
beforeEach(async () => {
  pool = await openPool([dom0('dom01'), dom0('dom02')], { trusting: true });
  // The store is there on both.
  await pool.converge(text(others));
  pool.sim.export('filer:/vmstore').files.write('/w.img', 'x');
});
afterEach(async () => pool.close());

const servers = 'dom01: { address: a, migration: dom01 }, dom02: { address: b, migration: dom02 }';
const own =
  'type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, disks: { xvda: { size: 1GiB } }, state: stopped';
const others = `x: { ${own}, server: dom02 }, y: { ${own}, server: dom01 }`;
/** The file says nothing of it, not even what the defaults say. */
const text = (vms: string): string => poolText(servers, vms).replace(/^defaults: .*\n/m, '');
const file = text(`win: {}, ${others}`);
const read = (server: string, path: string): string => pool.sim.files(server).read(path) ?? '(none)';
const links = (server: string): readonly string[] => pool.sim.files(server).list('/etc/xen/auto');

const special = `viridian = [ "all" ]
localtime = 1
cpuid = "host,htt=0"
vncpasswd = "geheim"
`;
const cfg = (more = ''): string => `name = "win"
type = "hvm"
memory = 512
vcpus = 1
${special}disk = [ "format=raw,vdev=hda,access=rw,discard,target=/srv/vmstore/w.img" ]
vif = [ "mac=00:16:3e:00:00:01,bridge=xenbr0,ip=192.0.2.7" ]
${more}`;
const kept = [
  'viridian = [ "all" ]',
  'localtime = 1',
  'cpuid = "host,htt=0"',
  'vncpasswd = "geheim"',
  ',discard,',
  'ip=192.0.2.7',
];

const begin = async (path: string, more = ''): Promise<void> => {
  const files = pool.sim.files('dom01');
  await pool.sim.hand('dom01', ['mkdir', '-p', path.slice(0, path.lastIndexOf('/'))]);
  files.write(path, cfg(more));
  files.link(path, '/etc/xen/auto/20-win.cfg');
  await pool.sim.hand('dom01', ['xl', 'create', '-q', path]);
};
const migrate = async (how: string): Promise<void> => {
  if (how !== 'cleanly') pool.sim.faults('dom02').migration('undefined');
  await pool.sim.hand('dom01', ['xl', 'migrate', 'win', 'dom02']);
  await pool.sim.settle();
};
const taken = (path: string): void => {
  for (const said of kept) expect(read('dom02', '/etc/xen/win.cfg')).toContain(said);
  expect(read('dom01', path)).toBe('(none)');
  expect([links('dom01'), links('dom02')]).toEqual([[], ['20-win.cfg']]);
};

describe.each(['cleanly', 'and the final handshake broke'])('migrated by hand, %s', (how) => {
  it('an adopted VM keeps all that its cfg says, and its link', async () => {
    await begin('/etc/xen/win.cfg');
    await pool.converge(file);
    await migrate(how);
    await pool.converge(file);
    taken('/etc/xen/win.cfg');
    expect(read('dom02', '/etc/xen/win.cfg')).toContain('"origin":"adopted"');
  });

  it.each([
    ['that has a UUID', 'uuid = "11111111-2222-3333-4444-555555555555"\n'],
    ['that has none', ''],
  ])('so does one that nobody adopted before, with a cfg %s', async (_, more) => {
    await begin('/etc/xen/vm/win', more);
    await migrate(how);
    const plan = await pool.converge(file);
    expect(plan.vms.find((v) => v.name === 'win')?.action).toBe('adopt');
    taken('/etc/xen/vm/win');
  });
});

it('where the cfg cannot be written, the old one stays', async () => {
  await begin('/etc/xen/win.cfg');
  await pool.converge(file);
  await migrate('cleanly');
  pool.sim.files('dom02').write('/etc/xen/win.cfg', 'name = "another"\nmemory = 1\n');
  const before = read('dom01', '/etc/xen/win.cfg');
  const plan = await pool.planOf(file);
  expect(plan.refused.map((r) => r.code)).toEqual(['cfg-taken']);
  await pool.apply(plan);
  expect(read('dom01', '/etc/xen/win.cfg')).toBe(before);
});

it('a cfg of the same name and of other disks is another VM’s', async () => {
  await begin('/etc/xen/win.cfg');
  await migrate('cleanly');
  pool.sim.files('dom01').write('/etc/xen/win.cfg', cfg().replace('w.img', 'other.img'));
  const before = read('dom01', '/etc/xen/win.cfg');
  await pool.apply(await pool.planOf(file));
  expect(read('dom01', '/etc/xen/win.cfg')).toBe(before);
  expect(read('dom02', '/etc/xen/win.cfg')).not.toContain('other.img');
});
