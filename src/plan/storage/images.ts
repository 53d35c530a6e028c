/** The templates and ISOs of the run's pools: fetched where they are wanted and not there, removed where they are to go. */
import type { Reason } from '../../core/reason.ts';
import picomatch from 'picomatch';
import { sortedBy } from '../../core/order.ts';
import { ref, type Ref } from '../../core/ref.ts';
import type { PoolSpec } from '../../kinds/farm.ts';
import { idOf } from '../../kinds/image/describe.ts';
import type { ImageOp } from '../../kinds/image/ops.ts';
import { serversOwnFolder, type ImageSpec } from '../../kinds/image/spec.ts';
import { imageName, imagesFolder, type StoredImage } from '../../kinds/repository/live.ts';
import type { RepositorySpec } from '../../kinds/repository/spec.ts';
import type { Refusal } from '../../kinds/plan.ts';
import { seenOn, type ServerSeen } from '../../kinds/server/live.ts';
import { namesOf, pathsOfConfig } from '../../kinds/server/users.ts';
import type { Decision } from '../decide/decide.ts';
import type { Node } from '../model/operation-graph.ts';
import { unresolvedReason, type Unresolved } from '../../kinds/vm/facts.ts';
import { type Roof, roofOver } from '../model/path-availability.ts';
import type { Space, Want } from './space-accounting.ts';
import { unreadIn } from '../model/unread-servers.ts';
import type { StoragePlan, StorageScene } from './repositories.ts';
import { sharersOf, standingOf, storeOf } from './repository-state.ts';

export interface ImagePlan {
  /** What brings an image, by id; those of servers by themselves only run where something needs them. */
  readonly fetches: ReadonlyMap<string, Node>;
  /** Ids of those that run whoever needs them. */
  readonly always: ReadonlySet<string>;
  readonly removals: readonly Node[];
  readonly refused: readonly Refusal[];
  /** By server: the files that are not there, or not yet. */
  readonly roofs: ReadonlyMap<string, readonly Roof[]>;
}

const subjectOf = (pool: string, { what, name }: Pick<ImageSpec, 'what' | 'name'>): Ref<'image'> =>
  ref('image', `${pool}/${what}/${name}`);

const storedOn = (seen: ServerSeen, image: ImageSpec): StoredImage | undefined => {
  const store = seen.storage.stores[image.folder];
  return store?.is === 'there' ? store.images[imageName(image.path)] : undefined;
};

type Standing = { readonly is: 'there' } | { readonly is: 'wanted' } | ({ readonly is: 'barred' } & Reason);

/** How an image stands on one server. */
const standing = (image: ImageSpec, seen: ServerSeen, roof: Roof | undefined): Standing => {
  if (roof?.is === 'barred') return roof;
  if (image.repository === null && seen.storage.stores[image.folder]?.is === 'stuck')
    return {
      is: 'barred',
      code: 'store-silent',
      why: `${image.folder} does not answer`,
      help: 'look at the disk of the server',
    };
  if (roof?.is === 'coming') return { is: 'wanted' };
  const found = storedOn(seen, image);
  if (!found?.there) return { is: 'wanted' };
  const { marker } = found;
  const right = marker !== null && marker !== 'odd' && marker.sha256 === (image.sha256 ?? '');
  if (right) return { is: 'there' };
  return {
    is: 'barred',
    code: 'image-unmarked',
    why: `${image.path} is there, and not marked as ${image.what} ${image.name}`,
    help: 'move it away: Reeve fetches it anew',
  };
};

const repositoryOf = (pool: PoolSpec, { repository }: ImageSpec): RepositorySpec | undefined =>
  repository === null ? undefined : pool.repositories[repository];

/** Another pool, which has the same store, sees it there. */
const seenBeyond = (image: ImageSpec, pool: PoolSpec, { farm, observed }: StorageScene): boolean => {
  const home = repositoryOf(pool, image);
  return (home ? sharersOf(home, pool, farm) : []).some(({ pool: { servers }, spec }) =>
    servers.some(({ name }) => {
      const seen = seenOn(observed, name);
      if (!seen) return false;
      const { mount, barred, marker } = standingOf(spec, farm.name, name, seen);
      const path = `${imagesFolder(spec.path)}/${imageName(image.path)}`;
      const there = { ...image, folder: spec.path, path };
      return !mount && !barred && marker !== null && standing(there, seen, undefined).is === 'there';
    }),
  );
};

const baseOf = (pool: PoolSpec, image: ImageSpec, server: string, farm: string) => ({
  image: subjectOf(pool.name, image),
  server,
  farm,
  name: image.name,
  what: image.what,
  repository: image.repository,
  folder: image.folder,
  path: image.path,
});

const idle = (fetchers: readonly string[]): Reason => ({
  code: 'no-fetcher',
  why: `no server with the role utility can fetch it now (${fetchers.join(', ')})`,
  help: 'look at those servers, or give another one the role',
});

export const planImages = (scene: StorageScene, storage: StoragePlan, space: Space): ImagePlan => {
  const { farm, observed, options, covers } = scene;
  const fetches = new Map<string, Node>();
  const always = new Set<string>();
  const removals: Node[] = [];
  const refused: Refusal[] = [];
  const roofs = new Map<string, Roof[]>();
  const matches = options.targets.length === 0 ? () => true : picomatch([...options.targets]);
  const inRun = (image: Pick<ImageSpec, 'what' | 'name'>): boolean =>
    options.cause !== 'drift' && matches(`${image.what}/${image.name}`);
  /** Of stores that several pools may have: what brings a file there. */
  const coming = new Map<string, string>();
  const removed = new Set<string>();
  const cover = (server: string, roof: Roof): unknown => roofs.set(server, [...(roofs.get(server) ?? []), roof]);

  for (const pool of farm.pools.filter((p) => covers(p.name))) {
    const seen = pool.servers.flatMap((s) => {
      const x = seenOn(observed, s.name);
      return x ? [{ server: s.name, seen: x }] : [];
    });
    const utility = pool.servers.filter((s) => s.roles.includes('utility'));
    // Where nobody has the role, it is everybody's.
    const fetchers = new Set((utility.length > 0 ? utility : pool.servers).map((s) => s.name));
    const present = pool.images.filter((i) => i.state === 'present');
    present.forEach((image, n) => {
      const all = seen.map(({ server, seen: x }) => {
        const roof = storage.roofs.get(server)?.find((r) => r.repository === image.repository);
        return { server, seen: x, ...standing(image, x, roof) };
      });
      const label = `${image.what} ${image.name}`;
      // One server's look at a shared store is as good as another's.
      if (image.shared && (all.some((s) => s.is === 'there') || seenBeyond(image, pool, scene))) return;
      const able = all.filter((s) => s.is === 'wanted' && (!image.shared || fetchers.has(s.server)));
      const add = (server: string): string => {
        const op: ImageOp = {
          ...baseOf(pool, image, server, farm.name),
          verb: 'fetch-image',
          source: image.source,
          sha256: image.sha256 ?? null,
          size: image.size ?? null,
        };
        const id = idOf(op);
        fetches.set(id, { id, op });
        return id;
      };
      const home = repositoryOf(pool, image);
      const file = image.shared && home ? `${storeOf(home, pool)}\n${imageName(image.path)}` : null;
      // Two that write into one file would spoil it: the second pool waits for the first one's fetch.
      const other = file === null ? undefined : coming.get(file);
      // Downloads of one store are spread over its servers.
      const fetcher = image.shared && other === undefined ? able[n % Math.max(1, able.length)] : undefined;
      const full = fetcher && inRun(image) ? lacking(image, pool, fetcher) : null;
      if (full)
        refused.push({
          subject: subjectOf(pool.name, image),
          what: `${label} would be fetched`,
          ...unresolvedReason(full),
          needs: null,
        });
      const id = other ?? (fetcher && !full ? add(fetcher.server) : undefined);
      if (id !== undefined && file !== null) coming.set(file, id);
      if (id !== undefined && inRun(image)) always.add(id);
      for (const s of all) {
        const roof = { repository: label, path: image.path };
        if (s.is === 'barred') cover(s.server, { ...s, ...roof });
        if (s.is !== 'wanted') continue;
        if (full) cover(s.server, { ...roof, is: 'barred', ...unresolvedReason(full) });
        else if (image.shared && id === undefined) cover(s.server, { ...roof, is: 'barred', ...idle([...fetchers]) });
        else cover(s.server, { ...roof, is: 'coming', after: id ?? add(s.server) });
      }
    });
    remove(pool, seen);
  }
  return { fetches, always, removals, refused, roofs };

  /** Of one that has begun to come, the rest is what counts: that is known when it is fetched. */
  function lacking(
    image: ImageSpec,
    pool: PoolSpec,
    { server, seen }: { server: string; seen: ServerSeen },
  ): Unresolved | null {
    const store = seen.storage.stores[image.folder];
    const begun = store?.is === 'there' && `${imageName(image.path)}.part` in store.images;
    if (image.size === undefined || begun) return null;
    return space.take(pool.name, server, [{ folder: image.folder, size: image.size }]);
  }

  /** Those that the file says are to go, and with `--prune` those that it no longer has, other versions among them. */
  function remove(pool: PoolSpec, seen: readonly { readonly server: string; readonly seen: ServerSeen }[]): void {
    const wantedBy = (p: PoolSpec): ReadonlySet<string> =>
      new Set(p.images.filter((i) => i.state === 'present').map((i) => i.path));
    const homes = [
      ...Object.values(pool.repositories).filter((r) => r.type !== 'lvm' && r.state === 'present'),
      { name: null, path: serversOwnFolder, shared: false },
    ];
    for (const home of homes) {
      const spec = home.name === null ? undefined : pool.repositories[home.name];
      // An export is one store, whoever mounts it, and wherever.
      const others = (spec ? sharersOf(spec, pool, farm) : []).map((o) => ({ pool: o.pool, path: o.spec.path }));
      const all = [{ pool, path: home.path }, ...others].map((o) => ({ ...o, wanted: wantedBy(o.pool) }));
      const blind = home.shared ? all.flatMap((o) => unreadIn(o.pool, observed)) : [];
      for (const { server, seen: x } of seen) {
        const store = x.storage.stores[home.path];
        for (const [file, { marker }] of store?.is === 'there' ? Object.entries(store.images) : []) {
          const path = `${imagesFolder(home.path)}/${file}`;
          const at = all.map((o) => ({ ...o, path: `${imagesFolder(o.path)}/${file}` }));
          if (marker === null || marker === 'odd' || marker.farm !== farm.name) continue;
          if (at.some((o) => o.wanted.has(o.path))) continue;
          const { what, image: name } = marker;
          const gone = pool.images.some((i) => i.what === what && i.name === name && i.state === 'absent');
          if (!(gone || (options.prune && options.targets.length === 0)) || !inRun({ what, name })) continue;
          const key = home.shared && spec ? `${storeOf(spec, pool)}\n${file}` : `${server}\n${path}`;
          if (removed.has(key)) continue;
          removed.add(key);
          const users = namesOf(
            at.flatMap((o) => {
              const sees = new Set(home.shared ? o.pool.servers.map((x) => x.name) : [server]);
              return scene.users.of(o.path).filter((u) => sees.has(u.server));
            }),
          );
          if (users.length > 0 || blind.length > 0) {
            refused.push({
              subject: subjectOf(pool.name, { what, name }),
              what: `${what} ${name} would be removed${home.shared ? '' : ` from ${server}`}`,
              code: users.length > 0 ? 'in-use' : 'server-unread',
              why: users.length > 0 ? `${users.join(', ')} has it` : `${blind.join(' and ')} could not be read`,
              help:
                users.length > 0
                  ? 'take it out of their drives first'
                  : `try again when ${blind.join(' and ')} answers`,
              needs: null,
            });
            continue;
          }
          const op: ImageOp = {
            image: subjectOf(pool.name, { what, name }),
            server,
            farm: farm.name,
            name,
            what,
            repository: home.name,
            folder: home.path,
            path,
            verb: 'remove-image',
          };
          removals.push({ id: idOf(op), op });
        }
      }
    }
  }
};

/** The images that this VM has fetched, and whose room is not `counted`: by operation. */
export const fetchedFor = (
  { transition: t }: Decision,
  roofs: readonly Roof[] | undefined,
  { fetches }: ImagePlan,
  counted: ReadonlySet<string>,
): ReadonlyMap<string, Want> => {
  const paths = t ? [...t.make.flatMap((m) => m.from?.path ?? []), ...pathsOfConfig(t.want.config)] : [];
  return new Map(
    paths.flatMap((path): (readonly [string, Want])[] => {
      const roof = roofOver(roofs, path);
      const op = roof?.is === 'coming' && !counted.has(roof.after) ? fetches.get(roof.after)?.op : undefined;
      if (roof?.is !== 'coming' || op?.verb !== 'fetch-image' || op.size === null) return [];
      return [[roof.after, { folder: op.folder, size: op.size }]];
    }),
  );
};

/** In the plan's order of pools and names. */
export const imageBlocks = (nodes: readonly Node[]) =>
  sortedBy(
    nodes.flatMap(({ id, op }) =>
      'image' in op
        ? [
            {
              subject: op.image,
              name: op.name,
              what: op.what,
              pool: op.image.name.split('/')[0] ?? '',
              path: op.path,
              action: op.verb === 'fetch-image' ? ('fetch' as const) : ('remove' as const),
              operations: [id],
            },
          ]
        : [],
    ),
    (b) => `${b.subject.name} ${b.operations[0]}`,
  );
