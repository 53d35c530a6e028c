/** The pools with their servers, networks and repositories, from `pools` or from the short form's `servers`. */
import { badName } from '../core/name.ts';
import { sortedBy } from '../core/order.ts';
import type { NetworkSpec, PoolSpec } from '../kinds/farm.ts';
import type { ServerSpec } from '../kinds/server/spec.ts';
import { refuse, type Spoiled } from './around.ts';
import { definedTwice, placeOf, type Entry, type Gathered, type Named } from './gather.ts';
import { layerOf, numberAt, placeIn, textAt, type Layer } from './layers.ts';
import { checkImages, imagesOf } from './images.ts';
import { expand } from './pattern.ts';
import type { Place, Problems } from './problem.ts';
import { checkGroups, checkSources, repositoriesOf } from './repositories.ts';
import { badlyNamed, checkServed, inner, servedIn } from './served.ts';
import { checkAddresses, checkMigrations, placeOfAddress, resolveServer } from './servers.ts';
import type { Pool, Server } from './types.ts';
import { badBridge, badMigrationKey } from './words.ts';
import { table } from '../core/table.ts';

export const resolvePools = (
  all: Gathered,
  farm: string,
  problems: Problems,
  spoiled: Spoiled,
): readonly PoolSpec[] => {
  const [short] = all.servers.values();
  const [long] = all.pools.values();
  if (short && long) {
    problems.add({
      code: 'two-forms',
      message: 'the farm has both `servers` and `pools`',
      at: { file: short.file, pointer: '/servers', on: 'key' },
      hint: 'move the servers into a pool',
      related: [{ message: 'the pools are here', at: { file: long.file, pointer: '/pools', on: 'key' } }],
    });
  }
  const pools: { name: string; entry: Entry<Pool> | null; servers: Named<Server> }[] = [];
  if (short) pools.push({ name: farm, entry: null, servers: all.servers });
  for (const entry of all.pools.values()) {
    const why = badName(entry.name, 'pool');
    if (why === null) pools.push({ name: entry.name, entry, servers: inner(entry, 'servers', entry.body.servers) });
    else problems.add(badlyNamed(entry, 'pool', why));
  }
  const names = new Set(pools.map((p) => p.name));
  checkServed(all.networks, names, problems);
  checkServed(all.repositories, names, problems);
  checkServed(all.templates, names, problems);
  checkServed(all.isos, names, problems);
  const taken = new Map<string, Place>();
  const addresses: (readonly [ServerSpec, Place])[] = [];
  const specs = sortedBy(pools, (p) => p.name).map(({ name, entry, servers }): PoolSpec => {
    const ssh = [
      ...(entry?.body.ssh ? [{ ...layerOf(entry), pointer: `${entry.pointer}/ssh`, body: entry.body.ssh }] : []),
      ...all.ssh.map((e) => layerOf(e)),
    ];
    const resolved: ServerSpec[] = [];
    const told = problems.all.length;
    const members = expand(servers, 'server', problems);
    const whole = problems.all.length === told;
    for (const member of members) {
      const at = placeOf(member.entries[0], 'key');
      const other = taken.get(member.name);
      if (other) problems.add(definedTwice(`server ${member.name}`, other, at));
      else taken.set(member.name, at);
      const spec = resolveServer(member, name, ssh, problems, spoiled);
      resolved.push(spec);
      const address = placeOfAddress(member);
      if (address) addresses.push([spec, address]);
    }
    checkMigrations(members, problems);
    const layers = entry ? [layerOf(entry)] : [];
    // Servers with a wrong name are not among them, and would be missed here; that there are none was told already.
    if (whole && resolved.length > 0) checkSpare(name, layers, resolved, problems);
    const migrationKey = textAt(layers, 'migration', 'key');
    refuse(problems, 'a key for migrations', migrationKey, badMigrationKey);
    const repositories = repositoriesOf(name, entry, all, problems, spoiled);
    return {
      name,
      networks: networksOf(name, entry, all, problems),
      repositories,
      images: imagesOf(name, repositories, all, problems),
      servers: sortedBy(resolved, (s) => s.name),
      migrationKey: migrationKey?.value,
      spare: numberAt(layers, 'spare')?.value ?? 0,
      overcommit: { vcpus: numberAt(layers, 'overcommit', 'vcpus')?.value },
    };
  });
  checkAddresses(addresses, problems);
  checkSources(specs, problems);
  checkGroups(all.repositories, specs, problems);
  checkImages(all, specs, problems);
  return specs;
};

/** One server at least must be left, of those that stay and run VMs. */
const checkSpare = (
  pool: string,
  layers: readonly Layer[],
  servers: readonly ServerSpec[],
  problems: Problems,
): void => {
  const spare = numberAt(layers, 'spare');
  const count = servers.filter((s) => s.state !== 'absent' && s.roles.includes('vm')).length;
  const most = Math.max(0, count - 1);
  if (!spare || spare.value <= most) return;
  const what = count === 1 ? 'server' : 'servers';
  const few = count === 1 ? ' that stays and runs VMs' : ' that stay and run VMs';
  problems.add({
    code: 'over-spare',
    message: `pool ${pool} has ${count} ${what}${servers.length === count ? '' : few}, and cannot lose ${spare.value}`,
    at: placeIn(spare),
    hint: most === 0 ? 'take it out, or add servers' : `write ${most} or less, or add servers`,
  });
};

const networksOf = (
  pool: string,
  entry: Entry<Pool> | null,
  all: Gathered,
  problems: Problems,
): Readonly<Record<string, NetworkSpec>> => {
  const own = inner(entry, 'networks', entry?.body.networks);
  const networks = servedIn('network', pool, all.networks, own, problems);
  for (const network of networks) refuse(problems, 'a bridge', textAt([layerOf(network)], 'bridge'), badBridge);
  return table(networks.map((n) => [n.name, { name: n.name, bridge: n.body.bridge ?? '', vlan: n.body.vlan }]));
};
