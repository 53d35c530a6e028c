/** Whoever may write to a shared store writes what he likes: no lease, marker or link of his leads Reeve to what is not the VM's. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PlanOptions } from '../../src/kinds/plan.ts';
import { dom0, openPool, poolText, type PoolFarm } from './pool-farm.ts';

const secret = 'root:$6$secret:19000:0:99999:7:::\n';
const uuidOf = (cfg: string | undefined): string => /uuid = "([^"]+)"/.exec(cfg ?? '')?.[1] ?? '';

let farm: PoolFarm;
beforeEach(async () => {
  farm = await openPool([dom0('dom01'), dom0('dom02')]);
  for (const name of ['dom01', 'dom02']) {
    farm.sim.files(name).write('/etc/shadow', secret);
    await farm.sim.hand(name, ['mkdir', '-p', '/dev']);
    farm.sim.files(name).write('/dev/sda', 'the disk of dom0');
  }
});
afterEach(async () => farm.close());

const text = (web: string, first = '', db = ''): string =>
  poolText(`dom01: { address: a${first} }, dom02: { address: b }`, `web: {${web}}, db: { server: dom02${db} }`);
const store = () => farm.sim.export('filer:/vmstore').files;
const disksOf = (vm: string): readonly string[] =>
  store()
    .list('/disks')
    .filter((n) => n.startsWith(`${vm}-`) && n.endsWith('.raw'));
const at = (disk: string): string => `/srv/vmstore/disks/${disk}`;
const runs = async (server: string, vm = 'web'): Promise<boolean> => (await farm.list(server)).includes(vm);

/** web on dom01 and db on dom02, each with something on its disk; then dom01 dies. */
const begin = async (): Promise<{ readonly web: string; readonly db: string; readonly uuid: string }> => {
  await farm.converge(text(' server: dom01 '));
  const [web = '', db = ''] = [...disksOf('web'), ...disksOf('db')];
  store().write(`/disks/${web}`, 'of web');
  store().write(`/disks/${db}`, 'of db');
  return { web, db, uuid: uuidOf(farm.sim.files('dom01').read('/etc/xen/web.cfg')) };
};
const lease = (uuid: string): string => `/leases/${uuid}.json`;
const leaseOf = (uuid: string): Record<string, unknown> =>
  JSON.parse(store().read(lease(uuid)) ?? '{}') as Record<string, unknown>;
const forge = (uuid: string, more: Record<string, unknown>): unknown =>
  store().write(lease(uuid), `${JSON.stringify({ ...leaseOf(uuid), ...more })}\n`);
const mark = (disk: string, more: Record<string, unknown>): void => {
  const path = `/disks/${disk}.reeve.json`;
  const was = JSON.parse(store().read(path) ?? '{}') as object;
  store().write(path, `${JSON.stringify({ ...was, ...more })}\n`);
};
const lost = ', state: lost';
/** Why web is left alone, once the rest of the plan is carried out; and what else is not as it was: nothing. */
const leftAlone = async (file: string, options: Partial<PlanOptions> = {}): Promise<string> => {
  const bytes = (): unknown => [
    ['/etc/shadow', '/dev/sda', '/etc/xen/db.cfg'].map((p) => farm.sim.files('dom02').read(p)),
    store()
      .list('/disks')
      .map((n) => [n, store().read(`/disks/${n}`)]),
  ];
  const before = bytes();
  const plan = await farm.planOf(file, options);
  await farm.apply(plan);
  expect(plan.operations.filter((o) => o.target.name === 'web')).toEqual([]);
  expect([bytes(), await runs('dom02'), await runs('dom02', 'db')]).toEqual([before, false, true]);
  return plan.refused.flatMap((r) => (r.subject.name === 'web' ? [r.why] : [])).join('\n');
};

describe('a lease that a lost server left', () => {
  it.each<[string, (db: string) => string]>([
    ['a file of the dom0', () => '/etc/shadow'],
    ['a device', () => '/dev/sda'],
    ['another VM’s disk', (db) => at(db)],
    ['a way up', (db) => `/srv/vmstore/disks/../disks/${db}`],
    ['a way out of the store', () => '/srv/vmstore/disks/../../../etc/shadow'],
    ['a store of nobody', () => '/srv/other/disks/web.raw'],
    ['a disk that is not there', () => '/srv/vmstore/disks/web-xvda-00000000.raw'],
  ])('and that names %s is not believed', async (_, path) => {
    const { db, uuid } = await begin();
    await farm.sim.faults('dom01').refuse(true);
    forge(uuid, { disks: { xvda: path(db) } });
    expect(await leftAlone(text('', lost))).toMatch(
      /its lease .* names .* as disk xvda, and no repository has that marked as its own/,
    );
  });

  it('is believed where it says what is so', async () => {
    const { web } = await begin();
    await farm.sim.faults('dom01').refuse(true);
    await farm.converge(text('', lost));
    expect([await runs('dom02'), store().read(`/disks/${web}`)]).toEqual([true, 'of web']);
  });

  it('gets another VM’s disk by no marker either', async () => {
    const { db, uuid } = await begin();
    await farm.sim.faults('dom01').refuse(true);
    forge(uuid, { disks: { xvda: at(db) } });
    mark(db, { vm: 'web', uuid });
    expect(await leftAlone(text('', lost))).toMatch(/tells of disk \S+, which db on dom02 has/);
  });

  it('gets no disk that the lease of another lost VM names', async () => {
    await farm.converge(text(' server: dom01 ').replace('db: { server: dom02', 'db: { server: dom01'));
    const [db = ''] = disksOf('db');
    const uuid = uuidOf(farm.sim.files('dom01').read('/etc/xen/web.cfg'));
    await farm.sim.faults('dom01').refuse(true);
    forge(uuid, { disks: { xvda: at(db) } });
    mark(db, { vm: 'web', uuid });
    const plan = await farm.planOf(text('', lost).replace('db: { server: dom02', 'db: {'));
    expect(plan.refused.map((r) => [r.subject.name, r.why])).toEqual([
      ['db', expect.stringMatching(/names \S+ as disk xvda, and no repository has that marked as its own/)],
      ['web', expect.stringMatching(/tells of disk \S+, and so does the lease of db/)],
    ]);
  });

  it('gives the VM no other VM’s UUID', async () => {
    const { web, uuid } = await begin();
    const other = uuidOf(farm.sim.files('dom02').read('/etc/xen/db.cfg'));
    await farm.sim.faults('dom01').refuse(true);
    const forged = { ...leaseOf(uuid), uuid: other };
    store().write(lease(other), `${JSON.stringify({ ...forged, generation: 99 })}\n`);
    mark(web, { uuid: other });
    expect(await leftAlone(text('', lost))).toMatch(/its lease \S+ has the UUID of db/);
  });

  it.each([
    ['a UUID that is a path', { uuid: '../../../etc/x' }],
    ['another UUID than its name', { uuid: '0c9b1d1e-5a5e-5b7e-9c41-2f8d5a7b1c02' }],
    ['a server that is a path', { server: '../../../etc/xen' }],
    ['a generation that nobody can follow', { generation: Number.MAX_SAFE_INTEGER }],
  ])('and has %s is none', async (_, more) => {
    const { uuid } = await begin();
    await farm.sim.faults('dom01').refuse(true);
    forge(uuid, more);
    expect(await leftAlone(text('', lost))).toMatch(/it is seen nowhere, and a server is lost; \S+ is of it/);
  });
});

describe('a link in the store', () => {
  it('in place of a disk is not followed: neither when planned, nor when it came since', async () => {
    const { web } = await begin();
    await farm.sim.faults('dom01').refuse(true);
    const plan = await farm.planOf(text('', lost));
    store().remove(`/disks/${web}`);
    store().link('/dev/sda', `/disks/${web}`);
    const { failed } = await farm.apply(plan);
    expect(failed.map((f) => f.why).join()).toMatch(/is a link or a device, and may lead out of \/srv\/vmstore/);
    expect(await runs('dom02')).toBe(false);
    expect(await leftAlone(text('', lost))).toMatch(/disk xvda of web is not its own: \S+ is a link or a device/);
  });

  it('in place of the disk of a stopped VM keeps it from its start', async () => {
    await farm.converge(text(' server: dom01, state: stopped '));
    const [web = ''] = disksOf('web');
    const plan = await farm.planOf(text(' server: dom01 '));
    store().remove(`/disks/${web}`);
    store().link('/etc/shadow', `/disks/${web}`);
    expect((await farm.apply(plan)).failed.map((f) => f.why).join()).toMatch(/is a link or a device/);
    const again = await farm.planOf(text(' server: dom01 '));
    expect(again.refused[0]?.why).toMatch(/disk xvda of web is not its own: \S+ is a link or a device/);
    expect(await runs('dom01')).toBe(false);
  });

  it.each(['disks', 'leases', 'autostart', 'suspended', 'autostart/dom01'])(
    'in place of %s bars the store',
    async (name) => {
      await farm.converge(text(' server: dom01, state: stopped '));
      await farm.sim.hand('dom01', ['rm', '-rf', `/srv/vmstore/${name}`]);
      await farm.sim.hand('dom01', ['mkdir', '-p', '/srv/vmstore/autostart']);
      const plan = await farm.planOf(text(' server: dom01 '));
      store().link('/etc/xen', `/${name}`);
      // All but what it remembers of the file, in its first line.
      const cfg = (): string => (farm.sim.files('dom01').read('/etc/xen/web.cfg') ?? '').replace(/^.*\n/, '');
      const before = cfg();
      expect((await farm.apply(plan)).done).not.toContain('web/start');
      const again = await farm.planOf(text(' server: dom01 '));
      expect(again.refused.map((r) => r.why).join('\n')).toMatch(
        new RegExp(`/srv/vmstore/${name} is a link, and what is written there may land anywhere`),
      );
      expect(await runs('dom01')).toBe(false);
      expect(cfg()).toBe(before);
    },
  );
});

describe('a cfg that a hand has changed', () => {
  const edited = async (path: (db: string) => string): Promise<string> => {
    const { web, db } = await begin();
    await farm.sim.hand('dom01', ['xl', 'destroy', 'web']);
    const files = farm.sim.files('dom01');
    const cfg = files.read('/etc/xen/web.cfg') ?? '';
    files.write('/etc/xen/web.cfg', cfg.replaceAll(`target=${at(web)}`, `target=${path(db)}`));
    expect(files.read('/etc/xen/web.cfg')).toContain(`target=${path(db)}`);
    return db;
  };

  it.each<[string, (db: string) => string, RegExp]>([
    ['a file of the dom0', () => '/etc/shadow', /would be copied from \/etc\/shadow, which is not in a repository/],
    ['a device', () => '/dev/sda', /would be copied from \/dev\/sda, which is not in a repository/],
    ['another VM’s disk', (db) => at(db), /disk xvda of web is not its own: \S+ is disk xvda of db/],
  ])('to name %s has that neither copied nor started nor deleted', async (_, path, why) => {
    const db = await edited(path);
    const allow = [{ disruption: 'data-loss' as const, pattern: '*' }];
    expect(await leftAlone(text(' server: dom01 '), { allow })).toMatch(why);
    // Deleting the VM takes none of it along.
    const { failed } = await farm.apply(await farm.planOf(text(' state: absent, deleteDisks: true '), { allow }));
    expect(failed).toEqual([]);
    expect([farm.sim.files('dom01').read('/etc/shadow'), store().read(`/disks/${db}`)]).toEqual([secret, 'of db']);
  });
});
