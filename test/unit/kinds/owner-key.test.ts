/** The owner's key for migrations: what keeps a server from using it, and what would help. */
import { describe, expect, it } from 'vitest';
import { noStorage } from '../../../src/kinds/repository/live.ts';
import type { ServerSeen } from '../../../src/kinds/server/live.ts';
import { ownerPaths, publicHalf, sendTrouble, takeTrouble } from '../../../src/kinds/server/owner-key.ts';
import { migrationIn } from '../../../src/toolstacks/xl/read/peers.ts';

const key = '/root/.ssh/id';
const half = 'ssh-rsa AAAAB3';
const host = 'ssh-ed25519 AAAAC3';
const server = (more: Partial<ServerSeen> = {}): ServerSeen => ({
  is: 'seen',
  host: 'a',
  bootId: 'b',
  xen: { major: 4, minor: 17, version: '4.17.5', virtCaps: [] },
  cpus: 4,
  memory: { total: 0, free: 0, reclaimable: 0 },
  scheduler: 'credit2',
  bridges: [],
  ovs: [],
  storage: noStorage,
  cpupools: [],
  qemu: true,
  xendomains: null,
  domains: [],
  records: [],
  paths: { [key]: 'there' },
  texts: {
    [`${key}.pub`]: [`${half} root@a`],
    '/root/.ssh/known_hosts': [`dom02 ${host}`],
    '/etc/ssh/ssh_known_hosts': [],
  },
  monitors: [],
  problems: [],
  ...more,
});
const knowing = (...lines: readonly string[]): ServerSeen =>
  server({ texts: { ...server().texts, '/root/.ssh/known_hosts': lines } });
const sends = (seen: ServerSeen): string | null => sendTrouble(seen, key, 'dom02', host)?.why ?? null;

it('is looked at by its path, its public half and what the server knows of others', () => {
  expect(ownerPaths(key)).toEqual([
    key,
    `text:${key}.pub`,
    'text:/root/.ssh/known_hosts',
    'text:/etc/ssh/ssh_known_hosts',
  ]);
  expect(publicHalf(server(), key)).toBe(half);
});

describe('a server that sends', () => {
  it.each<[string, ServerSeen, string | null]>([
    ['has all', server(), null],
    ['knows the peer for all', knowing(`*,!dom03 ${host}`), null],
    ['knows another kind of host key only', knowing('dom02 ssh-rsa BBBB'), null],
    ['trusts an authority', knowing('@cert-authority * ssh-rsa BBBB'), null],
    ['has no key', server({ paths: { [key]: 'missing' } }), `it has no ${key}`],
    ['was not looked at', server({ paths: {} }), `${key} could not be looked at`],
    ['has no public half', server({ texts: {} }), `it has no ${key}.pub that holds a key`],
    ['knows nobody', knowing(), 'it does not know the host key of dom02'],
    ['knows somebody else', knowing(`dom03 ${host}`), 'it does not know the host key of dom02'],
    ['knows another key', knowing('dom02 ssh-ed25519 BBBB'), 'it knows another host key of dom02'],
    [
      'has it revoked',
      knowing(`@revoked dom02 ${host}`, 'dom02 ssh-ed25519 BBBB'),
      'it knows another host key of dom02',
    ],
  ])('and %s', (_, seen, why) => {
    expect(sends(seen)).toBe(why);
  });
});

describe('a server that takes', () => {
  const letting = (text: string): ServerSeen =>
    server({
      migration: migrationIn([
        { name: 'root/.ssh/authorized_keys', is: 'file', bytes: new TextEncoder().encode(text) },
      ]),
    });
  it.each([
    [`${half}\n`, true],
    [`# mine\n  ${half} root@a\n`, true],
    [`from="10.0.0.0/8",restrict ${half} x\n`, true],
    [`restrict,command="exec xl migrate-receive" ${half}\n`, true],
    [`command="/usr/local/bin/only \\"$SSH_ORIGINAL_COMMAND\\"" ${half}\n`, true],
    [`command="rsync --server" ${half}\n`, false],
    [`#${half}\n`, false],
    ['ssh-rsa BBBB\n', false],
    ['', false],
  ])('by %j: %s', (text, takes) => {
    expect(takeTrouble(letting(text), half)).toEqual(
      takes
        ? null
        : {
            code: 'migration-key-not-admitted',
            why: 'it does not let that key migrate to it',
            help: `add to /root/.ssh/authorized_keys there: restrict,command="exec xl migrate-receive" ${half}`,
          },
    );
  });

  it('tells the lines of Reeve from others with the same restriction', () => {
    const only = 'restrict,command="exec xl migrate-receive"';
    const seen = letting(`${only} ssh-ed25519 AAAA reeve-migration:dom01\n${only} ssh-ed25519 BBBB root@dom03\n`);
    expect([seen.migration?.ours, seen.migration?.admits]).toEqual([
      ['dom01'],
      ['ssh-ed25519 AAAA', 'ssh-ed25519 BBBB'],
    ]);
  });
});
