/** What the reading tells of stores and paths: looked at one by one, and left alone where nobody answers. */
import { Buffer } from 'node:buffer';
import { isVolumeGroup } from '../kinds/repository/live.ts';
import { dfLines } from './df.ts';
import { volumeAt } from './lvm.ts';
import { Stuck } from './mounts.ts';
import type { World } from './world.ts';

interface Looked {
  /** One character a byte. */
  readonly lines: readonly string[];
  /** The look was killed: its bound has passed. */
  readonly stuck: boolean;
}

/** What `read -r` makes of the first line; one of more than 8 KiB counts as empty. */
const firstLine = (text: string): string => {
  const [line = ''] = text.split('\n');
  return Buffer.byteLength(line) > 8192 ? '' : line;
};

/** A line as the shell writes it: of more than 400 bytes in pieces. */
const pieces = (number: number, line: string): readonly string[] => {
  const out: string[] = [];
  let rest = Buffer.from(line).toString('latin1');
  for (; rest.length > 400; rest = rest.slice(400)) out.push(`${number}+${rest.slice(0, 400)}`);
  return [...out, `${number} ${rest}`];
};

const isOdd = (name: string): boolean => /[\x00-\x1f\x7f]/.test(name);

const store = (world: World, path: string, say: (line: string) => void): void => {
  const { files } = world;
  say(`store ${path}`);
  if (files.resolve(path)?.is === 'dir') {
    say('folder');
    const marker = `${path}.reeve.json`;
    const plain = (name: string): boolean => files.get(`${path}${name}`)?.is === 'file';
    const isLink = (name: string): boolean => files.get(`${path}${name}`)?.is === 'link';
    const lineOf = (file: string): string => (plain(file) ? firstLine(files.text(`${path}${file}`) ?? '') : '');
    if (files.exists(marker)) say(`marker ${lineOf('.reeve.json')}`);
    if (files.list(path).length > 0) say('used');
    for (const name of ['disks', 'images', 'leases', 'suspended', 'autostart'])
      if (isLink(name)) say(`special ${name}`);
    const known = (folder: string, end = ''): readonly string[] => {
      const there = files.list(`${path}${folder}`).filter((n) => !n.startsWith('.') && n.endsWith(end));
      for (const _ of there.filter(isOdd)) say('odd');
      return there.filter((n) => !isOdd(n));
    };
    const is = (word: string, folder: string, name: string): void =>
      say(plain(`${folder}/${name}`) ? `${word} ${name}` : `special ${folder}/${name}`);
    for (const [folder, file, owner] of [
      ['disks', 'disk', 'owner'],
      ['images', 'image', 'label'],
    ] as const)
      for (const name of known(folder)) {
        is(file, folder, name);
        if (name.endsWith('.reeve.json')) say(`${owner} ${name}/${lineOf(`${folder}/${name}`)}`);
      }
    for (const name of files.list(`${path}disks`).filter((n) => !n.startsWith('.') && !isOdd(n))) {
      const node = files.get(`${path}disks/${name}`);
      if (node?.is === 'file' && files.exists(`${path}disks/${name}.reeve.json`))
        say(`blocks ${Math.ceil(node.bytes.length / 512)} ${name}`);
    }
    for (const name of known('leases', '.json'))
      if (plain(`leases/${name}`)) say(`lease ${name}/${lineOf(`leases/${name}`)}`);
      else say(`special leases/${name}`);
    for (const name of known('suspended', '.save')) is('saved', 'suspended', name);
    for (const server of known('autostart')) {
      if (isLink(`autostart/${server}`)) say(`special autostart/${server}`);
      for (const name of files.list(`${path}autostart/${server}`))
        if (name.endsWith('.cfg') && isLink(`autostart/${server}/${name}`) && !isOdd(name))
          say(`start ${server}/${name}`);
    }
    say(`df ${dfLines(world, path)[1]}`);
  }
  say('end');
};

const text = (world: World, path: string, say: (line: string) => void): void => {
  say(`text ${path}`);
  const lines = (world.files.text(path) ?? '').split('\n');
  // A last line may lack its end.
  if (lines.at(-1) === '') lines.pop();
  for (const line of lines) say(`line ${line}`);
};

const folder = ({ files }: World, path: string, say: (line: string) => void): void => {
  say(`dir ${path}`);
  for (const name of files.list(path).filter((n) => !n.startsWith('.')))
    if (isOdd(name)) say('odd');
    else say(files.get(`${path}/${name}`)?.is === 'file' ? `file ${name}` : `special ${name}`);
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

/** udev keeps a link to the device for each volume that is open. */
const isVolume = (world: World, path: string): boolean =>
  isVolumeGroup(path) && world.files.exists(path) && volumeAt(world, path.slice('/dev/'.length)) !== null;

/** The section `paths`: every store by itself, and beside them the plain paths, of which a dead one hides the rest. */
export const lookAt = (world: World, paths: readonly string[]): Looked => {
  const stores = paths
    .filter((p) => p.endsWith('/') && !isVolumeGroup(p))
    .map((path, i) => look((say) => store(world, path, (line) => pieces(i + 1, line).forEach(say))));
  const plain = look((write) => {
    const say = (line: string): void => pieces(0, line).forEach(write);
    for (const path of paths.filter((p) => !p.endsWith('/')))
      if (path.startsWith('text:')) text(world, path.slice('text:'.length), say);
      else if (path.startsWith('cfg:')) {
        const cfg = path.slice('cfg:'.length);
        say(`${world.files.exists(cfg) ? 'there' : 'missing'} ${cfg}`);
      } else if (path.startsWith('dir:')) folder(world, path.slice('dir:'.length), say);
      else {
        say(`${world.files.exists(path) ? 'there' : 'missing'} ${path}`);
        for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/'))))
          if (world.files.get(at)?.is === 'link' || isVolume(world, at)) say(`special ${at}`);
      }
  });
  const all = [...stores, plain];
  return { lines: all.flatMap((l) => l.lines), stuck: all.some((l) => l.stuck) };
};
