/** The pools with their servers and networks, from `pools` or from the short form's `servers`. */
import { badName } from '../core/name.ts';
import { sortedBy } from '../core/order.ts';
import { parseDuration } from '../core/quantity.ts';
import type { NetworkSpec, PoolSpec } from '../kinds/farm.ts';
import type { ServerSpec, SshSpec } from '../kinds/server/spec.ts';
import { refuse, type Spoiled } from './around.ts';
import { definedTwice, placeOf, type Entry, type Gathered, type Named } from './gather.ts';
import { flagAt, layerOf, numberAt, textAt, type Layer } from './layers.ts';
import { expand, type Member } from './pattern.ts';
import { didYouMean, step, type Place, type Problems } from './problem.ts';
import type { FarmNetwork, Network, Pool, Server } from './types.ts';
import { badAddress, badBridge, badJump, badLocalFile, badUser } from './words.ts';

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
    if (why === null)
      pools.push({ name: entry.name, entry, servers: inner(entry, 'servers', entry.body.servers ?? {}) });
    else problems.add(badlyNamed(entry, 'pool', why));
  }
  checkFarmNetworks(all, new Set(pools.map((p) => p.name)), problems);
  const taken = new Map<string, Place>();
  return sortedBy(pools, (p) => p.name).map(({ name, entry, servers }) => {
    const ssh = [
      ...(entry?.body.ssh ? [{ ...layerOf(entry), pointer: `${entry.pointer}/ssh`, body: entry.body.ssh }] : []),
      ...all.ssh.map((e) => layerOf(e)),
    ];
    const specs: ServerSpec[] = [];
    for (const member of expand(servers, 'server', problems)) {
      const at = placeOf(member.entries[0], 'key');
      const other = taken.get(member.name);
      if (other) problems.add(definedTwice(`server ${member.name}`, other, at));
      else taken.set(member.name, at);
      specs.push(resolveServer(member, name, ssh, problems, spoiled));
    }
    return { name, networks: networksOf(name, entry, all, problems), servers: sortedBy(specs, (s) => s.name) };
  });
};

const badlyNamed = (entry: Entry<unknown>, what: string, why: string) => ({
  code: 'bad-name',
  message: `${JSON.stringify(entry.name)} may not name a ${what}: ${why}`,
  at: placeOf(entry, 'key'),
});

/** The entries of a map inside of an entry. */
const inner = <T>(outer: Entry<unknown>, key: string, map: Readonly<Record<string, T>>): Named<T> =>
  new Map(
    Object.entries(map).map(([name, body]) => [
      name,
      { name, body, file: outer.file, pointer: `${outer.pointer}/${key}${step(name)}` },
    ]),
  );

const resolveServer = (
  member: Member<Server>,
  pool: string,
  around: readonly Layer[],
  problems: Problems,
  spoiled: Spoiled,
): ServerSpec => {
  const layers = member.entries.map((e) => layerOf(e));
  const [own] = member.entries;
  const address = textAt(layers, 'address');
  if (!address && !layers.some((l) => spoiled(l.file, `${l.pointer}/address`))) {
    problems.add({
      code: 'missing-key',
      message: `server ${member.name} has no "address"`,
      at: placeOf(own, 'key'),
      hint: 'a host name, an IP address, or `local`',
    });
  }
  refuse(problems, 'an address', address, badAddress);
  const ssh = member.entries.flatMap((e): Layer[] =>
    e.body.ssh ? [{ ...layerOf(e), pointer: `${e.pointer}/ssh`, body: e.body.ssh }] : [],
  );
  return {
    name: member.name,
    pool,
    address: address?.value ?? '',
    ssh: resolveSsh([...ssh, ...around], problems),
    state: 'active',
    origin: placeOf(own),
  };
};

const resolveSsh = (layers: readonly Layer[], problems: Problems): SshSpec => {
  const user = textAt(layers, 'user');
  const jump = textAt(layers, 'jump');
  const identityFile = textAt(layers, 'identityFile');
  const knownHosts = textAt(layers, 'knownHosts');
  const timeout = textAt(layers, 'connectTimeout');
  refuse(problems, 'a user', user, badUser);
  refuse(problems, 'a jump host', jump, badJump);
  refuse(problems, 'a key file', identityFile, badLocalFile);
  refuse(problems, 'a known_hosts file', knownHosts, badLocalFile);
  const connectTimeout = timeout ? parseDuration(timeout.value) : undefined;
  refuse(problems, 'a time to wait', timeout, () =>
    connectTimeout?.ok === false
      ? connectTimeout.why
      : connectTimeout && (connectTimeout.value < 1 || connectTimeout.value > 3_600_000)
        ? 'it must be more than nothing and at most 1h'
        : null,
  );
  return {
    user: user?.value,
    port: numberAt(layers, 'port')?.value,
    identityFile: identityFile?.value,
    knownHosts: knownHosts?.value,
    jump: jump?.value,
    sudo: flagAt(layers, 'sudo'),
    connectTimeout: connectTimeout?.ok ? connectTimeout.value : undefined,
  };
};

const checkFarmNetworks = (all: Gathered, pools: ReadonlySet<string>, problems: Problems): void => {
  for (const network of all.networks.values()) {
    (Array.isArray(network.body.pools) ? network.body.pools : []).forEach((pool, i) => {
      // A list item of a wrong type was told already.
      if (pools.has(pool) || pool === '') return;
      problems.add({
        code: 'unknown-pool',
        message: `there is no pool ${JSON.stringify(pool)}`,
        at: { file: network.file, pointer: `${network.pointer}/pools/${i}` },
        hint: didYouMean(pool, [...pools], 'pool'),
      });
    });
  }
};

const networksOf = (
  pool: string,
  entry: Entry<Pool> | null,
  all: Gathered,
  problems: Problems,
): Readonly<Record<string, NetworkSpec>> => {
  const own: Named<Network> = entry ? inner(entry, 'networks', entry.body.networks ?? {}) : new Map();
  // A `pools` that is no list is the schema's to report; the network then serves all, so that no second error follows.
  const serves = ({ body }: Entry<FarmNetwork>): boolean => !Array.isArray(body.pools) || body.pools.includes(pool);
  const serving = [...all.networks.values()].filter(serves);
  const taken = new Map<string, Entry<Network>>();
  for (const network of [...serving, ...own.values()]) {
    const why = badName(network.name, 'network');
    const first = taken.get(network.name);
    if (why !== null) problems.add(badlyNamed(network, 'network', why));
    else if (first) {
      problems.add(
        definedTwice(`network ${network.name} of pool ${pool}`, placeOf(first, 'key'), placeOf(network, 'key')),
      );
    } else {
      taken.set(network.name, network);
      refuse(problems, 'a bridge', textAt([layerOf(network)], 'bridge'), badBridge);
    }
  }
  return Object.fromEntries(
    sortedBy(taken.values(), (n) => n.name).map((n) => [
      n.name,
      { name: n.name, bridge: n.body.bridge ?? '', vlan: n.body.vlan },
    ]),
  );
};
