/** The schema of a server and of the way to reach it. */
import { def, durationPattern, mapWith, type JsonSchema } from '../schema.ts';

export const sshSchema = mapWith(
  {
    user: {
      description: 'The user to log in as. Any other than root runs everything through `sudo -n`.',
      type: 'string',
    },
    port: { description: 'The port of the SSH server.', type: 'integer', minimum: 1, maximum: 65535 },
    identityFile: {
      description: 'The private key file, on the machine where Reeve runs.',
      type: 'string',
      minLength: 1,
    },
    knownHosts: { description: 'The known_hosts file, on the machine where Reeve runs.', type: 'string', minLength: 1 },
    jump: { description: 'A host to go through: `bastion` or `user@bastion:22`.', type: 'string' },
    sudo: { description: 'Run everything through `sudo -n`; unset: where the user is not root.', type: 'boolean' },
    connectTimeout: {
      description: 'How long a connection may take to come up, like `10s`.',
      type: 'string',
      pattern: durationPattern,
      examples: ['10s'],
    },
  },
  'How to reach the server. The nearest of server, pool and farm wins, key by key; where all are silent, ~/.ssh/config, the agent and ~/.ssh/known_hosts serve.',
) satisfies JsonSchema;

export const serverSchema = mapWith(
  {
    address: {
      description: 'The host name or IP address of the dom0; `local` is the machine on which Reeve runs, without SSH.',
      type: 'string',
      examples: ['dom01.example.com', '10.1.2.3', 'local'],
    },
    ssh: def('ssh'),
    migration: {
      description:
        'The address that live migrations to it go to, where it is not `address`: a host name or IP address of its own.',
      type: 'string',
      examples: ['10.77.0.1', '10.77.0.{n}'],
    },
    state: {
      description:
        '`active`; `maintenance` (its VMs move away); `off` (powered down by us); `lost` (a person vouches that it is dead and fenced); `absent` (evacuate, then forget).',
      type: 'string',
      enum: ['active', 'maintenance', 'off', 'lost', 'absent'],
    },
    roles: {
      description:
        '`utility`: carries out copies and downloads on shared repositories; `vm`: may run VMs. Unset: both.',
      type: 'array',
      uniqueItems: true,
      minItems: 1,
      items: { type: 'string', enum: ['utility', 'vm'] },
    },
    fence: mapWith(
      {
        off: {
          description: 'Powers the server down.',
          type: 'string',
          minLength: 1,
          examples: ['ipmitool -I lanplus -H ilo-{n} -U reeve -f /etc/reeve/ipmi power off'],
        },
        status: {
          description: 'Exits 0 when the server is down; only this is believed.',
          type: 'string',
          minLength: 1,
        },
      },
      'Commands, run where Reeve runs, that power the server down and tell that it is down.',
    ),
  },
  'A dom0. The key may be a pattern, `dom[01-03]`; `{}` in its values is the name, `{n}` the number.',
) satisfies JsonSchema;
