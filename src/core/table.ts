/** Maps whose keys come from outside: `constructor` and `__proto__` are names there like any other. */

/** Without any member of its own. An object that has a prototype stays a fast one; one that has none does not. */
export const bare: object = Object.freeze(Object.create(null) as object);

interface Table {
  <T>(entries?: Iterable<readonly [string | number, T]>): Record<string, T>;
  <T>(members: Readonly<Record<string, T>> | undefined): Record<string, T>;
}

/** An object that has these entries and inherits nothing; of two with one key, the last counts. */
export const table: Table = <T>(
  from: Iterable<readonly [string | number, T]> | Readonly<Record<string, T>> = [],
): Record<string, T> => {
  const made = Object.create(bare) as Record<string, T>;
  const entries = Symbol.iterator in from ? (from as Iterable<readonly [string, T]>) : Object.entries<T>(from);
  for (const [key, value] of entries) made[key] = value;
  return made;
};
