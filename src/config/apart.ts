/** `apart`: the groups of which no two VMs are on one server. */
import { badName } from '../core/name.ts';
import { sortedBy } from '../core/order.ts';
import type { ApartSpec } from '../kinds/vm/spec.ts';
import { refuse } from './around.ts';
import { lookUp, placeIn, type Found, type Layer } from './layers.ts';
import type { Problems } from './problem.ts';

/**
 * The nearest that says it says it whole: maps are not merged here, since `soft` belongs to the group that it stands
 * beside, and a profile must not soften another one.
 */
export const apartOf = (key: string, layers: readonly Layer[], problems: Problems): readonly ApartSpec[] => {
  const whole = lookUp(layers, ['apart']);
  if (!whole) return [];
  const groups = new Map<string, ApartSpec>();
  for (const { name, soft } of groupsIn(whole)) {
    refuse(problems, 'the name of a group', name, (v) => badName(v, 'group'));
    if (groups.has(name.value)) {
      problems.add({
        code: 'duplicate-item',
        message: `apart of ${key} names ${JSON.stringify(name.value)} twice`,
        at: placeIn(name),
        hint: 'take one of them out',
      });
    } else groups.set(name.value, { group: name.value, soft });
  }
  return sortedBy([...groups.values()], (g) => g.group);
};

interface Said {
  readonly name: Found<string>;
  readonly soft: boolean;
}

/** What is of a wrong type was told already, and is empty or not there. */
const groupsIn = ({ value, layer, path }: Found<unknown>): readonly Said[] => {
  if (Array.isArray(value)) return value.flatMap((item, i) => groupsIn({ value: item, layer, path: [...path, i] }));
  if (typeof value === 'string') return value === '' ? [] : [{ name: { value, layer, path }, soft: false }];
  if (typeof value !== 'object' || value === null) return [];
  const { group, soft } = value as { readonly group?: unknown; readonly soft?: unknown };
  return typeof group === 'string'
    ? [{ name: { value: group, layer, path: [...path, 'group'] }, soft: soft === true }]
    : [];
};
