/** What says something of one thing, the nearest first, and where each value comes from. */
import type { Origin } from '../core/diagnostic.ts';
import { placeOf, type Entry, type Named } from './gather.ts';
import { didYouMean, step, type Place, type Problems } from './problem.ts';
import type { Profile } from './types.ts';
import { table } from '../core/table.ts';

/** One source of values: the thing's own entry, its pattern, a profile, the defaults. */
export interface Layer {
  readonly file: string;
  readonly pointer: string;
  /** The profiles through which it came. */
  readonly via: readonly string[];
  readonly body: object;
}

/** A value, with what its place is made from: pointers are built only for what is shown. */
export interface Found<T> {
  readonly value: T;
  readonly layer: Layer;
  readonly path: readonly (string | number)[];
}

/** The key that a bare value is short for: `vcpus: 2` is `vcpus.count`. */
const shortFor: Readonly<Record<string, string>> = table({ vcpus: 'count', memory: 'target', affinity: 'hard' });

const isMap = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null;

const inLayer = (layer: Layer, path: readonly (string | number)[]): unknown => {
  let value: unknown = layer.body;
  let before: string | number = '';
  for (const key of path) {
    if (isMap(value)) {
      value = Object.hasOwn(value, key) ? value[key] : undefined;
      if (value === undefined) return undefined;
    } else if (shortFor[before] !== key) return undefined;
    before = key;
  }
  return value;
};

/** The nearest value at `path`: maps are merged, scalars and lists replaced. */
export const lookUp = (layers: readonly Layer[], path: readonly (string | number)[]): Found<unknown> | undefined => {
  for (const layer of layers) {
    const value = inLayer(layer, path);
    if (value !== undefined) return { value, layer, path };
  }
  return undefined;
};

/** Where a value stands, or its key. */
export const placeIn = ({ layer, path }: Found<unknown>, on?: 'key'): Place => {
  let value: unknown = layer.body;
  let { pointer } = layer;
  for (const key of path) {
    if (!isMap(value)) break;
    value = value[key];
    pointer += step(key);
  }
  return on ? { file: layer.file, pointer, on } : { file: layer.file, pointer };
};

export const originIn = (found: Found<unknown>): Origin => {
  const { via } = found.layer;
  const place = placeIn(found);
  return via.length > 0 ? { ...place, via } : place;
};

/** The items of a list that are texts. */
export const itemsOf = (list: Found<unknown>): readonly Found<string>[] =>
  (Array.isArray(list.value) ? list.value : []).flatMap((value: unknown, i) =>
    typeof value === 'string' ? [{ value, layer: list.layer, path: [...list.path, i] }] : [],
  );

export const textAt = (layers: readonly Layer[], ...path: string[]): Found<string> | undefined => {
  const found = lookUp(layers, path);
  return typeof found?.value === 'string' ? (found as Found<string>) : undefined;
};

export const numberAt = (layers: readonly Layer[], ...path: string[]): Found<number> | undefined => {
  const found = lookUp(layers, path);
  return typeof found?.value === 'number' ? (found as Found<number>) : undefined;
};

export const flagAt = (layers: readonly Layer[], ...path: string[]): boolean | undefined => {
  const value = lookUp(layers, path)?.value;
  return typeof value === 'boolean' ? value : undefined;
};

/** The value at `path` of every layer that has one, the nearest first. */
export const everyAt = (layers: readonly Layer[], path: readonly string[]): readonly Found<unknown>[] =>
  layers.flatMap((layer) => lookUp([layer], path) ?? []);

/** The keys that any layer has in the map at `key`, sorted by nothing. */
export const keysAt = (layers: readonly Layer[], key: string): ReadonlySet<string> | undefined => {
  let all: Set<string> | undefined;
  for (const layer of layers) {
    const map = inLayer(layer, [key]);
    if (!isMap(map)) continue;
    all ??= new Set();
    for (const k of Object.keys(map)) all.add(k);
  }
  return all;
};

export const layerOf = (entry: Entry<object>, via: readonly string[] = []): Layer => ({
  file: entry.file,
  pointer: entry.pointer,
  via,
  body: entry.body,
});

/** A profile's layers: itself, the profile that it names, and so on. Unknown ones and cycles are told once. */
export const profileLayers = (
  profiles: Named<Profile>,
  problems: Problems,
): ((name: Found<string>) => readonly Layer[]) => {
  const done = new Map<string, readonly Layer[]>();
  return (wanted) => {
    const known = done.get(wanted.value);
    if (known) return known;
    const layers: Layer[] = [];
    const via: string[] = [];
    let at: Found<string> | undefined = wanted;
    while (at) {
      const name: string = at.value;
      const entry = profiles.get(name);
      if (!entry) {
        problems.add({
          code: 'unknown-profile',
          message: `there is no profile ${JSON.stringify(name)}`,
          at: placeIn(at),
          hint: didYouMean(name, [...profiles.keys()], 'profile'),
        });
        // Not remembered: the next place that names it is wrong, too.
        if (via.length === 0) return [];
        break;
      }
      if (via.includes(name)) {
        const ring = via.slice(via.indexOf(name));
        const first = profiles.get([...ring].sort()[0] ?? name) ?? entry;
        problems.add({
          code: 'profile-cycle',
          message: `profiles name each other in a circle: ${[...ring, name].join(' → ')}`,
          at: { ...placeOf(first), pointer: `${first.pointer}/profile` },
          hint: 'take `profile` out of one of them',
        });
        break;
      }
      via.push(name);
      const layer = layerOf(entry, [...via]);
      layers.push(layer);
      at = textAt([layer], 'profile');
    }
    done.set(wanted.value, layers);
    return layers;
  };
};
