/** A volume group that two pools see, on the simulated farm: one of them has it, since its metadata have one writer. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Plan, PlanOptions } from '../../src/kinds/plan.ts';
import { load } from '../unit/config/load.ts';
import { openRig, type Rig } from './rig.ts';

let rig: Rig;
const server = (name: string) => ({
  name,
  memoryMiB: 4096,
  dom0MiB: 1024,
  cpus: 4,
  bridges: ['xenbr0'],
  paths: ['/srv/vmlinuz'],
  xendomains: '',
});
const open = async (own: Readonly<Record<string, number>> = {}): Promise<void> => {
  rig = await openRig({
    servers: ['dom01', 'dom02'].map((name) => ({ ...server(name), volumeGroups: own })),
    volumeGroups: { lun0: 10 * 1024 * 1024 },
    speed: Infinity,
    seed: 'one pool',
  });
};
beforeEach(async () => open());
afterEach(async () => rig.close());

const group = 'san: { type: lvm, volumeGroup: lun0, shared: true }';
const other = 'lun: { type: lvm, volumeGroup: lun0, shared: true }';
const gone = group.replace('true }', 'true, state: absent }');
const farm = (a: string, b: string, vms = '{}'): string => `farm: p
pools:
  a: { servers: { dom01: { address: dom01 } }, repositories: { ${a} } }
  b: { servers: { dom02: { address: dom02 } }, repositories: { ${b} } }
networks: { lan: { bridge: xenbr0 } }
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan] }
vms: ${vms}
`;
const planOf = async (text: string, options: Partial<PlanOptions> = {}): Promise<Plan> =>
  rig.plan((await load(text)).farm, options);
/** Each pool is written down on its server, too. */
const opsOf = ({ operations }: Plan): Plan['operations'] => operations.filter((o) => o.op.verb !== 'join-pool');
const applied = async (text: string): Promise<readonly string[]> => {
  const plan = await planOf(text);
  expect((await rig.apply(plan)).failed).toEqual([]);
  await rig.sim.settle();
  return opsOf(plan).map((o) => `${o.server} ${o.op.verb}`);
};
const refusedIn = ({ refused }: Plan): readonly string[] => refused.map((r) => `${r.subject.name}: ${r.why}`);
const sentence = (pool: string): string =>
  `pool ${pool} has the same volume group; a shared volume group belongs to one pool: its metadata have one writer`;

it.each([group, other, group.replace('true', 'false')])(
  'is the first one’s where both are new (%s)',
  async (second) => {
    const disk = 'disks: { xvda: { size: 8MiB } }';
    const plan = await planOf(farm(group, second, `{ w1: { pool: a, ${disk} }, w2: { pool: b, ${disk} } }`));
    expect(plan.operations.filter((o) => o.op.verb === 'mark-repository').map((o) => o.server)).toEqual(['dom01']);
    expect(opsOf(plan).filter((o) => o.server === 'dom02')).toEqual([]);
    expect(refusedIn(plan)).toContain(`b/${second.slice(0, 3)}: ${sentence('a')}`);
    expect(plan.refused[0]?.help).toBe('give it to one pool, and take it out of the other');
  },
);

it('stays with the one that has it, wherever that stands in the file', async () => {
  await applied(farm('', group));
  const plan = await planOf(farm(group, group));
  expect(refusedIn(plan)).toEqual([`a/san: ${sentence('b')}`]);
  expect(opsOf(plan)).toEqual([]);
});

it('goes to another pool when it is detached, and not before', async () => {
  await applied(farm('', group));
  const early = await planOf(farm(group, ''));
  expect(refusedIn(early)).toEqual([`a/san: ${sentence('b')}`]);
  expect(early.refused[0]?.help).toBe('detach it from pool b first (`state: absent` there, or --prune)');
  expect(await applied(farm(group, gone))).toEqual(['dom02 detach-repository']);
  expect(await applied(farm(group, gone))).toEqual(['dom01 mark-repository']);
  const done = await planOf(farm(group, gone));
  expect([opsOf(done), done.refused]).toEqual([[], []]);
});

it('is not taken by a pool that does not see what the other one has', async () => {
  await applied(farm(group, ''));
  await rig.sim.faults('dom01').refuse(true);
  const why = 'it is marked, no server of pool b has had it, and pool a, which may have it, was not read';
  const plan = await planOf(farm(group, group), { pools: ['b'] });
  expect([refusedIn(plan), opsOf(plan)]).toEqual([[`b/san: ${why}`], []]);
  expect(plan.refused[0]?.help).toBe('leave out --pool');
  const both = await planOf(farm(group, group));
  expect(both.refused.find((r) => r.subject.name === 'b/san')?.help).toBe('try again when dom01 answers');
  // What it has is its own, whoever answers.
  await rig.sim.faults('dom01').clear();
  await rig.sim.faults('dom02').refuse(true);
  expect(refusedIn(await planOf(farm(group, group), { pools: ['a'] }))).toEqual([]);
});

it('is one of each where they only have one name', async () => {
  await rig.close();
  await open({ own: 1024 * 1024 });
  const own = 'san: { type: lvm, volumeGroup: own, shared: true }';
  expect(await applied(farm(own, own))).toEqual(['dom01 mark-repository', 'dom02 mark-repository']);
  const plan = await planOf(farm(own, own));
  expect([opsOf(plan), plan.refused]).toEqual([[], []]);
});
