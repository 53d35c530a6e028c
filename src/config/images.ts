/** The templates and ISOs, and where each pool keeps them. */
import { digestText } from '../core/digest.ts';
import { sortedBy } from '../core/order.ts';
import { withoutUserinfo } from '../core/userinfo.ts';
import type { PoolSpec } from '../kinds/farm.ts';
import { isLocal, queryOf, serversOwnFolder, shownSource, type ImageSpec } from '../kinds/image/spec.ts';
import { imagesFolder } from '../kinds/repository/live.ts';
import type { RepositorySpec } from '../kinds/repository/spec.ts';
import { queryName } from '../kinds/written.ts';
import { refuse } from './around.ts';
import { placeOf, type Entry, type Gathered } from './gather.ts';
import { layerOf, placeIn, textAt } from './layers.ts';
import { didYouMean, type Problems } from './problem.ts';
import { servedIn } from './served.ts';
import type { Image } from './types.ts';
import { badImageSource } from './words.ts';

const nouns = { templates: 'template', isos: 'iso' } as const;

/** By the end of its source. */
const formatOf = (source: string): ImageSpec['format'] | undefined =>
  (['raw', 'qcow2'] as const).find((format) => source.replace(/[?#].*$/, '').endsWith(`.${format}`));

/** A password that is written so oddly that nothing can tell where it ends. */
const hidesPassword = (source: string): boolean =>
  source.includes('@') && badImageSource(source) !== null && withoutUserinfo(source) === source;

/** What is wrong with an image whichever pool it serves; told once. */
export const checkImages = (all: Gathered, pools: readonly PoolSpec[], problems: Problems): void => {
  for (const [key, what] of Object.entries(nouns) as [keyof typeof nouns, ImageSpec['what']][]) {
    for (const entry of all[key].values()) {
      const layers = [layerOf(entry)];
      const source = textAt(layers, 'source');
      const noun = `the source of ${what === 'iso' ? 'an ISO' : 'a template'}`;
      if (source && hidesPassword(source.value))
        problems.add({
          code: 'bad-value',
          message: `${noun} holds a password`,
          at: placeIn(source),
          hint: 'plans show it: give it an address without one',
          conceal: true,
        });
      else refuse(problems, noun, source, badImageSource);
      const format = textAt(layers, 'format');
      if (what === 'iso') refuse(problems, 'the format of an ISO', format, () => 'an ISO has none: take it out');
      else if (source && !format && badImageSource(source.value) === null && formatOf(source.value) === undefined) {
        problems.add({
          code: 'missing-key',
          message: `template ${entry.name} has no "format", and its source does not tell it`,
          at: placeIn(source),
          hint: 'add `format: qcow2` or `format: raw` (what is called .img may be either: `qemu-img info` tells)',
        });
      }
      if (source && isLocal(source.value) && badImageSource(source.value) === null && !textAt(layers, 'sha256')) {
        problems.add({
          code: 'missing-key',
          message: `${what} ${entry.name} is uploaded from here, and has no "sha256"`,
          at: placeIn(source, 'key'),
          hint: `\`sha256sum ${source.value}\` tells it: the plan says what bytes it brings`,
        });
      }
      const repository = textAt(layers, 'repository');
      const names = [...new Set(pools.flatMap((p) => keepers(p.repositories).map((r) => r.name)))];
      if (repository && !names.includes(repository.value)) {
        problems.add({
          code: 'unknown-repository',
          message: `there is no repository ${JSON.stringify(repository.value)} that could keep ${what} ${entry.name}`,
          at: placeIn(repository),
          hint: didYouMean(repository.value, names, 'repository'),
        });
      }
    }
  }
};

/** Those that hold files. */
const keepers = (repositories: Readonly<Record<string, RepositorySpec>>): readonly RepositorySpec[] =>
  Object.values(repositories).filter((r) => r.type !== 'lvm' && r.state === 'present');

/** By `queryName`: of the images that have one. */
export const queriesOf = (all: Gathered): readonly (readonly [string, string])[] =>
  (Object.entries(nouns) as [keyof typeof nouns, ImageSpec['what']][]).flatMap(([key, what]) =>
    [...all[key].values()].flatMap(({ name, body }) => {
      const query = queryOf(body.source ?? '');
      return query === '' ? [] : [[queryName({ what, name }), query] as const];
    }),
  );

interface Home {
  readonly repository: string | null;
  readonly folder: string;
  readonly shared: boolean;
}

const own: Home = { repository: null, folder: serversOwnFolder, shared: false };

const homeOf = (
  entry: Entry<Image>,
  what: string,
  pool: string,
  repositories: Readonly<Record<string, RepositorySpec>>,
  problems: Problems,
): Home | null => {
  const all = keepers(repositories);
  const said = entry.body.repository;
  const found = said === undefined ? (all.length === 1 ? all[0] : undefined) : all.find((r) => r.name === said);
  if (found) return { repository: found.name, folder: found.path, shared: found.shared };
  if (said !== undefined) return null;
  if (all.length === 0) return own;
  problems.add({
    code: 'missing-key',
    message: `${what} ${entry.name} names no repository, and pool ${pool} has ${all.length} that could keep it`,
    at: placeOf(entry, 'key'),
    hint: `add \`repository\`: ${all.map((r) => r.name).join(', ')}`,
  });
  return null;
};

/** Those of one pool; one that names a repository which this pool has not is not there. */
export const imagesOf = (
  pool: string,
  repositories: Readonly<Record<string, RepositorySpec>>,
  all: Gathered,
  problems: Problems,
): readonly ImageSpec[] => {
  const specs = (Object.entries(nouns) as [keyof typeof nouns, ImageSpec['what']][]).flatMap(([key, what]) =>
    servedIn<Image>(what, pool, all[key], new Map(), problems).flatMap((entry): readonly ImageSpec[] => {
      const { source, sha256, state } = entry.body;
      if (source === undefined || badImageSource(source) !== null) return [];
      const home = homeOf(entry, what, pool, repositories, problems);
      const format = what === 'iso' ? 'raw' : (entry.body.format ?? formatOf(source));
      if (!home || !format) return [];
      // Its query may be a signature, and another one tomorrow.
      const shown = shownSource(source);
      const id = (sha256 ?? digestText(shown)).slice(0, 8);
      return [
        {
          ...home,
          name: entry.name,
          what,
          source: shown,
          sha256,
          size: undefined,
          format,
          path: `${imagesFolder(home.folder)}/${entry.name}-${id}.${what === 'iso' ? 'iso' : format}`,
          state: state ?? 'present',
          origin: placeOf(entry),
        },
      ];
    }),
  );
  return sortedBy(specs, (s) => `${s.what}/${s.name}`);
};
