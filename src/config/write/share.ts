/**
 * What VMs have in common, so that it stands in the file once. The rule, which depends on nothing but what is there:
 *
 * - A profile for each way to build a VM that two or more have: type, boot, display, serial, tablet, on, cpupool and `xl`, the
 *   same in all of it. Its name is made of what it holds, so that another VM changes no name.
 * - `defaults` for type, vcpus and memory, each where more than half of the VMs, and three or more, have the same.
 */
import { canonical, digestText } from '../../core/digest.ts';
import { byText } from '../../core/order.ts';
import { table } from '../../core/table.ts';
import { isWords, wordAt, without, wordsOf, type Note, type Word, type Words } from './tree.ts';
import type { Written } from './vm.ts';

/** What a profile may hold. */
const built = ['type', 'boot', 'display', 'serial', 'tablet', 'cpupool', 'on', 'xl'] as const;
/** What `defaults` may hold: every VM has a value of its own otherwise. */
const usual = ['type', 'vcpus', 'memory'] as const;

export interface SharedWords {
  readonly defaults: Words;
  /** By name. */
  readonly profiles: Readonly<Record<string, Words>>;
  /** By key. */
  readonly vms: ReadonlyMap<string, Written>;
}

const isBuilt = (key: string): boolean => (built as readonly string[]).includes(key);

/** What only one VM can have is no part of a profile. */
const ownTo = (notes: readonly Note[]): boolean => notes.some(({ at: [top = ''] }) => isBuilt(top));

const buildOf = ({ words, notes }: Written): Words | null => {
  const build = wordsOf(built.map((key) => [key, words[key]] as const));
  return ownTo(notes) || Object.keys(build).length < 2 ? null : build;
};

/** `hvm-uefi`, `pv-pygrub`; with four digits of what it holds where that is more than the name says. */
const profileName = (build: Words): string => {
  const word = (...path: readonly string[]): string => {
    const found = wordAt(build, path);
    return typeof found === 'string' ? found : '';
  };
  const [firmware, bootloader] = [word('boot', 'firmware'), word('boot', 'bootloader')];
  const boots = firmware === '' && bootloader === 'pygrub' ? bootloader : firmware;
  const plain = boots === '' ? word('type') : `${word('type')}-${boots}`;
  const told = Object.keys(build).length === 2 && boots !== '' && Object.keys(build['boot'] ?? {}).length === 1;
  return told ? plain : `${plain}-${digestText(canonical(build)).slice(0, 4)}`;
};

const counted = (items: Iterable<string>): readonly (readonly [string, number])[] => {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts];
};

/** Whether a VM has it all itself: what it leaves open would be the default's. */
const saysWhole = (word: Word | undefined): boolean =>
  isWords(word) ? word['count'] !== undefined || word['target'] !== undefined : word !== undefined;

const defaultsOf = (all: readonly Words[]): Words =>
  wordsOf(
    usual.map((key) => {
      if (!all.every((w) => saysWhole(w[key]))) return [key, undefined] as const;
      // A pair would be mixed with what a VM says of one half.
      const values = all.flatMap(({ [key]: v }) => (v === undefined || isWords(v) ? [] : [v]));
      const most = counted(values.map(canonical)).find(([, n]) => n >= 3 && n * 2 > all.length);
      return [key, most && values.find((v) => canonical(v) === most[0])] as const;
    }),
  );

/** `profiles`: names that the file has already. `defaults`: whether there may be any. */
export const sharedWords = (
  vms: ReadonlyMap<string, Written>,
  may: { readonly profiles: ReadonlySet<string>; readonly defaults: boolean },
): SharedWords => {
  const builds = new Map([...vms].map(([key, w]) => [key, buildOf(w)] as const));
  const popular = new Set(
    counted([...builds.values()].flatMap((b) => (b === null ? [] : [canonical(b)]))).flatMap(([b, n]) =>
      n > 1 ? [b] : [],
    ),
  );
  const named = new Map<string, Words>();
  const profileOf = new Map<string, string>();
  for (const [key, build] of builds) {
    if (build === null || !popular.has(canonical(build))) continue;
    const name = profileName(build);
    if (may.profiles.has(name)) continue;
    named.set(name, build);
    profileOf.set(key, name);
  }
  const defaults = may.defaults ? defaultsOf([...vms.values()].map((w) => w.words)) : table<never>();
  const own = ([key, { words, notes }]: readonly [string, Written]): readonly [string, Written] => {
    const profile = profileOf.get(key);
    let left: Words = words;
    const drop = (path: readonly string[]): void => {
      left = without(left, path);
    };
    if (profile !== undefined) for (const part of built) drop([part]);
    const isDefault = (part: string): boolean =>
      words[part] !== undefined && defaults[part] !== undefined && canonical(words[part]) === canonical(defaults[part]);
    for (const part of usual) if (isDefault(part) && !(profile !== undefined && isBuilt(part))) drop([part]);
    return [
      key,
      {
        words: wordsOf([...(profile === undefined ? [] : [['profile', profile] as const]), ...Object.entries(left)]),
        notes,
      },
    ];
  };
  return {
    defaults,
    profiles: table<Words>([...named].sort(([a], [b]) => byText(a, b))),
    vms: new Map([...vms].map(own)),
  };
};
