/** What a change of the file means: two farms, both resolved, compared thing by thing and field by field. */
import { sameValue } from '../core/digest.ts';
import { byText, sortedBy } from '../core/order.ts';
import { formatDuration, formatSize } from '../core/quantity.ts';
import { table } from '../core/table.ts';
import type { Farm, PoolSpec } from './farm.ts';
import { isLocal } from './image/spec.ts';
import type { DiskSpec, VmSpec } from './vm/spec.ts';
import { inlineText, queryName } from './written.ts';

export type DiffKind = 'farm' | 'policy' | 'pool' | 'server' | 'repository' | 'image' | 'vm';

/** In which order they are told. */
const diffKinds: readonly DiffKind[] = ['farm', 'policy', 'pool', 'server', 'repository', 'image', 'vm'];

export interface FieldDiff {
  /** `memory.target`, `disks.xvda.size` */
  readonly field: string;
  /** As people write it; null: the file says nothing. */
  readonly from: string | null;
  readonly to: string | null;
  /** It is a command that runs where Reeve runs. */
  readonly runs: boolean;
}

export interface ThingDiff {
  readonly kind: DiffKind;
  /** Within the farm: `web-1`, `ams1/vmstore`; '' for the farm and its policy. */
  readonly name: string;
  readonly is: 'added' | 'removed' | 'changed';
  /** The key that the VM had before; null: the same. */
  readonly was: string | null;
  /** Of what is removed: none. */
  readonly fields: readonly FieldDiff[];
}

/** By field: its text. */
type Fields = Readonly<Record<string, string>>;
type Things = ReadonlyMap<string, Fields>;

const inKib = /(?:^|\.)(?:memory\.(?:target|max)|size)$/;

const leafText = (field: string, v: unknown): string => {
  if (typeof v === 'number' && inKib.test(field)) return formatSize(v);
  if (typeof v === 'number' && field.endsWith('within')) return formatDuration(v);
  if (Array.isArray(v)) return v.map((x) => (typeof x === 'object' ? JSON.stringify(x) : String(x))).join(', ');
  return String(v);
};

const leaves = (v: unknown, at: string): readonly (readonly [string, string])[] => {
  if (v === undefined || v === null || (Array.isArray(v) && v.length === 0)) return [];
  if (typeof v !== 'object' || Array.isArray(v)) return [[at, leafText(at, v)]];
  return Object.entries(v as Readonly<Record<string, unknown>>).flatMap(([key, x]) =>
    leaves(x, at === '' ? key : `${at}.${key}`),
  );
};

/** Told otherwise, or only for messages. */
const unsaid = { origin: undefined, name: undefined } as const;

const fieldsOf = (spec: object): Fields => table(leaves(spec, ''));

const mapped = <T>(map: Readonly<Record<string, T>> | undefined, of: (x: T) => object): object =>
  table(Object.entries(map ?? {}).map(([name, x]) => [name, of(x)] as const));

const poolFields = ({ networks, migrationKey, spare, overcommit }: PoolSpec): Fields =>
  fieldsOf({
    networks: mapped(networks, ({ bridge, vlan }) => ({ bridge, vlan })),
    migration: { key: migrationKey },
    spare,
    overcommit,
  });

const diskFields = ({ path, made, adopt, access, format, backend }: DiskSpec): object => {
  const { repository, size } = made ?? adopt ?? {};
  const template = made?.from?.template ?? undefined;
  return { path: path === '' ? undefined : path, repository, size, template, access, format, backend };
};

/** What each part of a spec is in the file: the compiler names one that is missing here. */
const vmParts = (v: VmSpec): Readonly<Record<keyof VmSpec, object | undefined>> => ({
  key: undefined,
  name: v.name === v.key ? undefined : { name: v.name },
  uuid: { uuid: v.uuid },
  pool: { pool: v.pool },
  servers: { servers: v.servers },
  apart: { apart: v.apart.map((a) => (a.soft ? `${a.group} (soft)` : a.group)) },
  state: v.stateOpen ? undefined : { state: v.state },
  stateOpen: undefined,
  type: { type: v.type },
  vcpus: { vcpus: v.vcpus },
  memory: { memory: v.memory },
  boot: { boot: v.boot },
  settings: v.settings,
  disks: { disks: mapped(v.disks, diskFields) },
  cdroms: { cdrom: mapped(v.cdroms, ({ path }) => ({ path: path ?? 'empty' })) },
  nics: { networks: v.nics },
  xl: { xl: v.xl },
  autostart: { autostart: v.autostart },
  after: { after: v.after },
  ready: v.ready && { ready: { host: v.ready.host, port: v.ready.port, from: v.ready.from, within: v.ready.withinMs } },
  shutdownMs: { shutdown: { within: v.shutdownMs } },
  formerly: undefined,
  cloudInit: undefined,
  protect: { protect: v.protect || undefined },
  rides: { rides: v.rides || undefined },
  deleteDisks: { deleteDisks: v.deleteDisks || undefined },
  budget: { budget: v.budget },
  origin: undefined,
});

const vmFields = (farm: Farm, vm: VmSpec): Fields => {
  const seeds = (['userData', 'metaData', 'networkConfig'] as const).flatMap((part) => {
    const said = vm.cloudInit?.[part];
    if (said === undefined || said === null) return [];
    if ('secret' in said) return [[`cloudInit.${part}`, said.secret] as const];
    // What stands there may hold a password, and is compared only.
    return [[`cloudInit.${part}`, hidden(farm.written?.[inlineText(vm.key, part)])] as const];
  });
  const parts = Object.values(vmParts(vm)).flatMap((part) => (part === undefined ? [] : leaves(part, '')));
  return table([...parts, ...seeds]);
};

/** Marks a text that is compared and not shown. */
const veil = '\u0000';
const hidden = (value: string | undefined): string => `${veil}${value ?? ''}`;
const shown = (text: string | undefined, other: string): string | null => {
  if (text === undefined) return null;
  return text.startsWith(veil) ? other : text;
};

const imageFields = (farm: Farm, image: PoolSpec['images'][number]): Fields => {
  const { source, sha256, size, format, repository, state } = image;
  const query = farm.written?.[queryName(image)];
  return table([
    ...Object.entries(
      fieldsOf({ source, sha256, size: isLocal(source) ? undefined : size, format, repository, state }),
    ),
    ...(query === undefined ? [] : [['source (its query)', hidden(query)] as const]),
  ]);
};

const thingsOf = (farm: Farm, kind: DiffKind): Things => {
  switch (kind) {
    case 'farm':
      return new Map([['', table([['name', farm.name]])]]);
    case 'policy':
      return new Map([['', fieldsOf(farm.policy)]]);
    case 'pool':
      return new Map(farm.pools.map((p) => [p.name, poolFields(p)]));
    case 'server':
      return new Map(farm.pools.flatMap((p) => p.servers.map((s) => [s.name, fieldsOf({ ...s, ...unsaid })])));
    case 'repository':
      return new Map(
        farm.pools.flatMap((p) =>
          Object.values(p.repositories).map((r) => [`${p.name}/${r.name}`, fieldsOf({ ...r, ...unsaid })] as const),
        ),
      );
    case 'image':
      return new Map(
        farm.pools.flatMap((p) =>
          p.images.map((i) => [`${p.name}/${i.what}/${i.name}`, imageFields(farm, i)] as const),
        ),
      );
    case 'vm':
      return new Map(farm.vms.map((v) => [v.key, vmFields(farm, v)]));
  }
};

const runsHere = (kind: DiffKind, field: string): boolean =>
  (kind === 'server' && field.startsWith('fence.')) || (kind === 'policy' && field.startsWith('before.'));

const fieldDiffs = (kind: DiffKind, from: Fields, to: Fields): readonly FieldDiff[] =>
  [...new Set([...Object.keys(from), ...Object.keys(to)])].sort(byText).flatMap((field) =>
    from[field] === to[field]
      ? []
      : [
          {
            field,
            from: shown(from[field], 'a text'),
            to: shown(to[field], from[field] === undefined ? 'a text' : 'another text'),
            runs: runsHere(kind, field),
          },
        ],
  );

const none: Fields = table();

const diffOf = (
  kind: DiffKind,
  from: Things,
  to: Things,
  formerly: ReadonlyMap<string, string>,
): readonly ThingDiff[] => {
  const moved = new Set(formerly.values());
  const now = [...to].flatMap(([name, fields]): readonly ThingDiff[] => {
    const old = formerly.get(name);
    const before = from.get(old ?? name);
    const diffs = fieldDiffs(kind, before ?? none, fields);
    if (before && diffs.length === 0 && old === undefined) return [];
    return [{ kind, name, is: before ? 'changed' : 'added', was: old ?? null, fields: diffs }];
  });
  const gone = [...from.keys()].flatMap((name): readonly ThingDiff[] =>
    to.has(name) || moved.has(name) ? [] : [{ kind, name, is: 'removed', was: null, fields: [] }],
  );
  return sortedBy([...now, ...gone], (d) => d.name);
};

/** By kind, then by name; nothing of what stays. Null: there is no farm there. */
export const farmDiff = (from: Farm | null, to: Farm | null): readonly ThingDiff[] =>
  diffKinds.flatMap((kind) => {
    const [old, now] = [from, to].map((f): Things => (f === null ? new Map() : thingsOf(f, kind)));
    if (old === undefined || now === undefined) return [];
    const renames = (to?.vms ?? []).flatMap((v) =>
      kind === 'vm' && v.formerly !== undefined && old.has(v.formerly) && !old.has(v.key)
        ? [[v.key, v.formerly] as const]
        : [],
    );
    return diffOf(kind, old, now, new Map(renames));
  });

/** Things of one kind to which the same happens. */
export interface DiffGroup {
  readonly first: ThingDiff;
  readonly names: readonly string[];
}

/** In order of the first of each; what is new or renamed stands alone, unless nothing of it is its own. */
export const foldDiff = (diff: readonly ThingDiff[]): readonly DiffGroup[] => {
  const groups: { readonly first: ThingDiff; readonly names: string[] }[] = [];
  const byFields = new Map<string, { readonly first: ThingDiff; readonly names: string[] }>();
  for (const d of diff) {
    const key = JSON.stringify([d.kind, d.is, d.was, d.fields]);
    const group = byFields.get(key);
    if (group && sameValue(group.first.fields, d.fields)) group.names.push(d.name);
    else {
      const made = { first: d, names: [d.name] };
      byFields.set(key, made);
      groups.push(made);
    }
  }
  return groups;
};
