/** What the reading tells of stores and paths: looked at one by one, and left alone where nobody answers. */
import { isVolumeGroup } from '../kinds/repository/live.ts';
import { dfLines } from './df.ts';
import { Stuck } from './mounts.ts';
import type { World } from './world.ts';

interface Looked {
  readonly lines: readonly string[];
  /** The look was killed: its bound has passed. */
  readonly stuck: boolean;
}

/** What `read -r` makes of the first line. */
const firstLine = (text: string): string => (text.split('\n')[0] ?? '').replace(/^[ \t]+|[ \t]+$/g, '');

const store = (world: World, path: string, say: (line: string) => void): void => {
  const { files } = world;
  say(`store ${path}`);
  if (files.resolve(path)?.is === 'dir') {
    say('folder');
    const marker = `${path}.reeve.json`;
    if (files.exists(marker)) say(`marker ${firstLine(files.text(marker) ?? '')}`);
    // The shell's patterns find no name that begins with two dots, and no link that leads nowhere.
    if (files.list(path).some((n) => !n.startsWith('..') && files.exists(`${path}${n}`))) say('used');
    for (const name of files.list(`${path}disks`).filter((n) => !n.startsWith('.'))) {
      if (files.exists(`${path}disks/${name}`)) say(`disk ${name}`);
      if (name.endsWith('.reeve.json')) say(`owner ${name} ${firstLine(files.text(`${path}disks/${name}`) ?? '')}`);
    }
    for (const name of files.list(`${path}images`).filter((n) => !n.startsWith('.'))) {
      if (files.exists(`${path}images/${name}`)) say(`image ${name}`);
      if (name.endsWith('.reeve.json')) say(`label ${name} ${firstLine(files.text(`${path}images/${name}`) ?? '')}`);
    }
    for (const name of files.list(`${path}suspended`).filter((n) => n.endsWith('.save'))) say(`saved ${name}`);
    for (const name of files.list(`${path}leases`).filter((n) => n.endsWith('.json')))
      say(`lease ${name} ${firstLine(files.text(`${path}leases/${name}`) ?? '')}`);
    say(`df ${dfLines(world, path)[1]}`);
  }
  say('end');
};

const text = (world: World, path: string, say: (line: string) => void): void => {
  say(`text ${path}`);
  const lines = (world.files.text(path) ?? '').split('\n');
  // A last line may lack its end.
  if (lines.at(-1) === '') lines.pop();
  for (const line of lines) say(`line ${line.replace(/^[ \t]+|[ \t]+$/g, '')}`);
};

/** What was said until it was done or stuck. */
const look = (act: (say: (line: string) => void) => void): Looked => {
  const lines: string[] = [];
  try {
    act((line) => lines.push(line));
    return { lines, stuck: false };
  } catch (error) {
    if (error instanceof Stuck) return { lines, stuck: true };
    throw error;
  }
};

/** The section `paths`: every store by itself, and beside them the plain paths, of which a dead one hides the rest. */
export const lookAt = (world: World, paths: readonly string[]): Looked => {
  const stores = paths
    .filter((p) => p.endsWith('/') && !isVolumeGroup(p))
    .map((path, i) => look((say) => store(world, path, (line) => say(`${i + 1} ${line}`))));
  const plain = look((say) => {
    for (const path of paths.filter((p) => !p.endsWith('/')))
      if (path.startsWith('text:')) text(world, path.slice('text:'.length), say);
      else say(`${world.files.exists(path) ? 'there' : 'missing'} ${path}`);
  });
  const all = [...stores, plain];
  return { lines: all.flatMap((l) => l.lines), stuck: all.some((l) => l.stuck) };
};
