/** The schema of a VM: its settings, which profiles and `defaults` may give, and its identity, which they may not. */
import { disruptions } from '../../core/disruption.ts';
import {
  cdromPattern,
  def,
  durationPattern,
  mapWith,
  nicPattern,
  sizePattern,
  uuidPattern,
  vdevPattern,
  type JsonSchema,
} from '../schema.ts';
import { apartSchema, displaySchema } from './parts-schema.ts';

const names = (description: string): JsonSchema => ({
  description,
  type: 'array',
  uniqueItems: true,
  minItems: 1,
  items: { type: 'string', minLength: 1 },
});

/** What a VM, a profile and `defaults` may say. */
export const settings = {
  profile: { description: 'The profile whose settings hold where this is silent.', type: 'string' },
  type: { description: 'How it is virtualised; unset: `pvh`.', type: 'string', enum: ['pv', 'pvh', 'hvm'] },
  vcpus: {
    description: 'How many vCPUs, or `{ count, max }`: up to `max` they are added without a restart.',
    type: ['integer', 'object'],
    minimum: 1,
    maximum: 512,
    additionalProperties: false,
    properties: {
      count: { description: 'vCPUs online.', type: 'integer', minimum: 1, maximum: 512 },
      max: {
        description: 'The most that it can have without a restart; unset: `count`.',
        type: 'integer',
        minimum: 1,
        maximum: 512,
      },
    },
    examples: [2, { count: 2, max: 4 }],
  },
  memory: {
    description: 'How much memory, or `{ target, max }`: up to `max` it grows without a restart. Whole MiB.',
    type: ['string', 'object'],
    pattern: sizePattern,
    additionalProperties: false,
    properties: {
      target: { description: 'What it has.', type: 'string', pattern: sizePattern },
      max: {
        description: 'The most that it can have without a restart; unset: `target`.',
        type: 'string',
        pattern: sizePattern,
      },
    },
    examples: ['1GiB', { target: '1GiB', max: '2GiB' }],
  },
  boot: def('boot'),
  disks: {
    description:
      'Its disks, by device: xvda, xvdb…, or xvda1 for a disk that is one partition; hda…hdd (IDE) and sda…sdp (SCSI) are emulated for HVM.',
    type: 'object',
    additionalProperties: false,
    patternProperties: { [vdevPattern]: def('disk') },
  },
  cdrom: {
    description: 'The CD drives of an HVM guest, by device: hda…hdd, mostly hdc.',
    type: 'object',
    additionalProperties: false,
    patternProperties: { [cdromPattern]: def('cdrom') },
  },
  nics: {
    description: 'Its NICs, by eth0, eth1…',
    type: 'object',
    additionalProperties: false,
    patternProperties: { [nicPattern]: def('nic') },
  },
  networks: {
    description: 'Short for nics eth0, eth1… on these networks.',
    type: 'array',
    maxItems: 16,
    items: { type: 'string', minLength: 1 },
    examples: [['prod']],
  },
  display: displaySchema,
  serial: {
    description: 'The serial port of an HVM guest: `pty` for `xl console`, or what QEMU takes.',
    type: 'string',
    minLength: 1,
    examples: ['pty'],
  },
  tablet: { description: 'A USB tablet for an HVM guest: its pointer does not drift over VNC.', type: 'boolean' },
  autostart: { description: 'Start it when its server boots; unset: true where `state` is running.', type: 'boolean' },
  sched: mapWith(
    {
      weight: {
        description: 'Its share of CPU time against others (default 256).',
        type: 'integer',
        minimum: 1,
        maximum: 65535,
      },
      cap: {
        description: 'The most CPU time it may take, in percent of one CPU; 0 (default): no cap.',
        type: 'integer',
        minimum: 0,
        maximum: 65535,
      },
    },
    'Its place in the CPU scheduler.',
  ),
  affinity: {
    description: 'The CPUs that it may run on, like `0-3,7`, or `{ hard, soft }`; `all` for any.',
    type: ['string', 'object'],
    additionalProperties: false,
    properties: {
      hard: { description: 'The CPUs that it may run on.', type: 'string', examples: ['0-3'] },
      soft: { description: 'The CPUs that it should run on.', type: 'string', examples: ['0-3'] },
    },
    examples: ['0-3'],
  },
  cpupool: {
    description: 'The pool of CPUs that it runs in; unset: Pool-0.',
    type: 'string',
    minLength: 1,
    examples: ['Pool-0'],
  },
  on: mapWith(
    {
      poweroff: {
        description: 'When it shuts itself down.',
        type: 'string',
        enum: ['destroy', 'restart', 'preserve', 'rename-restart'],
      },
      reboot: {
        description: 'When it reboots.',
        type: 'string',
        enum: ['destroy', 'restart', 'preserve', 'rename-restart'],
      },
      crash: {
        description: 'When it crashes.',
        type: 'string',
        enum: ['destroy', 'restart', 'preserve', 'rename-restart', 'coredump-destroy', 'coredump-restart'],
      },
    },
    'What Xen does when it ends.',
  ),
  state: {
    description:
      'What it is to be; unset: running. One that was adopted while it did not run is left as it is while this is unset.',
    type: 'string',
    enum: ['running', 'paused', 'stopped', 'absent'],
  },
  pool: { description: 'Its pool; may be left out where the farm has one.', type: 'string' },
  server: { description: 'The one server that it may be on; unset: any of the pool.', type: 'string' },
  servers: names('The servers that it may be on; unset: any of the pool.'),
  apart: apartSchema,
  after: {
    description: 'The VMs that start before it and stop after it; `[]`: none, whatever its profile says.',
    type: 'array',
    uniqueItems: true,
    items: { type: 'string', minLength: 1 },
    examples: [['db-1']],
  },
  ready: mapWith(
    {
      tcp: {
        description: 'A `host:port` that answers when it is up; an IPv6 address in brackets.',
        type: 'string',
        examples: ['10.1.2.3:443'],
      },
      from: {
        description: 'From where to try: its server (`dom0`, default), or where Reeve runs (`here`).',
        type: 'string',
        enum: ['dom0', 'here'],
      },
      within: {
        description: 'How long it may take; unset: 60s.',
        type: 'string',
        pattern: durationPattern,
        examples: ['60s'],
      },
    },
    'When a started VM counts as up.',
  ),
  shutdown: mapWith(
    {
      within: {
        description:
          'How long the guest may take, before it counts as not obeying: it is left as it is then, or, where data-loss is allowed, destroyed. Unset: 2m.',
        type: 'string',
        pattern: durationPattern,
        examples: ['10m'],
      },
    },
    'How the VM is shut down.',
  ),
  cloudInit: mapWith(
    {
      userData: {
        description: 'cloud-init user data: a text, a map (`#cloud-config`), or `${file:PATH}`.',
        type: ['string', 'object'],
        additionalProperties: true,
      },
      metaData: { description: 'cloud-init meta data.', type: ['string', 'object'], additionalProperties: true },
      networkConfig: {
        description: 'cloud-init network configuration.',
        type: ['string', 'object'],
        additionalProperties: true,
      },
    },
    'What cloud-init reads at its first boot: a NoCloud seed on a disk of its own. Changed later, it is not replayed.',
  ),
  protect: {
    description: 'No plan may delete, recreate or wipe it, not even when it leaves the file.',
    type: 'boolean',
  },
  rides: {
    description:
      'While `reeve roll` treats its server it may be shut down and started again, where it cannot move away. Its budget has to allow a restart.',
    type: 'boolean',
  },
  budget: {
    description: 'The most that a plan may do to it while it runs; unset: `policy.budget`.',
    type: 'string',
    enum: disruptions,
  },
  deleteDisks: { description: 'Delete its disks together with it.', type: 'boolean' },
  xl: {
    description:
      'Any xl.cfg key that Reeve has no word for, passed through and compared: a text, a number, true, false, or a list of them.',
    type: 'object',
    additionalProperties: true,
    examples: [{ viridian: 1 }],
  },
} satisfies Record<string, JsonSchema>;

export const vmSchema = mapWith(
  {
    ...settings,
    name: { description: "Xen's name, where it differs from the key.", type: 'string', minLength: 1 },
    formerly: {
      description: 'The key that it had before: the VM of that key is this one, renamed.',
      type: 'string',
      minLength: 1,
    },
    uuid: { description: 'Its UUID; unset: derived once, then kept.', type: 'string', pattern: uuidPattern },
  },
  'A domU. The key may be a pattern, `web-[1-20]`; `{}` in its values is the name, `{n}` the number.',
) satisfies JsonSchema;
