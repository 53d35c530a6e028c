/** What an operation on a dom0 is called and why it is done. */
import type { ServerOp } from './ops.ts';

export const idOf = (op: ServerOp): string => `${op.server}/${op.verb}`;

export const reasonOf = (op: ServerOp): string => {
  switch (op.verb) {
    case 'join-pool':
      return `write down that pool ${op.pool} is ${op.members.join(', ')}`;
    case 'leave-pool':
      return `forget pool ${op.pool}`;
    case 'send-migrations':
      return `have a key for migrations, and know ${op.peers.join(', ')}`;
    case 'take-migrations':
      return `let ${op.peers.join(', ')} migrate to it, and nothing else`;
    case 'drop-migrations':
      if (op.of !== null) return `let ${op.of.join(', ')} migrate to it no longer`;
      return `take Reeve's keys for migrations away: ${op.key === null ? 'it leaves the pool' : `the file names ${op.key}`}`;
  }
};

/** ms. */
export const estimateOf = (op: ServerOp): { readonly ms: number; readonly downtimeMs: number } => ({
  ms: op.verb === 'send-migrations' ? 1500 : 500,
  downtimeMs: 0,
});

/** How a server is called in known_hosts, whatever its address. */
export const aliasOf = (server: string): string => `reeve-${server}`;

/** What heads a line of authorized_keys whose key may receive migrations, and nothing else. */
export const onlyMigrates = 'restrict,command="exec xl migrate-receive"';
