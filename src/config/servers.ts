/** One server: its own key and its pattern, and how it is reached. */
import { parseDuration } from '../core/quantity.ts';
import {
  everyRole,
  type FenceSpec,
  type Role,
  type ServerSpec,
  type ServerState,
  type SshSpec,
} from '../kinds/server/spec.ts';
import { refuse, refuseCommand, type Spoiled } from './around.ts';
import { placeOf } from './gather.ts';
import { flagAt, itemsOf, layerOf, lookUp, numberAt, placeIn, textAt, type Layer } from './layers.ts';
import type { Member } from './pattern.ts';
import type { Place, Problems } from './problem.ts';
import type { Server } from './types.ts';
import { badAddress, badFence, badJump, badLocalFile, badMigration, badUser } from './words.ts';

/** ms for one that a person has declared lost. */
const lostMs = 10_000;

export const resolveServer = (
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
  const migration = textAt(layers, 'migration');
  refuse(problems, 'an address', address, badAddress);
  refuse(problems, 'an address for live migrations', migration, badMigration);
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
    migration: migration?.value,
    state,
    roles: rolesOf(layers),
    fence: fenceOf(member.name, layers, problems, spoiled),
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

const fenceOf = (
  server: string,
  layers: readonly Layer[],
  problems: Problems,
  spoiled: Spoiled,
): FenceSpec | undefined => {
  const off = textAt(layers, 'fence', 'off');
  const status = textAt(layers, 'fence', 'status');
  refuseCommand(problems, off, badFence);
  refuseCommand(problems, status, badFence);
  if (off && !status && !layers.some((l) => spoiled(l.file, `${l.pointer}/fence/status`))) {
    problems.add({
      severity: 'warning',
      code: 'fence-without-status',
      message: `fence of ${server} has "off" and no "status"`,
      at: placeIn(off, 'key'),
      hint: 'add `status`, a command that exits 0 when the server is down: only this is believed',
    });
  }
  return off || status ? { off: off?.value, status: status?.value } : undefined;
};

/** In one pool: an address that leads to another server, too, would take a VM to the wrong one. */
export const checkMigrations = (members: readonly Member<Server>[], problems: Problems): void => {
  const all = members.map(({ name, entries }) => ({ name, layers: entries.map((e) => layerOf(e)) }));
  const leads = new Map<string, string>();
  for (const key of ['address', 'migration']) {
    for (const { name, layers } of all) {
      const found = textAt(layers, key);
      if (found && !leads.has(found.value)) leads.set(found.value, name);
    }
  }
  for (const { name, layers } of all) {
    const migration = textAt(layers, 'migration');
    const other = migration && leads.get(migration.value);
    if (!migration || other === undefined || other === name) continue;
    problems.add({
      code: 'shared',
      message: `live migrations to ${name} would go to ${migration.value}, an address of ${other}`,
      at: placeIn(migration),
      hint: 'give each server its own; in a pattern, `{n}` is the number and `{}` the name',
    });
  }
};

/** How a server is reached, as far as the file tells: behind a jump host an address is that of another network. */
const wayTo = ({ address, ssh }: ServerSpec): string =>
  address === 'local'
    ? 'local'
    : JSON.stringify([
        address.toLowerCase().replace(/\.$/, ''),
        ssh.port ?? 22,
        ssh.jump === 'none' ? '' : (ssh.jump ?? ''),
      ]);

/** Two names that lead to one machine would have it counted twice, and a VM started twice. `servers`: each with where it stands. */
export const checkAddresses = (servers: readonly (readonly [ServerSpec, Place])[], problems: Problems): void => {
  const taken = new Map<string, readonly [ServerSpec, Place]>();
  for (const [spec, at] of servers) {
    if (spec.address === '') continue;
    const way = wayTo(spec);
    const first = taken.get(way);
    if (!first) {
      taken.set(way, [spec, at]);
      continue;
    }
    const port = spec.address === 'local' ? '' : ` and port ${spec.ssh.port ?? 22}`;
    problems.add({
      code: 'shared',
      message: `${first[0].name} and ${spec.name} have one address, ${spec.address}${port}`,
      at,
      hint: 'give each server its own; in a pattern, `{n}` is the number and `{}` the name',
      related: [{ message: `${first[0].name} has it here`, at: first[1] }],
    });
  }
};

/** Where a server's address stands in the file. */
export const placeOfAddress = (member: Member<Server>): Place | null => {
  const found = textAt(
    member.entries.map((e) => layerOf(e)),
    'address',
  );
  return found ? placeIn(found) : null;
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
