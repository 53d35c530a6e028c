/** The tools of LVM that tell, make, tag, rename, grow and remove the volumes of a dom0. */
import { failed, fine, said, type Program, type Result } from './process.ts';
import { extentKiB, freeOf, type Volume, type VolumeGroup } from './volumes.ts';
import type { World } from './world.ts';

/** A report of one kind, as LVM indents it. */
const report = (kind: 'vg' | 'lv', rows: readonly Readonly<Record<string, string>>[]): string => {
  const line = (row: Readonly<Record<string, string>>): string =>
    `{${Object.entries(row)
      .map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`)
      .join(', ')}}`;
  const body = rows.map((r) => `                  ${line(r)}`).join(',\n');
  return `  {\n      "report": [\n          {\n              "${kind}": [\n${body}${body === '' ? '' : '\n'}              ]\n          }\n      ]\n  }\n`;
};

const kibText = (n: number): string => n.toFixed(2);

export const vgsText = ({ groups }: World): string =>
  report(
    'vg',
    [...groups].map(([name, g]) => ({
      vg_name: name,
      vg_size: kibText(g.sizeKiB),
      vg_free: kibText(freeOf(g)),
      vg_tags: g.tags.join(','),
    })),
  );

export const lvsText = ({ groups }: World): string =>
  report(
    'lv',
    [...groups].flatMap(([name, g]) =>
      [...g.volumes].map(([lv, v]) => ({
        vg_name: name,
        lv_name: lv,
        lv_size: kibText(v.sizeKiB),
        lv_tags: v.tags.join(','),
      })),
    ),
  );

/** The values of options, and the words beside options. `-y -q` and such have none. */
const parse = (argv: readonly string[]) => {
  const valued = new Set(['-n', '-L', '-W', '--addtag', '--deltag']);
  const all = (name: string): readonly string[] => argv.flatMap((a, i) => (argv[i - 1] === name ? [a] : []));
  return { all, words: argv.filter((a, i) => !a.startsWith('-') && !valued.has(argv[i - 1] ?? '')) };
};

const noGroup = (name: string): Result =>
  failed(5, `  Volume group "${name}" not found\n  Cannot process volume group ${name}\n`);
const noVolume = (path: string): Result => failed(5, `  Failed to find logical volume "${path}"\n`);

const rounded = (word = ''): number => Math.ceil(Number(word.replace(/k$/i, '')) / extentKiB) * extentKiB;

const found = ({ groups }: World, path = ''): { group: VolumeGroup; volume: Volume; vg: string; lv: string } | null => {
  const [vg = '', lv = ''] = path.split('/');
  const group = groups.get(vg);
  const volume = group?.volumes.get(lv);
  return group && volume ? { group, volume, vg, lv } : null;
};

const node = (vg: string, lv: string): string => `/dev/${vg}/${lv}`;

const bytesOf = (world: World, vg: string, lv: string): Uint8Array => {
  const file = world.files.resolve(node(vg, lv));
  return file?.is === 'file' ? file.bytes : new Uint8Array();
};

const drop = (world: World, vg: string, lv: string): void => {
  world.files.drop(node(vg, lv));
  // udev keeps no folder of a group without volumes.
  if (world.groups.get(vg)?.volumes.size === 0) world.files.rmdir(`/dev/${vg}`);
};

const lacks = (vg: string, g: VolumeGroup, more: number): Result =>
  failed(
    5,
    `  Volume group "${vg}" has insufficient free space (${freeOf(g) / extentKiB} extents): ${more / extentKiB} required.\n`,
  );

const lvcreate: Program = async (world, process, argv) => {
  const { all, words } = parse(argv);
  const [lv = ''] = all('-n');
  const [vg = ''] = words;
  const group = world.groups.get(vg);
  if (!group) return noGroup(vg);
  if (group.volumes.has(lv)) return failed(5, `  Logical Volume "${lv}" already exists in volume group "${vg}"\n`);
  const sizeKiB = rounded(all('-L')[0]);
  if (sizeKiB > freeOf(group)) return lacks(vg, group, sizeKiB);
  await process.sleep(200);
  group.volumes.set(lv, { sizeKiB, tags: all('--addtag') });
  world.files.put(node(vg, lv), group.left, 0o660, sizeKiB);
  group.left = new Uint8Array();
  return said(`  Logical volume "${lv}" created.\n`);
};

const lvextend: Program = async (world, _process, argv) => {
  const { all, words } = parse(argv);
  const it = found(world, words[0]);
  if (!it) return noVolume(words[0] ?? '');
  const sizeKiB = rounded(all('-L')[0]);
  const [was, is] = [it.volume.sizeKiB / extentKiB, sizeKiB / extentKiB];
  if (is === was) return failed(5, `  New size (${is} extents) matches existing size (${was} extents).\n`);
  if (is < was) return failed(5, `  New size given (${is} extents) not larger than existing size (${was} extents)\n`);
  const more = sizeKiB - it.volume.sizeKiB;
  if (more > freeOf(it.group)) return lacks(it.vg, it.group, more);
  it.volume.sizeKiB = sizeKiB;
  world.files.put(node(it.vg, it.lv), bytesOf(world, it.vg, it.lv), 0o660, sizeKiB);
  return said(`  Logical volume ${it.vg}/${it.lv} successfully resized.\n`);
};

const lvrename: Program = async (world, _process, argv) => {
  const [vg = '', from = '', to = ''] = parse(argv).words;
  const it = found(world, `${vg}/${from}`);
  if (!it) return failed(5, `  Existing logical volume "${from}" not found in volume group "${vg}"\n`);
  if (it.group.volumes.has(to)) return failed(5, `  Logical Volume "${to}" already exists in volume group "${vg}"\n`);
  const bytes = bytesOf(world, vg, from);
  it.group.volumes.delete(from);
  it.group.volumes.set(to, it.volume);
  world.files.put(node(vg, to), bytes, 0o660, it.volume.sizeKiB);
  drop(world, vg, from);
  return said(`  Renamed "${from}" to "${to}" in volume group "${vg}"\n`);
};

const retagged = (tags: readonly string[], argv: readonly string[]): readonly string[] => {
  const { all } = parse(argv);
  const gone = new Set(all('--deltag'));
  return [...new Set([...tags.filter((t) => !gone.has(t)), ...all('--addtag')])];
};

const lvchange: Program = async (world, _process, argv) => {
  const [path = ''] = parse(argv).words;
  const it = found(world, path);
  if (!it) return noVolume(path);
  it.volume.tags = retagged(it.volume.tags, argv);
  return said(`  Logical volume ${path} changed.\n`);
};

const vgchange: Program = async (world, _process, argv) => {
  const [vg = ''] = parse(argv).words;
  const group = world.groups.get(vg);
  if (!group) return noGroup(vg);
  group.tags = retagged(group.tags, argv);
  return said(`  Volume group "${vg}" successfully changed\n`);
};

const lvremove: Program = async (world, _process, argv) => {
  const [path = ''] = parse(argv).words;
  const it = found(world, path);
  if (!it) return noVolume(path);
  const open = [...world.domains.values()].some((d) => d.disks.some((k) => k.path === `/dev/${path}`));
  if (open) return failed(5, `  Logical volume ${path} in use.\n`);
  it.group.left = bytesOf(world, it.vg, it.lv);
  it.group.volumes.delete(it.lv);
  drop(world, it.vg, it.lv);
  return said(`  Logical volume "${it.lv}" successfully removed.\n`);
};

/** `blkdiscard -z PATH`. */
const blkdiscard: Program = async (world, process, argv) => {
  const path = argv.at(-1) ?? '';
  const file = world.files.resolve(path);
  if (file?.is !== 'file') return failed(1, `blkdiscard: cannot open ${path}: No such file or directory\n`);
  await process.sleep(300);
  world.files.put(path, new Uint8Array(), 0o660, file.size);
  return fine;
};

export const lvmPrograms: Readonly<Record<string, Program>> = {
  vgs: async (world) => said(vgsText(world)),
  lvs: async (world) => said(lvsText(world)),
  lvcreate,
  lvextend,
  lvrename,
  lvchange,
  lvremove,
  vgchange,
  blkdiscard,
};
