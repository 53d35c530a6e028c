/** What goes wrong with repositories and the disks in them, on the simulated farm: no byte that was there is lost, and the next run puts it right. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RepositorySpec } from '../../src/kinds/repository/spec.ts';
import { disk, farm, nic, spec } from '../unit/plan/world.ts';
import { openRig, type Rig } from './rig.ts';

const MiB = 1024;
const source = 'filer:/vmstore';
const store: RepositorySpec = {
  name: 'vmstore',
  type: 'nfs',
  source,
  path: '/srv/vmstore',
  options: '',
  shared: true,
  state: 'present',
  origin: { file: 'farm.yaml', pointer: '/repositories/vmstore' },
};
const vm = (key: string, server: string) =>
  spec(key, {
    servers: [server],
    memory: { target: 128 * MiB, max: 256 * MiB },
    boot: { kernel: '/srv/vmlinuz', ramdisk: '/srv/initrd.gz', cmdline: undefined },
    disks: {
      xvda: disk('', 'rw', { made: { repository: 'vmstore', folder: '/srv/vmstore', size: 64 * MiB, from: null } }),
    },
    nics: { eth0: nic('lan') },
  });
const wanted = (() => {
  const f = farm([vm('a', 'dom01'), vm('b', 'dom02')], ['dom01', 'dom02']);
  return { ...f, pools: f.pools.map((p) => ({ ...p, repositories: { vmstore: store } })) };
})();
const allow = { allow: [{ disruption: 'recreate' as const, pattern: '*' }] };

/** Somebody's, in the store from the first. */
const old = { path: '/disks/a-xvda-theirs.raw', text: 'precious' };

let rig: Rig;
beforeEach(async () => {
  const server = (name: string) => ({
    name,
    memoryMiB: 4096,
    dom0MiB: 1024,
    cpus: 4,
    bridges: ['xenbr0', 'xenbr1'],
    paths: ['/srv/vmlinuz', '/srv/initrd.gz'],
  });
  rig = await openRig({
    servers: [server('dom01'), server('dom02')],
    exports: [source],
    speed: Infinity,
    seed: 'store',
  });
  rig.sim.export(source).files.write('/keep', 'x');
});
afterEach(async () => rig.close());

const images = (): readonly string[] => rig.sim.export(source).files.list('/disks');
const apply = async (leaveAt?: number) => rig.apply(await rig.plan(wanted, allow), leaveAt);

const converges = async (): Promise<void> => {
  let outcome = await apply();
  for (let tries = 0; outcome.stale && tries < 2; tries++) outcome = await apply();
  expect({ failed: outcome.failed, skipped: outcome.skipped }).toEqual({ failed: [], skipped: [] });
  await rig.sim.settle();
  const again = await rig.plan(wanted, allow);
  expect([again.operations.map((o) => o.id), again.refused]).toEqual([[], []]);
  for (const [server, name] of [
    ['dom01', 'a'],
    ['dom02', 'b'],
  ] as const)
    expect((await rig.sim.hand(server, ['xl', 'list'])).out).toMatch(new RegExp(`^${name} `, 'm'));
};

describe('a connection that is lost', () => {
  it.each((['hold', 'op', 'wait', 'write', 'observe'] as const).map((what) => [what, 0] as const))(
    'at a %s (%s) costs nothing that the same or the next run does not make good',
    async (what, after) => {
      const p = await rig.plan(wanted);
      for (let n = 0; n < 3; n++) rig.sim.faults('dom01').cut({ what, after });
      await rig.apply(p);
      await rig.sim.faults('dom01').clear();
      await converges();
    },
  );
});

describe('a run that is killed', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24])(
    'after %s events is taken up by the next; disks that it made are whole, and no VM shares one',
    async (leaveAt) => {
      await apply(leaveAt);
      await converges();
      expect(images().filter((name) => name.endsWith('.part'))).toEqual([]);
      const raw = images().filter((name) => name.endsWith('.raw'));
      // One that was made and never named stays, with its marker, for `status` to show.
      expect(raw.length).toBeGreaterThanOrEqual(2);
      for (const name of raw) expect(images()).toContain(`${name}.reeve.json`);
    },
  );
});

describe('a store', () => {
  it('whose server is gone is left alone, and said; a VM there is not started', async () => {
    rig.sim.export(source).dead(true);
    const outcome = await apply();
    expect(outcome.failed.map((f) => f.why).join('\n')).toMatch(/mount/);
    rig.sim.export(source).dead(false);
    await converges();
    rig.sim.export(source).dead(true);
    const p = await rig.plan(wanted, allow);
    expect(p.operations).toEqual([]);
    expect(p.refused.map((r) => r.why).join('\n')).toMatch(/\/srv\/vmstore does not answer/);
    rig.sim.export(source).dead(false);
    await converges();
  });

  it('that is full takes no disk, and keeps nothing half made', async () => {
    await rig.apply(await rig.plan({ ...wanted, vms: [] }));
    const p = await rig.plan(wanted, allow);
    rig.sim.export(source).full(true);
    // Known beforehand, it is refused; else it fails on the way.
    const { operations, refused } = await rig.plan(wanted, allow);
    expect(operations).toEqual([]);
    expect(refused.map((r) => r.why).join('\n')).toMatch(/vmstore has 0KiB free, and 64MiB are needed/);
    const outcome = await rig.apply(p);
    expect(outcome.failed.map((f) => f.why).join('\n')).toMatch(/No space left on device/);
    expect(images()).toEqual([]);
    rig.sim.export(source).full(false);
    await converges();
  });

  it('of another farm is not written into, and nothing in it changes', async () => {
    const { files } = rig.sim.export(source);
    const marker = JSON.stringify({ format: 1, farm: 'other', repository: 'vmstore', uuid: 'u' });
    files.write('/.reeve.json', marker);
    const outcome = await apply();
    expect(outcome.failed.map((f) => f.why).join('\n')).toMatch(/is repository vmstore of farm other/);
    expect([files.list('/'), files.read('/.reeve.json')]).toEqual([['.reeve.json', 'keep'], marker]);
  });

  it('that lost its marker is not written into', async () => {
    await converges();
    const { files } = rig.sim.export(source);
    files.remove('/.reeve.json');
    const p = await rig.plan(wanted, allow);
    expect([p.operations, p.refused.length]).toEqual([[], 2]);
    expect(p.refused[0]?.why).toMatch(/has not the marker that it had/);
  });
});

describe('bytes that were there before', () => {
  it('are there after, whatever was made, lost and made again', async () => {
    await rig.apply(await rig.plan({ ...wanted, vms: [] }));
    const { files } = rig.sim.export(source);
    await rig.sim.hand('dom01', ['mkdir', '-p', '/srv/vmstore/disks']);
    files.write(old.path, old.text);
    await apply(9);
    await converges();
    const first = images().filter((name) => name.endsWith('.raw'));
    for (const name of first) files.write(`/disks/${name}`, `of ${name}`);
    const gone = { ...wanted, vms: wanted.vms.map((v) => ({ ...v, state: 'absent' as const })) };
    await rig.apply(await rig.plan(gone, allow));
    await rig.sim.settle();
    await converges();
    for (const name of first) expect(files.read(`/disks/${name}`)).toBe(`of ${name}`);
    expect(images().filter((name) => name.endsWith('.raw'))).toHaveLength(first.length + 2);
  });
});

describe('a dom0 that reboots', () => {
  it('has its repository again without a run, and its VM with one', async () => {
    await converges();
    rig.sim.reboot('dom01');
    const p = await rig.plan(wanted, allow);
    expect(p.operations.map((o) => o.id)).toEqual(['a/start']);
    await converges();
  });
});
