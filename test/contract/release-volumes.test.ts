/** Giving back a VM whose volumes several servers see, on the simulated farm: what Reeve did for it is said to the one who has it now. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Farm } from '../../src/kinds/farm.ts';
import type { Plan } from '../../src/kinds/plan.ts';
import { releasePlan } from '../../src/plan/index.ts';
import { xl } from '../../src/toolstacks/xl/index.ts';
import { load } from '../unit/config/load.ts';
import { openRig, type Rig } from './rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig({
    servers: [
      {
        name: 'dom01',
        memoryMiB: 4096,
        dom0MiB: 1024,
        cpus: 4,
        bridges: ['xenbr0'],
        paths: ['/srv/vmlinuz'],
        xendomains: '',
        volumeGroups: { vg0: 1024 * 1024 },
      },
    ],
    volumeGroups: { lun0: 1024 * 1024 },
    speed: Infinity,
    seed: 'release',
  });
});
afterEach(async () => rig.close());

const farmOf = async (vms: string): Promise<Farm> =>
  (
    await load(`farm: p
servers: { dom01: { address: dom01 } }
networks: { lan: { bridge: xenbr0 } }
repositories: { lun0: { type: lvm, shared: true }, vg0: { type: lvm } }
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan], shutdown: { within: 10s } }
vms: ${vms}
`)
  ).farm;
const web = (on: string, more = ''): string => `{ web: { disks: { xvda: { repository: ${on}, size: 8MiB } }${more} } }`;
const apply = async (vms: string): Promise<void> => {
  const plan = await rig.plan(await farmOf(vms), { allow: [{ disruption: 'stop', pattern: 'web' }] });
  expect([plan.refused, (await rig.apply(plan)).failed]).toEqual([[], []]);
  await rig.sim.settle();
};
const releaseOf = async (): Promise<Plan> => {
  const reader = rig.reader();
  try {
    const farm = await farmOf('{}');
    const seen = await rig.observe(reader, farm);
    const plan = releasePlan(farm, seen, 'web', { toolstack: xl, version: '0.0.0', secrets: new Map() });
    if (!('operations' in plan)) throw new Error(plan.why);
    return plan;
  } finally {
    await reader.close();
  }
};
const opens = expect.stringMatching(
  /^web: its volumes are opened by hand from now on, on one server at a time: lvchange -ay lun0\/web-xvda\S* before it starts, lvchange -an once it is stopped$/,
);
const tags = async (): Promise<string> => (await rig.sim.hand('dom01', ['lvs'])).out;

it('says that its volumes are opened by hand, and that its lease stays', async () => {
  await apply(web('lun0'));
  const plan = await releaseOf();
  expect(plan.warnings).toEqual([
    opens,
    'web: its lease stays as long as it runs; once it is stopped, take the tag reeve.lease=… off its volumes (lvchange --deltag)',
  ]);
  expect((await rig.apply(plan)).failed).toEqual([]);
  expect(await tags()).toMatch(/reeve\.lease=p\/web\//);
});

it('says nothing of a lease where there is none', async () => {
  await apply(web('lun0'));
  await apply(web('lun0', ', state: stopped'));
  expect((await releaseOf()).warnings).toEqual([opens]);
});

it('says nothing of volumes that one server has', async () => {
  await apply(web('vg0'));
  expect((await releaseOf()).warnings).toEqual([]);
});
