/** What mounts, marks, remembers and lets go of a repository on one server. */
import type { Condition, Lowered, Step } from '../../../core/step.ts';
import { mountOptions, withEntry, withoutEntry } from '../../../kinds/repository/fstab.ts';
import { isVolumeGroup, type StoreBook, type StoreMarker, type Storage } from '../../../kinds/repository/live.ts';
import type { RepositoryOp } from '../../../kinds/repository/ops.ts';
import type { ServerSeen } from '../../../kinds/server/live.ts';
import { exec, quickMs, tried } from './domain-steps.ts';
import type { Unsupported } from './lowering.ts';
import { deleteDisk, diskLines } from './disk.ts';
import { alone } from './shared-volumes.ts';
import { bookPath } from '../read/storage.ts';
import { tagOfStore } from '../read/volumes.ts';
import { table } from '../../../core/table.ts';

type Of<Verb extends RepositoryOp['verb']> = Extract<RepositoryOp, { readonly verb: Verb }>;

/** mount.nfs tries a server that is dead for two minutes by itself. */
const mountMs = 90_000;

const fstabPath = '/etc/fstab';
const markerPath = (path: string): string => `${path}/.reeve.json`;

const text = (path: string, content: string, onlyIf: string): Step => ({
  do: 'write',
  path,
  bytes: new TextEncoder().encode(content),
  mode: 0o644,
  onlyIf,
});

const fstab = ({ fstab: now }: Storage, edit: (text: string) => string): Step =>
  text(fstabPath, edit(now?.text ?? ''), now?.digest ?? 'absent');

const mountArgv = (op: Of<'attach-repository'>): readonly string[] => [
  'mount',
  '-t',
  'nfs',
  '-o',
  mountOptions(op.options),
  op.source,
  op.path,
];

/** `null`: nothing of its own is mounted at the path of a dir. */
const mounted = ({ path, source }: RepositoryOp): readonly Condition[] =>
  source === '' ? [] : [{ is: 'mounted', path, source }];

const attach = (op: Of<'attach-repository'>, { storage }: ServerSeen): Lowered => ({
  before: op.mount ? [{ is: 'mounted', path: op.path, source: null }] : mounted(op),
  steps: [
    exec(['mkdir', '-p', op.path]),
    ...(op.mount ? [exec(mountArgv(op), mountMs)] : []),
    ...(op.persist ? [fstab(storage, (now) => withEntry(now, op))] : []),
  ],
  after: [...mounted(op), { is: 'folder', path: op.path }],
  afterMs: quickMs,
});

/** A line, so that the reading needs no parser of its own for it. */
const line = (value: StoreMarker): string => `${JSON.stringify(value)}\n`;

const bookText = (value: StoreBook): string => `${JSON.stringify(value, null, 2)}\n`;

const tagArgv = (path: string, marker: StoreMarker, how = '--addtag'): readonly string[] => [
  'vgchange',
  '-q',
  how,
  tagOfStore(marker),
  path.slice('/dev/'.length),
];

/** The book with another set of repositories; refused where what stands there cannot be read. */
const book = (
  { book: now }: Storage,
  farm: string,
  edit: (all: StoreBook['repositories']) => StoreBook['repositories'],
): readonly Step[] | Unsupported => {
  if (now?.value === 'odd') return { unsupported: `${bookPath} cannot be read: mend it, or move it away` };
  const repositories = edit(now?.value.repositories ?? table());
  return [
    exec(['mkdir', '-p', '/etc/reeve']),
    text(bookPath, bookText({ format: 1, farm, repositories }), now?.digest ?? 'absent'),
  ];
};

const mark = (op: Of<'mark-repository'>, { storage }: ServerSeen): Lowered | Unsupported => {
  const { path, farm, name } = op;
  const store = storage.stores[path];
  const marker = store?.is === 'there' ? store.marker : null;
  const isStore: Condition = { is: 'store', path, farm, repository: name, uuid: op.uuid };
  const fits = marker === null && op.fresh !== null ? [] : [isStore];
  const before: readonly Condition[] = [...mounted(op), { is: 'folder', path }, ...fits];
  const uuid = marker === null || marker === 'odd' ? op.fresh : marker.uuid;
  if (uuid === null) return { before, steps: [], after: [], afterMs: quickMs };
  const remembered = book(storage, farm, (all) => ({ ...all, [name]: { path, uuid } }));
  if ('unsupported' in remembered) return remembered;
  const own: StoreMarker = { format: 1, farm, repository: name, uuid, ...(op.shared ? { shared: true } : {}) };
  const tag = exec(tagArgv(path, own));
  const fresh = isVolumeGroup(path)
    ? op.shared
      ? { ...tag, alone: path }
      : tag
    : text(markerPath(path), line(own), 'absent');
  return {
    before,
    steps: [...(marker === null ? [fresh] : []), ...remembered],
    after: [
      { is: 'store', path, farm, repository: name, uuid },
      { is: 'booked', name, path, on: true },
    ],
    afterMs: quickMs,
  };
};

/** Beside disks and images, what Reeve keeps in a store; leases are looked for before. */
const keptIn = (path: string): readonly string[] => ['leases', 'autostart', 'suspended'].map((f) => `${path}/${f}`);

const unmarkArgvs = (op: Of<'unmark-repository'>): readonly (readonly string[])[] => {
  const { path, farm, name: repository, uuid, shared } = op;
  return isVolumeGroup(path)
    ? [tagArgv(path, { format: 1, farm, repository, uuid, ...(shared ? { shared } : {}) }, '--deltag')]
    : [
        ['rm', '-rf', ...keptIn(path)],
        ['rm', '-f', markerPath(path)],
      ];
};

/** What came into the store since the plan was made keeps its marker. */
const stillIn = ({ farm, path }: RepositoryOp, { stores }: Storage): string | undefined => {
  const store = stores[path];
  if (store?.is !== 'there') return undefined;
  const [lease] = Object.keys(store.leases);
  if (lease !== undefined) return `leases/${lease}.json`;
  const isOurs = (m: { readonly farm: string } | 'odd' | null): boolean => m !== null && m !== 'odd' && m.farm === farm;
  return [store.disks, store.images].flatMap((all) =>
    Object.keys(all).filter((n) => isOurs(all[n]?.marker ?? null)),
  )[0];
};

const unmark = (op: Of<'unmark-repository'>, { storage }: ServerSeen): Lowered | Unsupported => {
  const { path, farm, name, uuid } = op;
  const left = stillIn(op, storage);
  if (left !== undefined) return { unsupported: `${path} holds ${left}, which the plan did not see` };
  const folders = isVolumeGroup(path) ? [] : [tried(['rmdir', `${path}/disks`, `${path}/images`])];
  return {
    before: [...mounted(op), { is: 'store', path, farm, repository: name, uuid }],
    // A folder that holds what is not ours stays.
    steps: [...folders, ...unmarkArgvs(op).map((argv) => alone(exec(argv), path, storage))],
    after: [{ is: 'unmarked', path }],
    afterMs: quickMs,
  };
};

const detach = (op: Of<'detach-repository'>, { storage }: ServerSeen): Lowered | Unsupported => {
  const { path, name, farm } = op;
  const forgotten = op.booked
    ? book(storage, farm, (all) => table(Object.entries(all).filter(([n]) => n !== name)))
    : [];
  if ('unsupported' in forgotten) return forgotten;
  return {
    before: op.mounted ? mounted(op) : [],
    // Without its line no boot mounts it again, and what is mounted without one is known to be let go of.
    steps: [
      ...(op.persisted ? [fstab(storage, (now) => withoutEntry(now, path))] : []),
      ...(op.mounted ? [exec(['umount', path], mountMs)] : []),
      ...forgotten,
    ],
    after: [
      ...(op.mounted ? [{ is: 'mounted', path, source: null } as const] : []),
      { is: 'booked', name, path, on: false },
    ],
    afterMs: quickMs,
  };
};

export const lowerRepository = (op: RepositoryOp, seen: ServerSeen): Lowered | Unsupported => {
  switch (op.verb) {
    case 'attach-repository':
      return attach(op, seen);
    case 'mark-repository':
      return mark(op, seen);
    case 'delete-disk':
      return deleteDisk(op, seen);
    case 'unmark-repository':
      return unmark(op, seen);
    case 'detach-repository':
      return detach(op, seen);
  }
};

const markLines = ({
  fresh: uuid,
  path,
  farm,
  name: repository,
  shared,
}: Of<'mark-repository'>): readonly (readonly string[])[] => {
  if (uuid === null) return [];
  const own: StoreMarker = { format: 1, farm, repository, uuid, ...(shared ? { shared } : {}) };
  return [isVolumeGroup(path) ? tagArgv(path, own) : ['write', markerPath(path)]];
};

/** For the plan's reader. */
export const repositoryLines = (op: RepositoryOp): readonly (readonly string[])[] => {
  switch (op.verb) {
    case 'attach-repository':
      return [
        ['mkdir', '-p', op.path],
        ...(op.mount ? [mountArgv(op)] : []),
        ...(op.persist ? [['write', fstabPath]] : []),
      ];
    case 'mark-repository':
      return [...markLines(op), ['write', bookPath]];
    case 'delete-disk':
      return diskLines(op);
    case 'unmark-repository':
      return unmarkArgvs(op);
    case 'detach-repository':
      return [
        ...(op.persisted ? [['write', fstabPath]] : []),
        ...(op.mounted ? [['umount', op.path]] : []),
        ...(op.booked ? [['write', bookPath]] : []),
      ];
  }
};
