/** The pools with their servers, networks and repositories, from `pools` or from the short form's `servers`. */
import { badName } from '../core/name.ts';
import { sortedBy } from '../core/order.ts';
import { parseDuration } from '../core/quantity.ts';
import type { NetworkSpec, PoolSpec } from '../kinds/farm.ts';
import { everyRole, type Role, type ServerSpec, type ServerState, type SshSpec } from '../kinds/server/spec.ts';
import { refuse, type Spoiled } from './around.ts';
import { definedTwice, placeOf, type Entry, type Gathered, type Named } from './gather.ts';
import { flagAt, itemsOf, layerOf, lookUp, numberAt, textAt, type Layer } from './layers.ts';
import { checkImages, imagesOf } from './images.ts';
import { expand, type Member } from './pattern.ts';
import type { Place, Problems } from './problem.ts';
import { checkSources, repositoriesOf } from './repositories.ts';
import { badlyNamed, checkServed, inner, servedIn } from './served.ts';
import type { Pool, Server } from './types.ts';
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
    if (why === null) pools.push({ name: entry.name, entry, servers: inner(entry, 'servers', entry.body.servers) });
    else problems.add(badlyNamed(entry, 'pool', why));
  }
  const names = new Set(pools.map((p) => p.name));
  checkServed(all.networks, names, problems);
  checkServed(all.repositories, names, problems);
  checkServed(all.templates, names, problems);
  checkServed(all.isos, names, problems);
  const taken = new Map<string, Place>();
  const specs = sortedBy(pools, (p) => p.name).map(({ name, entry, servers }): PoolSpec => {
    const ssh = [
      ...(entry?.body.ssh ? [{ ...layerOf(entry), pointer: `${entry.pointer}/ssh`, body: entry.body.ssh }] : []),
      ...all.ssh.map((e) => layerOf(e)),
    ];
    const resolved: ServerSpec[] = [];
    for (const member of expand(servers, 'server', problems)) {
      const at = placeOf(member.entries[0], 'key');
      const other = taken.get(member.name);
      if (other) problems.add(definedTwice(`server ${member.name}`, other, at));
      else taken.set(member.name, at);
      resolved.push(resolveServer(member, name, ssh, problems, spoiled));
    }
    const repositories = repositoriesOf(name, entry, all, problems, spoiled);
    return {
      name,
      networks: networksOf(name, entry, all, problems),
      repositories,
      images: imagesOf(name, repositories, all, problems),
      servers: sortedBy(resolved, (s) => s.name),
    };
  });
  checkSources(specs, problems);
  checkImages(all, specs, problems);
  return specs;
};

/** ms for one that a person has declared lost. */
const lostMs = 10_000;

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
  const state = (textAt(layers, 'state')?.value ?? 'active') as ServerState;
  const reached = resolveSsh([...ssh, ...around], problems);
  // It is asked only to make sure that it is silent.
  const patience = Math.min(lostMs, reached.connectTimeout ?? lostMs);
  return {
    name: member.name,
    pool,
    address: address?.value ?? '',
    ssh: state === 'lost' ? { ...reached, connectTimeout: patience } : reached,
    state,
    roles: rolesOf(layers),
    origin: placeOf(own),
  };
};

/** Unset: both. */
const rolesOf = (layers: readonly Layer[]): readonly Role[] => {
  const list = lookUp(layers, ['roles']);
  const said = list ? itemsOf(list).map((item) => item.value) : [];
  const known = everyRole.filter((role) => said.includes(role));
  return known.length === 0 ? everyRole : known;
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

const networksOf = (
  pool: string,
  entry: Entry<Pool> | null,
  all: Gathered,
  problems: Problems,
): Readonly<Record<string, NetworkSpec>> => {
  const own = inner(entry, 'networks', entry?.body.networks);
  const networks = servedIn('network', pool, all.networks, own, problems);
  for (const network of networks) refuse(problems, 'a bridge', textAt([layerOf(network)], 'bridge'), badBridge);
  return Object.fromEntries(
    networks.map((n) => [n.name, { name: n.name, bridge: n.body.bridge ?? '', vlan: n.body.vlan }]),
  );
};
