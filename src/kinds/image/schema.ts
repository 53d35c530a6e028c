/** The schema of an image that a repository holds: a template or an ISO. */
import { mapWith, sha256Pattern, type JsonSchema } from '../schema.ts';

export const imageSchema = {
  ...mapWith(
    {
      source: { description: 'Where it is fetched from, an https URL.', type: 'string', minLength: 1 },
      sha256: { description: 'The sha256 of its bytes.', type: 'string', pattern: sha256Pattern },
    },
    'An image that repositories hold.',
  ),
  required: ['source'],
} satisfies JsonSchema;
