/** The disks that Reeve makes: where each of a VM's is, or is to be. */
import type { ReasonCode } from '../../core/reason.ts';
import { digestText } from '../../core/digest.ts';
import { badPath } from '../../core/name.ts';
import { formatSize } from '../../core/quantity.ts';
import { disksFolder, isVolumeGroup } from '../../kinds/repository/live.ts';
import { isDiskIn, notMarked, notOwned, storedAt, type DiskOwner } from '../../kinds/repository/owner.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import { pathsUsed, type Users } from '../../kinds/server/users.ts';
import type { GrownDisk, NewDisk, TakenDisk } from '../../kinds/vm/draft.ts';
import type { Unresolved } from '../../kinds/vm/facts.ts';
import { deriveUuid } from '../../kinds/vm/identity.ts';
import type { LiveVm } from '../../kinds/vm/live.ts';
import type { AdoptedDisk, DiskSpec, MadeDisk, VmSpec } from '../../kinds/vm/spec.ts';
import { settleSeed } from './cloud-init-seed.ts';
import type { Settled } from '../model/settled-disks.ts';
import { table } from '../../core/table.ts';

const unresolved = (code: ReasonCode, why: string, help: string): Unresolved => ({ code, unresolved: why, help });

interface Owner extends DiskOwner {
  readonly vdev: string;
}

/**
 * Not at any disk that is or was there: a name that is used twice must not meet old bytes. One whose making was cut has its
 * marker and no name: it is made anew in the same place, so that nothing of it is left.
 */
const freePath = (
  { farm, uuid, vdev }: Owner,
  spec: VmSpec,
  made: MadeDisk,
  format: string,
  seen: ServerSeen,
): string => {
  const store = seen.storage.stores[made.folder];
  const folder = disksFolder(made.folder);
  const end = isVolumeGroup(made.folder) ? '' : `.${format}`;
  const known = new Set([
    ...Object.entries(store?.is === 'there' ? store.disks : {}).flatMap(([name, stored]) =>
      !stored.there && notMarked(stored, { farm, uuid, vdev }) === null ? [] : [`${folder}/${name}`],
    ),
    ...pathsUsed(seen),
  ]);
  for (let n = 0; ; n += 1) {
    const id = digestText(`${farm}/${spec.pool}/${spec.key}/${vdev}/${n}`).slice(0, 8);
    const path = `${folder}/${spec.key}-${vdev}-${id}${end}`;
    if (!known.has(path)) return path;
  }
};

/** LVM rounds up to whole extents, of 4 MiB unless somebody chose others. */
const slack = (folder: string): number => (isVolumeGroup(folder) ? 4 * 1024 : 0);

/** A disk of the VM: what its marker must say. */
const ownerOf = (spec: VmSpec, live: LiveVm | null, farm: string, vdev: string): Owner => ({
  farm,
  uuid: live?.uuid ?? spec.uuid ?? deriveUuid(farm, spec.key),
  vdev,
});

/** What is wrong with a disk that the VM has already, or null. One that was never marked is the VM's because its cfg says so. */
const trouble = (key: string, path: string, made: MadeDisk, owner: Owner, seen: ServerSeen): Unresolved | null => {
  const stored = storedAt(seen.storage, made.folder, path);
  const { vdev } = owner;
  if (stored === undefined) return null;
  if (!stored?.there)
    return unresolved(
      'disk-gone',
      `disk ${vdev} of ${key} is gone: ${path} is not in repository ${made.repository} any more`,
      `bring it back; or delete ${key} (\`state: absent\`) and make it anew`,
    );
  const { marker } = stored;
  const not = notMarked(stored, owner);
  if (not !== null && (marker !== null || stored.special))
    return unresolved(
      'disk-not-own',
      `disk ${vdev} of ${key} is not its own: ${path} ${not}`,
      'look who changed its cfg or its marker',
    );
  if (marker === null || marker === 'odd' || marker.size < made.size + Math.max(1, slack(made.folder))) return null;
  const [is, wanted] = [formatSize(marker.size), formatSize(made.size)];
  return unresolved(
    'disk-shrinks',
    `disk ${vdev} of ${key} would shrink from ${is} to ${wanted}`,
    `a disk is never shrunk: write size: ${is}`,
  );
};

/** What it is to grow from, in KiB; null: it is large enough, or Reeve does not know how large it is. */
const smaller = (path: string, { folder, size }: MadeDisk, seen: ServerSeen): number | null => {
  const marker = storedAt(seen.storage, folder, path)?.marker;
  return marker && marker !== 'odd' && marker.size < size ? marker.size : null;
};

/** The farm's store on this server that the path is a disk of; null: none is. */
const storeOver = ({ storage }: ServerSeen, farm: string, path: string): string | null =>
  Object.entries(storage.stores).find(
    ([folder, store]) =>
      store.is === 'there' &&
      store.marker !== null &&
      store.marker !== 'odd' &&
      store.marker.farm === farm &&
      isDiskIn(folder, path),
  )?.[0] ?? null;

/**
 * From where a disk that gets another place is copied: its own old place in a repository, or a path that the file itself gave
 * it last. What a hand wrote into a cfg is not copied anywhere.
 */
const copiedFrom = (
  path: string,
  owner: Owner,
  key: string,
  live: LiveVm | null,
  { seen, users }: Pick<Place, 'seen' | 'users'>,
): { readonly folder?: string } | Unresolved => {
  const { vdev, farm, uuid } = owner;
  const would = `disk ${vdev} of ${key} would be copied from ${path}`;
  const other = users.of(path).find((u) => u.uuid !== uuid);
  if (other)
    return unresolved(
      'in-use',
      `${would}, which ${other.name} on ${other.server} has`,
      `take it out of ${other.name} first`,
    );
  const folder = storeOver(seen, farm, path);
  if (folder !== null) {
    const not = notOwned(storedAt(seen.storage, folder, path), owner);
    return not === null
      ? { folder }
      : unresolved('disk-not-own', `${would}, which ${not}`, `write { adopt: ${path} } and apply that first`);
  }
  const applied = live?.marker?.applied['disks'] as Readonly<Record<string, { readonly path?: unknown }>> | undefined;
  return applied?.[vdev]?.path === path && badPath(path) === null
    ? {}
    : unresolved(
        'disk-not-own',
        `${would}, which is not in a repository and was not given by the file`,
        `write path: ${path} and apply that first, if that is its disk`,
      );
};

/** What is to be done so that a disk which is there becomes this VM's; null: it is. */
const takes = (
  farm: string,
  { key }: VmSpec,
  vdev: string,
  path: string,
  { repository, folder, size }: AdoptedDisk,
  format: string | undefined,
  own: string | null,
  { seen, users }: Place,
): TakenDisk | Unresolved | null => {
  const stored = storedAt(seen.storage, folder, path);
  if (stored === undefined) return null;
  if (!stored?.there) {
    const help = 'correct the path, or write a `size` and have it made';
    return unresolved('disk-missing', `disk ${vdev} of ${key} is not there: ${path}`, help);
  }
  const { marker } = stored;
  if (stored.special)
    return unresolved('path-astray', `${path} is a link or a device, which may lead anywhere`, 'name the disk itself');
  if (marker === 'odd')
    return unresolved('marker-unreadable', `the marker of ${path} cannot be read`, 'mend it, or move it away');
  if (marker && marker.farm !== farm)
    return unresolved('disk-foreign', `${path} is a disk of farm ${marker.farm}`, 'one disk belongs to one farm');
  const other = users.of(path).find((u) => u.uuid !== own || own === null);
  if (other) {
    const why = `${path} is a disk of ${other.name} on ${other.server}`;
    return unresolved('in-use', why, `take it out of ${other.name} first, or delete that VM`);
  }
  if (marker?.vm === key && marker.vdev === vdev && (own === null || marker.uuid === own)) return null;
  const kib = marker?.size ?? size;
  if (kib === undefined)
    return unresolved(
      'disk-size-unknown',
      `nothing tells how large ${path} is`,
      'write its `size` beside `adopt` (`qemu-img info` tells it)',
    );
  const as = format ?? marker?.as ?? (path.endsWith('.qcow2') ? 'qcow2' : 'raw');
  return { repository, folder, vdev, path, size: kib, format: as, was: marker };
};

interface Place {
  readonly farm: string;
  /** The server where it is, or where it is to be. */
  readonly seen: ServerSeen;
  readonly users: Users;
  /** False: disks that are to get another place keep the one they have. */
  readonly moving?: boolean;
}

/** `held`: by vdev, where its disks are, of a VM whose cfg went with its server. */
export const settleDisks = (
  spec: VmSpec,
  live: LiveVm | null,
  place: Place,
  held: Readonly<Record<string, string>> = table(),
): Settled | Unresolved => {
  const { farm, seen } = place;
  const all = Object.entries(spec.disks ?? {});
  const seeded = settleSeed(farm, spec, live, held);
  const disks: Record<string, DiskSpec> = table(seeded.disks);
  if (!all.some(([, d]) => d.made ?? d.adopt)) {
    const own = Object.keys(disks).length === 0 ? spec.disks : { ...spec.disks, ...disks };
    return { spec: { ...spec, disks: own }, make: [], grow: [], adopt: [], move: [], seed: seeded.seed };
  }
  const make: NewDisk[] = [];
  const grow: GrownDisk[] = [];
  const adopt: TakenDisk[] = [];
  const move: NewDisk[] = [];
  for (const [vdev, d] of all) {
    disks[vdev] = d;
    if (d.adopt && spec.state !== 'absent') {
      const taken = takes(farm, spec, vdev, d.path, d.adopt, d.format, live?.uuid ?? null, place);
      if (taken && 'unresolved' in taken) return taken;
      if (taken) {
        adopt.push(taken);
        disks[vdev] = { ...d, format: taken.format };
      }
    }
    const { made } = d;
    if (!made) continue;
    const now = live?.record?.config?.disks[vdev] ?? live?.domain?.disks.find((k) => k.vdev === vdev);
    const had = now?.path ?? held[vdev] ?? null;
    const owner = ownerOf(spec, live, farm, vdev);
    const kept = had === null ? null : storedAt(seen.storage, made.folder, had)?.marker;
    const was = now && 'format' in now ? now.format : kept && kept !== 'odd' ? kept.as : 'raw';
    const elsewhere = had !== null && !had.startsWith(`${disksFolder(made.folder)}/`);
    if (had !== null && spec.state !== 'absent' && (elsewhere || (d.format ?? was) !== was)) {
      if (was !== 'raw' && was !== 'qcow2')
        return unresolved(
          'disk-format-fixed',
          `disk ${vdev} of ${spec.key} is ${was}, and is not moved`,
          `write path: ${had}`,
        );
      const to = d.format ?? (isVolumeGroup(made.folder) ? 'raw' : was);
      if (place.moving === false) {
        disks[vdev] = { ...d, path: had, format: was };
        continue;
      }
      const source = copiedFrom(had, owner, spec.key, live, place);
      if ('unresolved' in source) return source;
      const path = freePath(owner, spec, made, to, seen);
      disks[vdev] = { ...d, path, format: to };
      move.push({ ...made, vdev, path, format: to, from: { template: null, path: had, format: was, ...source } });
      continue;
    }
    const wrong = had === null || spec.state === 'absent' ? null : trouble(spec.key, had, made, owner, seen);
    if (wrong) return wrong;
    const from = had === null ? null : smaller(had, made, seen);
    const format = d.format ?? (had === null ? 'raw' : was);
    if (from !== null && format !== 'raw' && live?.domain) {
      return unresolved(
        'disk-open',
        `disk ${vdev} of ${spec.key} is to grow, and its QEMU has it open`,
        `stop ${spec.key} first (state: stopped): a ${format} disk grows while nobody uses it`,
      );
    }
    const path = had ?? freePath(owner, spec, made, format, seen);
    disks[vdev] = { ...d, path, ...(had === null ? {} : { format }) };
    if (had === null && spec.state !== 'absent') make.push({ ...made, vdev, path, format });
    const { from: _, ...rest } = made;
    if (from !== null) grow.push({ ...rest, vdev, path, format, from });
  }
  return { spec: { ...spec, disks }, make, grow, adopt, move, seed: seeded.seed };
};
