/** VMs that were found → the file that describes them as they are, and what of them it could not say. Pure. */
import { badName } from '../../core/name.ts';
import { byText, sortedBy } from '../../core/order.ts';
import { table } from '../../core/table.ts';
import type { VmConfig, VmState } from '../../kinds/vm/spec.ts';
import type { Source } from '../source.ts';
import { keyFor } from './keys.ts';
import { unchanged, type Complaint } from './changed.ts';
import type { Bridge } from './nic.ts';
import { pruned, type LeftOut } from './prune.ts';
import { sharedWords, type SharedWords } from './share.ts';
import { isWords, without, wordAt, wordsOf, type Note, type Words } from './tree.ts';
import { vmWords, type Written } from './vm.ts';

/** A VM as it was found. */
export interface Found {
  /** As its cfg says, passwords covered. */
  readonly config: VmConfig;
  /** Null: nobody looked whether it runs. */
  readonly state: VmState | null;
  /** Whether its server starts it; null: nobody looked. */
  readonly autostart: boolean | null;
  /** What a marker calls it; undefined: it has none. */
  readonly called: string | undefined;
  readonly pool: string | undefined;
  readonly server: string | undefined;
  /** vdevs of disks that other VMs write, too. */
  readonly shared: ReadonlySet<string>;
  /** The file or the server that it was found on. */
  readonly from: string;
}

/** What the VMs are put beside. */
export interface Frame {
  /** What stands before the VMs, like `farm` and `servers`; empty where `beside` has it all. */
  readonly rest: Words;
  readonly restNotes: readonly Note[];
  readonly head: readonly string[];
  /** Files that are right, beside which the new one is to stand. */
  readonly beside: readonly Source[];
  /** Networks that are there, by pool and name; by '' where no pool is named. */
  readonly networks: Readonly<Record<string, Readonly<Record<string, Bridge>>>>;
  /** Keys and names of VMs, and names of profiles, that are taken. */
  readonly taken: { readonly keys: ReadonlySet<string>; readonly profiles: ReadonlySet<string> };
  /** Whether they may have `defaults`: those would count for the VMs that are in the file already. */
  readonly defaults: boolean;
}

/** Something that was found and is not in the file. */
export interface Missing extends LeftOut {
  readonly name: string;
  readonly from: string;
}

export interface Imported {
  readonly rest: Words;
  readonly restNotes: readonly Note[];
  readonly head: readonly string[];
  readonly shared: SharedWords;
  readonly left: readonly Missing[];
  /** What is wrong with it all the same: a bug here, or the VMs do not go with the files beside. */
  readonly problems: readonly string[];
}

const sameBridge = (a: Bridge, b: Bridge): boolean => a.bridge === b.bridge && a.vlan === b.vlan;

/** Names networks as they are asked for; `made`: those that are new. */
const naming = (known: Frame['networks']) => {
  const made: Record<string, Bridge> = table();
  const names = new Set(Object.values(known).flatMap((networks) => Object.keys(networks)));
  const networkOf = (on: Bridge, pool: string): string => {
    const there = [...Object.entries(known[pool] ?? {}), ...Object.entries(made)].find(([, b]) => sameBridge(b, on));
    if (there) return there[0];
    const wish = on.vlan === undefined ? on.bridge : `${on.bridge}.${on.vlan}`;
    const name = keyFor(badName(wish, 'network') === null ? wish : `net-${wish}`, names);
    made[name] = on;
    return name;
  };
  return { made, networkOf };
};

/** Of two with one UUID or one name, the first counts. */
const apart = (all: readonly Found[]): { readonly kept: readonly Found[]; readonly left: readonly Missing[] } => {
  const seen = new Map<string, Found>();
  const kept: Found[] = [];
  const left: Missing[] = [];
  for (const f of all) {
    const { name, uuid } = f.config;
    const [byUuid, byName] = [uuid === null ? undefined : seen.get(`uuid ${uuid}`), seen.get(`name ${name}`)];
    const first = byUuid ?? byName;
    if (first) {
      const what = byUuid ? `the UUID ${uuid}` : 'the name';
      left.push({ code: 'shared', name, from: f.from, why: `${first.config.name} of ${first.from} has ${what}` });
      continue;
    }
    if (uuid !== null) seen.set(`uuid ${uuid}`, f);
    seen.set(`name ${name}`, f);
    kept.push(f);
  }
  return { kept, left };
};

/** Without networks that are new and that no VM has in the end. */
const withoutUnused = (rest: Words, made: readonly string[], vms: ReadonlyMap<string, Written>): Words => {
  const used = new Set(
    [...vms.values()].flatMap(({ words: { nics } }) =>
      isWords(nics) ? Object.values(nics).map((n) => wordAt(n, ['network'])) : [],
    ),
  );
  return made.filter((name) => !used.has(name)).reduce((words, name) => without(words, ['networks', name]), rest);
};

/**
 * `found`: of those that cannot both be in the file, the first is. `complaints`: what a plan of what was made before says of its
 * VMs, by key.
 */
export const imported = (
  found: readonly Found[],
  frame: Frame,
  complaints: ReadonlyMap<string, readonly Complaint[]> = new Map(),
): Imported => {
  const { kept, left: copies } = apart(found);
  const left: Missing[] = [...copies];
  const keys = new Set(frame.taken.keys);
  const byKey = new Map<string, Found>();
  for (const f of sortedBy(kept, (x) => x.config.name)) byKey.set(keyFor(f.called ?? f.config.name, keys), f);
  const { made, networkOf } = naming(frame.networks);
  const written = new Map<string, Written>();
  for (const [key, f] of [...byKey].sort(([a], [b]) => byText(a, b))) {
    let vm: Written | LeftOut = vmWords({ key, ...f }, (on) => networkOf(on, f.pool ?? ''));
    for (const complaint of complaints.get(key) ?? []) if ('words' in vm) vm = unchanged(vm, complaint);
    if ('words' in vm) written.set(key, vm);
    else left.push({ ...vm, name: f.config.name, from: f.from });
  }
  const networks = wordsOf(
    Object.keys(made)
      .sort(byText)
      .map((name) => [name, wordsOf([['bridge', made[name]?.bridge], ['vlan', made[name]?.vlan]])]), // prettier-ignore
  );
  const rest = wordsOf([
    ...Object.entries(frame.rest),
    ...(Object.keys(networks).length === 0 ? [] : [['networks', networks] as const]),
  ]);
  const { rest: right, vms, left: refused, problems } = pruned(written, rest, frame.beside);
  const shared = sharedWords(vms, { profiles: frame.taken.profiles, defaults: frame.defaults });
  return {
    rest: withoutUnused(right, Object.keys(made), vms),
    restNotes: frame.restNotes,
    head: frame.head,
    shared,
    left: [
      ...left,
      ...[...refused].map(([key, why]) => ({
        ...why,
        name: byKey.get(key)?.config.name ?? key,
        from: byKey.get(key)?.from ?? '',
      })),
    ],
    problems,
  };
};
