/** The schemas of what a VM has of its own: how it boots, its NICs, its screen. */
import { macPattern, mapWith, secretPattern, type JsonSchema } from '../schema.ts';
import { ratePattern } from './rate.ts';

export const bootSchema = mapWith(
  {
    kernel: { description: 'The kernel file on the server, absolute.', type: 'string' },
    ramdisk: { description: 'The initial ramdisk on the server, absolute.', type: 'string' },
    cmdline: { description: "The kernel's command line.", type: 'string' },
    bootloader: {
      description: 'Runs in dom0 and takes the kernel from the disk (PV, PVH): `pygrub`, or an absolute path.',
      type: 'string',
      minLength: 1,
      examples: ['pygrub'],
    },
    firmware: { description: 'What an HVM guest starts; unset: `bios`.', type: 'string', enum: ['bios', 'uefi'] },
    order: {
      description: 'What the firmware of an HVM guest tries, in this order; unset: disk, cdrom.',
      type: 'array',
      uniqueItems: true,
      minItems: 1,
      items: { type: 'string', enum: ['disk', 'cdrom', 'network'] },
    },
  },
  "How it boots. Unset: PVH starts its disk's own kernel through pvhgrub, HVM its BIOS.",
) satisfies JsonSchema;

export const nicSchema = mapWith(
  {
    network: { description: 'The network that it hangs on.', type: 'string' },
    mac: {
      description: 'Its MAC; unset: derived once, then kept.',
      type: 'string',
      pattern: macPattern,
      examples: ['02:5a:7c:00:00:01'],
    },
    rate: {
      description:
        'The most that it sends, like `10Mb/s` or `500KB/s`; `@20ms` behind it changes the interval of 50ms.',
      type: 'string',
      pattern: ratePattern,
      examples: ['10Mb/s'],
    },
    model: {
      description: 'The card that an HVM guest sees (`e1000`, `rtl8139`), or `pv` for none beside the paravirtual NIC.',
      type: 'string',
      minLength: 1,
      examples: ['e1000'],
    },
    script: {
      description: 'The hotplug script: a name in /etc/xen/scripts, or an absolute path.',
      type: 'string',
      minLength: 1,
      examples: ['vif-bridge'],
    },
  },
  'A NIC.',
) satisfies JsonSchema;

/** A screen: on with what Xen takes, off, or on as said. */
const screen = (what: string, unset: string, port: JsonSchema): JsonSchema => ({
  description: `${what}: true, false, or \`{ listen, port, password }\`.`,
  type: ['boolean', 'object'],
  additionalProperties: false,
  properties: {
    listen: {
      description: `The address of the server to listen on; unset: ${unset}.`,
      type: 'string',
      minLength: 1,
      examples: ['127.0.0.1'],
    },
    port: { type: 'integer', maximum: 65535, ...port },
    password: {
      description: 'The password, never written out: `${env:NAME}` or `${file:PATH}`, where Reeve runs.',
      type: 'string',
      pattern: secretPattern,
      examples: ['${env:VNC_PASSWORD}'],
    },
  },
});

export const displaySchema = mapWith(
  {
    vnc: screen('Over VNC, which Xen turns on unless told', '127.0.0.1', {
      description: 'The port to listen on; unset: the first that is free from 5900 on.',
      minimum: 5900,
    }),
    spice: screen('Over SPICE', 'every address', { description: 'The port to listen on.', minimum: 1 }),
  },
  'The screen of an HVM guest.',
) satisfies JsonSchema;

const apartGroup = {
  type: ['string', 'object'],
  minLength: 1,
  additionalProperties: false,
  required: ['group'],
  properties: {
    group: {
      description: 'The name of the group; VMs of one pool that name it are in it.',
      type: 'string',
      minLength: 1,
      examples: ['web'],
    },
    soft: {
      description: 'Give way where there are too few servers; unset: false.',
      type: 'boolean',
    },
  },
} satisfies JsonSchema;

export const apartSchema = {
  ...apartGroup,
  description:
    'Never two VMs of one group on one server: the name of a group, `{ group, soft: true }` to give way where there are too few servers, or a list of these. It replaces what the profile says; `[]`: no group.',
  type: ['string', 'object', 'array'],
  items: apartGroup,
  examples: ['web', { group: 'web', soft: true }, ['web', { group: 'rack', soft: true }]],
} satisfies JsonSchema;
