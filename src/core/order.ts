/** Sorting and grouping: names by code unit, so that no locale changes a plan's bytes. */

export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Each key is made once; what is in order already costs a pass. */
export const sortedBy = <T>(items: Iterable<T>, key: (item: T) => string): readonly T[] => {
  const list = [...items];
  const keys = list.map(key);
  if (keys.every((k, i) => i === 0 || (keys[i - 1] ?? '') <= k)) return list;
  return list
    .map((item, i) => [keys[i] ?? '', item] as const)
    .sort(([a], [b]) => byText(a, b))
    .map(([, item]) => item);
};

/** In the given order within each group; an item whose key is null is in none. */
export const groupBy = <T, K extends string>(
  items: Iterable<T>,
  key: (item: T) => K | null,
): ReadonlyMap<K, readonly T[]> => {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const k = key(item);
    if (k === null) continue;
    const list = groups.get(k);
    if (list) list.push(item);
    else groups.set(k, [item]);
  }
  return groups;
};
