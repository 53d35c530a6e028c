/** The disks that Reeve makes: where each of a VM's is, or is to be. */
import { digestText } from '../../core/digest.ts';
import { formatSize } from '../../core/quantity.ts';
import { diskName, disksFolder, isVolumeGroup, type StoredDisk, type StoreSeen } from '../../kinds/repository/live.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import { pathsUsed, type Users } from '../../kinds/server/users.ts';
import type { GrownDisk, NewDisk, TakenDisk } from '../../kinds/vm/draft.ts';
import type { Unresolved } from '../../kinds/vm/facts.ts';
import type { LiveVm } from '../../kinds/vm/live.ts';
import type { AdoptedDisk, DiskSpec, MadeDisk, VmSpec } from '../../kinds/vm/spec.ts';
import { settleSeed } from './cloud-init-seed.ts';
import type { Settled } from '../model/settled-disks.ts';
import { table } from '../../core/table.ts';

const storeAt = (seen: ServerSeen, folder: string): StoreSeen | undefined => seen.storage.stores[folder];

/** Not at any disk that is or was there: a name that is used twice must not meet old bytes. */
const freePath = (
  farm: string,
  spec: VmSpec,
  vdev: string,
  made: MadeDisk,
  format: string,
  seen: ServerSeen,
): string => {
  const store = storeAt(seen, made.folder);
  const folder = disksFolder(made.folder);
  const end = isVolumeGroup(made.folder) ? '' : `.${format}`;
  const known = new Set([
    ...(store?.is === 'there' ? Object.keys(store.disks).map((name) => `${folder}/${name}`) : []),
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

/** How the store keeps it; undefined where that was not seen. */
const storedAt = (seen: ServerSeen, folder: string, path: string): StoredDisk | null | undefined => {
  const store = storeAt(seen, folder);
  return store?.is === 'there' ? (store.disks[diskName(folder, path)] ?? null) : undefined;
};

/** What is wrong with a disk that the VM has already, or null. */
const trouble = (key: string, vdev: string, path: string, made: MadeDisk, seen: ServerSeen): Unresolved | null => {
  const stored = storedAt(seen, made.folder, path);
  if (stored === undefined) return null;
  if (!stored?.there) {
    return {
      unresolved: `disk ${vdev} of ${key} is gone: ${path} is not in repository ${made.repository} any more`,
      help: `bring it back; or delete ${key} (\`state: absent\`) and make it anew`,
    };
  }
  const { marker } = stored;
  if (marker === null || marker === 'odd' || marker.size < made.size + Math.max(1, slack(made.folder))) return null;
  const [is, wanted] = [formatSize(marker.size), formatSize(made.size)];
  return {
    unresolved: `disk ${vdev} of ${key} would shrink from ${is} to ${wanted}`,
    help: `a disk is never shrunk: write size: ${is}`,
  };
};

/** What it is to grow from, in KiB; null: it is large enough, or Reeve does not know how large it is. */
const smaller = (path: string, { folder, size }: MadeDisk, seen: ServerSeen): number | null => {
  const marker = storedAt(seen, folder, path)?.marker;
  return marker && marker !== 'odd' && marker.size < size ? marker.size : null;
};

const unresolved = (why: string, help: string): Unresolved => ({ unresolved: why, help });

/** What is to be done so that a disk which is there becomes this VM's; null: it is. */
const takes = (
  farm: string,
  { key }: VmSpec,
  vdev: string,
  path: string,
  { repository, folder, size }: AdoptedDisk,
  format: string | undefined,
  own: string | null,
  seen: ServerSeen,
  users: Users,
): TakenDisk | Unresolved | null => {
  const stored = storedAt(seen, folder, path);
  if (stored === undefined) return null;
  if (!stored?.there) {
    const help = 'correct the path, or write a `size` and have it made';
    return unresolved(`disk ${vdev} of ${key} is not there: ${path}`, help);
  }
  const { marker } = stored;
  if (marker === 'odd') return unresolved(`the marker of ${path} cannot be read`, 'mend it, or move it away');
  if (marker && marker.farm !== farm)
    return unresolved(`${path} is a disk of farm ${marker.farm}`, 'one disk belongs to one farm');
  const other = users.of(path).find((u) => u.uuid !== own || own === null);
  if (other) {
    const why = `${path} is a disk of ${other.name} on ${other.server}`;
    return unresolved(why, `take it out of ${other.name} first, or delete that VM`);
  }
  if (marker?.vm === key && marker.vdev === vdev && (own === null || marker.uuid === own)) return null;
  const kib = marker?.size ?? size;
  if (kib === undefined)
    return unresolved(
      `nothing tells how large ${path} is`,
      'write its `size` beside `adopt` (`qemu-img info` tells it)',
    );
  const as = format ?? marker?.as ?? (path.endsWith('.qcow2') ? 'qcow2' : 'raw');
  return { repository, folder, vdev, path, size: kib, format: as, was: marker };
};

export const settleDisks = (
  farm: string,
  spec: VmSpec,
  live: LiveVm | null,
  seen: ServerSeen,
  users: Users,
  /** By vdev: where its disks are, of a VM whose cfg went with its server. */
  held: Readonly<Record<string, string>> = table(),
  /** False: disks that are to get another place keep the one they have. */
  moving = true,
): Settled | Unresolved => {
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
      const taken = takes(farm, spec, vdev, d.path, d.adopt, d.format, live?.uuid ?? null, seen, users);
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
    const kept = had === null ? null : storedAt(seen, made.folder, had)?.marker;
    const was = now && 'format' in now ? now.format : kept && kept !== 'odd' ? kept.as : 'raw';
    const elsewhere = had !== null && !had.startsWith(`${disksFolder(made.folder)}/`);
    if (had !== null && spec.state !== 'absent' && (elsewhere || (d.format ?? was) !== was)) {
      if (was !== 'raw' && was !== 'qcow2')
        return unresolved(`disk ${vdev} of ${spec.key} is ${was}, and is not moved`, `write path: ${had}`);
      const to = d.format ?? (isVolumeGroup(made.folder) ? 'raw' : was);
      if (!moving) {
        disks[vdev] = { ...d, path: had, format: was };
        continue;
      }
      const path = freePath(farm, spec, vdev, made, to, seen);
      disks[vdev] = { ...d, path, format: to };
      move.push({ ...made, vdev, path, format: to, from: { template: null, path: had, format: was } });
      continue;
    }
    const wrong = had === null || spec.state === 'absent' ? null : trouble(spec.key, vdev, had, made, seen);
    if (wrong) return wrong;
    const from = had === null ? null : smaller(had, made, seen);
    const format = d.format ?? (had === null ? 'raw' : was);
    if (from !== null && format !== 'raw' && live?.domain) {
      return unresolved(
        `disk ${vdev} of ${spec.key} is to grow, and its QEMU has it open`,
        `stop ${spec.key} first (state: stopped): a ${format} disk grows while nobody uses it`,
      );
    }
    const path = had ?? freePath(farm, spec, vdev, made, format, seen);
    disks[vdev] = { ...d, path, ...(had === null ? {} : { format }) };
    if (had === null && spec.state !== 'absent') make.push({ ...made, vdev, path, format });
    const { from: _, ...rest } = made;
    if (from !== null) grow.push({ ...rest, vdev, path, format, from });
  }
  return { spec: { ...spec, disks }, make, grow, adopt, move, seed: seeded.seed };
};
