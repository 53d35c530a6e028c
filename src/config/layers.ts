/** What says something of one thing, the nearest first, and where each value comes from. */
import type { Origin } from '../core/diagnostic.ts';
import { placeOf, type Entry, type Named } from './gather.ts';
import { didYouMean, step, type Place, type Problems } from './problem.ts';
import type { Profile } from './types.ts';

/** One source of values: the thing's own entry, its pattern, a profile, the defaults. */
export interface Layer {
  readonly file: string;
  readonly pointer: string;
  /** The profiles through which it came. */
  readonly via: readonly string[];
  readonly body: object;
}

export interface Found<T> {
  readonly value: T;
  readonly place: Place;
  readonly origin: Origin;
}

/** The key that a bare value is short for: `vcpus: 2` is `vcpus.count`. */
const shortFor: Readonly<Record<string, string>> = { vcpus: 'count', memory: 'target' };

const inLayer = (layer: Layer, path: readonly string[]): { value: unknown; pointer: string } | undefined => {
  let value: unknown = layer.body;
  let { pointer } = layer;
  let before = '';
  for (const key of path) {
    if (typeof value === 'object' && value !== null) {
      value = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
      if (value === undefined) return undefined;
      pointer += step(key);
    } else if (shortFor[before] !== key) return undefined;
    before = key;
  }
  return { value, pointer };
};

/** The nearest value at `path`: maps are merged, scalars and lists replaced. */
export const lookUp = (layers: readonly Layer[], path: readonly string[]): Found<unknown> | undefined => {
  for (const layer of layers) {
    const hit = inLayer(layer, path);
    if (!hit) continue;
    const { file, via } = layer;
    const place = { file, pointer: hit.pointer };
    return { value: hit.value, place, origin: via.length > 0 ? { ...place, via } : place };
  }
  return undefined;
};

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

/** The keys that any layer has in the map at `key`, sorted by nothing. */
export const keysAt = (layers: readonly Layer[], key: string): ReadonlySet<string> | undefined => {
  let all: Set<string> | undefined;
  for (const layer of layers) {
    const map = inLayer(layer, [key])?.value;
    if (typeof map !== 'object' || map === null) continue;
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
      const { value: name, place }: Found<string> = at;
      const entry = profiles.get(name);
      if (!entry) {
        problems.add({
          code: 'unknown-profile',
          message: `there is no profile ${JSON.stringify(name)}`,
          at: place,
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
