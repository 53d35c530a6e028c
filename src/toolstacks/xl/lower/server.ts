/** What writes down a pool on its servers, and lets them migrate to each other. */
import type { Condition, Lowered, Step } from '../../../core/step.ts';
import { aliasOf } from '../../../kinds/server/describe.ts';
import type { Membership, ServerSeen } from '../../../kinds/server/live.ts';
import type { ServerOp } from '../../../kinds/server/ops.ts';
import type { Peers } from '../../../kinds/toolstack.ts';
import { exec, quickMs } from './domain-steps.ts';
import type { Unsupported } from './lowering.ts';
import { admitLine, authorizedPath, hostsPath, keyPath, peerIn, poolPath } from '../read/peers.ts';

type Of<Verb extends ServerOp['verb']> = Extract<ServerOp, { readonly verb: Verb }>;

const write = (path: string, text: string, onlyIf: string, mode: number): Step => ({
  do: 'write',
  path,
  bytes: new TextEncoder().encode(text),
  mode,
  onlyIf,
});

const membershipText = (m: Membership): string => `${JSON.stringify(m, null, 2)}\n`;

const join = ({ server, farm, pool, members, keys, replaces }: Of<'join-pool'>): Lowered => ({
  before: [],
  steps: [
    exec(['mkdir', '-p', '/etc/reeve']),
    write(poolPath, membershipText({ format: 1, farm, pool, server, members, keys }), replaces, 0o644),
  ],
  after: [{ is: 'member', farm, pool, name: server, members, keys }],
  afterMs: quickMs,
});

const leave = ({ digest }: Of<'leave-pool'>): Lowered => ({
  before: [],
  steps: [{ do: 'remove', path: poolPath, onlyIf: digest }],
  after: [{ is: 'no-member' }],
  afterMs: quickMs,
});

/** A text's lines, each with an end. */
const linesOf = (text: string | undefined): readonly string[] =>
  (text ?? '').split('\n').filter((l) => l.trim() !== '');

const send = ({ peers, server }: Of<'send-migrations'>, seen: ServerSeen, others: Peers): Lowered | Unsupported => {
  const { migration } = seen;
  if (!migration) return { unsupported: `what ${server} has for migrations could not be read` };
  const keys = peers.map((p) => [p, others.get(p)?.migration?.hostKey ?? null] as const);
  const without = keys.find(([, key]) => key === null);
  if (without) return { unsupported: `${without[0]} has no ed25519 host key` };
  const aliases = new Set(peers.map(aliasOf));
  const kept = linesOf(migration.files.hosts?.text).filter((l) => !aliases.has(l.trim().split(/\s+/)[0] ?? ''));
  const text = [...kept, ...keys.map(([p, key]) => `${aliasOf(p)} ${key}`)].join('\n');
  const make = migration.key === null;
  return {
    before: [],
    steps: [
      exec(['mkdir', '-p', '/etc/reeve']),
      ...(make
        ? [
            exec(['mkdir', '-p', '-m', '700', keyPath.slice(0, keyPath.lastIndexOf('/'))]),
            exec(['rm', '-f', keyPath, `${keyPath}.pub`]),
            exec(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', `reeve-migration:${server}`, '-f', keyPath]),
          ]
        : []),
      write(hostsPath, `${text}\n`, migration.files.hosts?.digest ?? 'absent', 0o644),
    ],
    after: keys.map(([p, key]): Condition => ({ is: 'sends', alias: aliasOf(p), hostKey: key ?? '' })),
    afterMs: quickMs,
  };
};

const take = ({ peers, server }: Of<'take-migrations'>, seen: ServerSeen, others: Peers): Lowered | Unsupported => {
  const { migration } = seen;
  if (!migration) return { unsupported: `what ${server} has for migrations could not be read` };
  const keys = peers.map((p) => [p, others.get(p)?.migration?.key ?? null] as const);
  const without = keys.find(([, key]) => key === null);
  if (without) return { unsupported: `${without[0]} has no key for migrations` };
  const comments = new Set(peers.map((p) => `reeve-migration:${p}`));
  // A key that a peer had before goes; every other line stays as it is, to the byte.
  const kept = (migration.files.authorized?.text ?? '')
    .split('\n')
    .filter((l) => !comments.has(l.trim().split(/\s+/).at(-1) ?? ''))
    .join('\n');
  const end = kept === '' || kept.endsWith('\n') ? '' : '\n';
  const text = `${kept}${end}${keys.map(([p, key]) => `${admitLine(key ?? '', p)}\n`).join('')}`;
  return {
    before: [],
    steps: [
      exec(['mkdir', '-p', '-m', '700', authorizedPath.slice(0, authorizedPath.lastIndexOf('/'))]),
      write(authorizedPath, text, migration.files.authorized?.digest ?? 'absent', 0o600),
    ],
    after: keys.map(([, key]): Condition => ({ is: 'receives', key: key ?? '' })),
    afterMs: quickMs,
  };
};

/** Every other line of authorized_keys stays as it is, to the byte. */
const drop = ({ server, of }: Of<'drop-migrations'>, { migration }: ServerSeen): Lowered | Unsupported => {
  if (!migration) return { unsupported: `what ${server} has for migrations could not be read` };
  const { hosts, authorized } = migration.files;
  const goes = (peer: string | null): boolean => peer !== null && (of === null || of.includes(peer));
  const kept = (authorized?.text ?? '').split('\n').filter((l) => !goes(peerIn(l)));
  return {
    before: [],
    steps: [
      ...(of === null ? [exec(['rm', '-f', keyPath, `${keyPath}.pub`])] : []),
      ...(of === null && hosts ? [{ do: 'remove', path: hostsPath, onlyIf: hosts.digest } as const] : []),
      ...(authorized && migration.ours.some(goes)
        ? [write(authorizedPath, kept.join('\n'), authorized.digest, 0o600)]
        : []),
    ],
    after: [{ is: 'no-keys', of }],
    afterMs: quickMs,
  };
};

export const lowerServer = (op: ServerOp, seen: ServerSeen, peers: Peers): Lowered | Unsupported => {
  switch (op.verb) {
    case 'join-pool':
      return join(op);
    case 'leave-pool':
      return leave(op);
    case 'send-migrations':
      return send(op, seen, peers);
    case 'take-migrations':
      return take(op, seen, peers);
    case 'drop-migrations':
      return drop(op, seen);
  }
};

/** For the plan's reader. */
export const serverLines = (op: ServerOp): readonly (readonly string[])[] => {
  switch (op.verb) {
    case 'join-pool':
      return [['write', poolPath]];
    case 'leave-pool':
      return [['rm', poolPath]];
    case 'send-migrations':
      return [
        ['ssh-keygen', '-t', 'ed25519', '-f', keyPath],
        ['write', hostsPath],
      ];
    case 'take-migrations':
      return [['write', authorizedPath]];
    case 'drop-migrations':
      return [...(op.of === null ? [['rm', keyPath, hostsPath]] : []), ['write', authorizedPath]];
  }
};
