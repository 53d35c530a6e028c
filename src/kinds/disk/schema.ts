/** The schema of a disk and of a CD drive. */
import { mapWith, sizePattern, type JsonSchema } from '../schema.ts';

export const diskSchema = mapWith(
  {
    path: {
      description:
        'An image file or block device on the server, absolute, or what QEMU (`rbd:pool/image`) or a script (`drbd:web`) finds it by; Reeve neither makes nor deletes it.',
      type: 'string',
      examples: ['/dev/vg0/web-1'],
    },
    access: {
      description: '`rw` (default); `ro`; `shared`: several VMs write it, and each of them says so.',
      type: 'string',
      enum: ['ro', 'rw', 'shared'],
    },
    repository: { description: 'The repository in which Reeve makes it; unset: the only one.', type: 'string' },
    size: {
      description: 'Its size, like `20GiB`: Reeve makes it, blank.',
      type: 'string',
      pattern: sizePattern,
      examples: ['20GiB'],
    },
    from: { description: 'The template that it is made from.', type: 'string' },
    format: {
      description: 'The format of its bytes; unset: `raw`, or as it was found.',
      type: 'string',
      enum: ['raw', 'qcow2', 'vhd'],
    },
    backend: {
      description: 'What serves it in dom0: the kernel (`phy`, raw only), QEMU (`qdisk`) or `tap`; unset: Xen chooses.',
      type: 'string',
      enum: ['phy', 'qdisk', 'tap'],
    },
    script: {
      description:
        'The hotplug script that brings it: a name in /etc/xen/scripts, or an absolute path; unset: Xen’s own, or as it was found.',
      type: 'string',
      minLength: 1,
      examples: ['block-drbd'],
    },
    adopt: { description: 'The path of a disk that Reeve takes as its own.', type: 'string' },
  },
  'A disk: by `path`, or by `repository` and `size`.',
) satisfies JsonSchema;

export const cdromSchema = mapWith(
  {
    iso: { description: 'The ISO in the drive, by its name under `isos`.', type: 'string' },
    path: {
      description: 'The ISO file in the drive, absolute, on the server.',
      type: 'string',
      examples: ['/srv/iso/netinst.iso'],
    },
  },
  'A CD drive and its medium; `{}` is an empty drive. A medium is changed while the VM runs, a drive is not.',
) satisfies JsonSchema;
