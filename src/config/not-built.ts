/** What the schema has and this version does not build: using it is an error, never ignored. */
import type { ComposedSchema } from './schema.ts';

/** A property of one definition of the schema (`''` is the file itself), whole or only with these values. */
interface NotBuilt {
  readonly of: string;
  readonly keys: readonly string[];
  readonly values?: readonly string[];
}

const repositoryTypes = ['ocfs2', 'iscsi', 'zfs'];
const settings = ['apart'];

export const notBuiltYet: readonly NotBuilt[] = [
  { of: 'pool', keys: ['spare', 'overcommit'] },
  { of: 'server', keys: ['migration', 'fence'] },
  { of: 'server', keys: ['state'], values: ['maintenance', 'absent'] },
  { of: 'repository', keys: ['type'], values: repositoryTypes },
  { of: 'farmRepository', keys: ['type'], values: repositoryTypes },
  { of: 'profile', keys: settings },
  { of: 'vm', keys: settings },
  { of: 'policy', keys: ['restarts', 'before'] },
];

/** The keyword that `shape.ts` teaches ajv: true, or the values that are not built. */
export const notBuiltKeyword = 'notBuilt';

/** The schema by which files are checked: as published, with the places above marked. */
export const markNotBuilt = (schema: ComposedSchema): Record<string, unknown> => {
  type Node = { properties: Record<string, Record<string, unknown>> };
  const copy = structuredClone(schema) as unknown as Node & { $defs: Record<string, Node> } & Record<string, unknown>;
  for (const { of, keys, values } of notBuiltYet) {
    const properties = (of === '' ? copy : copy.$defs[of])?.properties;
    for (const key of keys) {
      const place = properties?.[key];
      if (!properties || !place) throw new Error(`the schema has no ${of}.${key}`);
      // Nothing else is said about a thing that is not built, so that one mistake gives one error.
      properties[key] = values ? { ...place, [notBuiltKeyword]: values } : { [notBuiltKeyword]: true };
    }
  }
  return copy;
};
