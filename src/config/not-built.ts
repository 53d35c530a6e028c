/** What the schema has and this version does not build: using it is an error, never ignored. */
import type { ComposedSchema } from './schema.ts';

/** Values of a property of one definition of the schema. */
interface NotBuilt {
  readonly of: string;
  readonly key: string;
  readonly values: readonly string[];
}

const repositoryTypes = ['ocfs2', 'iscsi', 'zfs'];

export const notBuiltYet: readonly NotBuilt[] = [
  { of: 'repository', key: 'type', values: repositoryTypes },
  { of: 'farmRepository', key: 'type', values: repositoryTypes },
];

/** The keyword that `shape.ts` teaches ajv: the values that are not built. */
export const notBuiltKeyword = 'notBuilt';

/** The schema by which files are checked: as published, with the places above marked. */
export const markNotBuilt = (schema: ComposedSchema): Record<string, unknown> => {
  type Node = { properties: Record<string, Record<string, unknown>> };
  const copy = structuredClone(schema) as unknown as { $defs: Record<string, Node> } & Record<string, unknown>;
  for (const { of, key, values } of notBuiltYet) {
    const place = copy.$defs[of]?.properties[key];
    if (!place) throw new Error(`the schema has no ${of}.${key}`);
    place[notBuiltKeyword] = values;
  }
  return copy;
};
