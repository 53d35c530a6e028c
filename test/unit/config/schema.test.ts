import { compile } from 'json-schema-to-typescript';
import { expect, test } from 'vitest';
import { markNotBuilt, notBuiltYet } from '../../../src/config/not-built.ts';
import { farmSchema } from '../../../src/config/schema.ts';

// `npm run schema` writes both files anew.
test('schemas/farm.schema.json is what the fragments of the kinds compose', async () => {
  await expect(`${JSON.stringify(farmSchema, null, 2)}\n`).toMatchFileSnapshot('../../../schemas/farm.schema.json');
});

test('src/config/types.ts is what the schema generates', async () => {
  const types = await compile(structuredClone(farmSchema) as object, 'FarmFile', {
    bannerComment: '/** The file as it is written: generated from the schema by `npm run schema`. */',
    style: { singleQuote: true, printWidth: 120 },
    ignoreMinAndMaxItems: true,
    additionalProperties: false,
  });
  await expect(types).toMatchFileSnapshot('../../../src/config/types.ts');
});

test('every place of the schema is described, for the hover of editors', () => {
  const bare: string[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, place] of Object.entries((node as { properties?: object }).properties ?? {})) {
      if (!('description' in place) && !('$ref' in place)) bare.push(`${path}.${key}`);
    }
    for (const [key, inner] of Object.entries(node)) visit(inner, `${path}.${key}`);
  };
  visit(farmSchema, '');
  expect(bare).toEqual([]);
});

test('every place that is not built is a place of the schema', () => {
  expect(() => markNotBuilt(farmSchema)).not.toThrow();
  for (const { of, key, values } of notBuiltYet) {
    expect(farmSchema.$defs[of]?.properties?.[key]?.enum).toEqual(expect.arrayContaining([...values]));
  }
});
