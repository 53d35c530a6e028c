/** Sources of the right shape → the farm, with all the checks that no schema can make. */
import type { Origin } from '../core/diagnostic.ts';
import { badName } from '../core/name.ts';
import { sortedBy } from '../core/order.ts';
import { table } from '../core/table.ts';
import type { Farm } from '../kinds/farm.ts';
import type { VmSpec } from '../kinds/vm/spec.ts';
import { warnLonely } from './apart.ts';
import type { Around, Spoiled } from './around.ts';
import { checkConflicts } from './conflicts.ts';
import { gather, placeOf, type Gathered } from './gather.ts';
import { queriesOf } from './images.ts';
import { layerOf, lookUp, originIn, profileLayers, textAt, type Layer } from './layers.ts';
import { expand } from './pattern.ts';
import { resolvePools } from './pools.ts';
import { checkOrder } from './order.ts';
import { policyOf } from './policy.ts';
import type { Place, Problems } from './problem.ts';
import type { Source } from './source.ts';
import { layersOf, resolveVm } from './vms.ts';

export interface Resolution {
  readonly farm: Farm;
  /** By VM: all that speaks of it, the nearest first. */
  readonly layers: ReadonlyMap<string, readonly Layer[]>;
}

export const resolveFarm = (sources: readonly Source[], spoiled: Spoiled, problems: Problems): Resolution => {
  const all = gather(sources, problems);
  const name = farmName(all, sources, spoiled, problems);
  const pools = resolvePools(all, name, problems, spoiled);
  if (pools.length === 0 && !sources.some((s) => spoiled(s.file, '/pools') || spoiled(s.file, '/servers'))) {
    problems.add({
      code: 'no-servers',
      message: 'the farm has no servers',
      at: { file: all.farm?.file ?? sources[0]?.file ?? '', pointer: all.farm ? '/farm' : '', on: 'key' },
      hint: 'add them, like `servers: { xen: { address: xen.lan } }`',
    });
  }
  const around: Around = {
    pools: new Map(pools.map((p) => [p.name, p])),
    servers: new Map(pools.flatMap((p) => p.servers.map((s) => [s.name, p.name] as const))),
    profile: profileLayers(all.profiles, problems),
    defaults: all.defaults,
    spoiled,
    problems,
    written: new Map(queriesOf(all)),
  };
  checkProfiles(all, around);
  const layers = new Map<string, readonly Layer[]>();
  const vms: VmSpec[] = [];
  for (const member of expand(all.vms, 'VM', problems)) {
    const own = layersOf(member, around);
    layers.set(member.name, own);
    vms.push(resolveVm(member, own, around));
  }
  const sorted = sortedBy(vms, (vm) => vm.key);
  checkOrder(sorted, (vm) => layers.get(vm) ?? [], problems);
  checkConflicts(sorted, (vm, field) => placeOfField(layers.get(vm) ?? [], field), problems);
  const policy = policyOf(all, problems);
  // Behind an error, it may only look so.
  if (problems.all.every((p) => p.severity === 'warning')) {
    warnBootless(sorted, layers, problems);
    warnLonely(sorted, (vm) => placeOfField(layers.get(vm) ?? [], ['apart']), problems);
  }
  const written = around.written.size === 0 ? undefined : table([...around.written]);
  return { farm: { name, pools, vms: sorted, policy, written }, layers };
};

/** Where a field's value stands; where nothing says it, the VM itself. */
export const originOfField = (layers: readonly Layer[], field: readonly string[]): Origin | undefined => {
  const [own] = layers;
  const [group, nic = ''] = field;
  const found = lookUp(layers, field) ?? (group === 'nics' ? lookUp(layers, ['networks', nic.slice(3)]) : undefined);
  return found ? originIn(found) : own && { file: own.file, pointer: own.pointer };
};

const placeOfField = (layers: readonly Layer[], field: readonly string[]): Place =>
  originOfField(layers, field) ?? { file: '', pointer: '' };

const farmName = (all: Gathered, sources: readonly Source[], spoiled: Spoiled, problems: Problems): string => {
  const { farm } = all;
  if (!farm) {
    const [first] = sources;
    if (first && !sources.some((s) => spoiled(s.file, '/farm'))) {
      problems.add({
        code: 'missing-key',
        message: 'the farm has no name',
        at: { file: first.file, pointer: '' },
        hint: 'add `farm: home` at the top: the owner that Reeve writes into what it makes',
      });
    }
    return '';
  }
  const why = badName(farm.body, 'farm');
  if (why !== null) {
    problems.add({
      code: 'bad-name',
      message: `${JSON.stringify(farm.body)} may not name a farm: ${why}`,
      at: placeOf(farm),
    });
  }
  return farm.body;
};

/** Those that no VM uses are checked as well. */
const checkProfiles = (all: Gathered, around: Around): void => {
  for (const entry of all.profiles.values()) {
    const why = badName(entry.name, 'profile');
    if (why !== null) {
      around.problems.add({
        code: 'bad-name',
        message: `${JSON.stringify(entry.name)} may not name a profile: ${why}`,
        at: placeOf(entry, 'key'),
      });
    }
    const next = textAt([layerOf(entry)], 'profile');
    if (next) around.profile(next);
  }
  for (const entry of all.defaults.values()) {
    const profile = textAt([layerOf(entry)], 'profile');
    if (profile) around.profile(profile);
  }
};

const warnBootless = (vms: readonly VmSpec[], layers: Resolution['layers'], problems: Problems): void => {
  for (const vm of vms) {
    if (vm.state === 'absent' || vm.boot?.kernel !== undefined || vm.disks === undefined) continue;
    const { 'boot.order': order = [] } = vm.settings;
    if (Object.keys(vm.disks).length > 0 || Object.keys(vm.cdroms ?? {}).length > 0 || order.includes('network'))
      continue;
    problems.add({
      severity: 'warning',
      code: 'cannot-boot',
      message: `${vm.key} has neither a disk nor a kernel to boot`,
      at: placeOfField(layers.get(vm.key) ?? [], ['disks']),
      hint: 'give it a disk, or boot: { kernel: … }',
    });
  }
};
