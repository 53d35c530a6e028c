/** The tools of LVM that tell, make, tag, rename, grow and remove the volumes of a dom0. */
import {
  parse,
  noGroup,
  missing,
  noVolume,
  human,
  rounded,
  badName,
  misused,
  badTag,
  retagged,
  selects,
} from './lvm-words.ts';
import { pathsOf } from './mount.ts';
import { failed, fine, said, type Program, type Result } from './process.ts';
import { extentKiB, freeOf, type Volume, type VolumeGroup } from './volumes.ts';
import type { World } from './world.ts';
import { table } from '../core/table.ts';

/** A report of one kind, as LVM indents it. */
const report = (kind: 'vg' | 'lv', rows: readonly Readonly<Record<string, string>>[]): string => {
  const line = (row: Readonly<Record<string, string>>): string =>
    `{${Object.entries(row)
      .map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`)
      .join(', ')}}`;
  const body = rows.map((r) => `                  ${line(r)}`).join(',\n');
  return `  {\n      "report": [\n          {\n              "${kind}": [\n${body}${body === '' ? '' : '\n'}              ]\n          }\n      ]\n  }\n`;
};

const sorted = <T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : 1));

const kibText = (n: number): string => n.toFixed(2);

export const vgsText = ({ groups }: World): string =>
  report(
    'vg',
    sorted(groups).map(([name, g]) => ({
      vg_name: name,
      vg_uuid: g.uuid,
      vg_size: kibText(g.sizeKiB),
      vg_free: kibText(freeOf(g)),
      vg_lock_type: g.lock,
      vg_tags: g.tags.join(','),
    })),
  );

export const lvsText = ({ groups }: World): string =>
  report(
    'lv',
    sorted(groups).flatMap(([name, g]) =>
      sorted(g.volumes).map(([lv, v]) => ({
        vg_name: name,
        lv_name: lv,
        lv_size: kibText(v.sizeKiB),
        lv_tags: v.tags.join(','),
      })),
    ),
  );

/** `GROUP/VOLUME` */
export const volumeAt = (
  { groups }: World,
  path = '',
): { group: VolumeGroup; volume: Volume; vg: string; lv: string } | null => {
  const [vg = '', lv = ''] = path.split('/');
  const group = groups.get(vg);
  const volume = group?.volumes.get(lv);
  return group && volume ? { group, volume, vg, lv } : null;
};

/** As device mapper writes it. */
const mapped = (word: string): string => word.replaceAll('-', '--');

const node = (vg: string, lv: string): string => `/dev/${vg}/${lv}`;

/** It has a node on this dom0. */
const isOpen = (world: World, vg: string, lv: string): boolean => world.files.resolve(node(vg, lv))?.is === 'file';

const bytesOf = (world: World, vg: string, lv: string): Uint8Array => {
  const file = world.files.resolve(node(vg, lv));
  return file?.is === 'file' ? file.bytes : (world.groups.get(vg)?.volumes.get(lv)?.kept ?? new Uint8Array());
};

/** Its bytes, in its node where it has one. */
const fill = (world: World, vg: string, lv: string, volume: Volume, bytes: Uint8Array): void => {
  volume.kept = bytes;
  if (isOpen(world, vg, lv)) world.files.put(node(vg, lv), bytes, 0o660, volume.sizeKiB);
};

const drop = (world: World, vg: string, lv: string): void => {
  world.files.drop(node(vg, lv));
  // udev keeps no folder of a group without open volumes.
  if (world.files.list(`/dev/${vg}`).length === 0) world.files.rmdir(`/dev/${vg}`);
};

const lvcreate: Program = async (world, process, argv) => {
  const { all, words } = parse(argv);
  const [lv = ''] = all('-n');
  const [vg = ''] = words;
  const bad = badName(lv);
  const refused = bad === null ? badTag(argv) : misused('lvcreate', bad);
  if (refused) return refused;
  // One at a time has the group: what it looks at is what it changes.
  await process.sleep(200);
  const group = world.groups.get(vg);
  if (!group) return noGroup(vg);
  if (group.volumes.has(lv)) return failed(5, `  Logical Volume "${lv}" already exists in volume group "${vg}"\n`);
  // Another dom0 removed one of that name that was open here.
  if (isOpen(world, vg, lv)) {
    const why = `device-mapper: create ioctl on ${mapped(vg)}-${mapped(lv)} LVM-${group.uuid.replaceAll('-', '')} failed: Device or resource busy`;
    return failed(5, `  ${why}\n  Failed to activate new LV ${vg}/${lv}.\n`);
  }
  const { sizeKiB, said: out } = rounded(all('-L')[0] ?? '', 'Rounding up size to full physical extent', '');
  const free = freeOf(group);
  if (sizeKiB > free) {
    const counts = `(${free / extentKiB} extents): ${sizeKiB / extentKiB} required.`;
    return { rc: 5, out, err: `  Volume group "${vg}" has insufficient free space ${counts}\n` };
  }
  const auto = all('--setautoactivation')[0] !== 'n';
  group.volumes.set(lv, { sizeKiB, tags: retagged([], argv), auto, kept: new Uint8Array() });
  world.files.put(node(vg, lv), group.left, 0o660, sizeKiB);
  group.left = new Uint8Array();
  return said(`${out}  Logical volume "${lv}" created.\n`);
};

/** What is added begins with what a removed volume left there. */
const grownBytes = (old: Uint8Array, sizeKiB: number, left: Uint8Array): Uint8Array => {
  if (left.length === 0) return old;
  const bytes = new Uint8Array(sizeKiB * 1024 + left.length);
  bytes.set(old);
  bytes.set(left, sizeKiB * 1024);
  return bytes;
};

const lvextend: Program = async (world, _process, argv) => {
  const { all, words } = parse(argv);
  const [path = ''] = words;
  const it = volumeAt(world, path);
  const [vg, lv] = path.split('/');
  if (!it) return missing(world, path, `Logical volume ${lv ?? ''} not found in volume group ${vg ?? ''}.`);
  const boundary = 'Rounding size to boundary between physical extents:';
  const { sizeKiB, said: out } = rounded(all('-L')[0] ?? '', boundary, '.');
  const [was, is, free] = [it.volume.sizeKiB / extentKiB, sizeKiB / extentKiB, freeOf(it.group) / extentKiB];
  const no = (why: string): Result => ({ rc: 5, out, err: `  ${why}\n` });
  if (is === was) return no(`New size (${is} extents) matches existing size (${was} extents).`);
  if (is < was) return no(`New size given (${is} extents) not larger than existing size (${was} extents)`);
  if (is - was > free) return no(`Insufficient free space: ${is - was} extents needed, but only ${free} available`);
  const grown = `from ${human(it.volume.sizeKiB)} (${was} extents) to ${human(sizeKiB)} (${is} extents)`;
  const bytes = grownBytes(bytesOf(world, it.vg, it.lv), it.volume.sizeKiB, it.group.left);
  it.group.left = new Uint8Array();
  it.volume.sizeKiB = sizeKiB;
  fill(world, it.vg, it.lv, it.volume, bytes);
  return said(
    `${out}  Size of logical volume ${path} changed ${grown}.\n  Logical volume ${path} successfully resized.\n`,
  );
};

const lvrename: Program = async (world, _process, argv) => {
  const [vg = '', from = '', to = ''] = parse(argv).words;
  if (from === to) return misused('lvrename', 'Old and new logical volume names must differ');
  const it = volumeAt(world, `${vg}/${from}`);
  if (!it) return missing(world, vg, `Existing logical volume "${from}" not found in volume group "${vg}"`);
  if (it.group.volumes.has(to)) return failed(5, `  Logical Volume "${to}" already exists in volume group "${vg}"\n`);
  const [bytes, open] = [bytesOf(world, vg, from), isOpen(world, vg, from)];
  it.group.volumes.delete(from);
  it.group.volumes.set(to, it.volume);
  if (open) world.files.put(node(vg, to), bytes, 0o660, it.volume.sizeKiB);
  drop(world, vg, from);
  return said(`  Renamed "${from}" to "${to}" in volume group "${vg}"\n`);
};

const inUse = (world: World, path: string): boolean =>
  [...world.domains.values()].some((d) => pathsOf(world, d).includes(`/dev/${path}`));

/** Tags, `-ay`, `-an`; what `-S` leaves out is left alone without a word. */
const lvchange: Program = async (world, _process, argv) => {
  const { words, all } = parse(argv);
  const refused = badTag(argv);
  if (refused) return refused;
  const [select] = all('-S');
  const results = words.map((path): Result => {
    const it = volumeAt(world, path);
    if (!it) return missing(world, path, noVolume(path));
    const { vg, lv, volume } = it;
    if (select !== undefined && !selects(select, lv, volume)) return fine;
    if (argv.includes('-an')) {
      if (inUse(world, path)) return failed(5, `  Logical volume ${path} in use.\n`);
      volume.kept = bytesOf(world, vg, lv);
      drop(world, vg, lv);
      return fine;
    }
    if (argv.includes('-ay')) {
      if (!isOpen(world, vg, lv)) world.files.put(node(vg, lv), volume.kept, 0o660, volume.sizeKiB);
      return fine;
    }
    const [auto] = all('--setautoactivation');
    if (auto !== undefined) volume.auto = auto !== 'n';
    volume.tags = retagged(volume.tags, argv);
    return said(`  Logical volume ${path} changed.\n`);
  });
  return {
    rc: Math.max(...results.map((r) => r.rc)),
    out: results.map((r) => r.out).join(''),
    err: results.map((r) => r.err).join(''),
  };
};

/** `remove NAME…`: the map of a volume, whether LVM still knows that or not. */
const dmsetup: Program = async (world, _process, argv) => {
  const results: Result[] = [];
  const remove = (name: string): Result => {
    const [, vg = '', lv = ''] =
      /^((?:[^-]|--)+)-((?:[^-]|--)+)$/.exec(name)?.map((w) => w.replaceAll('--', '-')) ?? [];
    if (!isOpen(world, vg, lv))
      return failed(1, `device-mapper: remove ioctl on ${name}  failed: No such device or address\nCommand failed.\n`);
    if (inUse(world, `${vg}/${lv}`))
      return failed(1, `device-mapper: remove ioctl on ${name}  failed: Device or resource busy\nCommand failed.\n`);
    const volume = world.groups.get(vg)?.volumes.get(lv);
    if (volume) volume.kept = bytesOf(world, vg, lv);
    drop(world, vg, lv);
    return fine;
  };
  // It stops at the first that fails.
  for (const name of argv.slice(1)) {
    results.push(remove(name));
    if (results.at(-1)?.rc !== 0) break;
  }
  return { rc: Math.max(0, ...results.map((r) => r.rc)), out: '', err: results.map((r) => r.err).join('') };
};

/** As a boot finds them: what is not opened by itself is closed. */
export const openAtBoot = (world: World): void => {
  for (const [vg, group] of world.groups) {
    for (const [lv, volume] of group.volumes) {
      if (volume.auto || !isOpen(world, vg, lv)) continue;
      volume.kept = bytesOf(world, vg, lv);
      drop(world, vg, lv);
    }
  }
};

const vgchange: Program = async (world, _process, argv) => {
  const { all, words } = parse(argv);
  const [vg = ''] = words;
  const refused = badTag(argv);
  if (refused) return refused;
  const group = world.groups.get(vg);
  if (!group) return noGroup(vg);
  const [lock] = all('--lock-type');
  if (lock !== undefined) group.lock = lock === 'none' ? '' : lock;
  group.tags = retagged(group.tags, argv);
  return said(`  Volume group "${vg}" successfully changed\n`);
};

const lvremove: Program = async (world, _process, argv) => {
  const [path = ''] = parse(argv).words;
  const it = volumeAt(world, path);
  if (!it) return missing(world, path, noVolume(path));
  if (inUse(world, path)) return failed(5, `  Logical volume ${path} in use.\n`);
  it.group.left = bytesOf(world, it.vg, it.lv);
  it.group.volumes.delete(it.lv);
  drop(world, it.vg, it.lv);
  return said(`  Logical volume "${it.lv}" successfully removed.\n`);
};

/** Of sh: the extents of one volume become the end of another. */
export const takeOver: Program = async (world, process, [part = '', path = '', size = '']) => {
  if (!volumeAt(world, part)) return missing(world, part, noVolume(part));
  const removed = await lvremove(world, process, ['-q', '-f', part]);
  if (removed.rc !== 0) return removed;
  const extended = await lvextend(world, process, ['-q', '-L', size, path]);
  return { ...extended, out: removed.out + extended.out };
};

/** `blkdiscard -z PATH`. */
const blkdiscard: Program = async (world, process, argv) => {
  const path = argv.at(-1) ?? '';
  const file = world.files.resolve(path);
  if (file === undefined) return failed(1, `blkdiscard: cannot open ${path}: No such file or directory\n`);
  if (file.is !== 'file' || !path.startsWith('/dev/')) return failed(1, `blkdiscard: ${path}: not a block device\n`);
  await process.sleep(300);
  world.files.put(path, new Uint8Array(), file.mode, file.size);
  return fine;
};

export const lvmPrograms: Readonly<Record<string, Program>> = table({
  vgs: async (world) => said(vgsText(world)),
  lvs: async (world) => said(lvsText(world)),
  lvcreate,
  lvextend,
  lvrename,
  lvchange,
  lvremove,
  vgchange,
  dmsetup,
  blkdiscard,
});
