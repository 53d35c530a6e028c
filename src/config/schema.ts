/** The schema of the file, composed from the fragments of the kinds; `schemas/farm.schema.json` is its JSON. */
import { cdromSchema, diskSchema } from '../kinds/disk/schema.ts';
import { imageSchema } from '../kinds/image/schema.ts';
import { farmNetworkSchema, networkSchema } from '../kinds/network/schema.ts';
import { policySchema } from '../kinds/policy/schema.ts';
import { poolSchema } from '../kinds/pool/schema.ts';
import { profileSchema } from '../kinds/profile/schema.ts';
import { farmRepositorySchema, repositorySchema } from '../kinds/repository/schema.ts';
import { def, mapOf, mapWith, type JsonSchema } from '../kinds/schema.ts';
import { serverSchema, sshSchema } from '../kinds/server/schema.ts';
import { bootSchema, nicSchema } from '../kinds/vm/parts-schema.ts';
import { vmSchema } from '../kinds/vm/schema.ts';

export interface ComposedSchema extends JsonSchema {
  readonly $schema: string;
  readonly $id: string;
  readonly $defs: Readonly<Record<string, JsonSchema>>;
}

export const farmSchema: ComposedSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://reeve.invalid/schemas/farm.schema.json',
  title: 'FarmFile',
  ...mapWith(
    {
      farm: {
        description: 'The name of the farm: the owner id that Reeve writes into what it makes.',
        type: 'string',
        examples: ['home'],
      },
      pools: mapOf(def('pool'), 'The pools of the farm, by name.'),
      servers: {
        ...mapOf(def('server'), 'Short for one pool, named like the farm, with these servers.'),
        minProperties: 1,
      },
      ssh: def('ssh'),
      networks: mapOf(def('farmNetwork'), 'Networks of every pool, or of those that `pools` names.'),
      repositories: mapOf(def('farmRepository'), 'Repositories of every pool, or of those that `pools` names.'),
      templates: mapOf(def('image'), 'Images that disks are made from, by name.'),
      isos: mapOf(def('image'), 'ISO images, by name.'),
      profiles: mapOf(def('profile'), 'Reusable sets of VM settings, by name.'),
      defaults: def('profile'),
      vms: mapOf(def('vm'), 'The VMs, by name or pattern.'),
      policy: def('policy'),
    },
    'A Xen farm: pools of dom0 servers and their VMs, as they shall be.',
  ),
  $defs: {
    pool: poolSchema,
    server: serverSchema,
    ssh: sshSchema,
    network: networkSchema,
    farmNetwork: farmNetworkSchema,
    repository: repositorySchema,
    farmRepository: farmRepositorySchema,
    image: imageSchema,
    profile: profileSchema,
    vm: vmSchema,
    boot: bootSchema,
    disk: diskSchema,
    cdrom: cdromSchema,
    nic: nicSchema,
    policy: policySchema,
  },
};
