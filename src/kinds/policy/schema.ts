/** The schema of what plans may do. */
import { disruptions } from '../../core/disruption.ts';
import { mapWith, type JsonSchema } from '../schema.ts';
import { table } from '../../core/table.ts';

export const policySchema = mapWith(
  {
    budget: {
      description: 'The most that a plan may do to a running VM which has no budget of its own; unset: `migrate`.',
      type: 'string',
      enum: disruptions,
    },
    restarts: mapWith(
      {
        atOnce: {
          description: 'How many VMs may be down for a restart at a time; unset: no limit.',
          type: 'integer',
          minimum: 1,
        },
      },
      'How restarts roll.',
    ),
    deletes: mapWith(
      {
        max: { description: 'The most VMs that one plan may delete; unset: 5.', type: 'integer', minimum: 0 },
        percent: {
          description: 'The same as a share of the VMs, counted from 20 VMs on; unset: 10.',
          type: 'number',
          minimum: 0,
          maximum: 100,
        },
      },
      'How much one plan may delete.',
    ),
    before: mapWith(
      table(
        disruptions
          .filter((d) => d !== 'none')
          .map((d) => [
            d,
            {
              description: `Run before a change of class ${d}; \`{vm}\` is the VM, \`{server}\` its server, \`{op}\` the operation.`,
              type: 'string',
              minLength: 1,
              examples: ['./snap {vm}'],
            },
          ]),
      ),
      'Commands, run where Reeve runs, before a change of that class; a non-zero exit stops the operation.',
    ),
  },
  'What plans may do unasked.',
) satisfies JsonSchema;
