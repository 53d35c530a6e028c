/** What a pool has of its own and what the top of the file gives to all pools or to some: networks and repositories. */
import { badName } from '../core/name.ts';
import { sortedBy } from '../core/order.ts';
import { definedTwice, placeOf, type Entry, type Named } from './gather.ts';
import { didYouMean, step, type Problem, type Problems } from './problem.ts';

/** The part of an entry at the top of the file that says which pools it serves; unset: all. */
interface Serving {
  readonly pools?: readonly string[];
}

export const badlyNamed = (entry: Entry<unknown>, what: string, why: string): Problem => ({
  code: 'bad-name',
  message: `${JSON.stringify(entry.name)} may not name a ${what}: ${why}`,
  at: placeOf(entry, 'key'),
});

/** The entries of a map inside of an entry; none where there is no such entry or no map. */
export const inner = <T>(
  outer: Entry<unknown> | null,
  key: string,
  map: Readonly<Record<string, T>> | undefined,
): Named<T> =>
  new Map(
    Object.entries(outer ? (map ?? {}) : {}).map(([name, body]) => [
      name,
      { name, body, file: outer?.file ?? '', pointer: `${outer?.pointer ?? ''}/${key}${step(name)}` },
    ]),
  );

/** Each pool that an entry at the top of the file names must be there. */
export const checkServed = (top: Named<Serving>, pools: ReadonlySet<string>, problems: Problems): void => {
  for (const entry of top.values()) {
    (Array.isArray(entry.body.pools) ? entry.body.pools : []).forEach((pool: string, i) => {
      // A list item of a wrong type was told already.
      if (pools.has(pool) || pool === '') return;
      problems.add({
        code: 'unknown-pool',
        message: `there is no pool ${JSON.stringify(pool)}`,
        at: { file: entry.file, pointer: `${entry.pointer}/pools/${i}` },
        hint: didYouMean(pool, [...pools], 'pool'),
      });
    });
  }
};

/** What there is in one pool, sorted by name; a name may not come from both. */
export const servedIn = <T>(
  what: string,
  pool: string,
  top: Named<T & Serving>,
  own: Named<T>,
  problems: Problems,
): readonly Entry<T>[] => {
  // A `pools` that is no list is the schema's to report; the entry then serves all, so that no second error follows.
  const serving = [...top.values()].filter(({ body }) => !Array.isArray(body.pools) || body.pools.includes(pool));
  const taken = new Map<string, Entry<T>>();
  for (const entry of [...serving, ...own.values()]) {
    const why = badName(entry.name, what);
    const first = taken.get(entry.name);
    if (why !== null) problems.add(badlyNamed(entry, what, why));
    else if (first) {
      const twice = `${what} ${entry.name} of pool ${pool}`;
      problems.add(definedTwice(twice, placeOf(first, 'key'), placeOf(entry, 'key')));
    } else taken.set(entry.name, entry);
  }
  return sortedBy(taken.values(), (e) => e.name);
};
