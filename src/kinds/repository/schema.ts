/** The schema of a storage repository: in a pool, and at the top of the file. */
import { mapWith, servedPools, type JsonSchema } from '../schema.ts';

const properties = {
  type: {
    description: 'What backs it.',
    type: 'string',
    enum: ['dir', 'nfs', 'lvm', 'ocfs2', 'iscsi', 'zfs'],
  },
  source: { description: 'Where it comes from: `filer:/export/vmstore` for nfs.', type: 'string', minLength: 1 },
  path: { description: 'Where it is mounted on each server, absolute.', type: 'string' },
  options: {
    description: 'Mount options, as `mount -o` takes them, like `vers=4.2,hard`.',
    type: 'string',
    minLength: 1,
  },
  volumeGroup: { description: 'The volume group of an lvm repository; unset: its name.', type: 'string' },
  shared: {
    description: 'True: one store at the same path on every server. False: one of its kind per server.',
    type: 'boolean',
  },
  state: {
    description: '`absent` detaches it.',
    type: 'string',
    enum: ['present', 'absent'],
  },
} satisfies Record<string, JsonSchema>;

export const repositorySchema = {
  ...mapWith(properties, 'A backing store with disks, templates and ISOs.'),
  required: ['type'],
} satisfies JsonSchema;

export const farmRepositorySchema = {
  ...mapWith(
    {
      ...properties,
      pools: servedPools,
    },
    'A repository of every pool, or of those in `pools`.',
  ),
  required: ['type'],
} satisfies JsonSchema;
