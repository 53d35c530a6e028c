/** The one order in which names are sorted: by code unit, so that no locale changes a plan's bytes. */

export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export const sortedBy = <T>(items: Iterable<T>, key: (item: T) => string): readonly T[] =>
  [...items].sort((a, b) => byText(key(a), key(b)));
