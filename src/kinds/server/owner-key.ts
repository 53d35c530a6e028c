/** The owner's own key for migrations: whether a server can use it to get into another, and what to do where it cannot. */
import { parseKnownHosts } from '../../core/known-hosts.ts';
import type { Reason } from '../../core/reason.ts';
import { onlyMigrates } from './describe.ts';
import type { ServerSeen } from './live.ts';

const knownHosts = ['/root/.ssh/known_hosts', '/etc/ssh/ssh_known_hosts'] as const;

/** What a reading has to look at, as it takes paths. */
export const ownerPaths = (key: string): readonly string[] => [
  key,
  ...[`${key}.pub`, ...knownHosts].map((p) => `text:${p}`),
];

/** `TYPE BASE64`; null where its file is not there or holds none. */
export const publicHalf = (seen: ServerSeen, key: string): string | null => {
  const [line = ''] = seen.texts?.[`${key}.pub`] ?? [];
  const [, type, body] = /^((?:ssh|ecdsa|sk)-\S+)\s+([A-Za-z0-9+/]+=*)(?:\s|$)/.exec(line) ?? [];
  return type === undefined || body === undefined ? null : `${type} ${body}`;
};

/** `hostKey`: the peer's, of type ed25519; null: not known. */
const hostTrouble = (seen: ServerSeen, address: string, hostKey: string | null, key: string): Reason | null => {
  const lines = knownHosts.flatMap((p) => seen.texts?.[p] ?? []);
  // What an authority has signed is not to be seen here.
  if (lines.some((l) => l.startsWith('@cert-authority'))) return null;
  const known = parseKnownHosts(lines.join('\n'), '', address.toLowerCase());
  if (known.length === 0)
    return {
      code: 'host-key-unknown',
      why: `it does not know the host key of ${address}`,
      help: `log in there once, by hand: ssh -i ${key} root@${address}`,
    };
  const same = known.filter((k) => k.type === 'ssh-ed25519' && !k.revoked).map((k) => `${k.type} ${k.key}`);
  if (hostKey === null || same.length === 0 || same.includes(hostKey)) return null;
  return {
    code: 'host-key-differs',
    why: `it knows another host key of ${address}`,
    help: `make sure that it is the right server, then: ssh-keygen -R ${address}, and log in there once by hand`,
  };
};

/** What keeps the server from going out with the key; null: nothing. */
export const sendTrouble = (seen: ServerSeen, key: string, address: string, hostKey: string | null): Reason | null => {
  if (seen.paths[key] !== 'there')
    return seen.paths[key] === 'missing'
      ? {
          code: 'migration-key-missing',
          why: `it has no ${key}`,
          help: 'put the key there, or take `migration.key` out: then Reeve makes one',
        }
      : { code: 'server-unread', why: `${key} could not be looked at`, help: 'try again when the server answers' };
  if (publicHalf(seen, key) === null)
    return {
      code: 'migration-key-missing',
      why: `it has no ${key}.pub that holds a key`,
      help: `ssh-keygen -y -f ${key} > ${key}.pub`,
    };
  return hostTrouble(seen, address, hostKey, key);
};

/** `key`: the public half. */
export const takeTrouble = (seen: ServerSeen, key: string): Reason | null =>
  seen.migration?.lets.includes(key) === true
    ? null
    : {
        code: 'migration-key-not-admitted',
        why: 'it does not let that key migrate to it',
        help: `add to /root/.ssh/authorized_keys there: ${onlyMigrates} ${key}`,
      };
