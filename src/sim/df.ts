/** `df -Pk PATH`: the file system that a path lies on, and its room. */
import { normal, type Files } from './files.ts';
import { mountOver } from './mounts.ts';
import { failed, said, type Program } from './process.ts';
import type { World } from './world.ts';

interface Room {
  readonly source: string;
  readonly path: string;
  readonly size: number;
  readonly used: number;
  readonly free: number;
}

/** The root file system keeps some blocks back. */
const root = { source: '/dev/xvda1', path: '/', size: 8_125_880, used: 1_826_044, free: 5_865_480 };

const kibIn = (files: Files, folder: string): number =>
  files.list(folder).reduce((sum, name) => {
    const path = `${folder}/${name}`;
    const node = files.get(path);
    return (
      sum + (node?.is === 'file' ? Math.ceil(node.bytes.length / 1024) : node?.is === 'dir' ? kibIn(files, path) : 0)
    );
  }, 0);

const roomAt = ({ files }: World, path: string): Room => {
  const mount = mountOver(files.mounts, normal(path));
  if (mount === undefined) return files.trouble.full ? { ...root, used: root.used + root.free, free: 0 } : root;
  const size = mount.export.sizeKiB;
  const used = mount.export.files.trouble.full ? size : Math.min(size, kibIn(mount.export.files, ''));
  return { source: mount.source, path: mount.path, size, used, free: size - used };
};

/** Header and line, in columns as wide as they need be. Throws `Stuck` where it would sleep. */
export const dfLines = (world: World, path: string): readonly [string, string] => {
  world.files.resolve(path);
  const { source, path: point, size, used, free } = roomAt(world, path);
  const percent = used + free === 0 ? '-' : `${Math.ceil((used * 100) / (used + free))}%`;
  const wide = Math.max(14, source.length);
  const columns = [
    ['1024-blocks', `${size}`],
    ['Used', `${used}`],
    ['Available', `${free}`],
    ['Capacity', percent],
  ] as const;
  const width = (a: string, b: string): number => Math.max(a.length, b.length, 5);
  const row = (first: string, last: string, of: 0 | 1): string =>
    [first.padEnd(wide), ...columns.map((c) => c[of].padStart(width(c[0], c[1]))), last].join(' ');
  return [row('Filesystem', 'Mounted on', 0), row(source, point, 1)];
};

export const df: Program = async (world, _process, argv) => {
  const flags = argv.filter((a) => a.startsWith('-')).join('');
  const path = argv.find((a) => !a.startsWith('-')) ?? '/';
  if (!flags.includes('P') || !flags.includes('k')) return failed(1, 'df: the simulated dom0 knows -Pk only\n');
  if (!world.files.exists(path)) return failed(1, `df: ${path}: No such file or directory\n`);
  return said(
    dfLines(world, path)
      .map((l) => `${l}\n`)
      .join(''),
  );
};
