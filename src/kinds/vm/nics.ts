/** The NICs of a wanted VM: the file's, each matched with the one that is there, and those that the file never named. */
import { table } from '../../core/table.ts';
import type { NetworkSpec } from '../farm.ts';
import { hasOvs } from '../server/holds-devices.ts';
import type { ServerSeen } from '../server/live.ts';
import { rest, settleGroup, type Group } from './devices.ts';
import type { Books, Facts, Unresolved } from './facts.ts';
import { deriveMac } from './identity.ts';
import type { LiveVm } from './live.ts';
import type { NicConfig, NicSpec, VmConfig, VmSpec } from './spec.ts';

export interface Nics {
  readonly list: readonly NicConfig[];
  /** By what the file calls them, and of those that it does not name by their place. */
  readonly macs: Readonly<Record<string, string>>;
  /** Those of the cfg (or the domain) that the file's are. */
  readonly found: Readonly<Record<string, NicConfig>>;
}

const nicNumber = (key: string): number => Number(key.replace(/^eth/, ''));

const ovsScript = 'vif-openvswitch';

type On = Pick<NicConfig, 'bridge' | 'vlan' | 'script'>;

/** Open vSwitch takes the VLAN behind the bridge's name, and trunks behind that. */
export const taggedBridge = (bridge: string, vlan: number | undefined): string =>
  vlan === undefined ? bridge : bridge.replace(/(?=:|$)/, `.${vlan}`);

/** How this server's kind of bridge is told a network. */
const bridgeOf = ({ name, bridge, vlan }: NetworkSpec, seen: ServerSeen): On | Unresolved => {
  if (hasOvs(bridge, seen)) return { bridge: taggedBridge(bridge, vlan), vlan: null, script: ovsScript };
  if (vlan === undefined) return { bridge, vlan: null, script: null };
  return {
    code: 'vlan-on-linux-bridge',
    unresolved: `network ${name} wants VLAN ${vlan} on ${bridge}, a Linux bridge of ${seen.host}: no Xen puts a VLAN on one, and the guest would be in the wrong network`,
    help: `give VLAN ${vlan} a bridge of its own (ip link add link NIC name NIC.${vlan} type vlan id ${vlan}; a bridge on top), or make ${bridge} an Open vSwitch bridge`,
  };
};

/** The bridge belongs to what was applied: a network that changes its bridge changes the VM. */
const toRemember = ({ network, rate, model, script }: NicSpec, facts: Facts): Record<string, unknown> => {
  const on = facts.networks[network];
  const out: Record<string, unknown> = table({ network, bridge: on?.bridge ?? null });
  for (const [option, v] of [
    ['vlan', on?.vlan],
    ['rate', rate],
    ['model', model],
    ['script', script],
  ] as const)
    if (v !== undefined) out[option] = v;
  return out;
};

/** A NIC that is there: of the cfg, with the MAC and the bridge that it has while it runs where the cfg is silent. */
interface Found {
  readonly config: NicConfig;
  readonly mac: string | null;
  readonly bridge: string | null;
}

const foundOf = (base: VmConfig | null, live: LiveVm | null): readonly Found[] =>
  (base?.nics ?? []).map((config, i) => {
    const runs = live?.domain?.nics.find((x) => x.devid === i);
    return { config, mac: config.mac ?? runs?.mac ?? null, bridge: config.bridge ?? runs?.bridge ?? null };
  });

interface Wanted {
  readonly key: string;
  readonly nic: NicSpec;
  readonly on: On;
  /** What the file called it when it was last applied, by the marker. */
  readonly known: string | null;
  /** What the marker remembers of one that the file had not named. */
  readonly seen: string | null;
}

/** Which of the file's is which of those that are there: by MAC, else by bridge and order, else by its place. */
const matchNics = (wanted: readonly Wanted[], found: readonly Found[], others: boolean): ReadonlyMap<string, Found> => {
  const of = new Map<string, Found>();
  const free = new Set(found);
  const pass = (fits: (w: Wanted, f: Found, i: number) => boolean): void => {
    for (const w of wanted) {
      if (of.has(w.key)) continue;
      const mine = found.find((f, i) => free.has(f) && fits(w, f, i));
      if (!mine) continue;
      of.set(w.key, mine);
      free.delete(mine);
    }
  };
  pass((w, f) => w.known !== null && f.mac === w.known);
  pass((w, f) => w.nic.mac !== undefined && f.mac === w.nic.mac);
  if (!others) return of;
  const fresh = (w: Wanted): boolean => w.known === null;
  const place = (w: Wanted, i: number): boolean => nicNumber(w.key) === i;
  pass((w, f) => fresh(w) && w.seen !== null && f.mac === w.seen && f.bridge === w.on.bridge);
  pass((w, f, i) => fresh(w) && place(w, i) && f.bridge === w.on.bridge);
  pass((w, f) => fresh(w) && f.bridge === w.on.bridge);
  pass((w, _, i) => fresh(w) && place(w, i));
  return of;
};

/** A NIC that the file leaves alone is called by its place, and its MAC is remembered. */
const withOthers = (macs: Record<string, string>, found: readonly Found[]): Record<string, string> => {
  const named = new Set(Object.values(macs));
  for (const [i, { config }] of found.entries())
    if (config.mac !== null && !named.has(config.mac)) macs[`eth${i}`] ??= config.mac;
  return macs;
};

/** Those of before whose MAC has another name now are forgotten. */
const kept = (before: Readonly<Record<string, string>> | undefined, macs: Record<string, string>) => {
  const named = new Set(Object.values(macs));
  return table(Object.entries(before ?? {}).filter(([key, mac]) => key in macs || !named.has(mac)));
};

export const resolveNics = (
  { spec, live, base, facts }: { spec: VmSpec; live: LiveVm | null; base: VmConfig | null; facts: Facts },
  books: Books,
): Nics | Unresolved => {
  const marker = live?.marker ?? null;
  const remembered = spec.nics && table(Object.entries(spec.nics).map(([key, n]) => [key, toRemember(n, facts)]));
  const group: Group = settleGroup('nics', remembered, { base: base !== null, marker }, books);
  const found = foundOf(base, live);
  if (group.is === 'kept')
    return { list: base?.nics ?? [], macs: withOthers(table(marker?.macs), found), found: table() };
  const wanted: Wanted[] = [];
  const specs = Object.entries(spec.nics ?? {}).sort(([a], [b]) => nicNumber(a) - nicNumber(b));
  for (const [key, nic] of specs) {
    const network = facts.networks[nic.network];
    if (!network) {
      return {
        code: 'network-unknown',
        unresolved: `${spec.key} wants network ${nic.network}, which its pool has not`,
        help: `add ${nic.network} to the pool's networks`,
      };
    }
    const on = bridgeOf(network, facts.seen);
    if ('unresolved' in on) return on;
    const mac = marker?.macs[key] ?? null;
    const known = group.applied[key] !== undefined || !group.others ? mac : null;
    wanted.push({ key, nic, on, known, seen: mac });
  }
  const of = matchNics(wanted, found, group.others);
  const taken = new Set<string>();
  const macs: Record<string, string> = table();
  const made = new Map<string, NicConfig>();
  for (const w of wanted) {
    const was = of.get(w.key);
    const own = was?.mac ?? (w.seen !== null && !found.some((f) => f.mac === w.seen) ? w.seen : null);
    const mac = w.nic.mac ?? w.known ?? own ?? deriveMac(facts.farm, spec.key, w.key);
    macs[w.key] = mac;
    taken.add(mac);
    made.set(w.key, nicConfig(w, mac, was?.config, { facts, said: group.applied[w.key] }));
  }
  // One that the file had named and has no more goes.
  const gone = new Set(Object.keys(group.applied).flatMap((key) => (key in macs ? [] : (marker?.macs[key] ?? []))));
  const keyAt = new Map([...of].map(([key, f]) => [f, key] as const));
  const inPlace = found.flatMap((f): readonly NicConfig[] => {
    const key = keyAt.get(f);
    const mine = key === undefined ? undefined : made.get(key);
    if (mine) return [mine];
    return f.mac !== null && (gone.has(f.mac) || taken.has(f.mac)) ? [] : [f.config];
  });
  const added = [...made].flatMap(([key, n]) => (of.has(key) ? [] : [n]));
  const all = table<string>({ ...kept(marker?.macs, macs), ...macs });
  return {
    list: group.others ? [...inPlace, ...added] : [...made.values()],
    macs: group.others ? withOthers(all, found) : all,
    found: table([...of].map(([key, f]) => [key, f.config])),
  };
};

const nicConfig = (
  { nic, on }: Wanted,
  mac: string,
  was: NicConfig | undefined,
  { facts, said }: { facts: Facts; said: Readonly<Record<string, unknown>> | undefined },
): NicConfig => {
  const bridge = facts.networks[nic.network]?.bridge;
  // A VLAN on Open vSwitch needs its script; without one, an old NIC is as its owner made it.
  const script = was && on.bridge === bridge ? null : on.script;
  return {
    mac,
    bridge: on.bridge,
    vlan: on.vlan,
    rate: rest(nic.rate, said?.['rate'], was?.rate ?? undefined, null),
    model: rest(nic.model, said?.['model'], was?.model ?? undefined, null),
    script: rest(nic.script, said?.['script'], was?.script ?? undefined, script),
    extra: was?.extra ?? [],
  };
};
