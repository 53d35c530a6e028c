/** A run that is killed after any of its events: the next one, with the same file and options, plans the rest, and the end is the same. */
import { expect, it, describe } from 'vitest';
import type { PlanOptions } from '../../src/kinds/plan.ts';
import { dom0, openPool, type PoolFarm } from './pool-farm.ts';

interface Scenario {
  /** From this the run begins; all of it is as it says. */
  readonly from: string;
  readonly to: string;
  readonly options?: Partial<PlanOptions>;
  /** A copy that was not finished, or that no cfg came to name, stays as a disk of nobody; another one is made. */
  readonly copies?: true;
  /** What else is so at the beginning. */
  readonly also?: (farm: PoolFarm) => Promise<unknown>;
}

const allow = [{ disruption: 'data-loss' as const, pattern: '*' }];
const servers = ['dom01', 'dom02'];
const stores = `vmstore: { type: nfs, source: "filer:/vmstore", path: /srv/vmstore }, other: { type: nfs, source: "filer:/other", path: /srv/other }`;
const file = (vms: string, more: { readonly repositories?: string; readonly top?: string } = {}): string => `farm: p
pools: { p: { servers: { dom01: { address: a }, dom02: { address: b } } } }
networks: { lan: { bridge: xenbr0 } }
repositories: { ${more.repositories ?? stores} }
${more.top ?? ''}
defaults: { type: pvh, memory: 128MiB, boot: { kernel: /srv/vmlinuz }, networks: [lan] }
vms: { ${vms} }
`;
const disk = 'xvda: { repository: vmstore, size: 1GiB }';
const web = (more = '', disks = disk): string => `web: { server: dom01, disks: { ${disks} }${more} }`;
const db = 'db: { server: dom02, disks: { xvda: { repository: vmstore, size: 1GiB } } }';

const open = async ({ from, also }: Scenario): Promise<PoolFarm> => {
  const farm = await openPool([dom0('dom01'), dom0('dom02')], { exports: ['filer:/vmstore', 'filer:/other'] });
  await farm.converge(from, { allow });
  await also?.(farm);
  await farm.sim.settle();
  return farm;
};

/** `copies`: of disks only those that a cfg names. */
const tree = (farm: PoolFarm, source: string, copies = false): readonly string[] => {
  const { files } = farm.sim.export(source);
  const cfgs = servers.flatMap((s) => ['web', 'db'].map((vm) => farm.sim.files(s).read(`/etc/xen/${vm}.cfg`) ?? ''));
  const known = (name: string): boolean =>
    !copies ||
    source === 'filer:/vmstore' ||
    cfgs.some((c) => c.includes(`target=/srv/other/disks/${name.replace('.reeve.json', '')}"`));
  return ['disks', 'images', 'leases', 'suspended', 'autostart/dom01', 'autostart/dom02'].flatMap((folder) =>
    files.list(`/${folder}`).flatMap((name) => (folder !== 'disks' || known(name) ? [`${folder}/${name}`] : [])),
  );
};

/** Another copy has another name. */
const withoutId = (name: string): string => name.replace(/-[0-9a-f]{8}\./, '.');

/** Each farm's servers have their own host keys: of each, whose it is. */
const withoutHostKeys = (farm: PoolFarm, text: string): string =>
  servers.reduce((all, s) => {
    const [type = '', key = ''] = (farm.sim.files(s).read('/etc/ssh/ssh_host_ed25519_key.pub') ?? '').split(' ');
    return all.replaceAll(`${type} ${key}`, `the host key of ${s}`);
  }, text);

/** All that an operation may leave half done. */
const world = async (farm: PoolFarm, { copies }: Scenario): Promise<unknown> => ({
  stores: ['filer:/vmstore', 'filer:/other'].map((s) => [
    tree(farm, s, copies).map(withoutId),
    farm.sim.export(s).files.read('/.reeve.json'),
  ]),
  servers: await Promise.all(
    servers.map(async (s) => {
      const files = farm.sim.files(s);
      return [
        await farm.list(s),
        ...['/etc/xen', '/etc/xen/auto'].map((f) => files.list(f)),
        ...['/etc/fstab', '/etc/reeve/repositories.json'].map((f) => files.read(f)),
        withoutHostKeys(farm, files.read('/etc/reeve/pool.json') ?? ''),
      ];
    }),
  ),
});

const options = (s: Scenario): Partial<PlanOptions> => ({ allow, ...s.options });

const scenarios: readonly (readonly [string, Scenario])[] = [
  [
    'a VM and its disks are deleted',
    { from: file(`${web()}, ${db}`), to: file(`web: { state: absent, deleteDisks: true }, ${db}`) },
  ],
  [
    'a stopped VM goes with its disks in two repositories, and with leases that it has no use of',
    {
      from: file(`${web(', state: stopped', `${disk}, xvdb: { repository: other, size: 1GiB }`)}, ${db}`),
      to: file(`${web(', state: absent')}, ${db}`),
      options: { deleteDisks: ['web'] },
      also: async (farm) => {
        const cfg = farm.sim.files('dom01').read('/etc/xen/web.cfg') ?? '';
        const uuid = /uuid = "([^"]+)"/.exec(cfg)?.[1] ?? '';
        const lease = { format: 1, farm: 'p', vm: 'web', uuid, server: 'dom01', boot: 'b', generation: 1, disks: {} };
        for (const store of ['vmstore', 'other']) {
          await farm.sim.hand('dom01', ['mkdir', '-p', `/srv/${store}/leases`]);
          farm.sim.export(`filer:/${store}`).files.write(`/leases/${uuid}.json`, `${JSON.stringify(lease)}\n`);
        }
      },
    },
  ],
  [
    'a VM that has left the file is pruned with its disks',
    { from: file(`${web()}, ${db}`), to: file(db), options: { prune: true, deleteDisks: ['web'] } },
  ],
  ['a VM gets another name', { from: file(`${web()}, ${db}`), to: file(`${web(', name: www')}, ${db}`) }],
  [
    'a VM gets another key and a restart',
    {
      from: file(`${web()}, ${db}`),
      to: file(`${web(', formerly: web, memory: { target: 128MiB, max: 512MiB }').replace('web:', 'www:')}, ${db}`),
    },
  ],
  [
    'a disk is moved into another repository',
    {
      from: file(`${web()}, ${db}`),
      to: file(`${web('', 'xvda: { repository: other, size: 1GiB }')}, ${db}`),
      copies: true,
    },
  ],
  ['an autostart goes', { from: file(`${web()}, ${db}`), to: file(`${web(', autostart: false')}, ${db}`) }],
];

/** So many events does the run tell; undefined: the end. */
const cuts = async (s: Scenario): Promise<{ readonly events: number; readonly end: unknown }> => {
  const farm = await open(s);
  let events = 0;
  const plan = await farm.planOf(s.to, options(s));
  const { failed, skipped } = await farm.apply(plan, Infinity, () => (events += 1));
  expect({ failed, skipped }).toEqual({ failed: [], skipped: [] });
  await farm.sim.settle();
  const end = await world(farm, s);
  await farm.close();
  return { events, end };
};

describe.each(scenarios)('where %s', (_, s) => {
  it('the next run goes on from every point at which one was killed', async () => {
    const { events, end } = await cuts(s);
    for (let cut = 1; cut < events; cut += 1) {
      const farm = await open(s);
      await farm.apply(await farm.planOf(s.to, options(s)), cut);
      // What it left running goes on without it.
      await farm.sim.settle();
      let outcome = await farm.apply(await farm.planOf(s.to, options(s)));
      for (let tries = 0; outcome.stale && tries < 2; tries += 1)
        outcome = await farm.apply(await farm.planOf(s.to, options(s)));
      await farm.sim.settle();
      const again = await farm.planOf(s.to, options(s));
      expect({
        cut,
        failed: outcome.failed,
        again: [again.operations.map((o) => o.id), again.refused],
        end: await world(farm, s),
      }).toEqual({ cut, failed: [], again: [[], []], end });
      await farm.close();
    }
  }, 600_000);
});
