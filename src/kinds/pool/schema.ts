/** The schema of a pool. */
import { def, mapOf, mapWith, type JsonSchema } from '../schema.ts';

export const poolSchema = {
  ...mapWith(
    {
      servers: { ...mapOf(def('server'), 'The servers of the pool, by name or pattern.'), minProperties: 1 },
      ssh: def('ssh'),
      networks: mapOf(def('network'), 'The networks of the pool, by name.'),
      repositories: mapOf(def('repository'), 'The repositories of the pool, by name.'),
      migration: mapWith(
        {
          key: {
            description:
              'The private key with which root of each server gets into the others for live migrations: a path on every server, its public half beside it (`.pub`). Unset: Reeve makes one, which may do nothing else.',
            type: 'string',
            minLength: 1,
            examples: ['/root/.ssh/id_ed25519'],
          },
        },
        'How its servers migrate VMs to each other.',
      ),
      spare: {
        description:
          'How many servers the pool must be able to lose at a time, any of them, with room for its VMs on the others; unset: 0.',
        type: 'integer',
        minimum: 0,
      },
      overcommit: mapWith(
        { vcpus: { description: 'vCPUs per CPU of a server; unset: no limit.', type: 'number', minimum: 1 } },
        'How much more than it has a server may give to its VMs. Memory is never given twice.',
      ),
    },
    'Servers of one toolstack that share networks and repositories, between which VMs may move.',
  ),
  required: ['servers'],
} satisfies JsonSchema;
