/** `apart`: the groups of which no two VMs are on one server. */
import { badName } from '../core/name.ts';
import { groupBy, sortedBy } from '../core/order.ts';
import type { ApartSpec, VmSpec } from '../kinds/vm/spec.ts';
import { refuse } from './around.ts';
import { lookUp, placeIn, type Found, type Layer } from './layers.ts';
import { nearest, type Place, type Problems } from './problem.ts';

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

const withoutDigits = (name: string): string => name.replaceAll(/\d+/g, '');

/** Groups are not declared: one that only one VM names, and that is called almost like another, is a slip. */
export const warnLonely = (vms: readonly VmSpec[], placeOf: (vm: string) => Place, problems: Problems): void => {
  const members = groupBy(
    vms.flatMap((v) => (v.state === 'absent' ? [] : v.apart.map((a) => ({ vm: v.key, pool: v.pool, ...a })))),
    (m) => `${m.pool}\n${m.group}`,
  );
  const pools = groupBy(members.values(), ([m]) => m?.pool ?? null);
  for (const all of pools.values()) {
    const large = all.flatMap((g) => (g.length > 1 && g[0] ? [g[0].group] : []));
    for (const [only, ...rest] of all) {
      if (!only || rest.length > 0) continue;
      // `web-1` beside `web-2` is no slip.
      const like = large.filter((name) => withoutDigits(name) !== withoutDigits(only.group));
      const near = nearest(only.group, like);
      if (near === undefined) continue;
      problems.add({
        severity: 'warning',
        code: 'lonely-group',
        message: `no VM but ${only.vm} is in group ${JSON.stringify(only.group)}`,
        at: placeOf(only.vm),
        hint: `did you mean ${JSON.stringify(near)}?`,
      });
    }
  }
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
