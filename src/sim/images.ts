/** What makes the files of disks: `truncate` and `qemu-img create`; they take no room here. */
import { failed, fine, type Program, type Result } from './process.ts';
import type { World } from './world.ts';

const made = (world: World, path: string): Result => {
  const why = world.files.exists(path) ? null : world.files.write(path, '');
  return why === null ? fine : failed(1, `cannot open '${path}' for writing: ${why}\n`);
};

/** `truncate -s SIZE PATH`. */
export const truncate: Program = async (world, _process, argv) => made(world, argv.at(-1) ?? '');

/** `qemu-img create … PATH SIZE`. */
export const qemuImg: Program = async (world, process, argv) => {
  if (argv[0] === 'resize')
    return world.files.exists(argv.at(-2) ?? '')
      ? fine
      : failed(1, `qemu-img: Could not open '${argv.at(-2)}': No such file or directory\n`);
  if (argv[0] !== 'create') return failed(1, `qemu-img: Command not found: ${argv[0] ?? ''}\n`);
  await process.sleep(50);
  return made(world, argv.at(-2) ?? '');
};
