/** The repositories of one pool, and what no two of them may share. */
import type { PoolSpec } from '../kinds/farm.ts';
import type { RepositorySpec, RepositoryType } from '../kinds/repository/spec.ts';
import { refuse, type Spoiled } from './around.ts';
import { placeOf, type Entry, type Gathered, type Named } from './gather.ts';
import { flagAt, layerOf, lookUp, placeIn, textAt, type Found } from './layers.ts';
import type { Place, Problems } from './problem.ts';
import { inner, servedIn } from './served.ts';
import type { FarmRepository, Pool, Repository } from './types.ts';
import { badStorePath, badVolumeGroup, withoutSlash } from '../kinds/repository/place.ts';
import { badMountOptions, badNfsSource, badServerPath, plainSource } from './words.ts';
import { table } from '../core/table.ts';

/** By type: the keys that it cannot do without, each with what it looks like. */
const needed: Readonly<Record<RepositoryType, Readonly<Record<string, string>>>> = {
  dir: { path: 'its folder on each server, like /srv/vmstore' },
  nfs: {
    source: 'the export, like filer:/export/vmstore',
    path: 'where it is mounted on each server, like /srv/vmstore',
  },
  lvm: {},
};

/** The keys that only one type has. */
const typed: readonly (readonly [key: string, type: Repository['type']])[] = [
  ['source', 'nfs'],
  ['options', 'nfs'],
  ['volumeGroup', 'lvm'],
  ['path', 'dir'],
];

export const repositoriesOf = (
  pool: string,
  entry: Entry<Pool> | null,
  all: Gathered,
  problems: Problems,
  spoiled: Spoiled,
): Readonly<Record<string, RepositorySpec>> => {
  const own = inner(entry, 'repositories', entry?.body.repositories);
  const specs = servedIn<Repository>('repository', pool, all.repositories, own, problems).flatMap(
    (repository) => resolveRepository(repository, problems, spoiled) ?? [],
  );
  checkPaths(specs, problems);
  return table(specs.map((s) => [s.name, s]));
};

/** Null where its type or path is none. */
const resolveRepository = (entry: Entry<Repository>, problems: Problems, spoiled: Spoiled): RepositorySpec | null => {
  const layers = [layerOf(entry)];
  // One without a type, or of a type that is not built, was told already.
  const type = textAt(layers, 'type') as Found<RepositoryType> | undefined;
  if (!type) return null;
  checkKeys(entry, type, problems, spoiled);
  const nfs = type.value === 'nfs';
  const lvm = type.value === 'lvm';
  const group = lvm ? textAt(layers, 'volumeGroup') : undefined;
  refuse(problems, 'a volume group', group, badVolumeGroup);
  const path = lvm ? undefined : textAt(layers, 'path');
  const source = nfs ? textAt(layers, 'source') : undefined;
  const options = nfs ? textAt(layers, 'options') : undefined;
  const shared = lookUp(layers, ['shared']);
  refuse(problems, 'the path of a repository', path, (p) => badServerPath(p) ?? badStorePath(p));
  refuse(problems, 'the source of an nfs repository', source, badNfsSource);
  refuse(problems, 'the options of a mount', options, badMountOptions);
  if (nfs && shared?.value === false) {
    problems.add({
      code: 'bad-value',
      message: `repository ${entry.name} is nfs, and cannot be \`shared: false\``,
      at: placeIn(shared),
      hint: 'an export is one store for all servers: take `shared` out, or make it `type: dir`, one folder per server',
    });
  }
  if (lvm ? badVolumeGroup(group?.value ?? entry.name) !== null : !path || badStorePath(path.value) !== null)
    return null;
  return {
    name: entry.name,
    type: type.value,
    source: source && plainSource(source.value),
    path: path ? withoutSlash(path.value) : `/dev/${group?.value ?? entry.name}`,
    options: options?.value ?? '',
    shared: flagAt(layers, 'shared') ?? nfs,
    state: (textAt(layers, 'state')?.value ?? 'present') as RepositorySpec['state'],
    origin: placeOf(entry),
  };
};

/** The keys that its type needs, and those that it does not have. */
const checkKeys = (
  entry: Entry<Repository>,
  type: Found<RepositoryType>,
  problems: Problems,
  spoiled: Spoiled,
): void => {
  const layers = [layerOf(entry)];
  const missing = Object.entries(needed[type.value]).filter(
    ([key]) => !lookUp(layers, [key]) && !spoiled(entry.file, `${entry.pointer}/${key}`),
  );
  if (missing.length > 0) {
    problems.add({
      code: 'missing-key',
      message: `repository ${entry.name} has no ${missing.map(([key]) => `"${key}"`).join(' and no ')}`,
      at: placeOf(entry, 'key'),
      hint: missing.map(([key, like]) => (missing.length > 1 ? `${key}: ${like}` : like)).join('; '),
    });
  }
  for (const [key, only] of typed) {
    // A volume group has no path; the others have.
    const fits = only === type.value || (key === 'path' && type.value === 'nfs');
    const found = fits ? undefined : lookUp(layers, [key]);
    if (!found) continue;
    problems.add({
      code: 'other-type',
      message: `\`${key}\` is for ${only}, and repository ${entry.name} is ${type.value}`,
      at: placeIn(found, 'key'),
      hint: only === 'nfs' ? 'take it out, or make it `type: nfs`' : 'take it out',
      related: [{ message: `it is ${type.value} here`, at: placeIn(type) }],
    });
  }
};

const placeOfKey = ({ origin }: RepositorySpec, key: 'path' | 'source'): Place => ({
  file: origin.file,
  pointer: `${origin.pointer}/${key}`,
});

/** One in another would be hidden by its mount, or be taken for what lies in it; one that shall be gone still is there. */
const checkPaths = (specs: readonly RepositorySpec[], problems: Problems): void => {
  const byPath = new Map<string, RepositorySpec>();
  const tell = (message: string, first: RepositorySpec, again: RepositorySpec): void =>
    problems.add({
      code: 'shared',
      message,
      at: placeOfKey(again, 'path'),
      hint: 'give each a folder of its own, side by side',
      related: [{ message: `${first.name} has it here`, at: placeOfKey(first, 'path') }],
    });
  for (const spec of specs) {
    const first = byPath.get(spec.path);
    if (first) tell(`repositories ${first.name} and ${spec.name} have one path ${spec.path}`, first, spec);
    else byPath.set(spec.path, spec);
  }
  for (const spec of byPath.values()) {
    for (let end = spec.path.lastIndexOf('/'); end > 0; end = spec.path.lastIndexOf('/', end - 1)) {
      const outer = byPath.get(spec.path.slice(0, end));
      if (!outer) continue;
      tell(`repository ${spec.name} lies in repository ${outer.name}: ${spec.path}`, outer, spec);
      break;
    }
  }
};

/** A store is marked with the name of its repository, so that one source has one name in the whole farm. */
export const checkSources = (pools: readonly PoolSpec[], problems: Problems): void => {
  const taken = new Map<string, RepositorySpec>();
  for (const spec of pools.flatMap((p) => Object.values(p.repositories))) {
    if (spec.source === undefined) continue;
    // The names of hosts are the same in capitals.
    const source = spec.source.replace(/^.*?:\//, (host) => host.toLowerCase());
    const first = taken.get(source);
    if (!first) taken.set(source, spec);
    else if (first.name !== spec.name) {
      problems.add({
        code: 'shared',
        message: `repositories ${first.name} and ${spec.name} have one source ${spec.source}`,
        at: placeOfKey(spec, 'source'),
        hint: 'a store is one repository: give each an export of its own, or take one of them out',
        related: [{ message: `${first.name} has it here`, at: placeOfKey(first, 'source') }],
      });
    }
  }
};

/** A run holds one pool's servers: a volume group that two pools had would have two writers. One that goes may go everywhere. */
export const checkGroups = (top: Named<FarmRepository>, pools: readonly PoolSpec[], problems: Problems): void => {
  for (const entry of top.values()) {
    const served = pools.filter(({ repositories }) => {
      const spec = Object.hasOwn(repositories, entry.name) ? repositories[entry.name] : undefined;
      const same = spec?.origin.file === entry.file && spec.origin.pointer === entry.pointer;
      return same && spec.type === 'lvm' && spec.shared && spec.state === 'present';
    });
    const [first] = served;
    if (!first || served.length < 2) continue;
    const names = served.map((p) => p.name);
    const said = lookUp([layerOf(entry)], ['pools']) ?? lookUp([layerOf(entry)], ['shared']);
    problems.add({
      code: 'shared',
      message: `the shared volume group of repository ${entry.name} serves pools ${names.slice(0, -1).join(', ')} and ${names.at(-1)}: its metadata have one writer, so it belongs to one pool`,
      at: said ? placeIn(said) : placeOf(entry, 'key'),
      hint: `give it to one pool (\`pools: [${first.name}]\`); where each has a LUN of its own, write one repository into each pool`,
    });
  }
};
