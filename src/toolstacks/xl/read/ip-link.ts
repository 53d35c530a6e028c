/** `ip -j -d link`: which interfaces are bridges, and on which bridge another one hangs. */

export interface Links {
  /** Linux bridges, and Open vSwitch's interfaces of their own (each OVS bridge has one of its name). */
  readonly bridges: readonly string[];
  readonly ovs: readonly string[];
  /** By interface; null: it hangs on nothing. */
  readonly master: ReadonlyMap<string, string | null>;
}

interface Link {
  readonly ifname?: string;
  readonly master?: string;
  readonly linkinfo?: { readonly info_kind?: string };
}

/** Null where it is no JSON. */
export const parseLinks = (text: string): Links | null => {
  let links: readonly Link[];
  try {
    const json: unknown = JSON.parse(text);
    if (!Array.isArray(json)) return null;
    links = json.filter((x): x is Link => typeof x === 'object' && x !== null);
  } catch {
    return null;
  }
  const kind = (wanted: string): readonly string[] =>
    links.flatMap((l) => (l.linkinfo?.info_kind === wanted && l.ifname !== undefined ? [l.ifname] : []));
  return {
    bridges: kind('bridge'),
    ovs: kind('openvswitch').filter((name) => name !== 'ovs-system'),
    master: new Map(links.flatMap((l) => (l.ifname === undefined ? [] : [[l.ifname, l.master ?? null]]))),
  };
};
