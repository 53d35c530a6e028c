/** The keys of all files, merged: named things keep their file and pointer, and a name that is defined twice is an error. */
import { step, type Place, type Problems } from './problem.ts';
import type { Source } from './source.ts';
import type { FarmFile, FarmNetwork, FarmRepository, Image, Policy, Pool, Profile, Server, Ssh, Vm } from './types.ts';

/** Something of the file together with where it stands. */
export interface Entry<T> {
  readonly name: string;
  readonly body: T;
  readonly file: string;
  readonly pointer: string;
}

export type Named<T> = ReadonlyMap<string, Entry<T>>;

export interface Gathered {
  readonly farm: Entry<string> | undefined;
  readonly pools: Named<Pool>;
  readonly servers: Named<Server>;
  readonly networks: Named<FarmNetwork>;
  readonly repositories: Named<FarmRepository>;
  readonly templates: Named<Image>;
  readonly isos: Named<Image>;
  readonly profiles: Named<Profile>;
  readonly vms: Named<Vm>;
  /** By file. */
  readonly defaults: ReadonlyMap<string, Entry<Profile>>;
  readonly ssh: readonly Entry<Ssh>[];
  readonly policy: readonly Entry<Policy>[];
}

export const placeOf = (entry: { readonly file: string; readonly pointer: string }, on?: 'key'): Place =>
  on ? { file: entry.file, pointer: entry.pointer, on } : { file: entry.file, pointer: entry.pointer };

export const definedTwice = (what: string, first: Place, again: Place): Parameters<Problems['add']>[0] => ({
  code: 'duplicate-name',
  message: `${what} is defined twice`,
  at: again,
  hint: 'take one of them out, or rename it',
  related: [{ message: 'the first is here', at: first }],
});

export const gather = (sources: readonly Source[], problems: Problems): Gathered => {
  /** The entries of one map of names, from all files. */
  const named = <T>(what: string, key: keyof FarmFile): Named<T> => {
    const all = new Map<string, Entry<T>>();
    for (const { file, value } of sources) {
      for (const [name, body] of Object.entries(value[key] ?? {})) {
        const entry = { name, body: body as T, file, pointer: `/${key}${step(name)}` };
        const first = all.get(name);
        if (first) problems.add(definedTwice(`${what} ${name}`, placeOf(first, 'key'), placeOf(entry, 'key')));
        else all.set(name, entry);
      }
    }
    return all;
  };
  /** One top key, from each file that has it. */
  const each = <T>(key: keyof FarmFile): readonly Entry<T>[] =>
    sources
      .filter(({ value }) => value[key] !== undefined)
      .map(({ file, value }) => ({ name: key, body: value[key] as T, file, pointer: `/${key}` }));
  /** The same, where the files together may give each of its keys once. */
  const shared = <T extends object>(key: keyof FarmFile): readonly Entry<T>[] => {
    const all = each<T>(key);
    const seen = new Map<string, Place>();
    for (const { body, file, pointer } of all) {
      for (const inner of Object.keys(body)) {
        const at: Place = { file, pointer: `${pointer}${step(inner)}`, on: 'key' };
        const first = seen.get(inner);
        if (first) problems.add(definedTwice(`${key}.${inner}`, first, at));
        else seen.set(inner, at);
      }
    }
    return all;
  };
  const [farm, ...farms] = each<string>('farm');
  for (const again of farms) {
    if (farm) problems.add(definedTwice('the name of the farm', placeOf(farm), placeOf(again)));
  }
  return {
    farm,
    pools: named<Pool>('pool', 'pools'),
    servers: named<Server>('server', 'servers'),
    networks: named<FarmNetwork>('network', 'networks'),
    repositories: named<FarmRepository>('repository', 'repositories'),
    templates: named<Image>('template', 'templates'),
    isos: named<Image>('ISO', 'isos'),
    profiles: named<Profile>('profile', 'profiles'),
    vms: named<Vm>('VM', 'vms'),
    defaults: new Map(each<Profile>('defaults').map((e) => [e.file, e])),
    ssh: shared<Ssh>('ssh'),
    policy: shared<Policy>('policy'),
  };
};
