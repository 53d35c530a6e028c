/** The disks and CD drives of a wanted VM: the file's, with what it leaves open kept as found. */
import { table } from '../../core/table.ts';
import type { Books } from './facts.ts';
import type { Marker } from './live.ts';
import { scriptName } from './script.ts';
import type { CdromSpec, DiskConfig, DiskSpec, VmConfig, VmSpec } from './spec.ts';

type Applied = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * What the file says of a map of devices. `kept`: nothing, and all that is there stays. `others`: those that it never named
 * stay beside its own. `applied`: what it said when it was last applied.
 */
export type Group =
  | { readonly is: 'kept' }
  | { readonly is: 'set'; readonly others: boolean; readonly applied: Applied };

/**
 * All devices of a VM that Reeve made are the file's once it has named one, so that another is a hand's. What an adopted VM
 * had is its owner's until the file names it; what the file has named and names no more goes.
 */
export const settleGroup = (
  group: 'disks' | 'cdrom' | 'nics',
  set: Readonly<Record<string, unknown>> | undefined,
  { base, marker }: { readonly base: boolean; readonly marker: Marker | null },
  { governed, released, applied }: Books,
): Group => {
  const before = marker?.applied[group] as Applied | undefined;
  const made = marker?.origin === 'created';
  if (set === undefined) {
    if (!base) return { is: 'set', others: false, applied: table() };
    if (before === undefined) return { is: 'kept' };
    if (!made) {
      released.push(group);
      return { is: 'kept' };
    }
    governed.add(group);
    return { is: 'set', others: false, applied: before };
  }
  applied[group] = set;
  const others = base && !(made && before !== undefined);
  if (!others) governed.add(group);
  else
    for (const name of new Set([...Object.keys(set), ...Object.keys(before ?? {})])) governed.add(`${group}.${name}`);
  return { is: 'set', others, applied: before ?? table() };
};

/** A value that the file says nothing of: kept as found, unless it was the file that had said it. */
export const rest = <T>(set: T | undefined, said: unknown, found: T | undefined, fallback: T): T =>
  set ?? (said === undefined || said === null ? (found ?? fallback) : fallback);

const scriptWord = 'script=';

/** Its hotplug script, by name, among the words of a disk string that Reeve has no field for. */
export const scriptIn = (extra: readonly string[]): string | null => {
  const word = extra.find((x) => x.startsWith(scriptWord));
  return word === undefined ? null : scriptName(word.slice(scriptWord.length));
};

const withScript = (extra: readonly string[], script: string | undefined): readonly string[] =>
  script === undefined || scriptIn(extra) === script
    ? extra
    : [...extra.filter((x) => !x.startsWith(scriptWord)), `${scriptWord}${script}`];

/** Of those that are there, the ones that the file has never named. */
const unnamed = <T>(found: Readonly<Record<string, T>> | undefined, group: Group): Readonly<Record<string, T>> =>
  group.is === 'set' && group.others
    ? table(Object.entries(found ?? {}).filter(([name]) => !Object.hasOwn(group.applied, name)))
    : table();

/** Beside others all that was there stays in its place, since a bootloader takes the first; new ones come last. */
const inOrder = (
  found: Readonly<Record<string, unknown>> | undefined,
  set: Readonly<Record<string, unknown>>,
  group: Group,
): readonly string[] => {
  const mine = Object.keys(set).sort();
  return group.is === 'set' && group.others ? [...new Set([...Object.keys(found ?? {}), ...mine])] : mine;
};

export const resolveDisks = (
  spec: VmSpec,
  base: VmConfig | null,
  marker: Marker | null,
  books: Books,
): Record<string, DiskConfig> => {
  const group = settleGroup('disks', spec.disks, { base: base !== null, marker }, books);
  if (group.is === 'kept') return table(base?.disks);
  const set: Readonly<Record<string, DiskSpec>> = spec.disks ?? table();
  const stays = unnamed(base?.disks, group);
  const out: Record<string, DiskConfig> = table();
  for (const vdev of inOrder(base?.disks, set, group)) {
    const disk = set[vdev];
    const other = stays[vdev];
    if (!disk) {
      if (other) out[vdev] = other;
      continue;
    }
    const found = base?.disks[vdev];
    const kept = found?.path === disk.path ? found : undefined;
    const said = group.applied[vdev];
    out[vdev] = {
      path: disk.path,
      access: disk.access === 'ro' ? 'ro' : 'rw',
      shared: disk.access === 'shared',
      format: rest(disk.format, said?.['format'], kept?.format, 'raw'),
      backend: rest(disk.backend, said?.['backend'], kept?.backend ?? undefined, null),
      extra: withScript(kept?.extra ?? [], disk.script),
    };
  }
  return out;
};

export const resolveCdroms = (
  spec: VmSpec,
  base: VmConfig | null,
  marker: Marker | null,
  books: Books,
): VmConfig['cdroms'] => {
  const group = settleGroup('cdrom', spec.cdroms, { base: base !== null, marker }, books);
  if (group.is === 'kept') return base?.cdroms ?? table();
  const set: Readonly<Record<string, CdromSpec>> = spec.cdroms ?? table();
  const stays = unnamed(base?.cdroms, group);
  return table(
    inOrder(base?.cdroms, set, group).flatMap((vdev) => {
      const drive = set[vdev];
      const found = drive ? { path: drive.path ?? '' } : stays[vdev];
      return found ? [[vdev, found] as const] : [];
    }),
  );
};
