/** What goes wrong around a run, on the simulated farm: said clearly, nothing lost, nothing started twice, and put right by the next run. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { disk, farm, nic, spec } from '../unit/plan/world.ts';
import { openRig, type Rig } from './rig.ts';

const MiB = 1024;
const paths = ['/srv/vmlinuz', '/srv/initrd.gz', '/srv/a.img', '/srv/b.img'];
const vm = (key: string, more: Parameters<typeof spec>[1] = {}) =>
  spec(key, {
    memory: { target: 128 * MiB, max: 256 * MiB },
    boot: { kernel: '/srv/vmlinuz', ramdisk: '/srv/initrd.gz', cmdline: undefined },
    disks: { xvda: disk(`/srv/${key}.img`) },
    nics: { eth0: nic('lan') },
    ...more,
  });
const wanted = farm([vm('a'), vm('b')], ['dom01']);
const restartAll = { allow: [{ disruption: 'recreate' as const, pattern: '*' }] };

let rig: Rig;
beforeEach(async () => {
  const server = { name: 'dom01', memoryMiB: 4096, dom0MiB: 1024, cpus: 4, bridges: ['xenbr0', 'xenbr1'], paths };
  rig = await openRig({ servers: [server], speed: Infinity, seed: 'faults' });
});
afterEach(async () => rig.close());

const domains = async (): Promise<readonly string[]> =>
  (await rig.sim.hand('dom01', ['xl', 'list'])).out
    .split('\n')
    .slice(2)
    .flatMap((line) => line.split(/\s+/)[0] || []);

/** All that a fault may not harm. */
const world = async (): Promise<unknown> => ({
  domains: await domains(),
  files: rig.sim
    .files('dom01')
    .list('/etc/xen')
    .map((name) => [name, rig.sim.files('dom01').read(`/etc/xen/${name}`)]),
});

const converges = async (f = wanted): Promise<void> => {
  let outcome = await rig.apply(await rig.plan(f, restartAll));
  // What the run before left running may end between this run's plan and its lock: it then plans anew, as `reeve apply` does.
  for (let tries = 0; outcome.stale && tries < 2; tries++) outcome = await rig.apply(await rig.plan(f, restartAll));
  expect({ failed: outcome.failed, skipped: outcome.skipped }).toEqual({ failed: [], skipped: [] });
  await rig.sim.settle();
  expect((await rig.plan(f, restartAll)).operations.map((o) => o.id)).toEqual([]);
  const up = await domains();
  expect([...up].sort()).toEqual(f.vms.filter((v) => v.state === 'running').map((v) => v.name));
};

describe('a server that cannot be read', () => {
  const cases: readonly [string, (r: Rig) => unknown, RegExp][] = [
    ['is down', (r) => r.sim.faults('dom01').refuse(true), /refused|does not answer|not reach/i],
    ['has no Xen', (r) => r.sim.faults('dom01').noXen(true), /Xen/],
    ['answers by half', (r) => r.sim.faults('dom01').cut({ what: 'observe', after: 2000 }), /lost|cut short/],
    [
      'goes before it answers',
      (r) => r.sim.faults('dom01').cut({ what: 'observe', after: 'request' }),
      /lost|cut short/,
    ],
  ];
  it.each(cases)('that %s is left alone, and said', async (_, harm, words) => {
    const before = await world();
    await harm(rig);
    const p = await rig.plan(wanted);
    expect(p.operations).toEqual([]);
    expect(p.unreadable.map((u) => u.server)).toEqual(['dom01']);
    expect(p.unreadable[0]?.why).toMatch(words);
    await rig.sim.faults('dom01').clear();
    expect(await world()).toEqual(before);
    await converges();
  });
});

describe('a server that cannot be written to', () => {
  it('for a full disk keeps what it had, and nothing half-written stays', async () => {
    const p = await rig.plan(wanted);
    rig.sim.faults('dom01').fullDisk(true);
    const before = await world();
    const outcome = await rig.apply(p);
    expect(outcome.failed.map((f) => f.why).join('\n')).toMatch(/No space left on device/);
    expect(await world()).toEqual(before);
    await rig.sim.faults('dom01').clear();
    await converges();
  });
  it('for a read-only /etc/xen says so', async () => {
    const p = await rig.plan(wanted);
    rig.sim.faults('dom01').readOnly('/etc/xen');
    const before = await world();
    const outcome = await rig.apply(p);
    expect(outcome.failed.map((f) => f.why).join('\n')).toMatch(/Read-only file system/);
    expect(await world()).toEqual(before);
    await rig.sim.faults('dom01').clear();
    await converges();
  });
  it('since another run holds it says who', async () => {
    const p = await rig.plan(wanted);
    const other = rig.control();
    await other.hold('dom01', { who: 'ada', from: 'her laptop', since: '2026-01-01T00:00:00Z', epoch: 'another' });
    const outcome = await rig.apply(p);
    expect(outcome.done).toEqual([]);
    expect(outcome.skipped.map((s) => s.why).join('\n')).toMatch(/ada.*her laptop/);
    await other.close();
    await converges();
  });
});

describe('a farm that changes between plan and apply', () => {
  it('stops the apply before its first operation', async () => {
    await converges();
    const p = await rig.plan(farm([vm('a', { memory: { target: 192 * MiB, max: 256 * MiB } }), vm('b')], ['dom01']));
    expect(p.operations.map((o) => o.id)).toEqual(['a/define', 'a/set-memory']);
    await rig.sim.hand('dom01', ['xl', 'vcpu-set', 'b', '1']);
    await rig.sim.hand('dom01', ['xl', 'mem-set', 'a', '100m']);
    const before = await world();
    const outcome = await rig.apply(p);
    expect(outcome.stale?.map((d) => d.why)).toEqual(['a on dom01: memory was 128MiB of 256MiB, is 100MiB of 256MiB']);
    expect(await world()).toEqual(before);
  });
});

const cuts = ['hold', 'op', 'wait', 'write', 'observe'] as const;
const afters = ['request', 0, 3] as const;

describe('a connection that is lost', () => {
  it.each(cuts.flatMap((what) => afters.map((after) => [what, after] as const)))(
    'at a %s (%s) costs nothing that the same or the next run does not make good',
    async (what, after) => {
      const p = await rig.plan(wanted);
      for (let n = 0; n < 3; n++) rig.sim.faults('dom01').cut({ what, after });
      const outcome = await rig.apply(p);
      expect(outcome.done.length + outcome.failed.length + outcome.skipped.length).toBe(p.operations.length);
      await rig.sim.faults('dom01').clear();
      await converges();
    },
  );
});

describe('a run that is killed', () => {
  const changed = farm(
    [
      vm('a', { boot: { kernel: '/srv/vmlinuz', ramdisk: undefined, cmdline: 'quiet' }, disks: {} }),
      vm('b', { memory: { target: 192 * MiB, max: 256 * MiB } }),
    ],
    ['dom01'],
  );
  // Two operations of two VMs make at most some forty events; beyond the last, nothing is killed any more.
  it.each([1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24, 30])(
    'after %s events is taken up by the next, and nothing is started twice',
    async (leaveAt) => {
      await rig.apply(await rig.plan(wanted), leaveAt);
      await converges();
      await rig.apply(await rig.plan(changed, restartAll), leaveAt);
      await converges(changed);
    },
  );
  it('together with its operations leaves nothing half made', async () => {
    const run = rig.apply(await rig.plan(wanted));
    rig.sim.faults('dom01').killOperations();
    await run;
    await converges();
  });
});
