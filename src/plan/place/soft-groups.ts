/**
 * Soft groups in layers: of one layer no two are on one server, of two layers they may be. A group that finds a server for each of its
 * VMs has one layer; a larger one has so many that each server has its share, and what cannot have a place even so gets a layer apart.
 */
import type { Body } from './workload.ts';

/** By index of the body, and by group: which layer it is in, where that is not the first. Hard members are always in the first. */
export type Layers = ReadonlyMap<number, ReadonlyMap<string, number>>;

/** The layer of those that would have no place in one of the others: first together, then each alone. */
const apartFrom = 1_000_000;

const isSoft = (b: Body, group: string): boolean => b.known?.apart.some((a) => a.group === group && a.soft) ?? false;

/** `open`: servers that may hold VMs. */
const layersOf = (members: readonly Body[], group: string, open: ReadonlySet<string>): ReadonlyMap<Body, number> => {
  const mayBe = (b: Body): readonly string[] => {
    const named = b.known?.servers ?? [];
    return named.length === 0 ? [...open] : named.filter((s) => open.has(s));
  };
  const places = new Set(members.flatMap(mayBe));
  const most = Math.ceil(members.length / Math.max(1, places.size));
  const out = new Map<Body, number>();
  const count = Array.from({ length: most }, () => 0);
  const put = (b: Body, layer: number): void => {
    out.set(b, layer);
    count[layer] = (count[layer] ?? 0) + 1;
  };
  if (most === 1) return new Map(members.map((b) => [b, 0] as const));
  // Whoever is with no more than its share of the others is left where it is.
  const on = new Map<string, number>();
  const rest: Body[] = [];
  for (const b of [...members].sort((x, y) => Number(isSoft(x, group)) - Number(isSoft(y, group)))) {
    const here = b.server !== null && mayBe(b).includes(b.server) ? b.server : null;
    const nth = here === null ? most : (on.get(here) ?? 0);
    if (here !== null) on.set(here, nth + 1);
    if (!isSoft(b, group)) put(b, 0);
    else if (nth < most) put(b, nth);
    else rest.push(b);
  }
  for (const b of rest) put(b, count.indexOf(Math.min(...count)));
  return out;
};

export const softLayers = (bodies: readonly Body[], open: ReadonlySet<string>): Layers => {
  const members = new Map<string, Body[]>();
  for (const b of bodies)
    for (const { group } of b.runs ? (b.known?.apart ?? []) : []) {
      const list = members.get(group);
      if (list) list.push(b);
      else members.set(group, [b]);
    }
  const layers = new Map(
    [...members].flatMap(([group, list]) =>
      list.some((b) => isSoft(b, group)) ? [[group, layersOf(list, group, open)] as const] : [],
    ),
  );
  if (layers.size === 0) return new Map();
  return new Map(
    bodies.flatMap((b, v) => {
      const mine = (b.known?.apart ?? []).flatMap(({ group }) => {
        const layer = layers.get(group)?.get(b) ?? 0;
        return layer === 0 ? [] : [[group, layer] as const];
      });
      return mine.length === 0 ? [] : [[v, new Map(mine)] as const];
    }),
  );
};

/** With those that found no place in a layer apart; null: none of them is in a soft group that it does not have for itself already. */
export const loosened = (layers: Layers, bodies: readonly Body[], unmet: readonly number[]): Layers | null => {
  const out = new Map(layers);
  for (const v of unmet)
    for (const { group, soft } of bodies[v]?.known?.apart ?? []) {
      const layer = out.get(v)?.get(group) ?? 0;
      if (!soft || layer > apartFrom) continue;
      const next = layer < apartFrom ? apartFrom : apartFrom + 1 + v;
      out.set(v, new Map([...(out.get(v) ?? []), [group, next]]));
    }
  return unmet.every((v) => layers.get(v) === out.get(v)) ? null : out;
};

/** By server of each body; null: it is on none. */
export type Standing = (b: Body, v: number) => string | null;

/** How often one of the group is on a server with another of it. */
const together = (members: readonly (readonly [Body, number])[], standing: Standing): number => {
  const on = members.flatMap(([b, v]) => standing(b, v) ?? []);
  return on.length - new Set(on).size;
};

const isIn = (b: Body, group: string): boolean => b.runs && (b.known?.apart.some((a) => a.group === group) ?? false);

/**
 * For groups that moves keep apart no better than they are now: with those that share a server let stay there. Null: there is no such
 * group. `after`: where those moves bring each.
 */
export const keptTogether = (layers: Layers, bodies: readonly Body[], after: Standing): Layers | null => {
  const groups = new Set(bodies.flatMap((b) => b.known?.apart.flatMap((a) => (a.soft ? [a.group] : [])) ?? []));
  const out = new Map(layers);
  for (const group of groups) {
    const members = bodies.flatMap((b, v) => (isIn(b, group) ? [[b, v] as const] : []));
    const now = together(members, (b) => b.server);
    if (now === 0 || together(members, after) < now) continue;
    const taken = new Set<string>();
    for (const [b, v] of members.toSorted(([x], [y]) => Number(isSoft(x, group)) - Number(isSoft(y, group)))) {
      if (b.server === null) continue;
      const place = `${layers.get(v)?.get(group) ?? 0} ${b.server}`;
      if (taken.has(place) && isSoft(b, group))
        out.set(v, new Map([...(out.get(v) ?? []), [group, apartFrom + 1 + v]]));
      taken.add(place);
    }
  }
  return [...out].every(([v, mine]) => layers.get(v) === mine) ? null : out;
};

/** Of all soft groups. */
export const companyOf = (bodies: readonly Body[], standing: Standing): number => {
  const groups = new Set(bodies.flatMap((b) => b.known?.apart.flatMap((a) => (a.soft ? [a.group] : [])) ?? []));
  return [...groups].reduce(
    (n, g) =>
      n +
      together(
        bodies.flatMap((b, v) => (isIn(b, g) ? [[b, v] as const] : [])),
        standing,
      ),
    0,
  );
};
