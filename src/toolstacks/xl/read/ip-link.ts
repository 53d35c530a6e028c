/** `ip -j -d link`: which interfaces are bridges, and on which bridge another one hangs. */
import { brief, isObject, parseJson, type JsonObject } from '../../../core/json.ts';
import { Odd } from '../cfg/values.ts';

export interface Links {
  /** Linux bridges, and Open vSwitch's interfaces of their own (each OVS bridge has one of its name). */
  readonly bridges: readonly string[];
  readonly ovs: readonly string[];
  /** By interface; null: it hangs on nothing. */
  readonly master: ReadonlyMap<string, string | null>;
}

interface Link {
  readonly ifname: string;
  readonly master: string | null;
  readonly kind: string | undefined;
}

const textIn = (x: JsonObject, key: string): string | undefined => {
  const v = x[key];
  if (v === undefined || typeof v === 'string') return v;
  throw new Odd(`\`${key}\` of a link is ${brief(v)}, and should be a text`);
};

/** An empty object stands for a link that went away while `ip` looked. */
const linkOf = (x: unknown): readonly Link[] => {
  if (!isObject(x)) throw new Odd(`a link is ${brief(x)}, and should be an object`);
  const info = x['linkinfo'] ?? {};
  if (!isObject(info)) throw new Odd(`\`linkinfo\` of a link is ${brief(info)}, and should be an object`);
  const ifname = textIn(x, 'ifname');
  const [master = null, kind] = [textIn(x, 'master'), textIn(info, 'info_kind')];
  return ifname === undefined ? [] : [{ ifname, master, kind }];
};

/** Null where it is no JSON. Throws `Odd` for what `ip` would not print. */
export const parseLinks = (text: string): Links | null => {
  const read = parseJson(text);
  if (!read.ok && read.deep) throw new Odd(`its JSON ${read.why}`);
  if (!read.ok) return null;
  if (!Array.isArray(read.value)) throw new Odd(`its JSON is ${brief(read.value)}, and should be a list`);
  const links = read.value.flatMap(linkOf);
  const kind = (wanted: string): readonly string[] => links.flatMap((l) => (l.kind === wanted ? [l.ifname] : []));
  return {
    bridges: kind('bridge'),
    ovs: kind('openvswitch').filter((name) => name !== 'ovs-system'),
    master: new Map(links.map((l) => [l.ifname, l.master])),
  };
};
