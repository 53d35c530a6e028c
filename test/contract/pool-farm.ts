/** Two simulated dom0s with a shared store, and what tests of pools ask of them. */
import { expect } from 'vitest';
import type { Plan, PlanOptions } from '../../src/kinds/plan.ts';
import type { SimFarmSpec } from '../../src/sim/index.ts';
import { load } from '../unit/config/load.ts';
import { openRig, type Rig } from './rig.ts';

type Dom0 = SimFarmSpec['servers'][number];

export interface PoolFarm extends Rig {
  planOf(text: string, options?: Partial<PlanOptions>): Promise<Plan>;
  /** Plans, carries out, and plans again: nothing may be left. */
  converge(text: string, options?: Partial<PlanOptions>): Promise<Plan>;
  /** Names of the domains there, sorted. */
  list(server: string): Promise<readonly string[]>;
}

const source = 'filer:/vmstore';

export const dom0 = (name: string, more: Partial<Dom0> = {}): Dom0 => ({
  name,
  memoryMiB: 4096,
  dom0MiB: 1024,
  cpus: 4,
  bridges: ['xenbr0'],
  paths: ['/srv/vmlinuz'],
  ...more,
});

/** `servers`: as the pool has them; `pool`: its other keys. */
export const poolText = (servers: string, vms: string, pool = ''): string => `farm: p
pools: { p: { servers: { ${servers} }${pool === '' ? '' : `, ${pool}`} } }
networks: { lan: { bridge: xenbr0 } }
repositories: { vmstore: { type: nfs, source: "${source}", path: /srv/vmstore } }
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan], disks: { xvda: { size: 1GiB } } }
vms: { ${vms} }
`;

export const openPool = async (
  servers: readonly Dom0[],
  more: Partial<Omit<SimFarmSpec, 'texts'>> = {},
): Promise<PoolFarm> => {
  const rig = await openRig({ servers, exports: [source], speed: Infinity, seed: 'pools', ...more });
  const planOf: PoolFarm['planOf'] = async (text, options = {}) => rig.plan((await load(text)).farm, options);
  return {
    ...rig,
    planOf,
    converge: async (text, options = {}) => {
      const plan = await planOf(text, options);
      const { failed, skipped } = await rig.apply(plan);
      expect({ failed, skipped, refused: plan.refused }).toEqual({ failed: [], skipped: [], refused: [] });
      await rig.sim.settle();
      const again = await planOf(text, options);
      expect([again.operations.map((o) => o.id), again.refused]).toEqual([[], []]);
      return plan;
    },
    list: async (server) =>
      (await rig.sim.hand(server, ['xl', 'list'])).out
        .split('\n')
        .slice(1)
        .flatMap((l) => l.split(/\s+/)[0] ?? [])
        .filter((n) => n !== '' && n !== 'Domain-0')
        .sort(),
  };
};
