/** A shared volume group that lvmlockd guards, on the simulated farm: a volume is open on one server at a time, so that nothing migrates live. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Plan, PlanOptions } from '../../src/kinds/plan.ts';
import { load } from '../unit/config/load.ts';
import { openRig, type Rig } from './rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig({
    servers: ['dom01', 'dom02'].map((name) => ({
      name,
      memoryMiB: 4096,
      dom0MiB: 1024,
      cpus: 4,
      bridges: ['xenbr0'],
      paths: ['/srv/vmlinuz'],
      xendomains: '',
    })),
    volumeGroups: { lun0: 10 * 1024 * 1024 },
    speed: Infinity,
    seed: 'lvmlockd',
    trusting: true,
  });
});
afterEach(async () => rig.close());

const farm = (server: string): string => `farm: p
servers: { dom01: { address: dom01 }, dom02: { address: dom02 } }
networks: { lan: { bridge: xenbr0 } }
repositories: { lun0: { type: lvm, shared: true } }
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan], shutdown: { within: 10s } }
vms: { web: { server: ${server}, disks: { xvda: { size: 8MiB } } } }
`;
const planOf = async (server: string, options: Partial<PlanOptions> = {}): Promise<Plan> =>
  rig.plan((await load(farm(server))).farm, options);
const converge = async (server: string, options: Partial<PlanOptions> = {}): Promise<readonly string[]> => {
  const plan = await planOf(server, options);
  const { failed } = await rig.apply(plan);
  expect([failed, plan.refused]).toEqual([[], []]);
  await rig.sim.settle();
  expect((await planOf(server, options)).operations).toEqual([]);
  return plan.operations.map((o) => o.op.verb);
};
const lockedBy = async (type: string): Promise<void> => {
  await rig.sim.hand('dom01', ['vgchange', '--lock-type', type, 'lun0']);
};

it.each(['sanlock', 'dlm'])('%s: a VM does not migrate live, and says what would move it', async (type) => {
  await lockedBy(type);
  await converge('dom01');
  const { refused, operations } = await planOf('dom02');
  expect(operations).toEqual([]);
  expect(refused).toMatchObject([
    {
      why: `lvmlockd (${type}) has the volumes of /dev/lun0 open on one server at a time, so it cannot migrate live, and its budget is migrate`,
      help: '--allow restart=web',
      needs: 'restart',
    },
  ]);
});

it('moves it in a restart where that is allowed', async () => {
  await lockedBy('sanlock');
  await converge('dom01');
  const verbs = await converge('dom02', { allow: [{ disruption: 'restart', pattern: 'web' }] });
  expect(verbs).not.toContain('migrate');
  expect((await rig.sim.hand('dom02', ['xl', 'list'])).out).toMatch(/^web /m);
});

it('migrates live where there is no lock manager', async () => {
  await lockedBy('sanlock');
  await lockedBy('none');
  await converge('dom01');
  expect(await converge('dom02')).toContain('migrate');
});
