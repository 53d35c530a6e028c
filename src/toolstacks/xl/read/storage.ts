/** The storage of a dom0: its mounts, fstab, the book of its repositories, and what lies at their paths. Pure. */
import { digestBytes, digestText } from '../../../core/digest.ts';
import { isObject, parseJson, type JsonObject } from '../../../core/json.ts';
import { badName, badPath } from '../../../core/name.ts';
import { unescaped } from '../../../kinds/repository/fstab.ts';
import type {
  DiskMarker,
  ImageMarker,
  Lease,
  Mount,
  Storage,
  StoreBook,
  StoredDisk,
  StoreMarker,
  StoreSeen,
} from '../../../kinds/repository/live.ts';
import { printed } from './bytes.ts';
import type { TarEntry } from './tar.ts';
import { namedLine } from './told.ts';
import { table } from '../../../core/table.ts';

export const parseMounts = (text: string): readonly Mount[] =>
  text.split('\n').flatMap((line): readonly Mount[] => {
    const [source, path, type] = line.split(' ');
    return source === undefined || path === undefined || type === undefined
      ? []
      : [{ source: unescaped(source), path: unescaped(path), type }];
  });

/** Null where it is no object of the one format that there is. */
const parsed = (text: string): JsonObject | null => {
  const read = parseJson(text);
  return read.ok && isObject(read.value) && read.value['format'] === 1 ? read.value : null;
};

const isText = (x: unknown): x is string => typeof x === 'string';
const isCount = (x: unknown): x is number => Number.isSafeInteger(x) && Number(x) >= 0 && Number(x) < 2 ** 50;
const isUuid = (x: unknown): x is string => isText(x) && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(x);
/** A store is written to by others: what becomes part of a path or of a command is a plain word. */
const isName = (x: unknown): x is string => isText(x) && badName(x, 'name') === null;
const isWord = (x: unknown): x is string => isText(x) && /^[A-Za-z0-9]{1,32}$/.test(x);

export const parseMarker = (text: string): StoreMarker | 'odd' => {
  const x = parsed(text);
  if (!x) return 'odd';
  const { farm, repository, uuid } = x;
  return isText(farm) && isText(repository) && isText(uuid) ? { format: 1, farm, repository, uuid } : 'odd';
};

const parseOwner = (text: string): DiskMarker | 'odd' => {
  const x = parsed(text);
  if (!x) return 'odd';
  const { farm, vm, uuid, vdev, size, as } = x;
  return isName(farm) && isName(vm) && isUuid(uuid) && isWord(vdev) && isWord(as) && isCount(size)
    ? { format: 1, farm, vm, uuid, vdev, size, as }
    : 'odd';
};

const parseLabel = (text: string): ImageMarker | 'odd' => {
  const x = parsed(text);
  if (!x) return 'odd';
  const { farm, image, what, sha256 } = x;
  return isName(farm) && isName(image) && isText(sha256) && (what === 'template' || what === 'iso')
    ? { format: 1, farm, image, what, sha256 }
    : 'odd';
};

export const markerSuffix = '.reeve.json';

interface Kept<M> {
  there: boolean;
  special?: true;
  marker: M | 'odd' | null;
}

/** What lies in one of a store's folders, by file name. `file` and `marker`: the words that its lines begin with. */
const keptIn = <M>(
  lines: readonly string[],
  [folder, file, marker]: readonly [string, string, string],
  parse: (text: string) => M | 'odd',
): Readonly<Record<string, Kept<M>>> => {
  const found: Record<string, Kept<M>> = table();
  const at = (name: string): Kept<M> => (found[name] ??= { there: false, marker: null });
  for (const line of lines) {
    const special = line.startsWith(`special ${folder}/`) ? line.slice(`special ${folder}/`.length) : null;
    if (special !== null && !special.endsWith(markerSuffix)) Object.assign(at(special), { there: true, special: true });
    if (line.startsWith(`${file} `) && !line.endsWith(markerSuffix)) at(line.slice(file.length + 1)).there = true;
    const of = namedLine(line, marker);
    if (of?.name.endsWith(markerSuffix)) at(of.name.slice(0, -markerSuffix.length)).marker = parse(of.content);
  }
  return found;
};

/** KiB that a marked file takes, where the server told: a sparse one may still grow. */
const withAllocated = (disks: Readonly<Record<string, StoredDisk>>, lines: readonly string[]): typeof disks => {
  const taken = new Map(
    lines.flatMap((l) => {
      const [, blocks, name] = /^blocks (\d{1,15}) (.+)$/.exec(l) ?? [];
      return name === undefined ? [] : [[name, Math.ceil(Number(blocks) / 2)] as const];
    }),
  );
  if (taken.size === 0) return disks;
  return table(
    Object.entries(disks).map(([name, d]) => {
      const allocated = taken.get(name);
      const known = allocated !== undefined && d.there && d.marker !== null && d.marker !== 'odd';
      return [name, known ? { ...d, allocated } : d] as const;
    }),
  );
};

/** A lease of another VM's name, whose UUID is a path or whose generation none can follow, is none. */
const parseLease = (text: string, name: string): Lease | 'odd' => {
  const x = parsed(text);
  if (!x || !isObject(x['disks'])) return 'odd';
  const { farm, vm, uuid, server, boot, generation } = x;
  const disks = Object.entries(x['disks']).filter((d): d is [string, string] => isText(d[1]) && isWord(d[0]));
  const whole = disks.length === Object.keys(x['disks']).length && uuid === name && isText(boot);
  return whole && isName(farm) && isName(vm) && isUuid(uuid) && isName(server) && isCount(generation)
    ? { format: 1, farm, vm, uuid, server, boot, generation, disks: table(disks) }
    : 'odd';
};

/** Their digest is that of the file, which is the line and its end. */
const leasesIn = (lines: readonly string[]): Extract<StoreSeen, { is: 'there' }>['leases'] =>
  table(
    lines.flatMap((line) => {
      const [, link] = /^special leases\/(.+)\.json$/.exec(line) ?? [];
      if (link !== undefined) return [[link, { lease: 'odd' as const, digest: 'special' }] as const];
      const of = namedLine(line, 'lease');
      if (of === null) return [];
      const uuid = of.name.slice(0, -'.json'.length);
      return [[uuid, { lease: parseLease(of.content, uuid), digest: digestText(`${of.content}\n`) }] as const];
    }),
  );

const parseBook = (text: string): StoreBook | 'odd' => {
  const x = parsed(text);
  if (!x || !isText(x['farm']) || !isObject(x['repositories'])) return 'odd';
  const repositories: Record<string, { path: string; uuid: string }> = table();
  for (const [name, value] of Object.entries(x['repositories'])) {
    if (!isObject(value) || !isText(value['path']) || !isText(value['uuid'])) return 'odd';
    if (badPath(value['path']) !== null) return 'odd';
    repositories[name] = { path: value['path'], uuid: value['uuid'] };
  }
  return { format: 1, farm: x['farm'], repositories };
};

/** `df -Pk`: file system, blocks, used, available, capacity, mount point; the name of the first may hold blanks. */
const spaceOf = (line: string): { readonly size: number; readonly free: number } | null => {
  const m = /\s(\d+)\s+\d+\s+(\d+)\s+\S+\s+\//.exec(line);
  return m ? { size: Number(m[1]), free: Number(m[2]) } : null;
};

const storeOf = (lines: readonly string[]): StoreSeen => {
  if (!lines.includes('end')) return { is: 'stuck' };
  if (!lines.includes('folder')) return { is: 'missing' };
  const after = (word: string): string | undefined =>
    lines.find((l) => l.startsWith(`${word} `))?.slice(word.length + 1);
  const marker = after('marker');
  const astray = lines.flatMap(
    (l) => /^special ((?:disks|images|leases|suspended|autostart)|autostart\/.*)$/.exec(l)?.[1] ?? [],
  );
  const starts = lines.flatMap((l) => /^start ([^/]+\/[^/]+\.cfg)$/.exec(l)?.[1] ?? []);
  return {
    is: 'there',
    ...(astray.length === 0 ? {} : { astray }),
    ...(starts.length === 0 ? {} : { starts }),
    marker: marker === undefined ? null : parseMarker(marker),
    empty: !lines.includes('used'),
    space: spaceOf(after('df') ?? ''),
    disks: withAllocated(keptIn(lines, ['disks', 'disk', 'owner'], parseOwner), lines),
    images: keptIn(lines, ['images', 'image', 'label'], parseLabel),
    saved: lines.flatMap((l) => /^saved (.+)\.save$/.exec(l)?.[1] ?? []),
    leases: leasesIn(lines),
  };
};

/** `asked`: with their slash. What the text did not come to is stuck. */
export const parseStores = (
  told: ReadonlyMap<number, readonly string[]>,
  asked: readonly string[],
): { readonly stores: Storage['stores']; readonly problems: readonly string[] } => {
  // By what they say they are: a recorded answer may be of another list.
  const byPath = new Map(
    [...told].flatMap(([n, lines]) => (n === 0 ? [] : [[lines[0]?.replace(/^store /, ''), lines] as const])),
  );
  const problems = asked.flatMap((path) => {
    const odd = (byPath.get(path) ?? []).filter((l) => l === 'odd').length;
    return odd === 0
      ? []
      : [
          `${path.slice(0, -1)}: ${odd === 1 ? 'a file was' : `${odd} files were`} not looked at: control characters in the name`,
        ];
  });
  return {
    stores: table(asked.map((path) => [path.slice(0, -1), storeOf(byPath.get(path) ?? [])])),
    problems,
  };
};

const fileOf = (entries: readonly TarEntry[], name: string): Uint8Array | null => {
  const found = entries.find((e) => e.name === name);
  return found?.is === 'file' ? found.bytes : null;
};

export const bookPath = '/etc/reeve/repositories.json';

/** What the tar holds of it. */
export const filesOfStorage = (entries: readonly TarEntry[]): Pick<Storage, 'fstab' | 'book'> => {
  const fstab = fileOf(entries, 'etc/fstab');
  const book = fileOf(entries, bookPath.slice(1));
  return {
    fstab: fstab && { text: printed(fstab), digest: digestBytes(fstab) },
    book: book && { value: parseBook(printed(book)), digest: digestBytes(book) },
  };
};
