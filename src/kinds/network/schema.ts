/** The schema of a network: in a pool, and at the top of the file. */
import { mapWith, servedPools, type JsonSchema } from '../schema.ts';

const properties = {
  bridge: {
    description: 'The bridge (Linux or Open vSwitch) that every server of the pool must have.',
    type: 'string',
    examples: ['xenbr0'],
  },
  vlan: {
    description: 'The VLAN on that bridge, which must be one of Open vSwitch: on a Linux bridge Xen ignores it.',
    type: 'integer',
    minimum: 1,
    maximum: 4094,
  },
} satisfies Record<string, JsonSchema>;

export const networkSchema = {
  ...mapWith(properties, 'A name for a bridge that every server of the pool has.'),
  required: ['bridge'],
} satisfies JsonSchema;

export const farmNetworkSchema = {
  ...mapWith(
    {
      ...properties,
      pools: servedPools,
    },
    'A network of every pool, or of those in `pools`.',
  ),
  required: ['bridge'],
} satisfies JsonSchema;
