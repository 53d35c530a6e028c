/** The schema of an image that a repository holds: a template or an ISO. */
import { mapWith, servedPools, sha256Pattern, type JsonSchema } from '../schema.ts';

export const imageSchema = {
  ...mapWith(
    {
      source: {
        description:
          'Where it is fetched from, an https or http URL; or a file on the machine where Reeve runs, like ./netinst.iso, which is uploaded.',
        type: 'string',
        minLength: 1,
        examples: ['https://images.example.com/debian-12.qcow2'],
      },
      sha256: {
        description: 'The sha256 of its bytes; another one is another image.',
        type: 'string',
        pattern: sha256Pattern,
      },
      format: {
        description: "The format of a template's bytes; unset: what the end of `source` says (.qcow2, .raw).",
        type: 'string',
        enum: ['raw', 'qcow2'],
      },
      repository: {
        description:
          'The repository (dir or nfs) that keeps it; unset: the only one, or where there is none each server by itself.',
        type: 'string',
      },
      state: {
        description: '`absent` removes it; disks that were made from it stay.',
        type: 'string',
        enum: ['present', 'absent'],
      },
      pools: servedPools,
    },
    'An image that repositories hold.',
  ),
  required: ['source'],
} satisfies JsonSchema;
