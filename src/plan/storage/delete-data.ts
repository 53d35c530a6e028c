/** What `--delete-data` takes out of a repository that goes: what carries this farm's marker, the store's own last; or why nothing may be. */
import type { Reason } from '../../core/reason.ts';
import { byText } from '../../core/order.ts';
import { ref } from '../../core/ref.ts';
import type { Farm, PoolSpec } from '../../kinds/farm.ts';
import type { ImageOp } from '../../kinds/image/ops.ts';
import { idOf } from '../../kinds/operations.ts';
import { fstabAt } from '../../kinds/repository/fstab.ts';
import { disksFolder, imagesFolder, type StoreSeen } from '../../kinds/repository/live.ts';
import type { RepositoryOp } from '../../kinds/repository/ops.ts';
import type { RepositorySpec } from '../../kinds/repository/spec.ts';
import { seenOn, type Observed } from '../../kinds/server/live.ts';
import { namesOf, type Users } from '../../kinds/server/users.ts';
import { baseOf } from '../model/path-availability.ts';
import { wantedPaths } from '../model/paths-to-read.ts';
import type { Node } from '../model/operation-graph.ts';
import { sharersOf, type Standing } from './repository-state.ts';

export interface Erasure {
  /** By server: what is done there before it is detached; the last takes the store's marker away. */
  readonly chains: ReadonlyMap<string, readonly Node[]>;
  /** False: there is nothing in it any more that is known to be ours. */
  readonly deletes: boolean;
  readonly warnings: readonly string[];
}

interface Scene {
  readonly farm: Farm;
  readonly observed: Observed;
  readonly covers: (pool: string) => boolean;
  readonly users: Users;
}

type There = Extract<StoreSeen, { is: 'there' }>;

const ours = (marker: { readonly farm: string } | 'odd' | null | undefined, farm: string): boolean =>
  marker !== null && marker !== undefined && marker !== 'odd' && marker.farm === farm;

/** Of a disk or an image; what a broken run left half made belongs to the marker that was written for it. */
const isOurs = (all: There['disks'] | There['images'], name: string, farm: string): boolean =>
  ours(all[name]?.marker, farm) ||
  (all[name]?.marker === null && name.endsWith('.part') && ours(all[name.replace(/\.part$/, '')]?.marker, farm));

const thereOn = ({ seen, mount }: Standing, { path }: RepositorySpec): There | null => {
  const store = seen.storage.stores[path];
  return store?.is === 'there' && !mount ? store : null;
};

/** An earlier run has taken its marker away, and broke off before it was detached. */
const isEmptied = (store: There | null, farm: string): boolean =>
  store !== null &&
  store.marker === null &&
  ![store.disks, store.images].some((all) => Object.keys(all).some((name) => isOurs(all, name, farm)));

/** An earlier run was detaching it there, and broke off before the server had forgotten it: data go before that begins. */
const isLetGo = ({ seen, mount, booked }: Standing, { path }: RepositorySpec): boolean =>
  mount && booked !== null && fstabAt(seen.storage.fstab?.text ?? '', path) === undefined;

/** Whether a server of this pool remembers it. */
const isBooked = ({ name }: RepositorySpec, { servers }: PoolSpec, { observed }: Scene): boolean =>
  servers.some((s) => {
    const book = seenOn(observed, s.name)?.storage.book?.value;
    return book !== null && book !== undefined && book !== 'odd' && name in book.repositories;
  });

/** Who has, or is to have, something in the store beyond what a detach looks at. */
const inUse = (spec: RepositorySpec, pool: PoolSpec, uuids: ReadonlySet<string>, scene: Scene): Reason | null => {
  const { farm, observed, covers, users } = scene;
  const others = sharersOf(spec, pool, scene.farm);
  for (const { pool: p, spec: same } of others) {
    if (same.state === 'present')
      return {
        code: 'store-of-other-pool',
        why: `pool ${p.name} keeps the same store`,
        help: 'it goes when no pool has it any more',
      };
    if (!covers(p.name))
      return {
        code: 'partial-run',
        why: `pool ${p.name} has the same store, and this run leaves it out`,
        help: 'leave out --pool',
      };
    const unread = p.servers.find((s) => s.state !== 'lost' && !seenOn(observed, s.name));
    if (unread)
      return {
        code: 'server-unread',
        why: `${unread.name} of pool ${p.name} could not be read: something there may use it`,
        help: `try again when ${unread.name} answers`,
      };
    const there = new Set(p.servers.map((s) => s.name));
    const names = namesOf(users.beneath(same.path).filter((u) => there.has(u.server)));
    if (names.length > 0)
      return {
        code: 'in-use',
        why: `${names.join(', ')} of pool ${p.name} has something in it`,
        help: 'move or delete that first',
      };
  }
  const known = new Set([pool, ...others.map((o) => o.pool)].flatMap((p) => p.servers.map((s) => s.name)));
  for (const server of observed.keys()) {
    const book = seenOn(observed, server)?.storage.book?.value;
    if (known.has(server) || !book || book === 'odd') continue;
    if (Object.values(book.repositories).some((r) => uuids.has(r.uuid)))
      return { code: 'store-of-other-pool', why: `${server} has the same store`, help: 'detach it there first' };
  }
  const folders = new Map([{ pool, spec }, ...others].map((o) => [o.pool.name, o.spec.path]));
  const wanted = farm.vms.filter(
    (v) =>
      folders.has(v.pool) &&
      v.state !== 'absent' &&
      wantedPaths(v).some((p) => p.startsWith(`${folders.get(v.pool)}/`)),
  );
  if (wanted.length > 0)
    return {
      code: 'in-use',
      why: `the file has something of ${wanted.map((v) => v.key).join(', ')} in it`,
      help: 'take that out of the file first',
    };
  return null;
};

/** The disks and images of one store that are this farm's, then its marker. */
const chainFor = (
  spec: RepositorySpec,
  pool: PoolSpec,
  s: Standing,
  store: There,
  uuid: string,
  farm: string,
  peers: readonly string[],
): readonly Node[] => {
  const base = { ...baseOf(spec, pool, s.server, farm), source: spec.source ?? '' };
  const node = (op: RepositoryOp): Node => ({ id: idOf(op), op });
  const mark = store.marker !== null && store.marker !== 'odd' && store.marker.shared ? { shared: true as const } : {};
  const named = (all: There['disks'] | There['images']): readonly string[] =>
    Object.keys(all)
      .filter((name) => isOurs(all, name, farm))
      .sort(byText);
  return [
    ...named(store.disks).map((name) => {
      const marker = store.disks[name]?.marker;
      const size = marker && marker !== 'odd' ? marker.size : null;
      const disk = `${disksFolder(spec.path)}/${name}`;
      const owner = marker ? { uuid: null, vdev: null } : null;
      return node({ ...base, verb: 'delete-disk', disk, size, of: null, owner, goes: false, copied: null, peers });
    }),
    ...named(store.images).flatMap((file): readonly Node[] => {
      const label = store.images[file]?.marker ?? store.images[file.replace(/\.part$/, '')]?.marker;
      if (!label || label === 'odd') return [];
      const op: ImageOp = {
        image: ref('image', `${pool.name}/${label.what}/${label.image}`),
        server: s.server,
        farm,
        name: label.image,
        what: label.what,
        repository: spec.name,
        folder: spec.path,
        path: `${imagesFolder(spec.path)}/${file}`,
        verb: 'remove-image',
      };
      return [{ id: idOf(op), op }];
    }),
    node({ ...base, verb: 'unmark-repository', uuid, suspended: store.saved.length, ...mark }),
  ];
};

/** What is left in a store, since it is nobody's or another's. */
const strangersIn = ({ disks, images }: There, farm: string): readonly string[] =>
  [disks, images].flatMap((all) => Object.keys(all).filter((name) => all[name]?.there && !isOurs(all, name, farm)));

/** `bound`: the servers from which it is detached, all of them in this run; nothing of their pool uses it. */
export const erasureOf = (
  spec: RepositorySpec,
  pool: PoolSpec,
  bound: readonly Standing[],
  scene: Scene,
): Erasure | Reason => {
  const farm = scene.farm.name;
  const warnings: string[] = [];
  const stores = new Map<string, { readonly s: Standing; readonly store: There }>();
  let emptied = 0;
  let blind = false;
  for (const s of bound) {
    const store = thereOn(s, spec);
    blind ||= isLetGo(s, spec);
    if (isEmptied(store, farm)) {
      emptied += 1;
      continue;
    }
    if (s.barred) return { ...s.barred, why: `${s.server}: ${s.barred.why}` };
    if (!store || !s.marker) continue;
    const [lease] = Object.keys(store.leases);
    if (lease !== undefined)
      return { code: 'lease-held', why: `a lease lies in it: ${lease}.json`, help: 'look who runs that VM' };
    // Of a shared store one server is as good as another.
    if (!stores.has(s.marker.uuid)) stores.set(s.marker.uuid, { s, store });
  }
  if (spec.shared && stores.size > 1)
    return {
      code: 'stores-differ',
      why: 'its servers have different stores there',
      help: 'look what is mounted on each',
    };
  if (stores.size === 0 && emptied === 0 && !blind)
    return {
      code: 'store-unread',
      why: 'it is mounted on no server, so that nobody sees what is in it',
      help: `mount ${spec.path} on one of them, or detach it without --delete-data`,
    };
  const bar = inUse(spec, pool, new Set(stores.keys()), scene);
  if (bar) return bar;
  if (emptied > 0)
    warnings.push(
      `repository ${spec.name} has no marker any more: what is in it now is not known to be ours, and stays`,
    );
  if (stores.size === 0 && emptied === 0)
    warnings.push(
      `repository ${spec.name} is mounted nowhere, since an earlier run began to detach it: what may be left in it stays`,
    );
  const deletes = stores.size > 0;
  // Of several pools that have it, the first does it.
  const others = new Set(sharersOf(spec, pool, scene.farm).map((o) => o.pool));
  const first = scene.farm.pools.find((p) => p === pool || (others.has(p) && isBooked(spec, p, scene)));
  if (first !== pool) return { chains: new Map(), deletes, warnings };
  const read = pool.servers.flatMap(({ name }) => (seenOn(scene.observed, name) ? [name] : []));
  const chains = new Map<string, readonly Node[]>();
  for (const [uuid, { s, store }] of stores) {
    const peers = spec.shared ? read.filter((name) => name !== s.server) : [];
    chains.set(s.server, chainFor(spec, pool, s, store, uuid, farm, peers));
    const left = strangersIn(store, farm);
    if (left.length > 0)
      warnings.push(
        `repository ${spec.name} on ${s.server}: ${left.join(', ')} stays: no marker of this farm says whose it is`,
      );
  }
  return { chains, deletes, warnings };
};
