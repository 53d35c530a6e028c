/** Planning a whole farm on which nothing is to be done, from what was read to the document, as a ratio to its own digest. */
import { it } from 'vitest';
import { digestOf } from '../../src/core/digest.ts';
import { resolve } from '../../src/kinds/vm/resolve.ts';
import type { Observed, ServerSeen } from '../../src/kinds/server/live.ts';
import type { Farm } from '../../src/kinds/farm.ts';
import { makePlan } from '../../src/plan/index.ts';
import { defaultOptions } from '../../src/plan/model/planner-inputs.ts';
import { disk, domain, farm, GiB, nic, record, server, spec, tools } from '../unit/plan/world.ts';
import { median, ms, printTable, printTarget } from './figures.ts';

const perServer = 20;

/** Every VM runs where the file has it, as Reeve made it. */
const settled = (servers: number): { readonly desired: Farm; readonly observed: Observed } => {
  const names = Array.from({ length: servers }, (_, i) => `dom${String(i).padStart(5, '0')}`);
  const vms = names.flatMap((home) =>
    Array.from({ length: perServer }, (_, j) => {
      const key = `${home}-vm${j}`;
      return spec(key, {
        servers: [home],
        disks: { xvda: disk(`/srv/vms/${key}.img`) },
        nics: { eth0: nic('lan') },
      });
    }),
  );
  const desired = farm(vms, names);
  const bare = server({ memory: { total: 64 * GiB, free: 20 * GiB, reclaimable: 0 } });
  const facts = {
    farm: desired.name,
    networks: desired.pools[0]?.networks ?? {},
    seen: bare,
    order: new Map<string, number>(),
    secrets: tools.secrets,
    shared: [],
  };
  const seenOf = (home: string, i: number): ServerSeen => {
    const own = vms.slice(i * perServer, (i + 1) * perServer).map((vm) => {
      const want = resolve(vm, null, facts);
      if ('unresolved' in want) throw new Error(want.unresolved);
      return { vm, want };
    });
    return {
      ...bare,
      domains: own.map(({ want }, j) => domain(want.config, want.uuid, j + 1)),
      records: own.map(({ vm, want }) => {
        const marker = {
          farm: desired.name,
          vm: vm.key,
          uuid: want.uuid,
          home,
          generation: 1,
          origin: 'created' as const,
          protect: false,
          macs: want.macs,
          applied: want.applied,
          by: '0.0.0',
        };
        return record(`/etc/xen/${vm.name}.cfg`, want.config, marker, [`/etc/xen/auto/${vm.name}.cfg`]);
      }),
    };
  };
  return { desired, observed: new Map(names.map((name, i) => [name, seenOf(name, i)] as const)) };
};

const timed = <T>(work: () => T): { readonly out: T; readonly took: number } => {
  const begin = performance.now();
  const out = work();
  return { out, took: performance.now() - begin };
};

it('planning: nothing to do', () => {
  const rows = [500, 5000].map((servers) => {
    const { desired, observed } = settled(servers);
    const runs = Array.from({ length: 3 }, () => {
      const floor = timed(() => digestOf([desired, [...observed]]));
      const { out, took } = timed(() => makePlan(desired, observed, defaultOptions, tools));
      if (out.operations.length > 0 || out.refused.length > 0) throw new Error('the farm is not as the file says');
      return { took, ratio: took / floor.took };
    });
    return { servers, VMs: servers * perServer, took: median(runs.map((r) => r.took)), runs };
  });
  printTable(
    'Planned as a whole, nothing to do; the floor is the digest of all that goes in',
    rows.map(({ servers, VMs, took, runs }) => ({
      servers,
      VMs,
      'median ms': ms(took),
      'µs a VM': ((took * 1000) / VMs).toFixed(0),
      'of the floor': median(runs.map((r) => r.ratio)).toFixed(2),
    })),
  );
  const last = rows.at(-1);
  if (last) printTarget(last.took < 1000, '100,000 VMs unchanged, as a whole: under 1 s', `${ms(last.took)} ms`);
});
