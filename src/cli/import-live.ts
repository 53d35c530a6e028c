/** `reeve import` from live servers: read them, write what is there, and take out of it whatever a plan of it would change. */
import { loadFarm, type Loaded } from '../config/index.ts';
import { blocksOf, farmText } from '../config/write/document.ts';
import { imported, type Found, type Frame, type Imported, type Missing } from '../config/write/index.ts';
import type { Complaint } from '../config/write/changed.ts';
import { mergedText } from '../config/write/merge.ts';
import { pathsOfStores, storesOf, type PoolThere } from '../config/write/stores.ts';
import { wordsOf, type Words } from '../config/write/tree.ts';
import type { ConfigIo } from '../config/io.ts';
import { byText } from '../core/order.ts';
import { isUnknown, type Reader } from '../core/port.ts';
import { table } from '../core/table.ts';
import type { Farm } from '../kinds/farm.ts';
import type { Plan, PlanChange } from '../kinds/plan.ts';
import { seenOn, type Observed } from '../kinds/server/live.ts';
import type { VmSpec } from '../kinds/vm/spec.ts';
import { defaultOptions, makePlan, pathsToRead } from '../plan/index.ts';
import { valueText } from '../report/value-text.ts';
import { exit, ExitError } from './exit.ts';
import { vmsIn } from './live-vms.ts';
import type { SourceFlags } from './options.ts';
import { readerOf } from './outside.ts';
import { readFarm, toolsOf } from './pipeline.ts';
import type { Shell } from './shell.ts';

type Ok = Extract<Loaded, { ok: true }>;

/** Where the VMs are put: into a text, or beside files. */
export interface Base {
  readonly loaded: Ok;
  /** The file that they are put into; null: they become a file of their own, beside those that are there. */
  readonly text: string | null;
}

export interface Live {
  readonly made: Imported;
  readonly left: readonly Missing[];
  /** The whole new file. */
  readonly text: string;
  /** What was seen and is not in it, in words. */
  readonly notes: readonly string[];
}

/** A file that is nowhere. */
export const inMemory = (text: string): ConfigIo => {
  const bytes = new TextEncoder().encode(text);
  return {
    look: async () => ({ is: 'file', size: bytes.length }),
    read: async () => bytes,
  };
};

const readText = async (text: string): Promise<Loaded> => loadFarm(['farm.yaml'], inMemory(text));

const plainVm = async (): Promise<VmSpec> => {
  const loaded = await readText('farm: x\nservers: { x: { address: x } }\nvms: { x: {} }\n');
  const vm = loaded.ok ? loaded.farm.vms[0] : undefined;
  if (!vm) throw new Error('a VM of which nothing is said is none');
  return vm;
};

/** Whatever it is asked for, a reading tells the mounts as well. */
const always = '/etc/xen';

const poolsThere = (farm: Farm, observed: Observed, found: readonly Found[]): readonly PoolThere[] =>
  farm.pools.map((pool) => ({
    name: pool.name,
    seen: pool.servers.flatMap((s) => seenOn(observed, s.name) ?? []),
    disks: found
      .filter((f) => (f.pool ?? farm.pools[0]?.name) === pool.name)
      .flatMap((f) => Object.values(f.config.disks).map((d) => ({ vm: f.config.name, path: d.path }))),
    known: new Set(Object.values(pool.repositories).map((r) => r.path)),
  }));

/** What the file has already, and what is to stand before the VMs. */
const frameOf = ({ loaded: { farm, sources }, text }: Base, repositories: Words, head: readonly string[]): Frame => {
  const named = (key: string): readonly string[] =>
    sources.flatMap(({ value }) => Object.keys((value[key] as object | undefined) ?? {}));
  return {
    rest: wordsOf(Object.keys(repositories).length === 0 ? [] : [['repositories', repositories]]),
    restNotes: [],
    head,
    beside: sources,
    networks: table(farm.pools.map((p) => [farm.pools.length > 1 ? p.name : '', p.networks] as const)),
    taken: { keys: new Set(farm.vms.flatMap((v) => [v.key, v.name])), profiles: new Set(named('profiles')) },
    defaults: text === null || (farm.vms.length === 0 && named('defaults').length === 0),
  };
};

const differing = (field: string, want: PlanChange['want'], { configured, running }: PlanChange['have']): string => {
  const [said, runs] = [configured, running].map((x) => (x.is === 'value' ? valueText(field, x) : 'nothing'));
  return said === runs || running.is === 'absent'
    ? `the cfg says ${said}, and this would make it ${valueText(field, want)}`
    : `the cfg says ${said}, and it runs with ${runs}`;
};

/** What a plan of the file would change, or refuses, of the VMs that are new in it; by key. */
const complaintsOf = (plan: Plan, keys: ReadonlySet<string>): ReadonlyMap<string, Complaint> => {
  const out = new Map<string, Complaint>();
  for (const vm of plan.vms) {
    if (!keys.has(vm.subject.name)) continue;
    const fields = vm.changes
      .filter((c) => c.fate !== 'released')
      .map(({ field, have, want }) => ({
        field,
        why: differing(field, want, have),
      }));
    if (fields.length > 0) out.set(vm.subject.name, { fields, refused: null });
  }
  for (const { subject, code, why, what } of plan.refused) {
    if (subject.kind !== 'vm' || !keys.has(subject.name) || out.has(subject.name)) continue;
    out.set(subject.name, { fields: [], refused: { code, why: `${what}: ${why}` } });
  }
  return out;
};

/** Repositories of which a plan would do more than mark them, or nothing; by name. */
const unwanted = (plan: Plan, names: ReadonlySet<string>): ReadonlySet<string> => {
  const off = new Set<string>();
  for (const { name, action, operations } of plan.repositories) {
    const ops = plan.operations.filter((o) => operations.includes(o.id));
    const marks = ops.every(({ op }) => op.verb === 'mark-repository');
    if (names.has(name) && (action !== 'attach' || !marks)) off.add(name);
  }
  for (const { subject } of plan.refused)
    if (subject.kind === 'repository') off.add(subject.name.slice(subject.name.indexOf('/') + 1));
  return off;
};

const mostRounds = 8;

/** Throws an `ExitError` where a server cannot be read: what is on it would be missing. */
const readAll = async (
  shell: Shell,
  farm: Farm,
  reader: Reader,
  from: SourceFlags,
  paths: ReadonlyMap<string, readonly string[]>,
): Promise<Observed> => {
  const observed = await readFarm(shell, farm, [], reader, from, paths);
  for (const { name, state } of farm.pools.flatMap((p) => p.servers)) {
    const seen = observed.get(name);
    if (state === 'off' || (seen && !isUnknown(seen))) continue;
    throw new ExitError(
      exit.unread,
      `${name} could not be read: ${seen?.why ?? 'it was not asked'}`,
      seen?.help ?? 'import writes nothing while it has seen a part of the farm only; `state: off` leaves a server out',
      seen?.reason ?? 'not-asked',
    );
  }
  return observed;
};

/** `only`: which of the VMs that were found are wanted. */
export const importLive = async (
  shell: Shell,
  base: Base,
  from: SourceFlags,
  only: (found: readonly Found[]) => readonly Found[],
): Promise<Live> => {
  const { farm } = base.loaded;
  const plain = await plainVm();
  const reader = await readerOf(shell, farm, from);
  try {
    const asked = pathsToRead(farm);
    const withPaths = (more: ReadonlyMap<string, readonly string[]>, pools: readonly PoolThere[]) =>
      new Map(
        farm.pools.flatMap((p) => {
          const stores = pools.filter((x) => x.name === p.name).flatMap(pathsOfStores);
          return p.servers.map(({ name }) => {
            const all = [...(asked.get(name) ?? []), ...(more.get(name) ?? []), ...stores, always];
            return [name, [...new Set(all)].sort(byText)] as const;
          });
        }),
      );
    const textOf = (made: Imported): string =>
      base.text === null ? farmText(made) : mergedText(base.text, blocksOf(made));
    const loadOf = async (made: Imported): Promise<Farm> => {
      const { sources } = base.loaded;
      const files = new Map(sources.map((s) => [s.file, new TextEncoder().encode(s.text)]));
      const own = base.text === null ? 'import.yaml' : (sources[0]?.file ?? '');
      files.set(own, new TextEncoder().encode(textOf(made)));
      const loaded = await loadFarm([...files.keys()], {
        look: async (path) => ({ is: 'file', size: files.get(path)?.length ?? 0 }),
        read: async (path) => files.get(path) ?? { failed: 'it is gone' },
      });
      if (!loaded.ok) throw new Error(`import makes no file that is right: ${loaded.diagnostics[0]?.message ?? ''}`);
      return loaded.farm;
    };

    // Who is there is known from a first reading; what they use has to be looked for in a second.
    const first = await readAll(shell, farm, reader, from, withPaths(new Map(), []));
    const before = vmsIn(farm, first, plain);
    const draft = imported(before.found, frameOf(base, {}, []));
    const wanted = pathsToRead(await loadOf(draft));
    const observed = await readAll(shell, farm, reader, from, withPaths(wanted, poolsThere(farm, first, before.found)));
    const { found: all, left } = vmsIn(farm, observed, plain);
    const found = only(all);
    const taken = new Set(farm.pools.flatMap((p) => Object.keys(p.repositories)));
    const stores = storesOf(poolsThere(farm, observed, found), taken);

    const complaints = new Map<string, Complaint[]>();
    const off = new Set<string>();
    for (let round = 0; ; round += 1) {
      const kept = wordsOf(Object.entries(stores.words).filter(([name]) => !off.has(name)));
      const head = [
        'Written by `reeve import`.',
        ...stores.notes,
        ...[...off].map(
          (name) =>
            `${JSON.stringify(stores.words[name])} could be repository ${name}: a plan would do more than mark it.`,
        ),
      ];
      const made = imported(found, frameOf(base, kept, head), complaints);
      if (made.problems.length > 0) throw new Error(`import makes no file that is right: ${made.problems.join('; ')}`);
      const now = await loadOf(made);
      const plan = makePlan(now, observed, defaultOptions, toolsOf(shell, new Map()));
      const told = complaintsOf(plan, new Set(made.shared.vms.keys()));
      const stray = unwanted(plan, new Set(Object.keys(kept)));
      if ((told.size === 0 && stray.size === 0) || round === mostRounds)
        return { made, left: [...left, ...made.left], text: textOf(made), notes: head.slice(1) };
      for (const name of stray) off.add(name);
      // What a repository brings about is not the VM's.
      if (stray.size === 0) for (const [key, c] of told) complaints.set(key, [...(complaints.get(key) ?? []), c]);
    }
  } finally {
    await reader.close();
  }
};
