/** The schema of a profile, which `defaults` has, too: a VM's settings without its identity. */
import { mapWith, type JsonSchema } from '../schema.ts';
import { settings } from '../vm/schema.ts';

export const profileSchema = mapWith(
  settings,
  'A reusable set of VM settings; as `defaults`, for every VM of this file. What the VM says wins over its profile, and the profile over `defaults`; maps are merged, lists and scalars replaced.',
) satisfies JsonSchema;
