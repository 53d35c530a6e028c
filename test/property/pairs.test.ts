/** From any VM to any other, on the simulator: the plan reaches it, at the cost that the table promises and no more. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { severity, worst } from '../../src/core/disruption.ts';
import type { Domain } from '../../src/kinds/vm/live.ts';
import type { VmSpec } from '../../src/kinds/vm/spec.ts';
import { openRig, type Rig } from '../contract/rig.ts';
import { disk, farm } from '../unit/plan/world.ts';
import { promise } from './promise.ts';
import { arbVm } from './vms.ts';

const vdevs = ['xvda', 'xvdb', 'xvde', 'hdd'];
const paths = ['/srv/vmlinuz', '/srv/a.iso', '/srv/b.iso', ...vdevs.map((v) => `/srv/web-${v}`)];
const anything = { allow: [{ disruption: 'data-loss' as const, pattern: '*' }] };

/** Small, with every maximum said, and a first disk, so that each type has something to boot. */
const plain = (v: VmSpec): VmSpec => ({
  ...v,
  memory: { target: (v.memory.target ?? 0) / 4, max: (v.memory.max ?? v.memory.target ?? 0) / 4 },
  vcpus: { count: v.vcpus.count, max: v.vcpus.max ?? 4 },
  disks: { xvda: disk('/srv/web-xvda'), ...v.disks },
  protect: false,
});
const arb = arbVm('web', { cpupools: true, passwords: true, states: false }).map(plain);

const domainOf = async (rig: Rig, vms: readonly VmSpec[]): Promise<Domain | undefined> => {
  const reader = rig.reader();
  try {
    const seen = (await rig.observe(reader, farm(vms, ['a']))).get('a');
    return seen?.is === 'seen' ? seen.domains[0] : undefined;
  } finally {
    await reader.close();
  }
};

it('random pairs of VMs: the plan from one to the other reaches it, and costs what the table says', async () => {
  const server = {
    name: 'a',
    memoryMiB: 16_384,
    dom0MiB: 1024,
    cpus: 8,
    bridges: ['xenbr0', 'xenbr1'],
    cpupools: ['Pool-0', 'other'],
    paths,
  };
  const secrets = new Map([['${env:VNC}', 'secret']]);
  let rig: Rig;
  /** Does it, and expects that nothing of it failed and nothing is left. */
  const reach = async (vms: readonly VmSpec[]) => {
    const f = farm(vms, ['a']);
    const p = await rig.plan(f, anything);
    expect(p.refused).toEqual([]);
    expect(p.operations).toHaveLength(p.bound);
    const outcome = await rig.apply(p);
    expect({ failed: outcome.failed, skipped: outcome.skipped, stale: outcome.stale }).toEqual({
      failed: [],
      skipped: [],
      stale: undefined,
    });
    await rig.sim.settle();
    const again = await rig.plan(f, anything);
    expect(again.operations.map((o) => `${o.id}: ${o.reason}`)).toEqual([]);
    expect(again.vms).toEqual([]);
    return p;
  };
  await fc.assert(
    fc.asyncProperty(arb, arb, async (first, second) => {
      rig = await openRig({ servers: [server], speed: Infinity, seed: 'pairs' }, secrets);
      try {
        await reach([first]);
        const before = await domainOf(rig, [first]);
        const p = await reach([second]);
        const after = await domainOf(rig, [second]);
        const promised = promise(first, second);
        const cost = worst([...p.operations.map((o) => o.disruption), ...p.vms.map((v) => v.disruption)]);
        expect(cost).toBe(promised);
        expect(after?.domid === before?.domid).toBe(severity(promised) < severity('restart'));
      } finally {
        await rig.close();
      }
    }),
    { numRuns: 150 },
  );
}, 900_000);
