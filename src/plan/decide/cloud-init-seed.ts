/** The seed that cloud-init reads: made with its VM, and kept as it was then. */
import { digestOf, digestText } from '../../core/digest.ts';
import { serversOwnFolder } from '../../kinds/image/spec.ts';
import { disksFolder, isVolumeGroup } from '../../kinds/repository/live.ts';
import type { NewSeed } from '../../kinds/vm/draft.ts';
import type { LiveVm } from '../../kinds/vm/live.ts';
import type { DiskSpec, VmSpec } from '../../kinds/vm/spec.ts';

/** The last of the paravirtual ones; cloud-init looks at labels. */
const vdev = 'xvdz';

const looks = /-seed-[0-9a-f]{8}\.iso$/;

/** Beside the VM's own disks, where those are files. */
const homeOf = (spec: VmSpec): Pick<NewSeed, 'repository' | 'folder'> => {
  const made = Object.values(spec.disks ?? {}).find((d) => d.made && !isVolumeGroup(d.made.folder))?.made;
  return made ? { repository: made.repository, folder: made.folder } : { repository: null, folder: serversOwnFolder };
};

export const settleSeed = (
  farm: string,
  spec: VmSpec,
  live: LiveVm | null,
  held: Readonly<Record<string, string>>,
): { readonly disks: Readonly<Record<string, DiskSpec>>; readonly seed: NewSeed | null } => {
  const none = { disks: {}, seed: null };
  if (!spec.cloudInit || spec.state === 'absent') return none;
  const disk = (path: string): Readonly<Record<string, DiskSpec>> => ({
    [vdev]: { path, access: 'ro', format: 'raw', backend: undefined },
  });
  const left = held[vdev];
  if (live === null && left !== undefined && looks.test(left)) return { disks: disk(left), seed: null };
  if (live) {
    const had = live.record?.config?.disks[vdev]?.path ?? live.domain?.disks.find((d) => d.vdev === vdev)?.path;
    return had !== undefined && looks.test(had) && spec.disks ? { disks: disk(had), seed: null } : none;
  }
  const home = homeOf(spec);
  const id = digestText(`${farm}/${spec.pool}/${spec.key}`).slice(0, 8);
  const path = `${disksFolder(home.folder)}/${spec.key}-seed-${id}.iso`;
  return { disks: disk(path), seed: { ...home, vdev, path, seed: spec.cloudInit } };
};

/** What the file says now and the VM was not made with; null: nothing. */
export const unseeded = (spec: VmSpec, live: LiveVm | null): string | null => {
  const now = spec.cloudInit && digestOf(spec.cloudInit);
  if (!live || now === undefined || live.marker?.applied['cloudInit'] === now) return null;
  return `${spec.key}: its cloudInit is not what it was made with, and is not replayed: it counts when a VM is made`;
};
